/*
 * listen.h - opens the socket that the MTA connects to.
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
	unsigned mode;      /* permissions of a unix socket */
	const char *group;  /* group of a unix socket; NULL: do not change it */
	const char *user;   /* user that runs the daemon; NULL: do not change
	                       the owner */
};

struct listen_socket {
	int fd;           /* -1: libmilter owns the descriptor, or there is
	                     none */
	const char *path; /* path of a unix socket, pointing into
	                     options.socket; otherwise NULL */
	bool in_use;      /* opening failed because another process uses the
	                     address */
	pid_t used_by;    /* pid of that process; 0: unknown */
	dev_t device;     /* device and inode of the file that we created */
	ino_t inode;
};

/*
 * Opens the socket, on the loopback address if `socket` has no address.  An
 * old unix socket is removed if no process listens on it.  The strings of
 * `options` must live as long as `out`.  On failure returns false; `error` says
 * in one line what is wrong and which process uses the address, if any.
 */
bool listen_open(const struct listen_options *options,
    struct listen_socket *out, struct buf *error);

/* Whether listen_open() is likely to succeed; checks this without creating a
 * file.  `out` has no descriptor afterwards. */
bool listen_check(const struct listen_options *options,
    struct listen_socket *out, struct buf *error);

/* Returns the path of a unix socket, pointing into `socket`, or NULL for other
 * sockets. */
const char *listen_path(const char *socket);

/* Sets mode, owner and group of a unix socket that libmilter opened. */
bool listen_own(const struct listen_options *options, struct listen_socket *s,
    struct buf *error);

/* Closes only the descriptor; call this if another process uses the socket. */
void listen_forget(struct listen_socket *s);

/* Closes the descriptor unless libmilter owns it, and removes the file of a
 * unix socket if it is still the one that we created. */
void listen_close(struct listen_socket *s);

#endif
