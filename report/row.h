/*
 * row.h - what one message leaves in the store: the facts of an aggregate
 * report (RFC 9990 section 3.1.1).
 */
#ifndef AVOUCH_REPORT_ROW_H
#define AVOUCH_REPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "verify/verify.h"

enum {
	REPORT_DKIM_MAX = 20,  /* signatures kept of one message, aligned passes
	                          first; RFC 9990 section 3.1.3 caps them at 100
	                        */
	REPORT_DAY = 86400,    /* seconds; days are UTC, and counted since 1970:
	                          day = when / REPORT_DAY */
	REPORT_NAME_MAX = 255, /* bytes of a domain or selector */
	REPORT_COMMENT_MAX = 300, /* bytes */
	REPORT_DKIM_TEXT_MAX = REPORT_DKIM_MAX * (2 * REPORT_NAME_MAX + 16),
};

struct report_dkim {
	struct span domain, selector;
	struct span result; /* RFC 8601's token */
};

/*
 * One line of an aggregate report.  Rows that differ in `when` (within a day)
 * and `count` alone are one row of the store.  There, every text is printable
 * ASCII without white space, but for `record` and `comment`, which may have
 * spaces; longer ones are cut, other bytes become "?".
 */
struct report_row {
	int64_t when;              /* seconds since 1970 */
	uint64_t count;            /* messages */
	struct span policy_domain; /* where the record was found */
	struct span record;        /* its text */
	struct ip source;
	struct span header_from;   /* author domain */
	struct span envelope_from; /* MAIL FROM's domain; empty: null sender */
	struct span disposition;   /* "none", "quarantine", "reject": applied;
	                              of others' reports also "pass" */
	bool dkim_aligned, spf_aligned;
	struct span override; /* "mailing_list", ...; empty: none */
	struct span comment;  /* on the override; empty: none */
	struct span spf_domain, spf_scope, spf_result; /* "mfrom" or "helo" */
	struct report_dkim dkim[REPORT_DKIM_MAX];      /* in the order of RFC
	                                                  9990 section 3.1.3 */
	size_t n_dkim;
	bool automatic; /* null sender, an automatic answer or a report: is
	                   counted, but alone is no reason to send a report,
	                   lest two reporters keep each other busy for ever */
};

/*
 * Of a verdict; texts are the verdict's.  False: no aggregate report is due
 * (no policy record, an own user, no author domain).
 */
bool report_row_of(
    const struct verdict *v, int64_t now, struct report_row *out);

/*
 * At most `max` bytes of `s`, what is not printable ASCII as "?", and a space
 * too unless `spaces`: how the texts of others get into the store.
 */
void report_put_clean(struct buf *b, struct span s, size_t max, bool spaces);

/*
 * The signatures as one clean text, and back: "RESULT DOMAIN SELECTOR" by
 * lines.  Reading stops at what it does not understand; texts point into
 * `text`.
 */
void report_dkim_put(struct buf *b, const struct report_row *r);
void report_dkim_read(struct span text, struct report_row *out);

#endif
