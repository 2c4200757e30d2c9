/* dmarc_related_test.c - RFC 9989 section 7.4: whether the domain of a mailing
 * list is related to a domain that passed */
#include "dmarc/dmarc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/dmarc_run.h"
#include "tests/support/core_driver.h"

enum { DOMAINS_MAX = 3 };

struct related_vector {
	const char *name;
	const char *domains;
	const char *spf, *dkim; /* as in struct dmarc_vector */
	const char *zone;
	const char *want;  /* "DOMAIN by IDENTIFIER"; "": none */
	const char *asked; /* names queried, in order, without "_dmarc." */
};

struct related_run {
	struct dmarc_run dmarc;
	struct span domains[DOMAINS_MAX];
	size_t n;
	struct dmarc_related out;
};

static enum core_status
ask_related(void *arg)
{
	struct related_run *r = arg;

	arena_rewind(r->dmarc.arena);
	return dmarc_ask_related(&r->dmarc.facts, r->domains, r->n,
	    r->dmarc.questions, r->dmarc.arena);
}

static enum core_status
find_related(void *arg)
{
	struct related_run *r = arg;

	arena_rewind(r->dmarc.arena);
	return dmarc_find_related(&r->dmarc.facts, r->domains, r->n,
	    r->dmarc.questions, r->dmarc.arena, &r->out);
}

static void
split_domains(struct related_run *r, const char *text)
{
	struct scan s = scan_of(span_str(text));

	for (r->n = 0; !scan_done(&s); r->n++) {
		assert_true(r->n < DOMAINS_MAX);
		r->domains[r->n] = scan_until(&s, ' ');
		scan_byte(&s, ' ');
	}
}

static void
compare_dmarc_related(
    const char *name, const char *what, struct buf *got, const char *want)
{
	if (!span_is(buf_view(got), want))
		fail_msg("%s: %s: got \"%.*s\", want \"%s\"", name, what,
		    SPAN_FMT(buf_view(got)), want);
}

/* If memory runs out, nothing is related, or the result is unchanged. */
static void
survives(const char *name, struct related_run *r)
{
	const struct dmarc_identifier *by = r->out.by;
	struct arena *a = r->dmarc.arena;

	for (unsigned long nth = 1;; nth++) {
		arena_fail_at(a, nth);
		assert_int_equal(find_related(r), CORE_DONE);
		if (!arena_has_failed(a))
			break;
		if (r->out.by != NULL && r->out.by != by)
			fail_msg("%s: another one at %lu", name, nth);
	}
	assert_ptr_equal(r->out.by, by);
	arena_fail_at(a, 0);
}

static void
run_related(const struct related_vector *v)
{
	struct dns_source *zone = pump_zone(v->zone);
	struct related_run r;
	char memory[1024];
	struct buf b = buf_wrap(memory, sizeof(memory));

	dmarc_run_open(&r.dmarc, "", v->spf, v->dkim);
	split_domains(&r, v->domains);
	pump_core(r.dmarc.questions, zone, false, ask_related, &r);
	for (const struct dns_question *q =
		 dns_questions_first(r.dmarc.questions);
	     q != NULL; q = q->next) {
		buf_text(&b, b.n > 0 ? " " : "");
		buf_span(&b, span_skip(q->name, strlen("_dmarc.")));
	}
	compare_dmarc_related(v->name, "asked", &b, v->asked);
	/* no more queries are needed, whatever the facts are */
	if (pump_core(r.dmarc.questions, zone, false, find_related, &r) > 0)
		fail_msg("%s: asks again", v->name);
	buf_cut(&b, 0);
	if (r.out.by != NULL) {
		buf_span(&b, r.domains[r.out.domain]);
		buf_text(&b, " by ");
		buf_span(&b, r.out.by->domain);
	}
	compare_dmarc_related(v->name, "related", &b, v->want);
	survives(v->name, &r);
	dmarc_run_close(&r.dmarc);
	zone->close(zone);
}

