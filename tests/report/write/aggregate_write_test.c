/*
 * aggregate_write_test.c - RFC 9990 section 3.1.1 and appendix A: the output is
 * XML that follows the schema, whatever the strings contain.
 */
#include "report/write/aggregate_xml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libxml/parser.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "report/write/gzip.h"

enum { TEXT_MAX = 1 << 18 };

static const char *const dispositions[] = { "none", "quarantine", "reject",
	NULL };
static const char *const actions[] = { "none", "pass", "quarantine", "reject",
	NULL };
static const char *const results[] = { "pass", "fail", NULL };
static const char *const modes[] = { "r", "s", NULL };
static const char *const answers[] = { "y", "n", NULL };
static const char *const methods[] = { "treewalk", "psl", NULL };
static const char *const scopes[] = { "mfrom", NULL };
static const char *const versions[] = { "1.0", NULL };
static const char *const reasons[] = { "local_policy", "mailing_list", "other",
	"policy_test_mode", "trusted_forwarder", NULL };
static const char *const dkim[] = { "none", "pass", "fail", "policy", "neutral",
	"temperror", "permerror", NULL };
static const char *const spf[] = { "none", "pass", "fail", "softfail", "policy",
	"neutral", "temperror", "permerror", NULL };

/*
 * The schema as a table: within `parent`, `name` occurs `least` to `most`
 * times, in this order (which xs:all also allows).
 */
static const struct shape {
	const char *parent, *name;
	unsigned least, most;
	const char *const *values; /* NULL: any value, or child elements */
} shapes[] = {
	{ .parent = "feedback",
	    .name = "version",
	    .most = 1,
	    .values = versions },
	{ .parent = "feedback",
	    .name = "report_metadata",
	    .least = 1,
	    .most = 1 },
	{ .parent = "feedback",
	    .name = "policy_published",
	    .least = 1,
	    .most = 1 },
	{ .parent = "feedback", .name = "record", .least = 1, .most = 1000000 },
	{ .parent = "report_metadata",
	    .name = "org_name",
	    .least = 1,
	    .most = 1 },
	{ .parent = "report_metadata", .name = "email", .least = 1, .most = 1 },
	{ .parent = "report_metadata",
	    .name = "extra_contact_info",
	    .most = 1 },
	{ .parent = "report_metadata",
	    .name = "report_id",
	    .least = 1,
	    .most = 1 },
	{ .parent = "report_metadata",
	    .name = "date_range",
	    .least = 1,
	    .most = 1 },
	{ .parent = "report_metadata", .name = "error", .most = 1 },
	{ .parent = "report_metadata", .name = "generator", .most = 1 },
	{ .parent = "date_range", .name = "begin", .least = 1, .most = 1 },
	{ .parent = "date_range", .name = "end", .least = 1, .most = 1 },
	{ .parent = "policy_published",
	    .name = "domain",
	    .least = 1,
	    .most = 1 },
	{ .parent = "policy_published",
	    .name = "discovery_method",
	    .most = 1,
	    .values = methods },
	{ .parent = "policy_published",
	    .name = "adkim",
	    .most = 1,
	    .values = modes },
	{ .parent = "policy_published",
	    .name = "aspf",
	    .most = 1,
	    .values = modes },
	{ .parent = "policy_published",
	    .name = "p",
	    .least = 1,
	    .most = 1,
	    .values = dispositions },
	{ .parent = "policy_published",
	    .name = "sp",
	    .most = 1,
	    .values = dispositions },
	{ .parent = "policy_published",
	    .name = "np",
	    .most = 1,
	    .values = dispositions },
	{ .parent = "policy_published", .name = "fo", .most = 1 },
	{ .parent = "policy_published",
	    .name = "testing",
	    .most = 1,
	    .values = answers },
	{ .parent = "record", .name = "row", .least = 1, .most = 1 },
	{ .parent = "record", .name = "identifiers", .least = 1, .most = 1 },
	{ .parent = "record", .name = "auth_results", .least = 1, .most = 1 },
	{ .parent = "row", .name = "source_ip", .least = 1, .most = 1 },
	{ .parent = "row", .name = "count", .least = 1, .most = 1 },
	{ .parent = "row", .name = "policy_evaluated", .least = 1, .most = 1 },
	{ .parent = "policy_evaluated",
	    .name = "disposition",
	    .least = 1,
	    .most = 1,
	    .values = actions },
	{ .parent = "policy_evaluated",
	    .name = "dkim",
	    .least = 1,
	    .most = 1,
	    .values = results },
	{ .parent = "policy_evaluated",
	    .name = "spf",
	    .least = 1,
	    .most = 1,
	    .values = results },
	{ .parent = "policy_evaluated", .name = "reason", .most = 100 },
	{ .parent = "reason",
	    .name = "type",
	    .least = 1,
	    .most = 1,
	    .values = reasons },
	{ .parent = "reason", .name = "comment", .most = 1 },
	{ .parent = "identifiers",
	    .name = "header_from",
	    .least = 1,
	    .most = 1 },
	{ .parent = "identifiers", .name = "envelope_from", .most = 1 },
	{ .parent = "auth_results", .name = "dkim", .most = 100 },
	{ .parent = "auth_results", .name = "spf", .most = 1 },
	{ .parent = "auth_results/dkim",
	    .name = "domain",
	    .least = 1,
	    .most = 1 },
	{ .parent = "auth_results/dkim",
	    .name = "selector",
	    .least = 1,
	    .most = 1 },
	{ .parent = "auth_results/dkim",
	    .name = "result",
	    .least = 1,
	    .most = 1,
	    .values = dkim },
	{ .parent = "auth_results/spf",
	    .name = "domain",
	    .least = 1,
	    .most = 1 },
	{ .parent = "auth_results/spf",
	    .name = "scope",
	    .most = 1,
	    .values = scopes },
	{ .parent = "auth_results/spf",
	    .name = "result",
	    .least = 1,
	    .most = 1,
	    .values = spf },
};

