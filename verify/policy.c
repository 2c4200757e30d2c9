#include "verify/policy.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/table.h"

enum {
	REASON_MAX = 300,      /* bytes of a reason */
	DOMAIN_SHOWN_MAX = 80, /* bytes of a domain in texts */
	EXPLANATION_MAX = 200, /* bytes of SPF's exp= in a reply */
	URL_MAX = 300,         /* bytes of a link, expanded */
};

const char *
policy_override_name(enum policy_override override)
{
	static const struct name names[] = {
		{ "none", POLICY_OVERRIDE_NONE },
		{ "local_policy", POLICY_OVERRIDE_LOCAL },
		{ "mailing_list", POLICY_OVERRIDE_LIST },
		{ "trusted_forwarder", POLICY_OVERRIDE_FORWARDER },
		{ "policy_test_mode", POLICY_OVERRIDE_TEST },
		{ "other", POLICY_OVERRIDE_OTHER },
	};

	return table_name(names, TABLE_SIZE(names), (int) override);
}

/* ---- the rules: which outcome, which option, which codes ---- */

/*
 * Codes by RFC 7372 section 3; section 4 wants 5.7.26 where more than one check
 * failed, and a DMARC fail says that neither SPF nor DKIM gave an aligned pass.
 * RFC 7372 section 5 leaves X.7.0 and X.7.1 for what has no code of its own.
 */
struct rule {
	const char *name;
	const char *what;     /* of the message, for reason and reply */
	const char *reject;   /* enhanced code with 550 */
	const char *tempfail; /* enhanced code with 451 */
};

static const struct rule dmarc_reject = { "dmarc.on_reject",
	"fails DMARC, the policy asks to reject", "5.7.26", "4.7.26" };
static const struct rule dmarc_quarantine = { "dmarc.on_quarantine",
	"fails DMARC, the policy asks to quarantine", "5.7.26", "4.7.26" };
static const struct rule dmarc_indirect = { "dmarc.indirect_as_quarantine",
	"fails DMARC, but shows the marks of indirect mail", "5.7.26",
	"4.7.26" };
static const struct rule dmarc_temperror = { "dmarc.on_temperror",
	"cannot be checked for DMARC for now", "5.7.1", "4.7.0" };
static const struct rule dmarc_permerror = { "dmarc.on_permerror",
	"cannot be checked for DMARC", "5.7.1", "4.7.1" };
static const struct rule spf_fail = { "spf.on_fail", "fails SPF", "5.7.23",
	"4.7.23" };
static const struct rule spf_softfail = { "spf.on_softfail", "softfails SPF",
	"5.7.23", "4.7.23" };
static const struct rule spf_temperror = { "spf.on_temperror",
	"cannot be checked for SPF for now", "5.7.24", "4.7.24" };
static const struct rule spf_permerror = { "spf.on_permerror",
	"cannot be checked for SPF, the record is broken", "5.7.24", "4.7.24" };
static const struct rule spf_weak = { "spf.on_weak_pass",
	"passes SPF only by a record that lets nearly everyone pass", "5.7.1",
	"4.7.1" };
static const struct rule dkim_temperror = { "dkim.on_temperror",
	"has no DKIM signature that can be checked for now", "5.7.20",
	"4.7.20" };
static const struct rule dkim_permerror = { "dkim.on_permerror",
	"has no usable DKIM signature", "5.7.20", "4.7.20" };
static const struct rule by_override = { "override", "meets an override",
	"5.7.1", "4.7.1" };

/* How far an action goes: the furthest of all rules is taken. */
static int
severity(enum conf_action action)
{
	switch (action) {
	case CONF_ACCEPT:
		return 0;
	case CONF_ANNOTATE:
		return 1;
	case CONF_HOLD:
		return 2;
	case CONF_TEMPFAIL:
		return 3;
	case CONF_REJECT:
		return 4;
	}
	return 0;
}

static bool
refuses(enum conf_action action)
{
	return action == CONF_REJECT || action == CONF_TEMPFAIL;
}

/* ---- skips ---- */

static bool
in_networks(const struct ip *ip, const struct ip_net *nets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_in(ip, &nets[i].ip, nets[i].bits))
			return true;
	return false;
}

const char *
policy_skip(const struct conf *c, const struct policy_facts *f)
{
	if (f->authenticated && c->skip_authenticated)
		return "skip.authenticated";
	if (in_networks(&f->client, c->skip_networks, c->n_skip_networks))
		return "skip.network";
	return NULL;
}

/* ---- overrides ---- */

