/* spf_appendix_test.c - the published examples of RFC 7208: appendix A,
 * sections 3.5, 5.5, 10.1.1 and 10.1.2, appendices C and D */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/core_driver.h"
#include "tests/support/spfcheck.h"

static const char hosts[] = "$TTL 300\n"
			    "$ORIGIN example.com.\n"
			    "@ MX 10 mail-a\n"
			    "@ MX 20 mail-b\n"
			    "@ A 192.0.2.10\n"
			    "@ A 192.0.2.11\n"
			    "amy A 192.0.2.65\n"
			    "bob A 192.0.2.66\n"
			    "mail-a A 192.0.2.129\n"
			    "mail-b A 192.0.2.130\n"
			    "www CNAME example.com.\n"
			    "$ORIGIN example.org.\n"
			    "@ MX 10 mail-c\n"
			    "mail-c A 192.0.2.140\n"
			    "$ORIGIN 2.0.192.in-addr.arpa.\n"
			    "10 PTR example.com.\n"
			    "11 PTR example.com.\n"
			    "65 PTR amy.example.com.\n"
			    "66 PTR bob.example.com.\n"
			    "129 PTR mail-a.example.com.\n"
			    "130 PTR mail-b.example.com.\n"
			    "140 PTR mail-c.example.org.\n"
			    "$ORIGIN 0.0.10.in-addr.arpa.\n"
			    "4 PTR bob.example.com.\n";

struct spf_appendix_vector {
	const char *zone;   /* added to the hosts */
	const char *pass;   /* addresses that pass, separated by spaces */
	const char *fail;   /* addresses that fail */
	const char *sender; /* NULL: user@example.com */
};

static void
one(struct dns_source *zone, const struct spf_appendix_vector *v,
    struct span ip, enum spf_code want)
{
	char text[64];
	struct buf b = buf_wrap(text, sizeof(text));
	struct dns_questions *questions = dns_questions_new(SPFCHECK_QUESTIONS);
	struct arena *a = arena_new(SPFCHECK_MEMORY);
	struct spf_query q;
	struct spf_result r;

	buf_span(&b, ip);
	q = spfcheck_query(
	    text, v->sender != NULL ? v->sender : "user@example.com", NULL);
	assert_true(questions != NULL && a != NULL);
	spfcheck_run(&q, zone, false, questions, a, &r);
	if (r.code != want)
		fail_msg("%s: %s gets %s: %.*s", v->zone, text,
		    spf_code_name(r.code), SPAN_FMT(r.reason));
	spfcheck_sane(v->zone, &r);
	spfcheck_other_ways(v->zone, q, zone, &r);
	spfcheck_without_memory(v->zone, &q, zone, r.code);
	arena_free(a);
	dns_questions_free(questions);
}

static void
each(struct dns_source *zone, const struct spf_appendix_vector *v,
    const char *addresses, enum spf_code want)
{
	struct span rest = span_str(addresses);

	while (rest.n > 0) {
		struct span ip = span_first(rest, span_index(rest, ' '));

		one(zone, v, ip, want);
		rest = span_skip(rest, ip.n + 1);
	}
}

static void
put_spf_appendix(const struct spf_appendix_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		char text[4096];
		struct buf b = buf_wrap(text, sizeof(text));
		struct dns_source *zone;

		buf_text(&b, hosts);
		buf_text(&b, "$ORIGIN .\n");
		buf_text(&b, v->zone);
		assert_false(b.full);
		zone = pump_zone(text);
		each(zone, v, v->pass, SPF_PASS);
		each(zone, v, v->fail, SPF_FAIL);
		zone->close(zone);
	}
}

#define GIVE(vectors) put_spf_appendix(vectors, ARRAY_SIZE(vectors))
#define COM(record) "example.com. TXT \"" record "\"\n"
#define MAILS "192.0.2.129 192.0.2.130"