static const char *
name_of(const xmlNode *node)
{
	return (const char *)node->name;
}

/* "dkim" and "spf" each name two different elements. */
static bool
is_parent(const struct shape *s, const xmlNode *node)
{
	char longer[100];

	if (strcmp(s->parent, name_of(node)) == 0)
		return strcmp(name_of(node), "dkim") != 0;
	snprintf(longer, sizeof(longer), "%s/%s", name_of(node->parent),
	    name_of(node));
	return strcmp(s->parent, longer) == 0;
}

static void
check_aggregate_value(const struct shape *s, xmlNode *node)
{
	char *text = (char *)xmlNodeGetContent(node);
	bool found = s->values == NULL;

	for (size_t i = 0; !found && s->values[i] != NULL; i++)
		found = strcmp(s->values[i], text) == 0;
	if (!found)
		fail_msg("<%s>%s</%s>", s->name, text, s->name);
	xmlFree(text);
}

/* `namespace` is NULL if there must be none. */
static void
check_namespace(const xmlNode *node, const char *namespace)
{
	if (namespace == NULL) {
		if (node->ns != NULL)
			fail_msg("<%s> is in a namespace", name_of(node));
		return;
	}
	if (node->ns == NULL || node->ns->prefix != NULL ||
	    strcmp((const char *)node->ns->href, namespace) != 0)
		fail_msg("<%s> is in a different namespace", name_of(node));
}

static void
check_node(xmlNode *node, const char *namespace)
{
	xmlNode *child = xmlFirstElementChild(node);

	check_namespace(node, namespace);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		unsigned n = 0;

		if (!is_parent(&shapes[i], node))
			continue;
		while (child != NULL &&
		    strcmp(name_of(child), shapes[i].name) == 0) {
			check_aggregate_value(&shapes[i], child);
			check_node(child, namespace);
			child = xmlNextElementSibling(child);
			n++;
		}
		if (n < shapes[i].least || n > shapes[i].most)
			fail_msg("%u <%s> in <%s>", n, shapes[i].name,
			    name_of(node));
	}
	if (child != NULL)
		fail_msg("<%s> in <%s>", name_of(child), name_of(node));
}

