/*
 * sender.h - senders: the sources of a domain's mail, grouped by the
 * organization that sends it.
 *
 * A source belongs to the domain of its host name, if DNS confirms that name.
 * Otherwise it belongs to the domain of a DKIM signature that passed, or of an
 * envelope address that passed SPF; a third-party domain is preferred to the
 * domain itself.  If nothing passed, it belongs to its network.  The domain's
 * own servers count as several senders if some of them sign and others do not.
 *
 * These functions do no I/O.  Strings come from reports and are untrusted:
 * callers must escape them.
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
	VIEW_RECENT_DAYS = 14, /* the last week and the one before */
	VIEW_WEEK = 7,
	VIEW_FACTS_MAX =
	    10, /* facts per kind and sender; the rest are only summed */
};

struct view_sums { /* messages */
	uint64_t messages, passed, dkim, spf, quarantined, rejected;
	uint64_t by_cause[VIEW_CAUSES];
};

struct view_day {
	uint64_t messages, passed;
};

/* How the sender was identified, most reliable first. */
enum sender_kind {
	SENDER_HOST,     /* by a confirmed host name */
	SENDER_SIGNER,   /* by a DKIM signature that passed */
	SENDER_ENVELOPE, /* by an SPF pass */
	SENDER_NETWORK,  /* by the address only */
	SENDER_REST,     /* all senders beyond VIEW_SENDERS_MAX (summary.h) */
};

/* Kinds of facts that reports contain about a sender. */
enum view_fact_kind {
	VIEW_REPORTER,  /* organization that sent the report */
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
	uint64_t others; /* messages with a fact that is not in the list */
};

struct view_source {
	struct view_source
	    *next; /* next source of the sender; most messages first */
	struct view_sender *sender;
	struct ip address;
	struct span host;    /* the confirmed name; empty: none */
	int64_t first, last; /* days; `first` may be up to VIEW_HISTORY_DAYS
	                        before the range */
	bool is_new;
	struct view_sums all; /* all messages in the range */
	enum view_cause cause;
	struct span
	    as; /* another domain that the mail authenticates as; empty: none */
};

struct view_sender {
	struct view_sender
	    *next; /* next sender of the domain; most messages first */
	struct view_sender *chain; /* used by gather.c only */
	enum view_cause apart;     /* used by gather.c only: the domain's own
	                              sources form one sender per cause */
	enum sender_kind kind;
	struct span name; /* "outlook.com", "203.0.113.0/24" */
	bool is_own;      /* a source has a host name under the domain */
	struct view_source *sources; /* at most VIEW_SOURCES_MAX per domain */
	size_t n_sources;            /* all sources, listed or not */
	int64_t first, last;         /* days, as in view_source */
	bool is_new;
	/* Sums for the range, for the week that ends with view_domain.end, and
	 * for the week before that. */
	struct view_sums all, week, before;
	struct view_day
	    recent[VIEW_RECENT_DAYS]; /* ends with view_domain.end */
	int64_t
	    failed; /* last day before `recent` with failing mail; -1: none */
	int64_t fixed; /* first day after the failures, if the sender's
	                  mail passes again; -1: none */
	/* The sums to judge by: `week`, or `all` for a domain with little mail.
	 * If the sender was fixed, they cover only the days since then. */
	struct view_sums counted;
	enum view_cause cause; /* judged by `counted` */
	struct span as;
	struct view_facts facts[VIEW_FACT_KINDS];
};

/* Whether a failing sender likely belongs to the domain owner. */
enum view_role {
	VIEW_YOURS,    /* mostly passes, is a host of the domain, or has
	                  authenticated as another domain for a week or more */
	VIEW_UNKNOWN,  /* has authenticated as another domain for less than a
	                  week */
	VIEW_FORWARDS, /* forwards the domain's mail */
	VIEW_FOREIGN,  /* likely spoofed */
};

enum view_role sender_role(const struct view_sender *s);

/* Names in JSON: "host", "signer", ...; "yours", "unknown", ... */
const char *sender_kind_name(enum sender_kind kind);
const char *view_role_name(enum view_role role);

/* The name in JSON ("reporters", "signatures", ...), and a title for
 * display. */
const char *view_fact_name(enum view_fact_kind kind);
const char *view_fact_title(enum view_fact_kind kind);

/* Whether `other` is below `domain`, or domain_registrable() is the same for
 * both. */
bool sender_is_own(struct span domain, struct span other);

/* Returns the domain that sent a row's mail, according to the results that
 * passed; empty if none passed. */
struct span sender_of_row(
    struct span domain, const struct report_row *row, enum sender_kind *kind);

/* Writes the network of an address: /24, or /48 for IPv6. */
void sender_put_network(struct buf *b, const struct ip *ip);

/* Returns the most common cause of failing mail; if none fails, the most common
 * risk, or VIEW_GOOD. */
enum view_cause sender_cause(const struct view_sums *sums);

/* Sets `fixed`, `counted` (from `week` if `use_week`, else from `all`) and
 * `cause`.  `end` is the last day of `recent`. */
void sender_judge(struct view_sender *s, int64_t end, bool use_week);

void view_sums_add(struct view_sums *sums, const struct view_sums *more);

#endif
