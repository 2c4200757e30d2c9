#include "report/store/query.h"

#include <stdlib.h>

#include "lib/log.h"
#include "lib/scan.h"
#include "lib/pg_url.h"
#include "report/store/postgres.h"
#include "report/record/policy_input_codec.h"
#include "report/store/row_insert.h"
#include "report/store/query_internal.h"
#include "report/store/row_encode.h"

enum { REPLAY_MEMORY = 1 << 20 }; /* bytes for the facts of one message */

/* ---- opening, errors, transactions, settings ---- */

struct ledger *
ledger_from_sql(struct sql *db)
{
	struct ledger *l = db != NULL ? calloc(1, sizeof(*l)) : NULL;

	if (l == NULL) {
		sql_close(db);
		return NULL;
	}
	l->db = db;
	l->intern.db = db;
	return l;
}

struct ledger *
ledger_open_file(const char *path, enum sqlite_for purpose, char *error)
{
	enum sql_fault fault;
	struct buf text = buf_wrap(error, SQL_ERROR_MAX);
	struct sql *db = sqlite_open(path, purpose, &fault, error);
	struct ledger *l = ledger_from_sql(db);

	if (l == NULL && db != NULL)
		buf_text(&text, "out of memory");
	return l;
}

struct ledger *
ledger_open(const char *store, enum sqlite_for purpose, char *error)
{
	enum sql_fault fault;
	struct buf text = buf_wrap(error, SQL_ERROR_MAX);
	struct sql *db;
	struct ledger *l;

	if (!pg_url_matches(span_str(store)))
		return ledger_open_file(store, purpose, error);
	db = central_open(store, &fault, error);
	l = ledger_from_sql(db);
	if (l == NULL && db != NULL)
		buf_text(&text, "out of memory");
	return l;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	if (l->receiving)
		ledger_end_received(l, false);
	if (l->in_transaction)
		ledger_end(l, false);
	intern_end(&l->intern);
	sql_drop(l->put_received_row);
	sql_close(l->db);
	free(l);
}

enum sql_fault
ledger_sql_fault(const struct ledger *l)
{
	return l->db->fault;
}

const char *
ledger_error(const struct ledger *l)
{
	return l->db->error;
}

struct sql *
ledger_sql(struct ledger *l)
{
	return l->db;
}

enum ledger_step
ledger_begin(struct ledger *l)
{
	if (!sql_begin(l->db))
		return LEDGER_ERROR;
	l->in_transaction = true;
	return LEDGER_OK;
}

enum ledger_step
ledger_end(struct ledger *l, bool commit)
{
	l->in_transaction = false;
	return sql_end(l->db, commit) ? LEDGER_OK : LEDGER_ERROR;
}

bool
ledger_own_begin(struct ledger *l)
{
	return l->in_transaction || l->receiving || sql_begin(l->db);
}

bool
ledger_own_end(struct ledger *l, bool good)
{
	if (l->in_transaction || l->receiving)
		return good;
	return sql_end(l->db, good) && good;
}

struct sql_statement *
ledger_prepare(
    struct ledger *l, const char *query, char memory[LEDGER_QUERY_MAX])
{
	struct buf text = buf_wrap(memory, LEDGER_QUERY_MAX);

	columns_expand(&text, query, 0);
	return sql_prepare(l->db, memory);
}

enum ledger_step
ledger_finish(struct sql_statement *s, enum sql_step last)
{
	sql_drop(s);
	return last == SQL_FAILED ? LEDGER_ERROR : LEDGER_OK;
}

enum ledger_step
ledger_execute(struct sql_statement *s)
{
	bool good = sql_do(s);

	sql_drop(s);
	return good ? LEDGER_OK : LEDGER_ERROR;
}

enum ledger_step
ledger_change(struct sql_statement *s)
{
	bool good = sql_do(s);
	uint64_t changed = good ? sql_changed(s) : 0;

	sql_drop(s);
	return !good ? LEDGER_ERROR : changed > 0 ? LEDGER_OK : LEDGER_NONE;
}

enum ledger_step
ledger_keep_texts(struct ledger *l, struct sql_statement *s, enum sql_step step,
    struct arena *a, struct span *const *texts, size_t n)
{
	bool good = true;

	for (size_t i = 0; step == SQL_ROW && i < n; i++) {
		*texts[i] = arena_copy(a, *texts[i]);
		good = good && texts[i]->p != NULL;
	}
	sql_drop(s);
	if (!good)
		sql_fail(l->db, SQL_AWAY, "out of memory");
	if (step == SQL_DONE)
		return LEDGER_NONE;
	return step == SQL_ROW && good ? LEDGER_OK : LEDGER_ERROR;
}

