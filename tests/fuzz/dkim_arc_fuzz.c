/*
 * dkim_arc_fuzz.c - edits a message with a chain of three ARC sets as the input
 * directs.  If the chain still passes, nothing that it covers may have changed:
 * the fields of its sets, the signed fields, and the body, each in a canonical
 * form computed by simple code that dkim/ does not use.  The result must not
 * depend on how the body is split.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "tests/support/dkim_run.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"

enum {
	INPUT_MAX = 256,
	SETS = 3,
	EDITS_MAX = 8,
	EDIT_SIZE = 4, /* operation, position (two bytes), length */
	MESSAGE_MAX = 16384,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const signed_names[] = { "From", "To", "Subject" };
static const char plain[] = "From: Ann <ann@example.com>\r\n"
			    "To: list@one.example\r\n"
			    "Subject:  minutes of\r\n the meeting\r\n"
			    "\r\n"
			    "Hello  list,\r\n\r\nthe minutes.\r\n";

/* ---- the original chain ---- */

static struct {
	struct dns_source *zone;
	char *message;
	struct arena *a;
	struct mail_header header;
	struct span body;
} good;

static struct test_key *
dkim_arc_key_of(unsigned instance)
{
	return instance == 2 ? sign_ed25519(1) : sign_rsa(1024, instance);
}

static void
make_good(void)
{
	char zone[8192];
	struct buf lines = buf_wrap(zone, sizeof(zone));
	size_t at;

	good.message = strdup(plain);
	for (unsigned i = 1; i <= SETS; i++) {
		char domain[40], name[80];
		char *record = sign_record(dkim_arc_key_of(i)), *line, *sealed;

		snprintf(domain, sizeof(domain), "s%u.example", i);
		snprintf(name, sizeof(name), "arc._domainkey.%s", domain);
		line = sign_zone_line(name, record);
		buf_text(&lines, line);
		sealed = sign_arc(dkim_arc_key_of(i), i,
		    i == 1 ? "none" : "pass", domain, "spf=pass; dmarc=pass",
		    "c=relaxed/relaxed; h=from:to:subject", good.message);
		free(good.message);
		good.message = sealed;
		free(line);
		free(record);
	}
	assert(!lines.full);
	good.zone = pump_zone(zone);
	good.a = arena_new(1 << 20);
	at = mail_header_read(&good.header, good.a, span_str(good.message));
	good.body = span_skip(span_str(good.message), at);
}

/* ---- edits ---- */

struct dkim_arc_fuzz_message {
	char p[MESSAGE_MAX];
	size_t n;
};

/* Returns the offset of the `nth` field, or of the empty line after the
 * last. */
static size_t
field_at(const struct dkim_arc_fuzz_message *m, size_t nth)
{
	struct span all = span_of(m->p, m->n);
	struct scan s = mail_header_open(all);
	struct span name, value;
	const char *at = all.p;

	for (size_t i = 0; i < nth; i++) {
		if (!mail_header_next(&s, &name, &value))
			break;
		at = s.p;
	}
	return (size_t)(at - all.p);
}

static void
take_out(struct dkim_arc_fuzz_message *m, size_t at, size_t n)
{
	memmove(m->p + at, m->p + at + n, m->n - at - n);
	m->n -= n;
}

static void
put_in(struct dkim_arc_fuzz_message *m, size_t at, const char *p, size_t n)
{
	if (n > MESSAGE_MAX - m->n)
		return;
	memmove(m->p + at + n, m->p + at, m->n - at);
	memcpy(m->p + at, p, n);
	m->n += n;
}

/* Moves or copies field number `from` to a position before field number
 * `to`. */
static void
carry(struct dkim_arc_fuzz_message *m, size_t from, size_t to, bool keep)
{
	char field[MESSAGE_MAX];
	size_t at = field_at(m, from);
	size_t n = field_at(m, from + 1);

	n = n > at ? n - at : 0;
	memcpy(field, m->p + at, n);
	if (!keep)
		take_out(m, at, n);
	put_in(m, field_at(m, to), field, n);
}

static void
edit(struct dkim_arc_fuzz_message *m, const uint8_t *e)
{
	static const char pieces[][24] = { "\r\n ", " ", "\n", "\r", "; ", "=",
		"i=1; ", "cv=pass", "ARC-Seal: i=4;", "From: <x@y.example>\r\n",
		"l=3; ", "h=from; " };
	size_t at = m->n > 0 ? (size_t)(e[1] << 8 | e[2]) % m->n : 0;
	size_t n = e[3] < m->n - at ? e[3] : m->n - at;
	const char *piece = pieces[e[3] % ARRAY_SIZE(pieces)];

	switch (e[0] % 7) {
	case 0:
		if (at < m->n)
			m->p[at] = (char)e[3];
		break;
	case 1:
		take_out(m, at, n);
		break;
	case 2:
		put_in(m, at, piece, strlen(piece));
		break;
	case 3:
		put_in(m, field_at(m, e[1]), piece, strlen(piece));
		break;
	case 4:
		carry(m, e[1], e[2], false);
		break;
	case 5:
		carry(m, e[1], e[2], true);
		break;
	case 6:
		at = field_at(m, e[1]);
		take_out(m, at, field_at(m, (size_t)e[1] + 1) - at);
		break;
	}
}

