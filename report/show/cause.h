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
	VIEW_SPF_ONLY,   /* passes only with SPF: fails when forwarded */
	VIEW_BROKEN,     /* passes with SPF; the domain's signature fails */
	VIEW_FORWARDER,  /* sent through a mailing list or a forwarder */
	VIEW_OWN_SERVER, /* a host of the domain itself; neither SPF nor DKIM
	                    passes */
	VIEW_UNALIGNED,  /* authenticates as another domain */
	VIEW_SPOOF,      /* does not authenticate: likely spoofed */
	VIEW_CAUSES,
};

/* The name in JSON and CSV, such as "spf_only". */
const char *view_cause_name(enum view_cause cause);

/* For display: a short title, and advice on how to fix the cause. */
const char *view_cause_title(enum view_cause cause);
const char *view_cause_fix(enum view_cause cause);

/* Returns the cause for one row.  `is_own_host` says whether the confirmed
 * host name of its source is under the domain.  Sets `as` to the other domain
 * that the mail authenticates as, or to an empty span. */
enum view_cause view_row_cause(struct span domain, const struct report_row *row,
    bool is_own_host, struct span *as);

#endif
