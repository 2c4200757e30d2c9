/*
 * page_file.h - writes the page of --html.
 */
#ifndef AVOUCH_CLI_PAGE_FILE_H
#define AVOUCH_CLI_PAGE_FILE_H

#include <stdio.h>

#include "cli/cli.h"

/*
 * Calls `put` to write the page into the file of --html; "-" is standard
 * output.  A file that is there is replaced when the new one is complete.
 * Returns EX_OK, or another status after printing a message.  If `put` returns
 * false, nothing is printed, the file stays as it was, and EX_TEMPFAIL is
 * returned.
 */
int page_file_write(const struct cli *c,
    bool (*put)(FILE *out, const void *arg), const void *arg);

#endif
