/*
 * policy_reply.c - writes the reason for a decision (for the log,
 * Authentication-Results and the aggregate report) and the reply to the client.
 */
#include "verify/policy_internal.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum {
	REASON_MAX = 300,                       /* bytes of a reason */
	RULE_MAX = CONF_OVERRIDE_NAME_MAX + 40, /* bytes of a rule's name */
	DOMAIN_SHOWN_MAX = 80, /* bytes of a domain in reasons and replies */
	EXPLANATION_MAX = 200, /* bytes of an SPF explanation in a reply */
	URL_MAX = 300,         /* bytes of an expanded link */
};

static void
put_domain(struct buf *b, struct span domain)
{
	if (domain.p == NULL)
		buf_text(b, "the sender");
	else
		buf_safe(b, domain, DOMAIN_SHOWN_MAX);
}

/* Returns the domain that the rule is about. */
static struct span
subject(const struct policy_context *p)
{
	return policy_subject(
	    p->f, p->rule != NULL ? p->rule->subject : POLICY_AUTHOR);
}

static void
put_evidence(struct buf *b, const struct indirect_evidence *evidence)
{
	buf_text(b, " (");
	buf_text(b, evidence->what);
	if (evidence->name.p != NULL) {
		buf_byte(b, ' ');
		buf_safe(b, evidence->name, DOMAIN_SHOWN_MAX);
	}
	buf_byte(b, ')');
}

static bool
is_statement(const struct policy_context *p)
{
	return p->rule->subject == POLICY_MESSAGE ||
	    p->rule->subject == POLICY_FROM;
}

/* Writes the rule's text as a sentence. */
static void
put_statement(struct buf *b, const struct policy_context *p, bool capital)
{
	unsigned char first = (unsigned char)p->rule->what[0];

	buf_byte(b, (char)(capital ? ascii_upper(first) : first));
	buf_text(b, p->rule->what + 1);
	if (p->rule->subject == POLICY_FROM) {
		buf_text(b, ": ");
		buf_text(b, p->f->from_fault);
	}
}

/* Writes the reason when no rule applies, for example because t=y reduced
 * p=quarantine to none. */
static void
put_no_rule(struct buf *b, const struct policy_context *p)
{
	if (p->f->dmarc != DMARC_FAIL ||
	    p->f->dmarc_disposition >= p->f->dmarc_policy) {
		buf_text(b, "no rule applies");
		return;
	}
	put_domain(b, subject(p));
	buf_text(b, " fails DMARC and its policy is ");
	buf_text(b, dmarc_policy_name(p->f->dmarc_policy));
	buf_text(b, " in test mode");
}

static void
put_reason(struct buf *b, const struct policy_context *p)
{
	const struct conf_override *section = p->out->section;

	if (section != NULL && section->reason != NULL) {
		buf_safe(b, span_str(section->reason), REASON_MAX);
	} else if (section != NULL) {
		buf_text(b, "decided by an override");
	} else if (p->rule == NULL) {
		put_no_rule(b, p);
	} else if (is_statement(p)) {
		put_statement(b, p, false);
	} else {
		put_domain(b, subject(p));
		buf_byte(b, ' ');
		buf_text(b, p->rule->what);
		if (p->evidence.what != NULL)
			put_evidence(b, &p->evidence);
	}
	if (p->not_enforced != NULL) {
		buf_text(b, ", not enforced: ");
		buf_text(b, p->not_enforced);
	}
}

/* RFC 3986 section 2.1: writes all but the unreserved characters as %XX. */
static void
put_encoded(struct buf *b, struct span s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (ascii_is_alnum(c) || (c != '\0' && strchr("-._~", c))) {
			buf_byte(b, (char)c);
			continue;
		}
		buf_byte(b, '%');
		buf_byte(b, digits[c >> 4]);
		buf_byte(b, digits[c & 15]);
	}
}

static void
put_named(struct buf *b, const struct policy_context *p, struct span name)
{
	if (span_is(name, "domain"))
		put_domain(b, subject(p));
	else if (span_is(name, "rule"))
		buf_printable(b, p->out->rule, REASON_MAX);
	else if (span_is(name, "client"))
		ip_put(b, &p->f->client);
	else if (span_is(name, "reason"))
		buf_printable(b, p->out->reason, REASON_MAX);
}

static void put_url(struct buf *b, const struct policy_context *p);

static void
put_template(struct buf *b, const struct policy_context *p,
    const char *template, bool in_url)
{
	struct scan s = scan_of(span_str(template));

	while (!scan_done(&s)) {
		char memory[REASON_MAX + 1];
		struct buf value = buf_wrap(memory, sizeof(memory));

		buf_printable(b, scan_until(&s, '{'), POLICY_TEXT_MAX);
		if (!scan_byte(&s, '{'))
			break;

		struct span name = scan_until(&s, '}');

		scan_byte(&s, '}');
		if (span_is(name, "url") && !in_url) {
			put_url(b, p);
			continue;
		}
		put_named(&value, p, name);
		if (in_url)
			put_encoded(b, buf_view(&value));
		else
			buf_span(b, buf_view(&value));
	}
}

