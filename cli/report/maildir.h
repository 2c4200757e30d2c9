/*
 * maildir.h - empties the folder "new" of a Maildir: each mail is handled once
 * and moved away.
 */
#ifndef AVOUCH_CLI_REPORT_MAILDIR_H
#define AVOUCH_CLI_REPORT_MAILDIR_H

#include <stdbool.h>

#include "cli/cli.h"

enum { MAILDIR_MAILS_MAX = 10000 }; /* in one run */

/*
 * Handles the mail of `fd`, whose path is for messages.  Returns EX_OK, and the
 * mail is moved to "cur", or to "cur" of the subfolder ".refused" if `*aside`
 * was set.  Another status ends the run; the mail stays for the next one.
 */
typedef int maildir_take(void *arg, int fd, const char *path, bool *aside);

/* Returns EX_OK, EX_TEMPFAIL after printing why the Maildir cannot be used, or
 * the status of `take`. */
int maildir_empty(
    struct cli *c, const char *path, maildir_take *take, void *arg);

#endif
