/* redact_test.c - removes private data from header fields (RFC 6590). */
#include "report/record/redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"

enum { TEXT_MAX = 4000, HASH_LETTERS = 16, FIELD_MEMORY = 1 << 16 };

static const struct redact key = { .key = { 1, 2 }, .salt = 3 };

/* Writes `text` with "#" in place of each hash (16 hexadecimal digits). */
static void
put_shown(struct buf *b, struct span text)
{
	struct scan s = scan_of(text);

	while (!scan_done(&s)) {
		struct span run = scan_while(&s, ascii_is_xdigit);

		if (run.n == HASH_LETTERS)
			buf_byte(b, '#');
		else
			buf_span(b, run);
		if (!scan_done(&s))
			buf_byte(b, (char)scan_next(&s));
	}
}

struct redact_vector {
	const char *name;
	const char *field; /* contains CRLF for a fold, but has no line end */
	const char *want;  /* NULL: the field is left out */
};

static void
check_redact(const struct redact_vector *v)
{
	char memory[TEXT_MAX], shown_memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct buf shown = buf_wrap(shown_memory, sizeof(shown_memory));
	struct arena *a = arena_new(FIELD_MEMORY);
	struct span all = span_str(v->field);
	size_t colon = span_index(all, ':');
	struct mail_field f = { .raw = all,
		.name = span_first(all, colon),
		.value = span_skip(all, colon + 1) };
	bool told = redact_field(&key, &b, a, &f);

	put_shown(&shown, buf_view(&b));
	if (told != (v->want != NULL) ||
	    (told && strcmp(shown_memory, v->want) != 0))
		fail_msg("%s: got \"%s\"", v->name, shown_memory);
	arena_free(a);
}

static void
check_all(const struct redact_vector *v, size_t n)
{
	for (; n > 0; n--, v++)
		check_redact(v);
}

static void
rfc6590_3_addresses(void **state)
{
	static const struct redact_vector vectors[] = {
		{ "plain", "From: ann@example.com", "From: <#@example.com>\n" },
		{ "a name", "From: \"Ann, Boss\" <ann@example.com> (home)",
		    "From: <#@example.com>\n" },
		{ "many",
		    "To: a@b.example,\r\n C <c@d.example>, g: e@f.example;",
		    "To: <#@b.example>,\n <#@d.example>,\n <#@f.example>\n" },
		{ "quoted", "Sender: \"ann smith\"@example.com",
		    "Sender: <#@example.com>\n" },
		{ "in any case", "REPLY-TO: ann@example.com",
		    "REPLY-TO: <#@example.com>\n" },
		{ "address as a name", "From: ann@a.example <bob@b.example>",
		    "From: <#@a.example>,\n <#@b.example>\n" },
		{ "no address", "From: Ann", NULL },
		{ "empty", "Cc: ", NULL },
		{ "8-bit domain", "From: a@b\xc3\xa4.example",
		    "From: <#@xn--b-0fa.example>\n" },
	};
	(void)state;
	check_all(vectors, ARRAY_SIZE(vectors));
}

static void
rfc6590_3_other_fields(void **state)
{
	static const struct redact_vector vectors[] = {
		{ "no address", "Subject: hello  there",
		    "Subject: hello  there\n" },
		{ "in free text", "Subject: Re: ann@example.com!",
		    "Subject: Re: #@example.com!\n" },
		{ "for and by",
		    "Received: from a (b [192.0.2.1])\r\n\tby c for "
		    "<ann@example.com>;\r\n\tnow",
		    "Received: from a (b [192.0.2.1])\n\tby c for "
		    "<#@example.com>;\n\tnow\n" },
		{ "VERP", "Return-Path: <l-ann=example.com@b.example>",
		    "Return-Path: <#@b.example>\n" },
		{ "quoted", "X: \"ann smith\"@example.com",
		    "X: #@example.com\n" },
		{ "with an escaped quote", "X: \"ann\\\"smith\"@example.com",
		    "X: #@example.com\n" },
		{ "partly quoted", "X: to ann.\"de smith\".x@example.com",
		    "X: to #@example.com\n" },
		{ "within quotes", "X: \"mail ann@example.com now\" a",
		    "X: \"mail #@example.com now\" a\n" },
		{ "two", "X: a@b@c", "X: #@#@c\n" },
		{ "no local part", "X: @b", "X: @b\n" },
		{ "mailto", "List-Post: <mailto:ann@example.com>",
		    "List-Post: <mailto:#@example.com>\n" },
		{ "8-bit and controls",
		    "X: \xc3\xa4\x01\x7fnn@example.com \x80",
		    "X: #@example.com ?\n" },
	};
	(void)state;
	check_all(vectors, ARRAY_SIZE(vectors));
}

