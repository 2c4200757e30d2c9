#include "report/record/redact.h"

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/address.h"
#include "report/record/row.h"

enum { DOMAIN_MEMORY = 4096 }; /* bytes of memory for making A-labels */

/* ---- text ---- */

struct redactor {
	const struct redact *r; /* NULL: addresses are not replaced */
	struct buf *b;
	size_t line;  /* offset in `b` where the line begins */
	size_t word;  /* offset in `b` where the local part begins if an "@"
	                 follows */
	size_t quote; /* value of `word` at the beginning of the open quoted
	                 string */
	bool in_quote;
	bool is_over; /* the rest of the line is left out */
};

static struct redactor
redactor_of(const struct redact *r, struct buf *b, size_t line)
{
	return (struct redactor){ .r = r, .b = b, .line = line, .word = b->n };
}

/* Replaces everything from offset `from` on with the hash of `local`, which may
 * itself be at the end of `b`. */
static void
put_hash(const struct redact *r, struct buf *b, size_t from, struct span local)
{
	uint64_t hash = hash_span(r->key, local, r->salt);

	buf_cut(b, from);
	buf_printf(b, "%016llx", (unsigned long long)hash);
}

/* Writes a domain in its normal form (domain.h) if it has U-labels and does not
 * need more than `max` bytes.  Returns whether it was written. */
static bool
put_u_labels(struct buf *b, struct span domain, size_t max)
{
	struct arena *a;
	struct span normal;
	bool good;

	if (span_all(domain, ascii_is_print))
		return false;
	a = arena_new(DOMAIN_MEMORY);
	if (a == NULL)
		return false;
	normal = domain_normal(a, domain);
	good = normal.p != NULL && normal.n <= max &&
	    span_all(normal, ascii_is_print);
	if (good)
		buf_span(b, normal);
	arena_free(a);
	return good;
}

static void
put_domain(struct buf *b, struct span domain)
{
	if (!put_u_labels(b, domain, DOMAIN_MAX))
		report_put_clean(b, domain, REPORT_NAME_MAX, false);
}

/* Characters that end an unquoted local part; "=" does not end one. */
static bool
is_delimiter(char c)
{
	return span_has(SPAN(" \t<>()[],;:"), c);
}

/* Begins the next line.  Without white space at its beginning, it would begin
 * a new field (RFC 5322 section 2.2.3), so a tab is added if necessary. */
static void
begin_line(struct redactor *w, struct span rest)
{
	buf_byte(w->b, '\n');
	w->line = w->b->n;
	if (rest.n == 0 || !ascii_is_wsp((unsigned char)rest.p[0]))
		buf_byte(w->b, '\t');
	w->word = w->b->n;
	w->in_quote = w->is_over = false;
}

/* Ends the output of a line that is cut.  The cut may be inside an address, so
 * a possible beginning of a local part is removed too. */
static void
end_line(struct redactor *w)
{
	if (!w->is_over)
		buf_cut(w->b, w->in_quote ? w->quote : w->word);
	w->is_over = true;
}

static void
put_quote(struct redactor *w)
{
	if (w->in_quote)
		w->word = w->quote; /* john."the doe"@example.com */
	else
		w->quote = w->word;
	w->in_quote = !w->in_quote;
	buf_byte(w->b, '"');
}

static bool
ends_domain(unsigned char c)
{
	return is_delimiter((char)c) || c == '@' || c == '"' || c < ' ';
}

/* Writes "@" and the domain; `rest` follows the "@".  Returns how much of
 * `rest` was written. */
static size_t
put_at(struct redactor *w, struct span rest)
{
	struct span local = span_skip(buf_view(w->b), w->word);
	size_t n = 0, used;

	if (w->r != NULL && local.n > 0)
		put_hash(w->r, w->b, w->word, local);
	buf_byte(w->b, '@');
	w->word = w->b->n;
	while (n < rest.n && !ends_domain((unsigned char)rest.p[n]))
		n++;
	used = w->b->n - w->line;
	return used < REDACT_LINE_MAX &&
		put_u_labels(w->b, span_first(rest, n), REDACT_LINE_MAX - used)
	    ? n
	    : 0;
}

static void
put_byte(struct redactor *w, char c)
{
	buf_byte(w->b, ascii_is_print((unsigned char)c) || c == '\t' ? c : '?');
	if (is_delimiter(c))
		w->word = w->b->n;
}

