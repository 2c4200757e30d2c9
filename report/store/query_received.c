/* query_received.c - reports from others (aggregate, TLS and failure reports):
 * stores each once, and reads those in a range of days. */
#include "lib/enum_names.h"
#include "report/store/query_internal.h"
#include "report/store/row_encode.h"

/* ---- adding ---- */

static enum ledger_step
insert_received(struct ledger *l, const struct ledger_received *r)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO received (organisation, email, contact, report_id, "
	    "begin_at, end_at, domain, p, sp, np, adkim, aspf, fo, testing, "
	    "pct, discovery, version, generator, errors, file, read_at, rows, "
	    "messages) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, "
	    "$12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 0, 0) "
	    "ON CONFLICT DO NOTHING RETURNING id");

	sql_bind_text(s, 1, r->organisation);
	sql_bind_text(s, 2, r->email);
	sql_bind_text(s, 3, r->contact);
	sql_bind_text(s, 4, r->report_id);
	sql_bind_number(s, 5, r->begin);
	sql_bind_number(s, 6, r->end);
	sql_bind_text(s, 7, r->domain);
	sql_bind_text(s, 8, r->p);
	sql_bind_text(s, 9, r->sp);
	sql_bind_text(s, 10, r->np);
	sql_bind_text(s, 11, r->adkim);
	sql_bind_text(s, 12, r->aspf);
	sql_bind_text(s, 13, r->fo);
	sql_bind_text(s, 14, r->testing);
	sql_bind_text(s, 15, r->pct);
	sql_bind_text(s, 16, r->discovery);
	sql_bind_text(s, 17, r->version);
	sql_bind_text(s, 18, r->generator);
	sql_bind_text(s, 19, r->errors);
	sql_bind_text(s, 20, r->file);
	sql_bind_number(s, 21, r->read);
	return ledger_number(s, &l->received);
}

static bool
delete_received(struct ledger *l, int64_t id)
{
	static const char *const from[] = {
		"DELETE FROM received_row WHERE report = $1",
		"DELETE FROM received WHERE id = $1",
	};

	for (size_t i = 0; i < sizeof(from) / sizeof(from[0]); i++) {
		struct sql_statement *s = sql_prepare(l->db, from[i]);

		sql_bind_number(s, 1, id);
		if (ledger_execute(s) == LEDGER_ERROR)
			return false;
	}
	return true;
}

/* Deletes the stored report with the key of `r` if it has fewer messages than
 * `r`.  Returns LEDGER_NONE if nothing was deleted. */
static enum ledger_step
delete_smaller(struct ledger *l, const struct ledger_received *r)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "SELECT id FROM received WHERE domain = $1 AND begin_at = $2 "
	    "AND end_at = $3 AND organisation = $4 AND report_id = $5 "
	    "AND messages < $6");
	enum ledger_step step;
	int64_t id;

	sql_bind_text(s, 1, r->domain);
	sql_bind_number(s, 2, r->begin);
	sql_bind_number(s, 3, r->end);
	sql_bind_text(s, 4, r->organisation);
	sql_bind_text(s, 5, r->report_id);
	sql_bind_number(s, 6, (int64_t)r->messages);
	step = ledger_number(s, &id);
	if (step != LEDGER_OK)
		return step;
	return delete_received(l, id) ? LEDGER_OK : LEDGER_ERROR;
}

enum ledger_step
ledger_begin_received(
    struct ledger *l, const struct ledger_received *r, bool *replaces)
{
	enum ledger_step step;

	*replaces = false;
	if (!l->in_transaction && !sql_begin(l->db))
		return LEDGER_ERROR;
	step = insert_received(l, r);
	if (step == LEDGER_NONE) {
		step = delete_smaller(l, r);
		*replaces = step == LEDGER_OK;
		if (*replaces)
			step = insert_received(l, r);
	}
	if (step == LEDGER_OK) {
		l->receiving = true;
		l->received_day = r->read / DATE_DAY;
		l->received_rows = l->received_messages = 0;
	} else if (!l->in_transaction) {
		sql_end(l->db, false);
	}
	return step;
}