static void
check_document(struct span text, enum aggregate_compat compat)
{
	xmlDoc *doc = xmlReadMemory(text.p, (int)text.n, "report", NULL,
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

	if (doc == NULL)
		fail_msg("not well-formed: %.*s", SPAN_FMT(text));
	assert_string_equal(name_of(xmlDocGetRootElement(doc)), "feedback");
	check_node(xmlDocGetRootElement(doc),
	    compat == AGGREGATE_STRICT ? AGGREGATE_NAMESPACE : NULL);
	xmlFreeDoc(doc);
}

/* ---- writing ---- */

static bool
put_buf(void *arg, struct span bytes)
{
	buf_span(arg, bytes);
	return true;
}

static struct aggregate_info
plain_info(enum aggregate_compat compat)
{
	return (struct aggregate_info){ .compat = compat,
		.org_name = SPAN("Example"),
		.email = SPAN("dmarc@mx.example.org"),
		.report_id = SPAN("20260101abc"),
		.begin = 1767225600,
		.end = 1767311999,
		.generator = SPAN("avouch"),
		.domain = SPAN("example.com"),
		.record = SPAN("v=DMARC1; p=reject; sp=quarantine; np=reject; "
			       "adkim=s; fo=1:d; ruf=mailto:f@example.com") };
}

static struct report_row
plain_row(void)
{
	struct report_row r = { .count = 7,
		.header_from = SPAN("example.com"),
		.envelope_from = SPAN("bounce.example.com"),
		.disposition = SPAN("none"),
		.dkim_aligned = true,
		.spf_domain = SPAN("bounce.example.com"),
		.spf_scope = SPAN("mfrom"),
		.spf_result = SPAN("pass"),
		.dkim = { { SPAN("example.com"), SPAN("s1"), SPAN("pass") },
		    { SPAN("esp.example"), SPAN("k"), SPAN("fail") } },
		.n_dkim = 2 };

	assert_true(ip_parse(SPAN("192.0.2.1"), &r.source));
	return r;
}

/* Writes a document with one row into `memory`, and checks it. */
static struct span
write_one(
    const struct aggregate_info *info, const struct report_row *r, char *memory)
{
	struct buf b = buf_wrap(memory, TEXT_MAX);
	struct aggregate *a = aggregate_open(info, put_buf, &b);

	assert_non_null(a);
	assert_true(aggregate_row(a, r));
	assert_true(aggregate_close(a));
	assert_false(b.full);
	check_document(buf_view(&b), info->compat);
	return buf_view(&b);
}

static void
has(struct span text, const char *part)
{
	if (strstr(text.p, part) == NULL)
		fail_msg("%s is missing in %s", part, text.p);
}

static void
has_not(struct span text, const char *part)
{
	if (strstr(text.p, part) != NULL)
		fail_msg("%s is unexpected in %s", part, text.p);
}

static char memory[TEXT_MAX];

static void
test_broad(void **state)
{
	struct aggregate_info info = plain_info(AGGREGATE_BROAD);
	struct report_row r = plain_row();
	struct span text = write_one(&info, &r, memory);

	(void)state;
	has(text, "<feedback>");
	has(text, "<version>1.0</version>");
	has(text, "<report_id>20260101abc</report_id>");
	has(text, "<begin>1767225600</begin>");
	has(text, "<end>1767311999</end>");
	has(text, "<adkim>s</adkim>");
	has(text, "<aspf>r</aspf>");
	has(text, "<np>reject</np>");
	has(text, "<fo>1:d</fo>");
	has(text, "<source_ip>192.0.2.1</source_ip>");
	has(text, "<count>7</count>");
	has(text, "<disposition>none</disposition>");
	has(text, "<selector>s1</selector>");
	has(text, "<scope>mfrom</scope>");
	has_not(text, "<testing>");
	has_not(text, "<discovery_method>");
	has_not(text, "<reason>");
	/* the aligned pass comes first, as in the row */
	assert_true(strstr(text.p, "s1<") < strstr(text.p, "esp.example"));
}

static void
test_strict(void **state)
{
	struct aggregate_info info = plain_info(AGGREGATE_STRICT);
	struct report_row r = plain_row();
	struct span text = write_one(&info, &r, memory);

	(void)state;
	has(text, "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">");
	has(text, "<disposition>pass</disposition>");
	has(text, "<discovery_method>treewalk</discovery_method>");
	has(text, "<testing>n</testing>");
	info.record = SPAN("v=DMARC1; p=none");
	text = write_one(&info, &r, memory);
	has(text, "<disposition>none</disposition>");
	has(text, "<sp>none</sp>");
	has(text, "<np>none</np>");
	r.header_from = SPAN("new.example.com");
	info.record = SPAN("v=DMARC1; p=none; sp=reject");
	text = write_one(&info, &r, memory);
	has(text, "<disposition>pass</disposition>");
}

static const struct {
	const char *name, *record;
	enum aggregate_compat compat;
	const char *override, *disposition, *want, *comment;
	const char *want_comment; /* NULL: no <comment> */
} overrides[] = {
	{ .name = "kept",
	    .record = "v=DMARC1; p=reject",
	    .compat = AGGREGATE_BROAD,
	    .override = "mailing_list",
	    .disposition = "none",
	    .want = "<type>mailing_list</type>",
	    .comment = "why",
	    .want_comment = "why" },
	{ .name = "unknown",
	    .record = "v=DMARC1; p=reject",
	    .compat = AGGREGATE_BROAD,
	    .override = "sampled_out",
	    .disposition = "none",
	    .want = "<type>other</type>",
	    .comment = "why",
	    .want_comment = "why" },
	{ .name = "test mode",
	    .record = "v=DMARC1; p=reject; t=y",
	    .compat = AGGREGATE_STRICT,
	    .override = "policy_test_mode",
	    .disposition = "quarantine",
	    .want = "<type>policy_test_mode</type>",
	    .comment = "" },
	{ .name = "test mode with a comment, from an older version",
	    .record = "v=DMARC1; p=reject; t=y",
	    .compat = AGGREGATE_STRICT,
	    .override = "policy_test_mode",
	    .disposition = "quarantine",
	    .want = "<type>policy_test_mode</type>",
	    .comment = "a.example fails DMARC and its policy is quarantine" },
	{ .name = "test mode for readers of RFC 7489",
	    .record = "v=DMARC1; p=reject; t=y",
	    .compat = AGGREGATE_BROAD,
	    .override = "policy_test_mode",
	    .disposition = "quarantine",
	    .want = "<type>other</type>",
	    .comment = "a.example fails DMARC and its policy is quarantine",
	    .want_comment = "policy test mode" },
	{ .name = "test mode without a stored reason",
	    .record = "v=DMARC1; p=reject; t=y",
	    .compat = AGGREGATE_STRICT,
	    .override = "",
	    .disposition = "quarantine",
	    .want = "<type>policy_test_mode</type>",
	    .comment = "" },
	{ .name = "two levels below p=reject: not only test mode",
	    .record = "v=DMARC1; p=reject; t=y",
	    .compat = AGGREGATE_STRICT,
	    .override = "",
	    .disposition = "none",
	    .want = "<type>local_policy</type>",
	    .comment = "" },
	{ .name = "no stored reason, but one is required",
	    .record = "v=DMARC1; p=quarantine",
	    .compat = AGGREGATE_BROAD,
	    .override = "",
	    .disposition = "none",
	    .want = "<type>local_policy</type>",
	    .comment = "" },
};

static void
test_reasons(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(overrides); i++) {
		struct aggregate_info info = plain_info(overrides[i].compat);
		struct report_row r = plain_row();
		struct span text;
		char want[200];

		info.record = span_str(overrides[i].record);
		r.dkim_aligned = false;
		r.override = span_str(overrides[i].override);
		r.disposition = span_str(overrides[i].disposition);
		r.comment = span_str(overrides[i].comment);
		text = write_one(&info, &r, memory);
		has(text, overrides[i].want);
		if (overrides[i].want_comment == NULL) {
			has_not(text, "<comment>");
			continue;
		}
		snprintf(want, sizeof(want), "<comment>%s</comment>",
		    overrides[i].want_comment);
		has(text, want);
	}
}

/* RFC 9990 section 3.1.1.13, and RFC 7489 appendix C, where <spf> and its scope
 * are mandatory. */
static void
test_spf(void **state)
{
	struct aggregate_info broad = plain_info(AGGREGATE_BROAD);
	struct aggregate_info strict = plain_info(AGGREGATE_STRICT);
	struct report_row r = plain_row();
	struct span text;

	(void)state;
	r.spf_domain = r.envelope_from = SPAN("");
	r.spf_result = SPAN("");
	text = write_one(&broad, &r, memory);
	has(text, "<envelope_from></envelope_from>");
	has(text, "<result>none</result>");
	has(text, "<scope>mfrom</scope>");
	has_not(write_one(&strict, &r, memory), "<scope>");
	r.spf_domain = SPAN("mta.example.com");
	r.spf_scope = SPAN("helo");
	r.spf_result = SPAN("policy");
	has(write_one(&broad, &r, memory), "<result>neutral</result>");
	text = write_one(&strict, &r, memory);
	has(text, "<result>policy</result>");
	has_not(text, "<scope>");
}

/* ---- hostile strings ---- */

static const struct {
	const char *p;
	size_t n;
} hostile[] = {
#define BYTES(literal)                                                         \
	{                                                                      \
		literal, sizeof(literal) - 1                                   \
	}
	BYTES("]]><x>&amp;\"'"),
	BYTES("</domain></policy_published>"),
	BYTES("<!--"),
	BYTES("<?xml version=\"1.0\"?>"),
	BYTES("&#0;&lol;"),
	BYTES("a\0b"),
	BYTES("\x01\x02\x1f\x7f\r\n\t"),
	BYTES("\xff\xfe\xc0\x80"),
	BYTES("\xed\xa0\x80"),
	BYTES("\xef\xbf\xbe\xef\xbf\xbf"),
	BYTES("\xf4\x90\x80\x80"),
	BYTES("\xe2\x80\xae"),
	BYTES("\xc3"),
	BYTES("f\xc3\xbc\x72 \xe2\x82\xac \xf0\x9f\x93\xa7"),
	BYTES(""),
};

static void
fill_row(struct report_row *r, struct span text)
{
	r->header_from = r->envelope_from = r->disposition = text;
	r->override = r->comment = text;
	r->spf_domain = r->spf_scope = r->spf_result = text;
	r->n_dkim = REPORT_DKIM_MAX;
	for (size_t i = 0; i < REPORT_DKIM_MAX; i++)
		r->dkim[i] = (struct report_dkim){ text, text, text };
}

static void
write_hostile(struct span text)
{
	for (int compat = 0; compat < 2; compat++) {
		struct aggregate_info info = {
			.compat = (enum aggregate_compat)compat,
			.org_name = text,
			.email = text,
			.report_id = text,
			.begin = 0,
			.end = 86399,
			.error = text,
			.generator = text,
			.domain = text,
			.record = text,
		};
		struct report_row r = plain_row();

		fill_row(&r, text);
		write_one(&info, &r, memory);
		/* only the record is hostile, and the row has no source */
		r = plain_row();
		r.source = (struct ip){ .family = IP_NONE };
		info = plain_info((enum aggregate_compat)compat);
		info.record = text;
		write_one(&info, &r, memory);
	}
}

static void
test_hostile(void **state)
{
	static char bytes[256], longer[5000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++)
		write_hostile(span_of(hostile[i].p, hostile[i].n));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)i;
	write_hostile(span_of(bytes, sizeof(bytes)));
	/* no character may be cut in half */
	for (size_t i = 0; i + 2 < sizeof(longer); i += 3)
		memcpy(longer + i, "\xe2\x82\xac", 3);
	for (size_t i = 0; i < 3; i++)
		write_hostile(span_of(longer, sizeof(longer) - 10 + i));
}