enum ledger_step
ledger_number(struct sql_statement *s, int64_t *out)
{
	switch (sql_first_number(s, out)) {
	case SQL_ROW:
		return LEDGER_OK;
	case SQL_DONE:
		return LEDGER_NONE;
	case SQL_FAILED:
		break;
	}
	return LEDGER_ERROR;
}

enum ledger_step
ledger_meta(
    struct ledger *l, const char *name, struct span *value, struct arena *a)
{
	struct sql_statement *s =
	    sql_prepare(l->db, "SELECT value FROM meta WHERE name = $1");
	enum sql_step step;

	sql_bind_text(s, 1, span_str(name));
	step = sql_step(s);
	if (step == SQL_ROW)
		*value = sql_text(s, 0);
	return ledger_keep_texts(l, s, step, a, &value, 1);
}

enum ledger_step
ledger_set_meta(struct ledger *l, const char *name, struct span value)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO meta (name, value) VALUES ($1, $2) "
	    "ON CONFLICT (name) DO UPDATE SET value = excluded.value");

	sql_bind_text(s, 1, span_str(name));
	sql_bind_text(s, 2, value);
	return ledger_execute(s);
}

/* ---- closed days ---- */

static enum ledger_step
number_or_none(struct ledger *l, const char *query, int64_t *day)
{
	enum ledger_step step = ledger_number(sql_prepare(l->db, query), day);

	if (step != LEDGER_NONE)
		return step;
	*day = -1;
	return LEDGER_OK;
}

enum ledger_step
ledger_closed(struct ledger *l, int64_t *day)
{
	return number_or_none(l, closed_day_query, day);
}

enum ledger_step
ledger_pushed(struct ledger *l, int64_t *day)
{
	return number_or_none(l,
	    "SELECT CAST(value AS BIGINT) FROM meta "
	    "WHERE name = 'pushed' AND value <> ''",
	    day);
}

/* Returns true if `day` and all later days can be reopened: no report was made
 * for any of them, and none was pushed. */
static bool
is_untouched(struct ledger *l, int64_t day)
{
	struct sql_statement *s =
	    sql_prepare(l->db, "SELECT count(*) FROM report WHERE day >= $1");
	int64_t reports, pushed;

	sql_bind_number(s, 1, day);
	return ledger_number(s, &reports) == LEDGER_OK && reports == 0 &&
	    ledger_pushed(l, &pushed) == LEDGER_OK && pushed < day;
}

static bool
set_closed(struct ledger *l, int64_t day)
{
	char memory[24];
	struct buf text = buf_wrap(memory, sizeof(memory));

	buf_number(&text, (uint64_t)day);
	return ledger_set_meta(l, "closed", buf_view(&text)) == LEDGER_OK;
}

/* If a day after today is closed, a clock was ahead.  Today itself may have
 * been closed by another host whose clock is some seconds ahead. */
static bool
reopen_days(struct ledger *l, int64_t today, int64_t *closed)
{
	if (ledger_closed(l, closed) != LEDGER_OK)
		return false;
	if (*closed <= today || !is_untouched(l, today))
		return true;
	*closed = today - 1;
	return set_closed(l, *closed);
}

static bool
close_day(struct ledger *l, int64_t day, int64_t today)
{
	int64_t closed;

	return reopen_days(l, today, &closed) &&
	    (closed >= day || set_closed(l, day));
}

enum ledger_step
ledger_reopen_days(struct ledger *l, int64_t now, int64_t *closed)
{
	return ledger_own_begin(l) &&
		ledger_own_end(l, reopen_days(l, now / DATE_DAY, closed))
	    ? LEDGER_OK
	    : LEDGER_ERROR;
}

enum ledger_step
ledger_close_day(struct ledger *l, int64_t day, int64_t now)
{
	int64_t today = now / DATE_DAY;

	if (day < 0 || day >= today)
		return LEDGER_NONE;
	/* The writer reads the last closed day under the same lock. */
	return ledger_own_begin(l) &&
		ledger_own_end(l, close_day(l, day, today))
	    ? LEDGER_OK
	    : LEDGER_ERROR;
}

enum ledger_step
ledger_each_day(
    struct ledger *l, bool (*each)(void *arg, int64_t day), void *arg)
{
	/* Uses the index to jump from each day to the next. */
	struct sql_statement *s = sql_prepare(l->db,
	    "WITH RECURSIVE days (day) AS (SELECT min(day) FROM kept UNION ALL "
	    "SELECT (SELECT min(kept.day) FROM kept WHERE kept.day > days.day) "
	    "FROM days WHERE days.day IS NOT NULL) "
	    "SELECT day FROM days WHERE day IS NOT NULL ORDER BY day");
	enum sql_step step;

	while ((step = sql_step(s)) == SQL_ROW)
		if (!each(arg, sql_number(s, 0)))
			break;
	return ledger_finish(s, step);
}

