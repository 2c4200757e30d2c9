/*
 * dmarc_lint_fuzz.c - checks a domain with arbitrary DNS answers.
 *
 * The first line of the input is the domain; the other lines are possible
 * answers.
 */
#include <assert.h>
#include <stdint.h>

#include "audit/dmarc_lint.h"
#include "lib/ascii.h"
#include "tests/support/lines.h"
#include "tests/support/core_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct dmarc_lint_fuzz_run {
	struct span domain;
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_lint lint;
};

static enum core_status
lint(void *arg)
{
	struct dmarc_lint_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_lint(r->domain, r->questions, r->arena, &r->lint);
}

static void
check_findings(const struct dmarc_lint *l)
{
	const struct dmarc_explanation *e = &l->explanation;

	for (size_t i = 0; i < l->findings.n; i++) {
		assert(span_all(l->findings.list[i].text, ascii_is_print));
		assert(span_all(l->findings.list[i].fix, ascii_is_print));
		assert(span_all(l->findings.list[i].where, ascii_is_print));
	}
	for (size_t i = 0; i < e->n_hops; i++)
		assert(span_all(e->hops[i].text, ascii_is_print));
	for (size_t i = 0; i < e->n_meanings; i++)
		assert(span_all(e->meanings[i].value, ascii_is_print));
	for (size_t i = 0; i < e->n_cases; i++)
		assert(e->cases[i].disposition <= e->cases[i].policy ||
		    e->cases[i].tag == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan s = scan_of(span_of((const char *)data, size));
	struct lines_source source;
	struct dmarc_lint_fuzz_run r = { .domain = lines_next(&s, '\n'),
		.questions = dns_questions_new(256),
		.arena = arena_new(1 << 20) };

	assert(r.questions != NULL && r.arena != NULL);
	lines_open(&source, &s);
	unsigned waves =
	    pump_core(r.questions, &source.source, false, lint, &r);

	assert(waves <= 2);
	assert((r.lint.domain.p == NULL) == (r.lint.walk.n_steps == 0));
	check_findings(&r.lint);
	for (unsigned long nth = 1; nth <= 8; nth++) {
		arena_fail_at(r.arena, nth);
		enum core_status step = lint(&r);

		assert(step == CORE_DONE);
		assert(r.lint.findings.cut || !arena_has_failed(r.arena));
		check_findings(&r.lint);
	}
	dns_questions_free(r.questions);
	arena_free(r.arena);
	return 0;
}
