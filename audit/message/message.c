#include "audit/message/message.h"

#include <string.h>

#include "audit/message/internal.h"
#include "audit/ptr.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/enum_names.h"
#include "lib/taglist.h"
#include "mail/header.h"

enum {
	RSA_BITS_LEAST = 1024,  /* RFC 8301 section 3.2 */
	DATE_EARLY = 7 * 86400, /* seconds by which Date may be in the past */
	DATE_LATE = 86400,      /* seconds by which Date may be in the future */
};

/* ---- findings ---- */

void
audit_rule_add(struct audit_findings *out, struct arena *a,
    const struct audit_provider_rule *rule, enum audit_severity severity,
    struct span where, struct span value)
{
	const struct audit_fault_text *text = audit_fault_text(rule->fault);
	struct buf section = buf_alloc(a, 128);
	const struct audit_about about = {
		.where = where,
		.value = value,
		.area = rule->area,
	};
	struct audit_rule made = { severity, text->id, NULL, text->text,
		text->fix };

	buf_text(&section, rule->provider);
	if (rule->reply != NULL) {
		buf_byte(&section, ' ');
		buf_text(&section, rule->reply);
	}
	buf_text(&section, rule->is_bulk ? ", bulk senders" : "");
	buf_text(&section, ", as of ");
	buf_text(&section, rule->date);
	made.section = section.p != NULL ? section.p : rule->provider;
	audit_findings_add(out, &made, &about);
}

struct judging {
	const struct audit_message *m;
	struct arena *a;
	struct audit_findings *out;
	bool is_bulk;
};

/* Adds a finding for each provider that has a rule about `fault`. */
static void
add_fault(struct judging *j, enum audit_fault fault, const char *where,
    struct span value)
{
	for (size_t i = 0; i < audit_n_provider_rules; i++) {
		const struct audit_provider_rule *rule =
		    &audit_provider_rules[i];
		enum audit_severity severity = AUDIT_ERROR;

		if (rule->fault != fault || strcmp(rule->area, "any") == 0)
			continue;
		if (rule->is_advice)
			severity = AUDIT_WARNING;
		if (rule->is_bulk && !j->is_bulk)
			severity = AUDIT_NOTE;
		audit_rule_add(
		    j->out, j->a, rule, severity, span_str(where), value);
	}
}

/* ---- authentication ---- */

static bool
dkim_passes(const struct verdict *v)
{
	for (size_t i = 0; i < v->n_dkim; i++)
		if (v->dkim[i].code == DKIM_PASS)
			return true;
	return false;
}

/* Checks whether the SPF record caused a permerror (RFC 7208 section 2.6.7) or
 * lets nearly everyone pass. */
static void
judge_spf_record(struct judging *j)
{
	const struct spf_result *spf = &j->m->verdict->spf_mail_from;
	bool is_broken = spf->code == SPF_PERMERROR;

	if (!j->m->has_client)
		return;
	if (is_broken || spf->weakness == SPF_WEAK_ALL ||
	    spf->weakness == SPF_WEAK_RANGE)
		add_fault(j, AUDIT_FAULT_SPF_RECORD, "MAIL FROM", SPAN_NONE);
	if (is_broken)
		add_fault(j, AUDIT_FAULT_SPF_BROKEN, "MAIL FROM", SPAN_NONE);
}

static void
judge_spf_and_dkim(struct judging *j)
{
	const struct verdict *v = j->m->verdict;
	bool spf = v->spf_mail_from.code == SPF_PASS || !j->m->has_client;
	bool dkim = dkim_passes(v);

	if (!spf && !dkim)
		add_fault(j, AUDIT_FAULT_UNAUTHENTICATED, "message", SPAN_NONE);
	if (j->m->has_client && v->spf_mail_from.code == SPF_FAIL && !dkim)
		add_fault(j, AUDIT_FAULT_SPF_REFUSES, "MAIL FROM", SPAN_NONE);
	if (!spf)
		add_fault(j, AUDIT_FAULT_SPF, "MAIL FROM", SPAN_NONE);
	judge_spf_record(j);
	if (!dkim)
		add_fault(j, AUDIT_FAULT_DKIM, "DKIM-Signature", SPAN_NONE);
	for (size_t i = 0; i < v->n_dkim; i++)
		if (v->dkim[i].key_bits > 0 &&
		    v->dkim[i].key_bits < RSA_BITS_LEAST &&
		    !span_starts_nocase(v->dkim[i].algorithm, "ed25519")) {
			add_fault(j, AUDIT_FAULT_SMALL_KEY, "DKIM-Signature",
			    SPAN_NONE);
			break;
		}
}

