/* dkim_explain_test.c - tests explanations of DKIM results */
#include "audit/dkim_explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/dkim_run.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"

enum { ARENA = 1 << 20, QUESTIONS = 10 };

#define HEADER                                                                 \
	"From: Ann  <ann@example.com>\r\n"                                     \
	"To: bob@example.net\r\n"                                              \
	"Subject: one\r\n"
#define BODY "Hi.\r\n\r\nWe lost  the game. \r\n\r\n"
#define V1 "v=1; a=rsa-sha256; d=example.com; s=sel; "
#define RELAXED V1 "c=relaxed/relaxed; h=From:To:Cc:subject"

/* ---- signatures ---- */

struct explained {
	struct dkim_run run;
	struct dns_source *zone;
	struct arena *a;
	char *message;
	bool good;
	struct explain_signature e;
};

/* Takes ownership of `message`. */
static void
explain(struct explained *x, char *message)
{
	x->message = message;
	x->zone = dkim_run_zone(sign_rsa(1024, 0), "");
	x->run = (struct dkim_run){ .cut = 0 };
	dkim_run(&x->run, span_str(message), x->zone);
	x->a = arena_new(ARENA);
	x->good = dkim_explain(x->run.dkim, 0, x->a, &x->e);
}

static void
explain_end(struct explained *x)
{
	arena_free(x->a);
	dkim_run_end(&x->run);
	x->zone->close(x->zone);
	free(x->message);
}

static char *
signed_by(const char *tags)
{
	return sign_message(sign_rsa(1024, 0), tags, HEADER, BODY);
}

static void
canonical_header(void **state)
{
	struct explained x;
	const char *want = "from:Ann <ann@example.com>\r\n"
			   "to:bob@example.net\r\n"
			   "subject:one\r\n"
			   "dkim-signature:" RELAXED "; bh=";

	(void)state;
	explain(&x, signed_by(RELAXED));
	assert_true(x.good);
	assert_true(
	    span_equal(span_first(x.e.header, strlen(want)), span_str(want)));
	assert_true(span_ends_nocase(x.e.header, "; b="));
	assert_true(span_is(x.e.key_name, "sel._domainkey.example.com"));
	assert_int_equal(x.e.keys->n, 1);
	assert_int_equal(x.e.body_length, 26);
	assert_int_equal(x.e.signed_length, 26);
	assert_memory_equal(x.e.body_hash, x.e.sig->bh.p, 32);
	assert_int_equal(x.e.n_names, 4);
	assert_int_equal(x.e.names[0].field, 1);
	assert_true(x.e.names[2].field == EXPLAIN_NO_FIELD);
	assert_int_equal(x.e.names[3].field, 3);

	/* header_hash must be the hash of these bytes */
	struct crypto_hash *h = crypto_hash_new();
	uint8_t hash[CRYPTO_HASH_SIZE];

	crypto_hash_add(h, x.e.header);
	assert_true(crypto_hash_snapshot(h, hash));
	assert_memory_equal(hash, x.e.header_hash, sizeof(hash));
	crypto_hash_free(h);
	explain_end(&x);
}

static void
signature_without_check(void **state)
{
	struct explained x;

	(void)state;
	explain(&x, signed_by(V1 "h=to"));
	assert_false(x.good);
	assert_true(span_is(x.run.results[0].reason, "From is not signed"));
	explain_end(&x);
}

/* z= (RFC 6376 section 3.5) shows which field was changed. */
static void
copies_tell_what_was_changed(void **state)
{
	static const char tags[] =
	    RELAXED "; z=From:Ann=20<ann@example.com>|To:=20bob@\r\n "
		    "example.net|Cc:c|Subject:two";
	struct explained x;

	(void)state;
	explain(&x,
	    sign_change(signed_by(tags), "bob@example.net\r\nS",
		"eve@example.net\r\nS"));
	assert_true(x.good);
	assert_false(x.e.names[0].is_changed);
	assert_true(x.e.names[1].is_changed);
	assert_true(x.e.names[2].is_changed);
	assert_true(x.e.names[3].is_changed);
	explain_end(&x);
	explain(&x, signed_by(RELAXED));
	for (size_t i = 0; i < x.e.n_names; i++)
		assert_false(x.e.names[i].is_changed);
	explain_end(&x);
}

