/*
 * libmilter_quirks.h - the workarounds for libmilter (8.15 to 8.18), all in one
 * place.  libmilter_self_test() checks at startup that they work.
 *
 * Signals.  libmilter starts a thread that waits for SIGHUP, SIGTERM and SIGINT
 * with sigwait() and then ends the process, even if messages are in progress.
 * No option prevents this, and the kernel chooses which of two waiting threads
 * gets a signal.  So libmilter_quirks.c defines sigwait() for the whole
 * program, libmilter included, as a function that never returns; signals.c uses
 * sigtimedwait().
 *
 * Workers.  libmilter hands a connection that has data to a worker thread, and
 * counts that thread as idle until it wakes up.  So it may hand several
 * connections to one thread, and while the first of them waits for DNS, or for
 * the rest of a packet, the others wait as well.  One more connection makes
 * libmilter start another worker, which serves the waiting connections.
 * libmilter_wake() opens that connection.
 *
 * The socket.  libmilter does not set TCP_NODELAY, so each message waits 44 ms
 * for a delayed acknowledgement; it removes a unix socket on which another
 * daemon still listens; and it does not say which process uses an address.  So
 * listen.c opens the socket and passes the descriptor to libmilter.
 *
 * Reading.  libmilter makes five system calls for each packet; read_ahead.h
 * explains how we reduce them.
 *
 * Strings.  libmilter's functions take char * for strings that they only read.
 *
 * Two more workarounds are elsewhere: callbacks.c replies to DATA over TCP, and
 * main.c never calls smfi_stop().
 */
#ifndef AVOUCH_MILTER_LIBMILTER_QUIRKS_H
#define AVOUCH_MILTER_LIBMILTER_QUIRKS_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/buf.h"
#include "host/listen.h"

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
 * Passes the open socket to libmilter, which then owns the descriptor;
 * `options` and `s` are those of listen_open().  A libmilter that does not
 * accept descriptors opens the socket itself; messages over TCP are then
 * delayed as described above.  Returns false if it cannot listen; `error` says
 * why.
 */
bool libmilter_listen(const struct listen_options *options,
    struct listen_socket *s, struct buf *error);

/* Makes libmilter start a worker for waiting connections.  Calls within a few
 * milliseconds of the last one do nothing.  May be called from any thread. */
void libmilter_wake(void);

struct libmilter_state {
	bool signals_are_ours; /* libmilter's signal thread has called our
	                          sigwait() */
	bool wakes; /* a test connection reached a worker; if connect() failed,
	               libmilter_wake() does nothing */
	bool reads_ahead; /* the test connection reached a worker while
	                     read-ahead was on; otherwise read_ahead_stop() was
	                     called */
};

/* Call once, after smfi_main() was started in a separate thread.  Waits at most
 * `wait_ms` for each of the three checks, and returns early if `*ended` becomes
 * true. */
struct libmilter_state libmilter_self_test(
    unsigned wait_ms, const atomic_bool *ended);

#endif
