#include "report/store/row_encode.h"

#include <assert.h>
#include <string.h>

#include "lib/scan.h"
#include "lib/enum_names.h"

enum { TOKEN_MAX = 20 }; /* bytes; "trusted_forwarder" is the longest */

#define FIELD(member) .offset = offsetof(struct report_row, member)

static const struct column policy_columns[] = {
	{ "domain", COLUMN_NAME, FIELD(policy_domain) },
	{ "record", COLUMN_RECORD, FIELD(record) },
};

static const struct column source_columns[] = {
	{ "address", COLUMN_ADDRESS, FIELD(source) },
};

static const struct column shape_columns[] = {
	{ "header_from", COLUMN_NAME, FIELD(header_from) },
	{ "envelope_from", COLUMN_NAME, FIELD(envelope_from) },
	{ "disposition", COLUMN_TOKEN, FIELD(disposition) },
	{ "dkim_aligned", COLUMN_FLAG, FIELD(dkim_aligned) },
	{ "spf_aligned", COLUMN_FLAG, FIELD(spf_aligned) },
	{ "automatic", COLUMN_FLAG, FIELD(automatic), .is_omitted = true },
	{ "override", COLUMN_TOKEN, FIELD(override) },
	{ "comment", COLUMN_COMMENT, FIELD(comment) },
	{ "spf_domain", COLUMN_NAME, FIELD(spf_domain) },
	{ "spf_scope", COLUMN_TOKEN, FIELD(spf_scope) },
	{ "spf_result", COLUMN_TOKEN, FIELD(spf_result) },
	{ "dkim", COLUMN_SIGNATURES, FIELD(dkim) },
};

static const struct column facts_columns[] = {
	{ "bytes", COLUMN_BYTES, .offset = 0 },
};

static const struct column decision_columns[] = {
	{ "action", COLUMN_TEXT, .offset = 0 },
	{ "would", COLUMN_TEXT, .offset = 0 },
	{ "rule", COLUMN_TEXT, .offset = 0 },
};

#define COLUMNS(list) .columns = (list), .n = ARRAY_SIZE(list)

static const struct column_list lists[COLUMN_TABLES] = {
	[COLUMNS_POLICY] = { "policy", false, COLUMNS(policy_columns),
	    .newest_only = true },
	[COLUMNS_SOURCE] = { "source", false, COLUMNS(source_columns) },
	[COLUMNS_SHAPE] = { "shape", true, COLUMNS(shape_columns) },
	[COLUMNS_FACTS] = { "facts", true, COLUMNS(facts_columns) },
	[COLUMNS_DECISION] = { "decision", false, COLUMNS(decision_columns) },
};

static_assert(ROW_TEXT_SOURCE == ROW_TEXT_POLICY + ARRAY_SIZE(policy_columns) &&
	ROW_TEXT_SHAPE == ROW_TEXT_SOURCE + ARRAY_SIZE(source_columns) &&
	ROW_TEXT_SHAPE + ARRAY_SIZE(shape_columns) <= ROW_TEXTS_MAX,
    "each table's strings have their own part of a row's list");

const struct column_list *
columns_of(enum column_table table)
{
	return &lists[table];
}

/* ---- queries ---- */

static const char *
column_sql_type(const struct column *c)
{
	switch (c->type) {
	case COLUMN_FLAG:
		return " BIGINT NOT NULL";
	case COLUMN_BYTES:
		return " BLOB NOT NULL";
	case COLUMN_NAME:
	case COLUMN_TOKEN:
	case COLUMN_RECORD:
	case COLUMN_COMMENT:
	case COLUMN_ADDRESS:
	case COLUMN_SIGNATURES:
	case COLUMN_TEXT:
		break;
	}
	return " TEXT NOT NULL";
}

