/*
 * row.h - what one message leaves in the store: the facts of an aggregate
 * report (RFC 9990 section 3) and those that decided.
 */
#ifndef AVOUCH_REPORT_ROW_H
#define AVOUCH_REPORT_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "verify/verify.h"

enum {
	REPORT_DKIM_MAX = 20, /* signatures kept of one message, aligned passes
	                         first; RFC 9990 caps them at 100 */
	REPORT_DAY = 86400,   /* seconds; days are UTC */
};

struct report_dkim {
	struct span domain, selector;
	struct span result; /* RFC 8601's token */
};

/*
 * One line of an aggregate report.  Rows that differ in `when` and `count`
 * alone are one row of the store.
 */
struct report_row {
	int64_t when;              /* seconds since 1970 */
	uint64_t count;            /* messages */
	struct span policy_domain; /* where the record was found */
	struct span record;        /* its text */
	struct ip source;
	struct span header_from;   /* author domain */
	struct span envelope_from; /* MAIL FROM's domain; empty: null sender */
	struct span disposition;   /* "none", "quarantine", "reject": applied */
	bool dkim_aligned, spf_aligned;
	struct span override; /* "mailing_list", ...; empty: none */
	struct span comment;  /* of the override */
	struct span spf_domain, spf_scope, spf_result; /* "mfrom" or "helo" */
	struct report_dkim dkim[REPORT_DKIM_MAX];
	size_t n_dkim;
};

/*
 * Of a verdict; texts are the verdict's.  False: no aggregate report is due
 * (no policy record, an own user, our own report mail).
 */
bool report_row_of(
    const struct verdict *v, int64_t now, struct report_row *out);

#endif
