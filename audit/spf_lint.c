#include "audit/spf_lint.h"

#include "lib/domain.h"
#include "audit/spf_findings.h"
#include "spf/macro.h"
#include "spf/internal.h"

enum {
	FITS_UDP = 512,    /* bytes of an answer that fits into UDP (RFC 7208
	                      section 3.4) */
	FITS_TEXTS = 450,  /* bytes of all strings in the answer, used if the
	                      answer's size is unknown */
	FOLLOWED_MAX = 64, /* terms looked up; further ones are only counted */
	LOOKUPS_MANY = 8,  /* from here on, one more service may exceed the
	                      limit of 10 lookups */
};

/* Returns NULL if the answer has not arrived yet. */
static const struct dns_answer *
lint_ask(struct spf_linting *l, struct span name, enum dns_type type)
{
	const struct dns_answer *answer = dns_ask(l->questions, name, type);

	if (answer->state != DNS_PENDING)
		return answer;
	l->waiting = true;
	return NULL;
}

static bool
is_void(const struct dns_answer *answer)
{
	return answer->state == DNS_NODATA || answer->state == DNS_NXDOMAIN ||
	    answer->state == DNS_BADNAME;
}

/* DNS_ERROR_BUDGET means that the linter reached a limit, not that DNS
 * failed. */
static void
check_failure(struct spf_linting *l, const struct spf_lint_frame *f,
    struct span term, const struct dns_answer *answer)
{
	if (answer->state != DNS_FAILED)
		return;
	if (answer->fault == DNS_ERROR_BUDGET)
		spf_lint_add(l, f, SPF_RULE_NOT_FOLLOWED, term, SPAN_NONE);
	else
		spf_lint_add(l, f, SPF_RULE_NO_ANSWER, term,
		    span_str(dns_error_text(answer->fault)));
}

/* ---- DNS lookups of terms ---- */

/* Whether %{d} is the only macro.  If so, the name does not depend on the
 * message. */
static bool
is_nameable(struct span spec)
{
	while (spec.n > 0) {
		spec = span_skip(spec, span_index(spec, '%'));
		if (spec.n > 2 && spec.p[1] == '{' && spec.p[2] != 'd' &&
		    spec.p[2] != 'D')
			return false;
		spec = span_skip(spec, 2);
	}
	return true;
}

/* Returns false if the name depends on the message, or memory ran out. */
static bool
name_target(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term, struct span *out)
{
	struct spf_macros values = { .domain = f->domain };

	*out = f->domain;
	if (term->spec.p == NULL)
		return true;
	if (!is_nameable(term->spec)) {
		spf_lint_add(l, f, SPF_RULE_MACRO, term->text, SPAN_NONE);
		return false;
	}
	return spf_macro_domain(&values, term->spec, l->a, out);
}

/* Counts a term whose lookups are void for IPv4 or IPv6 clients; adds a finding
 * if they are void for both. */
static void
count_void(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term, bool v4, bool v6)
{
	l->void4 += v4;
	l->void6 += v6;
	if (v4 && v6)
		spf_lint_add(l, f, SPF_RULE_VOID, term->text, SPAN_NONE);
}

/* Sets `no4` if `name` has no IPv4 address, and `no6` if it has no IPv6
 * address.  Returns false if an answer is missing. */
static bool
look_up_host(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term, struct span name, bool *no4, bool *no6)
{
	const struct dns_answer *a = lint_ask(l, name, DNS_A);
	const struct dns_answer *aaaa = lint_ask(l, name, DNS_AAAA);

	if (a == NULL || aaaa == NULL)
		return false;
	check_failure(l, f, term->text, a);
	check_failure(l, f, term->text, aaaa);
	*no4 = is_void(a);
	*no6 = is_void(aaaa);
	return true;
}

static void
look_up_a(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term, struct span name)
{
	bool no4, no6;

	if (look_up_host(l, f, term, name, &no4, &no6))
		count_void(l, f, term, no4, no6);
}