static void
dkim_explain_without_memory(void **state)
{
	struct explained x;
	bool good = false;

	(void)state;
	explain(&x, signed_by(RELAXED "; z=From:x|To:y"));
	for (unsigned long at = 1; !good; at++) {
		arena_rewind(x.a);
		arena_fail_at(x.a, at);
		good = dkim_explain(x.run.dkim, 0, x.a, &x.e);
		assert_true(good == !arena_has_failed(x.a));
		assert_true(at < 100);
	}
	explain_end(&x);
}

/* ---- bodies ---- */

struct dkim_explain_body_vector {
	const char *name, *tags, *body;
	enum explain_body_code code;
	uint64_t length, appended;
	size_t lines;
};

static const struct dkim_explain_body_vector vectors[] = {
	{ .name = "the same",
	    .tags = RELAXED,
	    .body = BODY,
	    .code = BODY_SAME,
	    .length = 26,
	    .lines = 3 },
	{ .name = "the same except for white space",
	    .tags = RELAXED,
	    .body = "Hi.  \r\n\r\nWe lost the game.",
	    .code = BODY_SAME,
	    .length = 26,
	    .lines = 3 },
	{ .name = "a footer",
	    .tags = RELAXED,
	    .body = BODY "--\r\nthe list\r\n",
	    .code = BODY_APPENDED,
	    .length = 26,
	    .appended = 16,
	    .lines = 3 },
	{ .name = "a footer under simple",
	    .tags = V1 "h=from",
	    .body = BODY "--\r\nthe list\r\n",
	    .code = BODY_APPENDED,
	    .length = 28,
	    .appended = 16,
	    .lines = 3 },
	{ .name = "white space reduced in transit",
	    .tags = V1 "h=from",
	    .body = "Hi.\r\n\r\nWe lost the game.\r\n",
	    .code = BODY_UNKNOWN,
	    .length = 26,
	    .lines = 3 },
	{ .name = "the first line changed",
	    .tags = RELAXED,
	    .body = "Ho.\r\n\r\nWe lost the game.\r\n",
	    .code = BODY_UNKNOWN,
	    .length = 26,
	    .lines = 3 },
	{ .name = "cut short",
	    .tags = RELAXED,
	    .body = "Hi.\r\n",
	    .code = BODY_UNKNOWN,
	    .length = 5,
	    .lines = 1 },
	{ .name = "all removed",
	    .tags = RELAXED,
	    .body = "",
	    .code = BODY_UNKNOWN },
	{ .name = "l= and a footer",
	    .tags = RELAXED "; l=10",
	    .body = BODY "x\r\n",
	    .code = BODY_SAME,
	    .length = 31,
	    .lines = 5 },
};

static void
where_a_body_was_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct dkim_explain_body_vector *v = &vectors[i];
		struct explained x;
		struct explain_body e;

		explain(&x, signed_by(v->tags));
		assert_true(x.good);
		dkim_explain_body(x.e.sig, span_str(v->body), &e);
		if (e.code != v->code || e.length != v->length ||
		    e.appended != v->appended || e.lines != v->lines)
			fail_msg("%s: code %d, %llu + %llu bytes, %zu lines",
			    v->name, (int)e.code, (unsigned long long)e.length,
			    (unsigned long long)e.appended, e.lines);
		explain_end(&x);
	}
}

