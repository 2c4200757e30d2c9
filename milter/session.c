#include "milter/session.h"

#include <stdlib.h>
#include <string.h>

#include "lib/clock.h"
#include "lib/ip.h"
#include "lib/log.h"
#include "lib/scan.h"
#include "mail/authres.h"
#include "milter/metrics.h"
#include "milter/signing.h"
#include "milter/libmilter_quirks.h"

struct session *
session_new(const struct session_negotiated *terms)
{
	struct session *s = calloc(1, sizeof(*s));

	if (s != NULL)
		s->terms = *terms;
	return s;
}

static void
disconnect(struct session *s)
{
	session_abort(s);
	verify_disconnect(s->connection);
	s->connection = NULL;
	service_unref(s->runtime);
	s->runtime = NULL;
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	disconnect(s);
	free(s->value);
	free(s);
}

/* ---- the connection ---- */

/* Sets the authserv-id for all our fields (RFC 8601 section 2.5), with unsafe
 * bytes replaced. */
static void
set_authserv_id(struct session *s, const char *mta)
{
	struct buf b = buf_wrap(s->authserv_id, sizeof(s->authserv_id));

	buf_safe(&b,
	    span_str(s->runtime->conf->authserv_id != NULL
		    ? s->runtime->conf->authserv_id
		    : mta),
	    SESSION_ID_MAX - 1);
}

static unsigned
port_number(const char *text)
{
	struct scan s = scan_of(span_str(text));
	uint64_t port;

	return scan_number(&s, UINT16_MAX, &port) && scan_done(&s)
	    ? (unsigned)port
	    : 0;
}

/*
 * A client is local if it uses a unix socket, or has no address and the name
 * "localhost": Postfix and Sendmail use that name for messages that they read
 * from a pipe (sendmail -bs).  Any other client without an address may be
 * remote.
 */
static bool
is_local(const struct session_client *client)
{
	return client->where != NULL
	    ? client->where->sa_family == AF_UNIX
	    : span_is_nocase(span_str(client->name), "localhost");
}

/* Postfix does not change From; every other MTA is treated like Sendmail. */
static bool
is_postfix(const char *version)
{
	return span_starts_nocase(span_str(version), "Postfix ");
}

void
session_connect(struct session *s, const struct session_client *client)
{
	const char *mta = client->mta != NULL && client->mta[0] != '\0'
	    ? client->mta
	    : service_host();
	struct ip ip = ip_from_sockaddr(client->where);

	struct buf name = buf_wrap(s->mta, sizeof(s->mta));

	disconnect(s);
	s->connected = true;
	buf_safe(&name, span_str(mta), SESSION_ID_MAX - 1);
	s->runtime = service_ref();
	set_authserv_id(s, mta);
	s->mta_port = port_number(client->mta_port);
	s->trusted_mta = policy_trusts_mta(s->runtime->conf, &ip, s->mta_port);
	if (service_role() == SERVICE_SIGN)
		return;
	s->connection = verify_connect(s->runtime->conf, s->runtime->dns,
	    &(struct verify_client){
		.ip = ip,
		.port = ip_port_from_sockaddr(client->where),
		.local = is_local(client),
		.trusted_mta = s->trusted_mta,
		.name = span_str(client->name),
		.ptr = span_str(client->ptr),
		.resolve = span_str(client->resolve),
		.authserv_id = span_str(s->authserv_id),
		.receiver = span_str(mta),
		.rewrites_from = !is_postfix(client->version),
		.now = clock_now().now,
	    });
	if (s->connection == NULL)
		log_limited("memory", "not enough memory for a connection");
}

/*
 * Begins a connection for an event that arrives before the connect event.  Does
 * nothing if memory ran out in the connect event: the client is then unknown
 * and must not be treated as local.
 */
static void
ensure_connection(struct session *s)
{
	if (!s->connected)
		session_connect(s, &(struct session_client){ .name = NULL });
}

void
session_helo(struct session *s, const char *name)
{
	session_abort(s);
	ensure_connection(s);
	if (s->connection != NULL)
		verify_helo(s->connection, span_str(name));
}

/* ---- a message ---- */

static bool
begins_own_message(const struct session *s, const char *login)
{
	if (service_role() == SERVICE_SIGN)
		return true;
	return login != NULL && login[0] != '\0' && !s->trusted_mta;
}

/* Starts signing if the message is our own mail.  Without keys, a message on
 * the sign socket still gets a signer, which logs that there is no key. */
static void
begin_signing(struct session *s, const char *sender, const char *login)
{
	if (!begins_own_message(s, login))
		return;
	s->signing = signing_ref();
	s->is_ours = s->signing != NULL || service_role() == SERVICE_SIGN;
	if (!s->is_ours)
		return;
	s->signer = signer_begin(s->runtime->conf,
	    s->signing != NULL ? s->signing->keys : NULL,
	    s->signing != NULL ? s->signing->senders : NULL,
	    &(struct signer_envelope){
		.sender = span_str(sender != NULL ? sender : ""),
		.login = span_str(login),
		.all_ours = service_role() == SERVICE_SIGN,
		.authserv_id = span_str(s->authserv_id),
	    });
	if (s->signer == NULL)
		log_limited("memory", "not enough memory for a signature");
}

