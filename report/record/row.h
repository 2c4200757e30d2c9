/* row.h - the row that is stored for each message and used in aggregate reports
 * (RFC 9990 section 3.1.1). */
#ifndef AVOUCH_REPORT_RECORD_ROW_H
#define AVOUCH_REPORT_RECORD_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/date.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "verify/verify.h"

enum {
	REPORT_DKIM_MAX = 20,     /* signatures stored per message, aligned
	                             passes first; RFC 9990 section 3.1.3 limits
	                             them to 100 */
	REPORT_NAME_MAX = 255,    /* bytes of a domain or selector */
	REPORT_COMMENT_MAX = 300, /* bytes */
	REPORT_DKIM_TEXT_MAX = REPORT_DKIM_MAX * (2 * REPORT_NAME_MAX + 16),
};

struct report_dkim {
	struct span domain, selector;
	struct span result; /* token of RFC 8601 */
};

/*
 * One row of an aggregate report.  The store merges rows of one day that differ
 * only in `when` and `count`.  Stored strings are printable ASCII without white
 * space, except `record` and `comment`, which may contain spaces; longer
 * strings are cut, and other bytes become "?".
 */
struct report_row {
	int64_t when;              /* seconds since 1970 */
	unsigned days;             /* in reports from others: number of days
	                              that the messages cover, starting at
	                              `when` */
	uint64_t count;            /* messages */
	struct span policy_domain; /* domain where the record was found */
	struct span record;        /* text of the record */
	struct ip source;
	struct span header_from;   /* author domain */
	struct span envelope_from; /* domain of MAIL FROM; empty: null sender */
	struct span disposition;   /* "none", "quarantine" or "reject", as
	                              applied; in reports from others also
	                              "pass" */
	bool dkim_aligned, spf_aligned;
	struct span override; /* "mailing_list", ...; empty: none */
	struct span comment;  /* comment on the override; empty: none */
	/* spf_scope is "mfrom" or "helo" */
	struct span spf_domain, spf_scope, spf_result;
	struct report_dkim dkim[REPORT_DKIM_MAX]; /* in the order of RFC
	                                             9990 section 3.1.3 */
	size_t n_dkim;
	bool automatic; /* null sender, automatic reply or report.  It is
	                   counted, but does not cause a report on its own:
	                   otherwise two reporters would report to each other
	                   forever */
};

/*
 * Makes a row from a verdict; strings point into the verdict.  Returns false if
 * no aggregate report is due (no policy record, a local user, no author
 * domain).
 */
bool report_row_of(
    const struct verdict *v, int64_t now, struct report_row *out);

/*
 * Writes at most `max` bytes of `s`.  Bytes that are not printable ASCII become
 * "?", as do spaces unless `spaces` is set.  All untrusted strings are stored
 * like this.
 */
void report_put_clean(struct buf *b, struct span s, size_t max, bool spaces);

/*
 * report_dkim_put() writes the signatures as one clean string, with a line
 * "RESULT DOMAIN SELECTOR" for each.  report_dkim_read() reads it and stops at
 * an invalid line; strings point into `text`.
 */
void report_dkim_put(struct buf *b, const struct report_row *r);
void report_dkim_read(struct span text, struct report_row *out);

/* Adds a NUL to the string that began at b->n == `from`; returns the string. */
struct span report_text_end(struct buf *b, size_t from);

#endif
