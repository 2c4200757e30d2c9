/* dkim_test.c - signatures from begin to finish (RFC 6376, 8301, 8463) */
#include "dkim/dkim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "dns/zone.h"
#include "lib/table.h"
#include "tests/support/dkim_run.h"
#include "tests/support/pump.h"
#include "tests/support/sign.h"

/* ---- published examples ---- */

struct example {
	const char *name, *message, *zone;
	int64_t now;
	const char *want;
};

static const struct example examples[] = {
	{ "RFC 6376 appendix A", "tests/messages/rfc6376_a2.eml",
	    "tests/zones/rfc6376.zone", 1057982497, "pass:1024-bit RSA key" },
	{ "RFC 8463 appendix A", "tests/messages/rfc8463_a3.eml",
	    "tests/zones/rfc8463.zone", 1528637909,
	    "pass:256-bit Ed25519 key pass:1024-bit RSA key" },
};

static struct dns_source *
open_zone(const char *path)
{
	char error[200];
	struct dns_source *zone = dns_zone_open(path, error, sizeof(error));

	if (zone == NULL)
		fail_msg("%s", error);
	return zone;
}

static void
expect(struct dkim_run *r, const char *name, const char *want)
{
	char got[8000];

	dkim_run_text(r, true, got, sizeof(got));
	if (strcmp(got, want) != 0)
		fail_msg("%s (cut %zu, step %zu): got %s, want %s", name,
		    r->cut, r->step, got, want);
}

/* The body cut in two at every byte, and into single bytes. */
static void
examples_cut_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(examples); i++) {
		const struct example *e = &examples[i];
		struct span message = dkim_run_file(e->message);
		struct dns_source *zone = open_zone(e->zone);

		for (size_t cut = 0; cut <= 60; cut++) {
			struct dkim_run r = { .now = e->now,
				.cut = cut,
				.step = cut == 0 ? 1 : 0 };

			dkim_run(&r, message, zone);
			expect(&r, e->name, e->want);
			dkim_run_end(&r);
		}
		zone->close(zone);
		free((void *)(uintptr_t)message.p);
	}
}

/* With the arena failing at each allocation: temperror at most, never a pass
 * that is none, and no crash. */
static void
examples_without_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < TABLE_SIZE(examples); i++) {
		const struct example *e = &examples[i];
		struct span message = dkim_run_file(e->message);
		struct dns_source *zone = open_zone(e->zone);
		bool failed = true;

		for (unsigned long at = 1; failed; at++) {
			struct dkim_run r = { .now = e->now, .fail_at = at };

			dkim_run(&r, message, zone);
			failed = r.failed;
			for (size_t k = 0; k < r.n; k++)
				assert_true(r.results[k].code == DKIM_PASS ||
				    r.results[k].code == DKIM_TEMPERROR ||
				    r.results[k].code == DKIM_POLICY);
			if (!failed)
				expect(&r, e->name, e->want);
			dkim_run_end(&r);
			assert_true(at < 500);
		}
		zone->close(zone);
		free((void *)(uintptr_t)message.p);
	}
}

/* One byte changed anywhere in what is signed is no pass. */
static void
examples_changed(void **state)
{
	struct span message = dkim_run_file(examples[1].message);
	struct dns_source *zone = open_zone(examples[1].zone);
	char *p = (char *)(uintptr_t)message.p;
	char *from = strstr(p, "From: Joe");

	(void)state;
	assert_non_null(from);
	for (char *at = from; at < p + message.n; at++) {
		struct dkim_run r = { .now = examples[1].now };
		char was = *at;

		if (strchr(" \t\r\n", was) != NULL)
			continue;
		*at = was == 'x' ? 'y' : 'x';
		dkim_run(&r, message, zone);
		for (size_t k = 0; k < r.n; k++)
			if (r.results[k].code != DKIM_FAIL &&
			    r.results[k].code != DKIM_POLICY)
				fail_msg("byte %td: %s", at - p,
				    dkim_code_name(r.results[k].code));
		dkim_run_end(&r);
		*at = was;
	}
	zone->close(zone);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(examples_cut_everywhere),
		cmocka_unit_test(examples_without_memory),
		cmocka_unit_test(examples_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
