/* policy_override_test.c - operator settings that take precedence over the
 * rules: overrides, monitor mode, sampling */
#include "verify/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "tests/support/policy_run.h"

/* ---- overrides ---- */

static void
override_conditions(void **state)
{
	/* `mail` is rejected unless the override matches; each condition is
	 * tested in an override that accepts and in one that defers */
	static const struct {
		const char *condition;
		bool accepts, defers;
	} vectors[] = {
		{ "from_domain = a.example", true, true },
		{ "from_domain = A.EXAMPLE.", true, true },
		{ "from_domain = b.example", false, false },
		{ "from_domain = { b.example, a.example }", true, true },
		{ "from_domain = example", false, false },
		{ "from_domain = .example", true, true },
		{ "from_domain = '*.example'", true, true },
		{ "from_domain = '**.example'", true, true },
		{ "from_domain = .a.example", false, false },
		{ "from_domain = '*.a.example'", false, false },
		{ "from_domain = '**.a.example'", true, true },
		{ "from_domain = '**.xample'", false, false },
		{ "mail_from_domain = bounce.example", true, true },
		{ "mail_from_domain = .bounce.example", false, false },
		{ "mail_from_domain = '<>'", false, false },
		{ "dkim_domain = esp.example", true, true },
		{ "dkim_domain = '*.a.example'", true, true },
		{ "dkim_domain = a.example", false, false },
		{ "client = 192.0.2.0/24", true, true },
		{ "client = { 2001:db8::/32, 192.0.2.1 }", true, true },
		{ "client = 192.0.2.2", false, false },
		{ "list_id = l.lists.example", true, true },
		{ "list_id = '*.lists.example'", true, true },
		{ "list_id = lists.example", false, false },
		/* with several recipients, an override that accepts requires
		 * all of them to match; one that defers requires only one */
		{ "recipient_domain = here.example", false, true },
		{ "recipient_domain = { there.example, here.example }", true,
		    true },
		{ "recipient_domain = '**.example'", true, true },
		{ "recipient_domain = nowhere.example", false, false },
		/* all conditions must be met */
		{ "from_domain = a.example client = 192.0.2.1", true, true },
		{ "from_domain = a.example client = 192.0.2.2", false, false },
	};
	static const struct policy_input mail = { FAILS(REJECT, REJECT), LIST,
		.dkim_domains = signers, .n_dkim_domains = 2 };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		for (int defer = 0; defer < 2; defer++) {
			bool want =
			    defer ? vectors[i].defers : vectors[i].accepts;
			struct arena *a = arena_new(1 << 16);
			struct policy_decision d;
			const struct conf *c;
			char text[300];

			snprintf(text, sizeof(text),
			    "dmarc { indirect_as_quarantine = no }\n"
			    "override o { action = %s %s }",
			    defer ? "tempfail" : "accept",
			    vectors[i].condition);
			c = policy_run_conf(text);
			policy_decide(c, &mail, POLICY_RUN_NOW, a, &d);
			if (span_is(d.rule, "override o") != want)
				fail_msg("%s, defer %d: rule %.*s",
				    vectors[i].condition, defer,
				    SPAN_FMT(d.rule));
			assert_int_equal(d.action,
			    !want       ? CONF_REJECT
				: defer ? CONF_TEMPFAIL
					: CONF_ACCEPT);
			arena_free(a);
			conf_unref(c);
		}
	}
}