/* ---- rows ---- */

/* A subquery, so that a query for one domain does not scan all rows of the
 * day. */
#define OF_DOMAIN "kept.policy IN (SELECT id FROM policy WHERE domain = $2) "

/* One row per policy record; the newest record of a domain comes last. */
#define POLICIES(AND, HAVING)                                                  \
	"SELECT domain, record, count(*), CAST(sum(messages) AS BIGINT), "     \
	"CAST(sum(CASE WHEN automatic > 0 THEN messages ELSE 0 END) "          \
	"AS BIGINT), max(kept.last) AS newest "                                \
	"FROM kept JOIN policy ON policy.id = kept.policy "                    \
	"JOIN shape ON shape.id = kept.shape WHERE kept.day = $1 " AND         \
	"GROUP BY policy.id, domain, record " HAVING                           \
	"ORDER BY domain, newest, policy.id"

#define UNPLANNED                                                              \
	"HAVING NOT EXISTS (SELECT 1 FROM report WHERE report.day = $1 "       \
	"AND report.domain = policy.domain AND report.part = 1) "

/* The sums over the rows of one domain.  The strings are copies. */
struct policy_sum {
	struct ledger_policy p; /* `records` is 0 before the first row */
	char domain[REPORT_NAME_MAX + 1], record[DMARC_RECORD_MAX + 1];
};

static void
sum_add(struct policy_sum *sum, struct sql_statement *s)
{
	struct buf domain = buf_wrap(sum->domain, sizeof(sum->domain));
	struct buf record = buf_wrap(sum->record, sizeof(sum->record));

	buf_span(&domain, sql_text(s, 0));
	buf_span(&record, sql_text(s, 1));
	sum->p.domain = buf_view(&domain);
	sum->p.record = buf_view(&record);
	sum->p.records++;
	sum->p.rows += (uint64_t)sql_number(s, 2);
	sum->p.messages += (uint64_t)sql_number(s, 3);
	sum->p.automatic += (uint64_t)sql_number(s, 4);
}

static enum ledger_step
each_policy(struct sql_statement *s,
    bool (*each)(void *arg, const struct ledger_policy *p), void *arg)
{
	struct policy_sum sum;
	enum sql_step step;
	bool go_on = true;

	sum.p = (struct ledger_policy){ .records = 0 };
	while (go_on && (step = sql_step(s)) == SQL_ROW) {
		if (sum.p.records > 0 &&
		    !span_equal(sum.p.domain, sql_text(s, 0))) {
			go_on = each(arg, &sum.p);
			sum.p = (struct ledger_policy){ .records = 0 };
		}
		sum_add(&sum, s);
	}
	if (go_on && step == SQL_DONE && sum.p.records > 0)
		each(arg, &sum.p);
	return ledger_finish(s, step);
}

enum ledger_step
ledger_each_policy(struct ledger *l, int64_t day, struct span domain,
    bool (*each)(void *arg, const struct ledger_policy *p), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    domain.p == NULL ? POLICIES("", "")
			     : POLICIES("AND " OF_DOMAIN, ""));

	sql_bind_number(s, 1, day);
	if (domain.p != NULL)
		sql_bind_text(s, 2, domain);
	return each_policy(s, each, arg);
}

enum ledger_step
ledger_each_due(struct ledger *l, int64_t day, struct span domain,
    struct span after, bool (*each)(void *arg, const struct ledger_policy *p),
    void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    domain.p == NULL ? POLICIES("AND policy.domain > $2 ", UNPLANNED)
			     : POLICIES("AND " OF_DOMAIN, UNPLANNED));

	sql_bind_number(s, 1, day);
	sql_bind_text(s, 2, domain.p == NULL ? after : domain);
	return each_policy(s, each, arg);
}

enum ledger_step
ledger_each_row(struct ledger *l, int64_t day, struct span policy_domain,
    bool (*each)(void *arg, const struct report_row *r), void *arg)
{
	char memory[LEDGER_QUERY_MAX];
	struct sql_statement *s = ledger_prepare(l,
	    "SELECT address, CAST(sum(messages) AS BIGINT) AS total, {shape} "
	    "FROM kept JOIN source ON source.id = kept.source "
	    "JOIN shape ON shape.id = kept.shape "
	    "WHERE kept.day = $1 AND " OF_DOMAIN "GROUP BY address, {shape} "
	    "ORDER BY total DESC, address, {shape}",
	    memory);
	enum sql_step step;

	sql_bind_number(s, 1, day);
	sql_bind_text(s, 2, policy_domain);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct report_row r = {
			.when = day * DATE_DAY,
			.policy_domain = policy_domain,
			.count = (uint64_t)sql_number(s, 1),
		};

		ip_parse(sql_text(s, 0), &r.source);
		columns_read_shape(s, 2, &r);
		if (!each(arg, &r))
			break;
	}
	return ledger_finish(s, step);
}

