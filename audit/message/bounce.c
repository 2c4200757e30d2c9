/*
 * bounce.c - explains the SMTP replies in a log or a bounce (RFC 5321 section
 * 4.2, RFC 3463, RFC 3464)
 */
#include <string.h>

#include "audit/message/internal.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "lib/scan.h"

enum { LINE_SHOWN_MAX = 200 };

/* Words in a reply that identify the receiver. */
static const struct {
	const char *word, *area;
} words[] = {
	{ "gsmtp", "gmail" },
	{ "google", "gmail" },
	{ "gmail", "gmail" },
	{ "unauthenticated email from", "gmail" },
	{ "blocked because the sender is unauthenticated", "gmail" },
	{ "spf record with a hard fail policy", "gmail" },
	{ "yahoo", "yahoo" },
	{ "aol.com", "yahoo" },
	{ "outlook", "outlook" },
	{ "hotmail", "outlook" },
	{ "microsoft", "outlook" },
	{ "icloud", "icloud" },
	{ "apple", "icloud" },
	{ "gmx", "gmx" },
	{ "web.de", "gmx" },
	{ "laposte", "laposte" },
};

static bool
holds(struct span text, const char *part)
{
	for (; text.n > 0; text = span_skip(text, 1))
		if (span_starts_nocase(text, part))
			return true;
	return false;
}

/* Returns the receiver that wrote the reply, or NULL if it is unknown. */
static const char *
receiver_of(struct span text)
{
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (holds(text, words[i].word))
			return words[i].area;
	return NULL;
}

/* Returns the enhanced status code in a rule's reply, such as "5.7.26". */
static struct span
enhanced_of(const char *reply)
{
	struct span text = span_str(reply);

	return span_skip(text, span_index(text, ' ') + 1);
}

/* Reads an enhanced status code (RFC 3463 section 2); returns false if there is
 * none. */
static bool
take_enhanced(struct scan *s, struct span *out)
{
	struct scan at = *s;
	uint64_t number;

	if (!scan_number(&at, 5, &number) || number < 2 ||
	    !scan_byte(&at, '.') || !scan_number(&at, 999, &number) ||
	    !scan_byte(&at, '.') || !scan_number(&at, 999, &number))
		return false;
	*out = span_between(s->p, at.p);
	*s = at;
	return true;
}

/* Gmail's reasons for 5.7.26 and 5.7.1, and words in its replies that identify
 * them. */
static const struct {
	const char *words;
	enum audit_fault fault;
} phrases[] = {
	{ "DMARC policy", AUDIT_FAULT_DMARC_POLICY },
	{ "hard fail policy", AUDIT_FAULT_SPF_REFUSES },
	{ "either SPF or DKIM", AUDIT_FAULT_UNAUTHENTICATED },
	{ "sender is unauthenticated", AUDIT_FAULT_UNAUTHENTICATED },
	{ "messageId header", AUDIT_FAULT_MESSAGE_ID },
	{ "Message-ID header", AUDIT_FAULT_MESSAGE_ID },
	{ "From: header", AUDIT_FAULT_FROM },
	{ "'From' header", AUDIT_FAULT_FROM },
	{ "multiple From", AUDIT_FAULT_FROM },
	{ "duplicate header", AUDIT_FAULT_DUPLICATE },
	{ "8-bit", AUDIT_FAULT_EIGHT_BIT },
	{ "non-ASCII", AUDIT_FAULT_EIGHT_BIT },
	{ "encoded-word", AUDIT_FAULT_ENCODED_WORD },
	{ "encoded word", AUDIT_FAULT_ENCODED_WORD },
};

static bool
is_reason_of_26(enum audit_fault fault)
{
	return fault == AUDIT_FAULT_DMARC_POLICY ||
	    fault == AUDIT_FAULT_SPF_REFUSES ||
	    fault == AUDIT_FAULT_UNAUTHENTICATED;
}

/* Microsoft's reply says which methods failed, for example "Spf= Pass , Dkim=
 * Fail , DMARC= Pass". */
static const struct {
	enum audit_fault fault;
	const char *passes[2];
} said[] = {
	{ AUDIT_FAULT_SPF, { "spf= pass", "spf=pass" } },
	{ AUDIT_FAULT_DKIM, { "dkim= pass", "dkim=pass" } },
	{ AUDIT_FAULT_NO_DMARC, { "dmarc= pass", "dmarc=pass" } },
	{ AUDIT_FAULT_UNALIGNED, { "dmarc= pass", "dmarc=pass" } },
};

/* Facts about a text, except its status codes.  They are collected only once
 * per text, because a hostile text can contain a code every few bytes. */
