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
	struct numbers numbers;
	bool in_transaction; /* the caller's */
	struct sql_statement *put_row;

	/* the report of others that is being added */
	bool receiving;
	int64_t received;
	int64_t received_day;
	uint64_t received_rows, received_messages;
	struct sql_statement *put_received_row;
};

/* The columns of a row behind its source; ledger_read_shape() reads them. */
#define LEDGER_SHAPE                                                           \
	"header_from, envelope_from, disposition, dkim_aligned, "              \
	"spf_aligned, override, comment, spf_domain, spf_scope, spf_result, "  \
	"dkim"

enum { LEDGER_SHAPE_COLUMNS = 11 };

void ledger_read_shape(
    struct sql_statement *s, int column, struct report_row *out);

/* The step after the last row of a query, as a result; drops the statement. */
enum ledger_step ledger_finish(struct sql_statement *s, enum sql_step last);

/* A change that is one by itself unless the caller has begun. */
bool ledger_own_begin(struct ledger *l);
bool ledger_own_end(struct ledger *l, bool good);

/* The first number a query gives; LEDGER_NONE where it gives no row. */
enum ledger_step ledger_number(struct sql_statement *s, int64_t *out);

#endif
