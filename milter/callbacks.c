#include "milter/callbacks.h"

#include <libmilter/mfapi.h>
#include <stdatomic.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "milter/libmilter_quirks.h"
#include "milter/own_guard.h"
#include "milter/reply.h"
#include "milter/message_sink.h"
#include "milter/session.h"
#include "milter/sign_sink.h"

/*
 * Events to which we send no reply, because a reply to each header field would
 * double the cost of libmilter.  If the MTA does not support that, libmilter
 * replies for us.
 */
#define UNANSWERED                                                             \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |       \
	    SMFIP_NR_HDR | SMFIP_NR_EOH)
/*
 * Over TCP we request DATA, and reply to DATA and to each body chunk.  Our
 * reply carries the acknowledgement of the earlier packets; without it the
 * MTA's TCP delays the next packets by 40 ms (Nagle's algorithm and delayed
 * acknowledgement).  The reply to a chunk may be SMFIS_SKIP if the rest of the
 * body is not needed.  Over a unix socket the MTA always sends the whole body.
 * That costs less than replying to every chunk, because the MTA waits for each
 * reply.
 */
static bool over_tcp;

#define ACTIONS_NEEDED (SMFIF_ADDHDRS | SMFIF_CHGHDRS)

/* Largest milter packet in bytes.  libmilter closes the connection if a header
 * field is longer; its default limit is 64 KiB. */
enum { PACKET_MAX = 4 << 20 };

/*
 * The options granted in the latest negotiation.  A connection that begins
 * without negotiation uses them: SMFIC_QUIT_NC allows this, and libmilter then
 * drops our session.
 */
enum { GRANTED_SPACE = 1, GRANTED_QUARANTINE = 2, GRANTED_SKIP = 4 };
static atomic_uint last_granted;

static struct session_negotiated
negotiated_options(unsigned granted)
{
	return (struct session_negotiated){
		.leading_space = (granted & GRANTED_SPACE) != 0,
		.can_quarantine = (granted & GRANTED_QUARANTINE) != 0,
		.can_skip = (granted & GRANTED_SKIP) != 0,
	};
}

static void
end_session(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	smfi_setpriv(ctx, NULL);
	if (s != NULL && service_begin_call(&s->service)) {
		callbacks_leave(&s->service);
		service_end_call(NULL);
	}
}

/* ---- negotiation ---- */

/* Requests the macros that we need, because Postfix and Sendmail have different
 * defaults. */
static void
request_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *names;
	} wanted[] = {
		{ SMFIM_CONNECT,
		    "j v {client_ptr} {client_resolve} {daemon_port}" },
		{ SMFIM_HELO, "" },
		{ SMFIM_ENVFROM, "{auth_type} {auth_authen}" },
		{ SMFIM_ENVRCPT, "" },
		{ SMFIM_EOH, "" },
		{ SMFIM_EOM, "i" },
	};

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		smfi_setsymlist(
		    ctx, wanted[i].stage, libmilter_text(wanted[i].names));
}

/* Creates a session and registers it with the service.  Returns NULL if the
 * process is out of memory or file descriptors. */
static struct session *
open_session(SMFICTX *ctx, const struct session_negotiated *terms)
{
	struct session *s = session_new(terms);
	enum service_admission admission;

	if (s == NULL) {
		log_limited("memory", "not enough memory for a connection");
		return NULL;
	}
	admission = service_add(&s->service);
	if (admission == SERVICE_NO_DESCRIPTORS) {
		log_limited("connections", "out of file descriptors");
		callbacks_leave(&s->service);
		return NULL;
	}
	if (admission == SERVICE_FULL)
		log_limited("connections", "too many connections");
	s->terms.refused = admission != SERVICE_ACCEPTED;
	smfi_setpriv(ctx, s);
	return s;
}

