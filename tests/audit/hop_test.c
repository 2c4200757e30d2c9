/* hop_test.c - Received fields (RFC 5321 section 4.4, RFC 3848) and lines in
 * master files (RFC 1035 section 5.1) */
#include "audit/message/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "audit/change.h"
#include "lib/enum_names.h"

static const struct {
	const char *name, *value;
	const char *client, *helo; /* NULL: not found */
	enum audit_answer tls;
	int64_t when;
} hops[] = {
	{ .name = "Postfix",
	    .value =
		" from out.example.org (out.example.org [192.0.2.1])\r\n"
		"\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
		"bits))\r\n\tby mx.example.net (Postfix) with ESMTPS id ABC\r\n"
		"\tfor <b@example.net>; Fri, 21 Nov 1997 09:55:06 -0600 (CST)",
	    .client = "192.0.2.1",
	    .helo = "out.example.org",
	    .tls = AUDIT_YES,
	    .when = 880127706 },
	{ .name = "Postfix without TLS",
	    .value =
		"from h (unknown [IPv6:2001:db8::1]) by mx with ESMTP id A; "
		"Fri, 21 Nov 1997 09:55:06 -0600",
	    .client = "2001:db8::1",
	    .helo = "h",
	    .tls = AUDIT_NO,
	    .when = 880127706 },
	{ .name = "Exim",
	    .value =
		"from [192.0.2.7] (helo=h.example) by mx with esmtpsa (Exim)",
	    .client = "192.0.2.7",
	    .helo = "[192.0.2.7]",
	    .tls = AUDIT_YES },
	{ .name = "Gmail",
	    .value =
		"from h.example (h.example. [192.0.2.9]) by mx.google.com with "
		"ESMTPS id 1 for <b@x> (version=TLS1_3 cipher=X bits=256/256)",
	    .client = "192.0.2.9",
	    .helo = "h.example",
	    .tls = AUDIT_YES },
	{ .name = "RFC 3848 LMTPS",
	    .value = "from a ([192.0.2.1]) by b with LMTPS",
	    .client = "192.0.2.1",
	    .helo = "a",
	    .tls = AUDIT_YES },
	{ .name = "RFC 6531 UTF8SMTP",
	    .value = "from a ([192.0.2.1]) by b with UTF8SMTP",
	    .client = "192.0.2.1",
	    .helo = "a",
	    .tls = AUDIT_NO },
	{ .name = "submitted on the host",
	    .value = "by mx.example.net (Postfix, from userid 0)"
		     " id 1; Fri, 21 Nov 1997 09:55:06 -0600",
	    .tls = AUDIT_UNKNOWN,
	    .when = 880127706 },
	{ .name = "the address of the receiver is not used for the client",
	    .value = "from a by b ([192.0.2.1]) with HTTP",
	    .helo = "a",
	    .tls = AUDIT_UNKNOWN },
	{ .name = "an unclosed comment",
	    .value = "from a (((([192.0.2.1]",
	    .client = "192.0.2.1",
	    .helo = "a",
	    .tls = AUDIT_UNKNOWN },
	{ .name = "deeply nested comments",
	    .value = "from a ((((((((((((((((((((",
	    .helo = "a",
	    .tls = AUDIT_UNKNOWN },
	{ .name = "empty", .value = "", .tls = AUDIT_UNKNOWN },
};

static void
rfc5321_4_4_hops(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hops); i++) {
		struct audit_hop hop;
		char text[IP_TEXT_MAX];
		struct buf b = buf_wrap(text, sizeof(text));

		audit_hop_read(span_str(hops[i].value), &hop);
		if (hop.client.family != IP_NONE)
			ip_put(&b, &hop.client);
		if (strcmp(text,
			hops[i].client != NULL ? hops[i].client : "") != 0 ||
		    !span_equal(hop.helo, span_str(hops[i].helo)) ||
		    hop.tls != hops[i].tls || hop.when != hops[i].when)
			fail_msg("%s: %s %.*s %d %lld", hops[i].name, text,
			    SPAN_FMT(hop.helo), (int)hop.tls,
			    (long long)hop.when);
	}
}

static void
rfc1035_5_1_lines(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct audit_change *c = audit_change_new(a);
	char text[300];

	(void)state;
	assert_non_null(c);
	memset(text, 'x', sizeof(text));
	audit_change_publish_txt(c, SPAN("a.example"), SPAN("v=\"1\\ \n"));
	audit_change_publish_txt(c, SPAN("a b"), SPAN(""));
	audit_change_publish_txt(
	    c, SPAN("a.example"), span_of(text, sizeof(text)));
	audit_change_remove(c, SPAN("a.example"), "MX", SPAN("10 b."));
	assert_int_equal(c->n_publish, 3);
	assert_true(span_is(
	    c->publish[0], "a.example. IN TXT \"v=\\0341\\092 \\010\""));
	assert_true(span_is(c->publish[1], "a\\032b. IN TXT \"\""));
	assert_int_equal(c->publish[2].n,
	    strlen("a.example. IN TXT ") + sizeof(text) + strlen("\"\" \"\""));
	assert_int_equal(c->n_remove, 1);
	assert_true(span_is(c->remove[0], "a.example. IN MX 10 b."));
	for (size_t i = 0; i < 2 * AUDIT_CHANGES_MAX; i++)
		audit_change_remove(c, SPAN("a.example"), "A", SPAN("b"));
	assert_int_equal(c->n_remove, AUDIT_CHANGES_MAX);
	audit_change_remove(NULL, SPAN("a.example"), "A", SPAN("b"));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5321_4_4_hops),
		cmocka_unit_test(rfc1035_5_1_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
