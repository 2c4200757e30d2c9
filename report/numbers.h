/*
 * numbers.h - the tables of texts that are kept once (schema.h): the number of
 * a text, which it gets where it has none.
 */
#ifndef AVOUCH_REPORT_NUMBERS_H
#define AVOUCH_REPORT_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/memo.h"
#include "report/sql.h"

enum numbers_kind {
	NUMBERS_POLICY,   /* of PACK_POLICY on */
	NUMBERS_SOURCE,   /* of PACK_SOURCE */
	NUMBERS_SHAPE,    /* of PACK_SHAPE on */
	NUMBERS_FACTS,    /* of facts.h's bytes */
	NUMBERS_DECISION, /* action, would, rule */
	NUMBERS_KINDS,
};

struct numbers_table { /* the statements of one kind; NULL: not needed yet */
	struct sql_statement *find, *insert, *touch;
};

struct numbers {
	struct sql *db;
	struct memo *memo; /* may be NULL */
	struct numbers_table tables[NUMBERS_KINDS];
	uint64_t given; /* new numbers; the owner may set it back */
	uint64_t limit; /* no more than these are given; 0: any */
};

/*
 * `texts` as pack.h has them, of one kind, in one piece of memory.  `day`: when
 * they are used.  0: the limit was reached; -1: a fault, the database says why.
 * After a rollback the memo must be cleared.
 */
int64_t numbers_get(struct numbers *n, enum numbers_kind kind,
    const struct span *texts, int64_t day);

/* Drops the statements. */
void numbers_end(struct numbers *n);

#endif
