/*
 * advice.h - recommends the next step to the owner of a domain, from a table of
 * situations: the first that applies wins.
 */
#ifndef AVOUCH_REPORT_SHOW_ADVICE_H
#define AVOUCH_REPORT_SHOW_ADVICE_H

#include <stdbool.h>
#include <stdint.h>

struct view_domain;

enum view_recommendation {
	VIEW_PARKED_DONE,     /* sends no mail, and p=reject is published */
	VIEW_PARKED,          /* sends no mail: p=reject is safe */
	VIEW_SILENT,          /* reports have stopped */
	VIEW_LOSING,          /* own mail is rejected or quarantined now */
	VIEW_TOO_LITTLE,      /* too few messages were reported */
	VIEW_FIX_FIRST,       /* legitimate mail would be lost */
	VIEW_NEW_SENDER,      /* a new sender fails, and may be the owner's */
	VIEW_MOSTLY_SPOOFED,  /* almost none of the mail is the owner's */
	VIEW_END_TESTING,     /* t=y is published, and nothing is wrong */
	VIEW_SUBDOMAINS,      /* sp=none lets subdomains be spoofed */
	VIEW_SIGN_FIRST,      /* a lot of mail passes only with SPF */
	VIEW_LOSES_FORWARDED, /* p=reject, and some mail is forwarded */
	VIEW_DONE,            /* p=reject is published, and nothing is wrong */
	VIEW_TO_QUARANTINE,   /* p=quarantine is safe */
	VIEW_STAY,            /* keep quarantine: some mail is forwarded */
	VIEW_TO_REJECT,       /* p=reject is safe */
	VIEW_RECOMMENDATIONS,
};

enum view_urgency {
	VIEW_URGENT,    /* mail is lost now */
	VIEW_ATTENTION, /* the owner should fix or decide something */
	VIEW_STEP,      /* a stricter policy is safe */
	VIEW_WAIT,      /* too few reports to judge */
	VIEW_CALM,      /* nothing to do */
};

/* Messages that the advice is based on: sums of view_sender.counted over all
 * senders. */
struct view_counts {
	uint64_t messages, passed;
	uint64_t weak;      /* passed only with SPF; DKIM is absent or broken */
	uint64_t lost;      /* fail; the sender is likely the owner's */
	uint64_t unknown;   /* fail; the sender may be the owner's */
	uint64_t forwarded; /* fail because they were forwarded */
	uint64_t spoofed;   /* fail for any other reason */
};

/* Sets d->counts from d->senders.  Call sender_judge() for each sender first.
 */
void advice_count(struct view_domain *d);

/* Chooses the advice.  Counts and sums of the domain must be set; `to` is the
 * last day of the range. */
enum view_recommendation advice_choose(const struct view_domain *d, int64_t to);

/* The name in JSON, such as "to_reject". */
const char *view_recommendation_name(enum view_recommendation advice);

/* For display: a short title, and a text with the reason and the fix. */
const char *view_recommendation_title(enum view_recommendation advice);
const char *view_recommendation_text(enum view_recommendation advice);

enum view_urgency view_recommendation_urgency(enum view_recommendation advice);

/* Returns "urgent", "attention", "step", "wait" or "calm". */
const char *view_urgency_name(enum view_urgency urgency);

#endif
