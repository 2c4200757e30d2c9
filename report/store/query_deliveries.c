/*
 * query_deliveries.c - the reports we send, their deliveries, and addresses
 * that bounce.
 */
#include "lib/enum_names.h"
#include "report/store/query_internal.h"

enum { QUERY_MAX = 900 }; /* bytes of the SELECT for deliveries */

/* ---- planning ---- */

/* Sets `id` to the id of the new report, or returns LEDGER_NONE if the report
 * already exists. */
static enum ledger_step
insert_report(struct ledger *l, const struct ledger_report *r, int64_t *id)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO report (day, domain, part, parts, report_id, record, "
	    "made, rows, messages, note) VALUES ($1, $2, $3, $4, $5, $6, $7, "
	    "$8, $9, $10) ON CONFLICT DO NOTHING RETURNING id");

	sql_bind_number(s, 1, r->day);
	sql_bind_text(s, 2, r->domain);
	sql_bind_number(s, 3, (int64_t)r->part);
	sql_bind_number(s, 4, (int64_t)r->parts);
	sql_bind_text(s, 5, r->report_id);
	sql_bind_text(s, 6, r->record);
	sql_bind_number(s, 7, r->made);
	sql_bind_number(s, 8, (int64_t)r->rows);
	sql_bind_number(s, 9, (int64_t)r->messages);
	sql_bind_text(s, 10, r->note);
	return ledger_number(s, id);
}

static enum ledger_step
insert_plan(struct ledger *l, const struct ledger_report *r,
    const struct span *destinations, size_t n)
{
	struct sql_statement *s;
	int64_t id;
	enum ledger_step step = insert_report(l, r, &id);
	bool good = true;

	if (step != LEDGER_OK)
		return step;
	s = sql_prepare(l->db,
	    "INSERT INTO delivery (report, destination, state, attempts, "
	    "changed, not_before, note) VALUES ($1, $2, $3, 0, $4, 0, '') "
	    "ON CONFLICT DO NOTHING");
	for (size_t i = 0; good && i < n; i++) {
		sql_bind_number(s, 1, id);
		sql_bind_text(s, 2, destinations[i]);
		sql_bind_number(s, 3, LEDGER_PLANNED);
		sql_bind_number(s, 4, r->made);
		good = sql_do(s);
	}
	sql_drop(s);
	return good ? LEDGER_OK : LEDGER_ERROR;
}

enum ledger_step
ledger_plan(struct ledger *l, const struct ledger_report *r,
    const struct span *destinations, size_t n)
{
	enum ledger_step step;

	if (!ledger_own_begin(l))
		return LEDGER_ERROR;
	step = insert_plan(l, r, destinations, n);
	if (!ledger_own_end(l, step != LEDGER_ERROR))
		return LEDGER_ERROR;
	return step;
}

#define REPORT                                                                 \
	"report.day, report.domain, report.part, report.parts, "               \
	"report.report_id, report.record, report.made, report.rows, "          \
	"report.messages, report.note"

static void
read_report(struct sql_statement *s, int column, struct ledger_report *out)
{
	out->day = sql_number(s, column);
	out->domain = sql_text(s, column + 1);
	out->part = (uint64_t)sql_number(s, column + 2);
	out->parts = (uint64_t)sql_number(s, column + 3);
	out->report_id = sql_text(s, column + 4);
	out->record = sql_text(s, column + 5);
	out->made = sql_number(s, column + 6);
	out->rows = (uint64_t)sql_number(s, column + 7);
	out->messages = (uint64_t)sql_number(s, column + 8);
	out->note = sql_text(s, column + 9);
}

#define REPORTS(AND)                                                           \
	"SELECT " REPORT " FROM report WHERE day = $1 " AND                    \
	"ORDER BY domain, part"

enum ledger_step
ledger_each_report(struct ledger *l, int64_t day, struct span domain,
    bool (*each)(void *arg, const struct ledger_report *r), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    domain.p == NULL ? REPORTS("") : REPORTS("AND domain = $2 "));
	enum sql_step step;

	sql_bind_number(s, 1, day);
	if (domain.p != NULL)
		sql_bind_text(s, 2, domain);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_report r;

		read_report(s, 0, &r);
		if (!each(arg, &r))
			break;
	}
	return ledger_finish(s, step);
}

/* ---- proofs ---- */

static const char seed_name[] = "report_seed";