static void
rfc6376_3_5_signatures(void **state)
{
	static const struct redact_vector vectors[] = {
		{ "i=", "DKIM-Signature: v=1; i=ann@a.example; b=ab=;",
		    "DKIM-Signature: v=1; i=#@a.example; b=ab=\n" },
		{ "i= without a local part",
		    "DKIM-Signature: v=1; i=@a.example",
		    "DKIM-Signature: v=1; i=@a.example\n" },
		{ "z=",
		    "DKIM-Signature: v=1;\r\n z=To:ann=40a.example|Subject:x"
		    ";\r\n\tb=ab",
		    "DKIM-Signature: v=1;\n\tb=ab\n" },
		{ "z= with space", "DKIM-Signature: z\t=Subject:x; b=",
		    "DKIM-Signature: b=\n" },
		{ "only z=", "DKIM-Signature: z=Subject:x",
		    "DKIM-Signature:\n" },
		{ "ARC", "ARC-Message-Signature: i=1; z=a; b=c",
		    "ARC-Message-Signature: i=1; b=c\n" },
	};
	(void)state;
	check_all(vectors, ARRAY_SIZE(vectors));
}

static void
rfc5322_3_6_4_ids(void **state)
{
	static const struct redact_vector vectors[] = {
		{ "unchanged", "Message-ID: <a.b@example.com>",
		    "Message-ID: <a.b@example.com>\n" },
		{ "id of another message", "In-Reply-To: <a.b@example.com>",
		    "In-Reply-To: <#@example.com>\n" },
	};
	(void)state;
	check_all(vectors, ARRAY_SIZE(vectors));
}

/* A field must neither be split in two nor end the header. */
static void
rfc5322_2_2_3_lines(void **state)
{
	static const struct redact_vector vectors[] = {
		{ "injected", "Subject: a\r\nTo: ann@example.com",
		    "Subject: a\n\tTo: #@example.com\n" },
		{ "empty line", "Subject: a\r\n\r\nbody",
		    "Subject: a\n\t\n\tbody\n" },
		{ "bare LF, bare CR", "Subject: a\nb\rc",
		    "Subject: a\n\tbc\n" },
		{ "line end at the end", "Subject: a\r\n", "Subject: a\n\t\n" },
		{ "a name with a line end", "X\nY: a", "X?Y: a\n" },
	};
	(void)state;
	check_all(vectors, ARRAY_SIZE(vectors));
}

/* RFC 5322 section 2.1.1: truncation must not leave a local part behind. */
static void
rfc5322_2_1_1_long_lines(void **state)
{
	char field[3 * REDACT_LINE_MAX], memory[TEXT_MAX];
	struct arena *a = arena_new(FIELD_MEMORY);

	(void)state;
	for (size_t n = REDACT_LINE_MAX - 30; n < REDACT_LINE_MAX + 5; n++) {
		struct buf text = buf_wrap(field, sizeof(field));
		struct buf b = buf_wrap(memory, sizeof(memory));
		struct mail_field f = { .name = SPAN("X") };

		for (size_t i = 0; i < n; i++)
			buf_byte(&text, i % 10 == 9 ? ' ' : 'x');
		buf_text(&text, n % 2 == 0 ? " secret" : " \"secret\"");
		buf_text(&text, "@example.com\r\n next@example.com");
		f.value = buf_view(&text);
		assert_true(redact_field(&key, &b, a, &f));
		assert_null(strstr(memory, "secr"));
		assert_non_null(strstr(memory, "@example.com\n"));
		assert_true(span_index(buf_view(&b), '\n') <=
		    REDACT_LINE_MAX + HASH_LETTERS);
	}
	arena_free(a);
}

static struct span
hashed(struct redact r, const char *address, char *memory)
{
	struct buf b = buf_wrap(memory, 100);

	redact_address(&r, &b, span_str(address));
	return buf_view(&b);
}

