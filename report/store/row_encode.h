/*
 * row_encode.h - the stored columns of a row (struct report_row) and of the
 * tables that rows share (schema.h).
 *
 * The table in row_encode.c is the only list of these columns: the schema, the
 * INSERT and SELECT statements, the queries for reports and the strings of a
 * row are derived from it.  A new column needs a row there and a step in
 * schema.c that adds it to existing stores.
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
	COLUMN_TOKEN,      /* struct span: one of a few keywords */
	COLUMN_RECORD,     /* struct span: a DMARC record */
	COLUMN_COMMENT,    /* struct span: free text */
	COLUMN_FLAG,       /* bool, stored as 0 or 1 */
	COLUMN_ADDRESS,    /* struct ip, stored as text */
	COLUMN_SIGNATURES, /* dkim and n_dkim, stored in the format of
	                      report_dkim_put() */
	COLUMN_TEXT,       /* struct span: text of a decision, not of a row */
	COLUMN_BYTES,      /* struct span: encoded facts, not of a row */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;   /* in struct report_row */
	bool is_omitted; /* reports omit the column and merge rows that differ
	                    only in it */
	int since;       /* schema version that added it; 0: the first
	                    version */
};

/* tables in which each distinct row is stored once and numbered */
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
	bool has_hash; /* the first column is "hash", a hash of all other
	                  columns */
	const struct column *columns;
	size_t n;
	bool newest_only; /* no index has all columns: intern_get() searches
	                     only the newest rows with the same first
	                     column */
};

const struct column_list *columns_of(enum column_table table);

/*
 * Writes `query`, with these placeholders replaced by the columns of a table:
 *
 *	{TABLE}        the columns that reports need, separated by commas
 *	{TABLE:all}    all columns
 *	{TABLE:types}  all columns with their SQL types
 *
 * `version` is the schema version whose columns are used (0: the current one).
 */
void columns_expand(struct buf *b, const char *query, int version);

/* Reads the {shape} columns of a query, which begin at `column`, into `out`.
 * The strings belong to the statement. */
void columns_read_shape(
    struct sql_statement *s, int column, struct report_row *out);

/* index of each table's first string in a row's list of strings */
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
 * strings, each followed by a NUL, and sets `texts` to them.  A buffer of
 * ROW_BYTES_MAX bytes is always large enough.
 */
void row_encode(struct buf *b, const struct report_row *r,
    struct span texts[ROW_TEXTS_MAX]);

#endif
