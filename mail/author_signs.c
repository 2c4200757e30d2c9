#include "mail/author_internal.h"

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/utf8.h"
#include "mail/lex.h"

/* ---- bytes ---- */

/* Bytes that some programs allow in a domain or a local part. */
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

/* Bytes that some programs drop or skip inside an address. */
static bool
is_dropped(unsigned char c)
{
	return span_has(SPAN("\"\\[]%!^:>)"), (char)c) || is_control(c);
}

/* Bytes that must not appear between the parts of an address. */
static bool
is_unclean(unsigned char c)
{
	return c == '@' || c == '(' || is_dropped(c);
}

static bool
is_comma(unsigned char c)
{
	return c == ',' || c == ';';
}

/* ---- domains next to "@", "%" and "!" ---- */

/* Adds the domain of a clean address in a field that is not valid. */
static void
add_address(struct author_reading *r, struct span name)
{
	if (r->address.p == NULL)
		r->address = name;
	else if (!domain_equal(r->address, name))
		author_set_problem(
		    r, AUTHOR_NOT_VALID " and names several domains");
	author_add(r, name);
}

/* Adds `word`, which is used as a domain and has a dot. */
static void
add_named(struct author_reading *r, struct span word)
{
	struct span name = author_read_name(r, word);

	if (r->valid)
		author_add_possible(r, name);
	else if (name.p == NULL)
		author_set_problem(r, AUTHOR_NOT_VALID);
	else
		add_address(r, name);
}

void
author_keep_first(
    struct author_reading *r, struct span local, struct span domain)
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

void
author_skip_cfws(struct scan *s)
{
	do {
		scan_while(s, ascii_is_space);
	} while (mail_skip_comment(s));
}

/* Returns false if the domain continues after bytes that some programs drop, as
 * in `b"an"k` or `b(x)ank`. */
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

/* Adds a dot unless `b` is empty or ends with one. */
static void
put_blank(struct buf *b)
{
	if (b->n > 0 && b->p[b->n - 1] != '.')
		buf_byte(b, '.');
}

/* How programs continue a domain after white space and comments. */
enum {
	GLUE_ANY = 1,      /* continues even without a dot */
	GLUE_LINES = 2,    /* also across line ends */
	GLUE_CONTROLS = 4, /* also across is_control() bytes */
	GLUE_DROPPED = 8,  /* also across is_dropped() bytes */
	GLUE_DOT = 16,     /* white space becomes a dot */

	GLUE_VARIANTS = 16, /* combinations of the first four */
	/* BlankSub in Sendmail */
	GLUE_SENDMAIL = GLUE_DOT | GLUE_ANY | GLUE_LINES,
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
	char text[AUTHOR_GLUED_MAX + 1];
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
		author_set_problem(r, AUTHOR_TOO_LONG);
	if (b.n > first && author_is_dotted(buf_view(&b)))
		author_add_possible(r, author_read_name(r, buf_view(&b)));
}

/* Adds the domains that programs form from `word` and the text after it. */
static void
add_pieces(struct author_reading *r, struct scan at, struct span word)
{
	struct scan next = at;

	/* If nothing follows under the rule that skips the most, nothing
	 * follows under any rule. */
	skip_glued(&next, GLUE_LINES | GLUE_CONTROLS | GLUE_DROPPED);
	if (word.n <= AUTHOR_GLUED_MAX &&
	    (scan_done(&next) || !is_word((unsigned char)*next.p)))
		return;
	for (unsigned how = 0; how < GLUE_VARIANTS; how++)
		add_glued(r, at, word, how);
	if (!r->valid)
		add_glued(r, at, word, GLUE_SENDMAIL);
}

/* Some programs mistake a comment before a domain for the domain. */
static void
read_first_comment(struct author_reading *r, struct scan *at, struct span local)
{
	struct scan inside = *at;
	struct span name;

	if (scan_byte(&inside, '(')) {
		scan_while(&inside, ascii_is_space);
		name = author_trim(scan_while(&inside, is_word));
		if (author_is_dotted(name)) {
			author_keep_first(r, local, name);
			add_named(r, name);
		}
	}
	author_skip_cfws(at);
}

/* Skips commas and semicolons before a domain, because some programs read
 * "@;b.example" as an address.  Returns false if there are none. */
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

/* `at` is where a domain should begin.  Some programs, and human readers,
 * ignore odd bytes before it, as in "@..=b.example". */
static void
add_behind_odd_bytes(struct author_reading *r, struct scan at)
{
	const char *from = at.p;
	struct span name;

	while (!scan_done(&at)) {
		unsigned char c = (unsigned char)*at.p;
		size_t n = c < 0x80 ? 1 : utf8_size(scan_rest(&at));

		if (ascii_is_tag(c) || span_has(SPAN("-@<"), (char)c) ||
		    (n > 1 &&
			!utf8_has_invisible(span_first(scan_rest(&at), n))))
			break;
		for (scan_next(&at); n > 1; n--)
			scan_next(&at);
	}
	name = author_trim(scan_while(&at, is_word));
	if (name.p != from && author_is_dotted(name))
		author_add_possible(r, author_read_name(r, name));
}