static void
look_up_mx(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term, struct span name)
{
	const struct dns_answer *answer = lint_ask(l, name, DNS_MX);
	bool some4 = false, some6 = false;

	if (answer == NULL)
		return;
	check_failure(l, f, term->text, answer);
	if (is_void(answer))
		count_void(l, f, term, true, true);
	if (answer->n_records > SPF_MAX_MX)
		spf_lint_add(l, f, SPF_RULE_MX_MANY, term->text, SPAN_NONE);
	for (size_t i = 0; i < answer->n_records && i < SPF_MAX_MX; i++) {
		struct span host = answer->records[i].text;
		bool no4, no6;

		if (host.n == 0) {
			spf_lint_add(
			    l, f, SPF_RULE_MX_NULL, term->text, SPAN_NONE);
			continue;
		}
		if (!look_up_host(l, f, term, host, &no4, &no6))
			continue;
		some4 |= no4;
		some6 |= no6;
		if (no4 && no6)
			spf_lint_add(l, f, SPF_RULE_MX_HOST, term->text, host);
	}
	/* each term counts as void at most once: see spf_run_match() */
	l->void4 += some4;
	l->void6 += some6;
}

static void
look_up_exists(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term, struct span name)
{
	const struct dns_answer *answer = lint_ask(l, name, DNS_A);

	if (answer == NULL)
		return;
	check_failure(l, f, term->text, answer);
	if (is_void(answer))
		count_void(l, f, term, true, true);
}

static void
look_up_exp(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term)
{
	const struct dns_answer *answer;
	struct span name;
	const char *fault;
	unsigned needs;

	if (!name_target(l, f, term, &name))
		return;
	answer = lint_ask(l, name, DNS_TXT);
	if (answer == NULL)
		return;
	check_failure(l, f, term->text, answer);
	if (answer->state == DNS_FAILED)
		return;
	if (answer->n_records != 1) {
		spf_lint_add(l, f, SPF_RULE_EXP_NONE, term->text, name);
		return;
	}
	fault =
	    spf_macro_check(answer->records[0].text, SPF_MACRO_TEXT, &needs);
	if (fault != NULL)
		spf_lint_add(
		    l, f, SPF_RULE_EXP_TEXT, term->text, span_str(fault));
}

/* ---- the tree ---- */

static void lint_tree(struct spf_linting *l, const struct spf_lint_frame *above,
    const struct spf_term *via, struct span domain);

static void
lint_look_up(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term)
{
	struct span name;

	if (term->fault != NULL || !spf_term_looks_up(term))
		return;
	if (++l->out->lookups > FOLLOWED_MAX || !name_target(l, f, term, &name))
		return;
	if (term->kind == SPF_KIND_A)
		look_up_a(l, f, term, name);
	else if (term->kind == SPF_KIND_MX)
		look_up_mx(l, f, term, name);
	else if (term->kind == SPF_KIND_EXISTS)
		look_up_exists(l, f, term, name);
	else if (term->kind != SPF_KIND_PTR)
		lint_tree(l, f, term, name);
}

/* Looks up terms in the order in which check_host() evaluates them if none
 * matches. */
static void
look_up_all(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_record *record)
{
	for (size_t i = 0; i < record->n; i++) {
		if (&record->terms[i] == record->all)
			break;
		if (record->terms[i].kind != SPF_KIND_REDIRECT)
			lint_look_up(l, f, &record->terms[i]);
	}
	if (record->redirect != NULL && record->all == NULL)
		lint_look_up(l, f, record->redirect);
	if (record->exp != NULL && record->exp->fault == NULL && f->is_policy)
		look_up_exp(l, f, record->exp);
}

enum spf_lint_likeness
spf_lint_likeness(struct span text)
{
	struct span bare = span_trim(text);

	if (spf_record_is(text))
		return SPF_LIKENESS_RECORD;
	if (span_starts_nocase(bare, "\""))
		bare = span_skip(bare, 1);
	if (span_starts_nocase(bare, "spf2.0"))
		return SPF_LIKENESS_SENDER_ID;
	if (span_starts_nocase(bare, "v=spf") ||
	    span_starts_nocase(bare, "v = spf") ||
	    span_starts_nocase(bare, "v:spf") ||
	    span_starts_nocase(bare, "spf1"))
		return SPF_LIKENESS_ALIKE;
	return SPF_LIKENESS_OTHER;
}

/* Reports TXT records that were probably meant as SPF. */
static void
check_lookalike(
    struct spf_linting *l, const struct spf_lint_frame *f, struct span text)
{
	switch (spf_lint_likeness(text)) {
	case SPF_LIKENESS_SENDER_ID:
		spf_lint_add(l, f, SPF_RULE_SENDER_ID, SPAN_NONE, text);
		break;
	case SPF_LIKENESS_ALIKE:
		spf_lint_add(l, f, SPF_RULE_LOOKALIKE, SPAN_NONE, text);
		break;
	case SPF_LIKENESS_RECORD:
	case SPF_LIKENESS_OTHER:
		break;
	}
}

