/*
 * The rule.  Whoever sends a message writes the From field, and programs differ
 * in how they read a strange one.  If any program could show an address of a
 * domain, or an MTA could rewrite the field to it, then that domain is among
 * the authors, all of which must pass, or the field is invalid.
 *
 * 1. VALID: one field, valid by RFC 5322 and 6532 with the obsolete forms.  The
 *    domain of each mailbox is an author.  Some programs decode encoded words
 *    before they parse, take a full-width "@" for "@", look into a quoted local
 *    part, or end a domain at white space.  A domain that they would find is a
 *    possible author.  Quoted display names and comments are not looked into,
 *    unless they are in several lines, or there are groups.
 * 2. SLOPPY: one field that is not valid, but in which every "@", wherever it
 *    is, belongs to a clean address, and all of them have one domain.
 *    - An "@" before a word without a dot names nobody, "News @ Acme <a@b.cc>".
 *      Some programs drop white space or comments behind such a word and may
 *      still find a domain, which is a possible author.
 *    - "%" counts like "@" if a dotted name follows, and "!" and "^" if one
 *      precedes: MTAs rewrite "alice%b.example" and "b.example!alice".
 *    - Angle brackets must hold a clean address.
 *    - A route, "<@a.example:joe@b.example>", names what follows the colon.
 * 3. INVALID: everything else.
 *
 * A domain is clean if DNS can hold it and its top label is of letters, digits
 * and hyphens: "a+b.bank.example" is below bank.example, and what is in no name
 * ("bank.example'", "bank..example", invisible characters) is not clean.
 */
#include "mail/author.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/utf8.h"
#include "mail/address.h"
#include "mail/rfc2047.h"
#include "mail/lex.h"

enum { GLUED_MAX = 1024 }; /* bytes of a domain in pieces; as UTF-8 */

#define NOT_VALID "the From field is not valid"
#define TOO_LONG "the From field is too long"

struct author_reading {
	struct mail_from *out;
	struct arena *a;
	const char *problem; /* the first one found; NULL: none */
	size_t n_bytes, n_signs;
	bool valid;          /* the field that is read, by its grammar */
	bool has_group;      /* it has */
	bool lone;           /* a mailbox's domain has no dot */
	bool named;          /* something may be shown as a domain */
	struct span address; /* the domain that clean addresses of a field
	                        that is not valid have, in normal form */
	struct span possible[MAIL_AUTHORS_MAX]; /* not of an address */
	size_t n_possible;
};

static void
set_problem(struct author_reading *r, const char *problem)
{
	if (r->problem == NULL)
		r->problem = problem;
}

/* ---- bytes ---- */

/* Of a word: what may be in a name or a local part for some program. */
static bool
is_word(unsigned char c)
{
	return ascii_is_atext(c) ? !span_has(SPAN("%!^"), (char)c) : c == '.';
}

static bool
is_control(unsigned char c)
{
	return c == 0x7f || (c < 0x20 && !ascii_is_space(c));
}

/* What some programs drop or skip inside an address. */
static bool
is_dropped(unsigned char c)
{
	return span_has(SPAN("\"\\[]%!^:>)"), (char)c) || is_control(c);
}

/* What must not be between the parts of one. */
static bool
is_unclean(unsigned char c)
{
	return c == '@' || c == '(' || is_dropped(c);
}

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

/* What is not shown, and quotes. */
static bool
is_hidden(unsigned char c)
{
	return c >= 0x80 || c <= 0x20 || span_has(SPAN("'`\"\x7f"), (char)c);
}

static bool
is_comma(unsigned char c)
{
	return c == ',' || c == ';';
}

/* ---- domains ---- */

/*
 * Bytes of the dot in front of `s`, in the forms that IDNA (RFC 3490 section
 * 3.1) and Unicode's NFKC know; 0: there is none.
 */
static size_t
dot_size(struct span s)
{
	static const char *const dots[] = { ".", "\xe3\x80\x82", "\xef\xbc\x8e",
		"\xef\xbd\xa1", "\xef\xb9\x92", "\xe2\x80\xa4" };

	for (size_t i = 0; i < ARRAY_SIZE(dots); i++)
		if (span_starts_nocase(s, dots[i]))
			return span_str(dots[i]).n;
	return 0;
}

