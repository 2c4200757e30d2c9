/*
 * file.h - reads a whole text file written by an operator.
 */
#ifndef AVOUCH_LIB_FILE_H
#define AVOUCH_LIB_FILE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Returns the file's `*n` bytes; the caller frees them.  If it cannot be read,
 * or has more than `max` bytes, writes one line with the reason to `errors` and
 * returns NULL.
 */
char *file_read(const char *path, size_t max, FILE *errors, size_t *n);

#endif