static bool
add_received_row(struct ledger *l, const struct report_row *row)
{
	char memory[ROW_BYTES_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct span texts[ROW_TEXTS_MAX];
	int64_t source, shape;

	row_encode(&text, row, texts);
	source = intern_get(&l->intern, COLUMNS_SOURCE, &texts[ROW_TEXT_SOURCE],
	    l->received_day);
	if (source <= 0)
		return false;
	shape = intern_get(
	    &l->intern, COLUMNS_SHAPE, &texts[ROW_TEXT_SHAPE], l->received_day);
	if (shape <= 0)
		return false;
	if (l->put_received_row == NULL)
		l->put_received_row = sql_prepare(l->db,
		    "INSERT INTO received_row (report, source, shape, "
		    "messages) VALUES ($1, $2, $3, $4) "
		    "ON CONFLICT (report, source, shape) DO UPDATE SET "
		    "messages = received_row.messages + excluded.messages");
	sql_bind_number(l->put_received_row, 1, l->received);
	sql_bind_number(l->put_received_row, 2, source);
	sql_bind_number(l->put_received_row, 3, shape);
	sql_bind_number(l->put_received_row, 4, (int64_t)row->count);
	return sql_do(l->put_received_row);
}

enum ledger_step
ledger_add_received_row(struct ledger *l, const struct report_row *row)
{
	if (!l->receiving || !add_received_row(l, row))
		return LEDGER_ERROR;
	l->received_rows++;
	l->received_messages += row->count;
	return LEDGER_OK;
}

static bool
note_sums(struct ledger *l)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "UPDATE received SET rows = $1, messages = $2 WHERE id = $3");

	sql_bind_number(s, 1, (int64_t)l->received_rows);
	sql_bind_number(s, 2, (int64_t)l->received_messages);
	sql_bind_number(s, 3, l->received);
	return ledger_execute(s) == LEDGER_OK;
}

enum ledger_step
ledger_end_received(struct ledger *l, bool keep)
{
	bool good = keep && note_sums(l);

	l->receiving = false;
	good = sql_end(l->db, good) && good;
	return good || !keep ? LEDGER_OK : LEDGER_ERROR;
}

/* ---- reading ---- */

#define RECEIVED                                                               \
	"id, organisation, email, contact, report_id, begin_at, end_at, "      \
	"domain, p, sp, np, adkim, aspf, fo, testing, pct, discovery, "        \
	"version, generator, errors, file, read_at, rows, messages"

static void
read_received(struct sql_statement *s, struct ledger_received *out)
{
	*out = (struct ledger_received){
		.id = sql_number(s, 0),
		.organisation = sql_text(s, 1),
		.email = sql_text(s, 2),
		.contact = sql_text(s, 3),
		.report_id = sql_text(s, 4),
		.begin = sql_number(s, 5),
		.end = sql_number(s, 6),
		.domain = sql_text(s, 7),
		.p = sql_text(s, 8),
		.sp = sql_text(s, 9),
		.np = sql_text(s, 10),
		.adkim = sql_text(s, 11),
		.aspf = sql_text(s, 12),
		.fo = sql_text(s, 13),
		.testing = sql_text(s, 14),
		.pct = sql_text(s, 15),
		.discovery = sql_text(s, 16),
		.version = sql_text(s, 17),
		.generator = sql_text(s, 18),
		.errors = sql_text(s, 19),
		.file = sql_text(s, 20),
		.read = sql_number(s, 21),
		.rows = (uint64_t)sql_number(s, 22),
		.messages = (uint64_t)sql_number(s, 23),
	};
}

/* Parameter $1 is the first second of the range, $2 the first second after it,
 * and $3 the domain, if there is one. */
static void
bind_range(struct sql_statement *s, const struct ledger_range *range)
{
	sql_bind_number(s, 1, range->from * DATE_DAY);
	sql_bind_number(s, 2, (range->to + 1) * DATE_DAY);
	if (range->domain.p != NULL)
		sql_bind_text(s, 3, range->domain);
}

#define IN_RANGE "begin_at >= $1 AND begin_at < $2 "

#define REPORTS(AND)                                                           \
	"SELECT " RECEIVED " FROM received WHERE " IN_RANGE AND                \
	"ORDER BY begin_at, id"

enum ledger_step
ledger_each_received(struct ledger *l, const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received *r), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    range->domain.p == NULL ? REPORTS("")
				    : REPORTS("AND domain = $3 "));
	enum sql_step step;

	bind_range(s, range);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_received r;

		read_received(s, &r);
		if (!each(arg, &r))
			break;
	}
	return ledger_finish(s, step);
}

/* Number of days in a period, rounded and at least 1, so that a day in another
 * time zone counts as 1. */
#define DAYS                                                                   \
	"CASE WHEN end_at - begin_at < 86400 THEN 1 "                          \
	"ELSE (end_at - begin_at + 43200) / 86400 END"