/* There is a dot with something on both sides. */
static bool
is_dotted(struct span word)
{
	for (size_t i = 1; i < word.n; i++) {
		size_t n = dot_size(span_skip(word, i));

		if (n > 0 && i + n < word.n)
			return true;
	}
	return false;
}

/* Without the punctuation that text has around an address. */
static struct span
without_punctuation(struct span word)
{
	while (word.n > 0 && span_has(SPAN("'`*{|/"), (char)word.p[0]))
		word = span_skip(word, 1);
	while (word.n > 0 &&
	    span_has(SPAN("'`*}|/.?~&#-"), (char)word.p[word.n - 1]))
		word.n--;
	return word;
}

/*
 * Letters, digits, hyphens, underscores, and inside it "+", "=", "~", "$".  No
 * program reads another name in it; domain_normal() would map some of those
 * that are refused here.
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

/* The normal form of a clean domain; absent: it is not clean, or no room. */
static struct span
clean_domain(struct arena *a, struct span text)
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

static void
add_domain(
    struct author_reading *r, struct span *domains, size_t *n, struct span name)
{
	r->named = true;
	if (has_domain(domains, *n, name))
		return;
	if (*n == MAIL_AUTHORS_MAX)
		set_problem(r, "more than 8 author domains");
	else
		domains[(*n)++] = name;
}

/* The domain of an address. */
static void
add_author(struct author_reading *r, struct span name)
{
	add_domain(r, r->out->domains, &r->out->n_domains, name);
}

static void
add_if_dotted(struct author_reading *r, struct span text)
{
	struct span name = clean_domain(r->a, without_punctuation(text));

	if (domain_labels(name) > 1)
		add_domain(r, r->possible, &r->n_possible, name);
}

/* Some programs end a domain at the first byte that is not of a host name. */
static void
add_cut(struct author_reading *r, struct span text)
{
	struct scan s = scan_of(text);

	scan_while(&s, is_not_name_byte);
	struct span name = scan_while(&s, is_name_byte);

	if (name.n < text.n)
		add_if_dotted(r, name);
}

/* And some drop what cannot be seen, and doubled dots. */
static void
add_hidden(struct author_reading *r, struct span text)
{
	char shown[GLUED_MAX + 1];
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
	add_if_dotted(r, buf_view(&b));
}

/* The clean domain of `text`, or none; adds what else may be taken for it. */
static struct span
read_name(struct author_reading *r, struct span text)
{
	struct span name = clean_domain(r->a, text);

	r->named = true;
	add_cut(r, text);
	if (name.p == NULL)
		add_hidden(r, text);
	return name;
}

/* ---- what "@", "%" and "!" name ---- */

/* A clean address of a field that is not valid. */
static void
add_address(struct author_reading *r, struct span name)
{
	if (r->address.p == NULL)
		r->address = name;
	else if (!domain_equal(r->address, name))
		set_problem(r, NOT_VALID " and names several domains");
	add_author(r, name);
}

/* `word` is used as a domain and has a dot. */
static void
add_named(struct author_reading *r, struct span word)
{
	struct span name = read_name(r, word);

	if (r->valid)
		add_if_dotted(r, name);
	else if (name.p == NULL)
		set_problem(r, NOT_VALID);
	else
		add_address(r, name);
}

static void
keep_first(struct author_reading *r, struct span local, struct span domain)
{
	struct buf b;

	if (r->out->first.p != NULL)
		return;
	b = buf_alloc(r->a, local.n + domain.n + 2);
	buf_span(&b, local);
	buf_byte(&b, '@');
	buf_span(&b, domain);
	if (!b.full)
		r->out->first = buf_view(&b);
}

/* Comments and white space, which in decoded text may be bare line ends. */
static void
skip_cfws(struct scan *s)
{
	do {
		scan_while(s, ascii_is_space);
	} while (mail_skip_comment(s));
}

/* No word is hidden behind what follows a domain at once: `b"an"k`, `b(x)ank`.
 */
static bool
ends_cleanly(struct scan at)
{
	const char *from = at.p;

	if (!scan_done(&at) && ascii_is_space((unsigned char)*at.p))
		return true;
	for (;;) {
		struct scan comment = at;

		if (scan_peek(&at) == '(' && mail_skip_comment(&comment))
			at = comment;
		else if (scan_byte(&at, '\\'))
			scan_next(&at);
		else if (scan_while(&at, is_unclean).n == 0)
			break;
	}
	return at.p == from || scan_done(&at) || !is_word((unsigned char)*at.p);
}

