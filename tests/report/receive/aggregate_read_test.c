/*
 * aggregate_read_test.c - aggregate reports from any reporter: RFC 9990 section
 * 3.1.1, RFC 7489 appendix C, common errors, and hostile input.
 */
#include "report/receive/aggregate_xml.h"
#include "report/receive/reported_value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "report/write/aggregate_xml.h"
#include "report/receive/xml_filter.h"

enum { TEXT_MAX = 8192, CAP = 1 << 20 };

/* ---- a document, read in small pieces ---- */

struct aggregate_read_source {
	struct span rest;
	size_t piece;
	size_t fails_at; /* bytes left when reading fails; 0: never */
};

static ptrdiff_t
pull(void *arg, char *to, size_t n)
{
	struct aggregate_read_source *s = arg;

	if (s->fails_at > 0 && s->rest.n <= s->fails_at)
		return -1;
	if (n > s->piece)
		n = s->piece;
	if (n > s->rest.n)
		n = s->rest.n;
	if (n > 0)
		memcpy(to, s->rest.p, n);
	s->rest = span_skip(s->rest, n);
	return (ptrdiff_t)n;
}

/* Writes a row as text, so that a table can list what is expected. */
static bool
put_row(void *arg, const struct report_row *r)
{
	struct buf *b = arg;

	buf_text(b, "\n");
	ip_put(b, &r->source);
	buf_byte(b, ' ');
	buf_number(b, r->count);
	buf_printf(b, " %.*s %d%d %.*s<%.*s> spf=%.*s:%.*s:%.*s",
	    SPAN_FMT(r->disposition), r->dkim_aligned, r->spf_aligned,
	    SPAN_FMT(r->header_from), SPAN_FMT(r->envelope_from),
	    SPAN_FMT(r->spf_domain), SPAN_FMT(r->spf_scope),
	    SPAN_FMT(r->spf_result));
	for (size_t i = 0; i < r->n_dkim; i++)
		buf_printf(b, " dkim=%.*s:%.*s:%.*s",
		    SPAN_FMT(r->dkim[i].domain), SPAN_FMT(r->dkim[i].selector),
		    SPAN_FMT(r->dkim[i].result));
	if (r->override.n > 0)
		buf_printf(b, " %.*s(%.*s)", SPAN_FMT(r->override),
		    SPAN_FMT(r->comment));
	return true;
}

static enum read_end
read_aggregate_text(struct span text, size_t piece, struct arena *a,
    struct ledger_received *head, struct buf *rows, char *error)
{
	struct aggregate_read_source s = { .rest = text, .piece = piece };
	const struct read_document d = {
		.pull = pull, .arg = &s, .row = put_row, .row_arg = rows
	};

	return read_document(&d, a, head, error);
}

/* Reads a report, and writes "org id begin-end domain p" and the rows, or the
 * error. */
static void
tell_text(struct span text, size_t piece, struct buf *out)
{
	char memory[TEXT_MAX], error[READ_ERROR_MAX];
	struct buf rows = buf_wrap(memory, sizeof(memory));
	struct arena *a = arena_new(CAP);
	struct ledger_received h;

	if (read_aggregate_text(text, piece, a, &h, &rows, error) == READ_DONE)
		buf_printf(out, "%.*s %.*s %lld-%lld %.*s p=%.*s%.*s",
		    SPAN_FMT(h.organisation), SPAN_FMT(h.report_id),
		    (long long)h.begin, (long long)h.end, SPAN_FMT(h.domain),
		    SPAN_FMT(h.p), SPAN_FMT(buf_view(&rows)));
	else
		buf_text(out, error);
	arena_free(a);
}

/* ---- valid forms and errors ---- */

#define META(ID)                                                               \
	"<report_metadata><org_name>Org</org_name><email>r@org.example"        \
	"</email><report_id>" ID "</report_id><date_range><begin>1767225600"   \
	"</begin><end>1767311999</end></date_range></report_metadata>"
#define POLICY                                                                 \
	"<policy_published><domain>example.com</domain><p>none</p>"            \
	"</policy_published>"
#define EVAL(D, K, S)                                                          \
	"<policy_evaluated><disposition>" D "</disposition><dkim>" K           \
	"</dkim><spf>" S "</spf></policy_evaluated>"
