/*
 * unpack.h - the files within a gzip or ZIP file that a stranger has sent.
 *
 * Bytes are unpacked as they are read; nothing is written to disk.  Refused is
 * what unpacks to more than a report can be for its size, is broken, or is cut
 * off.  No other format or method of packing is tried.
 */
#ifndef AVOUCH_REPORT_UNPACK_H
#define AVOUCH_REPORT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	UNPACK_ENTRIES_MAX = 1000, /* files in a ZIP */
	UNPACK_RATIO_MAX = 250,    /* bytes out for one in; XML of reports has
	                              5 to 50 */
	UNPACK_FREE = 16 << 20,    /* bytes out that have no ratio */
	UNPACK_NAME_MAX = 200,     /* bytes told of a name */
	UNPACK_ERROR_MAX = 200,
};

#define UNPACK_BYTES_MAX (INT64_C(512) << 20) /* out, of one file in all */

enum unpack_kind { UNPACK_NOT, UNPACK_GZIP, UNPACK_ZIP };

/* By the first bytes. */
enum unpack_kind unpack_kind(struct span bytes);

struct unpack;

/* `bytes` stay the caller's, until unpack_close().  NULL: no memory. */
struct unpack *unpack_open(struct span bytes, enum unpack_kind kind);
void unpack_close(struct unpack *u); /* takes NULL */

enum unpack_step { UNPACK_FILE, UNPACK_END, UNPACK_FAULT };

/* The next file; what is no file (a folder, a link) is passed over.  Its
 * printable name lives until the next call. */
enum unpack_step unpack_next(struct unpack *u, struct span *name);

/* Bytes of that file; 0: its end; -1: a fault. */
ptrdiff_t unpack_read(struct unpack *u, char *to, size_t n);

/* What the fault is, for people. */
const char *unpack_error(const struct unpack *u);

#endif
