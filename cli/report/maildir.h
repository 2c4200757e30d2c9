/*
 * maildir.h - empties the folder "new" of a Maildir: each message is handled
 * once and moved to another folder.
 */
#ifndef AVOUCH_CLI_REPORT_MAILDIR_H
#define AVOUCH_CLI_REPORT_MAILDIR_H

#include <stdbool.h>

#include "cli/cli.h"

enum { MAILDIR_MAILS_MAX = 10000 }; /* per run */

/*
 * Handles the message in `fd`; `path` is used only in error messages.  If the
 * function returns EX_OK, the message is moved to "cur", or to "cur" in the
 * subfolder ".refused" if `*aside` was set.  Any other status ends the run, and
 * the message is left for the next run.
 */
typedef int maildir_take(void *arg, int fd, const char *path, bool *aside);

/* Passes each message to `take`.  Returns EX_OK, EX_TEMPFAIL after printing why
 * the Maildir cannot be used, or the status of `take`. */
int maildir_empty(
    struct cli *c, const char *path, maildir_take *take, void *arg);

#endif