#define ROW(IP, N, E)                                                          \
	"<row><source_ip>" IP "</source_ip><count>" N "</count>" E "</row>"
#define FROM(D) "<identifiers><header_from>" D "</header_from></identifiers>"
#define SPF(D, R)                                                              \
	"<spf><domain>" D "</domain><scope>mfrom</scope><result>" R            \
	"</result></spf>"
#define RECORD(IP, N)                                                          \
	"<record>" ROW(IP, N, EVAL("none", "pass", "pass"))                    \
	    FROM("example.com") "<auth_results><dkim><domain>example.com"      \
				"</domain><selector>s</selector><result>pass"  \
				"</result></dkim>" SPF("example.com",          \
				    "pass") "</auth_results></record>"

#define HEAD "Org 1 1767225600-1767311999 example.com p=none"
#define LINE(IP, N)                                                            \
	"\n" IP " " N " none 11 example.com<> spf=example.com:mfrom:pass "     \
	"dkim=example.com:s:pass"

static const struct {
	const char *name, *text, *want;
} forms[] = {
	{ "RFC 9990",
	    "<?xml version=\"1.0\"?>\n"
	    "<feedback xmlns=\"urn:ietf:params:xml:ns:dmarc-2.0\">"
	    "<version>1.0</version>" META("1") POLICY RECORD("192.0.2.1", "3")
		RECORD("2001:db8::1", "4") "</feedback>",
	    HEAD LINE("192.0.2.1", "3") LINE("2001:db8::1", "4") },
	{ "RFC 7489, no namespace",
	    "<feedback>" META("1")
		POLICY RECORD("192.0.2.1", "3") "</feedback>",
	    HEAD LINE("192.0.2.1", "3") },
	{ "an undeclared prefix",
	    "<d:feedback>" META("1") "<d:policy_published><d:domain>example"
				     ".com</d:domain><d:p>none</d:p>"
				     "</d:policy_published></d:feedback>",
	    HEAD },
	{ "another namespace",
	    "<feedback xmlns:xsi='http://x' xsi:a='http://y z.xsd' "
	    "xmlns='http://dmarc.org/dmarc-xml/0.1'>" META("1") POLICY
	    "</feedback>",
	    HEAD },
	{ "names in another case",
	    "<FeedBack>" META("1") "<POLICY_PUBLISHED><Domain>EXAMPLE.com."
				   "</Domain><P>None</p></Policy_Published>"
				   "</feedback>",
	    HEAD },
	{ "policy after the records",
	    "<feedback>" META("1") RECORD("192.0.2.1", "3") POLICY
	    "</feedback>",
	    HEAD LINE("192.0.2.1", "3") },
	{ "white space everywhere",
	    " \r\n<feedback>\r\n" META(" \n1\t") "<policy_published><domain>"
						 "\n example.com \n</domain>"
						 "<p>\tnone\n</p>"
						 "</policy_published>\n"
						 "</feedback>\n\n",
	    HEAD },
	{ "bytes before and after the document",
	    "\xef\xbb\xbf\n<feedback>" META("1") POLICY "</feedback>\n<x",
	    HEAD },
	{ "unknown elements",
	    "<feedback><x><y>1</y><domain>no</domain></x>" META("1") POLICY
	    "<extension><z/></extension></feedback>",
	    HEAD },
	{ "a schema element that is not closed",
	    "<feedback><xs:schema xmlns:xs='http://x'>" META("1")
		POLICY RECORD("192.0.2.1", "3") "</feedback>",
	    HEAD LINE("192.0.2.1", "3") },
	{ "a schema element around the report",
	    "<?xml version='1.0'?><xs:Schema a='b'>\n<feedback>" META("1")
		POLICY RECORD("192.0.2.1", "3") "</feedback></xs:Schema>",
	    HEAD LINE("192.0.2.1", "3") },
	{ "a schema within the report",
	    "<feedback><xs:schema><xs:element name='record'/></xs:schema>"
	    "<schema/>" META("1") POLICY "</feedback>",
	    HEAD },
	{ "comments, CDATA, instructions",
	    "<!-- a --><?php x?><feedback><!-- <record> & -->" META(
		"<![CDATA[1]]>") POLICY "</feedback>",
	    HEAD },
	{ "a bare & and undeclared entities",
	    "<feedback><report_metadata><org_name>A&T &nbsp; &amp; &#228; "
	    "&#0; &lt;</org_name><report_id>1</report_id><date_range><begin>1"
	    "</begin></date_range></report_metadata>" POLICY "</feedback>",
	    "A&T &nbsp; & \xc3\xa4 ? < 1 1-86400 example.com p=none" },
	{ "bytes that are not UTF-8",
	    "<feedback><report_metadata><org_name>M\xfcller \xc3\xa4 \xc3"
	    "</org_name><report_id>1</report_id><date_range><end>86399</end>"
	    "</date_range></report_metadata>" POLICY "</feedback>",
	    "M?ller \xc3\xa4 ? 1 0-86399 example.com p=none" },
	{ "no organisation, no id",
	    "<feedback><report_metadata><email>r@org.example</email>"
	    "<date_range><begin>86400</begin><end>172799</end></date_range>"
	    "</report_metadata>" POLICY "</feedback>",
	    "r@org.example none, 86400-172799 86400-172799 example.com "
	    "p=none" },
	{ "no policy",
	    "<feedback>" META("1") RECORD("192.0.2.1", "3") "</feedback>",
	    "Org 1 1767225600-1767311999 example.com p=" LINE(
		"192.0.2.1", "3") },
	{ "dates in milliseconds, in the wrong order",
	    "<feedback><report_metadata><org_name>Org</org_name><report_id>1"
	    "</report_id><date_range><begin>1767311999000</begin>"
	    "<end>1767225600.5</end></date_range></report_metadata>" POLICY
	    "</feedback>",
	    HEAD },
	{ "counts",
	    "<feedback>" META("1") POLICY RECORD("192.0.2.1", "1,234")
		RECORD("192.0.2.2", "") RECORD("192.0.2.3", "0")
		    RECORD("192.0.2.4", " 12 ")
			RECORD("192.0.2.5", "7.0") "</feedback>",
	    HEAD LINE("192.0.2.1", "1234") LINE("192.0.2.2", "1")
		LINE("192.0.2.4", "12") LINE("192.0.2.5", "7") },
	{ "addresses",
	    "<feedback>" META("1") POLICY RECORD("[2001:DB8::2]", "1")
		RECORD("fe80::1%eth0", "1") RECORD("::ffff:192.0.2.9", "1")
		    RECORD("nowhere", "1") "</feedback>",
	    HEAD LINE("2001:db8::2", "1") LINE("fe80::1", "1")
		LINE("192.0.2.9", "1") LINE("unknown", "1") },
	{ "an empty record",
	    "<feedback>" META("1") POLICY "<record/></feedback>",
	    HEAD "\nunknown 1 none 00 <> spf=::none" },
	{ "old results, several reasons and SPF results",
	    "<feedback>" META("1") POLICY
	    "<record><row><source_ip>192.0.2.1</source_ip><count>2</count>"
	    "<policy_evaluated><disposition>Quarantine</disposition>"
	    "<dkim>FAIL</dkim><spf> Pass </spf><reason><type>forwarded</type>"
	    "<comment>a\nb</comment></reason><reason><type>other</type>"
	    "</reason></policy_evaluated></row><identities>"
	    "<envelope_to>x</envelope_to><envelope_from>"
	    "bounce@E.Example.com</envelope_from><header_from>"
	    "example.com</header_from></identities><auth_results>"
	    "<spf><domain>helo.example</domain><scope>helo</scope>"
	    "<result>hardfail</result></spf><spf><domain>e.example.com"
	    "</domain><result>unknown</result></spf>"
	    "<dkim><domain>a.example</domain><result>error</result>"
	    "<human_result>x</human_result></dkim><dkim/>"
	    "<dkim><domain>@</domain><result>fail</result></dkim>"
	    "<dkim><domain>b.example</domain><selector>k</selector>"
	    "<result>Pass</result></dkim></auth_results></record></feedback>",
	    HEAD "\n192.0.2.1 2 quarantine 01 example.com<e.example.com> "
		 "spf=e.example.com::temperror dkim=a.example::permerror "
		 "dkim=b.example:k:pass forwarded(a b)" },
	{ "terminal controls in a name",
	    "<feedback><report_metadata><org_name>a\x1b[31m\x7f\xe2\x80\xae"
	    "b</org_name><report_id>1</report_id><date_range><begin>0"
	    "</begin></date_range></report_metadata>" POLICY "</feedback>",
	    "a?[31m????b 1 0-86399 example.com p=none" },
	/* refused documents */
	{ "nothing", "", "not XML" },
	{ "text", "hello", "not XML" },
	{ "another root", "<html><body/></html>",
	    "not an aggregate report: its root is <html>, not <feedback>" },
	{ "cut off", "<feedback>" META("1") POLICY,
	    "it ends before </feedback>: it was cut off" },
	{ "only a schema", "<schema><element/></schema>",
	    "not an aggregate report: its root is <element>, not <feedback>" },
	{ "an empty schema", "<schema></schema>", "not XML" },
	{ "a long name",
	    "<a234567890123456789012345678901234567890123456789012345678901"
	    "2345>",
	    "an element name of more than 64 bytes" },
	{ "cut off in a tag", "<feedback>" META("1") "<pol",
	    "it ends within a tag: it was cut off" },
	{ "no date",
	    "<feedback><report_metadata><org_name>Org</org_name>"
	    "</report_metadata>" POLICY "</feedback>",
	    "its date range is missing" },
	{ "no domain", "<feedback>" META("1") "</feedback>",
	    "its domain is missing" },
	{ "an implausible count",
	    "<feedback>" META("1") POLICY RECORD(
		"192.0.2.1", "99999999999999999999") "</feedback>",
	    "its message count is not plausible" },
	{ "an invalid count",
	    "<feedback>" META("1")
		POLICY RECORD("192.0.2.1", "0x10") "</feedback>",
	    "a message count is not a number" },
	{ "a document type",
	    "<!DOCTYPE feedback SYSTEM 'file:///etc/passwd'>"
	    "<feedback/>",
	    "a document type or entities (<!DOCTYPE, <!ENTITY), which no "
	    "report needs" },
	{ "laughs",
	    "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY a \"lol\">"
	    "<!ENTITY b \"&a;&a;&a;&a;\">]><feedback>&b;</feedback>",
	    "a document type or entities (<!DOCTYPE, <!ENTITY), which no "
	    "report needs" },
	{ "nested",
	    "<feedback><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>",
	    "elements are nested more than 16 levels deep" },
};

