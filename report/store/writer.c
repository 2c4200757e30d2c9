#include "report/store/writer.h"

#include <stdlib.h>

#include "lib/buf.h"
#include "lib/log.h"
#include "lib/date.h"
#include "report/store/failure_queue.h"
#include "report/store/row_insert.h"
#include "report/store/intern.h"
#include "report/store/sqlite.h"
#include "report/store/retention.h"

enum { ERROR_MAX = SQL_ERROR_MAX };

struct writer {
	const char *path;
	uint64_t new_max, new_bytes;
	struct sql *db; /* NULL: not open */
	struct intern_cache *cache;
	struct intern intern;
	struct failure_spool failures;
	struct sql_statement *put_kept, *put_replay, *closed;
	int64_t new_day; /* the day to which intern.added and .bytes apply */
	int64_t quarantined_at;
	uint64_t n_quarantined;
	char error[ERROR_MAX];
	struct quota quota;
	bool over_quota; /* the store must not grow */
	struct retention retention;
	struct hash_secret redaction_key;
	int64_t key_read_at; /* INT64_MIN: not yet */
};

struct writer *
writer_new(const struct writer_options *o)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->path = o->path;
	w->new_max = o->new_max != 0 ? o->new_max : WRITER_NEW_MAX;
	w->new_bytes = o->new_bytes != 0 ? o->new_bytes
					 : o->quota.max_bytes / WRITER_NEW_PART;
	w->quota.o = o->quota;
	w->retention.o = o->retention;
	w->redaction_key = hash_secret_new();
	w->key_read_at = INT64_MIN;
	w->cache = intern_cache_new();
	if (w->cache == NULL) {
		free(w);
		return NULL;
	}
	return w;
}

static void
close_file(struct writer *w)
{
	if (w->db == NULL)
		return;
	intern_end(&w->intern);
	failure_spool_end(&w->failures);
	sql_drop(w->put_kept);
	sql_drop(w->put_replay);
	sql_drop(w->closed);
	sql_close(w->db);
	w->db = NULL;
	w->key_read_at = INT64_MIN;
	intern_cache_clear(w->cache);
}

void
writer_free(struct writer *w)
{
	if (w == NULL)
		return;
	close_file(w);
	intern_cache_free(w->cache);
	free(w);
}

const char *
writer_error(const struct writer *w)
{
	return w->error;
}

const char *
writer_refusal(const struct writer *w)
{
	return w->over_quota ? w->quota.reason
			     : "too many different messages in one day";
}

struct hash_secret
writer_redaction_key(const struct writer *w)
{
	return w->redaction_key;
}

uint64_t
writer_quarantined(const struct writer *w)
{
	return w->n_quarantined;
}

static void
note_error(struct writer *w, const char *text)
{
	struct buf b = buf_wrap(w->error, sizeof(w->error));

	buf_text(&b, text);
}

/* ---- opening the file, errors ---- */

static const char put_replay[] =
    "INSERT INTO replay (day, source, facts, decision, messages) "
    "VALUES ($1, $2, $3, $4, $5) "
    "ON CONFLICT (day, source, facts, decision) DO UPDATE SET "
    "messages = replay.messages + excluded.messages";

/* If the key cannot be read, the old one is used until the next attempt. */
static void
read_redaction_key(struct writer *w, int64_t now)
{
	if (now >= w->key_read_at && now < w->key_read_at + WRITER_KEY_S)
		return;
	if (redaction_key_read(w->db, &w->redaction_key))
		w->key_read_at = now;
}

static enum sql_fault
open_file(struct writer *w)
{
	enum sql_fault fault = SQL_FINE;

	/* Rows written to a file that was removed or replaced would be lost. */
	if (w->db != NULL && !sqlite_in_place(w->db)) {
		log_limited("store-moved",
		    "store %s was removed or replaced; a new one is created",
		    w->path);
		close_file(w);
	}
	if (w->db != NULL)
		return SQL_FINE;
	w->db = sqlite_open(w->path, SQLITE_FOR_WRITER, &fault, w->error);
	if (w->db == NULL)
		return fault;
	w->intern = (struct intern){
		.db = w->db,
		.cache = w->cache,
		.added = w->intern.added,
		.limit = w->new_max,
		.bytes = w->intern.bytes,
		.bytes_limit = w->new_bytes,
	};
	w->failures = (struct failure_spool){ .db = w->db };
	w->put_kept = sql_prepare(w->db, row_insert_query);
	w->put_replay = sql_prepare(w->db, put_replay);
	w->closed = sql_prepare(w->db, closed_day_query);
	if (w->put_kept != NULL && w->put_replay != NULL && w->closed != NULL)
		return SQL_FINE;
	fault = w->db->fault;
	note_error(w, w->db->error);
	close_file(w);
	return fault;
}

