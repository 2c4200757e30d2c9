/*
 * file.h - reads a whole file of text that an operator wrote.
 */
#ifndef AVOUCH_LIB_FILE_H
#define AVOUCH_LIB_FILE_H

#include <stddef.h>
#include <stdio.h>

/* Returns the file, `*n` bytes, to be freed.  NULL: it cannot be read, or has
 * more than `max` bytes; one line that says so was written to `errors`. */
char *file_read(const char *path, size_t max, FILE *errors, size_t *n);

#endif
