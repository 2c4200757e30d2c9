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
 * Returns the authserv-id of a field value (RFC 8601 section 2.2).  Only the id
 * itself is read: comments of any depth and folds before it are skipped, and
 * the rest need not be valid.  A quoted string is unquoted into `memory`.
 * Returns an absent span if there is no id or `memory` is full.
 */
struct span authres_id(struct span value, struct buf *memory);

/*
 * Whether the field may be mistaken for one written by `id`, and so must be
 * removed on arrival (RFC 8601 section 5).  This is the case
 * - if the authserv-id is a token that equals `id`, ignoring case (U-labels are
 *   equal to their A-labels);
 * - if anything but white space precedes the authserv-id, or anything but a
 *   version is between it and the ";" (comments, quotes, junk), and the field
 *   contains `id` as a word anywhere, since some program may take it for the
 *   authserv-id, or contains bytes that may hide it (backslashes, control
 *   characters, encoded words, UTF-8, ")x");
 * - for any authserv-id, if the version is not 1: section 5 requires removal of
 *   these fields if they come from the network.
 * There is no limit on the length; the cost is linear.
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
 * Reads the next resinfo; for "none", returns AUTHRES_END immediately.  Values
 * may contain bytes that real writers leave unquoted ("header.b=ab/c+").
 * "action=none", which has no ptype, is skipped, and so is an extra ";".
 * Returns AUTHRES_BAD if the resinfo cannot be read or `a` is full.
 */
enum authres_status authres_next(
    struct scan *s, struct arena *a, struct authres_result *out);

/* Returns the unquoted value of the first property of that name, such as
 * ("header", "d"); absent if there is none or `a` is full. */
struct span authres_property(const struct authres_result *r, struct arena *a,
    const char *ptype, const char *property);

/* ---- writing ---- */

/*
 * Builds a field value into which no sender can insert anything.  Many programs
 * ignore the grammar of the field: they split it at ";", search it for
 * "spf=pass" or "; spf=", end a comment at the first ")", and ignore quotes and
 * backslashes.  So, whatever the strings contain:
 * - the value follows RFC 8601 section 2.2 and is printable ASCII, which is
 *   also allowed in an internationalized message; lines are folded with LF TAB,
 *   before each method and at spaces before column 78;
 * - ";" only separates results; "=" only follows a method, a property,
 *   "reason", or our own words in a comment; quotes only enclose a whole value;
 *   there are no backslashes, and no parentheses except around a comment;
 * - there is at most one comment in each place, and at most AUTHRES_RESULTS_MAX
 *   results.
 *
 * If the whole value does not fit into `text`, the first piece that does not
 * fit and everything after it are left out, `text.full` is set, and what was
 * written is well-formed.
 */
enum {
	AUTHRES_RESULTS_MAX = 16,  /* OpenDMARC cannot read more */
	AUTHRES_VALUE_MAX = 512,   /* bytes of a property's value or a reason */
	AUTHRES_COMMENT_MAX = 400, /* bytes of a comment's text */
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
/* Adds a reason, cleaned by buf_safe(), in quotes or as a token; writes nothing
 * if the reason is empty. */
void authres_reason(struct authres_writer *w, struct span reason);
/*
 * Adds a property.  The value is written unchanged or not at all: bare if it is
 * a token, "@domain" or an address with a plain local-part; in quotes if it has
 * other visible ASCII, but nothing that buf_safe() replaces.
 */
void authres_put(struct authres_writer *w, const char *ptype,
    const char *property, struct span value);
/* Adds "; none" if no method was written.  Returns the value, without a line
 * end; it is empty if there was not even room for the id.  Call this once. */
struct span authres_end(struct authres_writer *w);

#endif
