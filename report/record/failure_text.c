/*
 * failure_text.c - the contents of a failure report: results, machine-readable
 * fields, header fields.
 */
#include "lib/date.h"
#include "lib/domain.h"
#include "mail/authres.h"
#include "report/record/failure_internal.h"
#include "report/record/row.h"

enum {
	RESULTS_MAX = 8 << 10, /* bytes of an Authentication-Results field */
	ADDRESS_MAX = 320,  /* bytes of an address whose local part is replaced
	                       with a hash */
	SPF_LINE_MAX = 900, /* bytes of a term in an SPF record, so that the
	                       term fits on a line */
	QUEUE_ID_MAX = 100, /* bytes */
	FOLD = 72,          /* column where lines are folded */
};

/* ---- results (RFC 8601), without internal details ---- */

static void
put_spf(struct authres_writer *w, const struct failure_source *t)
{
	const struct verdict *v = t->v;
	char memory[ADDRESS_MAX];
	struct buf address = buf_wrap(memory, sizeof(memory));

	redact_address(&t->redact, &address, v->mail_from);
	authres_method(w, "spf", spf_code_name(v->spf_mail_from.code));
	authres_put(w, "smtp", "mailfrom", buf_view(&address));
}

static void
put_dkim(struct authres_writer *w, const struct failure_source *t,
    const struct dkim_result *r)
{
	char memory[ADDRESS_MAX];
	struct buf identity = buf_wrap(memory, sizeof(memory));

	redact_address(&t->redact, &identity, r->identity);
	authres_method(w, "dkim", dkim_code_name(r->code));
	if (r->code != DKIM_PASS && r->reason.n > 0)
		authres_reason(w, r->reason);
	if (r->domain.n > 0)
		authres_put(w, "header", "d", r->domain);
	if (r->identity.n > 0)
		authres_put(w, "header", "i", buf_view(&identity));
	if (r->selector.n > 0)
		authres_put(w, "header", "s", r->selector);
	if (r->b.n > 0)
		authres_put(w, "header", "b", r->b);
}

static void
put_signatures(struct authres_writer *w, const struct failure_source *t)
{
	const struct verdict *v = t->v;

	for (size_t i = 0; i < v->n_dkim && i < FAILURE_SIGNATURES_MAX; i++)
		put_dkim(w, t, &v->dkim[i]);
	if (v->n_dkim == 0)
		authres_method(w, "dkim", "none");
}

static void
put_dmarc(struct authres_writer *w, const struct failure_source *t)
{
	const struct dmarc_result *r = &t->v->dmarc;

	authres_method(w, "dmarc", dmarc_code_name(r->code));
	if (r->code != DMARC_PASS && r->reason.n > 0)
		authres_reason(w, r->reason);
	authres_put(w, "header", "from", r->author_domain);
	authres_put(
	    w, "policy", "dmarc", span_str(dmarc_policy_name(r->policy)));
}

/* Writes the result for `kind`, or all results for FAILURE_NONE. */
static void
put_results(
    struct buf *b, const struct failure_source *t, enum failure_kind kind)
{
	char id_memory[DOMAIN_MAX + 1], memory[RESULTS_MAX];
	struct buf id = buf_wrap(id_memory, sizeof(id_memory));
	struct authres_writer w;

	authres_begin(&w, buf_wrap(memory, sizeof(memory)),
	    authres_id(t->v->authentication_results, &id));
	if (kind == FAILURE_SPF || kind == FAILURE_NONE)
		put_spf(&w, t);
	if (kind == FAILURE_DKIM)
		put_dkim(&w, t, t->signature);
	if (kind == FAILURE_NONE)
		put_signatures(&w, t);
	if (kind == FAILURE_DMARC || kind == FAILURE_NONE)
		put_dmarc(&w, t);
	buf_text(b, "Authentication-Results: ");
	buf_span(b, authres_end(&w));
	buf_byte(b, '\n');
}

/* ---- machine-readable fields (RFC 5965 section 3, RFC 6591 section 3) ---- */

static void
put_field(struct buf *b, const char *name, struct span value)
{
	buf_text(b, name);
	buf_text(b, ": ");
	report_put_clean(b, value, REPORT_NAME_MAX, true);
	buf_byte(b, '\n');
}