static void
put_text(struct redactor *w, struct span text)
{
	for (; text.n > 0; text = span_skip(text, 1)) {
		char c = text.p[0];

		if (c == '\n')
			begin_line(w, span_skip(text, 1));
		else if (w->is_over || w->b->n - w->line >= REDACT_LINE_MAX)
			end_line(w);
		else if (c == '\r')
			continue;
		else if (c == '@')
			text = span_skip(text, put_at(w, span_skip(text, 1)));
		else if (c == '"')
			put_quote(w);
		else
			put_byte(w, c);
	}
}

void
redact_text(const struct redact *r, struct buf *b, struct span text)
{
	struct redactor w = redactor_of(r, b, b->n);

	put_text(&w, text);
}

/* ---- addresses ---- */

void
redact_address(const struct redact *r, struct buf *b, struct span address)
{
	struct span local;
	struct span domain = mail_envelope_domain(address, &local);

	if (domain.p == NULL) /* "postmaster" */
		local = address;
	if (local.n > 0)
		put_hash(r, b, b->n, local);
	if (domain.p != NULL) {
		buf_byte(b, '@');
		put_domain(b, domain);
	}
}

/* Writes the addresses without display names. */
static bool
put_addresses(struct redactor *w, struct arena *a, const struct mail_field *f)
{
	struct mail_address_list list = mail_address_list_of(f->value, a);
	struct mail_address one;
	size_t n = 0;

	while (n < REDACT_ADDRESSES_MAX &&
	    mail_address_next(&list, &one) == ADDRESS_ONE) {
		buf_text(w->b, n++ > 0 ? ",\n <" : " <");
		put_hash(w->r, w->b, w->b->n, one.local);
		buf_byte(w->b, '@');
		put_domain(w->b, one.domain);
		buf_byte(w->b, '>');
	}
	return n > 0;
}

/* ---- signatures ---- */

/* RFC 6376 section 3.5: z= contains copies of header fields, so it is left out;
 * i= contains an address. */
static bool
put_signature(struct redactor *w, struct arena *a, const struct mail_field *f)
{
	struct scan s = scan_of(f->value);
	bool first = true;

	(void)a;
	while (!scan_done(&s)) {
		struct span tag = scan_until(&s, ';');
		size_t equals = span_index(tag, '=');

		scan_byte(&s, ';');
		if (span_is(span_trim(span_first(tag, equals)), "z"))
			continue;
		if (!first)
			buf_byte(w->b, ';');
		first = false;
		put_text(w, span_first(tag, equals + 1));
		w->word = w->b->n;
		put_text(w, span_skip(tag, equals + 1));
	}
	return true;
}

/* ---- fields ---- */

static bool
put_plain(struct redactor *w, struct arena *a, const struct mail_field *f)
{
	(void)a;
	put_text(w, f->value);
	return true;
}

/* Writes a field that contains no personal data and that the sender needs in
 * order to find the message. */
static bool
put_as_is(struct redactor *w, struct arena *a, const struct mail_field *f)
{
	w->r = NULL;
	return put_plain(w, a, f);
}

typedef bool field_writer(
    struct redactor *w, struct arena *a, const struct mail_field *f);

static const struct kind {
	const char *name;
	field_writer *put;
} kinds[] = {
	{ "From", put_addresses },
	{ "Sender", put_addresses },
	{ "Reply-To", put_addresses },
	{ "To", put_addresses },
	{ "Cc", put_addresses },
	{ "Bcc", put_addresses },
	{ "Resent-From", put_addresses },
	{ "Resent-Sender", put_addresses },
	{ "Resent-To", put_addresses },
	{ "Resent-Cc", put_addresses },
	{ "DKIM-Signature", put_signature },
	{ "ARC-Message-Signature", put_signature },
	{ "Message-ID", put_as_is },
	{ "Resent-Message-ID", put_as_is },
};

static field_writer *
writer_of(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (span_is_nocase(name, kinds[i].name))
			return kinds[i].put;
	return put_plain;
}

bool
redact_field(const struct redact *r, struct buf *b, struct arena *a,
    const struct mail_field *f)
{
	size_t from = b->n;
	struct redactor w;
	bool good;

	report_put_clean(b, f->name, REDACT_NAME_MAX, false);
	buf_byte(b, ':');
	w = redactor_of(r, b, from);
	good = writer_of(f->name)(&w, a, f);
	buf_byte(b, '\n');
	/* A string that was cut may end in an unrecognized local part. */
	good = good && !b->full;
	if (!good)
		buf_cut(b, from);
	return good;
}