static void
check_form(size_t i, size_t piece)
{
	char memory[TEXT_MAX];
	struct buf out = buf_wrap(memory, sizeof(memory));

	tell_text(span_str(forms[i].text), piece, &out);
	if (!span_is(buf_view(&out), forms[i].want))
		fail_msg("%s, by %zu:\n%s\nwant:\n%s", forms[i].name, piece,
		    memory, forms[i].want);
}

static void
test_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		check_form(i, 1);
		check_form(i, 7);
		check_form(i, 100000);
	}
}

/* Either the filter or libxml2 refuses XML that is not well-formed. */
static void
test_not_well_formed(void **state)
{
	static const char *const texts[] = { "<feedback></x></feedback>",
		"<feedback><a></feedback></a>", "<feedback a=\"b\" <x/>",
		"<<feedback>" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		char memory[TEXT_MAX];
		struct buf out = buf_wrap(memory, sizeof(memory));

		tell_text(span_str(texts[i]), 5, &out);
		if (strstr(memory, "well-formed") == NULL)
			fail_msg("%s: %s", texts[i], memory);
	}
}

/* RFC 9990 documents are UTF-8; some programs save them as UTF-16. */
static void
test_utf16(void **state)
{
	const char *text = forms[0].text;
	size_t n = strlen(text);
	char *wide = malloc(2 * n + 2);

	(void)state;
	for (int big = 0; big < 2; big++) {
		char memory[TEXT_MAX];
		struct buf out = buf_wrap(memory, sizeof(memory));

		assert_non_null(wide);
		memcpy(wide, big ? "\xfe\xff" : "\xff\xfe", 2);
		for (size_t i = 0; i < n; i++) {
			wide[2 + 2 * i + (size_t)big] = text[i];
			wide[2 + 2 * i + (size_t)!big] = '\0';
		}
		tell_text(span_of(wide, 2 * n + 2), 3, &out);
		assert_string_equal(memory, forms[0].want);
	}
	free(wide);
}