static void
rfc9989_7_4_related_list_domains(void **state)
{
	static const char org[] = DMARC("example.org", NONE);
	static const struct related_vector vectors[] = {
		{ .name = "the same domain",
		    .domains = "lists.example",
		    .spf = "+lists.example",
		    .want = "lists.example by lists.example" },
		{ .name = "below it, no record anywhere",
		    .domains = "talk.eu.lists.example",
		    .spf = "+lists.example",
		    .want = "talk.eu.lists.example by lists.example" },
		{ .name = "by DKIM",
		    .domains = "talk.lists.example",
		    .spf = "-lists.example",
		    .dkim = "+other.test +lists.example",
		    .want = "talk.lists.example by lists.example" },
		{ .name = "it does not pass",
		    .domains = "talk.lists.example",
		    .spf = "-lists.example",
		    .dkim = "-lists.example ?lists.example" },
		{ .name = "none passes", .domains = "talk.lists.example" },
		{ .name = "domain of another",
		    .domains = "talk.lists.example",
		    .spf = "+attack.example",
		    .dkim = "+attack.test" },
		{ .name = "a suffix that is not a whole label",
		    .domains = "talk.lists.example",
		    .spf = "+ists.example" },
		{ .name = "siblings in one organization",
		    .domains = "talk.lists.example.org",
		    .spf = "+bounces.example.org",
		    .zone = org,
		    .want = "talk.lists.example.org by bounces.example.org",
		    .asked = "talk.lists.example.org lists.example.org"
			     " example.org org bounces.example.org" },
		{ .name = "above it, same organization",
		    .domains = "example.org",
		    .spf = "+bounces.example.org",
		    .zone = org,
		    .want = "example.org by bounces.example.org",
		    .asked = "example.org org bounces.example.org" },
		{ .name = "siblings below a public suffix",
		    .domains = "lists.example.org",
		    .spf = "+attack.example.org",
		    .zone = DMARC("example.org", NONE "; psd=y"),
		    .asked = "lists.example.org example.org org"
			     " attack.example.org" },
		{ .name = "siblings without any record",
		    .domains = "lists.example.org",
		    .spf = "+attack.example.org",
		    .asked = "lists.example.org example.org org"
			     " attack.example.org" },
		{ .name = "only the last label is shared: not asked",
		    .domains = "lists.org",
		    .spf = "+attack.org",
		    .zone = DMARC("org", NONE) },
		{ .name = "a name of one label",
		    .domains = "localhost",
		    .spf = "+attack.localhost" },
		{ .name = "an answer is missing",
		    .domains = "talk.example.org",
		    .spf = "+bounces.example.org",
		    .zone = DMARC("example.org", NONE)
			FAILS("_dmarc.bounces.example.org"),
		    .asked = "talk.example.org example.org org"
			     " bounces.example.org" },
		{ .name = "the second of several domains",
		    .domains = "talk.lists.example list.test",
		    .dkim = "+list.test",
		    .want = "list.test by list.test" },
		{ .name = "the walk is queried before results are known",
		    .domains = "talk.lists.example.org",
		    .spf = "-bounces.example.org",
		    .dkim = "-news.example.org +lists.example.org",
		    .zone = org,
		    .want = "talk.lists.example.org by lists.example.org",
		    .asked = "talk.lists.example.org lists.example.org"
			     " example.org org bounces.example.org"
			     " news.example.org" },
		{ .name = "at most four identifiers are walked",
		    .domains = "talk.lists.example.org",
		    .spf = "-a.example.org",
		    .dkim = "-a.example.org -b.example.org -c.example.org"
			    " -d.example.org +e.example.org",
		    .zone = org,
		    .asked = "talk.lists.example.org lists.example.org"
			     " example.org org a.example.org b.example.org"
			     " c.example.org d.example.org" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct related_vector v = vectors[i];
		const char **text[] = { &v.spf, &v.dkim, &v.zone, &v.want,
			&v.asked };

		for (size_t j = 0; j < ARRAY_SIZE(text); j++)
			if (*text[j] == NULL)
				*text[j] = "";
		run_related(&v);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc9989_7_4_related_list_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
