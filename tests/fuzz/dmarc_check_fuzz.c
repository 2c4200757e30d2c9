/*
 * dmarc_check_fuzz.c - checks a message's facts with arbitrary DNS answers
 * (RFC 9989 sections 4.10 and 5.3).
 *
 * The first line of the input has the author domains; a leading ">" expands
 * aliases.  The second line has the
 * identifiers, SPF's first, each preceded by a sign for its result ("+": pass,
 * "?": temperror).  The other lines are possible answers; a hash of the name
 * selects the answer to a question.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dmarc/dmarc.h"
#include "lib/domain.h"
#include "tests/support/lines.h"
#include "tests/support/core_driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AUTHORS_MAX = 8, IDENTIFIERS_MAX = 8 };

struct dmarc_check_fuzz_run {
	struct dmarc_facts facts;
	struct span authors[AUTHORS_MAX];
	struct dmarc_identifier ids[IDENTIFIERS_MAX];
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_result result;
	struct dmarc_related related;
};

static enum core_status
ask_dmarc_check(void *arg)
{
	struct dmarc_check_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_ask(&r->facts, r->questions, r->arena);
}

static enum core_status
check_dmarc_check(void *arg)
{
	struct dmarc_check_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_check(&r->facts, r->questions, r->arena, &r->result);
}

/* The author domains are also used as the domains of the mailing list. */
static enum core_status
ask_related(void *arg)
{
	struct dmarc_check_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_ask_related(
	    &r->facts, r->authors, r->facts.n_authors, r->questions, r->arena);
}

static enum core_status
find_related(void *arg)
{
	struct dmarc_check_fuzz_run *r = arg;

	arena_rewind(r->arena);
	return dmarc_find_related(&r->facts, r->authors, r->facts.n_authors,
	    r->questions, r->arena, &r->related);
}

/* Only an identifier that passes may be related, and both domains must end in
 * the same label (RFC 9989 section 7.4). */
static void
check_related(struct dmarc_check_fuzz_run *r, struct dns_source *source)
{
	const struct dmarc_identifier *by;

	pump_core(r->questions, source, false, ask_related, r);
	assert(pump_core(r->questions, source, false, find_related, r) == 0);
	by = r->related.by;
	if (by == NULL)
		return;
	assert(by->fact == DMARC_FACT_PASS);
	assert(r->related.domain < r->facts.n_authors);
	assert(domain_is_under(
	    by->domain, domain_suffix(r->authors[r->related.domain], 1)));
}

static void
read_facts(struct dmarc_check_fuzz_run *r, struct scan *s, struct arena *a)
{
	struct scan line = scan_of(lines_next(s, '\n'));
	size_t n = 0;

	if (scan_byte(&line, '!'))
		r->facts.authors_fault = "the From field is not valid";
	r->facts.expands_aliases = scan_byte(&line, '>');
	while (!scan_done(&line) && r->facts.n_authors < AUTHORS_MAX) {
		struct span name = domain_normal(a, lines_next(&line, ' '));

		if (name.p != NULL)
			r->authors[r->facts.n_authors++] = name;
	}
	line = scan_of(lines_next(s, '\n'));
	while (!scan_done(&line) && n < IDENTIFIERS_MAX) {
		struct span word = lines_next(&line, ' ');

		r->ids[n].domain = domain_normal(a, span_skip(word, 1));
		if (span_starts_nocase(word, "+"))
			r->ids[n].fact = DMARC_FACT_PASS;
		else if (span_starts_nocase(word, "?"))
			r->ids[n].fact = DMARC_FACT_TEMPERROR;
		n++;
	}
	r->facts.authors = r->authors;
	r->facts.dkim = r->ids + 1;
	if (n > 0) {
		r->facts.spf = r->ids[0];
		r->facts.n_dkim = n - 1;
	}
}

/* Checks rules that each result must follow, whatever the DNS answers are. */
static void
check_result(const struct dmarc_check_fuzz_run *r)
{
	const struct dmarc_result *d = &r->result;
	bool common = false;

	assert((d->code == DMARC_PASS) == (d->spf_aligned || d->dkim_aligned));
	assert(d->code == DMARC_FAIL || d->disposition == DMARC_POLICY_NONE);
	assert((d->policy_tag == NULL) == (d->record == NULL));
	assert(d->reason.n > 0);
	if (d->code != DMARC_PASS)
		return;
	assert(r->facts.authors_fault == NULL);
	for (size_t i = 0; i < IDENTIFIERS_MAX; i++)
		common |= r->ids[i].fact == DMARC_FACT_PASS &&
		    domain_is_under(
			r->ids[i].domain, domain_suffix(d->author_domain, 1));
	assert(common);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan s = scan_of(span_of((const char *)data, size));
	struct lines_source source;
	struct arena *names = arena_new(1 << 16);
	struct dmarc_check_fuzz_run r = { .questions = dns_questions_new(64),
		.arena = arena_new(1 << 20) };

	assert(names != NULL && r.questions != NULL && r.arena != NULL);
	read_facts(&r, &s, names);
	lines_open(&source, &s);
	unsigned ahead =
	    pump_core(r.questions, &source.source, false, ask_dmarc_check, &r);
	unsigned after = pump_core(
	    r.questions, &source.source, false, check_dmarc_check, &r);

	assert(ahead <= 2u + r.facts.expands_aliases && after == 0);
	check_result(&r);
	enum dmarc_code code = r.result.code;

	for (unsigned long nth = 1; nth <= 8; nth++) {
		arena_fail_at(r.arena, nth);
		enum core_status step = check_dmarc_check(&r);

		assert(step == CORE_DONE);
		check_result(&r);
		assert(r.result.code == code ||
		    r.result.code == DMARC_TEMPERROR || r.facts.n_authors > 1 ||
		    r.facts.expands_aliases);
	}
	arena_fail_at(r.arena, 0);
	check_related(&r, &source.source);
	dns_questions_free(r.questions);
	arena_free(r.arena);
	arena_free(names);
	return 0;
}
