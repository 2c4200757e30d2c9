/*
 * gzip.h - compresses a stream as one gzip member (RFC 1952), for
 * attachments.
 *
 * Equal input gives equal output: the member contains no time and no name.
 */
#ifndef AVOUCH_REPORT_WRITE_GZIP_H
#define AVOUCH_REPORT_WRITE_GZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	GZIP_LAG_MAX = 256 << 10, /* bytes that may be written only after the
	                             last gzip_write(), when it is closed */
};

/* Takes compressed bytes.  False: it failed, and everything fails from then
 * on. */
typedef bool gzip_put(void *arg, struct span bytes);

struct gzip;

struct gzip *gzip_open(gzip_put *put, void *arg); /* NULL: out of memory */
bool gzip_write(struct gzip *g, struct span bytes);

/* Ends the member and frees `z`.  False: something failed.  Takes NULL, which
 * counts as a failure. */
bool gzip_close(struct gzip *g);

#endif