/* Rows of day $1, except those of domains whose report was planned here. */
#define PUSHED_ROWS                                                            \
	"FROM kept WHERE kept.day = $1 AND kept.policy NOT IN "                \
	"(SELECT policy.id FROM report "                                       \
	"JOIN policy ON policy.domain = report.domain "                        \
	"WHERE report.day = $1 AND parts > 0)"

static const char *const pushed_texts[] = {
	[COLUMNS_POLICY] = "SELECT id, domain, record FROM policy "
			   "WHERE id IN (SELECT policy " PUSHED_ROWS ")",
	[COLUMNS_SOURCE] = "SELECT id, address FROM source "
			   "WHERE id IN (SELECT source " PUSHED_ROWS ")",
	[COLUMNS_SHAPE] = "SELECT id, automatic, {shape} FROM shape "
			  "WHERE id IN (SELECT shape " PUSHED_ROWS ")",
};

static void
read_pushed_text(
    struct sql_statement *s, enum column_table table, struct report_row *out)
{
	if (table == COLUMNS_POLICY) {
		out->policy_domain = sql_text(s, 1);
		out->record = sql_text(s, 2);
	} else if (table == COLUMNS_SOURCE) {
		ip_parse(sql_text(s, 1), &out->source);
	} else {
		out->automatic = sql_number(s, 1) != 0;
		columns_read_shape(s, 2, out);
	}
}

enum ledger_step
ledger_each_pushed_text(struct ledger *l, int64_t day, enum column_table table,
    bool (*each)(void *arg, int64_t id, const struct report_row *r), void *arg)
{
	char memory[LEDGER_QUERY_MAX];
	struct sql_statement *s =
	    ledger_prepare(l, pushed_texts[table], memory);
	enum sql_step step;

	sql_bind_number(s, 1, day);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct report_row r = { .when = day * DATE_DAY };

		read_pushed_text(s, table, &r);
		if (!each(arg, sql_number(s, 0), &r))
			break;
	}
	return ledger_finish(s, step);
}

enum ledger_step
ledger_each_pushed_row(struct ledger *l, int64_t day,
    bool (*each)(void *arg, const struct ledger_pushed_row *r), void *arg)
{
	struct sql_statement *s = sql_prepare(
	    l->db, "SELECT policy, source, shape, messages, last " PUSHED_ROWS);
	enum sql_step step;

	sql_bind_number(s, 1, day);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_pushed_row r = {
			.policy = sql_number(s, 0),
			.source = sql_number(s, 1),
			.shape = sql_number(s, 2),
			.messages = sql_number(s, 3),
			.last = sql_number(s, 4),
		};

		/* Late rows are counted on this day, regardless of their
		 * time. */
		if (r.last < day * DATE_DAY)
			r.last = day * DATE_DAY;
		if (!each(arg, &r))
			break;
	}
	return ledger_finish(s, step);
}

/* ---- replay ---- */

static bool
pass_replay_row(struct sql_statement *s, struct arena *a,
    bool (*each)(void *arg, const struct ledger_replay_row *f), void *arg)
{
	struct ledger_replay_row f = {
		.day = sql_number(s, 0),
		.messages = (uint64_t)sql_number(s, 1),
		.action = sql_text(s, 4),
		.would = sql_text(s, 5),
		.rule = sql_text(s, 6),
	};

	arena_rewind(a);
	if (!facts_unpack(sql_text(s, 3), a, &f.facts)) {
		log_limited("store-facts",
		    "stored facts with an unknown encoding are skipped");
		return true;
	}
	ip_parse(sql_text(s, 2), &f.facts.client);
	return each(arg, &f);
}

enum ledger_step
ledger_each_replay_row(struct ledger *l, int64_t day,
    bool (*each)(void *arg, const struct ledger_replay_row *f), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "SELECT day, messages, address, bytes, action, would, rule "
	    "FROM replay JOIN source ON source.id = replay.source "
	    "JOIN facts ON facts.id = replay.facts "
	    "JOIN decision ON decision.id = replay.decision "
	    "WHERE day >= $1 ORDER BY day, replay.source, replay.facts, "
	    "replay.decision");
	struct arena *a = arena_new(REPLAY_MEMORY);
	enum sql_step step = SQL_FAILED;

	if (a == NULL)
		sql_fail(l->db, SQL_AWAY, "out of memory");
	sql_bind_number(s, 1, day);
	while (a != NULL && (step = sql_step(s)) == SQL_ROW)
		if (!pass_replay_row(s, a, each, arg))
			break;
	arena_free(a);
	return ledger_finish(s, step);
}
