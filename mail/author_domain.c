#include "mail/author_internal.h"

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/scan.h"
#include "lib/utf8.h"

void
author_set_problem(struct author_reading *r, const char *problem)
{
	if (r->problem == NULL)
		r->problem = problem;
}

/* ---- bytes ---- */

static bool
is_name_byte(unsigned char c)
{
	return ascii_is_tag(c) || c == '-' || c == '.';
}

static bool
is_not_name_byte(unsigned char c)
{
	return !is_name_byte(c);
}

/* Whether a byte is a quote, or may belong to a character that programs do not
 * show. */
static bool
is_hidden(unsigned char c)
{
	return c >= 0x80 || c <= 0x20 || span_has(SPAN("'`\"\x7f"), (char)c);
}

/* ---- domains ---- */

/* Returns the size of the dot at the start of `s`, in any form that IDNA (RFC
 * 3490 section 3.1) or Unicode's NFKC maps to "."; 0 if there is none. */
static size_t
dot_size(struct span s)
{
	static const char *const dots[] = { "\xe3\x80\x82", "\xef\xbc\x8e",
		"\xef\xbd\xa1", "\xef\xb9\x92", "\xe2\x80\xa4" };

	if (s.n == 0 || ascii_is_ascii((unsigned char)s.p[0]))
		return s.n > 0 && s.p[0] == '.';
	for (size_t i = 0; i < ARRAY_SIZE(dots); i++)
		if (span_starts_nocase(s, dots[i]))
			return span_str(dots[i]).n;
	return 0;
}

bool
author_is_dotted(struct span word)
{
	for (size_t i = 1; i < word.n; i++) {
		size_t n = dot_size(span_skip(word, i));

		if (n > 0 && i + n < word.n)
			return true;
	}
	return false;
}

struct span
author_trim(struct span word)
{
	while (word.n > 0 && span_has(SPAN("'`*{|/"), (char)word.p[0]))
		word = span_skip(word, 1);
	while (word.n > 0 &&
	    span_has(SPAN("'`*}|/.?~&#-"), (char)word.p[word.n - 1]))
		word.n--;
	return word;
}

/*
 * Whether a label has only letters, digits, hyphens, underscores, visible
 * non-ASCII characters except dots, and, except at its ends, "+", "=", "~",
 * "$".  All programs read such a label as the same name.  Some labels are
 * rejected although domain_normal() would map them.
 */
static bool
is_clean_label(struct span label)
{
	if (utf8_has_invisible(label))
		return false;
	for (size_t i = 0; i < label.n; i++) {
		unsigned char c = (unsigned char)label.p[i];

		if (c < 0x80 && !ascii_is_tag(c) && c != '-' &&
		    (!span_has(SPAN("+=~$"), (char)c) || i == 0 ||
			i + 1 == label.n))
			return false;
		if (dot_size(span_skip(label, i)) > 0)
			return false;
	}
	return label.n > 0;
}

static bool
is_top_label(struct span label)
{
	return ascii_is_alnum((unsigned char)label.p[0]) &&
	    ascii_is_alnum((unsigned char)label.p[label.n - 1]) &&
	    span_all(label, is_name_byte) && !span_has(label, '_');
}

struct span
author_clean_domain(struct arena *a, struct span text)
{
	struct scan s = scan_of(text);
	struct span name;

	do {
		if (!is_clean_label(scan_until(&s, '.')))
			return SPAN_NONE;
		scan_byte(&s, '.');
	} while (!scan_done(&s));
	name = domain_normal(a, text);
	return name.p != NULL && is_top_label(domain_suffix(name, 1))
	    ? name
	    : SPAN_NONE;
}

static bool
has_domain(const struct span *domains, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++)
		if (domain_equal(domains[i], name))
			return true;
	return false;
}

void
author_add_domain(
    struct author_reading *r, struct span *domains, size_t *n, struct span name)
{
	r->named = true;
	if (has_domain(domains, *n, name))
		return;
	if (*n == MAIL_AUTHORS_MAX)
		author_set_problem(r, "more than 8 author domains");
	else
		domains[(*n)++] = name;
}

void
author_add(struct author_reading *r, struct span name)
{
	author_add_domain(r, r->out->domains, &r->out->n_domains, name);
}

void
author_add_possible(struct author_reading *r, struct span text)
{
	struct span name = author_clean_domain(r->a, author_trim(text));

	if (domain_labels(name) > 1)
		author_add_domain(r, r->possible, &r->n_possible, name);
}

/* Some programs end a domain at the first byte not allowed in a host name. */
static void
add_cut(struct author_reading *r, struct span text)
{
	struct scan s = scan_of(text);

	scan_while(&s, is_not_name_byte);
	struct span name = scan_while(&s, is_name_byte);

	if (name.n < text.n)
		author_add_possible(r, name);
}

/* Some programs drop invisible bytes, and all but the first of several dots in
 * a row. */
static void
add_hidden(struct author_reading *r, struct span text)
{
	char shown[AUTHOR_GLUED_MAX + 1];
	struct buf b = buf_wrap(shown, sizeof(shown));
	struct scan s = scan_of(text);

	scan_while(&s, is_not_name_byte);
	for (; !scan_done(&s); scan_next(&s)) {
		unsigned char c = (unsigned char)*s.p;

		if (!is_name_byte(c) && !is_hidden(c))
			break;
		if (is_name_byte(c) &&
		    (c != '.' || (b.n > 0 && shown[b.n - 1] != '.')))
			buf_byte(&b, (char)c);
	}
	author_add_possible(r, buf_view(&b));
}

struct span
author_read_name(struct author_reading *r, struct span text)
{
	struct span name = author_clean_domain(r->a, text);

	r->named = true;
	add_cut(r, text);
	if (name.p == NULL)
		add_hidden(r, text);
	return name;
}