/* RFC 6591 section 3.2.2 */
const char *
failure_delivery_result(const struct verdict *v)
{
	switch (v->decision.action) {
	case CONF_REJECT:
		return "reject";
	case CONF_QUARANTINE:
		return "policy";
	case CONF_ANNOTATE:
		if (v->decision.disposition == DMARC_POLICY_QUARANTINE)
			return "policy";
		break;
	case CONF_ACCEPT:
	case CONF_TEMPFAIL:
		break;
	}
	return "delivered";
}

/* RFC 6591 section 3.3, RFC 9991 section 4 */
const char *
failure_type(const struct failure_source *t)
{
	switch (t->kind) {
	case FAILURE_DKIM:
		return t->signature->auth_failure == DKIM_FLAW_BODY ? "bodyhash"
		    : t->signature->auth_failure == DKIM_FLAW_REVOKED
		    ? "revoked"
		    : "signature";
	case FAILURE_SPF:
		return "spf";
	case FAILURE_DMARC:
	case FAILURE_NONE:
		break;
	}
	return "dmarc";
}

/* RFC 9991 section 4 */
static const char *
identity_alignment(const struct dmarc_result *r)
{
	if (r->dkim_aligned)
		return r->spf_aligned ? "none" : "spf";
	return r->spf_aligned ? "dkim" : "dkim, spf";
}

/* RFC 6591 section 3.2.3 */
static void
put_signature(struct buf *b, const struct failure_source *t)
{
	const struct dkim_result *r = t->signature;
	char memory[ADDRESS_MAX];
	struct buf identity = buf_wrap(memory, sizeof(memory));

	if (r == NULL)
		return;
	redact_address(&t->redact, &identity, r->identity);
	put_field(b, "DKIM-Domain", r->domain);
	if (identity.n > 0)
		put_field(b, "DKIM-Identity", buf_view(&identity));
	put_field(b, "DKIM-Selector", r->selector);
}

/* Writes a quoted string (RFC 5322 section 3.2.4), folded between words. */
static void
put_quoted(struct buf *b, struct span text, size_t column)
{
	struct scan s = scan_of(text);

	buf_byte(b, '"');
	while (!scan_done(&s)) {
		struct span word =
		    span_first(scan_until(&s, ' '), SPF_LINE_MAX);
		bool more = scan_byte(&s, ' ');

		for (size_t i = 0; i < word.n; i++) {
			if (word.p[i] == '"' || word.p[i] == '\\')
				buf_byte(b, '\\');
			report_put_clean(b, span_of(word.p + i, 1), 1, false);
		}
		column += word.n + 1;
		if (more && column > FOLD) {
			buf_byte(b, '\n');
			column = 0;
		}
		if (more)
			buf_byte(b, ' ');
	}
	buf_text(b, "\"\n");
}

/* RFC 7208 section 7.2: a record may cause queries for names made from the
 * local part of the sender. */
static bool
asks_for_sender(struct span record)
{
	for (; record.n > 2; record = span_skip(record, 1))
		if (span_starts_nocase(record, "%{l") ||
		    span_starts_nocase(record, "%{s"))
			return true;
	return false;
}

/* RFC 6591 sections 3.2.6 and 4: writes one field for each record that was
 * used, unless its domain may reveal something about the sender. */
static void
put_spf_records(struct buf *b, const struct spf_result *r)
{
	bool asked = false;

	for (size_t i = 0; i < r->n_sources && !asked; i++) {
		size_t from = b->n;

		buf_text(b, "SPF-DNS: txt : ");
		report_put_clean(
		    b, r->sources[i].domain, REPORT_NAME_MAX, false);
		buf_text(b, " : ");
		put_quoted(b, r->sources[i].record, b->n - from);
		if (b->full) { /* a truncated record would be a different
			          record */
			buf_cut(b, from);
			return;
		}
		asked = asks_for_sender(r->sources[i].record);
	}
}

static bool
shows_spf(const struct failure_source *t)
{
	const struct spf_result *r = &t->v->spf_mail_from;

	return t->kind == FAILURE_SPF ||
	    (t->kind == FAILURE_DMARC && r->code != SPF_PASS &&
		failure_is_aligned(t->v, r->domain, t->v->dmarc.record->aspf));
}

