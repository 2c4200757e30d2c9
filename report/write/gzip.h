/*
 * gzip.h - compresses a stream as one gzip member (RFC 1952), for attachments.
 *
 * Equal input gives equal output: the member contains no time and no name.
 */
#ifndef AVOUCH_REPORT_WRITE_GZIP_H
#define AVOUCH_REPORT_WRITE_GZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	GZIP_LAG_MAX = 256 << 10, /* bytes that may still be buffered after the
	                             last gzip_write() */
};

/* Receives compressed bytes.  If it returns false, all later calls fail too. */
typedef bool gzip_put(void *arg, struct span bytes);

struct gzip;

struct gzip *gzip_open(gzip_put *put, void *arg); /* NULL: out of memory */
bool gzip_write(struct gzip *g, struct span bytes);

/* Ends the member and frees `g`.  Returns false if anything failed.  Accepts
 * NULL and returns false for it. */
bool gzip_close(struct gzip *g);

#endif
