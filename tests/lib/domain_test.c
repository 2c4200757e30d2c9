/* domain_test.c - names as text: labels, comparison, A-labels */
#include "lib/domain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/enum_names.h"

enum { ARENA = 65536 };

#define L63 "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"
#define N253                                                                   \
	L63 "." L63 "." L63 "."                                                \
	    "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxy"

static void
kinds_of_name(void **state)
{
	static const struct {
		const char *name;
		bool valid, hostname, fqdn;
	} vectors[] = {
		{ "example.org", true, true, true },
		{ "EXAMPLE.org.", true, true, true },
		{ "_dmarc.example.org", true, true, true },
		{ "a_b.example.org", true, true, true },
		{ "org", true, true, false },
		{ "org.", true, true, false },
		{ "localhost", true, true, false },
		{ "192.0.2.1", true, true, false },
		{ "example.123", true, true, false },
		{ "1.example.1a", true, true, true },
		{ "3com.example", true, true, true },
		{ "-a.example", true, false, false },
		{ "a-.example", true, false, false },
		{ "a--b.example", true, true, true },
		{ "a b.example", true, false, false },
		{ "[192.0.2.1]", true, false, false },
		{ "b\xc3\xbc"
		  "cher.example",
		    true, false, false },
		{ "", false, false, false },
		{ ".", false, false, false },
		{ "..", false, false, false },
		{ "example..org", false, false, false },
		{ ".example.org", false, false, false },
		{ "example.org..", false, false, false },
		{ L63 ".example", true, true, true },
		{ L63 "1.example", false, false, false },
		{ N253, true, true, true },
		{ N253 ".", true, true, true },
		{ N253 "1", false, false, false },
		{ N253 "..", false, false, false },
	};

	(void)state;
	assert_int_equal(strlen(N253), DOMAIN_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span name = span_str(vectors[i].name);

		if (domain_is_valid(name) != vectors[i].valid)
			fail_msg("%s: valid", vectors[i].name);
		if (domain_is_hostname(name) != vectors[i].hostname)
			fail_msg("%s: hostname", vectors[i].name);
		if (domain_is_fqdn(name) != vectors[i].fqdn)
			fail_msg("%s: fqdn", vectors[i].name);
	}
	assert_false(domain_is_valid(SPAN_NONE));
	assert_false(domain_is_hostname(SPAN("a\0.example")));
}

static void
labels(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		const char *last_two, *parent;
	} vectors[] = {
		{ "", 0, "", "" },
		{ ".", 0, "", "" },
		{ "org", 1, "org", "" },
		{ "org.", 1, "org", "" },
		{ "example.org", 2, "example.org", "org" },
		{ "a.example.org.", 3, "example.org", "example.org" },
		{ "b.a.example.org", 4, "example.org", "a.example.org" },
		{ "a..b", 3, ".b", ".b" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span name = span_str(vectors[i].name);

		if (domain_labels(name) != vectors[i].n)
			fail_msg("%s: %zu labels", vectors[i].name,
			    domain_labels(name));
		if (!span_is(domain_suffix(name, 2), vectors[i].last_two))
			fail_msg("%s: suffix %.*s", vectors[i].name,
			    SPAN_FMT(domain_suffix(name, 2)));
		if (!span_is(domain_parent(name), vectors[i].parent))
			fail_msg("%s: parent %.*s", vectors[i].name,
			    SPAN_FMT(domain_parent(name)));
	}
	assert_true(span_is(domain_suffix(SPAN("a.b.c"), 0), ""));
	assert_true(span_is(domain_suffix(SPAN("a.b.c."), 3), "a.b.c"));
	assert_true(span_is(domain_suffix(SPAN("a.b.c"), 127), "a.b.c"));
	assert_int_equal(domain_labels(SPAN_NONE), 0);
	assert_int_equal(domain_suffix(SPAN_NONE, 1).n, 0);
	assert_int_equal(domain_parent(SPAN_NONE).n, 0);
}

