/*
 * input.h - reads a message from a file or standard input.  Files are mapped,
 * so that a body of any size never has to fit in memory.
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
 * Opens `path`; "-" is standard input.  Returns false with a message of one
 * line in `error`.  If another program truncates the file while it is open, the
 * program exits with a message and EX_DATAERR.
 */
bool input_open(
    struct input *in, const char *path, char *error, size_t error_size);

/* The same for an open file, which can be closed at once.  False: errno is set.
 */
bool input_open_file(struct input *in, int fd);

void input_close(struct input *in);

/* Passes the text after `offset` to `take` in chunks until it returns false. */
void input_body(const struct input *in, size_t offset,
    bool (*take)(void *arg, struct span chunk), void *arg);

#endif
