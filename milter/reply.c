#include "milter/reply.h"

#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "milter/libmilter_quirks.h"

#define AUTHRES "Authentication-Results"

/* ---- fields ---- */

/* Removes the `nth` field of that name, by setting an empty value. */
static bool
field_remove(SMFICTX *ctx, const char *name, size_t nth)
{
	return smfi_chgheader(ctx, libmilter_text(name), (int)nth,
		   libmilter_text("")) == MI_SUCCESS;
}

/*
 * Removes forged fields (RFC 8601 section 5), the last one first, so that the
 * numbers of the others stay correct whether the MTA renumbers the fields after
 * each removal (Postfix) or not (Sendmail).
 */
static bool
forged_remove(SMFICTX *ctx, const struct own_fields *own)
{
	bool ok = true;

	for (size_t i = own_fields_listed(own); i > 0 && ok; i--) {
		const struct own_field *f = &own->fields[i - 1];

		ok = field_remove(ctx, own_field_name(f->kind), f->nth);
	}
	return ok;
}

/*
 * Warns if our own field was removed from a message that is not checked.  Such
 * a field is rarely forged: usually the message comes back from a content
 * filter or from another MTA of this site, and its results are lost.
 */
static void
warn_about_lost_results(const struct session *s, const struct verdict *v)
{
	char memory[IP_TEXT_MAX + sizeof("@65535")];
	struct buf client = buf_wrap(memory, sizeof(memory));

	if (v == NULL || v->skip == NULL || s->own.n == 0)
		return;
	ip_put(&client, &v->client);
	if (s->mta_port > 0)
		buf_printf(&client, "@%u", s->mta_port);
	log_warning("trusted_mtas",
	    "removed a field with our results from a message from client %s "
	    "(%s). If this is your content filter or another of your MTAs, "
	    "either list it in trusted_mtas, or set "
	    "receive_override_options=no_milters on the Postfix service that "
	    "receives its mail",
	    memory, v->skip);
}

/* Inserts a field at the top, above the MTA's Received (RFC 8601 section 4.1).
 */
static bool
field_insert(
    SMFICTX *ctx, const struct session *s, const char *name, struct span value)
{
	char *text = malloc(value.n + 2);
	bool ok = text != NULL;

	if (ok) {
		/* If SMFIP_HDR_LEADSPC was granted, the MTA does not add a
		 * space. */
		size_t n = s->terms.leading_space ? 1 : 0;

		text[0] = ' ';
		memcpy(text + n, value.p, value.n);
		text[n + value.n] = '\0';
		ok = smfi_insheader(ctx, 0, libmilter_text(name), text) ==
		    MI_SUCCESS;
	}
	free(text);
	return ok;
}

static bool
fields_insert(SMFICTX *ctx, struct session *s, const struct verdict *v)
{
	if (v == NULL)
		return field_insert(
		    ctx, s, AUTHRES, span_str(session_fallback(s)));
	if (v->annotation.p != NULL &&
	    !field_insert(
		ctx, s, own_field_name(OWN_FIELD_QUARANTINE), v->annotation))
		return false;
	return field_insert(ctx, s, AUTHRES, v->authentication_results);
}

/* ---- the reply ---- */

