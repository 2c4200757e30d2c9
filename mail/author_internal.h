/*
 * author_internal.h - the parts of the reader of From: author.c (the rule, and
 * the field as a whole), author_domain.c (which text is a domain),
 * author_signs.c (what "@", "%" and "!" name).  Private to these three.
 */
#ifndef AVOUCH_MAIL_AUTHOR_INTERNAL_H
#define AVOUCH_MAIL_AUTHOR_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"
#include "lib/span.h"
#include "mail/author.h"

enum { AUTHOR_GLUED_MAX = 1024 }; /* bytes of a domain in pieces; as UTF-8 */

#define AUTHOR_NOT_VALID "the From field is not valid"
#define AUTHOR_TOO_LONG "the From field is too long"

struct author_reading {
	struct mail_from *out;
	struct arena *a;
	const char *problem; /* the first one found; NULL: none */
	size_t n_bytes, n_signs;
	bool valid;          /* the field follows the grammar */
	bool has_group;      /* it has a group */
	bool lone;           /* a mailbox's domain has no dot */
	bool named;          /* something may be shown as a domain */
	struct span address; /* the domain of all clean addresses of a field
	                        that is not valid, in normal form */
	struct span possible[MAIL_AUTHORS_MAX]; /* domains not in an address */
	size_t n_possible;
};

/* ---- author_domain.c ---- */

/* The field is invalid because of `problem`, unless it already is. */
void author_set_problem(struct author_reading *r, const char *problem);

/* There is a dot, in any form, with something on both sides. */
bool author_is_dotted(struct span word);

/* Without the punctuation that text has around an address. */
struct span author_trim(struct span word);

/* The normal form of a clean domain; absent: it is not clean, or no room. */
struct span author_clean_domain(struct arena *a, struct span text);

/* Adds `name` to the `n` domains of one of the two lists, once. */
void author_add_domain(struct author_reading *r, struct span *domains,
    size_t *n, struct span name);

/* Adds the domain of an address. */
void author_add(struct author_reading *r, struct span name);

/* Adds a possible author if `text` is clean and has a dot. */
void author_add_possible(struct author_reading *r, struct span text);

/* The clean domain of `text`, or absent; adds what else may be taken for it. */
struct span author_read_name(struct author_reading *r, struct span text);

/* ---- author_signs.c ---- */

/* The first address of the message, for the log. */
void author_keep_first(
    struct author_reading *r, struct span local, struct span domain);

/* Comments and white space, which in decoded text may be bare line ends. */
void author_skip_cfws(struct scan *s);

/* In a field that is not valid, a clean address must follow each "<". */
void author_check_angles(struct author_reading *r, struct span value);

/* Parentheses are nested deeper than comments may be, with or without the
 * backslashes. */
bool author_is_deep(struct span text);

/*
 * Finds what every "@" in `text` names; `text` is a field with its encoded
 * words decoded. The text after an "@" is read for a bounded length, but
 * comments may be skipped MAIL_COMMENT_DEPTH_MAX times: linear time.
 */
void author_read_at_signs(struct author_reading *r, struct span text);

/*
 * The same for every "%", "!" and "^" of a field that is not valid, which an
 * MTA reads without its comments: "b . example (x) ! alice".  Sendmail replaces
 * white space between words by a dot (BlankSub): "b(x)example!alice".
 */
void author_read_mta_signs(struct author_reading *r, struct span value);

#endif
