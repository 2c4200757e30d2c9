/*
 * digest.h - the weekly digest, sent as mail: what has changed, and what to do
 * next.
 *
 * A digest has sections of short items, to which the caller may add more
 * (audits and keys), and a row of numbers for each domain.  It is written as
 * plain text and as HTML that loads no style sheets, images or other files.
 */
#ifndef AVOUCH_REPORT_SHOW_DIGEST_H
#define AVOUCH_REPORT_SHOW_DIGEST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/arena.h"
#include "report/show/summary.h"

enum {
	DIGEST_DAYS = 7,
	/* Reports for a day arrive up to two days later. */
	DIGEST_LAG = 2,
	/* days of reports that are read, enough for advice */
	DIGEST_RANGE = 30,
	DIGEST_ITEMS_MAX =
	    100, /* items per section; further ones are only counted */
	DIGEST_OF_DOMAIN_MAX = 10, /* items per section and domain */
	DIGEST_ROWS_MAX = 200,
	DIGEST_LINE_MAX =
	    1400, /* bytes of an item's domain and text together */
	DIGEST_MEMORY = 16 << 20, /* arena bytes; always enough */
};

enum digest_section {
	DIGEST_URGENT,  /* advice: the owner's mail is being lost */
	DIGEST_TODO,    /* advice: the owner should fix or decide something */
	DIGEST_KEYS,    /* signing keys that need to be replaced or fixed */
	DIGEST_FAILING, /* domains and senders whose mail passes less often than
	                   before */
	DIGEST_NEW,     /* new senders */
	DIGEST_FIXED,   /* senders that failed before and pass now */
	DIGEST_POLICIES, /* policies that changed */
	DIGEST_AUDIT,    /* new and fixed findings of the audit */
	DIGEST_STEPS,    /* advice: a stricter policy is safe */
	DIGEST_SECTIONS,
};

/* All strings are printable ASCII without line breaks, and are in the arena. */
struct digest_item {
	struct digest_item *next;
	struct span domain;
	struct span what; /* the event */
	struct span more; /* the reason, or how to fix it; may be empty */
};

struct digest_items {
	struct digest_item *first, **end;
	size_t n, left_out;
	struct span domain; /* domain of the last item */
	size_t of_domain;   /* number of items for that domain */
};

struct digest_row {
	struct digest_row *next;
	struct span domain, policy; /* "none", "quarantine", "reject", "" */
	uint64_t messages, passed;  /* in the last week with reports */
	uint64_t messages_before, passed_before;
};

struct digest {
	struct arena *a;
	int64_t from, to; /* first and last day of the week */
	struct digest_items sections[DIGEST_SECTIONS];
	struct digest_row *rows, **rows_end;
	size_t n_rows, rows_left_out;
	bool happened; /* there is an item in a section other than DIGEST_TODO
	                  and DIGEST_STEPS */
	bool failed;   /* out of memory */
};

/* Starts an empty digest.  `now` is in seconds since 1970. */
void digest_begin(struct digest *d, struct arena *a, int64_t now);

/* Adds an item.  Strings are copied; characters other than printable ASCII
 * become "?".  Sections other than DIGEST_TODO and DIGEST_STEPS set
 * `happened`. */
void digest_add(struct digest *d, enum digest_section section,
    struct span domain, struct span what, struct span more);

/*
 * Adds items from the reports received for the week, about our own domains
 * first.  `names` may be NULL.  Returns false if it fails; `*error` then says
 * why, or is NULL if the digest ran out of memory.
 */
bool digest_add_reports(struct digest *d, struct ledger *l,
    const struct host_names *names, const struct view_ours *ours,
    const char **error);

/* Writes the Subject: "Mail authentication digest: 2 to do, 3 new senders". */
void digest_put_subject(struct buf *b, const struct digest *d);

/* The title is for display ("To do"), the name for JSON ("todo"). */
const char *digest_section_title(enum digest_section section);
const char *digest_section_name(enum digest_section section);

/* Writes "2026-11-22 to 2026-11-28". */
void digest_put_period(FILE *out, const struct digest *d);

/* Lines are at most 78 characters long, except for long names. */
void digest_put_text(FILE *out, const struct digest *d);
void digest_put_html(FILE *out, const struct digest *d);

#endif
