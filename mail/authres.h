/*
 * authres.h - reads and writes Authentication-Results (RFC 8601).
 */
#ifndef AVOUCH_MAIL_AUTHRES_H
#define AVOUCH_MAIL_AUTHRES_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/scan.h"
#include "lib/span.h"

/*
 * Returns the authserv-id of a field value (RFC 8601 section 2.2).  Only its
 * token is read: comments of any depth and folds before it are skipped, and the
 * rest need not be valid.  A quoted string is unquoted into `memory`.  Absent
 * if there is no id, or `memory` is full.
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
	struct span method;     /* as written, such as "spf" */
	struct span result;     /* such as "pass" */
	struct span reason;     /* unquoted; absent: none */
	struct span properties; /* all propspecs as written */
};
enum authres_status { AUTHRES_ONE, AUTHRES_END, AUTHRES_BAD };

/* Reads the authserv-id and version.  Returns false if they are invalid or `a`
 * is full. */
bool authres_open(struct scan *s, struct arena *a, struct span *id);

/*
 * Reads the next resinfo; AUTHRES_END follows immediately for "none".  Values
 * may contain bytes that real writers leave unquoted ("header.b=ab/c+").
 * "action=none", which has no ptype, is skipped, and so is an extra ";".
 * AUTHRES_BAD: it cannot be read, or `a` is full.
 */
enum authres_status authres_next(
    struct scan *s, struct arena *a, struct authres_result *out);

/* Returns the first property of that name, ("header", "d"), unquoted; absent if
 * there is none or `a` is full. */
struct span authres_property(const struct authres_result *r, struct arena *a,
    const char *ptype, const char *property);

/* ---- writing ---- */

/*
 * Builds a field value in which no sender can say anything.  Many programs read
 * the field without its grammar: they split it at ";", search it for "spf=pass"
 * or "; spf=", end a comment at the first ")", read over quotes and
 * backslashes.  So, whatever the texts hold:
 * - the value is printable ASCII by RFC 8601 section 2.2, which an
 *   internationalized message may have too; lines are folded with LF TAB,
 *   before each method and before column 78 where there is a space;
 * - ";" only separates results; "=" only follows a method, a property,
 *   "reason", or words of ours in a comment; quotes are only around the whole
 *   of a value; there is no backslash, and no parenthesis but a comment's;
 * - one comment in one place, at most AUTHRES_RESULTS_MAX results.
 *
 * If the whole does not fit into `text`, the first piece that has no room is
 * left out with everything after it, `text.full` is set, and what was written
 * is well-formed.
 */
enum {
	AUTHRES_RESULTS_MAX = 16,  /* OpenDMARC cannot read more */
	AUTHRES_VALUE_MAX = 512,   /* bytes of a property's value or a reason */
	AUTHRES_COMMENT_MAX = 400, /* bytes of the text of a comment */
};

struct authres_writer {
	struct buf text; /* `full`: something was omitted */
	size_t column;
	unsigned results;
	bool open;      /* the last result was written */
	bool commented; /* the last piece is a comment */
};

void authres_begin(
    struct authres_writer *w, struct buf text, struct span authserv_id);
/* Adds "; spf=pass".  Call the functions in the order of RFC 8601 section 2.2.
 * Names of methods, results, ptypes and properties are literals.  A result over
 * the limit is omitted, together with everything up to the next result. */
void authres_method(
    struct authres_writer *w, const char *method, const char *result);
/* Adds "; none", which a comment may follow.  Call this if there are no
 * results. */
void authres_none(struct authres_writer *w);
/*
 * Adds a comment.  `own` consists only of literals and numbers and is written
 * as it is; it may be NULL or empty.  `text` may be untrusted: see buf_safe().
 * Writes nothing if both are empty, or directly after another comment.
 */
void authres_comment(
    struct authres_writer *w, const char *own, struct span text);
/* Adds a reason after buf_safe(), in quotes or as a token; writes nothing if it
 * is empty. */
void authres_reason(struct authres_writer *w, struct span reason);
/*
 * Adds a property.  The value is written unchanged or not at all: bare if it is
 * a token, "@domain" or an address with a plain local-part; in quotes if it has
 * other visible ASCII, but nothing that buf_safe() replaces.
 */
void authres_put(struct authres_writer *w, const char *ptype,
    const char *property, struct span value);
/* Adds "; none" if no method was written.  Returns the value, without a line
 * end; empty if not even the id had room.  Call this once. */
struct span authres_end(struct authres_writer *w);

#endif
