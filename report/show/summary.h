/*
 * summary.h - summarizes received reports for display: domains, their days and
 * senders, why mail from a sender fails, and what to do next.
 *
 * The caller looks up host names, and escapes and formats the output.  One
 * domain is in memory at a time, so that the output is not limited by memory.
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
	VIEW_HISTORY_DAYS =
	    60, /* days of history before the range, to detect new senders */
	VIEW_DOMAINS_MAX = 100000, /* domains; further ones are only counted */
	VIEW_SENDERS_MAX =
	    10000, /* senders per domain; all others are combined into one */
	VIEW_SOURCES_MAX =
	    20000, /* sources per domain: those with the most messages */
	VIEW_MEMORY = 128 << 20, /* arena bytes; always enough */
};

/*
 * Says which domains are ours.  Anyone can send reports about any number of
 * domains, so where only some domains are shown, ours come first.
 */
struct view_ours {
	bool (*has)(const void *arg, struct span domain);
	const void *arg;
};

struct view_domain {
	struct view_domain *next; /* most reports first */
	struct span domain;
	uint64_t reports;      /* in the range */
	uint64_t long_reports; /* reports that cover several days; their
	                          messages are spread evenly over those days */

	/* The members below are set when the domain is visited; their pointers
	 * are valid only during that visit. */

	/* The policy that most reporters saw (ledger_last_received()): "none",
	 * "quarantine", "reject"; empty: not reported. */
	struct span p, sp, np;
	bool testing;          /* t=y */
	int64_t oldest;        /* day of the oldest stored report */
	int64_t begin, end;    /* first and last day in the range with messages;
	                          the last week ends with `end` */
	struct view_day *days; /* array with view.days elements, oldest first */
	size_t reported;       /* number of days with messages */
	struct view_sums all, week, before; /* as in view_sender */
	uint64_t spoofed_below; /* failing messages in the range that likely
	                           spoof a subdomain */
	struct view_sender *senders; /* most messages first */
	size_t n_senders,
	    n_foreign; /* all senders, and those that likely spoof the domain */
	size_t
	    n_new; /* new senders, except those that likely spoof the domain */
	size_t n_sources,
	    n_kept;   /* all sources, and those in the senders' lists */
	bool by_week; /* `counts` covers the last week, not the range */
	struct view_counts counts;
	enum view_recommendation advice;
};

struct view {
	int64_t from, to; /* days */
	size_t days;      /* length of the range */
	struct view_domain *domains;
	size_t n_domains, left_out;
	uint64_t reports;          /* reports for all domains */
	uint64_t messages, passed; /* sums over the domains of the last visit */
	/* Number of stored reports for these domains from all days; only set if
	 * there are none in the range. */
	uint64_t stored;
	int64_t stored_first, stored_last; /* days */
	const struct others_view *others;  /* set by the caller; NULL: none */
	const char *error; /* error message of the last call that failed */
};

struct view_want {
	struct span domain;             /* absent: all */
	int64_t from, to;               /* days, at most VIEW_DAYS_MAX */
	const struct host_names *names; /* NULL: none */
};

struct view_visitor {
	/* Called before domain(), for each source of the domain, in store
	 * order; `sender` is set, but not yet complete.  NULL: not called. */
	bool (*source)(void *arg, const struct view_domain *d,
	    const struct view_source *s);
	/* Called for each domain.  If source() or domain() returns false, the
	 * visit stops. */
	bool (*domain)(
	    void *arg, const struct view *v, const struct view_domain *d);
	void *arg;
};

/* Lists the domains; the list is allocated in `a`.  Returns false after an
 * error, which is in view->error. */
bool view_open(struct ledger *l, const struct view_want *want, struct arena *a,
    struct view *view);

/* Visits the domains of the list.  `want` and `a` must be those passed to
 * view_open().  Returns false after an error, which is in view->error. */
bool view_visit(struct ledger *l, const struct view_want *want, struct arena *a,
    struct view *view, const struct view_visitor *visitor);

/* Sorts visited domains by urgency of the advice, then by number of messages,
 * both descending.  Returns false if memory ran out. */
bool view_sort(struct view *view, struct arena *a);

/* Returns how many of `messages` count for day `i` if they are spread evenly
 * over `days` days. */
uint64_t view_share(uint64_t messages, unsigned i, unsigned days);

/* Returns the name of a policy if `text`, from a report, is one; otherwise "",
 * because `text` may be anything. */
struct span view_policy(struct span text);

/* Returns the share of `part` in `whole` in tenths of a percent; 0 if `whole`
 * is 0. */
unsigned view_rate(uint64_t part, uint64_t whole);

/* Writes "98.7 %"; 100.0 only if `part` equals `whole`, 0.0 only if `part` is
 * 0. */
void view_put_rate(struct buf *b, uint64_t part, uint64_t whole);

#endif