#define ROWS(AND)                                                              \
	"SELECT begin_at / 86400 AS day, domain, address, "                    \
	"CAST(sum(received_row.messages) AS BIGINT), " DAYS " AS days, "       \
	"{shape} FROM received "                                               \
	"JOIN received_row ON received_row.report = received.id "              \
	"JOIN source ON source.id = received_row.source "                      \
	"JOIN shape ON shape.id = received_row.shape "                         \
	"WHERE " IN_RANGE AND                                                  \
	"GROUP BY begin_at / 86400, domain, address, " DAYS ", {shape} "       \
	"ORDER BY day, domain, address, {shape}, days"

/* Returns how many of the `days` days that start at `first` are not after the
 * end of the range. */
static unsigned
days_within(const struct ledger_range *range, int64_t first, int64_t days)
{
	int64_t most = range->to - first + 1;

	return (unsigned)(days < most ? days : most);
}

enum ledger_step
ledger_each_received_row(struct ledger *l, const struct ledger_range *range,
    bool (*each)(void *arg, const struct report_row *r), void *arg)
{
	char memory[LEDGER_QUERY_MAX];
	struct sql_statement *s = ledger_prepare(l,
	    range->domain.p == NULL ? ROWS("") : ROWS("AND domain = $3 "),
	    memory);
	enum sql_step step;

	bind_range(s, range);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct report_row r = {
			.when = sql_number(s, 0) * DATE_DAY,
			.policy_domain = sql_text(s, 1),
			.count = (uint64_t)sql_number(s, 3),
			.days = days_within(
			    range, sql_number(s, 0), sql_number(s, 4)),
		};

		ip_parse(sql_text(s, 2), &r.source);
		columns_read_shape(s, 5, &r);
		if (!each(arg, &r))
			break;
	}
	return ledger_finish(s, step);
}

/* ---- summaries ---- */

#define DOMAINS(AND)                                                           \
	"SELECT domain, count(*) AS n, CAST(sum(messages) AS BIGINT) AS "      \
	"total, "                                                              \
	"CAST(sum(CASE WHEN " DAYS " > 1 THEN 1 ELSE 0 END) AS BIGINT) "       \
	"FROM received WHERE " IN_RANGE AND                                    \
	"GROUP BY domain ORDER BY n DESC, total DESC, domain"

enum ledger_step
ledger_each_received_domain(struct ledger *l, const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received_domain *d), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    range->domain.p == NULL ? DOMAINS("")
				    : DOMAINS("AND domain = $3 "));
	enum sql_step step;

	bind_range(s, range);
	while ((step = sql_step(s)) == SQL_ROW) {
		const struct ledger_received_domain d = {
			.domain = sql_text(s, 0),
			.reports = (uint64_t)sql_number(s, 1),
			.messages = (uint64_t)sql_number(s, 2),
			.long_reports = (uint64_t)sql_number(s, 3),
		};

		if (!each(arg, &d))
			break;
	}
	return ledger_finish(s, step);
}

#define EXTENT(WHERE)                                                          \
	"SELECT count(*), coalesce(min(begin_at), 0), "                        \
	"coalesce(max(begin_at), 0) FROM received " WHERE

enum ledger_step
ledger_received_extent(struct ledger *l, struct span domain, uint64_t *reports,
    int64_t *first, int64_t *last)
{
	struct sql_statement *s = sql_prepare(
	    l->db, domain.p == NULL ? EXTENT("") : EXTENT("WHERE domain = $1"));
	enum sql_step step;

	if (domain.p != NULL)
		sql_bind_text(s, 1, domain);
	step = sql_step(s);
	*reports = 0;
	if (step == SQL_ROW) {
		*reports = (uint64_t)sql_number(s, 0);
		*first = sql_number(s, 1) / DATE_DAY;
		*last = sql_number(s, 2) / DATE_DAY;
	}
	if (ledger_finish(s, step) != LEDGER_OK)
		return LEDGER_ERROR;
	return *reports > 0 ? LEDGER_OK : LEDGER_NONE;
}

/* Reports that may decide the policy. */
#define WITH_POLICY                                                            \
	"FROM received WHERE " IN_RANGE "AND domain = $3 AND messages > 0 "    \
	"AND p IN ('none', 'quarantine', 'reject') "

/* Reporters may omit sp, np and t; they then have the values of RFC 9989
 * section 4.7. */
