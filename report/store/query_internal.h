/*
 * query_internal.h - shared by the files query*.c only: the contents of a
 * ledger. query.c has the store itself, closed days, their rows and replay;
 * query_deliveries.c what is sent; query_received.c what others sent.
 */
#ifndef AVOUCH_REPORT_STORE_QUERY_INTERNAL_H
#define AVOUCH_REPORT_STORE_QUERY_INTERNAL_H

#include "report/store/query.h"
#include "report/store/intern.h"

struct ledger {
	struct sql *db;
	struct intern intern;
	bool in_transaction; /* begun by the caller */

	/* The report from others that is being added. */
	bool receiving;
	int64_t received;
	int64_t received_day;
	uint64_t received_rows, received_messages;
	struct sql_statement *put_received_row;
};

/* Prepares a query with the names of columns_expand(); its text is in
 * `memory`, which must live as long as the statement. */
enum { LEDGER_QUERY_MAX = 1500 };

struct sql_statement *ledger_prepare(
    struct ledger *l, const char *query, char memory[LEDGER_QUERY_MAX]);

/* Drops the statement and maps the result of its last step. */
enum ledger_step ledger_finish(struct sql_statement *s, enum sql_step last);

/* Runs a statement without rows and drops it. */
enum ledger_step ledger_execute(struct sql_statement *s);

/* The same; LEDGER_NONE: it changed nothing. */
enum ledger_step ledger_change(struct sql_statement *s);

/* Copies texts of a row into `a` and drops its statement; `step` was its only
 * step.  LEDGER_NONE: there was no row. */
enum ledger_step ledger_keep_texts(struct ledger *l, struct sql_statement *s,
    enum sql_step step, struct arena *a, struct span *const *texts, size_t n);

/* A transaction for a single change, unless the caller has begun one. */
bool ledger_own_begin(struct ledger *l);
bool ledger_own_end(struct ledger *l, bool good);

/* The first number of a query, which is dropped.  LEDGER_NONE: it gives no
 * row. */
enum ledger_step ledger_number(struct sql_statement *s, int64_t *out);

#endif
