/*
 * status_signing.h - the lines of `avouch status` about mail of our own.
 */
#ifndef AVOUCH_CLI_STATUS_SIGNING_H
#define AVOUCH_CLI_STATUS_SIGNING_H

#include <jansson.h>

/* `o` has the metrics as cmd_status.c makes them.  Prints nothing if the daemon
 * has had no mail to sign. */
void status_signing(json_t *o);

#endif
