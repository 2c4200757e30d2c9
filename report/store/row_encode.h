/*
 * row_encode.h - the stored columns of a row (struct report_row) and of the
 * tables that rows share (schema.h).
 *
 * The table in row_encode.c is the only list of them: the schema, the
 * statements that insert and look up, the queries of reports and the texts of a
 * row follow from it.  A new column is a row there and, for stores made before,
 * a step in schema.c that adds it.
 */
#ifndef AVOUCH_REPORT_STORE_ROW_ENCODE_H
#define AVOUCH_REPORT_STORE_ROW_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/span.h"
#include "report/record/row.h"
#include "report/store/sql.h"

enum column_type {
	COLUMN_NAME,       /* struct span: a domain */
	COLUMN_TOKEN,      /* struct span: one of a few words */
	COLUMN_RECORD,     /* struct span: a DMARC record */
	COLUMN_COMMENT,    /* struct span: words */
	COLUMN_FLAG,       /* bool, stored as 0 or 1 */
	COLUMN_ADDRESS,    /* struct ip, stored as text */
	COLUMN_SIGNATURES, /* dkim and n_dkim, stored as report_dkim_put() has
	                      them */
	COLUMN_TEXT,       /* not of a row */
	COLUMN_BYTES,      /* not of a row */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;   /* in struct report_row */
	bool is_omitted; /* reports merge rows over it and leave it out */
	int since;       /* version of the schema that added it; 0: the first */
};

/* Tables whose rows are stored once and have a number. */
enum column_table {
	COLUMNS_POLICY,
	COLUMNS_SOURCE,
	COLUMNS_SHAPE,
	COLUMNS_FACTS,
	COLUMNS_DECISION,
	COLUMN_TABLES,
};

struct column_list {
	const char *table;
	bool has_hash; /* a column "hash" comes first: of all texts */
	const struct column *columns;
	size_t n;
};

const struct column_list *columns_of(enum column_table table);

/*
 * Writes `query` with the columns of a table in the place of
 *
 *	{TABLE}        the names that reports need, separated by commas
 *	{TABLE:all}    all names
 *	{TABLE:types}  all names with their SQL types
 *
 * as of a version of the schema (0: today's).
 */
void columns_expand(struct buf *b, const char *query, int version);

/* Reads {shape} of a query, which begins at `column`, into `out`; texts are the
 * statement's. */
void columns_read_shape(
    struct sql_statement *s, int column, struct report_row *out);

/* Where the texts of each table begin in a row's list of texts. */
enum {
	ROW_TEXT_POLICY = 0,
	ROW_TEXT_SOURCE = 2,
	ROW_TEXT_SHAPE = 3,
	ROW_TEXTS_MAX = 20,
};

enum {
	ROW_BYTES_MAX = DMARC_RECORD_MAX + REPORT_DKIM_TEXT_MAX +
	    ROW_TEXTS_MAX * (REPORT_NAME_MAX + 1) + REPORT_COMMENT_MAX,
};

/*
 * Writes the columns of policy, source and shape into `b` as clean, bounded
 * texts, each followed by a NUL, and stores where they are.  A buffer of
 * ROW_BYTES_MAX bytes is never full.
 */
void row_encode(struct buf *b, const struct report_row *r,
    struct span texts[ROW_TEXTS_MAX]);

#endif
