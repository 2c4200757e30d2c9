/*
 * digest.h - the digest of a week: what changed, and what to do next, for a
 * mail.
 *
 * It is a list of short items in a few sections, which the caller may add to
 * (audits and keys), and a row of numbers for each domain.  The same is written
 * as text, and as HTML without styles, images or links from elsewhere.
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
	/* Reports of a day arrive up to two days later. */
	DIGEST_LAG = 2,
	/* The range of view_want: enough for advice. */
	DIGEST_RANGE = 30,
	DIGEST_ITEMS_MAX = 100,    /* of a section; further ones are counted */
	DIGEST_OF_DOMAIN_MAX = 10, /* of a section, for one domain */
	DIGEST_ROWS_MAX = 200,
	DIGEST_LINE_MAX = 1400,   /* bytes: domain and text of an item */
	DIGEST_MEMORY = 16 << 20, /* bytes of arena that always suffice */
};

enum digest_section {
	DIGEST_URGENT,   /* advice: own mail is lost now */
	DIGEST_TODO,     /* advice: something is to be fixed or decided */
	DIGEST_KEYS,     /* keys that are due */
	DIGEST_FAILING,  /* domains and senders that pass less than before */
	DIGEST_NEW,      /* new senders */
	DIGEST_FIXED,    /* senders that pass now */
	DIGEST_POLICIES, /* policies that changed */
	DIGEST_AUDIT,    /* what the audit found, or found to be fixed */
	DIGEST_STEPS,    /* advice: a stricter policy is safe */
	DIGEST_SECTIONS,
};

/* All texts are printable ASCII, in one line, and live in the arena. */
struct digest_item {
	struct digest_item *next;
	struct span domain;
	struct span what; /* what happened */
	struct span more; /* why, or how to fix it; empty: nothing */
};

struct digest_items {
	struct digest_item *first, **end;
	size_t n, left_out;
	struct span domain; /* of the last item */
	size_t of_domain;   /* items of that domain */
};

struct digest_row {
	struct digest_row *next;
	struct span domain, policy; /* "none", "quarantine", "reject", "" */
	uint64_t messages, passed;  /* of the last week with reports */
	uint64_t messages_before, passed_before;
};

struct digest {
	struct arena *a;
	int64_t from, to; /* days of the week */
	struct digest_items sections[DIGEST_SECTIONS];
	struct digest_row *rows, **rows_end;
	size_t n_rows, rows_left_out;
	bool happened; /* more than what was so in the week before, too */
	bool failed;   /* out of memory */
};

/* `now`: seconds since 1970. */
void digest_begin(struct digest *d, struct arena *a, int64_t now);

/* Adds an item; texts are copied, and what is not printable ASCII becomes "?".
 * Sections other than DIGEST_TODO and DIGEST_STEPS set `happened`. */
void digest_add(struct digest *d, enum digest_section section,
    struct span domain, struct span what, struct span more);

/* Adds what the reports of others say of the week.  `names` may be NULL. False:
 * `*error` says why. */
bool digest_add_reports(struct digest *d, struct ledger *l,
    const struct host_names *names, const char **error);

/* A subject for the mail: "mail digest: 2 to fix, 3 new senders". */
void digest_put_subject(struct buf *b, const struct digest *d);

/* "To do", for people; "todo", for programs. */
const char *digest_section_title(enum digest_section section);
const char *digest_section_name(enum digest_section section);

/* "2026-11-22 to 2026-11-28" */
void digest_put_period(FILE *out, const struct digest *d);

/* Lines of at most 78 characters, except for long names. */
void digest_put_text(FILE *out, const struct digest *d);
void digest_put_html(FILE *out, const struct digest *d);

#endif
