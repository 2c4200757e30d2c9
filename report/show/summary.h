/*
 * summary.h - summarizes reports from others for people: domains, their days
 * and sources, why mail of a source fails, and what to do next.
 *
 * It only computes; the caller resolves names, escapes and formats.  A view
 * is in one arena.
 */
#ifndef AVOUCH_REPORT_SHOW_SUMMARY_H
#define AVOUCH_REPORT_SHOW_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "report/store/query.h"

struct others_view; /* others.h */

enum {
	VIEW_DAYS_MAX = 400,
	VIEW_DOMAINS_MAX = 1000,  /* further ones are only counted */
	VIEW_SOURCES_MAX = 20000, /* the same; those with most messages are
	                             kept */
	VIEW_NEW_DAYS = 7,      /* a source is new if it was first seen in this
	                           many days, and its domain before */
	VIEW_MEMORY = 64 << 20, /* bytes of arena that always suffice */
};

/*
 * How most of a source's mail relates to the domain in From.  The first three
 * need no fix, though the second and third are a risk.
 */
enum view_cause {
	VIEW_GOOD,      /* the domain's DKIM signature passes */
	VIEW_SPF_ONLY,  /* passes by SPF only: fails when it is forwarded */
	VIEW_BROKEN,    /* passes by SPF; the domain's signature fails */
	VIEW_FORWARDER, /* a list or a forwarder in between */
	VIEW_UNALIGNED, /* authenticates as another domain */
	VIEW_SPOOF,     /* does not authenticate: likely spoofed */
	VIEW_CAUSES,
};

struct view_source {
	struct view_source *next; /* of the domain, most messages first */
	struct ip address;
	int64_t first, last; /* days */
	bool is_new;
	uint64_t messages, passed, dkim, spf, quarantined, rejected;
	uint64_t by_cause[VIEW_CAUSES]; /* messages */
	enum view_cause cause;
	struct span as;           /* the other domain that it authenticates as;
	                             empty: none */
	struct span name;         /* name by PTR; set by the caller */
	struct view_source *same; /* used by summary.c only */
	const struct view_domain *domain;
};

struct view_day {
	uint64_t messages, passed;
};

enum view_recommendation {
	VIEW_TOO_LITTLE,    /* too few messages were reported */
	VIEW_MEND_FIRST,    /* legitimate mail would be lost */
	VIEW_TO_QUARANTINE, /* p=quarantine is safe */
	VIEW_TO_REJECT,     /* p=reject is safe */
	VIEW_STAY,          /* keep quarantine: some mail is forwarded */
	VIEW_DONE,          /* p=reject is published, and nothing is wrong */
	VIEW_END_TESTING,   /* t=y is published, and nothing is wrong */
};

struct view_domain {
	struct view_domain *next; /* most messages first */
	struct span domain;
	/* From the report that began last: "none", "quarantine", "reject", or
	 * empty: not reported. */
	struct span p, sp, np;
	bool testing; /* t=y */
	uint64_t reports;
	uint64_t long_reports; /* of several days: their messages are spread
	                          evenly over them */
	uint64_t messages, passed, quarantined, rejected;
	uint64_t by_cause[VIEW_CAUSES];
	struct view_day *days; /* view.days of them, oldest first */
	size_t reported;       /* number of days with messages */
	struct view_source *sources;
	size_t n_sources, n_new;
	size_t left_out; /* number of sources that are only in the sums */
	enum view_recommendation advice;
};

struct view {
	int64_t from; /* the first day */
	size_t days;
	struct view_domain *domains;
	size_t n_domains, left_out;
	uint64_t reports, messages, passed;
	const struct others_view *others; /* set by the caller; NULL: none */
	const char *fault; /* why view_read() failed; NULL: it did not */
};

/* `domain` absent: all.  Covers `days` days up to that of `now`.  False: see
 * view->fault. */
bool view_read(struct ledger *l, struct span domain, size_t days, int64_t now,
    struct arena *a, struct view *view);

/* "spf_only" and the like, for programs. */
const char *view_cause_name(enum view_cause cause);

/* For people: a short title, and how to fix it. */
const char *view_cause_title(enum view_cause cause);
const char *view_cause_fix(enum view_cause cause);

const char *view_recommendation_name(enum view_recommendation advice);
const char *view_recommendation_title(enum view_recommendation advice);
const char *view_recommendation_text(enum view_recommendation advice);

/* The cause of one row; for view_read() and its tests. */
enum view_cause view_row_cause(
    struct span domain, const struct report_row *row, struct span *as);

/* Per mille; 0 if `whole` is 0. */
unsigned view_rate(uint64_t part, uint64_t whole);

/* "98.7 %"; 100.0 only if all, 0.0 only if none. */
void view_put_rate(struct buf *b, uint64_t part, uint64_t whole);

#endif