/* c= names one canonicalization, but the signer used the other one. */
static void
other_canonicalization(void **state)
{
	struct explained x, y;
	struct explain_body e;
	struct signature sig;

	(void)state;
	explain(&x, signed_by(RELAXED));
	explain(&y, signed_by(V1 "h=from"));
	sig = *y.e.sig;
	sig.bh = x.e.sig->bh;
	dkim_explain_body(&sig, SPAN(BODY), &e);
	assert_int_equal(e.code, BODY_OTHER);
	assert_int_equal(e.length, 26);
	explain_end(&x);
	explain_end(&y);
}

/* ---- keys ---- */

static void
judge(const char *zone_text, const char *selector, const char *domain,
    struct arena *a, struct explain_key *out, struct dns_questions **questions)
{
	struct dns_source *zone = pump_zone(zone_text);
	struct dkim_options options = { .min_rsa_bits = 0 };

	dkim_run_complete(&options);
	*questions = dns_questions_new(QUESTIONS);
	while (dkim_explain_key(span_str(selector), span_str(domain), &options,
		   *questions, a, out) == CORE_WAIT)
		pump(*questions, zone);
	zone->close(zone);
}

struct dkim_explain_key_vector {
	const char *name, *zone;
	bool is_good;
	const char *verdict;
	const char *advice; /* one of the advice texts; NULL: no advice */
};

#define AT "s._domainkey.example.com. IN TXT "
#define ED                                                                     \
	"\"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define ED_ADVICE                                                              \
	"sign with RSA as well: some verifiers do not support Ed25519 (RFC "   \
	"8463 section 6)"

