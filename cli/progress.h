/*
 * progress.h - a bar on a terminal for work that takes a while.
 *
 * It is drawn on standard error where that is a terminal, from half a second
 * on, some ten times a second.
 */
#ifndef AVOUCH_CLI_PROGRESS_H
#define AVOUCH_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool wanted, shown;
	int64_t begin, drawn; /* milliseconds, monotonic */
	uint64_t total;       /* what `done` comes to in the end */
};

void progress_begin(struct progress *p, uint64_t total);

/* `what` is a word for `count`, such as "reports". */
void progress_show(
    struct progress *p, uint64_t done, uint64_t count, const char *what);

/* Wipes it, so that something else can be printed, or at the end. */
void progress_clear(struct progress *p);

#endif
