/*
 * input.h - a message file, or standard input, for the subcommands that read
 * one.  A body of any size is read through, not held.
 */
#ifndef AVOUCH_CLI_INPUT_H
#define AVOUCH_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct input {
	struct span text; /* mapped: the pages come and go */
	bool bare_lf;     /* no CRLF in its header: LF stands for it */
};

/* "-" is standard input.  False: `error` says why in one line. */
bool input_open(
    struct input *in, const char *path, char *error, size_t error_size);
void input_close(struct input *in);

/* What stands behind `offset`, with CRLF, in chunks, until `take` is false. */
void input_body(const struct input *in, size_t offset,
    bool (*take)(void *arg, struct span chunk), void *arg);

#endif
