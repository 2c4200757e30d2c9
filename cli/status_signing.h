/*
 * status_signing.h - prints the lines of `avouch status` about our own mail.
 */
#ifndef AVOUCH_CLI_STATUS_SIGNING_H
#define AVOUCH_CLI_STATUS_SIGNING_H

#include <jansson.h>

/* `o` contains the metrics parsed by cmd_status.c.  Prints nothing if the
 * daemon has had no mail to sign. */
void status_signing(json_t *o);

#endif
