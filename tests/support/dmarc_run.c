#include "tests/support/dmarc_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "audit/dmarc_explain.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "tests/support/core_driver.h"

static struct span
next_word(struct scan *s)
{
	struct span word = scan_until(s, ' ');

	scan_byte(s, ' ');
	return word;
}

static struct dmarc_identifier
identifier(struct span word)
{
	struct dmarc_identifier id = { .domain = span_skip(word, 1) };

	if (word.n == 0)
		id.domain = SPAN_NONE;
	else if (word.p[0] == '+')
		id.fact = DMARC_FACT_PASS;
	else if (word.p[0] == '?')
		id.fact = DMARC_FACT_TEMPERROR;
	return id;
}

void
dmarc_run_open(
    struct dmarc_run *r, const char *authors, const char *spf, const char *dkim)
{
	struct scan s = scan_of(span_str(authors));

	*r = (struct dmarc_run){ .facts = {
				     .authors = r->authors, .dkim = r->dkim } };
	r->facts.authors_fault = scan_byte(&s, '!') ? "bad From" : NULL;
	r->facts.expands_aliases = scan_byte(&s, '>');
	while (!scan_done(&s)) {
		assert_true(r->facts.n_authors < AUTHORS_MAX);
		r->facts.n_possible += scan_byte(&s, '~');
		r->authors[r->facts.n_authors++] = next_word(&s);
	}
	r->facts.spf = identifier(span_str(spf));
	s = scan_of(span_str(dkim));
	while (!scan_done(&s)) {
		assert_true(r->facts.n_dkim < IDENTIFIERS_MAX);
		r->dkim[r->facts.n_dkim++] = identifier(next_word(&s));
	}
	r->questions = dns_questions_new(QUESTIONS_MAX);
	r->arena = arena_new(1 << 18);
	assert_non_null(r->questions);
	assert_non_null(r->arena);
}

void
dmarc_run_close(struct dmarc_run *r)
{
	dns_questions_free(r->questions);
	arena_free(r->arena);
}

enum core_status
dmarc_run_ask(void *arg)
{
	struct dmarc_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_ask(&r->facts, r->questions, r->arena);
}

enum core_status
dmarc_run_check(void *arg)
{
	struct dmarc_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_check(&r->facts, r->questions, r->arena, &r->result);
}

void
dmarc_run_show(struct buf *b, const struct dmarc_result *r)
{
	buf_text(b, dmarc_code_name(r->code));
	if (r->policy_tag != NULL)
		buf_printf(
		    b, " %s=%s", r->policy_tag, dmarc_policy_name(r->policy));
	if (r->policy_domain.p != NULL) {
		buf_byte(b, ' ');
		buf_span(b, r->policy_domain);
	}
	if (r->code == DMARC_FAIL)
		buf_printf(b, " -> %s", dmarc_policy_name(r->disposition));
	if (r->spf_aligned)
		buf_text(b, " spf");
	if (r->dkim_aligned)
		buf_text(b, " dkim");
	if (r->testing)
		buf_text(b, " t");
	if (r->nonexistent)
		buf_text(b, " nonexistent");
	if (r->organizational_domain.p != NULL) {
		buf_text(b, " (");
		buf_span(b, r->organizational_domain);
		buf_text(b, ")");
	}
}

void
dmarc_run_is_sound(const char *name, const struct dmarc_run *r)
{
	const struct dmarc_result *d = &r->result;
	bool pass = d->code == DMARC_PASS;

	if (pass && (r->facts.authors_fault != NULL || r->facts.n_authors == 0))
		fail_msg("%s: passes without an author", name);
	if (pass != (d->spf_aligned || d->dkim_aligned))
		fail_msg("%s: pass and alignment differ", name);
	if (pass != (d->aligned_by.p != NULL))
		fail_msg("%s: pass and aligned_by differ", name);
	if (d->code != DMARC_FAIL && d->disposition != DMARC_POLICY_NONE)
		fail_msg("%s: requests an action without a failure", name);
	if (d->disposition > d->policy && d->policy_tag != NULL)
		fail_msg("%s: requests more than the policy", name);
	if ((d->policy_tag == NULL) != (d->record == NULL))
		fail_msg("%s: policy and record differ", name);
	if (d->reason.n == 0)
		fail_msg("%s: no reason", name);
	for (size_t i = 0; i < d->reason.n; i++) {
		if (d->reason.p[i] < ' ' || d->reason.p[i] > '~')
			fail_msg("%s: reason is not printable", name);
	}
}