/* RFC 5965 section 3.2 requires the format of RFC 5321 section 4.1.3, but most
 * readers accept only the bare address. */
static void
put_source(struct buf *b, const struct failure_source *t)
{
	const struct verdict *v = t->v;

	if (v->client.family == IP_NONE)
		return;
	buf_text(b, "Source-IP: ");
	if (v->client.family == IP_V6 &&
	    t->conf->report.xml_format == CONF_XML_STRICT)
		buf_text(b, "IPv6:");
	ip_put(b, &v->client);
	if (v->client_port != 0) {
		buf_text(b, "\nSource-Port: "); /* RFC 6692 */
		buf_number(b, v->client_port);
	}
	buf_byte(b, '\n');
}

/* Writes the address with its personal data replaced.  Leaves the field out if
 * the address is too long to be valid. */
static void
put_mail_from(struct buf *b, const struct failure_source *t)
{
	size_t from = b->n;

	buf_text(b, "Original-Mail-From: <");
	redact_address(&t->redact, b, t->v->mail_from);
	buf_text(b, ">\n");
	if (b->full)
		buf_cut(b, from);
}

void
failure_put_feedback(struct buf *b, const struct failure_source *t)
{
	const struct verdict *v = t->v;

	buf_text(b,
	    "Feedback-Type: auth-failure\n"
	    "User-Agent: avouch/" AVOUCH_VERSION "\nVersion: 1\n"
	    "Auth-Failure: ");
	buf_text(b, failure_type(t));
	buf_byte(b, '\n');
	/* RFC 6591 section 3.1: the results of one method only */
	put_results(b, t, t->kind);
	buf_text(b, "Identity-Alignment: ");
	buf_text(b, identity_alignment(&v->dmarc));
	buf_text(b, "\nDelivery-Result: ");
	buf_text(b, failure_delivery_result(v));
	buf_text(b, "\nArrival-Date: ");
	date_put_mail(b, t->now);
	buf_byte(b, '\n');
	put_source(b, t);
	put_field(b, "Reported-Domain", v->dmarc.author_domain);
	put_mail_from(b, t);
	if (t->queue_id.n > 0 && t->queue_id.n <= QUEUE_ID_MAX)
		put_field(b, "Original-Envelope-Id", t->queue_id);
	put_signature(b, t);
	if (shows_spf(t))
		put_spf_records(b, &v->spf_mail_from);
}

/* ---- fields of the message ---- */

static bool
is_field_shown(const struct conf *conf, struct span name)
{
	char *const *names = conf->report.failure_headers;

	for (; names != NULL && *names != NULL; names++)
		if (span_is_nocase(name, *names))
			return true;
	return false;
}

void
failure_put_header(
    struct buf *b, const struct failure_source *t, struct arena *a)
{
	const struct mail_header *h = t->v->header;
	char memory[FAILURE_HEADER_MAX];
	size_t shown = 0;

	put_results(b, t, FAILURE_NONE);
	for (size_t i = 0; i < h->n && shown < FAILURE_FIELDS_MAX; i++) {
		struct buf field = buf_wrap(memory, FAILURE_HEADER_MAX - b->n);

		if (!is_field_shown(t->conf, h->fields[i].name))
			continue;
		arena_rewind(a);
		if (!redact_field(&t->redact, &field, a, &h->fields[i]))
			continue;
		buf_span(b, buf_view(&field));
		shown++;
	}
}

/* RFC 5965 section 2 (f): the subject of the message, if it may be reported. */
void
failure_put_subject(struct buf *b, const struct failure_source *t)
{
	const struct mail_header *h = t->v->header;
	size_t at = mail_header_find(h, "Subject", 0);
	char memory[FAILURE_SUBJECT_MAX + 1];
	struct buf text = buf_wrap(memory, sizeof(memory));

	if (at == h->n || !is_field_shown(t->conf, SPAN("Subject")))
		return;
	redact_text(&t->redact, &text, span_trim(h->fields[at].value));
	if (!text.full && !span_has(buf_view(&text), '\n'))
		buf_span(b, buf_view(&text));
}