/*
 * `at` follows an "@"; `local` is the word before it.  In the obsolete syntax
 * of RFC 5322 section 4.4, a domain may have CFWS around its dots; Python's
 * email package joins pieces even without dots ("ba nk.example").
 */
static void
read_after_at(struct author_reading *r, struct scan at, struct span local)
{
	struct span word, name;
	bool clean;

	scan_while(&at, ascii_is_space);
	read_first_comment(r, &at, local);
	add_behind_odd_bytes(r, at);
	clean = !skip_commas(&at);
	word = scan_while(&at, is_word);
	name = author_trim(word);
	if (author_is_dotted(name)) {
		author_keep_first(r, local, name);
		add_named(r, name);
	}
	if (!r->valid && !(clean && ends_cleanly(at))) {
		r->named = true;
		author_set_problem(r, AUTHOR_NOT_VALID);
	}
	add_pieces(r, at, word);
}

static bool
is_local(unsigned char c)
{
	return c == '.' || ascii_is_atext(c);
}

/* Whether `at` is in a local part: "joe%x.example@example.com" is an address at
 * example.com. */
static bool
is_in_local_part(struct scan at)
{
	scan_while(&at, is_local);
	author_skip_cfws(&at);
	if (!scan_byte(&at, '@'))
		return false;
	author_skip_cfws(&at);
	return !scan_done(&at) && is_word((unsigned char)*at.p);
}

/* `at` follows a "%"; `local` is the name before it. */
static void
read_after_percent(struct author_reading *r, struct scan at, struct span local)
{
	struct span word, name;

	author_skip_cfws(&at);
	if (is_in_local_part(at))
		return;
	skip_glued(&at, GLUE_LINES | GLUE_DROPPED);
	word = scan_while(&at, is_word);
	name = author_trim(word);
	if (author_is_dotted(name)) {
		author_keep_first(r, local, name);
		add_named(r, name);
	}
	add_pieces(r, at, word);
}

/* `at` follows a "!" or "^"; `before` is the name before it, and `words` are
 * all the words before it, joined by dots. */
static void
read_bang(struct author_reading *r, struct scan at, struct span before,
    struct span words)
{
	struct span name = author_trim(before);
	struct span local;

	author_skip_cfws(&at);
	if (is_in_local_part(at))
		return;
	local = scan_while(&at, is_word);
	if (local.n == 0 &&
	    (scan_done(&at) || !is_dropped((unsigned char)*at.p)))
		return;
	if (author_is_dotted(name)) {
		author_keep_first(r, local, name);
		add_named(r, name);
	}
	author_add_possible(r, words);
}

/* Skips an obs-route (RFC 5322 section 4.4) after "<"; leaves the cursor in
 * place if there is none. */
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

/* Whether a clean address begins at `at` (after "<" and any route) and ends at
 * ">" or at the end of the field. */
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
	if (author_clean_domain(r->a, word).p == NULL || !mail_skip_cfws(&at))
		return false;
	return scan_done(&at) ||
	    (scan_byte(&at, '>') &&
		(scan_done(&at) || !is_word((unsigned char)*at.p)));
}

void
author_check_angles(struct author_reading *r, struct span value)
{
	struct scan s = scan_of(value);

	for (;;) {
		scan_until(&s, '<');
		if (!scan_byte(&s, '<'))
			return;
		skip_route(&s);
		if (!is_clean_angle(r, s)) {
			author_set_problem(r, AUTHOR_NOT_VALID);
			return;
		}
	}
}

static bool
is_too_many(struct author_reading *r)
{
	if (r->n_signs++ < MAIL_AUTHOR_SIGNS_MAX)
		return false;
	author_set_problem(r, AUTHOR_TOO_LONG);
	return true;
}

bool
author_is_deep(struct span text)
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

void
author_read_at_signs(struct author_reading *r, struct span text)
{
	struct scan s = scan_of(text);
	struct span before = SPAN_NONE; /* the word before `c` */
	int last = 0; /* the byte before `c`, ignoring words */

	for (int c; !scan_done(&s); last = c) {
		c = scan_peek(&s);
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

			/* some programs see no route in "<<@b:x@a>>" */
			if (last != '<')
				skip_route(&at);
			if (is_clean_angle(r, at))
				s = at;
		}
		if (!ascii_is_space((unsigned char)c))
			before = SPAN_NONE;
	}
}

void
author_read_mta_signs(struct author_reading *r, struct span value)
{
	char text[AUTHOR_GLUED_MAX + 1], blank_text[AUTHOR_GLUED_MAX + 1];
	/* the name before `s`, and all words before `s`, joined by dots */
	struct buf name = buf_wrap(text, sizeof(text));
	struct buf words = buf_wrap(blank_text, sizeof(blank_text));
	struct scan s = scan_of(value);

	for (author_skip_cfws(&s); !scan_done(&s); author_skip_cfws(&s)) {
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
				author_set_problem(r, AUTHOR_TOO_LONG);
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
