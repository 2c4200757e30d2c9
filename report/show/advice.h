/*
 * advice.h - what the owner of a domain should do next: the table of
 * situations, the first that holds wins.
 */
#ifndef AVOUCH_REPORT_SHOW_ADVICE_H
#define AVOUCH_REPORT_SHOW_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

struct view_domain;

enum view_recommendation {
	VIEW_PARKED_DONE,     /* sends no mail, p=reject is published */
	VIEW_PARKED,          /* sends no mail: p=reject is safe */
	VIEW_SILENT,          /* reports have stopped */
	VIEW_LOSING,          /* own mail is rejected or quarantined now */
	VIEW_TOO_LITTLE,      /* too few messages were reported */
	VIEW_FIX_FIRST,       /* legitimate mail would be lost */
	VIEW_NEW_SENDER,      /* a new sender fails: whose is it? */
	VIEW_MOSTLY_SPOOFED,  /* nearly none of it is the owner's */
	VIEW_END_TESTING,     /* t=y is published, and nothing is wrong */
	VIEW_SUBDOMAINS,      /* sp=none leaves spoofed subdomains alone */
	VIEW_SIGN_FIRST,      /* much mail passes by SPF only */
	VIEW_LOSES_FORWARDED, /* p=reject, and some mail is forwarded */
	VIEW_DONE,            /* p=reject is published, and nothing is wrong */
	VIEW_TO_QUARANTINE,   /* p=quarantine is safe */
	VIEW_STAY,            /* keep quarantine: some mail is forwarded */
	VIEW_TO_REJECT,       /* p=reject is safe */
	VIEW_RECOMMENDATIONS,
};

enum view_urgency {
	VIEW_URGENT,    /* mail is lost now */
	VIEW_ATTENTION, /* something is to be fixed or decided */
	VIEW_STEP,      /* a stricter policy is safe */
	VIEW_WAIT,      /* not enough is known */
	VIEW_CALM,      /* nothing to do */
};

/* Messages that the advice is based on: view_sender.counted of all senders. */
struct view_counts {
	uint64_t messages, passed;
	uint64_t weak;      /* passed by SPF only, or with a broken signature */
	uint64_t lost;      /* fail, of senders that are likely the owner's */
	uint64_t unknown;   /* fail, of senders that may be the owner's */
	uint64_t forwarded; /* fail, and were forwarded */
	uint64_t spoofed;   /* fail, all others */
};

/* Counts what view_domain.senders have; they must have been judged. */
void advice_count(struct view_domain *d);

/* By all sums of the domain; `to` is the last day of the range. */
enum view_recommendation advice_choose(const struct view_domain *d, int64_t to);

/* "to_reject" and the like, for programs. */
const char *view_recommendation_name(enum view_recommendation advice);

/* For people: a short title, and why and how. */
const char *view_recommendation_title(enum view_recommendation advice);
const char *view_recommendation_text(enum view_recommendation advice);

enum view_urgency view_recommendation_urgency(enum view_recommendation advice);

/* "urgent", "attention", "step", "wait", "calm". */
const char *view_urgency_name(enum view_urgency urgency);

#endif