/* ---- errors ---- */

static bool
put_some(void *arg, struct span bytes)
{
	size_t *left = arg;

	if (bytes.n > *left)
		return false;
	*left -= bytes.n;
	return true;
}

static void
test_cannot_write(void **state)
{
	struct aggregate_info info = plain_info(AGGREGATE_BROAD);
	struct report_row r = plain_row();

	(void)state;
	for (size_t room = 0; room < 20000; room += 1000) {
		size_t left = room;
		struct aggregate *a = aggregate_open(&info, put_some, &left);

		for (int i = 0; a != NULL && i < 100; i++)
			aggregate_row(a, &r);
		assert_false(aggregate_close(a));
	}
}

static bool
put_gzip(void *arg, struct span bytes)
{
	return gzip_write(arg, bytes);
}

/* The same report always produces the same file. */
static void
test_gzip(void **state)
{
	static char first[TEXT_MAX], second[TEXT_MAX];
	struct aggregate_info info = plain_info(AGGREGATE_BROAD);
	struct report_row r = plain_row();

	(void)state;
	for (int turn = 0; turn < 2; turn++) {
		struct buf b =
		    buf_wrap(turn == 0 ? first : second, sizeof(first));
		struct gzip *g = gzip_open(put_buf, &b);
		struct aggregate *a = aggregate_open(&info, put_gzip, g);

		for (int i = 0; i < 1000; i++)
			assert_true(aggregate_row(a, &r));
		assert_true(aggregate_close(a));
		assert_true(gzip_close(g));
		assert_true(b.n > 20 && !b.full);
		assert_memory_equal(b.p, "\x1f\x8b\x08", 3);
	}
	assert_memory_equal(first, second, sizeof(first));
	assert_false(gzip_close(NULL));
}