/* ---- truncation and failures ---- */

static void
test_cut(void **state)
{
	struct span text = span_str(forms[0].text);

	(void)state;
	for (size_t n = 0; n + 10 < text.n; n++) {
		char memory[TEXT_MAX];
		struct buf out = buf_wrap(memory, sizeof(memory));
		char *exact = malloc(n + 1);

		assert_non_null(exact);
		memcpy(exact, text.p, n);
		tell_text(span_of(exact, n), 11, &out);
		if (strstr(memory, "cut off") == NULL &&
		    strcmp(memory, "not XML") != 0)
			fail_msg("cut at %zu: %s", n, memory);
		free(exact);
	}
}

static void
test_broken_source(void **state)
{
	struct span text = span_str(forms[0].text);

	(void)state;
	for (size_t at = 20; at < text.n; at += 13) {
		struct aggregate_read_source s = {
			.rest = text, .piece = 9, .fails_at = at
		};
		const struct read_document d = { .pull = pull, .arg = &s };
		struct arena *a = arena_new(CAP);
		struct ledger_received h;
		char error[READ_ERROR_MAX];

		assert_int_equal(read_document(&d, a, &h, error), READ_BROKEN);
		arena_free(a);
	}
}

static void
test_memory(void **state)
{
	(void)state;
	for (unsigned long nth = 1; nth < 20; nth++) {
		char memory[TEXT_MAX], error[READ_ERROR_MAX];
		struct buf rows = buf_wrap(memory, sizeof(memory));
		struct arena *a = arena_new(CAP);
		struct ledger_received h;
		enum read_end end;

		arena_fail_at(a, nth);
		end = read_aggregate_text(
		    span_str(forms[0].text), 100, a, &h, &rows, error);
		assert_true(end == READ_MEMORY || end == READ_DONE);
		if (nth == 1)
			assert_int_equal(end, READ_MEMORY);
		arena_free(a);
	}
}

