/*
 * sample_rows.h - for tests of the store: a temporary folder, messages to
 * store, and sums of the stored rows.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SAMPLE_ROWS_H
#define AVOUCH_TESTS_SUPPORT_SAMPLE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "report/store/query.h"
#include "report/record/row.h"
#include "verify/policy.h"

enum { ROWS_DAY = 20000, ROWS_TEXT = 100, ROWS_PATH = 200 };

/* A new folder under /tmp, and the path of a file in it that does not exist
 * yet. */
struct store_place {
	char folder[ROWS_PATH];
	char file[ROWS_PATH];
};

void place_make(struct store_place *p);

/* Removes the folder and all files in it, but not subfolders. */
void place_remove(const struct store_place *p);

/* A message from "d<domain>.example.com" and 192.0.2.<source>, passing DMARC,
 * on ROWS_DAY.  The strings are stored in the struct. */
struct kept_message {
	struct report_row row;
	struct policy_input facts;
	struct policy_decision decision;
	struct span author, recipient;
	char domain[ROWS_TEXT];
};

void rows_message(struct kept_message *m, unsigned domain, unsigned source);

/* Sums over the rows stored for one day and policy domain, or for all domains
 * if `domain` is NULL. */
struct rows_sum {
	uint64_t domains, rows, messages, automatic;
};

struct rows_sum rows_sum(const char *file, int64_t day, const char *domain);

/* Returns the number of messages stored for replay from `day` on. */
uint64_t rows_replayed(const char *file, int64_t day);

/* Returns the number of files in the folder whose names contain `part`. */
size_t place_count(const struct store_place *p, const char *part);

#endif
