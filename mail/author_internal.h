/*
 * author_internal.h - declarations shared by the files that read From: author.c
 * (the rule, and the field as a whole), author_domain.c (which strings are
 * domains), author_signs.c (the domains next to "@", "%" and "!").  Private to
 * these three.
 */
#ifndef AVOUCH_MAIL_AUTHOR_INTERNAL_H
#define AVOUCH_MAIL_AUTHOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"
#include "lib/span.h"
#include "mail/author.h"

/* bytes of a domain joined from pieces */
enum { AUTHOR_GLUED_MAX = 1024 };

#define AUTHOR_NOT_VALID "the From field is not valid"
#define AUTHOR_TOO_LONG "the From field is too long"

struct author_reading {
	struct mail_from *out;
	struct arena *a;
	const char *problem; /* the first one found; NULL: none */
	size_t n_bytes, n_signs;
	bool valid;          /* the field follows the grammar */
	bool has_group;      /* the field has a group */
	bool lone;           /* a mailbox's domain has no dot */
	bool named;          /* something may be shown as a domain */
	struct span address; /* in a field that is not valid: the domain of all
	                        clean addresses, in normal form */
	struct span possible[MAIL_AUTHORS_MAX]; /* possible authors: domains not
	                                           in an address */
	size_t n_possible;
};

/* ---- author_domain.c ---- */

/* Marks the field as invalid because of `problem`, unless it already is. */
void author_set_problem(struct author_reading *r, const char *problem);

/* Whether `word` has a dot, in any form, that is neither first nor last. */
bool author_is_dotted(struct span word);

/* Returns `word` without the punctuation that often surrounds an address. */
struct span author_trim(struct span word);

/* Returns the normal form of a clean domain; absent if it is not clean or `a`
 * is full. */
struct span author_clean_domain(struct arena *a, struct span text);

/* Adds `name` to the `n` domains of one of the two lists, unless it is
 * already there. */
void author_add_domain(struct author_reading *r, struct span *domains,
    size_t *n, struct span name);

/* Adds the domain of an address. */
void author_add(struct author_reading *r, struct span name);

/* Adds a possible author if `text` is clean and has a dot. */
void author_add_possible(struct author_reading *r, struct span text);

/* Returns the clean domain of `text`, or an absent span; also adds other
 * domains that programs may see in it. */
struct span author_read_name(struct author_reading *r, struct span text);

/* ---- author_signs.c ---- */

/* Keeps the first address of the message for the log. */
void author_keep_first(
    struct author_reading *r, struct span local, struct span domain);

/* Skips comments and white space, including bare line ends in decoded text. */
void author_skip_cfws(struct scan *s);

/* For an invalid field: checks that a clean address follows each "<". */
void author_check_angles(struct author_reading *r, struct span value);

/* Whether parentheses may be nested deeper than the limit for comments, for
 * programs that honor backslashes or for those that do not. */
bool author_is_deep(struct span text);

/*
 * Finds the domain that belongs to each "@" in `text`, which is a field with
 * its encoded words decoded.  Reads a limited length after each "@", but may
 * skip comments MAIL_COMMENT_DEPTH_MAX times; takes linear time.
 */
void author_read_at_signs(struct author_reading *r, struct span text);

/*
 * Like author_read_at_signs(), but for each "%", "!" and "^" of a field that is
 * not valid.  An MTA reads such a field without its comments: "b . example (x)
 * ! alice".  Sendmail replaces white space between words with a dot (BlankSub):
 * "b(x)example!alice".
 */
void author_read_mta_signs(struct author_reading *r, struct span value);

#endif
