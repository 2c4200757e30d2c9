/*
 * session.h - one connection of the MTA and its current message.  The callbacks
 * of libmilter call these functions in any order.
 *
 * No call assumes that an earlier one was made: connections close before the
 * client is known, messages are aborted at any point, a header field may come
 * without MAIL.  A lack of memory never loses a message: a message that cannot
 * be checked is delivered with a field that says so, and without fields that
 * claim to be ours; or it is deferred, if the configuration says so for a
 * temperror.
 *
 * What is signed: on the socket of the signer (SERVICE_SIGN) every message; on
 * the other one messages of clients that logged in.  A message that a content
 * filter hands back has no login, and that of a trusted MTA is not ours.
 *
 * A session is used by one thread at a time.  It knows nothing of libmilter.
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
	SESSION_ID_MAX = 256,       /* bytes of an authserv-id */
	SESSION_FALLBACK_MAX = 400, /* bytes of session_fallback() */
};

/* The result of the negotiation with the MTA. */
struct session_negotiated {
	bool leading_space; /* header values include the leading space */
	bool can_quarantine;
	bool can_skip;
	bool refused; /* the connection is refused with a temporary error */
};

struct session {
	/* The first member: callbacks_leave() casts a pointer to it back. */
	struct service_connection service;
	struct session_negotiated terms;
	bool connected;    /* session_connect() was called */
	unsigned mta_port; /* the MTA's port for this client; 0: unknown */
	bool trusted_mta;  /* in trusted_mtas: its mail is not changed */
	struct service_runtime *runtime;
	struct verify_connection *connection; /* NULL: none, or no memory */
	struct verify_message *message;       /* NULL: none, or no memory */
	const struct signing *signing;        /* NULL: the message is not ours,
	                                         or there are no keys */
	struct signer *signer;                /* NULL: the same, or no memory */
	bool is_ours;                         /* is to be signed */
	bool in_message;                      /* MAIL came */
	bool headers_ended;
	bool counted;          /* by service_message_begin() */
	uint64_t began_us;     /* MAIL, clock_us() */
	struct own_fields own; /* of the message */
	char authserv_id[SESSION_ID_MAX];
	char mta[SESSION_ID_MAX]; /* the MTA's own name */
	char *value; /* a header value with its leading space restored */
	size_t value_room;
	char fallback[SESSION_FALLBACK_MAX];
};

/* NULL: no memory. */
struct session *session_new(const struct session_negotiated *terms);
void session_free(struct session *s); /* takes NULL */

struct session_client {
	const char *name; /* from libmilter; may be NULL */
	/* NULL: unknown; the client is local only if it is "localhost". */
	const struct sockaddr *where;
	const char *mta;      /* macro j; may be NULL */
	const char *mta_port; /* macro {daemon_port}; may be NULL */
	const char *ptr;      /* macro {client_ptr}; may be NULL */
	const char *resolve;  /* macro {client_resolve}; may be NULL */
};

/* Begins the connection; ends an earlier one. */
void session_connect(struct session *s, const struct session_client *client);
void session_helo(struct session *s, const char *name);

/* Begins a message; ends an earlier one.  The strings may be NULL. */
void session_mail(struct session *s, const char *sender, const char *auth_type,
    const char *auth_authen);
void session_rcpt(struct session *s, const char *recipient);
void session_header(struct session *s, const char *name, const char *value);
void session_headers_end(struct session *s);

/* False: the rest of the body is not needed. */
bool session_body(struct session *s, struct span chunk);

/* The verdict, valid until session_abort(); NULL: out of memory, or the process
 * only signs. */
const struct verdict *session_finish(struct session *s);

/* Whether the message is to be signed; call it before session_sign(). */
bool session_is_ours(const struct session *s);

/* The outcome of signing, valid until session_abort(); NULL: out of memory.
 * Call it after session_finish(). */
const struct signer_outcome *session_sign(struct session *s);

/* The value of our field for a message without a verdict; valid until the next
 * call. */
const char *session_fallback(struct session *s);

/* Ends the message, if there is one. */
void session_abort(struct session *s);

#endif
