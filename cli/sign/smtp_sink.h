/*
 * smtp_sink.h - a small SMTP and LMTP server (RFC 5321, RFC 2033) on loopback
 * that receives test messages.
 *
 * It accepts only recipients that the caller expects, handles one message at a
 * time, and offers 8BITMIME, as nearly all receivers do.
 */
#ifndef AVOUCH_CLI_SIGN_SMTP_SINK_H
#define AVOUCH_CLI_SIGN_SMTP_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

enum {
	SMTP_SINK_LINE_MAX = 65536,      /* bytes */
	SMTP_SINK_MESSAGE_MAX = 1 << 20, /* bytes; the rest is discarded */
	SMTP_SINK_COMMANDS_MAX = 100,    /* per connection */
	SMTP_SINK_IDLE_S = 5, /* seconds until an idle connection is closed */
};

enum {
	SMTP_SINK_UNKNOWN = -1, /* rejected recipient */
	SMTP_SINK_BOUNCE =
	    -2, /* recipient rejected on purpose, to cause a bounce */
};

struct smtp_sink {
	int listener;
	/* Returns the message number of a recipient, or SMTP_SINK_UNKNOWN or
	 * SMTP_SINK_BOUNCE. */
	int (*find)(void *arg, struct span recipient);
	/* Receives a message; `fd` is closed afterwards. */
	void (*take)(void *arg, int number, int fd);
	void *arg;
};

/* Listens on 127.0.0.1.  Returns false and writes to `error` on failure. */
bool smtp_sink_open(struct smtp_sink *s, unsigned port, struct buf *error);
void smtp_sink_close(struct smtp_sink *s);

/* Waits for a connection until clock_ms() reaches `until`, and serves it.
 * Returns false if there was none. */
bool smtp_sink_serve(struct smtp_sink *s, int64_t until);

#endif