/* Renames a corrupt file instead of deleting it, so that it can be examined. */
static void
quarantine_file(struct writer *w, int64_t now)
{
	char memory[4200];
	struct buf name = buf_wrap(memory, sizeof(memory));

	if (w->n_quarantined > 0 && now >= w->quarantined_at &&
	    now < w->quarantined_at + WRITER_QUARANTINE_S)
		return;
	if (!sqlite_quarantine(w->path, now, &name)) {
		log_limited("store-corrupt",
		    "store %s is corrupt (%s) and could "
		    "not be renamed: %s",
		    w->path, w->error, name.p);
		return;
	}
	w->n_quarantined++;
	w->quarantined_at = now;
	log_say(LOG_LEVEL_ERROR, "store-corrupt",
	    "store %s is corrupt (%s); it was renamed to %s, and a new one is "
	    "created",
	    w->path, w->error, name.p);
}

static void
after_fault(struct writer *w, enum sql_fault fault, int64_t now)
{
	intern_cache_clear(w->cache);
	switch (fault) {
	case SQL_CORRUPT:
		close_file(w);
		quarantine_file(w, now);
		break;
	case SQL_AWAY:
	case SQL_WRONG:
		close_file(w);
		break;
	case SQL_FINE:
	case SQL_LOCKED:
	case SQL_FULL:
	case SQL_NEWER:
		break;
	}
}

enum sql_fault
writer_open(struct writer *w, int64_t now)
{
	enum sql_fault fault = open_file(w);

	if (fault != SQL_FINE)
		after_fault(w, fault, now);
	else
		read_redaction_key(w, now);
	return fault;
}

/* ---- groups ---- */

static bool
read_closed(struct writer *w, int64_t *day)
{
	enum sql_step step = sql_step(w->closed);

	*day = step == SQL_ROW ? sql_number(w->closed, 0) : -1;
	sql_reset(w->closed);
	return step != SQL_FAILED;
}

static enum row_outcome
write_facts(
    struct writer *w, const struct queued_texts *t, uint64_t count, int64_t day)
{
	int64_t source = intern_get(
	    &w->intern, COLUMNS_SOURCE, &t->row[ROW_TEXT_SOURCE], day);
	int64_t facts = source > 0
	    ? intern_get(&w->intern, COLUMNS_FACTS, &t->facts, day)
	    : source;
	int64_t decision = facts > 0
	    ? intern_get(&w->intern, COLUMNS_DECISION, t->decision, day)
	    : facts;

	if (decision <= 0)
		return row_outcome(decision);
	sql_bind_number(w->put_replay, 1, day);
	sql_bind_number(w->put_replay, 2, source);
	sql_bind_number(w->put_replay, 3, facts);
	sql_bind_number(w->put_replay, 4, decision);
	sql_bind_number(w->put_replay, 5, (int64_t)count);
	return sql_do(w->put_replay) ? ROW_WRITTEN : ROW_ERROR;
}

/* Writes a message.  If its day is closed, its row is added to the first open
 * day, so that the reports on the closed day stay correct. */
static enum row_outcome
write_entry(struct writer *w, const struct queued_message *e, int64_t closed)
{
	int64_t day = e->when / DATE_DAY;
	enum row_outcome outcome = ROW_WRITTEN;
	struct queued_texts texts;

	queued_message_texts(e, &texts);
	if (e->has_row)
		outcome = row_insert(&w->intern, w->put_kept, texts.row,
		    day > closed ? day : closed + 1, e->count, e->when);
	if (outcome != ROW_ERROR && e->has_facts) {
		enum row_outcome facts = write_facts(w, &texts, e->count, day);

		outcome = facts == ROW_ERROR ? facts : outcome;
	}
	if (outcome != ROW_ERROR && e->failure != NULL &&
	    !failure_spool_put(&w->failures, e->failure))
		outcome = ROW_ERROR;
	return outcome;
}