static void
rfc7208_a_1(void **state)
{
	static const struct spf_appendix_vector vectors[] = {
		{ COM("v=spf1 +all"), "192.0.2.1 2001:db8::1", "", NULL },
		{ COM("v=spf1 a -all"), "192.0.2.10 192.0.2.11",
		    "192.0.2.12 192.0.2.65 2001:db8::1", NULL },
		{ COM("v=spf1 a:example.org -all"), "",
		    "192.0.2.10 192.0.2.140", NULL },
		{ COM("v=spf1 mx -all"), MAILS, "192.0.2.10 192.0.2.140",
		    NULL },
		{ COM("v=spf1 mx:example.org -all"), "192.0.2.140", MAILS,
		    NULL },
		{ COM("v=spf1 mx mx:example.org -all"), MAILS " 192.0.2.140",
		    "192.0.2.10 192.0.2.131", NULL },
		{ COM("v=spf1 mx/30 mx:example.org/30 -all"),
		    "192.0.2.128 192.0.2.131 192.0.2.140 192.0.2.143",
		    "192.0.2.127 192.0.2.132 192.0.2.139 192.0.2.144", NULL },
		{ COM("v=spf1 ptr -all"), "192.0.2.65", "192.0.2.140 10.0.0.4",
		    NULL },
		{ COM("v=spf1 ip4:192.0.2.128/28 -all"), "192.0.2.129",
		    "192.0.2.65", NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_a_2(void **state)
{
	static const char *const senders[] = { "user@example.org",
		"user@la.example.org", "user@ny.example.org",
		"user@sf.example.org" };
	struct spf_appendix_vector v = {
		.zone = COM("v=spf1 mx -all") "example.net. TXT \"v=spf1 "
					      "ip4:203.0.113.0/24 -all\"\n"
					      "example.org. TXT \"v=spf1 "
					      "include:example.com "
					      "include:example.net -all\"\n"
					      "la.example.org. TXT \"v=spf1 "
					      "redirect=example.org\"\n"
					      "ny.example.org. TXT \"v=spf1 "
					      "redirect=example.org\"\n"
					      "sf.example.org. TXT \"v=spf1 "
					      "redirect=example.org\"\n",
		.pass = MAILS " 203.0.113.9",
		.fail = "192.0.2.10 192.0.2.140",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(senders); i++) {
		v.sender = senders[i];
		put_spf_appendix(&v, 1);
	}
}

#define USERS                                                                  \
	COM("v=spf1 mx include:mobile-users._spf.%{d} "                        \
	    "include:remote-users._spf.%{d} -all")                             \
	"mobile-users._spf.example.com. TXT \"v=spf1 exists:%{l1r+}.%{d}\"\n"  \
	"remote-users._spf.example.com. TXT "                                  \
	"\"v=spf1 exists:%{ir}.%{l1r+}.%{d}\"\n"                               \
	"mary.mobile-users._spf.example.com. A 127.0.0.2\n"                    \
	"fred.mobile-users._spf.example.com. A 127.0.0.2\n"                    \
	"15.15.168.192.joel.remote-users._spf.example.com. A 127.0.0.2\n"      \
	"16.15.168.192.joel.remote-users._spf.example.com. A 127.0.0.2\n"

static void
rfc7208_a_3(void **state)
{
	static const struct spf_appendix_vector vectors[] = {
		{ USERS, "203.0.113.1 192.0.2.129", "", "mary@example.com" },
		{ USERS, "203.0.113.1", "", "Fred+list@example.com" },
		{ USERS, "192.168.15.15 192.168.15.16 192.0.2.130",
		    "192.168.15.17 203.0.113.1", "joel@example.com" },
		{ USERS, "192.0.2.129", "192.168.15.15", "ann@example.com" },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_a_4(void **state)
{
	static const struct spf_appendix_vector vectors[] = {
		{ COM("v=spf1 -include:ip4._spf.%{d} -include:ptr._spf.%{d} "
		      "+all") "ip4._spf.example.com. TXT "
			      "\"v=spf1 -ip4:192.0.2.0/24 +all\"\n"
			      "ptr._spf.example.com. TXT "
			      "\"v=spf1 -ptr:example.com +all\"\n",
		    "192.0.2.65 192.0.2.129", "192.0.2.140 10.0.0.4", NULL },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_3_5_wildcards(void **state)
{
	static const char zone[] =
	    "*.example.com. TXT \"v=spf1 a:amy.example.com -all\"\n"
	    "amy.example.com. TXT \"v=spf1 a:amy.example.com -all\"\n"
	    "*.amy.example.com. TXT \"v=spf1 a:amy.example.com -all\"\n";
	static const struct spf_appendix_vector vectors[] = {
		{ zone, "192.0.2.65", "192.0.2.66", "a@x.example.com" },
		{ zone, "192.0.2.65", "192.0.2.66", "a@amy.example.com" },
		{ zone, "192.0.2.65", "192.0.2.66", "a@y.x.amy.example.com" },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_10_1_records(void **state)
{
	static const struct spf_appendix_vector vectors[] = {
		{ COM("v=spf1 ip4:192.0.2.129 ip4:192.0.2.130 -all"), MAILS,
		    "192.0.2.131", NULL },
		{ COM("v=spf1 a:authorized-spf.example.com -all") "authorized-"
								  "spf.example."
								  "com. A "
								  "192.0.2."
								  "129\n"
								  "authorized-"
								  "spf.example."
								  "com. A "
								  "192.0.2."
								  "130\n",
		    MAILS, "192.0.2.131", NULL },
		{ COM("v=spf1 mx:example.com -all"), MAILS, "192.0.2.131",
		    NULL },
		{ COM("v=spf1 ip4:192.0.2.0/24 mx -all"), "192.0.2.1",
		    "192.0.3.1", NULL },
		{ "www.example.net. TXT \"v=spf1 -all\"\n", "", "192.0.2.1",
		    "a@www.example.net" },
		{ "mail-a.example.com. TXT \"v=spf1 a -all\"\n", "192.0.2.129",
		    "192.0.2.130", "a@mail-a.example.com" },
	};
	(void)state;
	GIVE(vectors);
}

static void
rfc7208_d_1_mediators(void **state)
{
	static const struct spf_appendix_vector vectors[] = {
		{ COM("v=spf1 mx exists:%{l}._spf_verify.%{d} -all") "tag=user."
								     "_spf_"
								     "verify."
								     "example."
								     "com. A "
								     "127.0.0."
								     "1\n",
		    "203.0.113.1", "", "tag=user@example.com" },
		{ COM("v=spf1 mx exists:%{l}._spf_verify.%{d} -all") "tag=user."
								     "_spf_"
								     "verify."
								     "example."
								     "com. A "
								     "127.0.0."
								     "1\n",
		    MAILS, "203.0.113.1", "bad=user@example.com" },
		{ COM("v=spf1 mx redirect=%{l1r+}._at_.%{o}._spf.%{d}") "ann._"
									"at_."
									"exampl"
									"e.com."
									"_spf."
									"exampl"
									"e.com."
									" TXT "
									"\"v="
									"spf1 "
									"ip4:"
									"203.0."
									"113.1 "
									"-all\""
									"\n",
		    MAILS " 203.0.113.1", "203.0.113.2", "ann+x@example.com" },
	};
	(void)state;
	GIVE(vectors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc7208_3_5_wildcards),
		cmocka_unit_test(rfc7208_10_1_records),
		cmocka_unit_test(rfc7208_a_1),
		cmocka_unit_test(rfc7208_a_2),
		cmocka_unit_test(rfc7208_a_3),
		cmocka_unit_test(rfc7208_a_4),
		cmocka_unit_test(rfc7208_d_1_mediators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
