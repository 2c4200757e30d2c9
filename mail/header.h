/*
 * header.h - the header of a message as fields, exactly as they were received
 * (RFC 5322 section 2.2).
 *
 * Line ends inside a field are CRLF, whatever they came as; every other byte is
 * kept, so that DKIM's "simple" sees what was signed.
 */
#ifndef AVOUCH_MAIL_HEADER_H
#define AVOUCH_MAIL_HEADER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"
#include "lib/span.h"

enum {
	MAIL_FIELDS_MAX = 4096,        /* of one message */
	MAIL_HEADER_MAX = 1024 * 1024, /* bytes of all fields of a message */
	MAIL_AUTHOR_FIELDS = 8,        /* in addition to both, only for From */
	MAIL_AUTHOR_BYTES = 128 * 1024,
};

struct mail_field {
	struct span raw;  /* name, colon, value; no line end at the end */
	struct span name; /* without white space before the colon */
	struct span
	    value; /* everything after the colon, with its leading space */
};

struct mail_header {
	struct mail_field *fields; /* in the order of the message */
	size_t n;
	size_t room;
	size_t bytes; /* of all raw */
	bool cut;     /* a limit left fields out: no signature can be verified;
	                 From is still there */
	bool nul;     /* a field held a NUL and was cut there by libmilter */
};

/*
 * Adds a copy. `value` is everything after the colon, white space included;
 * bare LF and CRLF inside become CRLF, a line end at its end is dropped. False
 * and `cut`: over a limit or no memory; the field is not there.
 */
bool mail_header_add(struct mail_header *h, struct arena *a, struct span name,
    struct span value);

/*
 * The fields of a whole message (or its beginning) one by one, as they stand
 * there: mail_header_open() skips an mbox "From " line, mail_header_next() is
 * false where the header ends, with `s` at the first byte of the body.  A line
 * that is not a field ends the header as the MTAs do it.
 */
struct scan mail_header_open(struct span text);
bool mail_header_next(struct scan *s, struct span *name, struct span *value);

/*
 * Cuts the header off a whole message (or its beginning): adds all fields and
 * returns the bytes up to and including the empty line (text.n where there is
 * none).  Lines end with CRLF or LF.  A line that is not a field ends the
 * header as the MTAs do it: it and what follows is body; an mbox "From " line
 * at the very start is skipped.
 */
size_t mail_header_read(
    struct mail_header *h, struct arena *a, struct span text);

/* Index of the next field of that name at or after `from`; h->n: none. */
size_t mail_header_find(
    const struct mail_header *h, const char *name, size_t from);

size_t mail_header_count(const struct mail_header *h, const char *name);

#endif
