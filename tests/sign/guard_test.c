/* guard_test.c - predictions of what receivers will find in our mail */
#include "sign/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "sign/signer.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign_keys.h"

enum { ARENA = 1 << 20, QUESTIONS = 500 };

static struct test_keys folder;
static struct sign_keys *keys;

static int
set_up(void **state)
{
	(void)state;
	test_keys_begin(&folder);
	test_keys_add(&folder, "example.com", "r1", PRIVATE_KEY_RSA);
	test_keys_add(&folder, "example.org", "r1", PRIVATE_KEY_RSA);
	keys = test_keys_load(&folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	sign_keys_unref(keys);
	test_keys_end(&folder);
	return 0;
}

#define OUTGOING "192.0.2.1"
#define SPF "example.com. IN TXT \"v=spf1 ip4:192.0.2.1 -all\"\n"
#define DMARC "_dmarc.example.com. IN TXT \"v=DMARC1; p=reject\"\n"

struct guard_vector {
	const char *title;
	const char *author, *domain, *sender; /* NULL: example.com */
	const char *outgoing;
	const char *zone;
	bool no_records; /* publish no key records */
	bool by_list;
	const char *want; /* causes, separated by spaces */
	enum guard_dmarc dmarc;
};

static void
put_causes(struct buf *b, const struct guard_finding *g, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i > 0 ? " " : "");
		buf_text(b, g[i].cause);
		assert_true(strlen(g[i].text) > 10);
	}
	assert_false(b->full);
}

static struct guard_facts
facts_of(const struct guard_vector *v)
{
	const char *domain = v->domain != NULL ? v->domain : "example.com";
	struct guard_facts f = {
		.author =
		    span_str(v->author != NULL ? v->author : "example.com"),
		.domain = span_str(domain),
		.sender = span_str(
		    v->sender != NULL ? v->sender : "alice@example.com"),
		.helo = SPAN("mx.example.com"),
		.by_list = v->by_list,
		.now = 1,
	};
	struct sign_key *found[SIGN_KEYS_PER_DOMAIN];

	assert_int_equal(
	    sign_keys_of(keys, f.domain, found, &f.n_keys), SIGN_KEYS_FOUND);
	for (size_t i = 0; i < f.n_keys; i++) {
		f.selectors[i] = span_str(found[i]->selector);
		f.keys[i] = found[i]->key;
	}
	if (v->outgoing != NULL) {
		assert_true(ip_parse(span_str(v->outgoing), &f.outgoing[0]));
		f.n_outgoing = 1;
	}
	return f;
}

static void
expect_findings(const struct guard_vector *v)
{
	struct guard_facts f = facts_of(v);
	struct guard_finding found[GUARD_FINDINGS_MAX];
	struct guard_result r;
	struct arena *a = arena_new(ARENA);
	struct dns_questions *q = dns_questions_new(QUESTIONS);
	char zone_text[40000], causes[400] = "";
	struct buf b = buf_wrap(causes, sizeof(causes));
	struct dns_source *zone;

	snprintf(zone_text, sizeof(zone_text), "%s%s",
	    v->no_records ? "" : folder.zone_text,
	    v->zone != NULL ? v->zone : SPF DMARC);
	zone = pump_zone(zone_text);
	while (guard_check(&f, q, a, &r) == CORE_WAIT)
		pump(q, zone);
	put_causes(&b, found, guard_findings(&f, &r, found));
	if (strcmp(causes, v->want) != 0)
		fail_msg("%s: \"%s\", want \"%s\"", v->title, causes, v->want);
	if (r.dmarc != v->dmarc)
		fail_msg("%s: dmarc %d, want %d", v->title, r.dmarc, v->dmarc);
	zone->close(zone);
	dns_questions_free(q);
	arena_free(a);
}

