/*
 * lex.h - the lexical tokens of RFC 5322 section 3.2, with RFC 6532's UTF-8
 * and the obsolete forms of section 4.1: what addresses and
 * Authentication-Results are read with.
 */
#ifndef AVOUCH_MAIL_LEX_H
#define AVOUCH_MAIL_LEX_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum { MAIL_COMMENT_DEPTH_MAX = 64 }; /* comments in comments; no recursion */

/*
 * Skips comments and folding white space.  False: a comment is not closed or
 * nested too deep; then the cursor is at its parenthesis.
 */
bool mail_skip_cfws(struct scan *s);

/* One comment; false also if none is here. */
bool mail_skip_comment(struct scan *s);

/* mail_skip_cfws() for comments nested at any depth. */
bool mail_skip_cfws_any(struct scan *s);

/*
 * The text of an atom or a dot-atom (obsolete CFWS around dots is not skipped):
 * the longest run of atext and dots. The caller must check that no dot is at
 * its ends or follows another one; real mail has "a..b".
 */
struct span mail_atom(struct scan *s);

/*
 * A quoted string that begins here. `raw` is the text between the quotes, with
 * its backslashes. False: there is no quote here, or it is not closed.
 */
bool mail_quoted(struct scan *s, struct span *raw);

/* `raw` without backslashes and line ends; absent: no room. */
struct span mail_unquote(struct arena *a, struct span raw);
void mail_put_unquoted(struct buf *b, struct span raw);

#endif
