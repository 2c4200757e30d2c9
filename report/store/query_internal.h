/*
 * query_internal.h - the contents of struct ledger, for query*.c only.  query.c
 * has the store itself, closed days, their rows and replay; query_deliveries.c
 * has the reports we send; query_received.c has reports from others;
 * query_failures.c has failures to report; query_hosts.c has hosts.
 */
#ifndef AVOUCH_REPORT_STORE_QUERY_INTERNAL_H
#define AVOUCH_REPORT_STORE_QUERY_INTERNAL_H

#include "report/store/query.h"
#include "report/store/intern.h"

struct ledger {
	struct sql *db;
	struct intern intern;
	bool in_transaction; /* the caller has begun a transaction */

	/* The report from others that is being added. */
	bool receiving;
	int64_t received;
	int64_t received_day;
	uint64_t received_rows, received_messages;
	struct sql_statement *put_received_row;
};

enum { LEDGER_QUERY_MAX = 1500 }; /* bytes of an expanded query */

/* Prepares a query that contains placeholders of columns_expand().  The
 * expanded query is in `memory`, which must live as long as the statement. */
struct sql_statement *ledger_prepare(
    struct ledger *l, const char *query, char memory[LEDGER_QUERY_MAX]);

/* Drops the statement and converts the result of its last step. */
enum ledger_step ledger_finish(struct sql_statement *s, enum sql_step last);

/* Runs a statement that returns no rows, and drops it. */
enum ledger_step ledger_execute(struct sql_statement *s);

/* Like ledger_execute(), but returns LEDGER_NONE if no row was changed. */
enum ledger_step ledger_change(struct sql_statement *s);

/* Copies strings from a row of `s` into `a` and drops `s`; `step` is the result
 * of its only step.  Returns LEDGER_NONE if there was no row. */
enum ledger_step ledger_keep_texts(struct ledger *l, struct sql_statement *s,
    enum sql_step step, struct arena *a, struct span *const *texts, size_t n);

/* Begin and end a transaction for one change, unless the caller has begun
 * one. */
bool ledger_own_begin(struct ledger *l);
bool ledger_own_end(struct ledger *l, bool good);

/* Reads the first number in the result of a query, and drops the query.
 * Returns LEDGER_NONE if the result has no row. */
enum ledger_step ledger_number(struct sql_statement *s, int64_t *out);

#endif