/* RFC 7208 section 3.4 */
static void
check_size(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct dns_answer *answer)
{
	size_t size = f->domain.n;

	for (size_t i = 0; i < answer->n_records; i++)
		size += answer->records[i].text.n;
	if (answer->size > FITS_UDP)
		spf_lint_add_number(l, f, SPF_RULE_LONG_ANSWER, answer->size);
	else if (answer->size == 0 && size > FITS_TEXTS)
		spf_lint_add_number(l, f, SPF_RULE_LONG_ANSWER, size);
}

/* Selects a record as in RFC 7208 section 4.5.  Returns an absent span unless
 * there is exactly one SPF record. */
static struct span
select_text(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct dns_answer *answer, size_t *found)
{
	struct span text = SPAN_NONE;

	*found = 0;
	for (size_t i = 0; i < answer->n_records; i++) {
		if (!spf_record_is(answer->records[i].text)) {
			check_lookalike(l, f, answer->records[i].text);
			continue;
		}
		text = answer->records[i].text;
		(*found)++;
	}
	if (*found > 1)
		spf_lint_add_number(l, f, SPF_RULE_SEVERAL_RECORDS, *found);
	return *found == 1 ? text : SPAN_NONE;
}

/* Reports a missing record, at the term that refers to it if there is one. */
static void
add_no_record(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *via)
{
	if (via == NULL)
		spf_lint_add(l, f, SPF_RULE_NO_RECORD, SPAN_NONE, SPAN_NONE);
	else
		spf_lint_add(l, f->above,
		    via->kind == SPF_KIND_REDIRECT ? SPF_RULE_REDIRECT_NONE
						   : SPF_RULE_INCLUDE_NONE,
		    via->text, f->domain);
}

/* Counts the IPv4 addresses and IPv6 networks that a record allows, excluding
 * its includes. */
static void
count_networks(struct spf_lint_node *node, const struct spf_record *record)
{
	for (size_t i = 0; i < record->n; i++) {
		const struct spf_term *term = &record->terms[i];

		if (term->fault != NULL || term->qualifier != SPF_PASS)
			continue;
		if (term->kind == SPF_KIND_IP4)
			node->addresses += UINT64_C(1) << (32 - term->bits4);
		node->networks6 += term->kind == SPF_KIND_IP6;
	}
}

static void
read_record(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *via, const struct dns_answer *answer)
{
	struct spf_record record;
	size_t found;
	struct span text = select_text(l, f, answer, &found);

	if (found == 0)
		add_no_record(l, f, via);
	if (text.p == NULL)
		return;
	check_size(l, f, answer);
	if (text.n > SPF_MAX_RECORD) {
		spf_lint_add_number(l, f, SPF_RULE_TOO_LONG_TO_READ, text.n);
		return;
	}
	if (!spf_record_parse(l->a, text, &record))
		return;
	if (via == NULL)
		l->out->record = text;
	if (f->node < SPF_LINT_NODES_MAX) {
		l->out->tree[f->node].has_record = true;
		l->out->tree[f->node].bytes = text.n;
		count_networks(&l->out->tree[f->node], &record);
	}
	spf_lint_record(l, f, &record);
	look_up_all(l, f, &record);
}

static bool
leads_back(const struct spf_lint_frame *f, struct span domain)
{
	for (; f != NULL; f = f->above)
		if (domain_equal(f->domain, domain))
			return true;
	return false;
}

/* Whether the record of `domain` has already been read.  If not, marks it as
 * read. */
static bool
was_seen(struct spf_linting *l, struct span domain)
{
	for (unsigned i = 0; i < l->out->records; i++)
		if (domain_equal(l->seen[i], domain))
			return true;
	l->seen[l->out->records++] = domain;
	return false;
}

/* Returns false if the term `via` must not be followed. */
static bool
may_follow(struct spf_linting *l, const struct spf_lint_frame *above,
    const struct spf_term *via, struct span domain)
{
	if (leads_back(above, domain)) {
		spf_lint_add(l, above, SPF_RULE_LOOP, via->text, domain);
		return false;
	}
	if (above->depth == SPF_LINT_DEPTH_MAX ||
	    l->out->records == SPF_LINT_RECORDS_MAX) {
		spf_lint_add(
		    l, above, SPF_RULE_NOT_FOLLOWED, via->text, SPAN_NONE);
		return false;
	}
	return true;
}