enum ledger_step
ledger_seed(struct ledger *l, struct hash_secret *out)
{
	struct arena *a = arena_new(1 << 12);
	struct span text = SPAN_NONE;
	enum ledger_step step =
	    a != NULL ? ledger_meta(l, seed_name, &text, a) : LEDGER_ERROR;

	if (step == LEDGER_OK && !hash_secret_read(text, out))
		step = LEDGER_ERROR;
	arena_free(a);
	return step;
}

enum ledger_step
ledger_set_seed(struct ledger *l, struct hash_secret seed)
{
	char memory[HASH_SECRET_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	hash_secret_put(&text, seed);
	return ledger_set_meta(l, seed_name, buf_view(&text));
}

uint64_t
ledger_delivery_proof(struct hash_secret seed, const struct ledger_delivery *d)
{
	return hash_span(
	    seed, d->destination, hash_span(seed, d->report.report_id, 0));
}

/* ---- deliveries ---- */

static void
put_states(struct buf *query, unsigned states_wanted)
{
	const char *between = "";

	buf_text(query, " AND state IN (");
	for (unsigned i = 0; i <= LEDGER_DROPPED; i++) {
		if ((states_wanted & 1u << i) == 0)
			continue;
		buf_text(query, between);
		buf_number(query, i);
		between = ", ";
	}
	buf_text(query, ")");
}

/* Conditions that are not set are left out of the query, so that an index can
 * be used. */
static void
put_query(struct buf *query, const struct ledger_want *want)
{
	int at = 1;

	buf_text(query,
	    "SELECT delivery.id, destination, state, attempts, changed, "
	    "not_before, delivery.note, " REPORT " FROM delivery "
	    "JOIN report ON report.id = delivery.report WHERE 1 = 1");
	if (want->day >= 0)
		buf_printf(query, " AND day = $%d", at++);
	if (want->domain.p != NULL)
		buf_printf(query, " AND domain = $%d", at++);
	if (want->report_id.p != NULL)
		buf_printf(query, " AND report_id = $%d", at++);
	if (want->due != 0)
		buf_printf(query, " AND not_before <= $%d", at++);
	if (want->after != 0)
		buf_printf(query, " AND delivery.id > $%d", at++);
	if (want->states != 0)
		put_states(query, want->states);
	buf_text(query, " ORDER BY delivery.id");
	if (want->limit != 0)
		buf_printf(query, " LIMIT $%d", at);
}

static void
bind_query(struct sql_statement *s, const struct ledger_want *want)
{
	int at = 1;

	if (want->day >= 0)
		sql_bind_number(s, at++, want->day);
	if (want->domain.p != NULL)
		sql_bind_text(s, at++, want->domain);
	if (want->report_id.p != NULL)
		sql_bind_text(s, at++, want->report_id);
	if (want->due != 0)
		sql_bind_number(s, at++, want->due);
	if (want->after != 0)
		sql_bind_number(s, at++, want->after);
	if (want->limit != 0)
		sql_bind_number(s, at, (int64_t)want->limit);
}

enum ledger_step
ledger_each_delivery(struct ledger *l, const struct ledger_want *want,
    bool (*each)(void *arg, const struct ledger_delivery *d), void *arg)
{
	char memory[QUERY_MAX];
	struct buf query = buf_wrap(memory, sizeof(memory));
	struct sql_statement *s;
	enum sql_step step;

	put_query(&query, want);
	s = sql_prepare(l->db, query.p);
	bind_query(s, want);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_delivery d = {
			.id = sql_number(s, 0),
			.destination = sql_text(s, 1),
			.state = (enum ledger_state)sql_number(s, 2),
			.attempts = (uint64_t)sql_number(s, 3),
			.changed = sql_number(s, 4),
			.not_before = sql_number(s, 5),
			.note = sql_text(s, 6),
		};

		read_report(s, 7, &d.report);
		if (!each(arg, &d))
			break;
	}
	return ledger_finish(s, step);
}

static bool
may_move(enum ledger_state from, enum ledger_state to)
{
	switch (from) {
	case LEDGER_PLANNED:
	case LEDGER_WAITING:
		return to == LEDGER_SENDING || to == LEDGER_DROPPED;
	case LEDGER_SENDING:
		return to == LEDGER_SENT || to == LEDGER_WAITING ||
		    to == LEDGER_DROPPED;
	case LEDGER_SENT:
	case LEDGER_DROPPED:
		break;
	}
	return false;
}

