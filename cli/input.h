/*
 * input.h - reads a message from a file or standard input.  Files are mapped,
 * so a body of any size is never copied to the heap.
 */
#ifndef AVOUCH_CLI_INPUT_H
#define AVOUCH_CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

/* Limit for pipes and terminals, in bytes: their input is copied to a temporary
 * file.  Regular files have no limit. */
#define INPUT_SPOOL_MAX (INT64_C(1) << 30)

struct input {
	struct span text; /* the mapped file */
};

/*
 * Opens `path`; "-" is standard input.  Returns false after writing a one-line
 * message to `error`.  If another process truncates the file while it is open,
 * this process exits with a message and EX_DATAERR.
 */
bool input_open(
    struct input *in, const char *path, char *error, size_t error_size);

/* Like input_open(), but for an open file; the caller may then close `fd`.
 * Returns false with errno set on failure. */
bool input_open_file(struct input *in, int fd);

void input_close(struct input *in);

/* Passes the bytes that start at `offset` to `take`, in chunks, until `take`
 * returns false. */
void input_body(const struct input *in, size_t offset,
    bool (*take)(void *arg, struct span chunk), void *arg);

#endif
