/*
 * page_file.h - writes the HTML page for --html.
 */
#ifndef AVOUCH_CLI_PAGE_FILE_H
#define AVOUCH_CLI_PAGE_FILE_H

#include <stdio.h>

#include "cli/cli.h"

/*
 * Calls `put` to write the page to the file given with --html; "-" is standard
 * output.  An existing file is replaced when the new one is complete.  Returns
 * EX_OK, or another status after printing a message.  If `put` returns false,
 * prints nothing, leaves the file unchanged, and returns EX_TEMPFAIL.
 */
int page_file_write(const struct cli *c,
    bool (*put)(FILE *out, const void *arg), const void *arg);

#endif
