/*
 * Data that is stored for a verdict: the row of a report (RFC 9990 section
 * 3.1.1), with cleaned strings, and the facts for replay.
 */
#include "report/record/row.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "report/store/queued_message.h"
#include "report/record/policy_input_codec.h"
#include "report/store/row_encode.h"

enum { NOW = 1750000000, SIGNATURES = 40, ARENA = 1 << 16 };

/* SPAN() is not a constant expression. */
#define TEXT(literal)                                                          \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}

static struct dmarc_record record;
static struct dkim_result signatures[SIGNATURES];

static struct span
text(const char *s)
{
	return span_str(s);
}

/* Returns the verdict on a message from alice@example.com that passes every
 * check. */
static struct verdict
good_verdict(void)
{
	struct verdict v = { .mail_from = SPAN("alice@example.com") };

	record.text = SPAN("v=DMARC1; p=reject; rua=mailto:d@example.com");
	assert_true(ip_parse(SPAN("192.0.2.1"), &v.client));
	v.spf_mail_from.code = SPF_PASS;
	v.spf_mail_from.domain = SPAN("example.com");
	v.dmarc = (struct dmarc_result){
		.code = DMARC_PASS,
		.author_domain = SPAN("example.com"),
		.organizational_domain = SPAN("example.com"),
		.policy_domain = SPAN("example.com"),
		.record = &record,
		.policy = DMARC_POLICY_REJECT,
		.spf_aligned = true,
	};
	v.facts.mail_from_domain = SPAN("example.com");
	v.decision.disposition = DMARC_POLICY_NONE;
	v.decision.rule = SPAN("default");
	v.dkim = signatures;
	return v;
}

static void
add_signature(struct verdict *v, const char *domain, const char *selector,
    enum dkim_code code)
{
	assert_true(v->n_dkim < SIGNATURES);
	signatures[v->n_dkim++] = (struct dkim_result){
		.code = code,
		.domain = text(domain),
		.selector = text(selector),
		.verified = true,
	};
}

static void
assert_text(struct span got, const char *want)
{
	if (!span_is(got, want))
		fail_msg("got \"%.*s\", want \"%s\"", SPAN_FMT(got), want);
}

/* RFC 9990 section 3.1.1: all elements of a record. */
static void
elements_3_1_1(void **state)
{
	struct verdict v = good_verdict();
	struct report_row r;

	(void)state;
	add_signature(&v, "example.com", "s1", DKIM_PASS);
	v.dmarc.dkim_aligned = true;
	assert_true(report_row_of(&v, NOW, &r));
	assert_int_equal(r.when, NOW);
	assert_int_equal(r.count, 1);
	assert_text(r.policy_domain, "example.com");
	assert_text(r.record, "v=DMARC1; p=reject; rua=mailto:d@example.com");
	assert_true(ip_equal(&r.source, &v.client));
	assert_text(r.header_from, "example.com");
	assert_text(r.envelope_from, "example.com");
	assert_text(r.disposition, "none");
	assert_true(r.dkim_aligned && r.spf_aligned);
	assert_int_equal(r.override.n, 0);
	assert_text(r.spf_domain, "example.com");
	assert_text(r.spf_scope, "mfrom");
	assert_text(r.spf_result, "pass");
	assert_int_equal(r.n_dkim, 1);
	assert_text(r.dkim[0].domain, "example.com");
	assert_text(r.dkim[0].selector, "s1");
	assert_text(r.dkim[0].result, "pass");
	assert_false(r.automatic);
}

/* No report is due without a record or an author, or for mail from a local
 * user. */
static void
not_due(void **state)
{
	struct verdict v = good_verdict();
	struct report_row r;

	(void)state;
	v.skip = "skip.authenticated";
	assert_false(report_row_of(&v, NOW, &r));
	v = good_verdict();
	v.decision.skipped = true;
	assert_false(report_row_of(&v, NOW, &r));
	v = good_verdict();
	v.dmarc.record = NULL;
	assert_false(report_row_of(&v, NOW, &r));
	v = good_verdict();
	v.dmarc.policy_domain = SPAN_NONE;
	assert_false(report_row_of(&v, NOW, &r));
	v = good_verdict();
	v.dmarc.author_domain = SPAN("");
	assert_false(report_row_of(&v, NOW, &r));
}

/* RFC 9990 sections 3.1.1.9 and 3.1.1.14: the disposition that was applied, and
 * the reason if it is not the requested one. */
