/*
 * callbacks.h - libmilter's callbacks: they pass their arguments to session.h
 * and turn the verdict into a reply (reply.h).
 */
#ifndef AVOUCH_MILTER_CALLBACKS_H
#define AVOUCH_MILTER_CALLBACKS_H

#include <stdbool.h>

#include "milter/service.h"

/* Registers all callbacks with libmilter; `tcp`: the MTA connects over TCP.
 * False: out of memory. */
bool callbacks_register(bool tcp);

/* For service_end(): frees a connection that libmilter did not close. */
void callbacks_leave(struct service_connection *connection);

#endif
