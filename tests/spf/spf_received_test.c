/* spf_received_test.c - the Received-SPF field: RFC 7208 section 9.1 */
#include "spf/received.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/enum_names.h"

enum { MEMORY = 1 << 16, LINE_MAX_BYTES = 998 };

static struct spf_query
query(enum spf_identity identity, const char *sender, const char *ip)
{
	struct spf_query q = {
		.identity = identity,
		.helo = SPAN("foo.example.com"),
		.sender = span_str(sender),
		.receiver = SPAN("mybox.example.org"),
	};

	assert_true(ip_parse(span_str(ip), &q.ip));
	return q;
}

static void
puts_out(
    const struct spf_result *r, const struct spf_query *q, const char *want)
{
	struct arena *a = arena_new(MEMORY);
	struct span got;

	assert_non_null(a);
	got = spf_received(r, q, a);
	if (!span_is(got, want))
		fail_msg("got %.*s", SPAN_FMT(got));
	arena_rewind(a);
	arena_fail_at(a, 1);
	assert_null(spf_received(r, q, a).p);
	arena_free(a);
}

static void
rfc7208_9_1_fields(void **state)
{
	struct spf_query q =
	    query(SPF_IDENTITY_MAILFROM, "myname@example.com", "192.0.2.1");
	struct spf_result r = {
		.code = SPF_PASS,
		.identity = SPF_IDENTITY_MAILFROM,
		.domain = SPAN("example.com"),
		.mechanism = SPAN("ip4:192.0.2.1"),
		.reason = SPAN("why"),
	};

	(void)state;
	puts_out(&r, &q,
	    "pass (mybox.example.org:\n\tdomain of myname@example.com "
	    "designates 192.0.2.1 as permitted sender)\n"
	    "\tclient-ip=192.0.2.1;\n"
	    "\tenvelope-from=\"myname@example.com\";\n"
	    "\thelo=foo.example.com;\n"
	    "\treceiver=mybox.example.org;\n"
	    "\tidentity=mailfrom;\n"
	    "\tmechanism=\"ip4:192.0.2.1\";");
	r.code = SPF_TEMPERROR;
	r.mechanism = SPAN_NONE;
	q.receiver = SPAN_NONE;
	q.sender = SPAN("");
	puts_out(&r, &q,
	    "temperror (unknown:\n\tdomain of postmaster@foo.example.com "
	    "could not be checked for 192.0.2.1)\n"
	    "\tclient-ip=192.0.2.1;\n"
	    "\tenvelope-from=\"\";\n"
	    "\thelo=foo.example.com;\n"
	    "\tidentity=mailfrom;\n"
	    "\tproblem=why;");
}

static void
rfc7208_9_1_helo_and_default(void **state)
{
	struct spf_query q =
	    query(SPF_IDENTITY_HELO, "a@b.example", "2001:db8::1");
	struct spf_result r = {
		.code = SPF_NEUTRAL,
		.identity = SPF_IDENTITY_HELO,
		.reason = SPAN("why"),
	};

	(void)state;
	puts_out(&r, &q,
	    "neutral (mybox.example.org:\n\tdomain of "
	    "postmaster@foo.example.com neither permits nor denies "
	    "2001:db8::1)\n"
	    "\tclient-ip=\"2001:db8::1\";\n"
	    "\thelo=foo.example.com;\n"
	    "\treceiver=mybox.example.org;\n"
	    "\tidentity=helo;\n"
	    "\tmechanism=default;");
}

/* A sender cannot insert strings that programs search for: SpamAssassin uses
 * the last "identity=", and other programs split the field at ";". */
static void
rfc7208_9_1_nothing_can_be_smuggled_in(void **state)
{
	struct spf_query q = query(SPF_IDENTITY_MAILFROM,
	    "\"; identity=helo; x=\"@b.example", "192.0.2.1");
	struct spf_result r = {
		.code = SPF_PERMERROR,
		.identity = SPF_IDENTITY_MAILFROM,
		.domain = SPAN("b.example"),
		.mechanism = SPAN("exists:x;identity=helo;(y)\"\\.b.example"),
		.reason = SPAN("no such mechanism at a;identity=helo"),
	};

	(void)state;
	q.helo = SPAN("a;identity=helo");
	q.receiver = SPAN("mx");
	puts_out(&r, &q,
	    "permerror (mx:\n\tdomain of b.example "
	    "could not be checked for 192.0.2.1)\n"
	    "\tclient-ip=192.0.2.1;\n"
	    "\tenvelope-from=b.example;\n"
	    "\thelo=\"a,identity helo\";\n"
	    "\treceiver=mx;\n"
	    "\tidentity=mailfrom;\n"
	    "\tmechanism=\"exists:x,identity helo,[y]'/.b.example\";\n"
	    "\tproblem=\"no such mechanism at a,identity helo\";");
	q.sender = SPAN("bounce+joe=c.example@b.example");
	q.helo = SPAN("a=b");
	r.code = SPF_PASS;
	r.mechanism = SPAN("all");
	puts_out(&r, &q,
	    "pass (mx:\n\tdomain of b.example "
	    "designates 192.0.2.1 as permitted sender)\n"
	    "\tclient-ip=192.0.2.1;\n"
	    "\tenvelope-from=b.example;\n"
	    "\thelo=\"a b\";\n"
	    "\treceiver=mx;\n"
	    "\tidentity=mailfrom;\n"
	    "\tmechanism=all;");
}

