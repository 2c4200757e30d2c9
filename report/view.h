/*
 * view.h - what reports of others say, put together for people: domains, their
 * days, their sources, why mail of a source fails, and what to do next.
 *
 * It computes alone; who shows it sees to names by DNS, to escaping and to
 * form.  All of a view lives in one arena.
 */
#ifndef AVOUCH_REPORT_VIEW_H
#define AVOUCH_REPORT_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "report/ledger.h"

enum {
	VIEW_DAYS_MAX = 400,
	VIEW_DOMAINS_MAX = 1000,  /* more are not shown, and counted */
	VIEW_SOURCES_MAX = 20000, /* the same; most messages of a domain first
	                           */
	VIEW_NEW_DAYS = 7, /* a source is new if it was first seen in the last
	                      so many days, and its domain before */
	VIEW_MEMORY = 64 << 20, /* bytes of arena that are always enough */
};

/*
 * How a source stands to the domain in From, by what most of its mail does.
 * The first three have nothing (but a risk) to be mended.
 */
enum view_cause {
	VIEW_GOOD,      /* signed by the domain, and that holds */
	VIEW_SPF_ONLY,  /* passes by SPF alone: breaks when it is forwarded */
	VIEW_BROKEN,    /* passes by SPF; the domain's signature does not */
	VIEW_FORWARDER, /* a list or a forwarder between */
	VIEW_UNALIGNED, /* authenticates, but as somebody else */
	VIEW_SPOOF,     /* authenticates as nobody: likely not yours */
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
	struct span as;   /* who it authenticates as where that is not the
	                     domain; empty */
	struct span name; /* by PTR; the caller's to fill in */
	struct view_source *same; /* view.c's, as is: */
	const struct view_domain *domain;
};

struct view_day {
	uint64_t messages, passed;
};

enum view_recommendation {
	VIEW_TOO_LITTLE,    /* not enough was reported to say */
	VIEW_MEND_FIRST,    /* mail of one's own would be lost */
	VIEW_TO_QUARANTINE, /* safe to move to p=quarantine */
	VIEW_TO_REJECT,     /* safe to move to p=reject */
	VIEW_STAY,          /* at quarantine: some of it is forwarded */
	VIEW_DONE,          /* at p=reject, and nothing is wrong */
	VIEW_END_TESTING,   /* t=y, and nothing is wrong */
};

struct view_domain {
	struct view_domain *next; /* most messages first */
	struct span domain;
	/* Of the report that began last: "none", "quarantine", "reject", or
	 * empty: not told. */
	struct span p, sp, np;
	bool testing; /* t=y */
	uint64_t reports;
	uint64_t messages, passed, quarantined, rejected;
	uint64_t by_cause[VIEW_CAUSES];
	struct view_day *days; /* view.days of them, oldest first */
	size_t reported;       /* of these, with messages */
	struct view_source *sources;
	size_t n_sources, n_new;
	size_t left_out; /* sources that are only in the sums */
	enum view_recommendation advice;
};

struct view {
	int64_t from; /* the first day */
	size_t days;
	struct view_domain *domains;
	size_t n_domains, left_out;
	uint64_t reports, messages, passed;
	const char *fault; /* view_read() failed: why; else NULL */
};

/* `domain` absent: all.  The days are the last `days` up to that of `now`.
 * False: view->fault. */
bool view_read(struct ledger *l, struct span domain, size_t days, int64_t now,
    struct arena *a, struct view *view);

/* "spf_only" and the like, for programs. */
const char *view_cause_name(enum view_cause cause);

/* For people: in a few words, and what to do about it. */
const char *view_cause_title(enum view_cause cause);
const char *view_cause_fix(enum view_cause cause);

const char *view_recommendation_name(enum view_recommendation advice);
const char *view_recommendation_title(enum view_recommendation advice);
const char *view_recommendation_text(enum view_recommendation advice);

/* How one row stands; for view_read(), and tests. */
enum view_cause view_row_cause(
    struct span domain, const struct report_row *row, struct span *as);

/* Per mille; 0 of nothing. */
unsigned view_rate(uint64_t part, uint64_t whole);

/* "98.7 %": 100.0 only where it is all, 0.0 only where it is none. */
void view_put_rate(struct buf *b, uint64_t part, uint64_t whole);

#endif
