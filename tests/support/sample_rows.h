/*
 * sample_rows.h - for tests of the store: a folder of one's own, messages to
 * keep, and what the store has of them.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SAMPLE_ROWS_H
#define AVOUCH_TESTS_SUPPORT_SAMPLE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "report/store/query.h"
#include "report/record/row.h"
#include "verify/policy.h"

enum { ROWS_DAY = 20000, ROWS_TEXT = 100, ROWS_PATH = 200 };

/* A new folder under /tmp, and a file of it that is not there yet. */
struct place {
	char folder[ROWS_PATH];
	char file[ROWS_PATH];
};

void place_make(struct place *p);

/* With all files (no folders) in it. */
void place_remove(const struct place *p);

/* A message: "d<domain>.example.com" from 192.0.2.<source>, passing DMARC, on
 * ROWS_DAY.  The texts live in it. */
struct kept_message {
	struct report_row row;
	struct policy_input facts;
	struct policy_decision decision;
	struct span author, recipient;
	char domain[ROWS_TEXT];
};

void rows_message(struct kept_message *m, unsigned domain, unsigned source);

/* What the store has of a day and policy domain; NULL: of all. */
struct rows_sum {
	uint64_t domains, rows, messages, aligned, automatic;
};

struct rows_sum rows_sum(const char *file, int64_t day, const char *domain);

/* Messages for replay from `day` on. */
uint64_t rows_replayed(const char *file, int64_t day);

/* Number of files in the folder whose names have `part` in them. */
size_t place_count(const struct place *p, const char *part);

#endif