/* ---- checks of a passing chain ---- */

/* If `but_b` is set, ignores the value of b=, which is the last tag. */
static bool
same_field(struct span a, struct span b, bool but_b)
{
	char *x = sign_header_field(true, a), *y = sign_header_field(true, b);
	const char *at = but_b ? strstr(x, "; b=") : NULL;
	bool same = at != NULL ? strncmp(x, y, (size_t)(at - x) + 4) == 0
			       : strcmp(x, y) == 0;

	free(x);
	free(y);
	return same;
}

/* Only these names are ARC fields (RFC 8617 section 4.1); other names with the
 * same prefix have no meaning. */
static bool
is_arc(const struct mail_field *f)
{
	return span_is_nocase(f->name, "ARC-Seal") ||
	    span_is_nocase(f->name, "ARC-Message-Signature") ||
	    span_is_nocase(f->name, "ARC-Authentication-Results");
}

/* Returns the instance of an ARC field of the original message. */
static unsigned
instance_of(const struct mail_field *f)
{
	size_t at = span_index(f->value, '=');

	return (unsigned)(f->value.p[at + 1] - '0');
}

/*
 * Checks that sets 1 to `n` are present, each field once, and that there is no
 * other ARC field.  The b= of the last seal, which no other seal covers, may
 * contain additional white space and bytes that base64 ignores.
 */
static void
check_sets(const struct mail_header *h, unsigned n)
{
	size_t fields = 0;

	for (size_t i = 0; i < h->n; i++)
		fields += is_arc(&h->fields[i]);
	assert(fields == (size_t)3 * n);
	for (size_t i = 0; i < good.header.n; i++) {
		const struct mail_field *f = &good.header.fields[i];
		size_t found = 0;

		if (!is_arc(f) || instance_of(f) > n)
			continue;
		for (size_t k = 0; k < h->n; k++)
			found += same_field(f->raw, h->fields[k].raw,
			    instance_of(f) == n &&
				span_is(f->name, "ARC-Seal"));
		assert(found == 1);
	}
}

/* Returns the last field of that name, as in RFC 6376 section 5.4.2. */
static struct span
last_field(const struct mail_header *h, const char *name)
{
	struct span raw = SPAN("none:");

	for (size_t i = 0; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, name))
			raw = h->fields[i].raw;
	return raw;
}

static void
check_message(const struct mail_header *h, struct span body)
{
	size_t n, n_good;
	char *got = sign_body(true, body, -1, &n);
	char *want = sign_body(true, good.body, -1, &n_good);

	assert(n == n_good && memcmp(got, want, n) == 0);
	free(got);
	free(want);
	for (size_t i = 0; i < ARRAY_SIZE(signed_names); i++)
		assert(same_field(last_field(h, signed_names[i]),
		    last_field(&good.header, signed_names[i]), false));
	assert(mail_header_count(h, "From") == 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dkim_run whole = { .with_arc = true };
	struct dkim_run cut = { .with_arc = true };
	struct dkim_arc_fuzz_message m;
	struct span text;

	if (size < 1 || size > INPUT_MAX)
		return 0;
	if (good.message == NULL)
		make_good();
	m.n = strlen(good.message);
	memcpy(m.p, good.message, m.n);
	for (size_t i = 0; i < EDITS_MAX && size > (i + 1) * EDIT_SIZE; i++)
		edit(&m, data + 1 + i * EDIT_SIZE);
	text = span_of(m.p, m.n);
	cut.step = 1 + data[0] % 16;
	dkim_run(&whole, text, good.zone);
	dkim_run(&cut, text, good.zone);
	assert(whole.chain.code == cut.chain.code);
	assert(whole.chain.oldest_pass == cut.chain.oldest_pass);
	assert(span_equal(whole.chain.reason, cut.chain.reason));
	assert(size > EDIT_SIZE || whole.chain.code == ARC_PASS);
	if (whole.chain.code == ARC_PASS) {
		struct mail_header h = { .n = 0 };
		size_t at = mail_header_read(&h, whole.a, text);

		check_sets(&h, whole.chain.instances);
		check_message(&h, span_skip(text, at));
	}
	dkim_run_end(&whole);
	dkim_run_end(&cut);
	return 0;
}
