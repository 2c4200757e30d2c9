/*
 * summary.h - summarizes reports from others for people: domains, their days
 * and senders, why mail of a sender fails, and what to do next.
 *
 * It only computes; the caller looks up host names, escapes and formats.  One
 * domain is in memory at a time, so that sums and sources of any number of
 * domains can be written as they come.
 */
#ifndef AVOUCH_REPORT_SHOW_SUMMARY_H
#define AVOUCH_REPORT_SHOW_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"
#include "report/show/advice.h"
#include "report/show/host_names.h"
#include "report/show/sender.h"
#include "report/store/query.h"

struct others_view; /* others.h */

enum {
	VIEW_DAYS_MAX = 400,
	VIEW_ENOUGH_MESSAGES = 100, /* enough to recommend a policy */
	VIEW_HISTORY_DAYS = 60,     /* before the range: to know what is new */
	VIEW_DOMAINS_MAX = 100000,  /* further ones are only counted */
	VIEW_SENDERS_MAX = 10000,   /* of a domain; all others are one sender */
	VIEW_SOURCES_MAX = 20000,   /* of a domain, in its senders: those with
	                               the most messages */
	VIEW_MEMORY = 128 << 20,    /* bytes of arena that always suffice */
};

struct view_domain {
	struct view_domain *next; /* most messages first */
	struct span domain;
	uint64_t reports;      /* in the range */
	uint64_t long_reports; /* of several days: their messages are spread
	                          evenly over them */

	/* The rest is set when the domain is visited, and the pointers are
	 * valid during the visit alone. */

	/* From the report that began last: "none", "quarantine", "reject", or
	 * empty: not reported. */
	struct span p, sp, np;
	bool testing;          /* t=y */
	int64_t oldest;        /* day of the first report ever read */
	int64_t begin, end;    /* first and last day of the range with messages;
	                          the last week ends with `end` */
	struct view_day *days; /* view.days of them, oldest first */
	size_t reported;       /* number of days with messages */
	struct view_sums all, week, before; /* as in view_sender */
	uint64_t spoofed_below;      /* messages of the range that fail, likely
	                                spoofed, with a name below the domain */
	struct view_sender *senders; /* most messages first */
	size_t n_senders, n_foreign; /* all, and those likely spoofed */
	size_t n_new;                /* new ones, without those spoofed */
	size_t n_sources, n_kept;    /* all, and those of the senders' lists */
	bool by_week; /* `counted` is of the last week, not of the range */
	struct view_counts counts;
	enum view_recommendation advice;
};

struct view {
	int64_t from, to; /* days */
	size_t days;      /* of them */
	struct view_domain *domains;
	size_t n_domains, left_out;
	uint64_t reports;          /* of all domains */
	uint64_t messages, passed; /* of the domains of the last visit */
	/* Reports of these domains in the store, of any day; only set if there
	 * are none in the range. */
	uint64_t stored;
	int64_t stored_first, stored_last; /* days */
	const struct others_view *others;  /* set by the caller; NULL: none */
	const char *error;                 /* of the last call that failed */
};

struct view_want {
	struct span domain;             /* absent: all */
	int64_t from, to;               /* days, at most VIEW_DAYS_MAX */
	const struct host_names *names; /* NULL: none */
};

struct view_visitor {
	/* A source of the domain that is being read, in the order of the store,
	 * before domain(); `sender` is set, but not yet complete.  NULL: not
	 * wanted. */
	bool (*source)(void *arg, const struct view_domain *d,
	    const struct view_source *s);
	/* False stops the visit. */
	bool (*domain)(
	    void *arg, const struct view *v, const struct view_domain *d);
	void *arg;
};

/* Lists the domains, in `a`.  False: see view->error. */
bool view_open(struct ledger *l, const struct view_want *want, struct arena *a,
    struct view *view);

/* Visits the domains of the list.  What view_open() was called with must not
 * have changed.  False: see view->error. */
bool view_visit(struct ledger *l, const struct view_want *want, struct arena *a,
    struct view *view, const struct view_visitor *visitor);

/* After a visit: the most urgent advice first, then the most messages.  False:
 * out of memory. */
bool view_sort(struct view *view, struct arena *a);

/* What day `i` of `days` gets of messages that are spread over them. */
uint64_t view_share(uint64_t messages, unsigned i, unsigned days);

/* Per mille; 0 if `whole` is 0. */
unsigned view_rate(uint64_t part, uint64_t whole);

/* "98.7 %"; 100.0 only if all, 0.0 only if none. */
void view_put_rate(struct buf *b, uint64_t part, uint64_t whole);

#endif