static void
registrable_part(void **state)
{
	static const struct {
		const char *name, *want;
	} vectors[] = {
		{ "mail-a.outbound.protection.outlook.com", "outlook.com" },
		{ "mx1.example.co.uk", "example.co.uk" },
		{ "example.co.uk", "example.co.uk" },
		{ "a.b.example.com.au", "example.com.au" },
		{ "out.example.de", "example.de" },
		{ "com.example.de", "example.de" },
		{ "mx.com.de", "mx.com.de" },
		{ "x.co.example", "co.example" },
		{ "example.com", "example.com" },
		{ "co.uk", "co.uk" },
		{ "localhost", "localhost" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span got = domain_registrable(span_str(vectors[i].name));

		if (!span_is(got, vectors[i].want))
			fail_msg("%s: %.*s", vectors[i].name, SPAN_FMT(got));
	}
}

static void
comparison(void **state)
{
	static const struct {
		const char *name, *other;
		bool equal, under;
	} vectors[] = {
		{ "example.org", "EXAMPLE.ORG.", true, true },
		{ "example.org.", "example.org", true, true },
		{ "a.example.org", "Example.org", false, true },
		{ "a.b.example.org.", "example.org.", false, true },
		{ "badexample.org", "example.org", false, false },
		{ "example.org", "a.example.org", false, false },
		{ "example.org", "example.net", false, false },
		{ "org", "example.org", false, false },
		{ "example.org", "", false, false },
		{ "example.org", ".", false, false },
		{ "", "", false, false },
		{ ".", "", false, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span a = span_str(vectors[i].name);
		struct span b = span_str(vectors[i].other);

		if (domain_equal(a, b) != vectors[i].equal ||
		    domain_equal(b, a) != vectors[i].equal)
			fail_msg("%s = %s", vectors[i].name, vectors[i].other);
		if (domain_is_under(a, b) != vectors[i].under)
			fail_msg(
			    "%s under %s", vectors[i].name, vectors[i].other);
	}
	assert_false(domain_equal(SPAN_NONE, SPAN_NONE));
	assert_false(domain_is_under(SPAN("example.org"), SPAN_NONE));
}

static void
rfc8616_normal_form(void **state)
{
	static const struct {
		const char *name, *want;
	} vectors[] = {
		{ "Example.ORG", "example.org" },
		{ "example.org.", "example.org" },
		{ "_DMARC.example.org", "_dmarc.example.org" },
		{ "1.2.0.192.in-addr.arpa", "1.2.0.192.in-addr.arpa" },
		{ "a+b c.example.org", "a+b c.example.org" },
		{ "-.example", "-.example" },
		{ N253 ".", N253 },
		{ "XN--bcher-KVA.example", "xn--bcher-kva.example" },
		{ "xn--not-a-label-.example", "xn--not-a-label-.example" },
		{ "b\xc3\xbc"
		  "cher.example",
		    "xn--bcher-kva.example" },
		{ "B\xc3\x9c"
		  "CHER.Example.",
		    "xn--bcher-kva.example" },
		/* decomposed: u, U+0308 */
		{ "bu\xcc\x88"
		  "cher.example",
		    "xn--bcher-kva.example" },
		{ "_dmarc.b\xc3\xbc"
		  "cher.example",
		    "_dmarc.xn--bcher-kva.example" },
		/* IDNA2008, not 2003: sharp s is a separate letter */
		{ "stra\xc3\x9f"
		  "e.example",
		    "xn--strae-oqa.example" },
		{ "\xe4\xbe\x8b\xe3\x81\x88.\xe3\x83\x86\xe3\x82\xb9\xe3\x83"
		  "\x88",
		    "xn--r8jz45g.xn--zckzah" },
		/* UTS 46 maps U+3002 to a dot and U+FF41 to "a" */
		{ "\xef\xbd\x81\xe3\x80\x82"
		  "example",
		    "a.example" },
		{ "", NULL },
		{ ".", NULL },
		{ "a..b", NULL },
		{ "example.org..", NULL },
		{ ".example.org", NULL },
		{ "a\r\nb.example", NULL },
		{ "a\x7f.example", NULL },
		{ L63 "1.example", NULL },
		{ N253 "1", NULL },
		/* invalid UTF-8: truncated, lone continuation byte, overlong,
		 * surrogate */
		{ "b\xc3.example", NULL },
		{ "b\xbc"
		  "cher.example",
		    NULL },
		{ "b\xff.example", NULL },
		{ "\xc0\xae.example", NULL },
		{ "\xed\xa0\x80.example", NULL },
		/* not valid: a leading combining mark; characters that map to
		 * "/", "@", ";" */
		{ "\xcc\x88"
		  "a.example",
		    NULL },
		{ "\xe2\x84\x80.example", NULL },
		{ "a\xef\xbc\xa0"
		  "b.example",
		    NULL },
		{ "a\xcd\xbe"
		  "b.example",
		    NULL },
		{ "com\xe3\x80\x82", "com" },
		{ "b\xc3\xbc"
		  "cher.example.",
		    "xn--bcher-kva.example" },
		/* the mapping leaves an empty label or two dots */
		{ "com\xe3\x80\x82.", NULL },
		{ "\xc2\xad.example", NULL },
		{ "a.\xe3\x80\x82"
		  "example",
		    NULL },
	};
	struct arena *a = arena_new(ARENA);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct span got = domain_normal(a, span_str(vectors[i].name));

		if (vectors[i].want == NULL ? got.p != NULL
					    : !span_is(got, vectors[i].want))
			fail_msg(
			    "%s: got %.*s", vectors[i].name, SPAN_FMT(got));
		if (got.p != NULL && !span_equal(domain_normal(a, got), got))
			fail_msg("%s: not stable", vectors[i].name);
	}
	assert_null(domain_normal(a, SPAN("a\0b.example")).p);
	assert_null(domain_normal(a, SPAN("\xc3\xbc\0b.example")).p);
	assert_null(domain_normal(a, SPAN_NONE).p);
	assert_false(arena_has_failed(a));
	arena_free(a);
}

/* U-labels of any length: long ones are rejected before libidn2 sees them. */
static void
length_of_unicode(void **state)
{
	struct arena *a = arena_new(ARENA);
	char name[1300];

	(void)state;
	assert_non_null(a);
	for (size_t n = 2; n < sizeof(name); n += 2) {
		memcpy(name + n - 2, "\xc3\xbc", 2);
		struct span got = domain_normal(a, span_of(name, n));

		if (n < 60)
			assert_non_null(got.p);
		assert_true(got.n <= DOMAIN_LABEL_MAX);
		arena_rewind(a);
	}
	arena_free(a);
}

static void
no_room(void **state)
{
	static const char *const names[] = { "example.org",
		"b\xc3\xbc"
		"cher.example" };
	struct arena *a = arena_new(ARENA);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		arena_fail_at(a, 1);
		assert_null(domain_normal(a, span_str(names[i])).p);
		assert_true(arena_has_failed(a));
		arena_rewind(a);
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_name),
		cmocka_unit_test(labels),
		cmocka_unit_test(registrable_part),
		cmocka_unit_test(comparison),
		cmocka_unit_test(rfc8616_normal_form),
		cmocka_unit_test(length_of_unicode),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
