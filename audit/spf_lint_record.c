/* spf_lint_record.c - checks of an SPF record that need no DNS (RFC 7208) */
#include "lib/ip.h"
#include "audit/spf_findings.h"
#include "spf/macro.h"

enum {
	BROAD_V4_BITS = 8, /* as in SPF_WEAK_RANGE */
	BROAD_V6_BITS = 16,
	WIDE_V4_BITS = 15, /* for the domain's own record (Gmail: 5.7.24) */
	WIDE_V6_BITS = 31,
	COMPARED_MAX = 512, /* terms compared with each other */
};

static bool
is_network(const struct spf_term *term)
{
	return term->kind == SPF_KIND_IP4 || term->kind == SPF_KIND_IP6;
}

static unsigned
bits_of(const struct spf_term *term)
{
	return term->kind == SPF_KIND_IP4 ? term->bits4 : term->bits6;
}

/* Whether every address in `inner` is also in `outer`. */
static bool
covers(const struct spf_term *outer, const struct spf_term *inner)
{
	return is_network(outer) && is_network(inner) &&
	    bits_of(outer) <= bits_of(inner) &&
	    ip_in(&inner->ip, &outer->ip, bits_of(outer));
}

static bool
has_host_bits(const struct spf_term *term)
{
	size_t size = term->kind == SPF_KIND_IP4 ? 4 : 16;

	for (size_t bit = bits_of(term); bit < size * 8; bit++)
		if ((term->ip.bytes[bit / 8] & 0x80U >> bit % 8) != 0)
			return true;
	return false;
}

/* Whether a network is too large.  Included records of large providers may
 * contain larger networks than the domain's own record. */
static bool
is_broad(const struct spf_lint_frame *f, const struct spf_term *term)
{
	unsigned most4 = f->is_policy ? WIDE_V4_BITS : BROAD_V4_BITS;
	unsigned most6 = f->is_policy ? WIDE_V6_BITS : BROAD_V6_BITS;

	switch (term->kind) {
	case SPF_KIND_A:
	case SPF_KIND_MX:
	case SPF_KIND_IP4:
	case SPF_KIND_IP6:
		return term->qualifier == SPF_PASS &&
		    (term->bits4 <= most4 || term->bits6 <= most6);
	case SPF_KIND_ALL:
	case SPF_KIND_INCLUDE:
	case SPF_KIND_PTR:
	case SPF_KIND_EXISTS:
	case SPF_KIND_REDIRECT:
	case SPF_KIND_EXP:
	case SPF_KIND_OTHER:
	case SPF_KIND_WRONG:
		break;
	}
	return false;
}

static void
lint_network(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term)
{
	if (has_host_bits(term))
		spf_lint_add(l, f, SPF_RULE_HOST_BITS, term->text, SPAN_NONE);
	if (!ip_net_is_public(&term->ip, bits_of(term)))
		spf_lint_add(l, f, SPF_RULE_NOT_PUBLIC, term->text, SPAN_NONE);
}

static void
lint_macros(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term)
{
	if ((term->needs & SPF_NEEDS_PTR) != 0)
		spf_lint_add(l, f, SPF_RULE_PTR_MACRO, term->text, SPAN_NONE);
	if ((term->needs & SPF_NEEDS_LOCAL) != 0)
		spf_lint_add(l, f, SPF_RULE_LOCAL_MACRO, term->text, SPAN_NONE);
	if (term->spec.n > 0 && term->spec.p[term->spec.n - 1] == '.' &&
	    term->kind != SPF_KIND_OTHER)
		spf_lint_add(l, f, SPF_RULE_FINAL_DOT, term->text, SPAN_NONE);
}

static void
lint_all(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term)
{
	if (term->qualifier == SPF_PASS && f->passes)
		spf_lint_add(l, f, SPF_RULE_PLUS_ALL, term->text, SPAN_NONE);
	if (term->qualifier == SPF_NEUTRAL && f->is_policy)
		spf_lint_add(l, f, SPF_RULE_NEUTRAL_ALL, term->text, SPAN_NONE);
}

