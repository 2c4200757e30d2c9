/*
 * others.h - received TLS reports (RFC 8460) and failure reports (RFC 6591),
 * for display: sections of the HTML page that follow the aggregate reports.
 */
#ifndef AVOUCH_REPORT_SHOW_OTHERS_H
#define AVOUCH_REPORT_SHOW_OTHERS_H

#include <stdint.h>
#include <stdio.h>

#include "lib/arena.h"
#include "report/show/summary.h"
#include "report/store/query.h"

enum {
	OTHERS_EACH_MAX =
	    50, /* rows per domain; further ones are only counted */
	OTHERS_DOMAINS_MAX = 1000, /* domains; further ones are only counted */
	OTHERS_MEMORY = 64 << 20,  /* arena bytes; rows for which there is no
	                              room are only counted */
};

struct others_tls {
	struct others_tls *next;
	struct ledger_tls_sum sum;
};

struct others_failure {
	struct others_failure *next;
	struct ledger_incident sum;
};

struct others_domain { /* a domain with its TLS or failure reports */
	struct others_domain *next;
	struct span domain;
	uint64_t
	    total; /* sessions or messages, including those of omitted rows */
	uint64_t passed; /* sessions with TLS */
	struct others_tls *tls;
	struct others_failure *failures;
	size_t n, left_out; /* rows */
};

struct others_list { /* our own domains first, then those with the most
	                reports; in each, rows with the most sessions or
	                messages first */
	struct others_domain *domains;
	size_t n, left_out; /* domains */
};

struct others_view {
	struct others_list tls, failures;
	const char *fault; /* why others_read() failed; NULL: no error */
};

/* Reads the rows; strings are in `a`, of which at most `memory` bytes are used.
 * Returns false if it fails: see view->fault. */
bool others_read(struct ledger *l, const struct ledger_range *range,
    const struct view_ours *ours, struct arena *a, size_t memory,
    struct others_view *view);

/* Returns how to fix the problem that a result-type (RFC 8460 section 4.3)
 * reports.  Returns NULL if there is nothing to fix, or the result is
 * unknown. */
const char *others_tls_fix(struct span result);

/* Writes the sections of the page, or nothing if there are no such reports. */
void others_write(FILE *out, const struct others_view *view);

#endif