/* A dot, unless there is one. */
static void
put_blank(struct buf *b)
{
	if (b->n > 0 && b->p[b->n - 1] != '.')
		buf_byte(b, '.');
}

/* How programs go on with a domain behind white space and comments. */
enum {
	GLUE_ANY = 1,      /* not only at a dot */
	GLUE_LINES = 2,    /* behind line ends too */
	GLUE_CONTROLS = 4, /* behind what is_control() */
	GLUE_DROPPED = 8,  /* behind what is_dropped() */
	GLUE_DOT = 16,     /* with a dot for the white space */

	GLUE_VARIANTS = 16, /* of the first four */
	GLUE_SENDMAIL = GLUE_DOT | GLUE_ANY | GLUE_LINES, /* its BlankSub */
};

static void
skip_glued(struct scan *s, unsigned how)
{
	bool lines = (how & GLUE_LINES) != 0;

	do {
		scan_while(s, lines ? ascii_is_space : ascii_is_wsp);
	} while (mail_skip_comment(s) ||
	    ((how & GLUE_CONTROLS) != 0 && scan_while(s, is_control).n > 0) ||
	    ((how & GLUE_DROPPED) != 0 && scan_while(s, is_dropped).n > 0));
}

static void
add_glued(
    struct author_reading *r, struct scan at, struct span word, unsigned how)
{
	char text[GLUED_MAX + 1];
	struct buf b = buf_wrap(text, sizeof(text));
	size_t first = word.n;

	do {
		bool after_dot = word.n == 0 || word.p[word.n - 1] == '.';

		if ((how & GLUE_DOT) != 0)
			put_blank(&b);
		buf_span(&b, word);
		skip_glued(&at, how);
		if ((how & GLUE_ANY) == 0 && !after_dot &&
		    scan_peek(&at) != '.')
			break;
		word = scan_while(&at, is_word);
	} while (word.n > 0 && !b.full);
	if (b.full)
		set_problem(r, TOO_LONG);
	if (b.n > first && is_dotted(buf_view(&b)))
		add_if_dotted(r, read_name(r, buf_view(&b)));
}

/* `word` and what follows it as a domain in pieces. */
static void
add_pieces(struct author_reading *r, struct scan at, struct span word)
{
	for (unsigned how = 0; how < GLUE_VARIANTS; how++)
		add_glued(r, at, word, how);
	if (!r->valid)
		add_glued(r, at, word, GLUE_SENDMAIL);
}

/* A comment in front of a domain may be taken for it. */
static void
read_first_comment(struct author_reading *r, struct scan *at)
{
	struct scan inside = *at;
	struct span name;

	if (scan_byte(&inside, '(')) {
		scan_while(&inside, ascii_is_space);
		name = without_punctuation(scan_while(&inside, is_word));
		if (is_dotted(name))
			add_named(r, name);
	}
	skip_cfws(at);
}

/* Some programs take "@;b.example" for an address.  False: no such thing here.
 */
static bool
skip_commas(struct scan *s)
{
	struct scan at = *s;

	if (scan_while(&at, is_comma).n == 0 || scan_done(&at) ||
	    !(is_word((unsigned char)*at.p) ||
		is_dropped((unsigned char)*at.p)))
		return false;
	*s = at;
	return true;
}

/*
 * `at` is behind an "@", `local` is the word in front of it.  By the obsolete
 * syntax of RFC 5322 section 4.4, a domain may be in pieces around its dots;
 * Python's email package joins any pieces ("ba nk.example").
 */
static void
read_after_at(struct author_reading *r, struct scan at, struct span local)
{
	struct span word, name;
	bool clean;

	scan_while(&at, ascii_is_space);
	read_first_comment(r, &at);
	clean = !skip_commas(&at);
	word = scan_while(&at, is_word);
	name = without_punctuation(word);
	if (is_dotted(name)) {
		keep_first(r, local, name);
		add_named(r, name);
	}
	if (!r->valid && !(clean && ends_cleanly(at))) {
		r->named = true;
		set_problem(r, NOT_VALID);
	}
	add_pieces(r, at, word);
}

static bool
is_local(unsigned char c)
{
	return c == '.' || ascii_is_atext(c);
}