struct reply {
	const char *area;      /* NULL: unknown */
	enum audit_fault only; /* Gmail's reason; AUDIT_FAULTS: unknown */
	bool has_results;      /* the text says which methods passed */
	bool passes[ARRAY_SIZE(said)];
};

static void
read_reply(struct span text, struct reply *out)
{
	*out = (struct reply){
		.area = receiver_of(text),
		.only = AUDIT_FAULTS,
		.has_results = holds(text, "dkim="),
	};
	for (size_t i = 0; i < ARRAY_SIZE(phrases) && out->only == AUDIT_FAULTS;
	     i++)
		if (holds(text, phrases[i].words))
			out->only = phrases[i].fault;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++)
		out->passes[i] = holds(text, said[i].passes[0]) ||
		    holds(text, said[i].passes[1]);
}

/* Adds what a line does not say, but the whole text does: a reply may have
 * several lines. */
static void
complete_reply(struct reply *line, const struct reply *whole)
{
	if (line->area == NULL)
		line->area = whole->area;
	if (line->area == NULL || whole->area == NULL ||
	    strcmp(line->area, whole->area) != 0)
		return;
	if (line->only == AUDIT_FAULTS)
		line->only = whole->only;
	if (!line->has_results)
		memcpy(line->passes, whole->passes, sizeof(line->passes));
}

/* Whether the reply rules out this fault.  Gmail also uses 5.7.1 for spam and
 * for other reasons that are not in the table. */
static bool
is_excluded(const struct reply *r, enum audit_fault fault, struct span code)
{
	if (span_is(code, "5.7.1"))
		return fault != r->only;
	if (is_reason_of_26(r->only) && is_reason_of_26(fault))
		return fault != r->only;
	if (r->area == NULL || strcmp(r->area, "outlook") != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(said); i++)
		if (said[i].fault == fault && r->passes[i])
			return true;
	return false;
}

static bool
is_known(
    const struct audit_findings *out, const struct audit_provider_rule *rule)
{
	const char *id = audit_fault_text(rule->fault)->id;

	for (size_t i = 0; i < out->n; i++)
		if (strcmp(out->list[i].id, id) == 0 &&
		    strcmp(out->list[i].area, rule->area) == 0)
			return true;
	return false;
}

static bool
has_reply(const struct audit_provider_rule *rule, struct span code)
{
	return (rule->reply != NULL &&
		   span_equal(enhanced_of(rule->reply), code)) ||
	    (rule->reply2 != NULL &&
		span_equal(enhanced_of(rule->reply2), code));
}

/* Adds a finding for each rule that has this area and code, unless the finding
 * was already added or is excluded.  Returns false if no rule has the code. */
static bool
add_rules(const struct reply *r, struct arena *a, struct audit_findings *out,
    const char *area, struct span code)
{
	bool any = false;

	for (size_t i = 0; i < audit_n_provider_rules; i++) {
		const struct audit_provider_rule *rule =
		    &audit_provider_rules[i];

		if (strcmp(rule->area, area) != 0 || !has_reply(rule, code))
			continue;
		any = true;
		if (!is_known(out, rule) && !is_excluded(r, rule->fault, code))
			audit_rule_add(out, a, rule, AUDIT_ERROR, code,
			    SPAN("the reply gives no details"));
	}
	return any;
}

static void
explain_codes(struct span text, const struct reply *r, struct arena *a,
    struct audit_findings *out)
{
	struct scan s = scan_of(text);
	int before = ' ';

	while (!scan_done(&s)) {
		struct span code;

		/* a code must not be part of a longer number, such as an IP
		 * address */
		if (ascii_is_digit((unsigned char)before) || before == '.' ||
		    !take_enhanced(&s, &code)) {
			before = scan_next(&s);
			continue;
		}
		before = '.';
		if (scan_peek(&s) == '.' ||
		    ascii_is_digit((unsigned char)scan_peek(&s)))
			continue;
		if (r->area == NULL || !add_rules(r, a, out, r->area, code))
			add_rules(r, a, out, "any", code);
	}
}

void
audit_bounce(struct span text, struct arena *a, struct audit_findings *out)
{
	struct span all = span_first(text, AUDIT_BOUNCE_MAX);
	struct scan lines = scan_of(all);
	struct reply whole, one;

	read_reply(all, &whole);
	while (!scan_done(&lines)) {
		struct span line = scan_until(&lines, '\n');

		scan_byte(&lines, '\n');
		read_reply(line, &one);
		complete_reply(&one, &whole);
		explain_codes(line, &one, a, out);
	}
}