/* A link that does not fit is omitted: a truncated one would be useless. */
static void
put_url(struct buf *b, const struct policy_context *p)
{
	char memory[URL_MAX + 1];
	struct buf url = buf_wrap(memory, sizeof(memory));

	if (p->c->reply.url == NULL)
		return;
	put_template(&url, p, p->c->reply.url, true);
	if (!url.full && b->n + url.n <= POLICY_TEXT_MAX)
		buf_span(b, buf_view(&url));
}

static void
put_builtin(struct buf *b, const struct policy_context *p)
{
	bool reject = p->out->action == CONF_REJECT;

	if (p->out->section != NULL) {
		buf_text(b,
		    reject ? "Rejected by local policy"
			   : "Deferred by local policy");
	} else if (is_statement(p)) {
		put_statement(b, p, true);
	} else if (p->rule->is_dmarc_policy) {
		/* RFC 9989 section 7.2: the text contains the word DMARC */
		buf_text(b,
		    reject ? "DMARC policy of "
			   : "Deferred because it fails the DMARC policy of ");
		put_domain(b, subject(p));
		buf_text(b, reject ? " rejects this message" : "");
	} else {
		buf_text(b, "The message from ");
		put_domain(b, subject(p));
		buf_byte(b, ' ');
		buf_text(b, p->rule->what);
	}
	buf_text(b, " (rule ");
	buf_printable(b, p->out->rule, RULE_MAX);
	buf_byte(b, ')');
}

/*
 * RFC 7208 sections 6.2 and 11.4: the explanation must not be mistaken for our
 * own words, or for those of the MTA that logs it ("from=<...>", "host[...]").
 * Characters that a URL needs ("=", ";") are kept.
 */
static void
put_foreign_text(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.n && i < EXPLANATION_MAX; i++) {
		struct span one = span_of(text.p + i, 1);

		if (strchr("<>[](){}\"'`\\", text.p[i]) != NULL)
			one = SPAN("?");
		buf_printable(b, one, 1);
	}
}

static void
put_explanation(struct buf *b, const struct policy_context *p)
{
	if (p->out->section != NULL || p->rule->subject != POLICY_SENDER ||
	    p->f->spf != SPF_FAIL || p->f->spf_explanation.n == 0)
		return;
	buf_text(b, "; ");
	if (p->f->mail_from_domain.p != NULL)
		buf_safe(b, p->f->mail_from_domain, DOMAIN_SHOWN_MAX);
	else
		buf_text(b, "the domain");
	buf_text(b, " explains: ");
	put_foreign_text(b, p->f->spf_explanation);
}

static void
put_reply(struct buf *b, const struct policy_context *p)
{
	const char *template =
	    p->out->action == CONF_REJECT ? p->c->reply.reject_text : NULL;
	bool has_url = template != NULL && strstr(template, "{url}") != NULL;

	if (template != NULL)
		put_template(b, p, template, false);
	else
		put_builtin(b, p);
	put_explanation(b, p);
	if (!has_url && p->c->reply.url != NULL) {
		size_t before = b->n, start;

		buf_text(b, "; see ");
		start = b->n;
		put_url(b, p);
		if (b->n == start)
			buf_cut(b, before);
	}
}

bool
policy_write(struct policy_context *p)
{
	struct policy_decision *out = p->out;
	bool reject = out->action == CONF_REJECT;
	struct buf rule = buf_alloc(p->a, RULE_MAX + 1);
	struct buf reason = buf_alloc(p->a, REASON_MAX + 1);
	struct buf text;

	if (rule.p == NULL || reason.p == NULL)
		return false;
	buf_text(&rule, p->rule != NULL ? p->rule->name : "default");
	if (out->section != NULL) {
		buf_byte(&rule, ' ');
		buf_safe(&rule, span_str(out->section->name),
		    CONF_OVERRIDE_NAME_MAX);
	}
	out->rule = buf_view(&rule);
	put_reason(&reason, p);
	out->reason = buf_view(&reason);
	if (p->rule == NULL || !policy_refuses(out->action))
		return true;
	text = buf_alloc(p->a, POLICY_TEXT_MAX + 1);
	if (text.p == NULL)
		return false;
	put_reply(&text, p);
	out->text = buf_view(&text);
	out->code = reject ? 550 : 451;
	out->enhanced = reject ? p->rule->reject : p->rule->tempfail;
	if (reject && p->rejecting > 1) /* RFC 7372 section 4 */
		out->enhanced = "5.7.26";
	return true;
}