enum ledger_step
ledger_move(struct ledger *l, const struct ledger_move *m)
{
	struct sql_statement *s;

	if (!may_move(m->from, m->to)) {
		sql_fail(
		    l->db, SQL_WRONG, "invalid state change of a delivery");
		return LEDGER_ERROR;
	}
	s = sql_prepare(l->db,
	    "UPDATE delivery SET state = $1, attempts = attempts + $2, "
	    "changed = $3, not_before = $4, note = $5 "
	    "WHERE id = $6 AND state = $7 AND attempts = $8");
	sql_bind_number(s, 1, m->to);
	sql_bind_number(s, 2, m->to == LEDGER_SENDING);
	sql_bind_number(s, 3, m->now);
	sql_bind_number(s, 4, m->to == LEDGER_WAITING ? m->not_before : 0);
	sql_bind_text(s, 5, m->note);
	sql_bind_number(s, 6, m->id);
	sql_bind_number(s, 7, m->from);
	sql_bind_number(s, 8, (int64_t)m->attempts);
	return ledger_change(s);
}

enum ledger_step
ledger_sent_to(
    struct ledger *l, struct span destination, int64_t since, uint64_t *count)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "SELECT count(*) FROM delivery WHERE destination = $1 "
	    "AND changed >= $2 AND state IN ($3, $4)");
	int64_t n = 0;
	enum ledger_step step;

	sql_bind_text(s, 1, destination);
	sql_bind_number(s, 2, since);
	sql_bind_number(s, 3, LEDGER_SENDING);
	sql_bind_number(s, 4, LEDGER_SENT);
	step = ledger_number(s, &n);
	*count = (uint64_t)n;
	return step;
}

enum ledger_step
ledger_lock(struct ledger *l, const char *name)
{
	if (sql_lock(l->db, name))
		return LEDGER_OK;
	return l->db->fault == SQL_LOCKED ? LEDGER_NONE : LEDGER_ERROR;
}

/* ---- addresses that bounce ---- */

enum ledger_step
ledger_put_bounce(struct ledger *l, const struct ledger_bounce *b)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO bounce (address, count, first, last, suppressed, "
	    "note) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (address) "
	    "DO UPDATE SET count = excluded.count, first = excluded.first, "
	    "last = excluded.last, suppressed = excluded.suppressed, "
	    "note = excluded.note");

	sql_bind_text(s, 1, b->address);
	sql_bind_number(s, 2, (int64_t)b->count);
	sql_bind_number(s, 3, b->first);
	sql_bind_number(s, 4, b->last);
	sql_bind_number(s, 5, b->suppressed);
	sql_bind_text(s, 6, b->note);
	return ledger_execute(s);
}

#define BOUNCE                                                                 \
	"SELECT address, count, first, last, suppressed, note FROM bounce "

static void
read_bounce(struct sql_statement *s, struct ledger_bounce *out)
{
	*out = (struct ledger_bounce){
		.address = sql_text(s, 0),
		.count = (uint64_t)sql_number(s, 1),
		.first = sql_number(s, 2),
		.last = sql_number(s, 3),
		.suppressed = sql_number(s, 4) != 0,
		.note = sql_text(s, 5),
	};
}

enum ledger_step
ledger_get_bounce(struct ledger *l, struct span address, struct arena *a,
    struct ledger_bounce *out)
{
	struct span *const texts[] = { &out->address, &out->note };
	struct sql_statement *s =
	    sql_prepare(l->db, BOUNCE "WHERE address = $1");
	enum sql_step step;

	sql_bind_text(s, 1, address);
	step = sql_step(s);
	if (step == SQL_ROW)
		read_bounce(s, out);
	return ledger_keep_texts(l, s, step, a, texts, ARRAY_SIZE(texts));
}

enum ledger_step
ledger_delete_bounce(struct ledger *l, struct span address)
{
	struct sql_statement *s =
	    sql_prepare(l->db, "DELETE FROM bounce WHERE address = $1");

	sql_bind_text(s, 1, address);
	return ledger_change(s);
}

enum ledger_step
ledger_each_bounce(struct ledger *l,
    bool (*each)(void *arg, const struct ledger_bounce *b), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db, BOUNCE "ORDER BY address");
	enum sql_step step;

	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_bounce b;

		read_bounce(s, &b);
		if (!each(arg, &b))
			break;
	}
	return ledger_finish(s, step);
}
