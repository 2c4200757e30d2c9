/*
 * gzip.h - a stream of bytes as one gzip member (RFC 1952), for attachments.
 *
 * The same bytes always give the same member: no time and no name are in it.
 */
#ifndef AVOUCH_REPORT_GZIP_H
#define AVOUCH_REPORT_GZIP_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	GZIP_LAG_MAX = 256 << 10, /* bytes that may come out after the last
	                             gzip_write(), at its end */
};

/* Takes what comes out; false: it can't (then all fails). */
typedef bool gzip_put(void *arg, struct span bytes);

struct gzip;

struct gzip *gzip_open(gzip_put *put, void *arg); /* NULL: no memory */
bool gzip_write(struct gzip *g, struct span bytes);

/* Ends the member and frees; false: something of it failed.  Takes NULL, which
 * is a failure. */
bool gzip_close(struct gzip *g);

#endif
