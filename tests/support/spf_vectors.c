#include "tests/support/spf_vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "dns/zone.h"
#include "tests/support/spfcheck.h"

struct dns_source *spf_zone;

int
spf_zone_open(void **state)
{
	char error[256] = "";

	(void)state;
	spf_zone = dns_zone_open("tests/zones/spf.zone", error, sizeof(error));
	if (spf_zone == NULL)
		fprintf(stderr, "%s\n", error);
	return spf_zone != NULL ? 0 : -1;
}

int
spf_zone_close(void **state)
{
	(void)state;
	spf_zone->close(spf_zone);
	return 0;
}

void
spf_vectors_check(const struct spf_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		struct spf_query q = spfcheck_query(v->ip, v->sender, v->helo);
		struct dns_questions *questions =
		    dns_questions_new(SPFCHECK_QUESTIONS);
		struct arena *a = arena_new(SPFCHECK_MEMORY);
		struct spf_result r;

		assert_true(questions != NULL && a != NULL);
		spfcheck_run(&q, spf_zone, false, questions, a, &r);
		if (r.code != v->code)
			fail_msg("%s (%s from %s): got %s, want %s: %.*s",
			    v->what, v->sender != NULL ? v->sender : "HELO",
			    v->ip, spf_code_name(r.code),
			    spf_code_name(v->code), SPAN_FMT(r.reason));
		spfcheck_sane(v->what, &r);
		spfcheck_other_ways(v->what, q, spf_zone, &r);
		spfcheck_without_memory(v->what, &q, spf_zone, v->code);
		arena_free(a);
		dns_questions_free(questions);
	}
}
