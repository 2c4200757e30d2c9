/*
 * canon.h - canonicalization (RFC 6376 section 3.4): of a header field at
 * once, of a body as it streams by.
 *
 * Neither writes its input nor keeps a body: what comes out goes to a sink in
 * long runs, most of them pieces of the input itself.
 *
 * Of the time of SHA-256 alone over the same bytes, relaxed adds 6 % to text
 * and attachments and up to 16 % to bodies with white space to change; one made
 * to cost, of nothing but such, of empty or short lines without CR, takes up to
 * 4 times as long as its hash (tests/bench/body_bench, with SHA instructions).
 *
 * A bare LF ends a line as CRLF does (the MTAs that hand a message on, and
 * files, write either); a bare CR, NUL and all else are octets of the line.
 */
#ifndef AVOUCH_DKIM_CANON_H
#define AVOUCH_DKIM_CANON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/block.h"
#include "dkim/body.h"
#include "lib/span.h"

enum {
	CANON_BLOCK = 4096, /* bytes gathered of short runs */
	CANON_LONG = 2048,  /* a run of this length goes to the sink itself */
	CANON_BARE = 1024,  /* bytes whose bare LF are made CRLF at once */
};

struct canon_sink {
	void (*put)(void *to, struct span bytes);
	void *to;
};

/* ---- a header field ---- */

/*
 * `raw` is the field from its name on, without a line end at its end; none is
 * put (RFC 6376 section 3.7 wants none behind the signature's own field).
 * `cut` is what is left out of it (the value of b=), a part of `raw`; absent:
 * nothing.
 */
void canon_field(enum canon canon, struct span raw, struct span cut,
    const struct canon_sink *sink);

/* ---- a body ---- */

struct canon_body {
	enum canon canon;
	struct canon_sink sink;
	uint64_t ends; /* line ends held back: they may be the last ones */
	bool space;    /* white space held back: its line may end here */
	bool cr;       /* CR held back: LF may follow */
	bool any;      /* something was put */
	bool calm;     /* long runs may be expected */
	const struct block_ways *ways; /* of this processor */
	size_t held;                   /* bytes in `block` */
	char block[CANON_BLOCK];
};

void canon_body_begin(
    struct canon_body *b, enum canon canon, struct canon_sink sink);

/* A chunk, split anywhere. */
void canon_body_add(struct canon_body *b, struct span chunk);

/* Puts the last line's end, or nothing for an empty body under relaxed. */
void canon_body_end(struct canon_body *b);

#endif
