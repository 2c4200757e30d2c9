/*
 * read.h - reads the XML of an aggregate report, of any reporter: RFC 9990
 * section 3.1.1 and appendix A, RFC 7489 appendix C, and what reporters make of
 * them.
 *
 * Rows are told one by one as they come; nothing of a document is held but its
 * head and the row at hand.  No network, no entities; strain.h bounds tags and
 * texts, the limits below all else.
 *
 * What is mended: names in any case and under any prefix, elements that nobody
 * knows, parts that are missing as long as it is clear what is reported of
 * which domain and when, dates in milliseconds, results by old names.  Of
 * several reasons, the first is taken; of several SPF results, that of MAIL
 * FROM.
 */
#ifndef AVOUCH_REPORT_READ_H
#define AVOUCH_REPORT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "report/ledger.h"
#include "report/row.h"

#define READ_COUNT_MAX INT64_C(1000000000)  /* messages of one row */
#define READ_SUM_MAX INT64_C(1000000000000) /* and of one report */
#define READ_TIME_MAX INT64_C(253402300799) /* the end of the year 9999 */
#define READ_BYTES_MAX (INT64_C(256) << 20) /* of a document */

enum {
	READ_DEPTH_MAX = 16, /* elements within each other; 6 are needed
	                      */
	READ_ROWS_MAX = 1000000,
	READ_VALUE_MAX = 1000,    /* bytes kept of one text */
	READ_HEAD_MEMORY = 40000, /* bytes of arena that a head needs at most
	                           */
	READ_ERROR_MAX = 300,
};

/* Puts up to `n` bytes into `to` and returns how many; 0: the end; -1: they
 * cannot be read, and the owner knows why. */
typedef ptrdiff_t read_pull(void *arg, char *to, size_t n);

struct read_document {
	read_pull *pull;
	void *arg;
	/* A row; texts live for the call.  False: stop.  May be NULL. */
	bool (*row)(void *arg, const struct report_row *row);
	void *row_arg;
};

enum read_end {
	READ_DONE,
	READ_STOPPED, /* row() wanted no more */
	READ_REFUSED, /* a faulty one, or no XML; `error` says why */
	READ_OTHER,   /* another kind of document; the same */
	READ_BROKEN,  /* pull() failed */
	READ_MEMORY,
};

/*
 * Reads all of a document.  `out`: its head, with texts in `a`, and the sums of
 * its rows.  `error`: READ_ERROR_MAX bytes.
 */
enum read_end read_document(const struct read_document *d, struct arena *a,
    struct ledger_received *out, char *error);

/*
 * Seconds since 1970 of a number as reporters write it: seconds, milliseconds
 * and smaller, with or without a fraction; or of a date and time of RFC 3339
 * (day.h), which some write there.
 */
bool read_time(struct span text, int64_t *out);

/* Messages; what is missing or no number is one. */
int64_t read_count(struct span text);

#endif