static void
overrides_decide(void **state)
{
#define SECTION(name, rest) "override \"" name "\" { " rest " }\n"

	static const struct policy_vector vectors[] = {
		{ .name = "accepts, with a reason",
		    .conf = SECTION("a list of ours",
			"from_domain = a.example action = accept\n"
			"reason = \"agreed on 3 March\""),
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "override a list of ours",
		    .reason = "agreed on 3 March",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "rejects what passes",
		    .conf =
			SECTION("x", "from_domain = a.example action = reject"),
		    .f = { MAIL, .dmarc = DMARC_PASS },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "override x",
		    .reason = "decided by an override",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1",
		    .text = "Rejected by local policy (rule override x)" },
		{ .name = "defers",
		    .conf =
			SECTION("x", "client = 192.0.2.1 action = tempfail"),
		    .f = { FAILS(NONE, NONE) },
		    .action = CONF_TEMPFAIL,
		    .would = CONF_TEMPFAIL,
		    .rule = "override x",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 451,
		    .enhanced = "4.7.1",
		    .text = "Deferred by local policy (rule override x)" },
		{ .name = "as the policy asks",
		    .conf =
			SECTION("x", "from_domain = a.example action = reject"),
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "override x",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.1" },
		{ .name = "first match wins",
		    .conf =
			SECTION("no", "from_domain = b.example action = accept")
			    SECTION("first",
				"from_domain = a.example action = quarantine")
				SECTION("second",
				    "from_domain = a.example action = accept"),
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_QUARANTINE,
		    .would = CONF_QUARANTINE,
		    .rule = "override first",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "the null sender",
		    .conf = SECTION(
			"n", "mail_from_domain = '<>' action = annotate"),
		    .f = { TO, AUTHOR, DECIDED, ASKS(REJECT, REJECT) },
		    .action = CONF_ANNOTATE,
		    .would = CONF_ANNOTATE,
		    .rule = "override n",
		    .disposition = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "no List-Id",
		    .conf =
			SECTION("n", "list_id = '**.example' action = accept"),
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name =
			"RFC 9989 section 11.5: a second author opens nothing",
		    .conf =
			SECTION("n", "from_domain = b.example action = accept"),
		    .f = { TO, SENDER, DECIDED, ASKS(REJECT, REJECT),
			.from_domains = two_authors, .n_from_domains = 2 },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.26" },
		{ .name = "nor hides one",
		    .conf = SECTION(
			"n", "from_domain = b.example action = quarantine"),
		    .f = { TO, SENDER, DECIDED, .from_domains = two_authors,
			.n_from_domains = 2 },
		    .action = CONF_QUARANTINE,
		    .would = CONF_QUARANTINE,
		    .rule = "override n",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "no author matches nothing",
		    .conf = SECTION("n",
			"from_domain = '**.example' action = accept") "spf { "
								      "on_fail "
								      "= "
								      "reject "
								      "}",
		    .f = { TO, SENDER, .spf = SPF_FAIL },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "spf.on_fail",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE,
		    .code = 550,
		    .enhanced = "5.7.23" },
		{ .name = "also outside the sample",
		    .conf = SECTION(
			"x", "from_domain = a.example action = reject") "sample"
									" = 0%",
		    .f = { FAILS(NONE, NONE) },
		    .action = CONF_REJECT,
		    .would = CONF_REJECT,
		    .rule = "override x",
		    .disposition = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_LOCAL,
		    .code = 550,
		    .enhanced = "5.7.1" },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static void
overrides_expire(void **state)
{
	static const struct {
		const char *day;
		bool applies;
	} vectors[] = {
		{ "2027-01-14", false },
		{ "2027-01-15", true }, /* the current day */
		{ "2027-01-16", true },
		{ "2026-12-31", false },
	};
	static const struct policy_input f = { FAILS(REJECT, REJECT) };
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;
		const struct conf *c;
		char text[300];

		snprintf(text, sizeof(text),
		    "override old { client = 192.0.2.1 action = accept "
		    "expires = %s }\n"
		    "override other { client = 192.0.2.9 action = accept "
		    "expires = 2000-01-01 }\n",
		    vectors[i].day);
		c = policy_run_conf(text);
		policy_decide(c, &f, POLICY_RUN_NOW, a, &d);
		assert_int_equal(
		    d.action, vectors[i].applies ? CONF_ACCEPT : CONF_REJECT);
		if (vectors[i].applies)
			assert_null(d.expired.p);
		else
			assert_true(span_is(d.expired, "old"));
		arena_free(a);
		conf_unref(c);
	}
}

/* ---- monitor mode and sample ---- */

static void
monitor_mode_refuses_nothing(void **state)
{
	static const struct policy_vector vectors[] = {
		{ .name = "reject",
		    .conf = "mode = monitor",
		    .f = { FAILS(REJECT, REJECT) },
		    .action = CONF_ACCEPT,
		    .would = CONF_REJECT,
		    .rule = "dmarc.on_reject",
		    .reason =
			"a.example fails DMARC and its policy is reject, not "
			"enforced: monitor mode",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "hold",
		    .conf = "mode = monitor spf { on_fail = quarantine }",
		    .f = { MAIL, .spf = SPF_FAIL },
		    .action = CONF_ACCEPT,
		    .would = CONF_QUARANTINE,
		    .rule = "spf.on_fail",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "annotate",
		    .conf = "mode = monitor",
		    .f = { FAILS(QUARANTINE, QUARANTINE) },
		    .action = CONF_ACCEPT,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.on_quarantine",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
		{ .name = "tempfail",
		    .conf = "mode = monitor dmarc { on_temperror = tempfail }",
		    .f = { MAIL, .dmarc = DMARC_TEMPERROR },
		    .action = CONF_ACCEPT,
		    .would = CONF_TEMPFAIL,
		    .rule = "dmarc.on_temperror",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "override",
		    .conf = "mode = monitor override x { client = 192.0.2.1 "
			    "action = "
			    "reject }",
		    .f = { MAIL },
		    .action = CONF_ACCEPT,
		    .would = CONF_REJECT,
		    .rule = "override x",
		    .reason =
			"decided by an override, not enforced: monitor mode",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "accept",
		    .conf = "mode = monitor",
		    .f = { MAIL },
		    .action = CONF_ACCEPT,
		    .would = CONF_ACCEPT,
		    .rule = "default",
		    .reason = "no rule applies",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_NONE },
		{ .name = "list",
		    .conf = "mode = monitor",
		    .f = { FAILS(REJECT, REJECT), LIST },
		    .action = CONF_ACCEPT,
		    .would = CONF_ANNOTATE,
		    .rule = "dmarc.indirect_as_quarantine",
		    .disposition = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL },
	};
	(void)state;
	POLICY_RUN_EACH(vectors);
}

static unsigned
count_enforced(const struct conf *c, unsigned n, bool *last)
{
	struct arena *a = arena_new(1 << 16);
	unsigned enforced = 0;

	for (unsigned i = 0; i < n; i++) {
		struct policy_input f = { FAILS(REJECT, REJECT) };
		struct policy_decision d;
		char name[40];

		snprintf(name, sizeof(name), "d%u.example", i);
		f.dmarc_domain = span_str(name);
		arena_rewind(a);
		policy_decide(c, &f, POLICY_RUN_NOW, a, &d);
		assert_int_equal(d.would, CONF_REJECT);
		/* a domain in a sample is in every larger sample */
		if (last[i])
			assert_int_equal(d.action, CONF_REJECT);
		last[i] = d.action == CONF_REJECT;
		enforced += last[i];
	}
	arena_free(a);
	return enforced;
}

static void
sample_is_by_domain_and_grows(void **state)
{
	enum { DOMAINS = 4000 };
	static const unsigned mille[] = { 0, 5, 50, 200, 500, 1000 };
	static bool last[DOMAINS];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mille); i++) {
		char text[100];
		const struct conf *c;
		unsigned want = DOMAINS * mille[i] / 1000, got;

		snprintf(text, sizeof(text), "sample = %u.%u%%", mille[i] / 10,
		    mille[i] % 10);
		c = policy_run_conf(text);
		got = count_enforced(c, DOMAINS, last);
		if (mille[i] == 0 || mille[i] == 1000)
			assert_int_equal(got, want);
		else if (got < want / 2 || got > want * 2)
			fail_msg("%s: %u of %u", text, got, DOMAINS);
		conf_unref(c);
	}
}

/* The result must be the same on every host and in every version. */
static void
sample_is_stable(void **state)
{
	static const struct {
		const char *domain;
		unsigned mille; /* the largest sample without the domain, in
		                   tenths of a percent */
	} vectors[] = {
		{ "example.com", 350 },
		{ "example.org", 841 },
		{ "a.example", 0 },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct policy_input f = { FAILS(REJECT, REJECT) };
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;
		struct conf c = { .sample = vectors[i].mille,
			.dmarc = { .on_reject = CONF_REJECT } };

		f.dmarc_domain = span_str(vectors[i].domain);
		policy_decide(&c, &f, POLICY_RUN_NOW, a, &d);
		assert_int_equal(d.action, CONF_ACCEPT);
		assert_int_equal(d.would, CONF_REJECT);
		c.sample++;
		policy_decide(&c, &f, POLICY_RUN_NOW, a, &d);
		assert_int_equal(d.action, CONF_REJECT);
		arena_free(a);
	}
}

static void
override_names(void **state)
{
	(void)state;
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_LOCAL), "local_policy");
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_LIST), "mailing_list");
	assert_string_equal(policy_override_name(POLICY_OVERRIDE_FORWARDER),
	    "trusted_forwarder");
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_TEST), "policy_test_mode");
	assert_string_equal(
	    policy_override_name(POLICY_OVERRIDE_OTHER), "other");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(override_conditions),
		cmocka_unit_test(overrides_decide),
		cmocka_unit_test(overrides_expire),
		cmocka_unit_test(monitor_mode_refuses_nothing),
		cmocka_unit_test(sample_is_by_domain_and_grows),
		cmocka_unit_test(sample_is_stable),
		cmocka_unit_test(override_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
