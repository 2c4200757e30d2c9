#include "milter/callbacks.h"

#include <libmilter/mfapi.h>
#include <stdatomic.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "milter/libmilter_quirks.h"
#include "milter/reply.h"
#include "milter/message_sink.h"
#include "milter/session.h"

/*
 * Events we hear without answering: an answer to each header field doubles what
 * libmilter costs.  Where the MTA does not know of that, libmilter answers in
 * our place.  Body chunks are answered, since SMFIS_SKIP is an answer.
 */
#define UNANSWERED                                                             \
	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |       \
	    SMFIP_NR_HDR | SMFIP_NR_EOH)
/*
 * DATA is heard, and answered, over TCP alone: our answer carries the
 * acknowledgement of what came before, without which the MTA's TCP holds the
 * header fields back for 40 ms (Nagle against delayed acknowledgement).
 */
static bool over_tcp;

#define ACTIONS_NEEDED (SMFIF_ADDHDRS | SMFIF_CHGHDRS)

/* Bytes of a packet: libmilter hangs up on a header field that is longer, and
 * its own limit is 64 KiB. */
enum { PACKET_MAX = 4 << 20 };

/*
 * What the last MTA granted: for a connection that begins without negotiating,
 * as SMFIC_QUIT_NC allows; libmilter keeps nothing of ours over that.
 */
enum { GRANTED_SPACE = 1, GRANTED_HOLD = 2, GRANTED_SKIP = 4 };
static atomic_uint last_granted;

static struct session_negotiated
terms_of(unsigned granted)
{
	return (struct session_negotiated){
		.leading_space = (granted & GRANTED_SPACE) != 0,
		.can_hold = (granted & GRANTED_HOLD) != 0,
		.can_skip = (granted & GRANTED_SKIP) != 0,
	};
}

/* Ends the session, if there is one. */
static void
leave(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	smfi_setpriv(ctx, NULL);
	if (s != NULL && service_begin_call(&s->guest)) {
		callbacks_leave(&s->guest);
		service_end_call(NULL);
	}
}

/* ---- negotiation ---- */

