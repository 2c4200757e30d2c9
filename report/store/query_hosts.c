/* query_hosts.c - the hosts that share a store, and the last day for which each
 * has pushed results. */
#include "lib/enum_names.h"
#include "report/store/query_internal.h"

#define HOST "SELECT store, name, day, ticket, at FROM host "

static void
read_host(struct sql_statement *s, struct ledger_host *out)
{
	*out = (struct ledger_host){
		.store = sql_text(s, 0),
		.name = sql_text(s, 1),
		.day = sql_number(s, 2),
		.token = sql_text(s, 3),
		.at = sql_number(s, 4),
	};
}

enum ledger_step
ledger_put_host(struct ledger *l, const struct ledger_host *h)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO host (store, name, day, ticket, at) "
	    "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (store) DO UPDATE SET "
	    "name = excluded.name, day = excluded.day, "
	    "ticket = excluded.ticket, at = excluded.at");

	sql_bind_text(s, 1, h->store);
	sql_bind_text(s, 2, h->name);
	sql_bind_number(s, 3, h->day);
	sql_bind_text(s, 4, h->token);
	sql_bind_number(s, 5, h->at);
	return ledger_execute(s);
}

enum ledger_step
ledger_get_host(struct ledger *l, struct span store, struct arena *a,
    struct ledger_host *out)
{
	struct span *const texts[] = { &out->store, &out->name, &out->token };
	struct sql_statement *s = sql_prepare(l->db, HOST "WHERE store = $1");
	enum sql_step step;

	sql_bind_text(s, 1, store);
	step = sql_step(s);
	if (step == SQL_ROW)
		read_host(s, out);
	return ledger_keep_texts(l, s, step, a, texts, ARRAY_SIZE(texts));
}

enum ledger_step
ledger_each_host(struct ledger *l,
    bool (*each)(void *arg, const struct ledger_host *h), void *arg)
{
	struct sql_statement *s =
	    sql_prepare(l->db, HOST "ORDER BY name, store");
	enum sql_step step;

	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_host h;

		read_host(s, &h);
		if (!each(arg, &h))
			break;
	}
	return ledger_finish(s, step);
}

enum ledger_step
ledger_server_time(struct ledger *l, int64_t *now)
{
	if (!sql_is_shared(l->db))
		return LEDGER_NONE;
	return ledger_number(
	    sql_prepare(l->db,
		"SELECT CAST(extract(epoch FROM clock_timestamp()) AS BIGINT)"),
	    now);
}
