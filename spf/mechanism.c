/*
 * mechanism.c - matches mechanisms against the client (RFC 7208 section 5,
 * except "include", which calls check_host() again)
 */
#include "lib/domain.h"
#include "spf/internal.h"

enum {
	REVERSE_MAX = 80,  /* bytes of a name under ip6.arpa, including NUL */
	BROAD_V4_BITS = 8, /* SPF_WEAK_RANGE */
	BROAD_V6_BITS = 16,
};

enum spf_outcome
spf_run_fail(struct spf_run *run, const struct spf_frame *f, enum spf_code code,
    const char *what)
{
	run->out->code = code;
	run->what = what;
	run->what_domain = f->domain;
	run->what_term = f->term != NULL ? f->term->text : SPAN_NONE;
	return SPF_EXCEPTION;
}

static enum spf_outcome
fail_at(struct spf_run *run, const struct spf_frame *f, struct span name,
    enum dns_type type, const char *what)
{
	run->what_name = name;
	run->what_type = type;
	return spf_run_fail(run, f, SPF_TEMPERROR, what);
}

enum spf_outcome
spf_run_count(struct spf_run *run, const struct spf_frame *f)
{
	if (f->uncounted)
		return SPF_NO_MATCH;
	/* RFC 7208 section 4.6.4: one limit for the whole evaluation */
	if (run->out->lookups == SPF_MAX_LOOKUPS)
		return spf_run_fail(run, f, SPF_PERMERROR,
		    "more than 10 terms that look up DNS");
	run->out->lookups++;
	return SPF_NO_MATCH;
}

const struct dns_answer *
spf_run_ask(struct spf_run *run, struct spf_frame *f, struct span name,
    enum dns_type type)
{
	const struct dns_answer *answer = run->waiting
	    ? dns_prefetch(run->questions, name, type)
	    : dns_ask(run->questions, name, type);

	if (answer->state == DNS_PENDING)
		run->waiting = true;
	spf_trace_answer(run, f, name, type, answer);
	return answer;
}

/* RFC 7208 section 4.6.4: a term with a query that returns no records is one
 * void lookup, no matter how many of its queries return none. */
static enum spf_outcome
count_void(struct spf_run *run, struct spf_frame *f)
{
	if (f->void_counted || f->uncounted)
		return SPF_NO_MATCH;
	f->void_counted = true;
	if (++run->out->void_lookups > SPF_MAX_VOID)
		return spf_run_fail(
		    run, f, SPF_PERMERROR, "more than 2 void lookups");
	return SPF_NO_MATCH;
}

/* Handles an answer as all mechanisms do (RFC 7208 section 5).  SPF_MATCH:
 * there are records to compare; SPF_NO_MATCH: there are none. */
static enum spf_outcome
read_answer(struct spf_run *run, struct spf_frame *f, struct span name,
    enum dns_type type, const struct dns_answer *answer)
{
	switch (answer->state) {
	case DNS_FOUND:
		return SPF_MATCH;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
		return count_void(run, f);
	case DNS_FAILED:
		return fail_at(
		    run, f, name, type, dns_error_text(answer->fault));
	case DNS_PENDING:
	case DNS_BADNAME: /* RFC 7208 section 4.8: such a name never matches */
		break;
	}
	return SPF_NO_MATCH;
}

/*
 * Like read_answer(), but for the queries of "ptr" and %{p}: RFC 7208 section
 * 5.5 ignores DNS errors.  Our own errors are not ignored: otherwise they would
 * turn "-ptr +all" into a pass.
 */
static enum spf_outcome
read_ptr_answer(struct spf_run *run, struct spf_frame *f, struct span name,
    enum dns_type type, const struct dns_answer *answer)
{
	if (answer->state == DNS_FAILED && !dns_error_is_ours(answer->fault))
		return SPF_NO_MATCH;
	return read_answer(run, f, name, type, answer);
}

/* RFC 7208 section 5: A for an IPv4 client, AAAA for an IPv6 one. */
static enum dns_type
address_type(const struct spf_run *run)
{
	return run->q->ip.family == IP_V6 ? DNS_AAAA : DNS_A;
}

static bool
holds_client(
    const struct spf_run *run, const struct dns_answer *answer, unsigned bits)
{
	for (size_t i = 0; i < answer->n_records; i++)
		if (ip_in(&run->q->ip, &answer->records[i].ip, bits))
			return true;
	return false;
}

static unsigned
term_bits(const struct spf_run *run, const struct spf_term *term)
{
	return run->q->ip.family == IP_V6 ? term->bits6 : term->bits4;
}

static enum spf_outcome
match_host(
    struct spf_run *run, struct spf_frame *f, struct span name, unsigned bits)
{
	enum dns_type type = address_type(run);
	const struct dns_answer *answer = spf_run_ask(run, f, name, type);
	enum spf_outcome outcome = read_answer(run, f, name, type, answer);

