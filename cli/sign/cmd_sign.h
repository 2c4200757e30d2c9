/*
 * cmd_sign.h - shared by the parts of `avouch sign`.
 */
#ifndef AVOUCH_CLI_SIGN_CMD_SIGN_H
#define AVOUCH_CLI_SIGN_CMD_SIGN_H

#include "cli/cli.h"
#include "conf/conf.h"

/* `avouch sign doctor`: the exit status, 1 if there are findings. */
int sign_doctor(struct cli *c, const struct conf *conf);

/* `avouch sign test`: the exit status, 1 if a message left without a valid
 * signature. */
int sign_test(struct cli *c, const struct conf *conf);

#endif