static bool
stop_at_second(void *arg, const struct report_row *row)
{
	(void)row;
	return ++*(int *)arg < 2;
}

static void
test_stopped(void **state)
{
	struct aggregate_read_source s = { .rest = span_str(forms[0].text),
		.piece = 100 };
	int rows = 0;
	const struct read_document d = {
		.pull = pull, .arg = &s, .row = stop_at_second, .row_arg = &rows
	};
	struct arena *a = arena_new(CAP);
	struct ledger_received h;
	char error[READ_ERROR_MAX];

	(void)state;
	assert_int_equal(read_document(&d, a, &h, error), READ_STOPPED);
	assert_int_equal(rows, 2);
	arena_free(a);
}

/* ---- bounds ---- */

struct flood {
	const char *begin, *again;
	size_t at, n;
	int64_t left; /* bytes left to write */
};

/* Provides `begin`, and then `again` repeatedly. */
static ptrdiff_t
pull_flood(void *arg, char *to, size_t n)
{
	struct flood *f = arg;
	size_t i;

	for (i = 0; i < n && f->left > 0; i++, f->left--) {
		if (f->at == f->n) {
			f->begin = f->again;
			f->n = strlen(f->again);
			f->at = 0;
		}
		to[i] = f->begin[f->at++];
	}
	return (ptrdiff_t)i;
}

#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct {
	const char *name, *begin, *again, *want;
} floods[] = {
	{ "attributes", "<feedback", " a='b'",
	    "a tag of more than 4096 bytes" },
	{ "one attribute", "<feedback a='", "x>",
	    "a tag of more than 4096 bytes" },
	{ "a text", "<feedback><version>", "1",
	    "character data of more than 64 KiB" },
	{ "text in CDATA", "<feedback><version><![CDATA[", "]",
	    "character data of more than 64 KiB" },
	{ "text in many CDATA sections", "<feedback><version>", "<![CDATA[x]]>",
	    "character data of more than 64 KiB" },
	{ "text of references", "<feedback><version>", "&#65;",
	    "character data of more than 64 KiB" },
	{ "a comment", "<feedback><!--", "- ->",
	    "a comment of more than 64 KiB" },
	{ "an instruction", "<?", "x", "a comment of more than 64 KiB" },
	{ "a name", "<", "feedback", "an element name of more than 64 bytes" },
	{ "junk", "", "junk", "not XML" },
	{ "NULs", "<feedback>", "",
	    "it ends before </feedback>: it was cut "
	    "off" },
	{ "records", "<feedback>", "<record/>",
	    "it has more than 100000 records" },
	{ "bytes", "<feedback>", "<a>" HUNDRED HUNDRED HUNDRED HUNDRED "</a>",
	    "it is larger than 256 MiB" },
};

