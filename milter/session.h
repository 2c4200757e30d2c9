/*
 * session.h - one connection of the MTA and the message that is under way on
 * it: what libmilter's callbacks tell, in whatever order they come.
 *
 * No call assumes that an earlier one was made: connections close before they
 * say who they are, messages are aborted at any point, a header may come
 * without MAIL.  A lack of memory never loses a message: what cannot be checked
 * is delivered with a field that says so, and without those it brought along
 * that claim to be ours; or it is deferred, if the operator wants that of a
 * temperror.
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
#include "verify/verify.h"

enum {
	SESSION_ID_MAX = 256,       /* bytes of an authserv-id */
	SESSION_FALLBACK_MAX = 400, /* of the field without memory */
};

/* What was agreed on with the MTA. */
struct session_negotiated {
	bool leading_space; /* header values come and go with it */
	bool can_hold;
	bool can_skip;
	bool refused; /* the connection is told to try again later */
};

struct session {
	struct service_connection
	    guest; /* first: the service knows this alone */
	struct session_negotiated terms;
	bool connected; /* session_connect() was called */
	unsigned
	    mta_port;     /* of the MTA, on which the client came; 0: unknown */
	bool trusted_mta; /* in trusted_mtas: its mail is left as it is */
	struct service_runtime *view;
	struct verify_connection *connection; /* NULL: none, or no memory */
	struct verify_message *message;       /* NULL: none, or no memory */
	bool in_message;                      /* MAIL came */
	bool headers_ended;
	bool counted;          /* as a message in hand */
	uint64_t began_us;     /* MAIL, clock_us() */
	struct own_fields own; /* of the message */
	char authserv_id[SESSION_ID_MAX];
	char *value; /* a value with its leading space put back */
	size_t value_room;
	char fallback[SESSION_FALLBACK_MAX];
};

/* NULL: no memory. */
struct session *session_new(const struct session_negotiated *terms);
void session_free(struct session *s); /* takes NULL */

struct session_client {
	const char *name;             /* as libmilter gives it; may be NULL */
	const struct sockaddr *where; /* NULL: not told, then only the name
	                                 "localhost" is this host */
	const char *mta;              /* macro j; may be NULL */
	const char *mta_port;         /* macro {daemon_port}; may be NULL */
	const char *ptr;              /* macro {client_ptr}; may be NULL */
};

/* Begins the connection; one that there was ends. */
void session_connect(struct session *s, const struct session_client *client);
void session_helo(struct session *s, const char *name);

/* Begins a message; one that there was ends.  Texts may be NULL. */
void session_mail(struct session *s, const char *sender, const char *auth_type,
    const char *auth_authen);
void session_rcpt(struct session *s, const char *recipient);
void session_header(struct session *s, const char *name, const char *value);
void session_headers_end(struct session *s);

/* False: no more of the body is needed. */
bool session_body(struct session *s, struct span chunk);

/* The verdict, until session_abort(); NULL: there was no memory for one. */
const struct verdict *session_finish(struct session *s);

/* The value of our field where there is no verdict. */
const char *session_fallback(struct session *s);

/* Ends the message, if there is one. */
void session_abort(struct session *s);

#endif