/* ---- untrusted strings stay within their quotes ---- */

static bool
takes_comment(struct scan *s)
{
	unsigned depth = 0;

	do {
		int c = scan_next(s);

		if (c == '\\')
			c = scan_next(s) < 0 ? -1 : ' ';
		if (c < 0)
			return false;
		depth += c == '(';
		depth -= c == ')';
	} while (depth > 0);
	return true;
}

static bool
takes_quoted(struct scan *s)
{
	for (int c = scan_next(s); c == '"';) {
		while ((c = scan_next(s)) != '"')
			if (c < 0 || (c == '\\' && scan_next(s) < 0))
				return false;
		return true;
	}
	return false;
}

static bool
is_key(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-';
}

static bool
is_atom(unsigned char c)
{
	return c < 0x80 && (c == '.' || ascii_is_atext(c));
}

static bool
takes_pair(struct scan *s)
{
	if (scan_while(s, is_key).n == 0 || !scan_byte(s, '='))
		return false;
	if (scan_peek(s) == '"' ? !takes_quoted(s)
				: scan_while(s, is_atom).n == 0)
		return false;
	return scan_byte(s, ';');
}

/* Whether `value` follows the grammar of section 9.1, with FWS where we write
 * it. */
static bool
is_field(struct span value, unsigned pairs)
{
	struct scan s = scan_of(value);

	if (scan_while(&s, ascii_is_alpha).n == 0 || !scan_fws(&s) ||
	    !takes_comment(&s))
		return false;
	for (; pairs > 0; pairs--)
		if (!scan_fws(&s) || !takes_pair(&s))
			return false;
	return scan_done(&s);
}

static bool
has_short_lines(struct span value)
{
	for (struct span line; value.n > 0;
	     value = span_skip(value, line.n + 1)) {
		line = span_first(value, span_index(value, '\n'));
		if (line.n > LINE_MAX_BYTES)
			return false;
		for (size_t i = 0; i < line.n; i++)
			if (!ascii_is_print((unsigned char)line.p[i]) &&
			    !(i == 0 && line.p[i] == '\t'))
				return false;
	}
	return true;
}

static void
rfc7208_9_1_malicious_data(void **state)
{
	static char every[256], quotes[1000], escapes[1000], atom[1000];
	const struct span texts[] = { SPAN(""), SPAN("("), SPAN(")"),
		SPAN("\\"), SPAN("\""), SPAN("a\";x=\"b"),
		SPAN("a\r\nX-Evil: yes"), SPAN("a) x=y; (b"), SPAN("a\\"),
		SPAN("."), SPAN("a..b"), SPAN("a."), SPAN("\xc3\xa9@x"),
		SPAN("x\0y"), span_of(every, sizeof(every)),
		span_of(quotes, sizeof(quotes)),
		span_of(escapes, sizeof(escapes)),
		span_of(atom, sizeof(atom)) };
	struct arena *a = arena_new(MEMORY);

	(void)state;
	assert_non_null(a);
	for (size_t i = 0; i < sizeof(every); i++)
		every[i] = (char)i;
	memset(quotes, '"', sizeof(quotes));
	memset(escapes, '\\', sizeof(escapes));
	memset(atom, 'a', sizeof(atom));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct spf_query q = query(SPF_IDENTITY_MAILFROM, "x@y",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
		struct spf_result r = {
			.code = SPF_PERMERROR,
			.identity = SPF_IDENTITY_MAILFROM,
			.mechanism = texts[i],
			.reason = texts[i],
		};
		struct span value;

		q.sender = q.helo = q.receiver = texts[i];
		arena_rewind(a);
		value = spf_received(&r, &q, a);
		assert_true(value.n < SPF_RECEIVED_MAX);
		if (!has_short_lines(value) ||
		    !is_field(value, texts[i].n > 0 ? 7 : 5))
			fail_msg("%zu: %.*s", i, SPAN_FMT(value));
	}
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7208_9_1_fields),
		cmocka_unit_test(rfc7208_9_1_helo_and_default),
		cmocka_unit_test(rfc7208_9_1_nothing_can_be_smuggled_in),
		cmocka_unit_test(rfc7208_9_1_malicious_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
