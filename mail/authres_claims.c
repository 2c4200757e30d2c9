/*
 * Which Authentication-Results of an arriving message claim to be ours (RFC
 * 8601 sections 5 and 7.8): whoever forges one chooses how it is broken, and
 * each reader behind us has its own idea of what it then says.  What is written
 * plainly is compared; of all else that can mean us nothing gets through.
 */
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "mail/authres.h"
#include "mail/token.h"

enum { NAMES_CAP = 16 * 1024 }; /* bytes; for two names of at most 1 KB */

static bool
is_ascii(unsigned char c)
{
	return c < 0x80;
}

enum likeness { SAME, OTHER, UNCLEAR };

/*
 * RFC 8601 section 5: "In the case of EAI-formatted messages, this test is done
 * after converting A-labels into U-labels"; here after the converse.
 */
static enum likeness
compare_names(struct span token, struct span id)
{
	enum likeness like = OTHER;
	struct span a, b;
	struct arena *arena;

	if (span_equal_nocase(token, id) || domain_equal(token, id))
		return SAME;
	if (span_all(token, is_ascii) && span_all(id, is_ascii))
		return OTHER;
	arena = arena_new(NAMES_CAP);
	if (arena == NULL)
		return UNCLEAR;
	a = domain_normal(arena, token);
	b = domain_normal(arena, id);
	if (a.p == NULL && !span_all(token, is_ascii))
		like = UNCLEAR;
	else if (a.p != NULL && b.p != NULL && span_equal(a, b))
		like = SAME;
	else if (arena_has_failed(arena))
		like = UNCLEAR;
	arena_free(arena);
	return like;
}

/* ---- `id` as a word ---- */

static bool
is_word(unsigned char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* The next run of a word's bytes, without punctuation at its ends. */
static struct span
next_word(struct scan *s)
{
	struct span word = SPAN_NONE;

	while (!scan_done(s) && word.n == 0) {
		while (!scan_done(s) && !ascii_is_alnum((unsigned char)*s->p))
			s->p++;
		word = scan_while(s, is_word);
	}
	while (word.n > 0 && !ascii_is_alnum((unsigned char)word.p[word.n - 1]))
		word.n--;
	return word;
}

static bool
has_word(struct span text, struct span word)
{
	struct scan s = scan_of(text);

	for (;;) {
		struct span next = next_word(&s);

		if (next.n == 0)
			return false;
		if (span_equal_nocase(next, word))
			return true;
	}
}

/* Bytes under which a word may hide: some readers take "\" out, decode encoded
 * words, or have controls and blanks of Unicode for white space. */
static bool
has_veil(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (c == '\\' || (!ascii_is_print(c) && !ascii_is_space(c)))
			return true;
		if (c == '=' && i + 1 < text.n && text.p[i + 1] == '?')
			return true;
	}
	return false;
}

/* `text` without its comments, as far as they are closed. */
static void
put_uncommented(struct buf *b, struct span text)
{
	struct scan s = scan_of(text);
	bool closed = true;

	while (!scan_done(&s)) {
		struct scan at = s;

		if (closed && *s.p == '(')
			closed = mail_skip_comment(&at);
		if (at.p == s.p)
			buf_byte(b, (char)scan_next(&s));
		else
			s = at;
	}
}

/*
 * `id` stands somewhere in the field, as it is or where comments are taken out
 * first ("mx.(x)example.org"), as RFC 8601 section 2.1 speaks of it.
 */
static bool
is_mentioned(struct span value, struct span id)
{
	struct scan s = scan_of(id);
	struct span word = next_word(&s);
	struct arena *arena;
	struct buf b;
	bool found;

	if (word.n == 0 || !span_all(id, is_ascii) || has_veil(value) ||
	    has_word(value, word))
		return true;
	if (!span_has(value, '('))
		return false;
	arena = value.n < SIZE_MAX / 2 ? arena_new(value.n + NAMES_CAP) : NULL;
	if (arena == NULL)
		return true;
	b = buf_in(arena, value.n + 1);
	put_uncommented(&b, value);
	found = b.full || has_word(buf_done(&b), word);
	arena_free(arena);
	return found;
}

/* ---- the field ---- */

/*
 * "An MTA MUST remove such a header field if the SMTP connection relaying the
 * message is not from a trusted internal MTA": RFC 8601 section 5, of versions
 * that it does not support.
 */
static bool
is_other_version(struct span value)
{
	struct scan s = scan_of(value);
	struct span ignored, digits;
	struct scan number;
	uint64_t version;

	if (!mail_skip_cfws_any(&s) ||
	    (!mail_quoted(&s, &ignored) &&
		scan_while(&s, ascii_is_token).n == 0) ||
	    !mail_skip_cfws_any(&s))
		return false;
	digits = scan_while(&s, ascii_is_digit);
	number = scan_of(digits);
	if (digits.n == 0 ||
	    (scan_number(&number, 1, &version) && version == 1))
		return false;
	return mail_skip_cfws_any(&s) && (scan_done(&s) || *s.p == ';');
}

/* Nothing but white space around a token, and at most a version behind it. */
static bool
is_plain(struct span value, struct span *token)
{
	struct scan s = scan_of(value);

	scan_while(&s, ascii_is_space);
	*token = scan_while(&s, ascii_is_token);
	scan_while(&s, ascii_is_space);
	scan_while(&s, ascii_is_digit);
	scan_while(&s, ascii_is_space);
	return token->n > 0 && (scan_done(&s) || *s.p == ';');
}

bool
authres_claims(struct span value, struct span id)
{
	enum likeness like = UNCLEAR;
	struct span token;

	if (is_plain(value, &token))
		like = compare_names(token, id);
	switch (like) {
	case SAME:
		return true;
	case OTHER:
		return is_other_version(value);
	case UNCLEAR:
		return is_mentioned(value, id) || is_other_version(value);
	}
	return true;
}