static void
dispositions_3_1_1_9(void **state)
{
	static const struct {
		enum dmarc_policy applied;
		enum policy_override override;
		const char *disposition, *reason, *comment;
	} cases[] = {
		{ .applied = DMARC_POLICY_ABSENT,
		    .override = POLICY_OVERRIDE_NONE,
		    .disposition = "none",
		    .reason = "",
		    .comment = "" },
		{ .applied = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_LOCAL,
		    .disposition = "none",
		    .reason = "local_policy",
		    .comment = "because" },
		{ .applied = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_LIST,
		    .disposition = "quarantine",
		    .reason = "mailing_list",
		    .comment = "because" },
		{ .applied = DMARC_POLICY_QUARANTINE,
		    .override = POLICY_OVERRIDE_FORWARDER,
		    .disposition = "quarantine",
		    .reason = "trusted_forwarder",
		    .comment = "because" },
		{ .applied = DMARC_POLICY_NONE,
		    .override = POLICY_OVERRIDE_TEST,
		    .disposition = "none",
		    .reason = "policy_test_mode",
		    .comment = "" },
		{ .applied = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_OTHER,
		    .disposition = "reject",
		    .reason = "other",
		    .comment = "because" },
		{ .applied = DMARC_POLICY_REJECT,
		    .override = POLICY_OVERRIDE_NONE,
		    .disposition = "reject",
		    .reason = "",
		    .comment = "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct verdict v = good_verdict();
		struct report_row r;

		v.decision.disposition = cases[i].applied;
		v.decision.override = cases[i].override;
		v.decision.reason = SPAN("because");
		assert_true(report_row_of(&v, NOW, &r));
		assert_text(r.disposition, cases[i].disposition);
		assert_text(r.override, cases[i].reason);
		assert_text(r.comment, cases[i].comment);
	}
}

/* The reason in an override section is only for the operator. */
static void
reasons_of_sections_3_1_1_9(void **state)
{
	struct conf_override section = { .action = CONF_ACCEPT };
	struct verdict v = good_verdict();
	struct report_row r;

	(void)state;
	v.decision.override = POLICY_OVERRIDE_LOCAL;
	v.decision.reason = SPAN("ticket 4711");
	v.decision.section = &section;
	assert_true(report_row_of(&v, NOW, &r));
	assert_text(r.override, "local_policy");
	assert_text(r.comment, "");
}

/* RFC 9990 section 3.1.3: aligned passes come first, strictly aligned ones
 * before others; at most REPORT_DKIM_MAX; domain and selector are required. */
static void
signatures_3_1_3(void **state)
{
	static const char *const want[] = { "example.com b pass",
		"sub.example.com c pass", "other.example a pass",
		"example.com d fail", "third.example e temperror" };
	struct verdict v = good_verdict();
	struct report_row r;

	(void)state;
	add_signature(&v, "other.example", "a", DKIM_PASS);
	add_signature(&v, "example.com", "d", DKIM_FAIL);
	add_signature(&v, "sub.example.com", "c", DKIM_PASS);
	add_signature(&v, "example.com", "", DKIM_PERMERROR);
	add_signature(&v, "", "x", DKIM_PERMERROR);
	add_signature(&v, "example.com", "b", DKIM_PASS);
	add_signature(&v, "third.example", "e", DKIM_TEMPERROR);
	v.dmarc.dkim_aligned = true;
	assert_true(report_row_of(&v, NOW, &r));
	assert_int_equal(r.n_dkim, ARRAY_SIZE(want));
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		char got[200];

		snprintf(got, sizeof(got), "%.*s %.*s %.*s",
		    SPAN_FMT(r.dkim[i].domain), SPAN_FMT(r.dkim[i].selector),
		    SPAN_FMT(r.dkim[i].result));
		assert_string_equal(got, want[i]);
	}
}

static void
signatures_many(void **state)
{
	struct verdict v = good_verdict();
	struct report_row r;

	(void)state;
	for (size_t i = 0; i < SIGNATURES - 1; i++)
		add_signature(&v, "spam.example", "s", DKIM_FAIL);
	add_signature(&v, "example.com", "last", DKIM_PASS);
	assert_true(report_row_of(&v, NOW, &r));
	assert_int_equal(r.n_dkim, REPORT_DKIM_MAX);
	assert_text(r.dkim[0].selector, "last");
}

/* RFC 7208 section 2.4: for the null sender, the HELO name is checked.  Such a
 * message alone does not cause a report. */