static void
test_floods(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++) {
		struct flood f = { .begin = floods[i].begin,
			.again = floods[i].again,
			.n = strlen(floods[i].begin),
			.left = floods[i].again[0] == '\0'
			    ? (int64_t)strlen(floods[i].begin)
			    : READ_BYTES_MAX + 10000 };
		const struct read_document d = { .pull = pull_flood,
			.arg = &f };
		struct arena *a = arena_new(CAP);
		struct ledger_received h;
		char error[READ_ERROR_MAX];

		assert_int_equal(read_document(&d, a, &h, error), READ_REFUSED);
		if (strcmp(error, floods[i].want) != 0)
			fail_msg("%s: %s", floods[i].name, error);
		arena_free(a);
	}
}

/* ---- our own reports ---- */

static bool
put_buf(void *arg, struct span bytes)
{
	buf_span(arg, bytes);
	return true;
}

/* Reports that we write, in either format, are read back as the same rows. */
static void
test_own(void **state)
{
	static char memory[64 << 10], text[64 << 10];

	(void)state;
	for (int compat = 0; compat < 2; compat++) {
		struct buf xml = buf_wrap(memory, sizeof(memory));
		struct buf out = buf_wrap(text, sizeof(text));
		const struct aggregate_info info = {
			.compat = (enum aggregate_compat)compat,
			.org_name = SPAN("A & B"),
			.email = SPAN("dmarc@mx.example.org"),
			.report_id = SPAN("id"),
			.begin = 1767225600,
			.end = 1767311999,
			.error = SPAN(""),
			.generator = SPAN("avouch"),
			.domain = SPAN("example.com"),
			.record = SPAN("v=DMARC1; p=quarantine"),
		};
		const struct report_row row = {
			.count = 7,
			.source = { IP_V4, { 192, 0, 2, 1 } },
			.header_from = SPAN("news.example.com"),
			.envelope_from = SPAN("e.example.com"),
			.disposition = SPAN("quarantine"),
			.override = SPAN("mailing_list"),
			.comment = SPAN("a <b>"),
			.spf_domain = SPAN("e.example.com"),
			.spf_scope = SPAN("mfrom"),
			.spf_result = SPAN("softfail"),
			.dkim = { { SPAN("example.com"), SPAN("s1"),
			    SPAN("fail") } },
			.n_dkim = 1,
		};
		struct aggregate *a = aggregate_open(&info, put_buf, &xml);

		for (int i = 0; i < 3; i++)
			assert_true(aggregate_row(a, &row));
		assert_true(aggregate_close(a));
		assert_false(xml.full);
		tell_text(buf_view(&xml), 1000, &out);
#define OWN                                                                    \
	"\n192.0.2.1 7 quarantine 00 news.example.com<e.example.com> "         \
	"spf=e.example.com:mfrom:softfail dkim=example.com:s1:fail "           \
	"mailing_list(a <b>)"
		assert_string_equal(text,
		    "A & B id 1767225600-1767311999 example.com "
		    "p=quarantine" OWN OWN OWN);
	}
}

/* ---- numbers ---- */

static const struct {
	const char *text;
	int64_t want; /* -1: not a time */
} times[] = {
	{ "0", 0 },
	{ " 1767225600\n", 1767225600 },
	{ "1767225600000", 1767225600 },
	{ "1767225600000000", 1767225600 },
	{ "1767225600000000000", 1767225600 },
	{ "1767225600.123", 1767225600 },
	{ "9223372036854775808", -1 },
	{ "", -1 },
	{ "-1", -1 },
	{ "2026-01-01", 1767225600 },
	{ " 2026-01-01T23:59:59Z ", 1767311999 },
	{ "2026-01-01T00:00:00Z.", -1 },
	{ "2026-01-32", -1 },
	{ "12x", -1 },
};

static void
test_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
		int64_t got = -1;

		if (!reported_time(span_str(times[i].text), &got))
			got = -1;
		if (got != times[i].want)
			fail_msg("%s: %lld", times[i].text, (long long)got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_not_well_formed),
		cmocka_unit_test(test_utf16),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_broken_source),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests_name("report_read", tests, NULL, NULL);
}
