/*
 * ledger_state.h - a ledger from the inside: for the files ledger*.c alone.
 *
 * ledger.c has the store itself, closed days, their rows and replay;
 * ledger_send.c what is sent; ledger_received.c what others sent.
 */
#ifndef AVOUCH_REPORT_LEDGER_STATE_H
#define AVOUCH_REPORT_LEDGER_STATE_H

#include "report/ledger.h"
#include "report/numbers.h"

struct ledger {
	struct sql *db;
	struct intern intern;
	bool in_transaction; /* the caller's */

	/* the report of others that is being added */
	bool receiving;
	int64_t received;
	int64_t received_day;
	uint64_t received_rows, received_messages;
	struct sql_statement *put_received_row;
};

/* A query with names of columns_expand(); its text is in `memory`, which must
 * live as long as the statement. */
enum { LEDGER_QUERY_MAX = 1500 };

struct sql_statement *ledger_prepare(
    struct ledger *l, const char *query, char memory[LEDGER_QUERY_MAX]);

/* The step after the last row of a query, as a result; drops the statement. */
enum ledger_step ledger_finish(struct sql_statement *s, enum sql_step last);

/* Runs a statement without rows and drops it. */
enum ledger_step ledger_execute(struct sql_statement *s);

/* The same; LEDGER_NONE: it changed nothing. */
enum ledger_step ledger_change(struct sql_statement *s);

/* Copies texts of a row into `a` and drops its statement, whose only step was
 * `step`; LEDGER_NONE: there was no row. */
enum ledger_step ledger_keep_texts(struct ledger *l, struct sql_statement *s,
    enum sql_step step, struct arena *a, struct span *const *texts, size_t n);

/* A change that is one by itself unless the caller has begun. */
bool ledger_own_begin(struct ledger *l);
bool ledger_own_end(struct ledger *l, bool good);

/* The first number a query gives; LEDGER_NONE where it gives no row. */
enum ledger_step ledger_number(struct sql_statement *s, int64_t *out);

#endif