/* `at` is in a local part: "joe%x.example@example.com" is of example.com. */
static bool
is_in_local_part(struct scan at)
{
	scan_while(&at, is_local);
	skip_cfws(&at);
	if (!scan_byte(&at, '@'))
		return false;
	skip_cfws(&at);
	return !scan_done(&at) && is_word((unsigned char)*at.p);
}

/* `at` is behind a "%", `local` is the name in front of it. */
static void
read_after_percent(struct author_reading *r, struct scan at, struct span local)
{
	struct span word, name;

	skip_cfws(&at);
	if (is_in_local_part(at))
		return;
	skip_glued(&at, GLUE_LINES | GLUE_DROPPED);
	word = scan_while(&at, is_word);
	name = without_punctuation(word);
	if (is_dotted(name)) {
		keep_first(r, local, name);
		add_named(r, name);
	}
	add_pieces(r, at, word);
}

/* `at` is behind a "!" or "^", `before` is the name in front of it, `words` are
 * all the words there. */
static void
read_bang(struct author_reading *r, struct scan at, struct span before,
    struct span words)
{
	struct span name = without_punctuation(before);
	struct span local;

	skip_cfws(&at);
	if (is_in_local_part(at))
		return;
	local = scan_while(&at, is_word);
	if (local.n == 0 &&
	    (scan_done(&at) || !is_dropped((unsigned char)*at.p)))
		return;
	if (is_dotted(name)) {
		keep_first(r, local, name);
		add_named(r, name);
	}
	add_if_dotted(r, words);
}

/* obs-route of RFC 5322 section 4.4, behind "<"; the cursor stays if there is
 * none. */
static void
skip_route(struct scan *s)
{
	struct scan at = *s;
	bool any = false;

	for (;;) {
		scan_while(&at, ascii_is_space);
		if (scan_byte(&at, ','))
			continue;
		if (!scan_byte(&at, '@'))
			break;
		scan_while(&at, ascii_is_space);
		if (scan_while(&at, is_word).n == 0)
			return;
		any = true;
	}
	if (any && scan_byte(&at, ':'))
		*s = at;
}

/* Behind "<" and a route: an address and ">", or the end of the field. */
static bool
is_clean_angle(struct author_reading *r, struct scan at)
{
	struct span word;

	scan_fws(&at);
	if (scan_byte(&at, '<')) /* some programs write "<<joe@b.example>>" */
		scan_fws(&at);
	if (!mail_quoted(&at, &word) && scan_while(&at, is_local).n == 0)
		return false;
	if (!scan_byte(&at, '@'))
		return false;
	word = scan_while(&at, is_word);
	if (clean_domain(r->a, word).p == NULL || !mail_skip_cfws(&at))
		return false;
	return scan_done(&at) ||
	    (scan_byte(&at, '>') &&
		(scan_done(&at) || !is_word((unsigned char)*at.p)));
}

/* In a field that is not valid. */
static void
check_angles(struct author_reading *r, struct span value)
{
	struct scan s = scan_of(value);

	for (;;) {
		scan_until(&s, '<');
		if (!scan_byte(&s, '<'))
			return;
		skip_route(&s);
		if (!is_clean_angle(r, s)) {
			set_problem(r, NOT_VALID);
			return;
		}
	}
}

static bool
is_too_many(struct author_reading *r)
{
	if (r->n_signs++ < MAIL_AUTHOR_SIGNS_MAX)
		return false;
	set_problem(r, TOO_LONG);
	return true;
}

/* Parentheses are nested deeper than comments may be, with or without the
 * backslashes. */
static bool
is_deep(struct span text)
{
	struct scan s = scan_of(text);
	size_t depth = 0;

	while (!scan_done(&s)) {
		int c = scan_next(&s);

		if (c == '\\')
			scan_byte(&s, ')');
		else if (c == '(' && ++depth > MAIL_COMMENT_DEPTH_MAX)
			return true;
		else if (c == ')' && depth > 0)
			depth--;
	}
	return false;
}

/*
 * What every "@" in `text` names, which is a field with its encoded words
 * decoded.  What follows an "@" is read for a bounded length, but comments may
 * be skipped MAIL_COMMENT_DEPTH_MAX times: linear time.
 */
