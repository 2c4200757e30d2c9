/*
 * listen.h - the socket the MTA connects to.
 *
 * We open it ourselves and give libmilter the descriptor: libmilter sets no
 * TCP_NODELAY (each message then waits 44 ms for a delayed acknowledgement),
 * would take a unix socket away from a daemon that still listens on it, and
 * cannot say who holds an address.
 */
#ifndef AVOUCH_MILTER_LISTEN_H
#define AVOUCH_MILTER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "verify/conf.h"

enum {
	LISTEN_BACKLOG = 1024, /* connections the kernel keeps for us */
	LISTEN_ERROR_MAX = 500,
};

struct listen_socket {
	int fd;           /* -1: libmilter opened it */
	const char *path; /* of a unix socket, in `conf`; else NULL */
	dev_t device;     /* the file as we made it */
	ino_t inode;
};

/*
 * Opens `conf->socket` (unix:/PATH, inet:PORT@ADDRESS, inet6:PORT@ADDRESS; a
 * missing address is the loopback one) with its mode and group.  A unix socket
 * that is left over is removed if nobody listens on it.  False: `error` says in
 * one line what is wrong and who is to be asked.
 */
bool listen_open(
    const struct conf *conf, struct listen_socket *out, struct buf *error);

/* Mode and group of a unix socket; for one that libmilter opened. */
bool listen_own(
    const struct conf *conf, struct listen_socket *s, struct buf *error);

/* Removes the file of a unix socket, if it is still the one we made. */
void listen_remove(const struct listen_socket *s);

#endif
