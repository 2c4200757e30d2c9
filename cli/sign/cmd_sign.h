/*
 * cmd_sign.h - declarations shared by the parts of `avouch sign`.
 */
#ifndef AVOUCH_CLI_SIGN_CMD_SIGN_H
#define AVOUCH_CLI_SIGN_CMD_SIGN_H

#include "cli/cli.h"
#include "conf/conf.h"

/* Runs `avouch sign doctor`.  Returns the exit status: 1 if it found a
 * problem. */
int sign_doctor(struct cli *c, const struct conf *conf);

/* Runs `avouch sign test`.  Returns the exit status: 1 if a message arrived
 * without a valid signature, or not at all. */
int sign_test(struct cli *c, const struct conf *conf);

#endif