	if (outcome != SPF_MATCH)
		return outcome;
	return holds_client(run, answer, bits) ? SPF_MATCH : SPF_NO_MATCH;
}

/* RFC 7208 section 5.4; there is no implicit MX. */
static enum spf_outcome
match_mx(
    struct spf_run *run, struct spf_frame *f, struct span name, unsigned bits)
{
	const struct dns_answer *answer = spf_run_ask(run, f, name, DNS_MX);
	enum spf_outcome outcome = read_answer(run, f, name, DNS_MX, answer);

	if (outcome != SPF_MATCH)
		return outcome;
	/* RFC 7208 section 4.6.4; checked first, so that the result does not
	 * depend on the order of the records */
	if (answer->n_records > SPF_MAX_MX)
		return spf_run_fail(
		    run, f, SPF_PERMERROR, "more than 10 MX hosts");
	for (size_t i = 0; i < answer->n_records; i++) {
		struct span host = answer->records[i].text;

		if (host.n == 0) /* a null MX, RFC 7505 */
			continue;
		outcome = match_host(run, f, host, bits);
		if (outcome != SPF_NO_MATCH)
			return outcome;
	}
	return SPF_NO_MATCH;
}

/* Looks up the client's PTR records.  Returns SPF_MATCH if `out` has at least
 * one. */
