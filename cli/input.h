/*
 * input.h - a message file, or standard input, for the subcommands that read
 * one.  A body of any size is read through, not held.
 */
#ifndef AVOUCH_CLI_INPUT_H
#define AVOUCH_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

/* Bytes taken from what is no file: they are kept on disk.  Files have no
 * limit. */
#define INPUT_SPOOL_MAX (INT64_C(1) << 30)

struct input {
	struct span text; /* mapped: the pages come and go */
};

/*
 * "-" is standard input.  False: `error` says why in one line.  A file that
 * somebody makes shorter while it is open ends the program with a message and
 * EX_DATAERR.
 */
bool input_open(
    struct input *in, const char *path, char *error, size_t error_size);
void input_close(struct input *in);

/* What stands behind `offset` in chunks, until `take` is false. */
void input_body(const struct input *in, size_t offset,
    bool (*take)(void *arg, struct span chunk), void *arg);

#endif
