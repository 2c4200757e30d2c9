/*
 * callbacks.h - libmilter's callbacks.  They pass their arguments to session.h
 * and turn the verdict into a reply (reply.h).
 */
#ifndef AVOUCH_MILTER_CALLBACKS_H
#define AVOUCH_MILTER_CALLBACKS_H

#include <stdbool.h>

#include "milter/service.h"

/* Registers all callbacks with libmilter.  `tcp`: the MTA connects over TCP.
 * Returns false if memory ran out. */
bool callbacks_register(bool tcp);

/* Removes a connection from the service and frees its session.  Also passed to
 * service_end(), for connections that libmilter did not close. */
void callbacks_leave(struct service_connection *connection);

#endif