sfsistat
reply_refuse(
    SMFICTX *ctx, unsigned code, const char *enhanced, struct span text)
{
	char rcode[4], reply[REPLY_TEXT_MAX + 1];
	struct buf c = buf_wrap(rcode, sizeof(rcode));
	struct buf b = buf_wrap(reply, sizeof(reply));
	bool final = code / 100 == 5;

	if (code / 100 != 4 && code / 100 != 5)
		code = 451;
	if (enhanced == NULL || enhanced[0] != (final ? '5' : '4'))
		enhanced = final ? "5.7.1" : "4.7.1";
	for (size_t i = 0; i < text.n && b.n + 2 < sizeof(reply); i++) {
		char byte = text.p[i];

		if (byte == '%') /* MTAs use the text as a format string */
			buf_byte(&b, '%');
		buf_byte(&b, ascii_is_print((unsigned char)byte) ? byte : '?');
	}
	buf_number(&c, code);
	if (smfi_setreply(ctx, rcode, libmilter_text(enhanced), reply) !=
	    MI_SUCCESS)
		log_limited("reply", "libmilter rejected the reply %s %s",
		    rcode, enhanced);
	return final ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat
quarantine_message(
    SMFICTX *ctx, const struct session *s, const struct verdict *v)
{
	char text[REPLY_TEXT_MAX + 1];
	struct buf b = buf_wrap(text, sizeof(text));

	buf_printable(&b, v->decision.reason, REPLY_TEXT_MAX);
	if (b.n == 0)
		buf_text(&b, "quarantined by policy");
	if (!s->terms.can_quarantine)
		log_limited("hold",
		    "the MTA does not support quarantine: message delivered");
	else if (smfi_quarantine(ctx, text) != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

/* ---- signatures ---- */

static bool
broken_signatures_remove(SMFICTX *ctx, const struct signer_outcome *o)
{
	bool ok = true;

	for (size_t i = o->n_remove; i > 0 && ok; i--)
		ok = field_remove(ctx, SIGNATURE_FIELD_NAME, o->remove[i - 1]);
	return ok;
}

/* Inserts a signature.  In the milter protocol, line ends inside a field are
 * LF. */
static bool
signature_insert(SMFICTX *ctx, const struct session *s, struct span value)
{
	char *text = malloc(value.n + 1);
	size_t n = 0;
	bool ok = text != NULL;

	for (size_t i = 0; ok && i < value.n; i++)
		if (value.p[i] != '\r' && (n > 0 || value.p[i] != ' '))
			text[n++] = value.p[i];
	ok = ok && field_insert(ctx, s, SIGNATURE_FIELD_NAME, span_of(text, n));
	free(text);
	return ok;
}

static bool
signatures_insert(
    SMFICTX *ctx, const struct session *s, const struct signer_outcome *o)
{
	bool ok = true;

	for (size_t i = o->n_add; i > 0 && ok; i--)
		ok = signature_insert(ctx, s, o->add[i - 1]);
	return ok;
}

/*
 * Rejects or defers the message if signing failed or was refused.  Returns
 * SMFIS_CONTINUE otherwise.  In monitor mode nothing is rejected.
 */
static sfsistat
signature_refusal(
    SMFICTX *ctx, const struct session *s, const struct signer_outcome *o)
{
	const struct conf *conf = s->runtime != NULL ? s->runtime->conf : NULL;

	if (o == NULL || o->result == SIGNER_FAILED)
		return conf == NULL || conf->on_overload == CONF_TEMPFAIL
		    ? reply_refuse(ctx, 451, "4.3.0",
			  SPAN("the message could not be signed; try again "
			       "later"))
		    : SMFIS_CONTINUE;
	if (o->result == SIGNER_REFUSED && conf != NULL &&
	    conf->mode == CONF_ENFORCE)
		return reply_refuse(ctx, 553, "5.7.1",
		    SPAN("your login may not send mail with this From "
			 "address; use your own address, or ask the "
			 "postmaster"));
	return SMFIS_CONTINUE;
}

static bool
sign_message(
    SMFICTX *ctx, const struct session *s, const struct signer_outcome *o)
{
	return o == NULL ||
	    (broken_signatures_remove(ctx, o) && signatures_insert(ctx, s, o));
}

sfsistat
reply_apply_signed(
    SMFICTX *ctx, struct session *s, const struct signer_outcome *o)
{
	sfsistat refusal = signature_refusal(ctx, s, o);

	if (refusal != SMFIS_CONTINUE)
		return refusal;
	if (s->own.n > OWN_FIELDS_MAX && !s->trusted_mta)
		return reply_refuse(ctx, 550, "5.7.1",
		    SPAN(
			"too many header fields claim to come from this host"));
	if ((!s->trusted_mta && !forged_remove(ctx, &s->own)) ||
	    !sign_message(ctx, s, o)) {
		log_limited("mta", "the MTA rejected a change to the header");
		return SMFIS_TEMPFAIL;
	}
	return SMFIS_CONTINUE;
}

/* ---- the reply to a message that was verified ---- */

sfsistat
reply_apply(SMFICTX *ctx, struct session *s, const struct verdict *v,
    const struct signer_outcome *o)
{
	enum conf_action action = v != NULL ? v->decision.action
	    : s->runtime != NULL            ? policy_unchecked(s->runtime->conf)
					    : CONF_TEMPFAIL;

	if (s->trusted_mta)
		return SMFIS_CONTINUE;
	if (v == NULL && s->own.n > OWN_FIELDS_MAX)
		action = CONF_TEMPFAIL; /* the list of forged fields is full, so
		                           some cannot be removed */
	if (v == NULL && action == CONF_TEMPFAIL)
		return reply_refuse(ctx, 451, "4.3.0", SPAN(POLICY_NO_MEMORY));
	if (action == CONF_REJECT)
		return reply_refuse(ctx,
		    v->decision.code / 100 == 5 ? v->decision.code : 550,
		    v->decision.enhanced, v->decision.text);
	if (action == CONF_TEMPFAIL)
		return reply_refuse(ctx,
		    v->decision.code / 100 == 4 ? v->decision.code : 451,
		    v->decision.enhanced, v->decision.text);
	if (session_is_ours(s)) {
		sfsistat refusal = signature_refusal(ctx, s, o);

		if (refusal != SMFIS_CONTINUE)
			return refusal;
	}
	/* A message is never delivered without our field: its recipients would
	 * trust forged fields that it contains. */
	if (!forged_remove(ctx, &s->own) || !sign_message(ctx, s, o) ||
	    !fields_insert(ctx, s, v)) {
		log_limited("mta", "the MTA rejected a change to the header");
		return SMFIS_TEMPFAIL;
	}
	warn_about_lost_results(s, v);
	return action == CONF_QUARANTINE ? quarantine_message(ctx, s, v)
					 : SMFIS_CONTINUE;
}