static sfsistat
on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
    unsigned long further_2, unsigned long further_3,
    unsigned long *out_actions, unsigned long *out_steps,
    unsigned long *out_further_2, unsigned long *out_further_3)
{
	unsigned granted =
	    ((steps & SMFIP_HDR_LEADSPC) != 0 ? GRANTED_SPACE : 0) |
	    ((actions & SMFIF_QUARANTINE) != 0 ? GRANTED_QUARANTINE : 0) |
	    ((steps & SMFIP_SKIP) != 0 ? GRANTED_SKIP : 0);
	struct session_negotiated terms = negotiated_options(granted);
	struct session *s;

	(void)further_2;
	(void)further_3;
	*out_further_2 = *out_further_3 = 0;
	end_session(ctx);
	if ((actions & ACTIONS_NEEDED) != ACTIONS_NEEDED) {
		log_limited("mta",
		    "the MTA does not allow milters to change header fields");
		return SMFIS_REJECT;
	}
	if (!service_begin_call(NULL))
		return SMFIS_REJECT;
	s = open_session(ctx, &terms);
	*out_actions = ACTIONS_NEEDED | (actions & SMFIF_QUARANTINE);
	*out_steps =
	    (steps & (SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC)) | UNANSWERED;
	*out_steps |= over_tcp ? steps & SMFIP_SKIP
			       : (steps & SMFIP_NODATA) | SMFIP_NR_BODY;
	if (s != NULL && s->terms.refused)
		*out_steps &= ~(unsigned long)SMFIP_NR_CONN;
	if (s != NULL && (actions & SMFIF_SETSYMLIST) != 0) {
		*out_actions |= SMFIF_SETSYMLIST;
		request_macros(ctx);
	}
	atomic_store(&last_granted, granted);
	service_end_call(NULL);
	return s != NULL ? SMFIS_CONTINUE : SMFIS_REJECT;
}

/* ---- the connection ---- */

/*
 * Marks the session as busy and returns it.  Returns NULL if there is no
 * session, the service has ended, or the connection was refused: further events
 * on a refused connection are ignored.
 */
static struct session *
begin_callback(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL || !service_begin_call(&s->service))
		return NULL;
	if (!s->terms.refused)
		return s;
	service_end_call(&s->service);
	return NULL;
}

static void
end_callback(struct session *s)
{
	service_end_call(&s->service);
}

static sfsistat
connect_to(SMFICTX *ctx, struct session *s, const char *name,
    const struct sockaddr *where)
{
	if (s->terms.refused)
		return reply_refuse(ctx, 421, "4.3.2",
		    SPAN("the mail filter is not accepting connections at the "
			 "moment"));
	session_connect(s,
	    &(struct session_client){
		.name = name,
		.where = where,
		.mta = smfi_getsymval(ctx, libmilter_text("j")),
		.version = smfi_getsymval(ctx, libmilter_text("v")),
		.mta_port =
		    smfi_getsymval(ctx, libmilter_text("{daemon_port}")),
		.ptr = smfi_getsymval(ctx, libmilter_text("{client_ptr}")),
		.resolve =
		    smfi_getsymval(ctx, libmilter_text("{client_resolve}")),
	    });
	return SMFIS_NOREPLY;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, struct sockaddr *where)
{
	struct session *s = smfi_getpriv(ctx);
	sfsistat r = SMFIS_NOREPLY;

	if (!service_begin_call(s != NULL ? &s->service : NULL))
		return r;
	if (s == NULL) {
		struct session_negotiated terms =
		    negotiated_options(atomic_load(&last_granted));

		s = open_session(ctx, &terms);
		if (s != NULL) /* cannot be refused: this event gets no reply */
			s->terms.refused = false;
	}
	if (s != NULL)
		r = connect_to(ctx, s, name, where);
	service_end_call(s != NULL ? &s->service : NULL);
	return r;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct session *s = begin_callback(ctx);

	if (s != NULL) {
		session_helo(s, name);
		end_callback(s);
	}
	return SMFIS_NOREPLY;
}

void
callbacks_leave(struct service_connection *connection)
{
	/* The connection is the first member of the session. */
	service_remove(connection);
	session_free((struct session *)connection);
}

static sfsistat
on_close(SMFICTX *ctx)
{
	end_session(ctx);
	return SMFIS_CONTINUE;
}

/* ---- a message ---- */

