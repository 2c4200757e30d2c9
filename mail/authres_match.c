/*
 * Finds the Authentication-Results fields of an incoming message that claim to
 * be ours (RFC 8601 sections 5 and 7.8).  A forger chooses how a field is
 * broken, and programs that read it later differ in how they interpret it.  So
 * the grammar does not decide: if some reader may find our id, in any disguise,
 * in the place of the authserv-id, the field is removed.  A field that clearly
 * names another host is kept.
 */
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "mail/authres.h"
#include "mail/lex.h"

enum { NAMES_CAP = 16 * 1024 }; /* arena bytes for two names of at most 1 KB */

enum match { SAME, OTHER, UNCLEAR };

/*
 * RFC 8601 section 5: "In the case of EAI-formatted messages, this test is done
 * after converting A-labels into U-labels".  Here A-labels are compared
 * instead.
 */
static enum match
compare_names(struct span theirs, struct span id)
{
	enum match like = OTHER;
	struct span a, b;
	struct arena *arena;

	if (span_equal_nocase(theirs, id) || domain_equal(theirs, id))
		return SAME;
	if (span_all(theirs, ascii_is_ascii) && span_all(id, ascii_is_ascii))
		return OTHER;
	arena = arena_new(NAMES_CAP);
	if (arena == NULL)
		return UNCLEAR;
	a = domain_normal(arena, theirs);
	b = domain_normal(arena, id);
	if (a.p == NULL && !span_all(theirs, ascii_is_ascii))
		like = UNCLEAR;
	else if (a.p != NULL && b.p != NULL && span_equal(a, b))
		like = SAME;
	else if (arena_has_failed(arena))
		like = UNCLEAR;
	arena_free(arena);
	return like;
}

/* ---- our id, disguised ---- */

/*
 * The ways in which readers find the comments to remove.  RFC 8601 section 2.1
 * speaks of "the value of the header field (after removing comments)", so
 * "mx.(x)example.org" may be read as one name.
 */
enum comments {
	COMMENTS_READ,   /* not recognized as comments */
	COMMENTS_NESTED, /* RFC 5322 section 3.2.2 */
	COMMENTS_RAW,    /* nested, and a backslash has no meaning */
	COMMENTS_FLAT,   /* the first ")" ends a comment */
	COMMENTS_KINDS,
};

/* Skips a comment: from "(" past the matching ")", or to the end. */
static void
skip_comment(struct scan *s, enum comments kind)
{
	size_t depth = 0;

	while (!scan_done(s)) {
		int c = scan_next(s);

		if (c == '\\' && kind == COMMENTS_NESTED)
			scan_next(s);
		else if (c == '(' && (depth == 0 || kind != COMMENTS_FLAT))
			depth++;
		else if (c == ')' && --depth == 0)
			return;
	}
}

static bool
is_word(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '.';
}

/*
 * Returns the next byte of a name, in lower case; -1 at the end.  Skips spaces,
 * quotes, backslashes, control characters, UTF-8 and comments, and sets `gap`
 * if it skipped any.  OpenDMARC reads `mx . example.o""rg` as one name.
 */
static int
next_in_name(struct scan *s, enum comments kind, bool *gap)
{
	while (!scan_done(s)) {
		unsigned char c = (unsigned char)*s->p;

		if (c == '(' && kind != COMMENTS_READ) {
			skip_comment(s, kind);
		} else {
			s->p++;
			if (is_word(c))
				return ascii_lower(c);
		}
		*gap = true;
	}
	return -1;
}

/* Whether `name` follows, in any disguise, and is not just the beginning of a
 * longer name. */
static bool
name_follows(struct scan s, struct span name, enum comments kind)
{
	bool after_dot = true, ignored;

	for (size_t i = 0; i < name.n; i++) {
		int want = ascii_lower((unsigned char)name.p[i]);
		int got = next_in_name(&s, kind, &ignored);

		while (
		    got == '.' && after_dot && want != '.') /* doubled dots */
			got = next_in_name(&s, kind, &ignored);
		if (got != want)
			return false;
		after_dot = want == '.';
	}
	while (scan_byte(&s, '.') || scan_byte(&s, '-'))
		continue;
	return scan_done(&s) || !ascii_is_alnum((unsigned char)*s.p);
}