void
session_mail(struct session *s, const char *sender, const char *auth_type,
    const char *auth_authen)
{
	struct clock_time now = clock_now();

	session_abort(s);
	ensure_connection(s);
	s->in_message = true;
	s->headers_ended = false;
	s->began_us = (uint64_t)clock_us();
	s->counted = service_message_begin();
	own_fields_begin(&s->own, span_str(s->authserv_id));
	begin_signing(s, sender, auth_authen);
	if (service_role() == SERVICE_SIGN)
		return;
	if (s->connection != NULL)
		s->message = verify_mail(s->connection,
		    &(struct verify_envelope){
			.sender = span_str(sender != NULL ? sender : ""),
			.auth_type = span_str(auth_type),
			.auth_authen = span_str(auth_authen),
			.now = now.now,
			.now_doubtful = now.doubtful,
			.own = &s->own,
			.waits = libmilter_wake,
		    });
	if (s->message == NULL)
		log_limited("memory", "not enough memory for a message");
}

/* Begins a message if MAIL is missing, so that the message still gets an
 * Authentication-Results field. */
static void
ensure_message(struct session *s)
{
	if (!s->in_message)
		session_mail(s, NULL, NULL, NULL);
}

void
session_rcpt(struct session *s, const char *recipient)
{
	ensure_message(s);
	if (s->message != NULL && recipient != NULL)
		verify_rcpt(s->message, span_str(recipient));
}

/*
 * Puts back the space after the colon, which the MTA removes if
 * SMFIP_HDR_LEADSPC was not granted: "simple" signatures cover it (RFC 6376
 * section 3.4.1).  Returns an absent span if memory ran out.
 */
static struct span
with_space(struct session *s, struct span value)
{
	if (value.n + 1 > s->value_room) {
		char *more = value.n < SIZE_MAX / 2
		    ? realloc(s->value, value.n + 1)
		    : NULL;

		if (more == NULL)
			return SPAN_NONE;
		s->value = more;
		s->value_room = value.n + 1;
	}
	s->value[0] = ' ';
	memcpy(s->value + 1, value.p, value.n);
	return span_of(s->value, value.n + 1);
}

void
session_header(struct session *s, const char *name, const char *value)
{
	struct span n = span_str(name != NULL ? name : "");
	struct span v = span_str(value != NULL ? value : "");
	struct span spaced = v;

	ensure_message(s);
	if (s->signer != NULL) /* our signatures use relaxed canonicalization,
	                          which ignores a leading space */
		signer_header(s->signer, n, v);
	if (s->message != NULL && !s->terms.leading_space) {
		spaced = with_space(s, v);
		if (spaced.p == NULL) { /* continue without a verdict */
			log_limited(
			    "memory", "not enough memory for a header field");
			verify_end(s->message);
			s->message = NULL;
		}
	}
	if (s->message != NULL)
		verify_header(s->message, n, spaced);
	else
		own_fields_note(&s->own, n, v);
}

void
session_headers_end(struct session *s)
{
	ensure_message(s);
	if (s->message != NULL && !s->headers_ended)
		verify_headers_end(s->message);
	if (s->signer != NULL)
		signer_headers_end(s->signer);
	s->headers_ended = true;
}

bool
session_body(struct session *s, struct span chunk)
{
	bool verifies, signs;

	session_headers_end(s);
	verifies = s->message != NULL && verify_body(s->message, chunk);
	signs = s->signer != NULL && signer_body(s->signer, chunk);
	return verifies || signs;
}

const struct verdict *
session_finish(struct session *s)
{
	session_headers_end(s);
	return s->message != NULL ? verify_finish(s->message) : NULL;
}

bool
session_is_ours(const struct session *s)
{
	return s->is_ours;
}

const struct signer_outcome *
session_sign(struct session *s)
{
	return s->signer != NULL ? signer_finish(s->signer, clock_now().now)
				 : NULL;
}

const char *
session_fallback(struct session *s)
{
	struct span id = span_str(
	    s->authserv_id[0] != '\0' ? s->authserv_id : service_host());
	struct authres_writer w;

	authres_begin(&w, buf_wrap(s->fallback, sizeof(s->fallback)), id);
	authres_method(&w, "dmarc", "temperror");
	authres_comment(
	    &w, "not checked: the mail filter is out of memory", SPAN_NONE);
	return authres_end(&w).p;
}

void
session_abort(struct session *s)
{
	verify_end(s->message);
	s->message = NULL;
	signer_end(s->signer);
	s->signer = NULL;
	signing_unref(s->signing);
	s->signing = NULL;
	s->is_ours = false;
	service_message_end(s->counted);
	s->counted = false;
	s->in_message = false;
}
