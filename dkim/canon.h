/*
 * canon.h - canonicalization (RFC 6376 section 3.4) of a whole header field,
 * and of a body as it arrives.
 *
 * The input is never modified and a body is never stored: the output is passed
 * to a sink in long runs, most of them pieces of the input.
 *
 * For text and attachments, relaxed canonicalization adds 6 % to the time of
 * SHA-256 over the same bytes, and up to 16 % if much white space changes.  The
 * worst possible body (only white space, or short lines without CR) takes up to
 * 4 times as long as hashing it (tests/bench/body_bench, with SHA
 * instructions).
 *
 * A bare LF ends a line, as CRLF does, because MTAs and files use either.  A
 * bare CR, NUL and all other bytes are part of the line.
 */
#ifndef AVOUCH_DKIM_CANON_H
#define AVOUCH_DKIM_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/canon_simd.h"
#include "dkim/body_hash.h"
#include "lib/span.h"

enum {
	CANON_BLOCK = 4096, /* bytes collected from short runs */
	CANON_LONG = 2048, /* runs at least this long go directly to the sink */
	CANON_BARE =
	    1024, /* bytes processed at once when adding CR to bare LF */
};

struct canon_sink {
	void (*put)(void *to, struct span bytes);
	void *to;
};

/* ---- a header field ---- */

/*
 * `raw` is the field, starting with its name, without the final line end.  No
 * line end is written, because none follows the signature's own field (RFC 6376
 * section 3.7).  `cut` is a part of `raw` to leave out, such as the value of
 * b=; absent: none.
 */
void canon_field(enum canon canon, struct span raw, struct span cut,
    const struct canon_sink *sink);

/* ---- a body ---- */

struct canon_body {
	enum canon canon;
	struct canon_sink sink;
	uint64_t ends; /* line ends not written yet; they may be the last */
	bool space;    /* white space not written yet; the line may end here */
	bool cr;       /* CR not written yet: LF may follow */
	bool any;      /* something was written */
	bool calm;     /* long runs are likely */
	const struct canon_simd *ways; /* functions for this processor */
	size_t held;                   /* bytes in `block` */
	char block[CANON_BLOCK];
};

void canon_body_begin(
    struct canon_body *b, enum canon canon, struct canon_sink sink);

/* Adds the next chunk of the body, which may be split anywhere. */
void canon_body_add(struct canon_body *b, struct span chunk);

/* Writes the last line end; an empty relaxed body stays empty. */
void canon_body_end(struct canon_body *b);

#endif
