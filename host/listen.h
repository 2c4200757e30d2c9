/*
 * listen.h - the socket the MTA connects to.
 *
 * libmilter_quirks.h says why libmilter does not open it itself.
 */
#ifndef AVOUCH_HOST_LISTEN_H
#define AVOUCH_HOST_LISTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "lib/buf.h"

enum {
	LISTEN_BACKLOG = 1024, /* connections that the kernel queues for us */
	LISTEN_ERROR_MAX = 500,
};

struct listen_options {
	const char *socket; /* unix:/PATH, inet:PORT@ADDRESS, inet6:... */
	unsigned mode;      /* of a unix socket */
	const char *group;  /* NULL: the group does not change */
	const char *user;   /* runs the daemon; NULL: it does not change */
};

struct listen_socket {
	int fd;           /* -1: libmilter owns it, or there is none */
	const char *path; /* of a unix socket, in the options; else NULL */
	bool in_use;      /* by another process, which is why it failed */
	pid_t used_by;    /* that process; 0: not known */
	dev_t device;     /* device and inode of the file that we created */
	ino_t inode;
};

/*
 * Opens the socket; without an address it listens on the loopback address.  An
 * old unix socket is removed if no process listens on it.  The strings of
 * `options` must live as long as `out`.  False: `error` says in one line what
 * is wrong and which process uses the address.
 */
bool listen_open(const struct listen_options *options,
    struct listen_socket *out, struct buf *error);

/* Whether listen_open() can take the address, as far as that can be seen
 * without making a file.  `out` holds no descriptor. */
bool listen_check(const struct listen_options *options,
    struct listen_socket *out, struct buf *error);

/* The path of a unix socket, in `socket`; NULL: it is another one. */
const char *listen_path(const char *socket);

/* Sets mode, owner and group of a unix socket that libmilter opened. */
bool listen_own(const struct listen_options *options, struct listen_socket *s,
    struct buf *error);

/* Closes the descriptor only: another process has the socket. */
void listen_forget(struct listen_socket *s);

/* Closes the descriptor if libmilter does not own it, and removes the file of a
 * unix socket if it is still the one that we created. */
void listen_close(struct listen_socket *s);

#endif
