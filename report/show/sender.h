/*
 * sender.h - senders: the sources of a domain's mail, grouped by who sends.
 *
 * A source belongs to the domain of its host name, if the DNS confirms that
 * name; else to the domain of the DKIM signature or envelope that passed, that
 * of a third party before the domain's own; else to its network.  The domain's
 * own servers are several senders if some of them sign and others do not.
 *
 * This file only computes, on texts that others chose: callers escape them.
 */
#ifndef AVOUCH_REPORT_SHOW_SENDER_H
#define AVOUCH_REPORT_SHOW_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/ip.h"
#include "lib/span.h"
#include "report/show/cause.h"

enum {
	VIEW_RECENT_DAYS = 14, /* a week, and the week before it */
	VIEW_WEEK = 7,
	VIEW_FACTS_MAX = 10, /* of each kind for a sender; further ones are
	                        summed */
};

struct view_sums { /* messages */
	uint64_t messages, passed, dkim, spf, quarantined, rejected;
	uint64_t by_cause[VIEW_CAUSES];
};

struct view_day {
	uint64_t messages, passed;
};

/* How the sender is known, the best one first. */
enum sender_kind {
	SENDER_HOST,     /* by the confirmed host name */
	SENDER_SIGNER,   /* by a DKIM signature that passed */
	SENDER_ENVELOPE, /* by SPF */
	SENDER_NETWORK,  /* by the address only */
	SENDER_REST,     /* all senders beyond VIEW_SENDERS_MAX (summary.h) */
};

/* What the reports say of a sender. */
enum view_fact_kind {
	VIEW_REPORTER,  /* organization of the report */
	VIEW_SIGNATURE, /* "pass example.com s1": result, d= and s= */
	VIEW_ENVELOPE,  /* "pass bounce.example.com": SPF result and domain */
	VIEW_AUTHOR,    /* domain in From */
	VIEW_OVERRIDE,  /* why a receiver did not apply the policy */
	VIEW_FACT_KINDS,
};

struct view_fact {
	struct span text;
	uint64_t messages;
};

struct view_facts { /* most messages first */
	struct view_fact list[VIEW_FACTS_MAX];
	size_t n;
	uint64_t others; /* messages with texts that are not in the list */
};

struct view_source {
	struct view_source *next; /* of the sender, most messages first */
	struct view_sender *sender;
	struct ip address;
	struct span host;    /* the confirmed name; empty: none */
	int64_t first, last; /* days; `first` looks back VIEW_HISTORY_DAYS */
	bool is_new;
	struct view_sums all; /* of the range */
	enum view_cause cause;
	struct span as; /* the other domain that it authenticates as; empty:
	                   none */
};

struct view_sender {
	struct view_sender *next;  /* of the domain, most messages first */
	struct view_sender *chain; /* used by gather.c only */
	enum view_cause apart;     /* the same: of the domain's own sources,
	                              each cause is a sender */
	enum sender_kind kind;
	struct span name; /* "outlook.com", "203.0.113.0/24" */
	bool is_own;      /* a source has a host name under the domain */
	struct view_source *sources; /* at most VIEW_SOURCES_MAX of a domain */
	size_t n_sources;            /* all */
	int64_t first, last;         /* days, as in view_source */
	bool is_new;
	/* Of the range; of the week that ends with view_domain.end; of the week
	 * before it. */
	struct view_sums all, week, before;
	struct view_day recent[VIEW_RECENT_DAYS]; /* up to view_domain.end */
	int64_t failed; /* the last day before `recent` with mail that fails;
	                   -1: none */
	int64_t fixed;  /* it failed, and passes since this day; -1 */
	/* What counts now: `week`, or `all` for a domain with little mail; if
	 * the sender is fixed, the days since. */
	struct view_sums counted;
	enum view_cause cause; /* by `counted` */
	struct span as;
	struct view_facts facts[VIEW_FACT_KINDS];
};

/* Whether a failing sender is likely the domain owner's. */
enum view_role {
	VIEW_YOURS,    /* passes, or mostly, or a host of the domain, or it
	                  has sent as another domain for more than a week */
	VIEW_UNKNOWN,  /* authenticates as another domain; not for long */
	VIEW_FORWARDS, /* forwards mail of the domain */
	VIEW_FOREIGN,  /* likely spoofed */
};

enum view_role sender_role(const struct view_sender *s);

/* "host", "signer", ...; "yours", "unknown", ...: for programs. */
const char *sender_kind_name(enum sender_kind kind);
const char *view_role_name(enum view_role role);

/* "reporter", "signature", ...: for programs; a title for people. */
const char *view_fact_name(enum view_fact_kind kind);
const char *view_fact_title(enum view_fact_kind kind);

/*
 * The part of a name that its owner registered: "outlook.com",
 * "example.co.uk".  A guess without the list of public suffixes; used to group
 * and to name, not to decide about mail.
 */
struct span sender_owner(struct span name);

/* Both names have the same owner, as far as sender_owner() can see. */
bool sender_is_own(struct span domain, struct span other);

/* Who sent the mail of a row, by what passed; empty: nothing passed. */
struct span sender_of_row(
    struct span domain, const struct report_row *row, enum sender_kind *kind);

/* The network of an address: /24, or /48 of IPv6. */
void sender_put_network(struct buf *b, const struct ip *ip);

/* The cause of most of the mail that fails; if none fails, the most common
 * risk. */
enum view_cause sender_cause(const struct view_sums *sums);

/* Sets `fixed` and `counted` (`use_week`: of the week) and `cause`; `end` is
 * the last day of `recent`. */
void sender_judge(struct view_sender *s, int64_t end, bool use_week);

void view_sums_add(struct view_sums *sums, const struct view_sums *more);

#endif