#define SAME_POLICY                                                            \
	"p, coalesce(nullif(sp, ''), p), "                                     \
	"coalesce(nullif(np, ''), nullif(sp, ''), p), testing = 'y' "

enum ledger_step
ledger_last_received(struct ledger *l, const struct ledger_range *range,
    struct arena *a, struct ledger_received *out)
{
	struct span *const texts[] = { &out->organisation, &out->email,
		&out->contact, &out->report_id, &out->domain, &out->p, &out->sp,
		&out->np, &out->adkim, &out->aspf, &out->fo, &out->testing,
		&out->pct, &out->discovery, &out->version, &out->generator,
		&out->errors, &out->file };
	struct sql_statement *s = sql_prepare(l->db,
	    "SELECT " RECEIVED
	    " FROM received WHERE id = (SELECT max(id) " WITH_POLICY
	    "AND begin_at >= (SELECT max(begin_at) / 86400 - 3 " WITH_POLICY
	    ") * 86400 GROUP BY " SAME_POLICY
	    "ORDER BY count(DISTINCT organisation) DESC, max(begin_at) DESC, "
	    "max(id) DESC LIMIT 1)");
	enum sql_step step;

	bind_range(s, range);
	step = sql_step(s);
	if (step == SQL_ROW)
		read_received(s, out);
	return ledger_keep_texts(l, s, step, a, texts, ARRAY_SIZE(texts));
}

enum ledger_step
ledger_each_received_day(struct ledger *l, const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received_day *d), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "SELECT day, days, CAST(sum(n) AS BIGINT), "
	    "CAST(sum(CASE WHEN dkim_aligned + spf_aligned > 0 THEN n ELSE 0 "
	    "END) AS BIGINT) FROM (SELECT begin_at / 86400 AS day, " DAYS
	    " AS days, received_row.shape AS form, "
	    "sum(received_row.messages) AS n FROM received "
	    "JOIN received_row ON received_row.report = received.id "
	    "WHERE " IN_RANGE
	    "AND domain = $3 GROUP BY day, days, form) AS by_shape "
	    "JOIN shape ON shape.id = by_shape.form "
	    "GROUP BY day, days ORDER BY day, days");
	enum sql_step step;

	bind_range(s, range);
	while ((step = sql_step(s)) == SQL_ROW) {
		const struct ledger_received_day d = {
			.day = sql_number(s, 0),
			.days = days_within(
			    range, sql_number(s, 0), sql_number(s, 1)),
			.messages = (uint64_t)sql_number(s, 2),
			.aligned = (uint64_t)sql_number(s, 3),
		};

		if (!each(arg, &d))
			break;
	}
	return ledger_finish(s, step);
}

/* Groups by ids first, so that the long strings of a shape are read once per
 * group. */
#define USES                                                                   \
	"SELECT address, organisation, day, days, first, newest, n, {shape} "  \
	"FROM (SELECT received_row.source AS one, "                            \
	"received_row.shape AS form, organisation, " DAYS " AS days, "         \
	"CASE WHEN begin_at < $1 THEN -2 "                                     \
	"WHEN begin_at + 86400 * (" DAYS " - 1) < $2 THEN -1 "                 \
	"ELSE begin_at / 86400 END AS day, "                                   \
	"min(begin_at) / 86400 AS first, max(begin_at) / 86400 AS newest, "    \
	"CAST(sum(received_row.messages) AS BIGINT) AS n FROM received "       \
	"JOIN received_row ON received_row.report = received.id "              \
	"WHERE begin_at >= $3 AND begin_at < $4 AND domain = $5 "              \
	"GROUP BY one, form, organisation, day, days) AS used "                \
	"JOIN source ON source.id = used.one "                                 \
	"JOIN shape ON shape.id = used.form "                                  \
	"ORDER BY one, form, organisation, day, days"

enum ledger_step
ledger_each_received_use(struct ledger *l, const struct ledger_range *range,
    int64_t recent, int64_t history,
    bool (*each)(void *arg, const struct ledger_received_use *u), void *arg)
{
	char memory[LEDGER_QUERY_MAX];
	struct sql_statement *s = ledger_prepare(l, USES, memory);
	enum sql_step step;

	sql_bind_number(s, 1, range->from * DATE_DAY);
	sql_bind_number(s, 2, recent * DATE_DAY);
	sql_bind_number(s, 3, history * DATE_DAY);
	sql_bind_number(s, 4, (range->to + 1) * DATE_DAY);
	sql_bind_text(s, 5, range->domain);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ledger_received_use u = {
			.organisation = sql_text(s, 1),
			.day = sql_number(s, 2),
			.first = sql_number(s, 4),
			.row.days = days_within(
			    range, sql_number(s, 5), sql_number(s, 3)),
			.row.count = (uint64_t)sql_number(s, 6),
		};

		u.last = sql_number(s, 5) + u.row.days - 1;
		ip_parse(sql_text(s, 0), &u.row.source);
		columns_read_shape(s, 7, &u.row);
		if (!each(arg, &u))
			break;
	}
	return ledger_finish(s, step);
}