static void
judge_dmarc(struct judging *j)
{
	const struct verdict *v = j->m->verdict;
	bool passes = v->spf_mail_from.code == SPF_PASS || dkim_passes(v);

	if (j->m->has_client && v->dmarc.code == DMARC_FAIL &&
	    v->dmarc.disposition > DMARC_POLICY_NONE)
		add_fault(j, AUDIT_FAULT_DMARC_POLICY, "From", SPAN_NONE);
	if (v->dmarc.code == DMARC_NONE && v->from.n_domains > 0)
		add_fault(j, AUDIT_FAULT_NO_DMARC, "From", SPAN_NONE);
	if (j->m->has_client && passes && !v->dmarc.spf_aligned &&
	    !v->dmarc.dkim_aligned && v->dmarc.code == DMARC_FAIL)
		add_fault(j, AUDIT_FAULT_UNALIGNED, "From", SPAN_NONE);
}

/* ---- the header ---- */

/* RFC 5322 section 3.6: fields that may appear only once. */
static const char *const singletons[] = { "Date", "From", "Sender", "Reply-To",
	"To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References",
	"Subject" };

static void
judge_singletons(struct judging *j, const struct mail_header *h)
{
	for (size_t i = 0; i < ARRAY_SIZE(singletons); i++)
		if (mail_header_count(h, singletons[i]) > 1)
			add_fault(j, AUDIT_FAULT_DUPLICATE, singletons[i],
			    span_str(singletons[i]));
}

static bool
is_ascii(unsigned char c)
{
	return c < 0x80;
}

static void
judge_bytes(struct judging *j, const struct mail_header *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (!span_all(h->fields[i].raw, is_ascii)) {
			add_fault(j, AUDIT_FAULT_EIGHT_BIT, "header",
			    span_all(h->fields[i].name, ascii_is_print)
				? h->fields[i].name
				: SPAN("a field name"));
			return;
		}
}

bool
audit_is_message_id(struct span value)
{
	struct span id = span_trim(value);
	struct span inner;
	size_t at;

	if (id.n < 5 || id.p[0] != '<' || id.p[id.n - 1] != '>')
		return false;
	inner = span_first(span_skip(id, 1), id.n - 2);
	at = span_index(inner, '@');
	return at > 0 && at + 1 < inner.n && !span_has(inner, ' ') &&
	    !span_has(inner, '<') && !span_has(inner, '>');
}

static void
judge_message_id(struct judging *j, const struct mail_header *h)
{
	size_t at = mail_header_find(h, "Message-ID", 0);

	if (at == h->n || !audit_is_message_id(h->fields[at].value))
		add_fault(j, AUDIT_FAULT_MESSAGE_ID, "Message-ID", SPAN_NONE);
}

static bool
is_date(struct span value, int64_t *when)
{
	struct scan s = scan_of(value);

	return date_read_mail(&s, when);
}

static void
judge_date(struct judging *j, const struct mail_header *h)
{
	size_t at = mail_header_find(h, "Date", 0);
	int64_t received = j->m->received;
	int64_t when;

	if (at < h->n && is_date(h->fields[at].value, &when) &&
	    (received == 0 ||
		(when >= received - DATE_EARLY &&
		    when <= received + DATE_LATE)))
		return;
	add_fault(j, AUDIT_FAULT_DATE, "Date", SPAN_NONE);
}

/* RFC 2047 section 5: encoded words are not allowed in an address, a
 * Message-ID, a date or a trace field. */
static bool
has_encoded_word(const struct mail_field *f)
{
	static const char *const never[] = { "Message-ID", "Date", "Received",
		"Return-Path", "In-Reply-To", "References" };
	static const char *const addresses[] = { "From", "Sender", "Reply-To",
		"To", "Cc" };
	bool in_address = false;

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		in_address |= span_is_nocase(f->name, never[i]);
	for (size_t i = 0; i < f->value.n; i++) {
		if (in_address &&
		    span_starts_nocase(span_skip(f->value, i), "=?"))
			return true;
		for (size_t k = 0; k < ARRAY_SIZE(addresses); k++)
			if (span_is_nocase(f->name, addresses[k]))
				in_address = f->value.p[i] == '<' ||
				    (in_address && f->value.p[i] != '>');
	}
	return false;
}

static void
judge_encoded_words(struct judging *j, const struct mail_header *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (has_encoded_word(&h->fields[i])) {
			add_fault(j, AUDIT_FAULT_ENCODED_WORD, "header",
			    h->fields[i].name);
			return;
		}
}

/* Yahoo looks up the domains of From and MAIL FROM; Outlook.com requires that
 * the From address accepts mail. */
