/*
 * smtp_sink.h - a small SMTP and LMTP server (RFC 5321, RFC 2033) on loopback
 * that takes the messages of a test.
 *
 * It accepts only recipients that its caller knows, one message at a time, and
 * offers 8BITMIME, as nearly all receivers do.
 */
#ifndef AVOUCH_CLI_SIGN_SMTP_SINK_H
#define AVOUCH_CLI_SIGN_SMTP_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

enum {
	SMTP_SINK_LINE_MAX = 65536,      /* bytes */
	SMTP_SINK_MESSAGE_MAX = 1 << 20, /* bytes; later ones are dropped */
	SMTP_SINK_COMMANDS_MAX = 100,    /* of a connection */
	SMTP_SINK_IDLE_S = 5,            /* then a connection is closed */
};

enum {
	SMTP_SINK_UNKNOWN = -1, /* a recipient that is refused */
	SMTP_SINK_BOUNCE = -2,  /* the same, on purpose */
};

struct smtp_sink {
	int listener;
	/* The number of a recipient's message, or one of the two above. */
	int (*find)(void *arg, struct span recipient);
	/* A message; `fd` is closed afterwards. */
	void (*take)(void *arg, int number, int fd);
	void *arg;
};

/* Listens on 127.0.0.1.  False: `error` says why. */
bool smtp_sink_open(struct smtp_sink *s, unsigned port, struct buf *error);
void smtp_sink_close(struct smtp_sink *s);

/* Serves one connection; waits for it until `until` (clock_ms()).  False: none
 * came. */
bool smtp_sink_serve(struct smtp_sink *s, int64_t until);

#endif