/* `what` is "", "all" or "types", as in columns_expand(). */
static void
put_columns(struct buf *b, const struct column_list *list, struct span what,
    int version)
{
	const char *between = "";

	for (size_t i = 0; i < list->n; i++) {
		const struct column *c = &list->columns[i];

		if ((what.n == 0 && c->is_omitted) ||
		    (version > 0 && c->since > version))
			continue;
		buf_text(b, between);
		buf_text(b, c->name);
		if (span_is(what, "types"))
			buf_text(b, column_sql_type(c));
		between = ", ";
	}
}

void
columns_expand(struct buf *b, const char *query, int version)
{
	struct scan s = scan_of(span_str(query));

	while (!scan_done(&s)) {
		struct scan name;
		struct span table;

		buf_span(b, scan_until(&s, '{'));
		if (!scan_byte(&s, '{'))
			break;
		name = scan_of(scan_until(&s, '}'));
		scan_byte(&s, '}');
		table = scan_until(&name, ':');
		scan_byte(&name, ':');
		for (size_t i = 0; i < COLUMN_TABLES; i++)
			if (span_is(table, lists[i].table))
				put_columns(
				    b, &lists[i], scan_rest(&name), version);
	}
}

static void
read_column(struct sql_statement *s, int at, const struct column *c,
    struct report_row *out)
{
	void *field = (char *)out + c->offset;
	struct span *text = field;
	bool *flag = field;

	switch (c->type) {
	case COLUMN_NAME:
	case COLUMN_TOKEN:
	case COLUMN_RECORD:
	case COLUMN_COMMENT:
		*text = sql_text(s, at);
		break;
	case COLUMN_FLAG:
		*flag = sql_number(s, at) != 0;
		break;
	case COLUMN_ADDRESS:
		ip_parse(sql_text(s, at), field);
		break;
	case COLUMN_SIGNATURES:
		report_dkim_read(sql_text(s, at), out);
		break;
	case COLUMN_TEXT:
	case COLUMN_BYTES:
		break;
	}
}

void
columns_read_shape(struct sql_statement *s, int column, struct report_row *out)
{
	const struct column_list *list = columns_of(COLUMNS_SHAPE);

	for (size_t i = 0; i < list->n; i++)
		if (!list->columns[i].is_omitted)
			read_column(s, column++, &list->columns[i], out);
}

/* ---- strings ---- */

static void
put_column(struct buf *b, const struct column *c, const struct report_row *r)
{
	const void *field = (const char *)r + c->offset;
	const struct span *text = field;
	const bool *flag = field;

	switch (c->type) {
	case COLUMN_NAME:
		report_put_clean(b, *text, REPORT_NAME_MAX, false);
		break;
	case COLUMN_TOKEN:
		report_put_clean(b, *text, TOKEN_MAX, false);
		break;
	case COLUMN_RECORD:
		report_put_clean(b, *text, DMARC_RECORD_MAX, true);
		break;
	case COLUMN_COMMENT:
		report_put_clean(b, *text, REPORT_COMMENT_MAX, true);
		break;
	case COLUMN_FLAG:
		buf_byte(b, *flag ? '1' : '0');
		break;
	case COLUMN_ADDRESS:
		ip_put(b, field);
		break;
	case COLUMN_SIGNATURES:
		report_dkim_put(b, r);
		break;
	case COLUMN_TEXT:
	case COLUMN_BYTES:
		break;
	}
}

void
row_encode(
    struct buf *b, const struct report_row *r, struct span texts[ROW_TEXTS_MAX])
{
	static const enum column_table tables[] = { COLUMNS_POLICY,
		COLUMNS_SOURCE, COLUMNS_SHAPE };
	size_t n = 0;

	memset(texts, 0, ROW_TEXTS_MAX * sizeof(*texts));
	for (size_t t = 0; t < ARRAY_SIZE(tables); t++) {
		const struct column_list *list = columns_of(tables[t]);

		for (size_t i = 0; i < list->n; i++) {
			size_t from = b->n;

			put_column(b, &list->columns[i], r);
			texts[n++] = report_text_end(b, from);
		}
	}
}
