#include "report/store/retention.h"

#include "lib/log.h"
#include "lib/enum_names.h"
#include "report/record/row.h"

enum by {
	BY_DAY, /* at most $2 rows from days before $1 */
	BY_ID,  /* ids above $1, up to $2, last used before day $3 */
};

enum age { AGE_ROWS, AGE_REPLAY, AGE_RECEIVED, AGE_FAILURE, AGE_LONGEST };

struct retention_job {
	enum by by;
	enum age age;
	const char *text;
	const char *largest; /* BY_ID: query for the largest id */
};

/* The order matters: rows are deleted before the strings they refer to, and
 * before the reports made from them (otherwise the reports would be sent
 * again). */
static const struct retention_job jobs[] = {
	{ BY_DAY, AGE_ROWS,
	    "DELETE FROM kept WHERE (day, policy, source, shape) IN "
	    "(SELECT day, policy, source, shape FROM kept WHERE day < $1 "
	    "LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_REPLAY,
	    "DELETE FROM replay WHERE (day, source, facts, decision) IN "
	    "(SELECT day, source, facts, decision FROM replay WHERE day < $1 "
	    "LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_ROWS,
	    "DELETE FROM delivery WHERE id IN (SELECT delivery.id FROM report "
	    "JOIN delivery ON delivery.report = report.id WHERE day < $1 "
	    "LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_ROWS,
	    "DELETE FROM report WHERE id IN (SELECT id FROM report "
	    "WHERE day < $1 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_FAILURE,
	    "DELETE FROM failure WHERE id IN (SELECT id FROM failure "
	    "WHERE last < $1 * 86400 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_FAILURE,
	    "DELETE FROM delivery WHERE id IN (SELECT delivery.id FROM report "
	    "JOIN delivery ON delivery.report = report.id WHERE day < $1 "
	    "AND parts = 0 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_FAILURE,
	    "DELETE FROM report WHERE id IN (SELECT id FROM report "
	    "WHERE day < $1 AND parts = 0 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_RECEIVED,
	    "DELETE FROM received_row WHERE (report, source, shape) IN "
	    "(SELECT report, source, shape FROM received JOIN received_row "
	    "ON report = id WHERE begin_at < $1 * 86400 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_RECEIVED,
	    "DELETE FROM received WHERE id IN (SELECT id FROM received "
	    "WHERE begin_at < $1 * 86400 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_RECEIVED,
	    "DELETE FROM received_tls_result WHERE (report, number) IN "
	    "(SELECT report, number FROM received_tls JOIN received_tls_result "
	    "ON report = id WHERE begin_at < $1 * 86400 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_RECEIVED,
	    "DELETE FROM received_tls WHERE id IN (SELECT id FROM received_tls "
	    "WHERE begin_at < $1 * 86400 LIMIT $2)",
	    NULL },
	{ BY_DAY, AGE_RECEIVED,
	    "DELETE FROM received_failure WHERE id IN (SELECT id "
	    "FROM received_failure WHERE at < $1 * 86400 LIMIT $2)",
	    NULL },
	{ BY_ID, AGE_ROWS,
	    "DELETE FROM shape WHERE id > $1 AND id <= $2 AND used < $3 "
	    "AND NOT EXISTS (SELECT 1 FROM received_row "
	    "WHERE received_row.shape = shape.id)",
	    "SELECT coalesce(max(id), 0) FROM shape" },
	{ BY_ID, AGE_ROWS,
	    "DELETE FROM policy WHERE id > $1 AND id <= $2 AND used < $3",
	    "SELECT coalesce(max(id), 0) FROM policy" },
	{ BY_ID, AGE_REPLAY,
	    "DELETE FROM facts WHERE id > $1 AND id <= $2 AND used < $3",
	    "SELECT coalesce(max(id), 0) FROM facts" },
	{ BY_ID, AGE_LONGEST,
	    "DELETE FROM source WHERE id > $1 AND id <= $2 AND used < $3 "
	    "AND NOT EXISTS (SELECT 1 FROM received_row "
	    "WHERE received_row.source = source.id)",
	    "SELECT coalesce(max(id), 0) FROM source" },
};

