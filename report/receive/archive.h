/*
 * archive.h - the files in a gzip or ZIP file from others.
 *
 * Bytes are unpacked as they are read; nothing is written to disk.  Refused
 * are files that unpack to far more than a report can, that are broken, or
 * that are cut off.  No other format or compression is accepted.
 */
#ifndef AVOUCH_REPORT_RECEIVE_ARCHIVE_H
#define AVOUCH_REPORT_RECEIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	UNPACK_ENTRIES_MAX = 1000, /* files in a ZIP */
	UNPACK_RATIO_MAX = 250,    /* bytes of output for one of input; XML
	                              of reports has 5 to 50 */
	UNPACK_FREE = 16 << 20,    /* bytes of output without a check of the
	                              ratio */
	UNPACK_NAME_MAX = 200,     /* bytes of a name in messages */
	UNPACK_ERROR_MAX = 200,
};

#define UNPACK_BYTES_MAX                                                       \
	(INT64_C(512) << 20) /* bytes of output, of one file                   \
	                      */

enum unpack_kind { UNPACK_NOT, UNPACK_GZIP, UNPACK_ZIP };

/* Detects the format by the first bytes. */
enum unpack_kind unpack_kind(struct span bytes);

struct unpack;

/* `bytes` must stay valid until unpack_close().  NULL: out of memory. */
struct unpack *unpack_open(struct span bytes, enum unpack_kind kind);
void unpack_close(struct unpack *u); /* takes NULL */

enum unpack_step { UNPACK_FILE, UNPACK_END, UNPACK_FAULT };

/* The next file; folders and links are skipped.  Its printable name is valid
 * until the next call. */
enum unpack_step unpack_next(struct unpack *u, struct span *name);

/* Reads bytes of that file; 0: its end; -1: an error. */
ptrdiff_t unpack_read(struct unpack *u, char *to, size_t n);

/* Describes the error. */
const char *unpack_error(const struct unpack *u);

#endif