/* Postfix and Sendmail send other macros each when nobody asks. */
static void
ask_for_macros(SMFICTX *ctx)
{
	static const struct {
		int stage;
		const char *names;
	} wanted[] = {
		{ SMFIM_CONNECT, "j {client_ptr} {daemon_port}" },
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

/* A new session, known to the service; NULL: it cannot be had. */
static struct session *
open_session(SMFICTX *ctx, const struct session_negotiated *terms)
{
	struct session *s = session_new(terms);
	enum service_admission admission;

	if (s == NULL) {
		log_limited("memory", "no memory for a connection");
		return NULL;
	}
	admission = service_add(&s->guest);
	if (admission == SERVICE_NO_DESCRIPTORS) {
		log_limited("connections", "out of file descriptors");
		callbacks_leave(&s->guest);
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
	    ((actions & SMFIF_QUARANTINE) != 0 ? GRANTED_HOLD : 0) |
	    ((steps & SMFIP_SKIP) != 0 ? GRANTED_SKIP : 0);
	struct session_negotiated terms = terms_of(granted);
	struct session *s;

	(void)further_2;
	(void)further_3;
	*out_further_2 = *out_further_3 = 0;
	leave(ctx);
	if ((actions & ACTIONS_NEEDED) != ACTIONS_NEEDED) {
		log_limited("mta", "the MTA lets no milter change the header");
		return SMFIS_REJECT;
	}
	if (!service_begin_call(NULL))
		return SMFIS_REJECT;
	s = open_session(ctx, &terms);
	*out_actions = ACTIONS_NEEDED | (actions & SMFIF_QUARANTINE);
	*out_steps =
	    (steps & (SMFIP_NOUNKNOWN | SMFIP_SKIP | SMFIP_HDR_LEADSPC)) |
	    UNANSWERED;
	if (!over_tcp)
		*out_steps |= steps & SMFIP_NODATA;
	if (s != NULL && s->terms.refused)
		*out_steps &= ~(unsigned long)SMFIP_NR_CONN;
	if (s != NULL && (actions & SMFIF_SETSYMLIST) != 0) {
		*out_actions |= SMFIF_SETSYMLIST;
		ask_for_macros(ctx);
	}
	atomic_store(&last_granted, granted);
	service_end_call(NULL);
	return s != NULL ? SMFIS_CONTINUE : SMFIS_REJECT;
}

/* ---- the connection ---- */

/*
 * The session, busy with a callback; NULL: there is none, the end has come, or
 * it was told to try again later: what it sends all the same is not looked at.
 */
static struct session *
begin(SMFICTX *ctx)
{
	struct session *s = smfi_getpriv(ctx);

	if (s == NULL || !service_begin_call(&s->guest))
		return NULL;
	if (!s->terms.refused)
		return s;
	service_end_call(&s->guest);
	return NULL;
}

static void
end(struct session *s)
{
	service_end_call(&s->guest);
}

static sfsistat
connect_to(SMFICTX *ctx, struct session *s, const char *name,
    const struct sockaddr *where)
{
	if (s->terms.refused)
		return reply_refuse(ctx, 421, "4.3.2",
		    SPAN("the mail filter takes no connection just now"));
	session_connect(s,
	    &(struct session_client){
		.name = name,
		.where = where,
		.mta = smfi_getsymval(ctx, libmilter_text("j")),
		.mta_port =
		    smfi_getsymval(ctx, libmilter_text("{daemon_port}")),
		.ptr = smfi_getsymval(ctx, libmilter_text("{client_ptr}")),
	    });
	return SMFIS_NOREPLY;
}

static sfsistat
on_connect(SMFICTX *ctx, char *name, struct sockaddr *where)
{
	struct session *s = smfi_getpriv(ctx);
	sfsistat r = SMFIS_NOREPLY;

	if (!service_begin_call(s != NULL ? &s->guest : NULL))
		return r;
	if (s == NULL) {
		struct session_negotiated terms =
		    terms_of(atomic_load(&last_granted));

		s = open_session(ctx, &terms);
		if (s != NULL) /* no answer to this event was agreed on */
			s->terms.refused = false;
	}
	if (s != NULL)
		r = connect_to(ctx, s, name, where);
	service_end_call(s != NULL ? &s->guest : NULL);
	return r;
}

static sfsistat
on_helo(SMFICTX *ctx, char *name)
{
	struct session *s = begin(ctx);

	if (s != NULL) {
		session_helo(s, name);
		end(s);
	}
	return SMFIS_NOREPLY;
}

void
callbacks_leave(struct service_connection *guest)
{
	/* The guest is the session's first member. */
	service_remove(guest);
	session_free((struct session *)guest);
}

static sfsistat
on_close(SMFICTX *ctx)
{
	leave(ctx);
	return SMFIS_CONTINUE;
}

/* ---- a message ---- */

static sfsistat
on_mail(SMFICTX *ctx, char **arguments)
{
	struct session *s = begin(ctx);

	if (s != NULL) {
		session_mail(s, arguments[0],
		    smfi_getsymval(ctx, libmilter_text("{auth_type}")),
		    smfi_getsymval(ctx, libmilter_text("{auth_authen}")));
		end(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_rcpt(SMFICTX *ctx, char **arguments)
{
	struct session *s = begin(ctx);

	if (s != NULL) {
		session_rcpt(s, arguments[0]);
		end(s);
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
	struct session *s = begin(ctx);

	if (s != NULL) {
		session_header(s, name, value);
		end(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_headers_end(SMFICTX *ctx)
{
	struct session *s = begin(ctx);

	if (s != NULL) {
		session_headers_end(s);
		end(s);
	}
	return SMFIS_NOREPLY;
}

static sfsistat
on_body(SMFICTX *ctx, unsigned char *chunk, size_t size)
{
	struct session *s = begin(ctx);
	bool more = true;

	if (s != NULL) {
		more = session_body(s, span_of((const char *)chunk, size)) ||
		    !s->terms.can_skip;
		end(s);
	}
	return more ? SMFIS_CONTINUE : SMFIS_SKIP;
}

static sfsistat
on_message_end(SMFICTX *ctx)
{
	struct session *s = begin(ctx);
	struct span queue_id =
	    span_str(smfi_getsymval(ctx, libmilter_text("i")));
	struct metrics_times times;
	const struct verdict *v;
	uint64_t began;
	sfsistat r;

	if (s == NULL)
		return reply_refuse(ctx, 451, "4.3.0", SPAN(POLICY_NO_MEMORY));
	began = (uint64_t)clock_us();
	v = session_finish(s);
	times.finish_us = (uint64_t)clock_us() - began;
	r = reply_apply(ctx, s, v);
	times.total_us = (uint64_t)clock_us() - s->began_us;
	message_sink_put(v, s->view != NULL ? s->view->conf : NULL, queue_id,
	    r != SMFIS_TEMPFAIL ||
		(v != NULL && v->decision.action == CONF_TEMPFAIL),
	    times);
	session_abort(s);
	end(s);
	return r;
}

static sfsistat
on_abort(SMFICTX *ctx)
{
	struct session *s = begin(ctx);

	if (s != NULL) {
		session_abort(s);
		end(s);
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
