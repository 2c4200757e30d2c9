/*
 * cmd_doctor.h - avouch sign doctor.
 */
#ifndef AVOUCH_CLI_SIGN_CMD_DOCTOR_H
#define AVOUCH_CLI_SIGN_CMD_DOCTOR_H

#include "cli/cli.h"
#include "conf/conf.h"

/* Exits with 1 if it found something. */
int sign_doctor(struct cli *c, const struct conf *conf);

#endif
