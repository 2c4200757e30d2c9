/*
 * aggregate_xml.h - parses the XML of an aggregate report from any reporter:
 * RFC 9990 section 3.1.1 and appendix A, RFC 7489 appendix C, and common
 * deviations.
 *
 * Rows are passed on one by one; only the head and the current row are in
 * memory.  Parsing uses neither the network nor entities.  xml_filter.h limits
 * tags and character data, and the constants below limit everything else.
 *
 * The parser accepts names in any case and with any prefix, unknown elements,
 * missing parts as long as the domain and the time are clear, dates in
 * milliseconds, and old result names.  If there are several reasons, it
 * uses the first.  If there are several SPF results, it uses the one for MAIL
 * FROM.
 */
#ifndef AVOUCH_REPORT_RECEIVE_AGGREGATE_XML_H
#define AVOUCH_REPORT_RECEIVE_AGGREGATE_XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "report/store/query.h"
#include "report/record/row.h"

#define READ_COUNT_MAX INT64_C(1000000000)  /* messages in one row */
#define READ_SUM_MAX INT64_C(1000000000000) /* messages in one report */
#define READ_BYTES_MAX (INT64_C(256) << 20) /* bytes of a document */

enum {
	READ_DEPTH_MAX = 16,      /* nested elements; 6 are needed */
	READ_ROWS_MAX = 100000,   /* twice as many as in our own reports
	                             (SEND_ROWS).  A report holds the write lock
	                             of a shared store until its last row is
	                             stored, with several round trips for each. */
	READ_VALUE_MAX = 1000,    /* maximum bytes stored per value */
	READ_HEAD_MEMORY = 40000, /* maximum arena bytes for a head */
	READ_ERROR_MAX = 300,
};

/* Reads up to `n` bytes into `to`.  Returns the number of bytes read; 0 at the
 * end; -1 after an error, which the caller of read_document() must report. */
typedef ptrdiff_t read_pull(void *arg, char *to, size_t n);

struct read_document {
	read_pull *pull;
	void *arg;
	/* Called for each row; strings are valid only during the call.  Returns
	 * false to stop.  May be NULL. */
	bool (*row)(void *arg, const struct report_row *row);
	void *row_arg;
};

enum read_end {
	READ_DONE,
	READ_STOPPED, /* row() returned false */
	READ_REFUSED, /* invalid, or not XML; see `error` */
	READ_OTHER,   /* a different kind of document; see `error` */
	READ_BROKEN,  /* pull() failed */
	READ_MEMORY,
};

/*
 * Reads a whole document.  Sets `out` to its head, with strings in `a`, and the
 * sums of its rows.  `error` has room for READ_ERROR_MAX bytes.
 */
enum read_end read_document(const struct read_document *d, struct arena *a,
    struct ledger_received *out, char *error);

#endif
