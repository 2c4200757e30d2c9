/*
 * session.h - one connection from the MTA and its current message.
 *
 * libmilter's callbacks may call these functions in any order.  A connection
 * may close before the client is known, a message may be aborted at any point,
 * and a header field may arrive without MAIL.  Running out of memory never
 * loses a message.  A message that cannot be checked is either deferred
 * (policy_unchecked()), or delivered with a field that says so and without the
 * fields that claim to be ours.
 *
 * On the socket of the signer (SERVICE_SIGN), every message is signed.  On the
 * other socket, only messages from clients that logged in are signed: messages
 * returned by a content filter have no login, and messages from a trusted MTA
 * are not ours.
 *
 * A session is used by one thread at a time.  It never calls libmilter.
 */
#ifndef AVOUCH_MILTER_SESSION_H
#define AVOUCH_MILTER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/span.h"
#include "milter/service.h"
#include "sign/signer.h"
#include "verify/verify.h"

enum {
	SESSION_ID_MAX = 256, /* bytes of an authserv-id */
	SESSION_FALLBACK_MAX =
	    400, /* bytes of the result of session_fallback() */
};

/* The options that were negotiated with the MTA. */
struct session_negotiated {
	bool leading_space; /* header values include the leading space */
	bool can_quarantine;
	bool can_skip;
	bool refused; /* the connection is refused with a temporary error */
};

struct session {
	/* Must be first: callbacks_leave() casts a pointer to it to the
	 * session. */
	struct service_connection service;
	struct session_negotiated terms;
	bool connected;    /* session_connect() was called */
	unsigned mta_port; /* the MTA's port for this client; 0: unknown */
	bool trusted_mta;  /* the client is in trusted_mtas: its mail is not
	                      changed */
	struct service_runtime *runtime;
	struct verify_connection *connection; /* NULL: none, or out of memory */
	struct verify_message *message;       /* NULL: none, or out of memory */
	const struct signing *signing; /* NULL: not our message, or no keys */
	struct signer *signer; /* NULL: not our message, or out of memory */
	bool is_ours;          /* the message is to be signed */
	bool in_message;       /* session_mail() was called */
	bool headers_ended;
	bool counted;          /* result of service_message_begin() */
	uint64_t began_us;     /* clock_us() at MAIL */
	struct own_fields own; /* fields of the message that claim to be ours */
	char authserv_id[SESSION_ID_MAX];
	char mta[SESSION_ID_MAX]; /* the MTA's own name */
	char *value; /* a header value with its leading space restored */
	size_t value_room;
	char fallback[SESSION_FALLBACK_MAX];
};

/* Returns NULL if memory ran out. */
struct session *session_new(const struct session_negotiated *terms);
void session_free(struct session *s); /* may be NULL */

struct session_client {
	const char *name; /* from libmilter; may be NULL */
	/* NULL: unknown, so the client counts as local only if `name` is
	 * "localhost". */
	const struct sockaddr *where;
	const char *mta;      /* macro j; may be NULL */
	const char *version;  /* macro v; may be NULL */
	const char *mta_port; /* macro {daemon_port}; may be NULL */
	const char *ptr;      /* macro {client_ptr}; may be NULL */
	const char *resolve;  /* macro {client_resolve}; may be NULL */
};

/* Begins a connection, after ending any earlier one. */
void session_connect(struct session *s, const struct session_client *client);
void session_helo(struct session *s, const char *name);

/* Begins a message, after ending any earlier one.  The strings may be NULL. */
void session_mail(struct session *s, const char *sender, const char *auth_type,
    const char *auth_authen);
void session_rcpt(struct session *s, const char *recipient);
void session_header(struct session *s, const char *name, const char *value);
void session_headers_end(struct session *s);

/* Returns false if the rest of the body is not needed. */
bool session_body(struct session *s, struct span chunk);

/* Returns the verdict, which is valid until session_abort().  Returns NULL if
 * memory ran out or the process only signs. */
const struct verdict *session_finish(struct session *s);

/* Whether the message is to be signed.  Call before session_sign(). */
bool session_is_ours(const struct session *s);

/*
 * Signs the message.  Call after session_finish().  Returns the outcome, which
 * is valid until session_abort(), or NULL if the message is not ours or memory
 * ran out.
 */
const struct signer_outcome *session_sign(struct session *s);

/* Returns the Authentication-Results value for a message without a verdict.  It
 * is valid until the next call. */
const char *session_fallback(struct session *s);

/* Ends the current message, if any. */
void session_abort(struct session *s);

#endif