static void
read_at_signs(struct author_reading *r, struct span text)
{
	struct scan s = scan_of(text);
	struct span before = SPAN_NONE; /* the word in front */

	while (!scan_done(&s)) {
		int c = scan_peek(&s);

		if (is_word((unsigned char)c)) {
			before = scan_while(&s, is_word);
			continue;
		}
		scan_next(&s);
		if (c == '@') {
			if (is_too_many(r))
				return;
			read_after_at(r, s, before);
		} else if (c == '<') {
			struct scan at = s;

			skip_route(&at);
			if (is_clean_angle(r, at))
				s = at;
		}
		if (!ascii_is_space((unsigned char)c))
			before = SPAN_NONE;
	}
}

/*
 * The same for every "%", "!" and "^" of a field that is not valid, which an
 * MTA reads without its comments: "b . example (x) ! alice".  Sendmail replaces
 * white space between words by a dot (BlankSub): "b(x)example!alice".
 */
static void
read_mta_signs(struct author_reading *r, struct span value)
{
	char text[GLUED_MAX + 1], blank_text[GLUED_MAX + 1];
	/* the name in front of `s`, and all the words there */
	struct buf name = buf_wrap(text, sizeof(text));
	struct buf words = buf_wrap(blank_text, sizeof(blank_text));
	struct scan s = scan_of(value);

	for (skip_cfws(&s); !scan_done(&s); skip_cfws(&s)) {
		struct span word = scan_while(&s, is_word);
		int c;

		if (word.n > 0) {
			if (word.p[0] != '.' && name.n > 0 &&
			    text[name.n - 1] != '.')
				buf_cut(&name, 0);
			if (word.p[0] != '.')
				put_blank(&words);
			buf_span(&name, word);
			buf_span(&words, word);
			continue;
		}
		c = scan_next(&s);
		if (span_has(SPAN("%!^"), (char)c)) {
			if (is_too_many(r))
				return;
			if (words.full)
				set_problem(r, TOO_LONG);
			if (c == '%')
				read_after_percent(r, s, buf_view(&name));
			else
				read_bang(
				    r, s, buf_view(&name), buf_view(&words));
		} else if (c == '(' || is_dropped((unsigned char)c)) {
			continue;
		}
		buf_cut(&name, 0);
		buf_cut(&words, 0);
	}
}

/* ---- fields ---- */

/*
 * RFC 5322 sections 2.2 and 4.1: NUL, a bare CR and a bare LF end a line, a
 * field or nothing, each program as it likes.  So does a line end that a
 * backslash quotes.
 */
static bool
has_clean_lines(struct span value)
{
	struct scan s = scan_of(value);
	int before = -1;

	while (!scan_done(&s)) {
		int c = scan_next(&s);

		if (c == '\0' || c == '\n')
			return false;
		if (c == '\r' &&
		    (before == '\\' || !scan_byte(&s, '\n') || scan_done(&s) ||
			!ascii_is_wsp((unsigned char)*s.p)))
			return false;
		before = c;
	}
	return true;
}

static bool
is_valid_list(struct author_reading *r, struct span value)
{
	struct mail_address_list list = mail_address_list_of(value, r->a);
	struct mail_address address;
	enum mail_address_status step;

	do {
		step = mail_address_next(&list, &address);
	} while (step == ADDRESS_ONE);
	r->has_group = list.has_group;
	return step == ADDRESS_END && list.valid;
}

/*
 * A name without a dot is only a possible author, since "Sales @ Acme, Inc.
 * <a@b.example>" is a valid list of two addresses.
 */
static void
add_lone(struct author_reading *r, struct span name)
{
	r->lone = true;
	add_domain(r, r->possible, &r->n_possible, name);
}

/* Of a valid field. */
static void
add_mailboxes(struct author_reading *r, struct span value)
{
	struct mail_address_list list = mail_address_list_of(value, r->a);
	struct mail_address address;

	while (mail_address_next(&list, &address) == ADDRESS_ONE) {
		struct span name = read_name(r, address.domain);

		keep_first(r, address.local, address.domain);
		if (name.p == NULL)
			set_problem(r, "an author's domain is not valid");
		else if (domain_labels(name) > 1)
			add_author(r, name);
		else
			add_lone(r, name);
	}
}

/*
 * A valid field without the comments and quoted display names, as these are not
 * addresses for any program if there are no groups.  A comment behind an "@"
 * and a quoted local part stay, and what has a line end: for Python's email
 * package that ends the comment or string.  Absent: no room.
 */