static void
null_sender(void **state)
{
	struct verdict v = good_verdict();
	struct report_row r;

	(void)state;
	v.mail_from = SPAN("");
	v.facts.mail_from_domain = SPAN_NONE;
	v.spf_mail_from.domain = SPAN("mail.example.com");
	assert_true(report_row_of(&v, NOW, &r));
	assert_int_equal(r.envelope_from.n, 0);
	assert_text(r.spf_domain, "mail.example.com");
	assert_text(r.spf_scope, "helo");
	assert_true(r.automatic);
	v = good_verdict();
	v.automatic = true;
	assert_true(report_row_of(&v, NOW, &r));
	assert_true(r.automatic);
}

/* ---- strings ---- */

static void
clean_texts(void **state)
{
	static const struct {
		struct span in;
		size_t max;
		bool spaces;
		const char *out;
	} cases[] = {
		{ TEXT("example.com"), 255, false, "example.com" },
		{ TEXT(""), 255, false, "" },
		{ TEXT("a b"), 255, false, "a?b" },
		{ TEXT("a b"), 255, true, "a b" },
		{ TEXT("a\0b\r\n\x7f\xff"), 255, true, "a?b????" },
		{ TEXT("\xc3\xa4"), 255, false, "??" },
		{ TEXT("\n"), 255, false, "?" },
		{ TEXT("long.example"), 4, false, "long" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char memory[64];
		struct buf b = buf_wrap(memory, sizeof(memory));

		report_put_clean(
		    &b, cases[i].in, cases[i].max, cases[i].spaces);
		assert_string_equal(b.p, cases[i].out);
	}
}

static void
signatures_as_text(void **state)
{
	struct verdict v = good_verdict();
	struct report_row r, again = { .n_dkim = 7 };
	char memory[REPORT_DKIM_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	(void)state;
	add_signature(&v, "example.com", "a b\nc", DKIM_PASS);
	add_signature(&v, "x.example", "s", DKIM_FAIL);
	assert_true(report_row_of(&v, NOW, &r));
	report_dkim_put(&b, &r);
	assert_string_equal(b.p, "pass example.com a?b?c\nfail x.example s");
	report_dkim_read(buf_view(&b), &again);
	assert_int_equal(again.n_dkim, 2);
	assert_text(again.dkim[0].selector, "a?b?c");
	assert_text(again.dkim[1].domain, "x.example");
	/* a string truncated anywhere can be read, without its last line */
	for (size_t n = 0; n <= b.n; n++)
		report_dkim_read(span_first(buf_view(&b), n), &again);
	assert_int_equal(again.n_dkim, 2);
	report_dkim_read(SPAN("pass"), &again);
	assert_int_equal(again.n_dkim, 0);
	report_dkim_read(SPAN("pass  s\n\n"), &again);
	assert_int_equal(again.n_dkim, 0);
	report_dkim_read(SPAN(""), &again);
	assert_int_equal(again.n_dkim, 0);
}

/* The largest possible row fits in ROW_BYTES_MAX bytes; its strings are stored
 * one after the other. */
static void
pack_largest(void **state)
{
	static char long_text[20000];
	char memory[ROW_BYTES_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct span huge = span_of(long_text, sizeof(long_text));
	struct span texts[ROW_TEXTS_MAX];
	struct report_row r = {
		.policy_domain = huge,
		.record = huge,
		.header_from = huge,
		.envelope_from = huge,
		.disposition = huge,
		.override = huge,
		.comment = huge,
		.spf_domain = huge,
		.spf_scope = huge,
		.spf_result = huge,
		.n_dkim = REPORT_DKIM_MAX,
	};
	size_t n;

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	assert_true(ip_parse(
	    SPAN("2001:db8:1111:2222:3333:4444:5555:6666"), &r.source));
	for (size_t i = 0; i < REPORT_DKIM_MAX; i++)
		r.dkim[i] = (struct report_dkim){ huge, huge, huge };
	row_encode(&b, &r, texts);
	assert_false(b.full);
	for (n = 0; n < ROW_TEXTS_MAX && texts[n].p != NULL; n++)
		;
	assert_int_equal(n, ROW_TEXT_SHAPE + columns_of(COLUMNS_SHAPE)->n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(texts[i].p[texts[i].n], '\0');
		if (i > 0)
			assert_ptr_equal(
			    texts[i].p, texts[i - 1].p + texts[i - 1].n + 1);
	}
	assert_int_equal(texts[ROW_TEXT_POLICY].n, REPORT_NAME_MAX);
	assert_int_equal(texts[ROW_TEXT_POLICY + 1].n, DMARC_RECORD_MAX);
	assert_text(
	    texts[ROW_TEXT_SOURCE], "2001:db8:1111:2222:3333:4444:5555:6666");
}

/* ---- facts ---- */

static const struct span recipients[] = { TEXT("here.example"),
	TEXT("there.example") };
static const struct span authors[] = { TEXT("example.com") };
static const struct span signers[] = { TEXT("example.com"), TEXT("esp.example"),
	TEXT("third.example") };

static struct policy_input
full_facts(void)
{
	return (struct policy_input){
		.authenticated = true,
		.mail_from_domain = SPAN("bounces.example.com"),
		.recipient_domains = recipients,
		.n_recipient_domains = ARRAY_SIZE(recipients),
		.from_domains = authors,
		.n_from_domains = ARRAY_SIZE(authors),
		.dkim_domains = signers,
		.n_dkim_domains = ARRAY_SIZE(signers),
		.list_id = SPAN("list.example.org"),
		.is_list = true,
		.list_field = "List-Id",
		.list_domain = SPAN("list.example.org"),
		.list_by = SPAN("example.org"),
		.from_fault = "several From fields",
		.header_over_limit = true,
		.spf = SPF_SOFTFAIL,
		.spf_explanation = SPAN("not kept"),
		.dkim = DKIM_POLICY,
		.arc = ARC_PASS,
		.arc_sealer = SPAN("sealer.example"),
		.arc_dmarc_pass = true,
		.dmarc = DMARC_FAIL,
		.dmarc_domain = SPAN("example.com"),
		.dmarc_policy = DMARC_POLICY_REJECT,
		.dmarc_disposition = DMARC_POLICY_QUARANTINE,
		.overload = true,
		.evidence_cut = true,
	};
}

static void
assert_list(const struct span *got, size_t n_got, const struct span *want,
    size_t n_want)
{
	assert_int_equal(n_got, n_want);
	for (size_t i = 0; i < n_want; i++)
		assert_true(span_equal(got[i], want[i]));
}

static void
facts_roundtrip(void **state)
{
	const struct policy_input want = full_facts();
	char memory[FACTS_BYTES_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct arena *a = arena_new(ARENA);
	struct policy_input got;

	(void)state;
	facts_pack(&b, &want);
	assert_true(facts_unpack(buf_view(&b), a, &got));
	assert_int_equal(got.client.family, IP_NONE);
	assert_true(got.authenticated && got.is_list && got.overload &&
	    got.evidence_cut && got.arc_dmarc_pass && got.header_over_limit);
	assert_non_null(got.list_field);
	assert_non_null(got.list_by.p);
	assert_non_null(got.from_fault);
	assert_text(got.mail_from_domain, "bounces.example.com");
	assert_text(got.list_id, "list.example.org");
	assert_text(got.arc_sealer, "sealer.example");
	assert_text(got.dmarc_domain, "example.com");
	assert_null(got.spf_explanation.p);
	assert_list(got.recipient_domains, got.n_recipient_domains, recipients,
	    ARRAY_SIZE(recipients));
	assert_list(
	    got.from_domains, got.n_from_domains, authors, ARRAY_SIZE(authors));
	assert_list(
	    got.dkim_domains, got.n_dkim_domains, signers, ARRAY_SIZE(signers));
	assert_int_equal(got.spf, want.spf);
	assert_int_equal(got.dkim, want.dkim);
	assert_int_equal(got.arc, want.arc);
	assert_int_equal(got.dmarc, want.dmarc);
	assert_int_equal(got.dmarc_policy, want.dmarc_policy);
	assert_int_equal(got.dmarc_disposition, want.dmarc_disposition);
	arena_free(a);
}

/* Absent differs from empty: an override may match the null sender, "<>". */
static void
facts_absent(void **state)
{
	char memory[FACTS_BYTES_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct arena *a = arena_new(ARENA);
	struct policy_input got, in = { .mail_from_domain = SPAN("") };

	(void)state;
	facts_pack(&b, &in);
	assert_true(facts_unpack(buf_view(&b), a, &got));
	assert_non_null(got.mail_from_domain.p);
	assert_null(got.list_id.p);
	assert_null(got.list_field);
	assert_null(got.list_by.p);
	assert_null(got.from_fault);
	assert_false(got.overload || got.authenticated || got.is_list);
	assert_null(got.arc_sealer.p);
	assert_null(got.dmarc_domain.p);
	in.mail_from_domain = SPAN_NONE;
	in.list_id = SPAN("");
	buf_cut(&b, 0);
	facts_pack(&b, &in);
	assert_true(facts_unpack(buf_view(&b), a, &got));
	assert_null(got.mail_from_domain.p);
	assert_non_null(got.list_id.p);
	arena_free(a);
}

/* Facts are rejected if they are cut at any byte, are one byte too long, or
 * have an unknown first byte, or if an allocation fails. */
static void
facts_broken(void **state)
{
	const struct policy_input in = full_facts();
	char memory[FACTS_BYTES_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct arena *a = arena_new(ARENA);
	struct policy_input got;
	size_t n;

	(void)state;
	facts_pack(&b, &in);
	n = b.n;
	for (size_t i = 0; i < n; i++)
		assert_false(facts_unpack(span_of(memory, i), a, &got));
	buf_byte(&b, 0);
	assert_false(facts_unpack(buf_view(&b), a, &got));
	for (int first = 0; first < 256; first++) {
		memory[0] = (char)(unsigned char)first;
		assert_int_equal(facts_unpack(span_of(memory, n), a, &got),
		    first == FACTS_FORM);
	}
	memory[0] = FACTS_FORM;
	for (unsigned long i = 1; i <= 3; i++) {
		arena_fail_at(a, i);
		assert_false(facts_unpack(span_of(memory, n), a, &got));
	}
	arena_free(a);
}

/* Lists that exceed their share of the space are truncated; everything else is
 * stored. */
static void
facts_largest(void **state)
{
	static char long_text[300];
	struct span many[100];
	char memory[FACTS_BYTES_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct arena *a = arena_new(ARENA);
	struct policy_input got, in = full_facts();

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = span_of(long_text, sizeof(long_text));
	in.recipient_domains = in.from_domains = in.dkim_domains = many;
	in.n_recipient_domains = in.n_from_domains = in.n_dkim_domains =
	    ARRAY_SIZE(many);
	in.mail_from_domain = in.list_id = in.arc_sealer = in.dmarc_domain =
	    many[0];
	facts_pack(&b, &in);
	assert_false(b.full);
	assert_true(facts_unpack(buf_view(&b), a, &got));
	assert_true(got.n_dkim_domains >= 3);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = SPAN("a.b");
	buf_cut(&b, 0);
	facts_pack(&b, &in);
	assert_true(facts_unpack(buf_view(&b), a, &got));
	assert_int_equal(got.n_recipient_domains, FACTS_LIST_MAX);
	arena_free(a);
}

/* An entry does not refer to the data it was made from. */
static void
entry_is_whole(void **state)
{
	struct verdict v = good_verdict();
	char domain[] = "example.com";
	struct report_row r;
	struct queued_message *e, *own;
	struct queued_texts t;

	(void)state;
	v.facts.client = v.client;
	assert_true(report_row_of(&v, NOW, &r));
	r.header_from = span_str(domain);
	r.count = 3;
	e = queued_message_new(&r, &v.facts, &v.decision, NOW);
	own = queued_message_new(NULL, &v.facts, &v.decision, NOW);
	memset(domain, '!', sizeof(domain) - 1);
	assert_non_null(e);
	queued_message_texts(e, &t);
	assert_text(t.row[ROW_TEXT_SHAPE], "example.com");
	assert_int_equal(e->count, 3);
	assert_true(e->has_row && e->has_facts);
	assert_text(t.decision[0], "accept");
	assert_text(t.decision[2], "default");
	assert_non_null(own);
	queued_message_texts(own, &t);
	assert_false(own->has_row);
	assert_null(t.row[ROW_TEXT_POLICY].p);
	assert_text(t.row[ROW_TEXT_SOURCE], "192.0.2.1");
	assert_text(t.decision[2], "default");
	free(e);
	free(own);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_3_1_1),
		cmocka_unit_test(not_due),
		cmocka_unit_test(dispositions_3_1_1_9),
		cmocka_unit_test(reasons_of_sections_3_1_1_9),
		cmocka_unit_test(signatures_3_1_3),
		cmocka_unit_test(signatures_many),
		cmocka_unit_test(null_sender),
		cmocka_unit_test(clean_texts),
		cmocka_unit_test(signatures_as_text),
		cmocka_unit_test(pack_largest),
		cmocka_unit_test(facts_roundtrip),
		cmocka_unit_test(facts_absent),
		cmocka_unit_test(facts_broken),
		cmocka_unit_test(facts_largest),
		cmocka_unit_test(entry_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