/* `place` is 1 for the source with the most messages in its domain. */
#define BUSY(AND, LIMIT)                                                       \
	"SELECT address FROM (SELECT one, min(place) AS place, "               \
	"sum(n) AS total FROM (SELECT one, n, row_number() OVER "              \
	"(PARTITION BY domain ORDER BY n DESC, one) AS place FROM "            \
	"(SELECT domain, received_row.source AS one, "                         \
	"sum(received_row.messages) AS n FROM received "                       \
	"JOIN received_row ON received_row.report = received.id "              \
	"WHERE " IN_RANGE AND "GROUP BY domain, received_row.source) AS sums)" \
	" AS places GROUP BY one ORDER BY place, total DESC, one "             \
	"LIMIT " LIMIT ") AS busy JOIN source ON source.id = busy.one "        \
	"ORDER BY place, total DESC, one"

enum ledger_step
ledger_each_busy_source(struct ledger *l, const struct ledger_range *range,
    uint64_t limit, bool (*each)(void *arg, const struct ip *source), void *arg)
{
	bool is_one = range->domain.p != NULL;
	struct sql_statement *s = sql_prepare(
	    l->db, is_one ? BUSY("AND domain = $3 ", "$4") : BUSY("", "$3"));
	enum sql_step step;

	bind_range(s, range);
	sql_bind_number(s, is_one ? 4 : 3, (int64_t)limit);
	while ((step = sql_step(s)) == SQL_ROW) {
		struct ip source;

		ip_parse(sql_text(s, 0), &source);
		if (!each(arg, &source))
			break;
	}
	return ledger_finish(s, step);
}

/* ---- TLS reports ---- */

static enum ledger_step
insert_tls(struct ledger *l, const struct ledger_tls *r, int64_t *id)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO received_tls (key, organisation, contact, report_id, "
	    "begin_at, end_at, file, read_at) VALUES ($1, $2, $3, $4, $5, $6, "
	    "$7, $8) ON CONFLICT DO NOTHING RETURNING id");

	sql_bind_text(s, 1, r->key);
	sql_bind_text(s, 2, r->organisation);
	sql_bind_text(s, 3, r->contact);
	sql_bind_text(s, 4, r->report_id);
	sql_bind_number(s, 5, r->begin);
	sql_bind_number(s, 6, r->end);
	sql_bind_text(s, 7, r->file);
	sql_bind_number(s, 8, r->read);
	return ledger_number(s, id);
}

static bool
insert_tls_results(struct ledger *l, const struct ledger_tls *r, int64_t id)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO received_tls_result (report, number, domain, policy, "
	    "result, mx, reason, sessions) VALUES ($1, $2, $3, $4, $5, $6, $7, "
	    "$8)");
	bool good = true;

	for (size_t i = 0; good && i < r->n; i++) {
		const struct ledger_tls_result *one = &r->results[i];

		sql_bind_number(s, 1, id);
		sql_bind_number(s, 2, (int64_t)i);
		sql_bind_text(s, 3, one->domain);
		sql_bind_text(s, 4, one->policy);
		sql_bind_text(s, 5, one->result);
		sql_bind_text(s, 6, one->mx);
		sql_bind_text(s, 7, one->reason);
		sql_bind_number(s, 8, (int64_t)one->sessions);
		good = sql_do(s);
	}
	sql_drop(s);
	return good;
}

enum ledger_step
ledger_add_tls(struct ledger *l, const struct ledger_tls *r)
{
	enum ledger_step step;
	int64_t id = 0;

	if (!ledger_own_begin(l))
		return LEDGER_ERROR;
	step = insert_tls(l, r, &id);
	if (step == LEDGER_OK && !insert_tls_results(l, r, id))
		step = LEDGER_ERROR;
	if (!ledger_own_end(l, step == LEDGER_OK) && step == LEDGER_OK)
		return LEDGER_ERROR;
	return step;
}