static void
judge_domains(struct judging *j)
{
	const struct audit_message *m = j->m;
	const struct verdict *v = m->verdict;
	struct span from =
	    v->from.n_domains > 0 ? v->from.domains[0] : SPAN_NONE;
	struct span sender = v->facts.mail_from_domain;

	if (m->from_mail == AUDIT_MAIL_NO_DOMAIN)
		add_fault(j, AUDIT_FAULT_NO_DOMAIN, "From", from);
	else if (m->sender_mail == AUDIT_MAIL_NO_DOMAIN)
		add_fault(j, AUDIT_FAULT_NO_DOMAIN, "MAIL FROM", sender);
	if (m->from_mail == AUDIT_MAIL_NULL_MX)
		add_fault(j, AUDIT_FAULT_NULL_MX, "From", SPAN_NONE);
	else if (m->sender_mail == AUDIT_MAIL_NULL_MX)
		add_fault(j, AUDIT_FAULT_NULL_MX, "MAIL FROM", SPAN_NONE);
	if (m->from_mail == AUDIT_MAIL_NULL_MX ||
	    m->from_mail == AUDIT_MAIL_NO_HOST)
		add_fault(j, AUDIT_FAULT_NO_MAIL, "From", from);
}

/* ---- bulk mail ---- */

bool
audit_message_is_bulk(const struct mail_header *h)
{
	size_t at = mail_header_find(h, "Precedence", 0);
	struct span precedence =
	    at < h->n ? span_trim(h->fields[at].value) : SPAN_NONE;

	return mail_header_count(h, "List-Unsubscribe") > 0 ||
	    mail_header_count(h, "Feedback-ID") > 0 ||
	    span_is_nocase(precedence, "bulk") ||
	    span_is_nocase(precedence, "junk");
}

/* Whether a signature that passes has `name` in h= (RFC 6376 section 3.5). */
static bool
is_signed(const struct verdict *v, const char *name)
{
	struct tag tags[TAGLIST_MAX];

	for (size_t i = 0; i < v->n_dkim; i++) {
		struct span names;
		struct scan s;
		const char *why;
		size_t n;

		if (v->dkim[i].code != DKIM_PASS ||
		    v->dkim[i].field >= v->header->n ||
		    !taglist_read(v->header->fields[v->dkim[i].field].value,
			tags, &n, &why) ||
		    !taglist_find(tags, n, "h", &names))
			continue;
		s = scan_of(names);
		while (!scan_done(&s)) {
			if (span_is_nocase(
				span_trim(scan_until(&s, ':')), name))
				return true;
			scan_byte(&s, ':');
		}
	}
	return false;
}

static bool
has_https(struct span value)
{
	for (; value.n > 0; value = span_skip(value, 1))
		if (span_starts_nocase(value, "<https://"))
			return true;
	return false;
}

static void
judge_unsubscribe(struct judging *j, const struct mail_header *h)
{
	size_t at = mail_header_find(h, "List-Unsubscribe", 0);
	size_t post = mail_header_find(h, "List-Unsubscribe-Post", 0);

	if (!j->is_bulk)
		return;
	if (at == h->n || !has_https(h->fields[at].value) || post == h->n ||
	    !span_is_nocase(
		span_trim(h->fields[post].value), "List-Unsubscribe=One-Click"))
		add_fault(
		    j, AUDIT_FAULT_UNSUBSCRIBE, "List-Unsubscribe", SPAN_NONE);
	else if (!is_signed(j->m->verdict, "List-Unsubscribe") ||
	    !is_signed(j->m->verdict, "List-Unsubscribe-Post"))
		add_fault(j, AUDIT_FAULT_UNSUBSCRIBE_UNSIGNED,
		    "List-Unsubscribe", SPAN_NONE);
}

void
audit_message(
    const struct audit_message *m, struct arena *a, struct audit_findings *out)
{
	struct judging j = { .m = m, .a = a, .out = out };
	const struct verdict *v = m->verdict;
	const struct mail_header *h = v->header;

	j.is_bulk = audit_message_is_bulk(h);
	if (!m->is_unsure) {
		judge_spf_and_dkim(&j);
		judge_dmarc(&j);
	}
	if (m->has_name == AUDIT_NO)
		add_fault(&j, AUDIT_FAULT_PTR, "client", SPAN_NONE);
	if (m->client_name.p != NULL &&
	    ptr_is_generic(m->client_name, &v->client))
		add_fault(
		    &j, AUDIT_FAULT_PTR_GENERIC, "client", m->client_name);
	if (m->tls == AUDIT_NO)
		add_fault(&j, AUDIT_FAULT_TLS, "Received", SPAN_NONE);
	if (v->from.state == MAIL_FROM_INVALID)
		add_fault(
		    &j, AUDIT_FAULT_FROM, "From", span_str(v->from.reason));
	judge_message_id(&j, h);
	judge_date(&j, h);
	judge_singletons(&j, h);
	judge_bytes(&j, h);
	judge_encoded_words(&j, h);
	judge_domains(&j);
	judge_unsubscribe(&j, h);
	audit_findings_sort(out);
}
