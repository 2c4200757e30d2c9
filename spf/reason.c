/* reason.c - writes the reason for a result, and the names of results */
#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "spf/internal.h"

enum {
	TERM_SHOWN_MAX = 100, /* bytes of a term in a reason */
};

static const struct enum_token code_names[] = {
	{ "none", SPF_NONE },
	{ "neutral", SPF_NEUTRAL },
	{ "pass", SPF_PASS },
	{ "fail", SPF_FAIL },
	{ "softfail", SPF_SOFTFAIL },
	{ "temperror", SPF_TEMPERROR },
	{ "permerror", SPF_PERMERROR },
};

static const struct enum_token identity_names[] = {
	{ "helo", SPF_IDENTITY_HELO },
	{ "mailfrom", SPF_IDENTITY_MAILFROM },
};

static const struct enum_token weakness_names[] = {
	{ "none", SPF_WEAKNESS_NONE },
	{ "all", SPF_WEAK_ALL },
	{ "range", SPF_WEAK_RANGE },
	{ "neutral-include", SPF_WEAK_NEUTRAL_INCLUDE },
};

const char *
spf_code_name(enum spf_code code)
{
	return enum_name(code_names, ARRAY_SIZE(code_names), (int)code);
}

const char *
spf_identity_name(enum spf_identity identity)
{
	return enum_name(
	    identity_names, ARRAY_SIZE(identity_names), (int)identity);
}

const char *
spf_weakness_name(enum spf_weakness weakness)
{
	return enum_name(
	    weakness_names, ARRAY_SIZE(weakness_names), (int)weakness);
}

/*
 * Whether `domain` is neither malformed nor a single label (RFC 7208 section
 * 4.3).  An all-digit top-level label is part of an IP address (section 7.1),
 * and "[" begins an address literal (RFC 5321 section 4.1.3).
 */
bool
spf_is_checkable(struct span domain)
{
	return domain_is_valid(domain) && domain_labels(domain) > 1 &&
	    domain.p[0] != '[' &&
	    !span_all(domain_suffix(domain, 1), ascii_is_digit);
}

static void
put_term(struct buf *b, struct span term, struct span domain)
{
	buf_printable(b, term, TERM_SHOWN_MAX);
	buf_text(b, term.n > TERM_SHOWN_MAX ? "..." : "");
	buf_text(b, term.n > 0 ? " of " : "");
	buf_printable(b, domain, domain.n);
}

/* Writes text such as "timeout for a.example TXT at include:a.example of
 * example.com". */
static void
put_error(struct buf *b, const struct spf_run *run)
{
	buf_text(b, run->what);
	if (run->what_name.p != NULL) {
		buf_text(b, " for ");
		buf_printable(b, run->what_name, run->what_name.n);
		buf_byte(b, ' ');
		buf_text(b, dns_type_name(run->what_type));
	}
	buf_text(b, " at ");
	put_term(b, run->what_term, run->what_domain);
}

static void
put_match(struct buf *b, const struct spf_run *run,
    const struct spf_decision *decision)
{
	ip_put(b, &run->q->ip);
	if (decision->term == NULL) { /* RFC 7208 section 4.7 */
		buf_text(b, " matches no term of ");
		buf_printable(b, run->out->domain, run->out->domain.n);
		return;
	}
	buf_text(b, " matches ");
	put_term(b, decision->term->text, decision->domain);
	if (decision->term == run->matched || run->matched == NULL)
		return;
	buf_text(b, " via ");
	put_term(b, run->matched->text, run->matched_domain);
}

static void
put_none(struct buf *b, const struct spf_run *run)
{
	struct span domain = run->out->domain;

	if (run->q->ip.family == IP_NONE) {
		buf_text(b, "the client has no IP address");
		return;
	}
	if (domain.n == 0) {
		buf_text(b, "no domain to check");
		return;
	}
	buf_byte(b, '"');
	buf_printable(b, domain, DOMAIN_MAX);
	buf_text(b,
	    spf_is_checkable(domain) ? "\" has no SPF record"
				     : "\" is not a valid domain name");
}

static void
put_reason(struct buf *b, const struct spf_run *run,
    const struct spf_decision *decision)
{
	switch (decision->code) {
	case SPF_NONE:
		put_none(b, run);
		break;
	case SPF_TEMPERROR:
	case SPF_PERMERROR:
		put_error(b, run);
		break;
	case SPF_NEUTRAL:
	case SPF_PASS:
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		put_match(b, run, decision);
		break;
	}
}

void
spf_run_finish(struct spf_run *run, const struct spf_decision *decision)
{
	struct spf_result *out = run->out;
	struct buf b = buf_alloc(run->a, SPF_REASON_MAX + 1);

	out->code = decision->code;
	if (decision->term != NULL)
		out->mechanism = decision->term->text;
	if (decision->code == SPF_PASS) {
		out->weakness = run->matched_weakness;
		if (out->weakness == SPF_WEAKNESS_NONE && run->neutral_include)
			out->weakness = SPF_WEAK_NEUTRAL_INCLUDE;
	}
	put_reason(&b, run, decision);
	out->reason = buf_view(&b);
}