/* Whether `name` is anywhere in `text`, except as the end of a longer name. */
static bool
has_name_in(struct span text, struct span name, enum comments kind)
{
	struct scan s = scan_of(text);
	bool inside = false; /* inside a name */

	for (;;) {
		struct scan from = s;
		bool gap = false;
		int c = next_in_name(&s, kind, &gap);

		if (c < 0)
			return false;
		if (gap)
			inside = false;
		if (c == '.' || c == '-') /* a name cannot begin with these */
			continue;
		if (!inside && name_follows(from, name, kind))
			return true;
		inside = true;
	}
}

/* Returns the first name in `id`: "mx.example.org" for "mx.example.org/1". */
static struct span
first_name(struct span id)
{
	struct scan s = scan_of(id);
	struct span name;

	while (!scan_done(&s) && !ascii_is_alnum((unsigned char)*s.p))
		s.p++;
	name = scan_while(&s, is_word);
	while (name.n > 0 && !ascii_is_alnum((unsigned char)name.p[name.n - 1]))
		name.n--;
	return name;
}

static bool
has_encoded_word(struct span s)
{
	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == '=' && s.p[i + 1] == '?')
			return true;
	return false;
}

/* Whether `id` may be anywhere in `text`.  It always may be if there are
 * encoded words (RFC 2047), because some readers decode them first. */
static bool
is_mentioned(struct span text, struct span id)
{
	struct span name = first_name(id);

	if (name.n == 0 || !span_all(id, ascii_is_ascii) ||
	    has_encoded_word(text))
		return true;
	for (enum comments kind = 0; kind < COMMENTS_KINDS; kind++)
		if (has_name_in(text, name, kind))
			return true;
	return false;
}

/* ---- the field ---- */

struct authres_head {       /* the field up to the first result */
	struct span all;    /* the whole text, with comments and white space */
	struct span id;     /* a token, or the string between quotes */
	struct span quoted; /* absent: the id is a token */
	bool other_version;
};

/* Returns false if the field does not follow RFC 8601 section 2.2. */
static bool
head_read(struct span value, struct authres_head *out)
{
	struct scan s = scan_of(value);
	struct span digits;
	struct scan number;
	uint64_t version;

	if (!mail_skip_cfws_any(&s))
		return false;
	out->id = scan_while(&s, ascii_is_token);
	out->quoted = SPAN_NONE;
	if (out->id.n == 0 && !mail_quoted(&s, &out->quoted))
		return false;
	if (!mail_skip_cfws_any(&s))
		return false;
	digits = scan_while(&s, ascii_is_digit);
	number = scan_of(digits);
	out->other_version = digits.n > 0 &&
	    (!scan_number(&number, 1, &version) || version != 1);
	if (!mail_skip_cfws_any(&s) || (!scan_done(&s) && *s.p != ';'))
		return false;
	out->all = span_between(value.p, s.p);
	return true;
}

/* Whether the id is missing.  A reader that does not require an id takes the
 * results for ours. */
static bool
has_no_id(struct span value)
{
	struct scan s = scan_of(value);

	return mail_skip_cfws_any(&s) && scan_peek(&s) == ';';
}

/* Whether a field that cannot be parsed may be ours.  The end of its id is
 * unknown. */
static bool
broken_claims(struct span value, struct span id)
{
	struct span front = span_first(value, span_index(value, ';'));

	return has_no_id(value) || !span_all(front, ascii_is_ascii) ||
	    is_mentioned(value, id);
}

bool
authres_claims(struct span value, struct span id)
{
	struct authres_head head;

	if (!head_read(value, &head))
		return broken_claims(value, id);
	/* "An MTA MUST remove such a header field if the SMTP connection
	 * relaying the message is not from a trusted internal MTA": RFC 8601
	 * section 5, about fields whose version the MTA does not support. */
	if (head.other_version)
		return true;
	if (head.quoted.p != NULL)
		return !span_all(head.quoted, ascii_is_ascii) ||
		    is_mentioned(head.all, id);
	switch (compare_names(head.id, id)) {
	case SAME:
	case UNCLEAR:
		return true;
	case OTHER:
		break;
	}
	return span_all(id, ascii_is_ascii) && is_mentioned(head.all, id);
}