static struct span
without_names(struct arena *a, struct span value)
{
	struct buf b = buf_alloc(a, value.n + 1);
	struct scan s = scan_of(value);
	char last = ' '; /* of the bytes that are not white space */

	while (!scan_done(&s)) {
		const char *from = s.p;
		struct span kept = span_first(scan_rest(&s), 1);

		if (mail_skip_comment(&s)) {
			kept = span_between(from, s.p);
			if (last != '@' && !span_has(kept, '\r'))
				kept = SPAN(" ");
		} else if (mail_quoted(&s, &kept)) {
			struct scan at = s;

			skip_cfws(&at);
			if (scan_peek(&at) != '@' && scan_peek(&at) != '.' &&
			    !span_has(kept, '\r'))
				kept = SPAN(" ");
		} else {
			scan_next(&s);
			if (!ascii_is_space((unsigned char)kept.p[0]))
				last = kept.p[0];
		}
		buf_span(&b, kept);
	}
	return b.full ? SPAN_NONE : buf_view(&b);
}

/* The field as programs see it that decode before they parse. */
static bool
read_decoded(struct author_reading *r, struct span value, bool strict)
{
	struct mail_decoded decoded;
	bool ambiguous;

	mail_decode_words(r->a, value, strict, &decoded);
	ambiguous = decoded.ambiguous;
	if (decoded.unreadable) {
		r->named = true;
		set_problem(r,
		    "the From field has an encoded word that cannot be read");
	}
	if (r->valid && !r->has_group && !decoded.specials && !ambiguous)
		mail_decode_words(
		    r->a, without_names(r->a, value), strict, &decoded);
	if (is_deep(decoded.text)) {
		r->named = true;
		set_problem(r, NOT_VALID);
		return false;
	}
	read_at_signs(r, decoded.text);
	return ambiguous;
}

static void
read_author_field(struct author_reading *r, struct span value)
{
	r->n_bytes += value.n;
	if (r->n_bytes > MAIL_AUTHOR_TEXT_MAX) {
		r->named = true;
		set_problem(r, TOO_LONG);
		return;
	}
	if (!has_clean_lines(value)) {
		r->named = true;
		set_problem(r, NOT_VALID);
	}
	r->valid = is_valid_list(r, value);
	if (r->valid)
		add_mailboxes(r, value);
	else
		check_angles(r, value);
	if (read_decoded(r, value, false)) /* not all programs find the same */
		read_decoded(r, value, true);
	if (!r->valid && !is_deep(value))
		read_mta_signs(r, value);
}

/* The possible authors go behind those that are certain.  If there is only
 * "root@localhost", it is certain. */
static void
add_all_possible(struct author_reading *r)
{
	size_t n_certain = r->out->n_domains;

	for (size_t i = 0; i < r->n_possible; i++)
		add_author(r, r->possible[i]);
	if (n_certain > 0 || !r->lone)
		r->out->n_possible = r->out->n_domains - n_certain;
}

static const char *
invalid_reason(const struct author_reading *r)
{
	if (arena_has_failed(r->a))
		return "out of memory";
	if (r->out->n_fields == 0)
		return "no From field";
	if (r->out->n_fields > 1) /* RFC 5322 section 3.6 */
		return "several From fields";
	if (r->problem != NULL)
		return r->problem;
	if (r->out->n_domains == r->out->n_possible)
		return "the From field names no address";
	return NULL;
}

void
mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out)
{
	struct author_reading r = { .out = out, .a = a };

	*out = (struct mail_from){ .state = MAIL_FROM_VALID };
	for (size_t i = mail_header_find(h, "From", 0); i < h->n;
	     i = mail_header_find(h, "From", i + 1)) {
		out->n_fields++;
		read_author_field(&r, h->fields[i].value);
	}
	add_all_possible(&r);
	out->reason = invalid_reason(&r);
	if (out->reason != NULL)
		out->state = MAIL_FROM_INVALID;
	else if (!r.valid)
		out->state = MAIL_FROM_SLOPPY;
	out->nameless = out->reason != NULL && !r.named;
}

const char *
mail_from_state_name(enum mail_from_state state)
{
	static const struct enum_token names[] = {
		{ "valid", MAIL_FROM_VALID },
		{ "sloppy", MAIL_FROM_SLOPPY },
		{ "invalid", MAIL_FROM_INVALID },
	};

	return enum_name(names, ARRAY_SIZE(names), (int)state);
}
