/*
 * authres.h - Authentication-Results (RFC 8601), read and written.
 */
#ifndef AVOUCH_MAIL_AUTHRES_H
#define AVOUCH_MAIL_AUTHRES_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/scan.h"
#include "lib/span.h"

/*
 * The authserv-id of a field value, by its token alone (RFC 8601 section 2.2):
 * comments of any depth and folds before it are skipped, the rest need not
 * parse.  A quoted string is unquoted into `memory`.  Absent where there is
 * none, or `memory` has no room for it.
 */
struct span authres_id(struct span value, struct buf *memory);

/*
 * The field may be taken for one of `id`'s: the test for what is stripped on
 * arrival (RFC 8601 section 5).  True
 * - if the id's token is `id`, in any case, as U-labels or A-labels;
 * - where anything but white space stands before the id, or anything but a
 *   version between it and the ";" (comments, quotes, junk), if `id` stands in
 *   the field as a word at all, since some reader may see it, or the field has
 *   what may hide it (backslashes, controls, encoded words, UTF-8, ")x");
 * - for whatever id, if the version is none that we know: section 5 wants these
 *   removed where they come from outside.
 * No limit of length; linear time.
 */
bool authres_claims(struct span value, struct span id);

/* ---- reading (ARC's AAR, tests) ---- */

struct authres_result {         /* one resinfo */
	struct span method;     /* "spf", as written */
	struct span result;     /* "pass" */
	struct span reason;     /* unquoted; absent: none */
	struct span properties; /* all propspecs as written */
};
enum authres_step { AUTHRES_ONE, AUTHRES_END, AUTHRES_BAD };

/* Past the authserv-id and version; false: broken there, or no room. */
bool authres_open(struct scan *s, struct arena *a, struct span *id);

/*
 * The next resinfo; the end where there is none ("none").  Values may hold what
 * real writers leave unquoted ("header.b=ab/c+"); "action=none", without a
 * ptype, is read over; so is a ";" too many.  AUTHRES_BAD: it cannot be read,
 * or `a` has no room.
 */
enum authres_step authres_next(
    struct scan *s, struct arena *a, struct authres_result *out);

/* A property of a result: ("header", "d"), unquoted, the first of that name;
 * absent: not there, or no room. */
struct span authres_property(const struct authres_result *r, struct arena *a,
    const char *ptype, const char *property);

/* ---- writing ---- */

/*
 * Builds a field value that is safe whatever the texts hold: a value that is
 * neither a token nor a domain or address becomes a quoted string, bytes that
 * RFC 8601 and 5322 do not allow are replaced by "?", and lines are folded with
 * LF TAB: before each method, and before column 78 where there is white space.
 * UTF-8 is kept only where it is valid (RFC 6532).
 *
 * What is longer than AUTHRES_VALUE_MAX as written is cut and quoted, and ends
 * in "...".  Where the whole does not fit into `text`, the first thing that has
 * no room is left out with all that follows, `text.full` is set, and what
 * stands is well-formed.
 */
enum { AUTHRES_VALUE_MAX = 512 }; /* bytes of one property value or comment */

struct authres_writer {
	struct buf text; /* `full`: something was left out */
	size_t column;
	bool any; /* a method was written */
};

void authres_begin(
    struct authres_writer *w, struct buf text, struct span authserv_id);
/* "; spf=pass": the order of calls is that of RFC 8601 section 2.2.  Names of
 * methods, results, ptypes and properties are literals. */
void authres_method(
    struct authres_writer *w, const char *method, const char *result);
void authres_comment(struct authres_writer *w, struct span comment);
void authres_reason(struct authres_writer *w, struct span reason);
/* An absent value is not written, an empty one as "". */
void authres_put(struct authres_writer *w, const char *ptype,
    const char *property, struct span value);
/* "; none" where no method was written.  The value, without a line end; empty
 * where not even the id had room.  Call it once. */
struct span authres_end(struct authres_writer *w);

#endif
