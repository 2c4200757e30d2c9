/*
 * cause.h - why reported mail passes or fails DMARC, and how to fix it.
 */
#ifndef AVOUCH_REPORT_SHOW_CAUSE_H
#define AVOUCH_REPORT_SHOW_CAUSE_H

#include <stdbool.h>

#include "lib/span.h"
#include "report/record/row.h"

/*
 * How mail relates to the domain in From.  The first three need no fix, though
 * the second and third are a risk.
 */
enum view_cause {
	VIEW_GOOD,       /* the domain's DKIM signature passes */
	VIEW_SPF_ONLY,   /* passes by SPF only: fails when it is forwarded */
	VIEW_BROKEN,     /* passes by SPF; the domain's signature fails */
	VIEW_FORWARDER,  /* a list or a forwarder in between */
	VIEW_OWN_SERVER, /* a host of the domain itself; neither passes */
	VIEW_UNALIGNED,  /* authenticates as another domain */
	VIEW_SPOOF,      /* does not authenticate: likely spoofed */
	VIEW_CAUSES,
};

/* "spf_only" and the like, for programs. */
const char *view_cause_name(enum view_cause cause);

/* For people: a short title, and how to fix it. */
const char *view_cause_title(enum view_cause cause);
const char *view_cause_fix(enum view_cause cause);

/* The cause of one row.  `is_own_host`: the confirmed name of its source is
 * under the domain.  `as`: the other domain that it authenticates as; empty:
 * none. */
enum view_cause view_row_cause(struct span domain, const struct report_row *row,
    bool is_own_host, struct span *as);

#endif