static enum spf_outcome
ask_ptr(struct spf_run *run, struct spf_frame *f, const struct dns_answer **out)
{
	char memory[REVERSE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct span name;

	ip_put_reverse(&b, &run->q->ip);
	name = arena_copy(run->a, buf_view(&b));
	if (name.p == NULL) {
		spf_run_fail(run, f, SPF_TEMPERROR, "out of memory");
		return SPF_EXCEPTION;
	}
	*out = spf_run_ask(run, f, name, DNS_PTR);
	return read_ptr_answer(run, f, name, DNS_PTR, *out);
}

/* RFC 7208 section 4.6.4: all records but the first 10 are ignored. */
static size_t
ptr_names(const struct dns_answer *answer)
{
	return answer->n_records < SPF_MAX_PTR ? answer->n_records
					       : SPF_MAX_PTR;
}

/* Returns SPF_MATCH if the client is among the addresses of `name`. */
static enum spf_outcome
validate(
    struct spf_run *run, struct spf_frame *f, struct span name, bool *waits)
{
	enum dns_type type = address_type(run);
	const struct dns_answer *answer = spf_run_ask(run, f, name, type);
	enum spf_outcome outcome = read_ptr_answer(run, f, name, type, answer);

	*waits |= answer->state == DNS_PENDING;
	if (outcome != SPF_MATCH)
		return outcome;
	return holds_client(run, answer, run->q->ip.family == IP_V6 ? 128 : 32)
	    ? SPF_MATCH
	    : SPF_NO_MATCH;
}

/*
 * RFC 7208 section 5.5.  Names outside the target cannot match, validated or
 * not, so they are not looked up.
 */
static enum spf_outcome
match_ptr(struct spf_run *run, struct spf_frame *f, struct span target)
{
	const struct dns_answer *answer = NULL;
	enum spf_outcome outcome = ask_ptr(run, f, &answer);
	bool waits = false;

	if (outcome != SPF_MATCH)
		return outcome;
	for (size_t i = 0; i < ptr_names(answer); i++) {
		struct span name = answer->records[i].text;

		if (!domain_is_under(name, target))
			continue;
		outcome = validate(run, f, name, &waits);
		if (outcome != SPF_NO_MATCH)
			return outcome;
	}
	return SPF_NO_MATCH;
}

/*
 * RFC 7208 section 7.3: prefer <domain> itself (0), then a name below it (1),
 * then any other validated name (2).
 */
static unsigned
ptr_rank(struct span name, struct span domain)
{
	if (domain_equal(name, domain))
		return 0;
	return domain_is_under(name, domain) ? 1 : 2;
}

enum spf_outcome
spf_run_ptr(struct spf_run *run, struct spf_frame *f)
{
	const struct dns_answer *answer;
	enum spf_outcome outcome;
	unsigned best = 3;
	bool waits = false;

	/* RFC 7208 section 4.6.4: the PTR query for macros counts once */
	if (!run->ptr_counted && !f->uncounted) {
		run->ptr_counted = true;
		if (spf_run_count(run, f) == SPF_EXCEPTION)
			return SPF_EXCEPTION;
	}
	run->values.ptr = SPAN("unknown");
	outcome = ask_ptr(run, f, &answer);
	if (outcome == SPF_EXCEPTION)
		return outcome;
	if (outcome == SPF_NO_MATCH)
		return answer->state == DNS_PENDING ? SPF_NO_MATCH : SPF_MATCH;
	for (size_t i = 0; i < ptr_names(answer); i++) {
		struct span name = answer->records[i].text;
		unsigned rank = ptr_rank(name, f->domain);

		outcome = validate(run, f, name, &waits);
		if (outcome == SPF_EXCEPTION)
			return outcome;
		if (outcome == SPF_MATCH && rank < best) {
			run->values.ptr = name;
			best = rank;
		}
	}
	return waits ? SPF_NO_MATCH : SPF_MATCH;
}

enum spf_outcome
spf_run_target(struct spf_run *run, struct spf_frame *f,
    const struct spf_term *term, struct span *out)
{
	enum spf_outcome outcome = SPF_MATCH;

	*out = f->domain;
	if (term->spec.p == NULL) /* RFC 7208 section 4.8 */
		return SPF_MATCH;
	/* RFC 8616 section 4: terms that expand a non-ASCII local part never
	 * match */
	if ((term->needs & SPF_NEEDS_LOCAL) != 0 && run->unicode_local)
		return SPF_NO_MATCH;
	if ((term->needs & SPF_NEEDS_PTR) != 0)
		outcome = spf_run_ptr(run, f);
	if (outcome != SPF_MATCH)
		return outcome;
	run->values.domain = f->domain;
	if (!spf_macro_domain(&run->values, term->spec, run->a, out))
		return spf_run_fail(run, f, SPF_TEMPERROR, "out of memory");
	return SPF_MATCH;
}

static enum spf_outcome
match_exists(struct spf_run *run, struct spf_frame *f, struct span name)
{
	/* RFC 7208 section 5.7: the type is A, even if the client is IPv6 */
	return read_answer(
	    run, f, name, DNS_A, spf_run_ask(run, f, name, DNS_A));
}

/* Matches the mechanisms that query DNS. */
static enum spf_outcome
match_asking(
    struct spf_run *run, struct spf_frame *f, const struct spf_term *term)
{
	struct span name;
	enum spf_outcome outcome = spf_run_count(run, f);

	if (outcome == SPF_NO_MATCH)
		outcome = spf_run_target(run, f, term, &name);
	if (outcome != SPF_MATCH)
		return outcome;
	if (term->kind == SPF_KIND_A)
		return match_host(run, f, name, term_bits(run, term));
	if (term->kind == SPF_KIND_MX)
		return match_mx(run, f, name, term_bits(run, term));
	if (term->kind == SPF_KIND_PTR)
		return match_ptr(run, f, name);
	return match_exists(run, f, name);
}

static enum spf_outcome
match_kind(
    struct spf_run *run, struct spf_frame *f, const struct spf_term *term)
{
	switch (term->kind) {
	case SPF_KIND_ALL: /* RFC 7208 section 5.1 */
		return SPF_MATCH;
	case SPF_KIND_IP4: /* RFC 7208 section 5.6 */
	case SPF_KIND_IP6:
		return ip_in(&run->q->ip, &term->ip, term_bits(run, term))
		    ? SPF_MATCH
		    : SPF_NO_MATCH;
	case SPF_KIND_A:
	case SPF_KIND_MX:
	case SPF_KIND_PTR:
	case SPF_KIND_EXISTS:
		return match_asking(run, f, term);
	case SPF_KIND_INCLUDE:
	case SPF_KIND_REDIRECT:
	case SPF_KIND_EXP:
	case SPF_KIND_OTHER:
	case SPF_KIND_WRONG:
		break;
	}
	return SPF_NO_MATCH;
}

/* Returns the weakness of a pass by `term`, whose qualifier is "+". */
static enum spf_weakness
weakness_of(const struct spf_run *run, const struct spf_term *term)
{
	bool is_v6 = run->q->ip.family == IP_V6;

	switch (term->kind) {
	case SPF_KIND_ALL:
		return SPF_WEAK_ALL;
	case SPF_KIND_A:
	case SPF_KIND_MX:
	case SPF_KIND_IP4:
	case SPF_KIND_IP6:
		return term_bits(run, term) <=
			(is_v6 ? BROAD_V6_BITS : BROAD_V4_BITS)
		    ? SPF_WEAK_RANGE
		    : SPF_WEAKNESS_NONE;
	case SPF_KIND_INCLUDE:
	case SPF_KIND_PTR:
	case SPF_KIND_EXISTS:
	case SPF_KIND_REDIRECT:
	case SPF_KIND_EXP:
	case SPF_KIND_OTHER:
	case SPF_KIND_WRONG:
		break;
	}
	return SPF_WEAKNESS_NONE;
}

enum spf_outcome
spf_run_match(
    struct spf_run *run, struct spf_frame *f, const struct spf_term *term)
{
	enum spf_outcome outcome = match_kind(run, f, term);

	if (outcome == SPF_MATCH) {
		run->matched = term;
		run->matched_domain = f->domain;
		run->matched_weakness = weakness_of(run, term);
	}
	return outcome;
}
