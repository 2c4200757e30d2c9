/*
 * callbacks.h - libmilter's side: its arguments become calls of session.h, the
 * verdict becomes a reply.
 */
#ifndef AVOUCH_MILTER_CALLBACKS_H
#define AVOUCH_MILTER_CALLBACKS_H

#include <stdbool.h>

#include "milter/service.h"

/* Registers all callbacks with libmilter; `tcp`: the MTA comes by TCP.  False:
 * no memory. */
bool callbacks_register(bool tcp);

/* For service_end(): frees a connection that libmilter left. */
void callbacks_leave(struct service_connection *guest);

#endif
