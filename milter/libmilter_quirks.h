/*
 * libmilter_quirks.h - the workarounds for libmilter (8.15 to 8.18), all in one
 * place.  libmilter_self_test() checks at start that they work.
 *
 * Signals.  libmilter starts a thread that takes SIGHUP, SIGTERM and SIGINT by
 * sigwait() and then ends the process, also if messages are being received.  No
 * option prevents that, and the kernel chooses which of two waiting threads
 * gets a signal.  So libmilter_quirks.c defines sigwait() for the whole
 * program, libmilter included, as a function that never returns; signals.c uses
 * sigtimedwait().
 *
 * Workers.  libmilter gives a connection that has data to a worker thread that
 * it counts as idle until that thread wakes up.  So it may give several
 * connections to one thread, and while the first of them waits for DNS, or for
 * the rest of a packet, the others wait as well.  A further connection makes it
 * start a worker, which takes what is left: libmilter_wake() is that
 * connection.
 *
 * The socket.  libmilter does not set TCP_NODELAY, so that each message waits
 * 44 ms for a delayed acknowledgement; it removes a unix socket on which
 * another daemon still listens; and it does not say who holds an address.  So
 * listen.c opens the socket, and libmilter is given the descriptor.
 *
 * Texts.  libmilter's functions take char * for texts that they only read.
 *
 * Two more are in the code they belong to: callbacks.c answers DATA over TCP,
 * and main.c never calls smfi_stop().
 */
#ifndef AVOUCH_MILTER_LIBMILTER_QUIRKS_H
#define AVOUCH_MILTER_LIBMILTER_QUIRKS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "milter/listen.h"

static inline char *
libmilter_text(const char *text)
{
	union {
		const char *in;
		char *out;
	} u = { .in = text };

	return u.out;
}

/*
 * Gives libmilter the open socket, whose descriptor then is libmilter's; `wish`
 * and `s` are those of listen_open().  A libmilter that does not take
 * descriptors opens the socket itself: then messages wait for TCP.  False:
 * `error` says why it cannot listen.
 */
bool libmilter_listen(const struct listen_options *wish,
    struct listen_socket *s, struct buf *error);

/* Has a worker started for connections that wait.  At most every few
 * milliseconds, further calls do nothing; any thread. */
void libmilter_wake(void);

struct libmilter_state {
	bool signals_are_ours; /* its signal thread has come to our sigwait() */
	bool wakes;            /* a connection as of libmilter_wake() reached a
	                          worker; if none can be made, none will be */
};

/* Once, after smfi_main() was started in a thread of its own.  Waits at most
 * `wait_ms` for each of the two, and no longer than until `*ended`. */
struct libmilter_state libmilter_self_test(
    unsigned wait_ms, const atomic_bool *ended);

#endif