static sfsistat
on_mail(SMFICTX *ctx, char **arguments)
{
	struct session *s = begin_callback(ctx);

	if (s != NULL) {
		session_mail(s, arguments[0],
		    smfi_getsymval(ctx, libmilter_text("{auth_type}")),
		    smfi_getsymval(ctx, libmilter_text("{auth_authen}")));
		end_callback(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **arguments)
{
	struct session *s = begin_callback(ctx);

	if (s != NULL) {
		session_rcpt(s, arguments[0]);
		end_callback(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_data(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static sfsistat
on_header(SMFICTX *ctx, char *name, char *value)
{
	struct session *s = begin_callback(ctx);

	if (s != NULL) {
		session_header(s, name, value);
		end_callback(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_headers_end(SMFICTX *ctx)
{
	struct session *s = begin_callback(ctx);

	if (s != NULL) {
		session_headers_end(s);
		end_callback(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *chunk, size_t size)
{
	struct session *s = begin_callback(ctx);
	bool more = true;

	if (s != NULL) {
		more = session_body(s, span_of((const char *)chunk, size)) ||
		    !s->terms.can_skip;
		end_callback(s);
	}
	if (!over_tcp)
		return SMFIS_NOREPLY;
	return more ? SMFIS_CONTINUE : SMFIS_SKIP;
}

static void
record_own_message(const struct session *s, const struct signer_outcome *o,
    struct span queue_id, sfsistat reply)
{
	bool refused = reply == SMFIS_REJECT || reply == SMFIS_TEMPFAIL;

	sign_sink_put(o, queue_id, refused);
	if (o != NULL && !refused)
		own_guard_message(s->runtime->conf, o, span_str(s->mta));
}

/* Handles the end of a message in a process that only signs. */
static sfsistat
end_own_message(SMFICTX *ctx, struct session *s, struct span queue_id)
{
	const struct signer_outcome *o;
	sfsistat r;

	session_headers_end(s);
	o = session_sign(s);
	r = reply_apply_signed(ctx, s, o);
	record_own_message(s, o, queue_id, r);
	session_abort(s);
	return r;
}

static sfsistat
on_message_end(SMFICTX *ctx)
{
	struct session *s = begin_callback(ctx);
	struct span queue_id =
	    span_str(smfi_getsymval(ctx, libmilter_text("i")));
	const struct signer_outcome *o;
	struct metrics_times times;
	const struct verdict *v;
	uint64_t began;
	sfsistat r;

	if (s == NULL)
		return reply_refuse(ctx, 451, "4.3.0", SPAN(POLICY_NO_MEMORY));
	if (service_role() == SERVICE_SIGN) {
		r = end_own_message(ctx, s, queue_id);
		end_callback(s);
		return r;
	}
	began = (uint64_t)clock_us();
	v = session_finish(s);
	times.finish_us = (uint64_t)clock_us() - began;
	o = session_is_ours(s) ? session_sign(s) : NULL;
	r = reply_apply(ctx, s, v, o);
	if (session_is_ours(s))
		record_own_message(s, o, queue_id, r);
	times.total_us = (uint64_t)clock_us() - s->began_us;
	message_sink_put(v, s->runtime != NULL ? s->runtime->conf : NULL,
	    queue_id,
	    r != SMFIS_TEMPFAIL ||
		(v != NULL && v->decision.action == CONF_TEMPFAIL),
	    times);
	session_abort(s);
	end_callback(s);
	return r;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *s = begin_callback(ctx);

	if (s != NULL) {
		session_abort(s);
		end_callback(s);
	}
	return SMFIS_CONTINUE;
}

bool
callbacks_register(bool tcp)
{
	struct smfiDesc d = {
		.xxfi_name = libmilter_text("avouch-milter"),
		.xxfi_version = SMFI_VERSION,
		.xxfi_flags = ACTIONS_NEEDED,
		.xxfi_negotiate = on_negotiate,
		.xxfi_connect = on_connect,
		.xxfi_helo = on_helo,
		.xxfi_envfrom = on_mail,
		.xxfi_envrcpt = on_rcpt,
		.xxfi_data = on_data,
		.xxfi_header = on_header,
		.xxfi_eoh = on_headers_end,
		.xxfi_body = on_body,
		.xxfi_eom = on_message_end,
		.xxfi_abort = on_abort,
		.xxfi_close = on_close,
	};

	over_tcp = tcp;
	smfi_setmaxdatasize(PACKET_MAX);
	return smfi_register(d) == MI_SUCCESS;
}