static bool
put_count(void *arg, struct span bytes)
{
	*(size_t *)arg += bytes.n;
	return true;
}

static void
test_gzip_lag(void **state)
{
	size_t out = 0, before;
	struct gzip *g = gzip_open(put_count, &out);
	uint32_t seed = 1;
	char noise[1000];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		for (size_t j = 0; j < sizeof(noise); j++) {
			seed = seed * 1664525 + 1013904223;
			noise[j] = (char)(seed >> 24);
		}
		assert_true(gzip_write(g, span_of(noise, sizeof(noise))));
		/* noise cannot be compressed, so all bytes are either written
		 * or buffered */
		assert_true(
		    (size_t)(i + 1) * sizeof(noise) < out + GZIP_LAG_MAX);
	}
	before = out;
	assert_true(gzip_close(g));
	assert_true(out - before < GZIP_LAG_MAX);
}

static void
test_gzip_fails(void **state)
{
	char zeros[1000] = { 0 };

	(void)state;
	for (size_t room = 0; room < 30; room += 5) {
		size_t left = room;
		struct gzip *g = gzip_open(put_some, &left);

		if (g != NULL)
			gzip_write(g, span_of(zeros, sizeof(zeros)));
		assert_false(gzip_close(g));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_broad),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_spf),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_cannot_write),
		cmocka_unit_test(test_gzip),
		cmocka_unit_test(test_gzip_lag),
		cmocka_unit_test(test_gzip_fails),
	};

	return cmocka_run_group_tests_name("aggregate", tests, NULL, NULL);
}
