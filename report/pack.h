/*
 * pack.h - a row as the texts by which the store knows it: clean, bounded, and
 * in one piece of memory.
 */
#ifndef AVOUCH_REPORT_PACK_H
#define AVOUCH_REPORT_PACK_H

#include "lib/buf.h"
#include "lib/span.h"
#include "report/row.h"

/* In the order of the columns of schema.h: policy, source, shape. */
enum pack_text {
	PACK_POLICY, /* domain */
	PACK_RECORD,
	PACK_SOURCE,
	PACK_SHAPE, /* header_from */
	PACK_ENVELOPE_FROM,
	PACK_DISPOSITION,
	PACK_DKIM_ALIGNED, /* "0" or "1" */
	PACK_SPF_ALIGNED,
	PACK_AUTOMATIC,
	PACK_OVERRIDE,
	PACK_COMMENT,
	PACK_SPF_DOMAIN,
	PACK_SPF_SCOPE,
	PACK_SPF_RESULT,
	PACK_DKIM,
	PACK_TEXTS,
};

enum {
	PACK_ROW_MAX = DMARC_RECORD_MAX + REPORT_DKIM_TEXT_MAX +
	    5 * REPORT_NAME_MAX + REPORT_COMMENT_MAX + 200,
};

/*
 * Writes the texts into `b`, each with a NUL behind it, and notes where they
 * are.  A buffer of PACK_ROW_MAX bytes is never full.
 */
void pack_row(
    struct buf *b, const struct report_row *r, struct span texts[PACK_TEXTS]);

/* The NUL behind a text that was begun at b->n == `from`. */
struct span pack_end(struct buf *b, size_t from);

#endif
