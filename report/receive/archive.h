/*
 * archive.h - reads the files in an untrusted gzip or ZIP file.
 *
 * Bytes are unpacked as they are read; nothing is written to disk.  A file
 * that is broken or cut off, or unpacks to far more than any report, is
 * refused.  No other format or compression is accepted.
 */
#ifndef AVOUCH_REPORT_RECEIVE_ARCHIVE_H
#define AVOUCH_REPORT_RECEIVE_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	UNPACK_ENTRIES_MAX = 1000, /* files in a ZIP */
	UNPACK_RATIO_MAX = 250,    /* bytes of output per byte of input; XML
	                              reports reach 5 to 50 */
	UNPACK_FREE =
	    16 << 20,          /* bytes of output before the ratio is checked */
	UNPACK_NAME_MAX = 200, /* bytes of a file name shown in messages */
	UNPACK_ERROR_MAX = 200,
};

/* bytes unpacked from one file */
#define UNPACK_BYTES_MAX (INT64_C(512) << 20)

enum unpack_kind { UNPACK_NOT, UNPACK_GZIP, UNPACK_ZIP };

/* Detects the format from the first bytes. */
enum unpack_kind unpack_kind(struct span bytes);

struct unpack;

/* `bytes` must stay valid until unpack_close().  Returns NULL if memory ran
 * out. */
struct unpack *unpack_open(struct span bytes, enum unpack_kind kind);
void unpack_close(struct unpack *u); /* accepts NULL */

enum unpack_step { UNPACK_FILE, UNPACK_END, UNPACK_FAULT };

/* Goes to the next file, skipping folders and links.  `name` is printable, and
 * valid until the next call. */
enum unpack_step unpack_next(struct unpack *u, struct span *name);

/* Reads bytes of the current file.  Returns the number of bytes read; 0 at
 * its end; -1 after an error. */
ptrdiff_t unpack_read(struct unpack *u, char *to, size_t n);

/* Returns a description of the error. */
const char *unpack_error(const struct unpack *u);

#endif