static void
lint_kind(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_term *term)
{
	switch (term->kind) {
	case SPF_KIND_ALL:
		lint_all(l, f, term);
		break;
	case SPF_KIND_PTR:
		spf_lint_add(l, f, SPF_RULE_PTR, term->text, SPAN_NONE);
		break;
	case SPF_KIND_IP4:
	case SPF_KIND_IP6:
		lint_network(l, f, term);
		break;
	case SPF_KIND_OTHER:
		spf_lint_add(
		    l, f, SPF_RULE_UNKNOWN_MODIFIER, term->text, SPAN_NONE);
		break;
	case SPF_KIND_INCLUDE:
	case SPF_KIND_A:
	case SPF_KIND_MX:
	case SPF_KIND_EXISTS:
	case SPF_KIND_REDIRECT:
	case SPF_KIND_EXP:
	case SPF_KIND_WRONG:
		break;
	}
}

/* Whether the terms are equal except for their qualifiers. */
static bool
says_the_same(const struct spf_term *one, const struct spf_term *other)
{
	if (one->kind != other->kind || one->fault != NULL ||
	    other->fault != NULL)
		return false;
	if (is_network(one))
		return covers(one, other) && covers(other, one);
	return one->kind < SPF_KIND_REDIRECT && one->kind != SPF_KIND_ALL &&
	    one->bits4 == other->bits4 && one->bits6 == other->bits6 &&
	    (one->spec.p == NULL) == (other->spec.p == NULL) &&
	    span_equal_nocase(one->spec, other->spec);
}

/* Compares term number `at` with the terms before it. */
static void
lint_twice(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_record *record, size_t at)
{
	const struct spf_term *term = &record->terms[at];

	for (size_t i = 0; i < at && at < COMPARED_MAX; i++) {
		const struct spf_term *before = &record->terms[i];
		bool same = says_the_same(before, term);

		if (!same && !covers(before, term))
			continue;
		spf_lint_add(l, f, same ? SPF_RULE_DUPLICATE : SPF_RULE_COVERED,
		    term->text, same ? SPAN_NONE : before->text);
		return;
	}
}

static void
lint_term(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_record *record, size_t at)
{
	const struct spf_term *term = &record->terms[at];
	bool is_mechanism = term->kind < SPF_KIND_REDIRECT;

	if (term->fault != NULL) {
		spf_lint_add(
		    l, f, SPF_RULE_SYNTAX, term->text, span_str(term->fault));
		return;
	}
	if (is_mechanism && record->all != NULL && term > record->all) {
		spf_lint_add(l, f, SPF_RULE_AFTER_ALL, term->text, SPAN_NONE);
		return;
	}
	lint_kind(l, f, term);
	lint_macros(l, f, term);
	if (is_broad(f, term))
		spf_lint_add(l, f, SPF_RULE_BROAD, term->text, SPAN_NONE);
	if (is_mechanism)
		lint_twice(l, f, record, at);
}

/* Finds a redirect= or exp= that is followed by a mechanism. */
static void
lint_order(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_record *record)
{
	const struct spf_term *modifier = NULL;

	for (size_t i = 0; i < record->n; i++) {
		const struct spf_term *term = &record->terms[i];

		if (modifier == NULL &&
		    (term->kind == SPF_KIND_REDIRECT ||
			term->kind == SPF_KIND_EXP))
			modifier = term;
		if (modifier == NULL || term->kind >= SPF_KIND_REDIRECT)
			continue;
		spf_lint_add(
		    l, f, SPF_RULE_MODIFIER_FIRST, modifier->text, SPAN_NONE);
		return;
	}
}

void
spf_lint_record(struct spf_linting *l, const struct spf_lint_frame *f,
    const struct spf_record *record)
{
	for (size_t i = 0; i < record->n; i++)
		lint_term(l, f, record, i);
	lint_order(l, f, record);
	if (record->all != NULL && record->redirect != NULL)
		spf_lint_add(l, f, SPF_RULE_REDIRECT_IGNORED,
		    record->redirect->text, SPAN_NONE);
	if (record->all == NULL && record->redirect == NULL && f->is_policy)
		spf_lint_add(l, f, SPF_RULE_NO_ALL, SPAN_NONE, SPAN_NONE);
}