/* Logs that a day was closed too early, because the clock was ahead.  `avouch
 * report send` reopens it if it can (ledger_close_day()). */
static void
log_closed_ahead(const struct writer *w, int64_t closed, int64_t today)
{
	char memory[40];
	struct buf day = buf_wrap(memory, sizeof(memory));

	if (closed <= today)
		return;
	date_put_day(&day, closed);
	log_limited("store-clock",
	    "store %s: %s was closed before it ended, because the clock was "
	    "ahead; further messages count for the next day",
	    w->path, memory);
}

static bool
write_group(struct writer *w, const struct queued_message *first, int64_t now,
    size_t *refused)
{
	int64_t closed;

	if (!read_closed(w, &closed))
		return false;
	log_closed_ahead(w, closed, now / DATE_DAY);
	for (const struct queued_message *e = first; e != NULL; e = e->next) {
		enum row_outcome outcome = write_entry(w, e, closed);

		if (outcome == ROW_ERROR)
			return false;
		*refused += outcome == ROW_REFUSED;
	}
	return true;
}

static bool
write_all(struct writer *w, struct queued_message *first, int64_t now,
    size_t *refused)
{
	bool good = sql_begin(w->db);

	if (good) {
		good = write_group(w, first, now, refused);
		good = sql_end(w->db, good) && good;
	}
	return good;
}

static size_t
list_length(const struct queued_message *first)
{
	size_t n = 0;

	for (const struct queued_message *e = first; e != NULL; e = e->next)
		n++;
	return n;
}

/* Returns true if the store must not grow; logs when it may grow again. */
static bool
check_quota(struct writer *w)
{
	bool was_over = w->over_quota;

	w->over_quota = quota_is_exceeded(&w->quota, w->db);
	if (was_over && !w->over_quota)
		log_say(LOG_LEVEL_WARNING, "store",
		    "store %s is within its limits again; messages are stored "
		    "again",
		    w->path);
	return w->over_quota;
}

enum sql_fault
writer_write(struct writer *w, struct queued_message *first, int64_t now,
    size_t *refused)
{
	enum sql_fault fault = open_file(w);

	*refused = 0;
	if (now / DATE_DAY != w->new_day) {
		w->new_day = now / DATE_DAY;
		w->intern.added = 0;
		w->intern.bytes = 0;
	}
	if (fault == SQL_FINE && check_quota(w)) {
		*refused = list_length(first);
		return SQL_FINE;
	}
	if (fault == SQL_FINE) {
		read_redaction_key(w, now);
		if (write_all(w, first, now, refused))
			return SQL_FINE;
		fault = w->db->fault;
		note_error(w, w->db->error);
	}
	*refused = 0;
	after_fault(w, fault, now);
	return fault;
}

/* ---- the write-ahead log ---- */

int64_t
writer_log_pages(const struct writer *w)
{
	return w->db != NULL ? sqlite_log_pages(w->db) : 0;
}

void
writer_checkpoint(struct writer *w)
{
	if (w->db != NULL && !sqlite_checkpoint(w->db))
		log_limited("store-checkpoint",
		    "store %s: cannot copy the write-ahead log into it: %s",
		    w->path, w->db->error);
}

/* ---- housekeeping ---- */

bool
writer_housekeep(struct writer *w, int64_t now)
{
	bool more;

	if (w->db == NULL)
		return false;
	w->db->fault = SQL_FINE;
	read_redaction_key(w, now);
	more = retention_step(&w->retention, w->db, w->cache, now);
	/* Nothing else reads pages of expired rows, so only this step can
	 * detect that they are corrupt. */
	if (w->db->fault == SQL_CORRUPT) {
		note_error(w, w->db->error);
		after_fault(w, SQL_CORRUPT, now);
		return false;
	}
	return more;
}
