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

enum likeness { SAME, OTHER, UNCLEAR };

/*
 * RFC 8601 section 5: "In the case of EAI-formatted messages, this test is done
 * after converting A-labels into U-labels"; here after the converse.
 */
static enum likeness
compare_names(struct span theirs, struct span id)
{
	enum likeness like = OTHER;
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

/* ---- `id` as a word ---- */

static bool
is_word(unsigned char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '-';
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

static bool
is_word_at(struct span s, size_t at)
{
	return at < s.n && is_word((unsigned char)s.p[at]);
}

/*
 * What a word may hide under: some readers take "\\" and quotes out, or decode
 * encoded words, or have controls and the blanks of Unicode for white space, or
 * read "mx.(x)example.org" as one word, as RFC 8601 section 2.1 speaks of "the
 * value of the header field (after removing comments)".
 */
static bool
has_veil(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\\' || (!ascii_is_print(c) && !ascii_is_space(c)))
			return true;
		if (c == '=' && i + 1 < s.n && s.p[i + 1] == '?')
			return true;
		if (c == ')' && is_word_at(s, i + 1))
			return true;
		if (c == '"' && i > 0 && is_word_at(s, i - 1) &&
		    is_word_at(s, i + 1))
			return true;
	}
	return false;
}

/* `id` may stand anywhere in the field. */
static bool
is_mentioned(struct span value, struct span id)
{
	struct scan s = scan_of(id);
	struct span word = next_word(&s);

	return word.n == 0 || !span_all(id, ascii_is_ascii) ||
	    has_veil(value) || has_word(value, word);
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

static bool
is_plain_byte(unsigned char c)
{
	return c >= 0x80 || is_word(c);
}

/* Nothing but white space around the id, at most a version behind it, and no
 * byte in it where some reader may think that it ends. */
static bool
is_plain(struct span value, struct span *id)
{
	struct scan s = scan_of(value);

	scan_while(&s, ascii_is_space);
	*id = scan_while(&s, is_plain_byte);
	scan_while(&s, ascii_is_space);
	scan_while(&s, ascii_is_digit);
	scan_while(&s, ascii_is_space);
	return id->n > 0 && (scan_done(&s) || *s.p == ';');
}

bool
authres_claims(struct span value, struct span id)
{
	enum likeness like = UNCLEAR;
	struct span theirs;

	if (is_plain(value, &theirs))
		like = compare_names(theirs, id);
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