/* Makes each allocation fail in turn.  The verdict must be the same or
 * temperror. */
static void
survives(const struct dmarc_vector *v, struct dmarc_run *r)
{
	struct dmarc_result whole = r->result;
	unsigned long nth = 1;

	do {
		arena_fail_at(r->arena, nth);
		if (dmarc_run_check(r) != CORE_DONE)
			fail_msg(
			    "%s: waits after a failed allocation", v->name);
		dmarc_run_is_sound(v->name, r);
		if (r->result.code != DMARC_TEMPERROR &&
		    r->result.code != whole.code)
			fail_msg("%s: %s if allocation %lu fails", v->name,
			    dmarc_code_name(r->result.code), nth);
	} while (arena_has_failed(r->arena) && nth++ < 1000);
	/* without authors, nothing is allocated */
	assert_true(nth > 1 || r->facts.authors_fault != NULL ||
	    r->facts.n_authors == 0);
	assert_true(nth < 1000);
	assert_int_equal(r->result.code, whole.code);
	arena_fail_at(r->arena, 0);
}

static bool
passes_aligned(const struct dmarc_relations *r, bool is_dkim)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->list[i].is_dkim == is_dkim &&
		    r->list[i].fact == DMARC_FACT_PASS &&
		    r->list[i].aligned == DMARC_ALIGNED)
			return true;
	return false;
}

/* The explanation must agree with the verdict and ask no further questions,
 * even if an allocation fails. */
static void
explains(const char *name, struct dmarc_run *r)
{
	const struct dmarc_result *d = &r->result;
	struct arena *a = arena_new(1 << 18);
	struct dmarc_relations out;

	assert_non_null(a);
	for (unsigned long nth = 0; nth == 0 || arena_has_failed(a); nth++) {
		arena_rewind(a);
		arena_fail_at(a, nth + 1);
		if (dmarc_explain_alignment(&r->facts, d->author_domain,
			r->questions, a, &out) != CORE_DONE)
			fail_msg(
			    "%s: the explanation asks something new", name);
	}
	arena_fail_at(a, 0);
	if (d->record != NULL &&
	    (passes_aligned(&out, false) != d->spf_aligned ||
		passes_aligned(&out, true) != d->dkim_aligned))
		fail_msg("%s: the explanation differs", name);
	if ((d->record != NULL) !=
	    (out.walk.policy != NULL && !out.walk.policy->broken))
		fail_msg("%s: the record differs", name);
	if (d->record == NULL && out.n > 0)
		fail_msg("%s: aligned without a record", name);
	if (d->nonexistent != out.nonexistent)
		fail_msg("%s: existence differs", name);
	arena_free(a);
}

void
dmarc_run_judges(const struct dmarc_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct dns_source *zone = pump_zone(v->zone);
		struct dmarc_run r;
		char got[1024];
		struct buf b = buf_wrap(got, sizeof(got));

		dmarc_run_open(&r, v->authors, v->spf, v->dkim);
		unsigned ahead =
		    pump_core(r.questions, zone, false, dmarc_run_ask, &r);
		unsigned after =
		    pump_core(r.questions, zone, false, dmarc_run_check, &r);

		if (ahead > 2u + r.facts.expands_aliases || after > 0)
			fail_msg("%s: %u and %u waves", v->name, ahead, after);
		dmarc_run_show(&b, &r.result);
		if (strcmp(got, v->want) != 0)
			fail_msg("%s:\n got  %s\n want %s\n since %.*s",
			    v->name, got, v->want, SPAN_FMT(r.result.reason));
		dmarc_run_is_sound(v->name, &r);
		if (r.result.author_domain.n > 0)
			explains(v->name, &r);
		survives(v, &r);
		dmarc_run_close(&r);
		zone->close(zone);
	}
}