/* Adds the record of `f` to the tree and sets f->node. */
static void
add_node(
    struct spf_linting *l, struct spf_lint_frame *f, const struct spf_term *via)
{
	struct spf_lint *out = l->out;

	f->node = out->n_tree;
	if (out->n_tree == SPF_LINT_NODES_MAX)
		return;
	out->tree[out->n_tree++] = (struct spf_lint_node){
		.domain = f->domain,
		.term = via != NULL ? via->text : SPAN_NONE,
		.depth = f->depth,
		.top = f->depth > 1 && f->above->node < SPF_LINT_NODES_MAX
		    ? out->tree[f->above->node].top
		    : f->node,
	};
}

/*
 * Checks the record of `domain` and all records that it includes or redirects
 * to.  `via` is the term in the record above that names `domain`, or NULL.
 */
static void
lint_tree(struct spf_linting *l, const struct spf_lint_frame *above,
    const struct spf_term *via, struct span domain)
{
	struct spf_lint_frame f = { .above = above, .domain = domain };
	unsigned before = l->out->lookups;
	const struct dns_answer *answer;

	if (above != NULL && !may_follow(l, above, via, domain))
		return;
	if (above != NULL)
		f.depth = above->depth + 1;
	f.is_policy =
	    via == NULL || (above->is_policy && via->kind == SPF_KIND_REDIRECT);
	f.passes = via == NULL || (above->passes && via->qualifier == SPF_PASS);
	f.is_first = !was_seen(l, domain);
	add_node(l, &f, via);
	if (!f.is_first && via != NULL)
		spf_lint_add(
		    l, above, SPF_RULE_INCLUDED_TWICE, via->text, domain);
	if (!spf_is_checkable(domain)) {
		add_no_record(l, &f, via);
		return;
	}
	answer = lint_ask(l, domain, DNS_TXT);
	if (answer == NULL)
		return;
	check_failure(l, &f, SPAN_NONE, answer);
	if (answer->state != DNS_FAILED)
		read_record(l, &f, via, answer);
	if (f.node < SPF_LINT_NODES_MAX) {
		l->out->tree[f.node].state = answer->state;
		l->out->tree[f.node].lookups =
		    l->out->lookups - before + (via != NULL);
	}
}

/* ---- totals ---- */

static void
lint_totals(struct spf_linting *l)
{
	const struct spf_lint_frame f = {
		.domain = l->out->domain,
		.is_first = true,
	};
	struct spf_lint *out = l->out;

	out->void_lookups = l->void4 > l->void6 ? l->void4 : l->void6;
	if (out->lookups > SPF_MAX_LOOKUPS)
		spf_lint_add_number(l, &f, SPF_RULE_LOOKUPS, out->lookups);
	else if (out->lookups >= LOOKUPS_MANY)
		spf_lint_add_number(l, &f, SPF_RULE_LOOKUPS_FULL, out->lookups);
	if (l->void4 > SPF_MAX_VOID)
		spf_lint_add_number(l, &f, SPF_RULE_VOIDS_V4, l->void4);
	if (l->void6 > SPF_MAX_VOID)
		spf_lint_add_number(l, &f, SPF_RULE_VOIDS_V6, l->void6);
}

enum core_status
spf_lint(struct span domain, struct dns_questions *questions, struct arena *a,
    struct spf_lint *out)
{
	struct spf_linting l = { .questions = questions, .a = a, .out = out };
	struct spf_lint_frame f = { .domain = domain, .is_first = true };
	struct span normal = domain_normal(a, domain);

	*out = (struct spf_lint){ .domain = domain };
	audit_findings_init(&out->findings, a);
	if (normal.p == NULL || !spf_is_checkable(normal)) {
		if (!arena_has_failed(a))
			spf_lint_add(
			    &l, &f, SPF_RULE_NO_NAME, SPAN_NONE, domain);
		out->findings.cut |= arena_has_failed(a);
		return CORE_DONE;
	}
	out->domain = normal;
	lint_tree(&l, NULL, NULL, normal);
	lint_totals(&l);
	out->findings.cut |= arena_has_failed(a);
	return l.waiting ? CORE_WAIT : CORE_DONE;
}
