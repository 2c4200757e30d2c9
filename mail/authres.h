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
 * comments and folds before it are skipped, the rest need not parse.  A quoted
 * string is unquoted into `memory`.  Absent where there is none.  No limit of
 * length; a comment that is not closed or is nested at any depth does not hide
 * what a more lenient reader would take for the id: see authres_claims().
 */
struct span authres_id(struct span value, struct buf *memory);

/*
 * The field may be taken for one of `id`'s: the test for what is stripped on
 * arrival (RFC 8601 section 5).  True if the id's token is `id` in any case;
 * where the field is broken before the id, true if `id` stands in it as a word
 * at all, since some reader may see it.
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

/* Past the authserv-id and version; false: broken there. */
bool authres_open(struct scan *s, struct arena *a, struct span *id);
enum authres_step authres_next(
    struct scan *s, struct arena *a, struct authres_result *out);
/* A property of a result: ("header", "d"); absent: not there. */
struct span authres_property(const struct authres_result *r, struct arena *a,
    const char *ptype, const char *property);

/* ---- writing ---- */

/*
 * Builds a field value that is safe whatever the texts hold: a value that is
 * no token becomes a quoted string, bytes that RFC 8601 and 5322 do not allow
 * are replaced by "?", and lines are folded with LF TAB before column 78 where
 * there is white space.  UTF-8 in domains and local parts is kept only where it
 * is valid (RFC 6532).
 */
enum { AUTHRES_VALUE_MAX = 512 }; /* bytes of one property value or comment */

struct authres_writer {
	struct buf text;
	size_t column;
	bool any; /* a method was written */
};

void authres_begin(
    struct authres_writer *w, struct buf text, struct span authserv_id);
/* "; spf=pass": the order of calls is that of RFC 8601 section 2.2. */
void authres_method(
    struct authres_writer *w, const char *method, const char *result);
void authres_comment(struct authres_writer *w, struct span comment);
void authres_reason(struct authres_writer *w, struct span reason);
void authres_put(struct authres_writer *w, const char *ptype,
    const char *property, struct span value);
/* "; none" where no method was written.  The value, without a line end. */
struct span authres_end(struct authres_writer *w);

#endif