static bool
matches(const char *pattern, struct span name)
{
	struct span p = span_str(pattern);

	if (span_starts_nocase(p, "**."))
		return domain_is_under(name, span_skip(p, 3));
	if (span_starts_nocase(p, "*."))
		return domain_is_under(name, span_skip(p, 2)) &&
		    !domain_equal(name, span_skip(p, 2));
	return domain_equal(name, p);
}

static bool
matches_any(char *const *patterns, struct span name)
{
	for (; *patterns != NULL; patterns++)
		if (matches(*patterns, name))
			return true;
	return false;
}

/* `every`: none of the names may be left out, and there must be one. */
static bool
matches_names(
    char *const *patterns, const struct span *names, size_t n, bool every)
{
	if (patterns == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		if (matches_any(patterns, names[i]) != every)
			return !every;
	return every && n > 0;
}

static bool
matches_sender(char *const *patterns, struct span domain)
{
	if (patterns == NULL)
		return true;
	if (domain.p != NULL)
		return matches_any(patterns, domain);
	for (; *patterns != NULL; patterns++)
		if (strcmp(*patterns, "<>") == 0)
			return true;
	return false;
}

/*
 * What lets mail through must hold for each author and each recipient: else a
 * second one in the message would open the way for the first (RFC 9989 section
 * 11.5).  What holds mail back is met by any of them.
 */
static bool
override_matches(const struct conf_override *o, const struct policy_facts *f)
{
	bool every = severity(o->action) <= severity(CONF_ANNOTATE);

	return matches_names(
		   o->from_domain, f->from_domains, f->n_from_domains, every) &&
	    matches_sender(o->mail_from_domain, f->mail_from_domain) &&
	    matches_names(
		o->dkim_domain, f->dkim_domains, f->n_dkim_domains, false) &&
	    matches_names(o->recipient_domain, f->recipient_domains,
		f->n_recipient_domains, every) &&
	    (o->list_id == NULL ||
		(f->list_id.p != NULL &&
		    matches_any(o->list_id, f->list_id))) &&
	    (o->n_client == 0 ||
		in_networks(&f->client, o->client, o->n_client));
}

static const struct conf_override *
find_override(const struct conf *c, const struct policy_facts *f, int64_t now,
    const struct conf_override **expired)
{
	for (size_t i = 0; i < c->n_overrides; i++) {
		const struct conf_override *o = &c->overrides[i];

		if (!override_matches(o, f))
			continue;
		if (!conf_override_expired(o, now))
			return o;
		if (*expired == NULL)
			*expired = o;
	}
	return NULL;
}

/* ---- marks of indirect mail, RFC 9989 section 7.4 ---- */

struct mark {
	enum policy_override type; /* POLICY_OVERRIDE_NONE: no mark */
	const char *what;
	struct span name;
};

static bool
is_trusted_sealer(const struct conf *c, struct span sealer)
{
	char *const *s = c->arc.trusted_sealers;

	for (; s != NULL && *s != NULL; s++)
		if (domain_equal(span_str(*s), sealer))
			return true;
	return false;
}

/*
 * RFC 8617 section 7.2.2 has ARC told as local_policy; a listed forwarder is
 * RFC 9990's trusted_forwarder.
 */
static struct mark
find_mark(const struct conf *c, const struct policy_facts *f)
{
	if (in_networks(
		&f->client, c->trusted_forwarders, c->n_trusted_forwarders))
		return (struct mark){ POLICY_OVERRIDE_FORWARDER,
			"a trusted forwarder", SPAN_NONE };
	if (f->arc == ARC_PASS && f->arc_dmarc_pass &&
	    f->arc_sealer.p != NULL && is_trusted_sealer(c, f->arc_sealer))
		return (struct mark){ POLICY_OVERRIDE_LOCAL,
			"arc=pass with dmarc=pass, sealed by", f->arc_sealer };
	if (f->list_id.p != NULL)
		return (
		    struct mark){ POLICY_OVERRIDE_LIST, "List-Id", f->list_id };
	if (f->is_list)
		return (struct mark){ POLICY_OVERRIDE_LIST,
			"a mailing list's fields", SPAN_NONE };
	return (struct mark){ POLICY_OVERRIDE_NONE, "", SPAN_NONE };
}

/* ---- deciding ---- */

struct deciding {
	const struct conf *c;
	const struct policy_facts *f;
	struct arena *a;
	struct policy_decision *out;
	const struct rule *rule;  /* NULL: none has anything to say */
	enum conf_action action;  /* of `rule` */
	enum conf_action dmarc;   /* what DMARC's policy alone comes to */
	enum policy_override why; /* DMARC's policy is not what is done */
	struct mark mark;
	const struct conf_override *override;
};

static void
propose(struct deciding *d, const struct rule *rule, enum conf_action action)
{
	if (d->rule == NULL || severity(action) > severity(d->action)) {
		d->rule = rule;
		d->action = action;
	}
}

/* A limit or fault of ours is no fault of the mail: it may come again. */
static enum conf_action
for_error(const struct policy_facts *f, enum conf_action action)
{
	return f->faulty && action == CONF_REJECT ? CONF_TEMPFAIL : action;
}

/*
 * RFC 9989 section 7.4: p=reject alone is not reason enough, mail with marks of
 * an indirect flow is treated as quarantine, and never refused for it.
 */
static void
propose_disposition(struct deciding *d)
{
	const struct conf *c = d->c;
	bool reject = d->f->dmarc_disposition == DMARC_POLICY_REJECT;
	enum conf_action action =
	    reject ? c->dmarc.on_reject : c->dmarc.on_quarantine;
	const struct rule *rule = reject ? &dmarc_reject : &dmarc_quarantine;

	if (c->dmarc.indirect_as_quarantine) {
		struct mark mark = find_mark(c, d->f);
		enum conf_action softer = c->dmarc.on_quarantine;

		if (refuses(softer))
			softer = CONF_ANNOTATE;
		if (mark.type != POLICY_OVERRIDE_NONE &&
		    severity(softer) < severity(action)) {
			d->mark = mark;
			d->why = mark.type;
			action = softer;
			rule = &dmarc_indirect;
		}
	}
	d->dmarc = action;
	propose(d, rule, action);
}

static void
propose_dmarc(struct deciding *d)
{
	const struct policy_facts *f = d->f;

	switch (f->dmarc) {
	case DMARC_FAIL:
		/* RFC 9989 section 5.4: p=none changes nothing */
		if (f->dmarc_disposition == DMARC_POLICY_QUARANTINE ||
		    f->dmarc_disposition == DMARC_POLICY_REJECT)
			propose_disposition(d);
		break;
	case DMARC_TEMPERROR:
		propose(d, &dmarc_temperror,
		    for_error(f, d->c->dmarc.on_temperror));
		break;
	case DMARC_PERMERROR:
		propose(d, &dmarc_permerror,
		    for_error(f, d->c->dmarc.on_permerror));
		break;
	case DMARC_NONE:
	case DMARC_PASS:
		break;
	}
}

static void
propose_spf(struct deciding *d)
{
	const struct conf *c = d->c;

	/* RFC 9989 section 7.1: SPF alone would refuse what DKIM vouches for */
	if (c->spf.spare_dmarc_pass && d->f->dmarc == DMARC_PASS)
		return;
	switch (d->f->spf) {
	case SPF_FAIL: /* RFC 7208 section 8.4 */
		propose(d, &spf_fail, c->spf.on_fail);
		break;
	case SPF_SOFTFAIL: /* RFC 7208 section 8.5 */
		propose(d, &spf_softfail, c->spf.on_softfail);
		break;
	case SPF_TEMPERROR: /* RFC 7208 section 8.6 */
		propose(
		    d, &spf_temperror, for_error(d->f, c->spf.on_temperror));
		break;
	case SPF_PERMERROR: /* RFC 7208 section 8.7 */
		propose(
		    d, &spf_permerror, for_error(d->f, c->spf.on_permerror));
		break;
	case SPF_PASS:
		if (d->f->spf_weakness != SPF_SOLID)
			propose(d, &spf_weak, c->spf.on_weak_pass);
		break;
	case SPF_NONE:
	case SPF_NEUTRAL:
		break;
	}
}

static void
propose_dkim(struct deciding *d)
{
	if (d->f->dkim == DKIM_TEMPERROR)
		propose(d, &dkim_temperror,
		    for_error(d->f, d->c->dkim_actions.on_temperror));
	if (d->f->dkim == DKIM_PERMERROR)
		propose(d, &dkim_permerror,
		    for_error(d->f, d->c->dkim_actions.on_permerror));
}

/* ---- enforcement ---- */

/* The domain that a message is sampled by and a reply speaks of. */
static struct span
subject(const struct policy_facts *f)
{
	if (f->dmarc_domain.p != NULL)
		return f->dmarc_domain;
	if (f->n_from_domains > 0)
		return f->from_domains[0];
	return f->mail_from_domain;
}

/* FNV-1a, 64 bits: the same on every host and in every version. */
static uint64_t
hash(struct span s)
{
	uint64_t h = 14695981039346656037u;

	for (size_t i = 0; i < s.n; i++) {
		h ^= ascii_lower((unsigned char)s.p[i]);
		h *= 1099511628211u;
	}
	return h;
}

static bool
is_sampled(const struct conf *c, const struct policy_facts *f)
{
	return hash(subject(f)) % 1000 < c->sample;
}

/* Why nothing is enforced; NULL: it is.  An override is meant as it stands. */
static const char *
held_back(const struct deciding *d)
{
	if (d->c->mode == CONF_MONITOR)
		return "monitor mode";
	if (d->override == NULL && !is_sampled(d->c, d->f))
		return "domain not in sample";
	return NULL;
}

static enum dmarc_policy
disposition_of(enum conf_action action)
{
	switch (action) {
	case CONF_ACCEPT:
	case CONF_TEMPFAIL:
		return DMARC_POLICY_NONE;
	case CONF_ANNOTATE:
	case CONF_HOLD:
		return DMARC_POLICY_QUARANTINE;
	case CONF_REJECT:
		return DMARC_POLICY_REJECT;
	}
	return DMARC_POLICY_NONE;
}

/*
 * What the report says became of the domain's policy (RFC 9989 section 5.4,
 * last but one paragraph; RFC 9990 section 3.1.1.11): `dmarc` is the action
 * that stands for it.
 */
static void
account(struct deciding *d, enum conf_action dmarc)
{
	enum dmarc_policy published = d->f->dmarc_policy;
	enum dmarc_policy asked = d->f->dmarc_disposition;

	if (d->f->dmarc != DMARC_FAIL)
		return; /* there is no policy to apply */
	if (published == DMARC_POLICY_ABSENT)
		published = DMARC_POLICY_NONE;
	if (asked == DMARC_POLICY_ABSENT)
		asked = DMARC_POLICY_NONE;
	d->out->disposition = disposition_of(dmarc);
	if (d->out->disposition == published)
		d->out->override = POLICY_OVERRIDE_NONE;
	else if (d->why != POLICY_OVERRIDE_NONE)
		d->out->override = d->why;
	else if (d->out->disposition == asked)
		d->out->override = POLICY_OVERRIDE_TEST;
	else
		d->out->override = POLICY_OVERRIDE_LOCAL;
}

/* ---- texts ---- */

static void
put_domain(struct buf *b, struct span domain)
{
	if (domain.p == NULL)
		buf_text(b, "the sender");
	else
		buf_printable(b, domain, DOMAIN_SHOWN_MAX);
}

static void
put_reason(struct buf *b, const struct deciding *d, const char *held)
{
	if (d->override != NULL) {
		buf_text(b, d->override->reason != NULL ? "" : "override ");
		buf_printable(b,
		    span_str(d->override->reason != NULL ? d->override->reason
							 : d->override->name),
		    REASON_MAX);
	} else if (d->rule != NULL) {
		put_domain(b, subject(d->f));
		buf_text(b, ": ");
		buf_text(b, d->rule->what);
	} else {
		buf_text(b, "no rule objects");
	}
	if (d->mark.type != POLICY_OVERRIDE_NONE && d->override == NULL) {
		buf_text(b, " (");
		buf_text(b, d->mark.what);
		if (d->mark.name.p != NULL) {
			buf_byte(b, ' ');
			buf_printable(b, d->mark.name, DOMAIN_SHOWN_MAX);
		}
		buf_byte(b, ')');
	}
	if (d->f->faulty)
		buf_text(b, "; a limit of ours cut the check short");
	if (held != NULL) {
		buf_text(b, "; not enforced: ");
		buf_text(b, held);
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
put_named(struct buf *b, const struct deciding *d, struct span name)
{
	if (span_is(name, "domain"))
		put_domain(b, subject(d->f));
	else if (span_is(name, "rule"))
		buf_printable(b, d->out->rule, REASON_MAX);
	else if (span_is(name, "client"))
		ip_put(b, &d->f->client);
	else if (span_is(name, "reason"))
		buf_printable(b, d->out->reason, REASON_MAX);
}

static void put_url(struct buf *b, const struct deciding *d);

static void
put_template(
    struct buf *b, const struct deciding *d, const char *template, bool in_url)
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
put_url(struct buf *b, const struct deciding *d)
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
put_builtin(struct buf *b, const struct deciding *d)
{
	bool reject = d->out->action == CONF_REJECT;
	const struct rule *r = d->rule;

	if (r == &dmarc_reject || r == &dmarc_quarantine) {
		/* RFC 9989 section 7.2: with the word DMARC in it */
		buf_text(b, "DMARC policy of ");
		put_domain(b, subject(d->f));
		buf_text(b,
		    reject ? " rejects this message" : " defers this message");
	} else if (r == &by_override) {
		buf_text(b,
		    reject ? "Rejected by local policy"
			   : "Deferred by local policy");
	} else {
		buf_text(b, "The message from ");
		put_domain(b,
		    strncmp(r->name, "spf.", 4) == 0 &&
			    d->f->mail_from_domain.p != NULL
			? d->f->mail_from_domain
			: subject(d->f));
		buf_byte(b, ' ');
		buf_text(b, r->what);
	}
	buf_text(b, " (rule ");
	buf_printable(b, d->out->rule, CONF_OVERRIDE_NAME_MAX + 12);
	buf_byte(b, ')');
}

/* RFC 7208 section 6.2: the explanation must not be taken for our own words. */
static void
put_explanation(struct buf *b, const struct deciding *d)
{
	if (d->rule != &spf_fail || d->f->spf_explanation.n == 0)
		return;
	buf_text(b, "; ");
	if (d->f->mail_from_domain.p != NULL)
		buf_printable(b, d->f->mail_from_domain, DOMAIN_SHOWN_MAX);
	else
		buf_text(b, "the domain");
	buf_text(b, " explains: ");
	buf_printable(b, d->f->spf_explanation, EXPLANATION_MAX);
}

static void
put_reply(struct buf *b, const struct deciding *d)
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

/* ---- the whole ---- */

/* True: the texts fit into the arena. */
static bool
write_texts(struct deciding *d, const char *held)
{
	struct policy_decision *out = d->out;
	struct buf rule =
	    buf_in(d->a, sizeof("override ") + CONF_OVERRIDE_NAME_MAX + 32);
	struct buf reason = buf_in(d->a, REASON_MAX + 1);
	struct buf text = { .full = false };

	if (rule.p == NULL || reason.p == NULL)
		return false;
	buf_text(&rule, d->rule != NULL ? d->rule->name : "default");
	if (d->override != NULL) {
		buf_byte(&rule, ' ');
		buf_printable(
		    &rule, span_str(d->override->name), CONF_OVERRIDE_NAME_MAX);
	}
	out->rule = buf_done(&rule);
	put_reason(&reason, d, held);
	out->reason = buf_done(&reason);
	if (!refuses(out->action))
		return true;
	text = buf_in(d->a, POLICY_TEXT_MAX + 1);
	if (text.p == NULL)
		return false;
	put_reply(&text, d);
	out->text = buf_done(&text);
	out->code = out->action == CONF_REJECT ? 550 : 451;
	out->enhanced =
	    out->action == CONF_REJECT ? d->rule->reject : d->rule->tempfail;
	return true;
}

static void
skip(struct deciding *d, const char *rule)
{
	d->why = POLICY_OVERRIDE_LOCAL;
	account(d, CONF_ACCEPT);
	d->out->rule = span_str(rule);
	d->out->reason = strcmp(rule, "skip.authenticated") == 0
	    ? SPAN("the client logged in")
	    : SPAN("the client is in skip_networks");
	d->out->skipped = true;
}

static void
decide(struct deciding *d, int64_t now)
{
	const struct conf_override *expired = NULL;
	struct policy_decision *out = d->out;
	const char *held;

	d->override = find_override(d->c, d->f, now, &expired);
	propose_dmarc(d);
	if (d->override != NULL) {
		d->rule = &by_override;
		d->action = d->override->action;
		d->dmarc = d->action;
		d->why = POLICY_OVERRIDE_LOCAL;
	} else {
		propose_spf(d);
		propose_dkim(d);
		if (expired != NULL)
			out->expired = span_str(expired->name);
	}
	out->would = d->rule != NULL ? d->action : CONF_ACCEPT;
	held = out->would != CONF_ACCEPT ? held_back(d) : NULL;
	out->action = held != NULL ? CONF_ACCEPT : out->would;
	if (held != NULL)
		d->why = POLICY_OVERRIDE_LOCAL;
	account(d, held != NULL ? CONF_ACCEPT : d->dmarc);
	if (!write_texts(d, held)) {
		*out = (struct policy_decision){
			.rule = SPAN("fault"),
			.reason = SPAN("out of memory: nothing is enforced"),
			.disposition = DMARC_POLICY_NONE,
			.override = POLICY_OVERRIDE_OTHER,
		};
	}
}

void
policy_decide(const struct conf *c, const struct policy_facts *f, int64_t now,
    struct arena *a, struct policy_decision *out)
{
	struct deciding d = { .c = c, .f = f, .a = a, .out = out };
	const char *rule = policy_skip(c, f);

	*out = (struct policy_decision){ .disposition = DMARC_POLICY_NONE };
	if (rule != NULL)
		skip(&d, rule);
	else
		decide(&d, now);
}
