#include "verify/policy_parts.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum {
	REASON_MAX = 300,                       /* bytes of a reason */
	RULE_MAX = CONF_OVERRIDE_NAME_MAX + 40, /* bytes of a rule's name */
	DOMAIN_SHOWN_MAX = 80,                  /* bytes of a domain in texts */
	EXPLANATION_MAX = 200, /* bytes of SPF's exp= in a reply */
	URL_MAX = 300,         /* bytes of a link, expanded */
};

static void
put_domain(struct buf *b, struct span domain)
{
	if (domain.p == NULL)
		buf_text(b, "the sender");
	else
		buf_safe(b, domain, DOMAIN_SHOWN_MAX);
}

/* Whom the rule is about. */
static struct span
subject(const struct policy_deciding *d)
{
	if (d->rule != NULL && d->rule->subject == POLICY_SENDER)
		return d->f->mail_from_domain;
	return policy_author(d->f);
}

static void
put_mark(struct buf *b, const struct policy_mark *mark)
{
	buf_text(b, " (");
	buf_text(b, mark->what);
	if (mark->name.p != NULL) {
		buf_byte(b, ' ');
		buf_safe(b, mark->name, DOMAIN_SHOWN_MAX);
	}
	buf_byte(b, ')');
}

static void
put_reason(struct buf *b, const struct policy_deciding *d)
{
	if (d->override != NULL && d->override->reason != NULL) {
		buf_safe(b, span_str(d->override->reason), REASON_MAX);
	} else if (d->override != NULL) {
		buf_text(b, "decided by an override");
	} else if (d->rule != NULL) {
		put_domain(b, subject(d));
		buf_byte(b, ' ');
		buf_text(b, d->rule->what);
		if (d->mark.type != POLICY_OVERRIDE_NONE)
			put_mark(b, &d->mark);
	} else {
		buf_text(b, "no rule objects");
	}
	if (d->f->faulty)
		buf_text(b, ", a limit of ours cut the check short");
	if (d->held != NULL) {
		buf_text(b, ", not enforced: ");
		buf_text(b, d->held);
	}
}

/* RFC 3986 section 2.1: all but the unreserved characters as %XX. */
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
put_named(struct buf *b, const struct policy_deciding *d, struct span name)
{
	if (span_is(name, "domain"))
		put_domain(b, subject(d));
	else if (span_is(name, "rule"))
		buf_printable(b, d->out->rule, REASON_MAX);
	else if (span_is(name, "client"))
		ip_put(b, &d->f->client);
	else if (span_is(name, "reason"))
		buf_printable(b, d->out->reason, REASON_MAX);
}

static void put_url(struct buf *b, const struct policy_deciding *d);

static void
put_template(struct buf *b, const struct policy_deciding *d,
    const char *template, bool in_url)
{
	struct scan s = scan_of(span_str(template));

	while (!scan_done(&s)) {
		char memory[REASON_MAX + 1];
		struct buf value = buf_over(memory, sizeof(memory));

		buf_printable(b, scan_until(&s, '{'), POLICY_TEXT_MAX);
		if (!scan_byte(&s, '{'))
			break;

		struct span name = scan_until(&s, '}');

		scan_byte(&s, '}');
		if (span_is(name, "url") && !in_url) {
			put_url(b, d);
			continue;
		}
		put_named(&value, d, name);
		if (in_url)
			put_encoded(b, buf_done(&value));
		else
			buf_span(b, buf_done(&value));
	}
}

/* A link that does not fit is left out: half of one leads nowhere. */
static void
put_url(struct buf *b, const struct policy_deciding *d)
{
	char memory[URL_MAX + 1];
	struct buf url = buf_over(memory, sizeof(memory));

	if (d->c->reply.url == NULL)
		return;
	put_template(&url, d, d->c->reply.url, true);
	if (!url.full && b->n + url.n <= POLICY_TEXT_MAX)
		buf_span(b, buf_done(&url));
}

static void
put_builtin(struct buf *b, const struct policy_deciding *d)
{
	bool reject = d->out->action == CONF_REJECT;

	if (d->override != NULL) {
		buf_text(b,
		    reject ? "Rejected by local policy"
			   : "Deferred by local policy");
	} else if (d->f->dmarc == DMARC_FAIL &&
	    d->rule->subject == POLICY_AUTHOR) {
		/* RFC 9989 section 7.2: with the word DMARC in it */
		buf_text(b, "DMARC policy of ");
		put_domain(b, subject(d));
		buf_text(b,
		    reject ? " rejects this message" : " defers this message");
	} else {
		buf_text(b, "The message of ");
		put_domain(b, subject(d));
		buf_byte(b, ' ');
		buf_text(b, d->rule->what);
	}
	buf_text(b, " (rule ");
	buf_printable(b, d->out->rule, RULE_MAX);
	buf_byte(b, ')');
}

/* RFC 7208 section 6.2: the explanation must not be taken for our own words. */
static void
put_explanation(struct buf *b, const struct policy_deciding *d)
{
	if (d->override != NULL || d->rule->subject != POLICY_SENDER ||
	    d->f->spf != SPF_FAIL || d->f->spf_explanation.n == 0)
		return;
	buf_text(b, "; ");
	if (d->f->mail_from_domain.p != NULL)
		buf_safe(b, d->f->mail_from_domain, DOMAIN_SHOWN_MAX);
	else
		buf_text(b, "the domain");
	buf_text(b, " explains: ");
	buf_printable(b, d->f->spf_explanation, EXPLANATION_MAX);
}

static void
put_reply(struct buf *b, const struct policy_deciding *d)
{
	const char *template = d->out->action == CONF_REJECT
	    ? d->c->reply.reject_text
	    : d->c->reply.tempfail_text;
	bool has_url = template != NULL && strstr(template, "{url}") != NULL;

	if (template != NULL)
		put_template(b, d, template, false);
	else
		put_builtin(b, d);
	put_explanation(b, d);
	if (!has_url && d->c->reply.url != NULL) {
		size_t before = b->n, start;

		buf_text(b, "; see ");
		start = b->n;
		put_url(b, d);
		if (b->n == start)
			buf_cut(b, before);
	}
}

bool
policy_write(struct policy_deciding *d)
{
	struct policy_decision *out = d->out;
	bool reject = out->action == CONF_REJECT;
	struct buf rule = buf_in(d->a, RULE_MAX + 1);
	struct buf reason = buf_in(d->a, REASON_MAX + 1);
	struct buf text;

	if (rule.p == NULL || reason.p == NULL)
		return false;
	buf_text(&rule, d->rule != NULL ? d->rule->name : "default");
	if (d->override != NULL) {
		buf_byte(&rule, ' ');
		buf_safe(
		    &rule, span_str(d->override->name), CONF_OVERRIDE_NAME_MAX);
	}
	out->rule = buf_done(&rule);
	put_reason(&reason, d);
	out->reason = buf_done(&reason);
	if (d->rule == NULL || !policy_refuses(out->action))
		return true;
	text = buf_in(d->a, POLICY_TEXT_MAX + 1);
	if (text.p == NULL)
		return false;
	put_reply(&text, d);
	out->text = buf_done(&text);
	out->code = reject ? 550 : 451;
	out->enhanced = reject ? d->rule->reject : d->rule->tempfail;
	if (reject && d->rejecting > 1) /* RFC 7372 section 4 */
		out->enhanced = "5.7.26";
	return true;
}
