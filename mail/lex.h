/*
 * lex.h - reads the lexical tokens of RFC 5322 section 3.2, with UTF-8 as in
 * RFC 6532 and the obsolete forms of section 4.1; used to read addresses and
 * Authentication-Results.
 */
#ifndef AVOUCH_MAIL_LEX_H
#define AVOUCH_MAIL_LEX_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum { MAIL_COMMENT_DEPTH_MAX = 64 }; /* depth of nesting */

/* Skips comments and folding white space.  Returns false, with the cursor at
 * the parenthesis, if a comment is not closed or is nested too deeply. */
bool mail_skip_cfws(struct scan *s);

/* Skips one comment.  Also returns false if there is no comment here. */
bool mail_skip_comment(struct scan *s);

/* Like mail_skip_cfws(), but for comments nested at any depth. */
bool mail_skip_cfws_any(struct scan *s);

/*
 * Reads an atom or a dot-atom (obsolete CFWS around dots is not skipped): the
 * longest run of atext and dots.  The caller must check that dots are not at
 * the ends or doubled; real mail has "a..b".
 */
struct span mail_atom(struct scan *s);

/* Reads a quoted string.  `raw` is its content, with the backslashes.  Returns
 * false if there is no quote here, or it is not closed. */
bool mail_quoted(struct scan *s, struct span *raw);

/* Removes quoting backslashes and line ends from `raw`; absent if `a` is full.
 */
struct span mail_unquote(struct arena *a, struct span raw);
void mail_put_unquoted(struct buf *b, struct span raw);

#endif
