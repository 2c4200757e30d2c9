/*
 * listen.h - the socket the MTA connects to.
 *
 * libmilter_quirks.h says why we open it, and not libmilter.
 */
#ifndef AVOUCH_MILTER_LISTEN_H
#define AVOUCH_MILTER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/buf.h"

enum {
	LISTEN_BACKLOG = 1024, /* connections the kernel keeps for us */
	LISTEN_ERROR_MAX = 500,
};

struct listen_options {
	const char *socket; /* unix:/PATH, inet:PORT@ADDRESS, inet6:... */
	unsigned mode;      /* of a unix socket */
	const char *group;  /* NULL: as it is */
	const char *user;   /* who will run the daemon; NULL: as it is */
};

struct listen_socket {
	int fd;           /* -1: libmilter opened it, or there is none */
	const char *path; /* of a unix socket, in the wish; else NULL */
	dev_t device;     /* the file as we made it */
	ino_t inode;
};

/*
 * Opens the socket; a missing address is the loopback one.  A unix socket that
 * is left over is removed if nobody listens on it.  The texts of `wish` must
 * stay.  False: `error` says in one line what is wrong and who is to be asked.
 */
bool listen_open(const struct listen_options *wish, struct listen_socket *out,
    struct buf *error);

/* Mode, owner and group of a unix socket; for one that libmilter opened. */
bool listen_own(const struct listen_options *wish, struct listen_socket *s,
    struct buf *error);

/* Closes it, if it is still ours, and removes the file of a unix socket, if it
 * is still the one we made. */
void listen_close(struct listen_socket *s);

#endif
