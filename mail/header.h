/*
 * header.h - splits the header of a message into its fields, exactly as
 * received (RFC 5322 section 2.2).
 *
 * Line ends inside a field are converted to CRLF; every other byte is kept, so
 * that "simple" canonicalization in DKIM sees what was signed.
 */
#ifndef AVOUCH_MAIL_HEADER_H
#define AVOUCH_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"
#include "lib/span.h"

enum {
	MAIL_FIELDS_MAX = 4096,        /* fields of one message */
	MAIL_HEADER_MAX = 1024 * 1024, /* bytes of all fields of a message */
	MAIL_AUTHOR_FIELDS = 8, /* From may exceed the limits above by this many
	                           fields and bytes */
	MAIL_AUTHOR_BYTES = 128 * 1024,
};

struct mail_field {
	struct span raw; /* name, colon and value, without the final line end */
	struct span name;  /* without white space before the colon */
	struct span value; /* everything after the colon, unchanged */
};

struct mail_header {
	struct mail_field *fields; /* in the order of the message */
	size_t n;
	size_t room;
	size_t bytes; /* total bytes of all `raw` */
	bool cut; /* fields are missing (see mail_header_add()), so no signature
	             can be verified */
	bool nul; /* a field contains a NUL, at which libmilter truncated it */
};

/*
 * Adds a copy of a field.  `value` is everything after the colon, including
 * white space; bare LF in it becomes CRLF, and a final line end is removed.  If
 * a limit is exceeded or memory runs out, sets `cut` and returns false without
 * adding the field.
 */
bool mail_header_add(struct mail_header *h, struct arena *a, struct span name,
    struct span value);

/*
 * Read the fields of a whole message (or its beginning) one by one, unchanged.
 * mail_header_open() skips an mbox "From " line; mail_header_next() returns
 * false at the end of the header, with `s` at the first byte of the body.  As
 * in MTAs, a line that is not a field ends the header.
 */
struct scan mail_header_open(struct span text);
bool mail_header_next(struct scan *s, struct span *name, struct span *value);

/*
 * Separates the header from a whole message (or its beginning): adds all fields
 * and returns the number of bytes up to and including the empty line (text.n if
 * there is none).  Lines end with CRLF or LF.  A line that is not a field ends
 * the header, as in MTAs: the body starts there.  An mbox "From " line at the
 * very start is skipped.
 */
size_t mail_header_read(
    struct mail_header *h, struct arena *a, struct span text);

/* Returns the index of the next field of that name at or after `from`; h->n if
 * there is none. */
size_t mail_header_find(
    const struct mail_header *h, const char *name, size_t from);

size_t mail_header_count(const struct mail_header *h, const char *name);

#endif
