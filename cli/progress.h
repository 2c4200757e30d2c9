/*
 * progress.h - progress bar for long tasks.
 *
 * It is drawn on standard error, if that is a terminal, after half a second and
 * then about ten times a second.
 */
#ifndef AVOUCH_CLI_PROGRESS_H
#define AVOUCH_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool wanted, shown;
	int64_t begin, drawn; /* milliseconds, monotonic */
	uint64_t total;       /* value of `done` when the task is complete */
};

void progress_begin(struct progress *p, uint64_t total);

/* Draws the bar if it is due.  `what` names the items counted by `count`, such
 * as "reports". */
void progress_show(
    struct progress *p, uint64_t done, uint64_t count, const char *what);

/* Erases the bar.  Call it at the end, and before printing anything else. */
void progress_clear(struct progress *p);

#endif