static const struct dkim_explain_key_vector key_vectors[] = {
	{ .name = "good",
	    .zone = AT ED "\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = ED_ADVICE },
	{ .name = "testing",
	    .zone = AT ED "; t=y\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = "t=y: the domain says that it is only testing" },
	{ .name = "unknown tag",
	    .zone = AT ED "; zz=1\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = "an unknown tag is ignored" },
	{ .name = "obsolete tag",
	    .zone = AT ED "; g=*\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = "remove g=: it is obsolete and has no effect" },
	{ .name = "for email",
	    .zone = AT ED "; s=email\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = "s= limits the services that may use the key" },
	{ .name = "revoked",
	    .zone = AT "\"v=DKIM1; p=\"\n",
	    .verdict = "the key is revoked" },
	{ .name = "no version",
	    .zone = AT "\"p=\"\n",
	    .verdict = "the key is revoked",
	    .advice =
		"add v=DKIM1: some verifiers ignore a key record without it" },
	{ .name = "not a key",
	    .zone = AT "\"v=spf1 -all\"\n",
	    .verdict = "v= of the key record is not DKIM1" },
	{ .name = "two, the second good",
	    .zone = AT "\"v=spf1 -all\"\n" AT ED "\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = "publish only one TXT record for a selector" },
	{ .name = "a key behind nine other records",
	    .zone = AT "\"a=1\"\n" AT "\"a=2\"\n" AT "\"a=3\"\n" AT
		       "\"a=4\"\n" AT "\"a=5\"\n" AT "\"a=6\"\n" AT
		       "\"a=7\"\n" AT "\"a=8\"\n" AT "\"a=9\"\n" AT ED "\"\n",
	    .is_good = true,
	    .verdict = "a good key",
	    .advice = ED_ADVICE },
	{ .name = "sha1 only",
	    .zone = AT ED "; h=sha1\"\n",
	    .verdict = "the key does not allow SHA-256",
	    .advice = ED_ADVICE },
	{ .name = "no such name",
	    .zone = "x. IN A 192.0.2.1\n",
	    .verdict = "no key record" },
	{ .name = "no such type",
	    .zone = "s._domainkey.example.com. IN A 192.0.2.1\n",
	    .verdict = "no key record" },
	{ .name = "no answer",
	    .zone = ";!failed s._domainkey.example.com TXT timeout\n",
	    .verdict = "the DNS query failed" },
};

static void
keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(key_vectors); i++) {
		const struct dkim_explain_key_vector *v = &key_vectors[i];
		struct arena *a = arena_new(ARENA);
		struct explain_key e;
		struct dns_questions *questions;
		bool advised = v->advice == NULL;

		judge(v->zone, "S", "Example.com.", a, &e, &questions);
		if (e.is_good != v->is_good || !span_is(e.verdict, v->verdict))
			fail_msg("%s: %s, %.*s", v->name,
			    e.is_good ? "good" : "bad", SPAN_FMT(e.verdict));
		for (size_t k = 0; k < e.n_records; k++)
			for (size_t n = 0; n < e.records[k].n_advice; n++)
				if (v->advice == NULL)
					fail_msg("%s: %s", v->name,
					    e.records[k].advice[n]);
				else if (strcmp(e.records[k].advice[n],
					     v->advice) == 0)
					advised = true;
		if (!advised)
			fail_msg("%s: not advised \"%s\"", v->name, v->advice);
		dns_questions_free(questions);
		arena_free(a);
	}
}

static void
rsa_keys(void **state)
{
	static const unsigned sizes[] = { 512, 1024, 2048 };
	static const char *const verdicts[] = {
		"RSA key of 512 bits, fewer than 1024", "a good key",
		"a good key"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *record = sign_record(sign_rsa(sizes[i], 0));
		char *line = sign_zone_line("s._domainkey.example.com", record);
		struct arena *a = arena_new(ARENA);
		struct explain_key e;
		struct dns_questions *questions;

		judge(line, "s", "example.com", a, &e, &questions);
		assert_true(span_is(e.verdict, verdicts[i]));
		assert_int_equal(e.n_records, 1);
		assert_int_equal(e.records[0].key.bits, sizes[i]);
		assert_true(span_is(e.records[0].text, record));
		assert_int_equal(
		    e.records[0].strings, (strlen(record) + 199) / 200);
		assert_int_equal(
		    e.records[0].n_advice, sizes[i] == 1024 ? 1 : 0);
		assert_null(e.records[0].key.crypto);
		dns_questions_free(questions);
		arena_free(a);
		free(line);
		free(record);
	}
}

static void
key_behind_an_alias(void **state)
{
	struct arena *a = arena_new(ARENA);
	struct explain_key e;
	struct dns_questions *questions;

	(void)state;
	judge("s._domainkey.example.com. IN CNAME k.example.net.\n"
	      "k.example.net. IN TXT " ED "\"\n",
	    "s", "example.com", a, &e, &questions);
	assert_true(e.is_good);
	assert_true(span_is(e.alias, "k.example.net"));
	assert_true(span_is(e.name, "s._domainkey.example.com"));
	dns_questions_free(questions);
	arena_free(a);
}

static void
names_that_are_none(void **state)
{
	static const struct {
		const char *selector, *domain;
	} names[] = { { "", "example.com" }, { "s", "" },
		{ "a b", "x.example" }, { "s", "-.example" },
		{ "s", "ex\xff.com" } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct arena *a = arena_new(ARENA);
		struct explain_key e;
		struct dns_questions *questions;

		judge(
		    "", names[i].selector, names[i].domain, a, &e, &questions);
		assert_false(e.is_good);
		assert_true(span_is(e.verdict,
		    "selector or domain is not a valid domain name"));
		dns_questions_free(questions);
		arena_free(a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_header),
		cmocka_unit_test(signature_without_check),
		cmocka_unit_test(copies_tell_what_was_changed),
		cmocka_unit_test(dkim_explain_without_memory),
		cmocka_unit_test(where_a_body_was_changed),
		cmocka_unit_test(other_canonicalization),
		cmocka_unit_test(keys),
		cmocka_unit_test(rsa_keys),
		cmocka_unit_test(key_behind_an_alias),
		cmocka_unit_test(names_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, sign_teardown);
}