/* RFC 5890 section 2.3.2.1: bytes that are not a U-label become "?". */
static void
rfc5890_2_3_2_1_labels(void **state)
{
	static const struct redact_vector vectors[] = {
		{ "an address",
		    "From: Ann <ann@b\xc3\xbc"
		    "cher.example>",
		    "From: <#@xn--bcher-kva.example>\n" },
		{ "text",
		    "Subject: to ann@b\xc3\xbc"
		    "cher.example, now",
		    "Subject: to #@xn--bcher-kva.example, now\n" },
		{ "nothing follows",
		    "X: ann@b\xc3\xbc"
		    "cher.example",
		    "X: #@xn--bcher-kva.example\n" },
		{ "two",
		    "X: ann@b\xc3\xbc"
		    "cher.example@b.example",
		    "X: #@#@b.example\n" },
		{ "a signature",
		    "DKIM-Signature: d=a.example; "
		    "i=ann@b\xc3\xbc"
		    "cher.example",
		    "DKIM-Signature: d=a.example; "
		    "i=#@xn--bcher-kva.example\n" },
		{ "not UTF-8",
		    "From: ann@b\xfc"
		    "cher.example",
		    "From: <#@b?cher.example>\n" },
		{ "not a label", "Subject: ann@\xe2\x98.example x",
		    "Subject: #@??.example x\n" },
	};
	char memory[100];

	(void)state;
	check_all(vectors, ARRAY_SIZE(vectors));
	assert_true(span_is(span_skip(hashed(key,
					  "ann@b\xc3\xbc"
					  "cher.example",
					  memory),
				HASH_LETTERS),
	    "@xn--bcher-kva.example"));
}

/* If the buffer is too small for the whole field, nothing is written. */
static void
no_room(void **state)
{
	static const char *const fields[] = { "Subject: to ann@example.com now",
		"From: Ann <ann@example.com>, bob@example.com",
		"DKIM-Signature: v=1; i=ann@example.com; b=x" };
	char memory[200];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct span all = span_str(fields[i]);
		size_t colon = span_index(all, ':');
		struct mail_field f = { .name = span_first(all, colon),
			.value = span_skip(all, colon + 1) };
		bool told = false;

		for (size_t size = 1; size < sizeof(memory); size++) {
			struct buf b = buf_wrap(memory, size);
			struct arena *a = arena_new(FIELD_MEMORY);
			bool now = redact_field(&key, &b, a, &f);

			assert_true(now || b.n == 0);
			assert_true(now || !told);
			told = now;
			arena_free(a);
		}
		assert_true(told);
	}
}

/* RFC 6590 section 3: equal strings have equal hashes, but the hashes differ
 * with another key or salt. */
static void
rfc6590_3_hashes(void **state)
{
	char a[100], b[100];
	struct redact other = key;

	(void)state;
	assert_true(span_equal(
	    hashed(key, "ann@a.example", a), hashed(key, "ann@a.example", b)));
	assert_false(span_equal(
	    hashed(key, "ann@a.example", a), hashed(key, "bob@a.example", b)));
	other.salt++;
	assert_false(span_equal(hashed(key, "ann@a.example", a),
	    hashed(other, "ann@a.example", b)));
	other = key;
	other.key.a++;
	assert_false(span_equal(hashed(key, "ann@a.example", a),
	    hashed(other, "ann@a.example", b)));
	assert_true(hashed(key, "postmaster", a).n == HASH_LETTERS);
	assert_true(hashed(key, "", a).n == 0);
	assert_true(span_is(hashed(key, "@a.example", a), "@a.example"));
	assert_true(hashed(key, "a@b>\r\nX: y", a).n > 0);
	assert_null(strchr(a, '\n'));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc6590_3_addresses),
		cmocka_unit_test(rfc6590_3_other_fields),
		cmocka_unit_test(rfc6590_3_hashes),
		cmocka_unit_test(rfc6376_3_5_signatures),
		cmocka_unit_test(rfc5322_3_6_4_ids),
		cmocka_unit_test(rfc5322_2_2_3_lines),
		cmocka_unit_test(rfc5322_2_1_1_long_lines),
		cmocka_unit_test(rfc5890_2_3_2_1_labels),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