#define TLS_SUMS(AND)                                                          \
	"SELECT domain, policy, result, mx, reason, "                          \
	"CAST(sum(sessions) AS BIGINT) AS total, "                             \
	"count(DISTINCT organisation), max(begin_at) / 86400 "                 \
	"FROM received_tls JOIN received_tls_result ON report = id "           \
	"WHERE " IN_RANGE AND "GROUP BY domain, policy, result, mx, reason "   \
	"ORDER BY max(count(DISTINCT report)) OVER (PARTITION BY domain) "     \
	"DESC, domain, total DESC, policy, result, mx, reason"

enum ledger_step
ledger_each_tls(struct ledger *l, const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_tls_sum *s), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    range->domain.p == NULL ? TLS_SUMS("")
				    : TLS_SUMS("AND domain = $3 "));
	enum sql_step step;

	bind_range(s, range);
	while ((step = sql_step(s)) == SQL_ROW) {
		const struct ledger_tls_sum sum = {
			.of = { .domain = sql_text(s, 0),
			    .policy = sql_text(s, 1),
			    .result = sql_text(s, 2),
			    .mx = sql_text(s, 3),
			    .reason = sql_text(s, 4),
			    .sessions = (uint64_t)sql_number(s, 5) },
			.organisations = (uint64_t)sql_number(s, 6),
			.last = sql_number(s, 7),
		};

		if (!each(arg, &sum))
			break;
	}
	return ledger_finish(s, step);
}

/* ---- failure reports ---- */

enum ledger_step
ledger_add_incident(struct ledger *l, const struct ledger_incident *r)
{
	struct sql_statement *s = sql_prepare(l->db,
	    "INSERT INTO received_failure (key, reporter, at, domain, source, "
	    "cause, alignment, delivery, mail_from, dkim_domain, selector, "
	    "results, incidents, file, read_at) VALUES ($1, $2, $3, $4, $5, "
	    "$6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
	    "ON CONFLICT DO NOTHING");

	sql_bind_text(s, 1, r->key);
	sql_bind_text(s, 2, r->reporter);
	sql_bind_number(s, 3, r->at);
	sql_bind_text(s, 4, r->domain);
	sql_bind_text(s, 5, r->source);
	sql_bind_text(s, 6, r->cause);
	sql_bind_text(s, 7, r->alignment);
	sql_bind_text(s, 8, r->delivery);
	sql_bind_text(s, 9, r->mail_from);
	sql_bind_text(s, 10, r->dkim_domain);
	sql_bind_text(s, 11, r->selector);
	sql_bind_text(s, 12, r->results);
	sql_bind_number(s, 13, (int64_t)r->incidents);
	sql_bind_text(s, 14, r->file);
	sql_bind_number(s, 15, r->read);
	return ledger_change(s);
}

#define INCIDENTS(AND)                                                         \
	"SELECT domain, source, cause, alignment, delivery, mail_from, "       \
	"dkim_domain, selector, CAST(sum(incidents) AS BIGINT) AS total, "     \
	"max(at), max(reporter), max(results), max(file) "                     \
	"FROM received_failure WHERE at >= $1 AND at < $2 " AND                \
	"GROUP BY domain, source, cause, alignment, delivery, mail_from, "     \
	"dkim_domain, selector "                                               \
	"ORDER BY sum(count(*)) OVER (PARTITION BY domain) DESC, domain, "     \
	"total DESC, source, cause, alignment, delivery, mail_from, "          \
	"dkim_domain, selector"

enum ledger_step
ledger_each_incident(struct ledger *l, const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_incident *r), void *arg)
{
	struct sql_statement *s = sql_prepare(l->db,
	    range->domain.p == NULL ? INCIDENTS("")
				    : INCIDENTS("AND domain = $3 "));
	enum sql_step step;

	bind_range(s, range);
	while ((step = sql_step(s)) == SQL_ROW) {
		const struct ledger_incident r = {
			.domain = sql_text(s, 0),
			.source = sql_text(s, 1),
			.cause = sql_text(s, 2),
			.alignment = sql_text(s, 3),
			.delivery = sql_text(s, 4),
			.mail_from = sql_text(s, 5),
			.dkim_domain = sql_text(s, 6),
			.selector = sql_text(s, 7),
			.incidents = (uint64_t)sql_number(s, 8),
			.at = sql_number(s, 9),
			.reporter = sql_text(s, 10),
			.results = sql_text(s, 11),
			.file = sql_text(s, 12),
		};

		if (!each(arg, &r))
			break;
	}
	return ledger_finish(s, step);
}