/* PostgreSQL manages its own pages, and stores no per-message data. */
static bool
is_job_due(const struct retention *t, const struct sql *db)
{
	if (!sql_is_shared(db))
		return true;
	return t->step < ARRAY_SIZE(jobs) && jobs[t->step].age != AGE_REPLAY &&
	    jobs[t->step].age != AGE_FAILURE;
}

static unsigned
days_of(const struct retention_options *o, enum age age)
{
	switch (age) {
	case AGE_ROWS:
		return o->rows_days;
	case AGE_REPLAY:
		return o->replay_days;
	case AGE_RECEIVED:
		return o->received_days;
	case AGE_FAILURE:
		return RETENTION_FAILURE_DAYS;
	case AGE_LONGEST:
		break;
	}
	return o->rows_days > o->replay_days ? o->rows_days : o->replay_days;
}

/* Runs one batch of a job.  Sets `more` if the job is not finished. */
static bool
run_batch(struct retention *t, struct sql *db, struct intern_cache *cache,
    const struct retention_job *job, int64_t day, bool *more)
{
	struct sql_statement *s = NULL;
	int64_t largest = 0;
	bool good;

	*more = false;
	if (job->by == BY_ID &&
	    sql_first_number(sql_prepare(db, job->largest), &largest) !=
		SQL_ROW)
		return false;
	s = sql_prepare(db, job->text);
	if (job->by == BY_DAY) {
		sql_bind_number(s, 1, day);
		sql_bind_number(s, 2, RETENTION_ROWS);
	} else {
		sql_bind_number(s, 1, t->id);
		sql_bind_number(s, 2, t->id + RETENTION_IDS);
		sql_bind_number(s, 3, day);
		t->id += RETENTION_IDS;
	}
	good = sql_do(s);
	if (good && job->by == BY_DAY)
		*more = sql_changed(s) == RETENTION_ROWS;
	else if (good)
		*more = t->id < largest;
	/* The cache must not return deleted ids. */
	if (good && job->by == BY_ID && cache != NULL && sql_changed(s) > 0)
		intern_cache_clear(cache);
	sql_drop(s);
	return good;
}

/* Later days reuse free pages; only an excess is returned to the file
 * system. */
static bool
free_pages(struct sql *db, bool *more)
{
	int64_t pages = 0, spare = 0;

	*more = false;
	if (sql_first_number(sql_prepare(db, "PRAGMA page_count"), &pages) !=
		SQL_ROW ||
	    sql_first_number(
		sql_prepare(db, "PRAGMA freelist_count"), &spare) != SQL_ROW)
		return false;
	if (spare * RETENTION_FREE_PART <= pages)
		return true;
	*more = true;
	return sql_run(db, "PRAGMA incremental_vacuum(500)");
}

bool
retention_step(struct retention *t, struct sql *db, struct intern_cache *cache,
    int64_t now)
{
	bool more = false, good = true;

	if (t->step == 0)
		t->today = now / DATE_DAY;
	if (t->done == t->today)
		return false;
	if (!is_job_due(t, db)) {
		/* Continue with the next job. */
	} else if (t->step < ARRAY_SIZE(jobs)) {
		const struct retention_job *job = &jobs[t->step];

		good = run_batch(t, db, cache, job,
		    t->today - days_of(&t->o, job->age), &more);
	} else {
		good = free_pages(db, &more);
	}
	/* Another program holds the lock: repeat the step later. */
	if (!good && db->fault == SQL_LOCKED)
		return false;
	if (!good)
		log_limited(
		    "store-tidy", "cannot delete expired rows: %s", db->error);
	if (good && more)
		return true;
	t->id = 0;
	if (++t->step <= ARRAY_SIZE(jobs))
		return true;
	t->step = 0;
	t->done = t->today;
	return false;
}
