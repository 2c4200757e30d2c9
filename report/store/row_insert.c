#include "report/store/row_insert.h"

#include "lib/enum_names.h"
#include "report/store/row_encode.h"

const char row_insert_query[] =
    "INSERT INTO kept (day, policy, source, shape, messages, last) "
    "VALUES ($1, $2, $3, $4, $5, $6) "
    "ON CONFLICT (day, policy, source, shape) DO UPDATE SET "
    "messages = kept.messages + excluded.messages, last = CASE WHEN "
    "excluded.last > kept.last THEN excluded.last ELSE kept.last END";

const char closed_day_query[] =
    "SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'closed'";

enum row_outcome
row_outcome(int64_t id)
{
	return id < 0 ? ROW_ERROR : id == 0 ? ROW_REFUSED : ROW_WRITTEN;
}

enum row_outcome
row_insert(struct intern *n, struct sql_statement *insert,
    const struct span *texts, int64_t day, uint64_t count, int64_t last)
{
	static const struct {
		enum column_table kind;
		size_t first;
	} parts[] = {
		{ COLUMNS_POLICY, ROW_TEXT_POLICY },
		{ COLUMNS_SOURCE, ROW_TEXT_SOURCE },
		{ COLUMNS_SHAPE, ROW_TEXT_SHAPE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		int64_t id =
		    intern_get(n, parts[i].kind, &texts[parts[i].first], day);

		if (id <= 0)
			return row_outcome(id);
		sql_bind_number(insert, (int)i + 2, id);
	}
	sql_bind_number(insert, 1, day);
	sql_bind_number(insert, 5, (int64_t)count);
	sql_bind_number(insert, 6, last);
	return sql_do(insert) ? ROW_WRITTEN : ROW_ERROR;
}