static void
findings(void **state)
{
	static const struct guard_vector vectors[] = {
		{
		    .title = "no findings",
		    .outgoing = OUTGOING,
		    .want = "",
		    .dmarc = GUARD_DMARC_BOTH,
		},
		{
		    .title = "SPF is not checked without outgoing",
		    .want = "",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "no key record",
		    .outgoing = OUTGOING,
		    .no_records = true,
		    .want = "key_not_published",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "a different key",
		    .outgoing = OUTGOING,
		    .no_records = true,
		    .zone = SPF DMARC
		    "r1._domainkey.example.com. IN TXT \"v=DKIM1; "
		    "k=ed25519; "
		    "p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\"\n",
		    .want = "key_not_published",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "SPF does not allow the address",
		    .outgoing = "192.0.2.2",
		    .want = "spf",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "no SPF record",
		    .outgoing = OUTGOING,
		    .zone = DMARC,
		    .want = "spf",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "MAIL FROM with a different domain",
		    .sender = "bounces@example.org",
		    .outgoing = OUTGOING,
		    .zone =
			"example.org. IN TXT \"v=spf1 ip4:192.0.2.1\"\n" DMARC,
		    .want = "",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "neither SPF nor DKIM",
		    .sender = "bounces@example.org",
		    .outgoing = OUTGOING,
		    .no_records = true,
		    .zone =
			"example.org. IN TXT \"v=spf1 ip4:192.0.2.1\"\n" DMARC,
		    .want = "key_not_published dmarc",
		    .dmarc = GUARD_DMARC_NONE,
		},
		{
		    .title = "RFC 7208 section 2.4: a null sender, by HELO",
		    .sender = "",
		    .outgoing = OUTGOING,
		    .zone = "mx.example.com. IN TXT \"v=spf1 "
			    "ip4:192.0.2.1\"\n" DMARC,
		    .want = "",
		    .dmarc = GUARD_DMARC_BOTH,
		},
		{
		    .title = "a null sender whose HELO has no SPF",
		    .sender = "",
		    .outgoing = OUTGOING,
		    .want = "spf",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "a parent's signature, relaxed",
		    .author = "a.example.com",
		    .sender = "x@a.example.com",
		    .want = "",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "RFC 9989 section 4.4.1: adkim=s",
		    .author = "a.example.com",
		    .sender = "x@a.example.com",
		    .outgoing = OUTGOING,
		    .zone = "a.example.com. IN TXT \"v=spf1 ip4:192.0.2.1\"\n"
			    "_dmarc.a.example.com. IN TXT "
			    "\"v=DMARC1; p=reject; adkim=s\"\n",
		    .want = "strict_alignment",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "adkim=s, the same domain",
		    .zone = "_dmarc.example.com. IN TXT "
			    "\"v=DMARC1; p=reject; adkim=s\"\n",
		    .want = "",
		    .dmarc = GUARD_DMARC_ONE,
		},
		{
		    .title = "list mail is not aligned with its author",
		    .author = "stranger.example",
		    .sender = "list-bounces@example.com",
		    .outgoing = OUTGOING,
		    .zone = SPF "_dmarc.stranger.example. IN TXT "
				"\"v=DMARC1; p=reject; adkim=s\"\n",
		    .by_list = true,
		    .want = "",
		    .dmarc = GUARD_DMARC_NONE,
		},
		{
		    .title = "no DMARC record",
		    .outgoing = OUTGOING,
		    .zone = SPF,
		    .want = "",
		    .dmarc = GUARD_DMARC_UNKNOWN,
		},
		{
		    .title = "no DNS answers: no findings",
		    .outgoing = OUTGOING,
		    .no_records = true,
		    .zone = ";!failed example.com. ANY servfail\n"
			    ";!failed r1._domainkey.example.com. TXT "
			    "timeout\n"
			    ";!failed _dmarc.example.com. TXT timeout\n",
		    .want = "",
		    .dmarc = GUARD_DMARC_UNKNOWN,
		},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		expect_findings(&vectors[i]);
}

static void
flaws(void **state)
{
	struct guard_finding found[GUARD_FINDINGS_MAX];
	char causes[400] = "";
	struct buf b = buf_wrap(causes, sizeof(causes));

	(void)state;
	put_causes(&b, found, guard_flaws(~0u, "Subject", found));
	assert_string_equal(causes,
	    "long_line 8bit no_date no_message_id unsubscribe_post "
	    "duplicate_field");
	assert_int_equal(guard_flaws(0, NULL, found), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(findings),
		cmocka_unit_test(flaws),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
