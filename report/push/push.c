#include "report/push/push.h"

#include <string.h>

#include "lib/clock.h"
#include "lib/date.h"
#include "lib/hash.h"
#include "report/push/push_rows.h"

enum {
	DAYS_MAX = 4000, /* days with rows; retention is at most 3650 */
	NAME_SIZE =
	    64, /* bytes of a store's name or a token, including the NUL */
	META_MEMORY = 1 << 12,
	LOCK_STEP_MS = 50,
};

/* Sending uses the same lock, because rows that are being sent from the file
 * must not be pushed. */
static const char lock_name[] = "send";

struct push_name {
	char text[NAME_SIZE];
};

struct push {
	const struct push_options *o;
	struct ledger *local, *central;
	struct buf error;
	bool two; /* two files have the same name */

	/* recorded in the file */
	struct push_name store, last, next; /* `last` and `next` are tokens;
	                                       empty: none */
	int64_t pushed;                     /* -1: none */
	int64_t closed;
	int64_t days[DAYS_MAX];
	size_t n_days;

	/* recorded in the database */
	bool is_known;
	struct push_name token, host;
	int64_t day; /* -1: none */

	struct push_rows rows;
	int64_t counts_for; /* day in the shared store to which the rows are
	                       added */
};

/* ---- errors ---- */

static bool
push_error(struct push *p, const char *where, const char *text)
{
	if (p->error.n > 0)
		return false;
	buf_text(&p->error, where);
	buf_text(&p->error, text);
	return false;
}

static bool
local_fault(struct push *p)
{
	return push_error(
	    p, "the store of this host: ", ledger_error(p->local));
}

static bool
central_fault(struct push *p)
{
	return push_error(p, "the shared store: ", ledger_error(p->central));
}

/* Reports that two files have the same name, and which host has the other. */
static bool
report_two_files(struct push *p)
{
	p->two = true;
	return push_error(p, "", p->host.text);
}

static void
push_report(struct push *p, enum push_kind kind, int64_t day)
{
	struct push_event e = { .kind = kind, .day = day };

	if (kind == PUSH_DAY) {
		e.rows = p->rows.rows;
		e.messages = p->rows.messages;
		e.counts_for = p->counts_for;
	}
	if (p->o->on_event != NULL)
		p->o->on_event(p->o->arg, &e);
}

/* ---- names and tokens ---- */

static void
name_set(struct push_name *n, struct span text)
{
	struct buf b = buf_wrap(n->text, sizeof(n->text));

	buf_span(&b, text);
}

static bool
name_is_set(const struct push_name *n)
{
	return n->text[0] != '\0';
}

static bool
name_equal(const struct push_name *a, const struct push_name *b)
{
	return strcmp(a->text, b->text) == 0;
}

/* Sets `n` to 128 random bits as text, like the name of a store (schema.h). */
static void
name_random(struct push_name *n)
{
	struct hash_secret r = hash_secret_new();
	struct buf b = buf_wrap(n->text, sizeof(n->text));

	buf_printf(&b, "%016llx%016llx", (unsigned long long)r.a,
	    (unsigned long long)r.b);
}

/* ---- state recorded in the file ---- */

static bool
read_meta(
    struct push *p, const char *name, struct arena *a, struct push_name *out)
{
	struct span text = SPAN("");

	if (ledger_meta(p->local, name, &text, a) == LEDGER_ERROR)
		return local_fault(p);
	name_set(out, text);
	return true;
}

static bool
read_local(struct push *p)
{
	struct arena *a = arena_new(META_MEMORY);
	bool good;

	if (a == NULL)
		return push_error(p, "", "out of memory");
	good = read_meta(p, "store", a, &p->store) &&
	    read_meta(p, "push_ticket", a, &p->last) &&
	    read_meta(p, "push_next", a, &p->next);
	arena_free(a);
	if (good && ledger_pushed(p->local, &p->pushed) != LEDGER_OK)
		good = local_fault(p);
	if (good && !name_is_set(&p->store))
		good =
		    push_error(p, "the store of this host: ", "it has no name");
	return good;
}

static bool
set_meta(struct push *p, const char *name, const char *value)
{
	return ledger_set_meta(p->local, name, span_str(value)) == LEDGER_OK;
}

static bool
note_in_local(struct push *p)
{
	char memory[24];
	struct buf day = buf_wrap(memory, sizeof(memory));

	/* -1 (none) is stored as an empty string. */
	if (p->pushed >= 0)
		buf_number(&day, (uint64_t)p->pushed);
	return set_meta(p, "store", p->store.text) &&
	    set_meta(p, "push_ticket", p->last.text) &&
	    set_meta(p, "push_next", p->next.text) &&
	    set_meta(p, "pushed", day.p);
}

/* Records the push state in the file, in one transaction. */
static bool
note_local(struct push *p)
{
	bool good = ledger_begin(p->local) == LEDGER_OK;

	if (good) {
		good = note_in_local(p);
		if (ledger_end(p->local, good) != LEDGER_OK)
			good = false;
	}
	return good || local_fault(p);
}

static bool
add_day(void *arg, int64_t day)
{
	struct push *p = arg;

	if (day > p->day && day <= p->closed && p->n_days < DAYS_MAX)
		p->days[p->n_days++] = day;
	return true;
}

/* ---- state recorded in the database ---- */

static bool
read_central(struct push *p)
{
	struct arena *a = arena_new(META_MEMORY);
	struct ledger_host h;
	enum ledger_step step;

	if (a == NULL)
		return push_error(p, "", "out of memory");
	step = ledger_get_host(p->central, span_str(p->store.text), a, &h);
	p->is_known = step == LEDGER_OK;
	p->day = p->is_known ? h.day : -1;
	name_set(&p->token, p->is_known ? h.token : SPAN(""));
	name_set(&p->host, p->is_known ? h.name : SPAN(""));
	arena_free(a);
	return step != LEDGER_ERROR || central_fault(p);
}

/*
 * Reads the state after all earlier transactions have ended.  If an earlier run
 * was killed, the database may still be committing its transaction; the lock is
 * held until the commit ends.
 */
static bool
read_central_locked(struct push *p)
{
	bool good = ledger_begin(p->central) == LEDGER_OK;

	if (!good)
		return central_fault(p);
	good = read_central(p);
	if (ledger_end(p->central, good) != LEDGER_OK)
		good = central_fault(p);
	return good;
}

/* Records a push that an earlier run committed to the database before it was
 * killed. */
static bool
accept_known_push(struct push *p)
{
	p->last = p->next;
	p->pushed = p->day;
	if (!note_local(p))
		return false;
	push_report(p, PUSH_KNOWN, p->day);
	return true;
}

/* Sets p->day to the last day that does not need to be pushed. */
static bool
compare_tokens(struct push *p)
{
	if (!p->is_known && !name_is_set(&p->last)) {
		p->day = p->pushed;
		return true;
	}
	if (p->is_known && name_equal(&p->token, &p->last))
		return true;
	if (p->is_known && name_equal(&p->token, &p->next))
		return accept_known_push(p);
	if (p->is_known && p->day >= p->pushed)
		return report_two_files(p);
	push_report(p, PUSH_AGAIN, p->day);
	return true;
}

/* Applies the operator's decision about two files with the same name. */
static bool
resolve_copy(struct push *p)
{
	switch (p->o->as) {
	case PUSH_AS_IT_IS:
		return true;
	case PUSH_AS_COPY:
		name_random(&p->store);
		name_set(&p->last, SPAN(""));
		name_set(&p->next, SPAN(""));
		return note_local(p) && read_central(p);
	case PUSH_AS_RESTORED:
		p->last = p->token;
		name_set(&p->next, SPAN(""));
		p->pushed = p->day;
		return note_local(p);
	}
	return false;
}

/* ---- pushing a day ---- */

/* Reports that the shared store has closed a day that has not ended, and has
 * made reports from it. */
static bool
report_closed_ahead(struct push *p, int64_t closed)
{
	char memory[DATE_MAX];
	struct buf day = buf_wrap(memory, sizeof(memory));

	date_put_day(&day, closed);
	push_error(p, "the shared store: reports already cover the days up to ",
	    memory);
	buf_text(&p->error,
	    ", which has not ended: this host's clock is behind, or another "
	    "host's clock was ahead. Correct the clock; rows that are not "
	    "pushed "
	    "stay in the store of this host, and are pushed when ");
	buf_text(&p->error, memory);
	buf_text(&p->error, " has ended");
	return false;
}

/* Adds the rows to `day`, or to the first open day if `day` is closed. */
static bool
merge_rows(struct push *p, int64_t day)
{
	int64_t closed;

	if (ledger_reopen_days(p->central, p->o->now, &closed) != LEDGER_OK)
		return central_fault(p);
	if (closed > p->o->now / DATE_DAY)
		return report_closed_ahead(p, closed);
	p->counts_for = day > closed ? day : closed + 1;
	return push_rows_merge(&p->rows, p->counts_for) || central_fault(p);
}

/* Runs in a transaction that excludes all others, so the state cannot change
 * between the check and the write. */
static bool
write_day(struct push *p, int64_t day)
{
	struct push_name seen = p->token;
	struct ledger_host h = { .store = span_str(p->store.text),
		.name = p->o->host,
		.day = day,
		.token = span_str(p->next.text),
		.at = p->o->now };
	int64_t was = p->day;

	if (!read_central(p))
		return false;
	if (!name_equal(&seen, &p->token))
		return report_two_files(p);
	p->day = was;
	return merge_rows(p, day) &&
	    (ledger_put_host(p->central, &h) == LEDGER_OK || central_fault(p));
}

/* The rows are already in temporary tables, so the lock is held only
 * briefly. */
static bool
commit_day(struct push *p, int64_t day)
{
	bool good;

	if (ledger_begin(p->central) != LEDGER_OK)
		return central_fault(p);
	good = write_day(p, day);
	if (ledger_end(p->central, good) != LEDGER_OK)
		good = central_fault(p);
	return good;
}

static bool
copy_day(struct push *p, int64_t day)
{
	if (push_rows_copy(&p->rows, day))
		return true;
	return p->rows.local_failed ? local_fault(p) : central_fault(p);
}

/* The token must be in the local file before it is sent to the database. */
static bool
push_day(struct push *p, int64_t day)
{
	name_random(&p->next);
	if (!copy_day(p, day) || !note_local(p) || !commit_day(p, day))
		return false;
	p->token = p->last = p->next;
	p->is_known = true;
	p->day = p->pushed = day;
	if (!note_local(p))
		return false;
	push_report(p, PUSH_DAY, day);
	return true;
}

/* Also pushes the last closed day if it has no mail, because no reports are
 * sent until all hosts have pushed. */
static bool
push_days(struct push *p)
{
	if (ledger_each_day(p->local, add_day, p) == LEDGER_ERROR)
		return local_fault(p);
	for (size_t i = 0; i < p->n_days; i++)
		if (!push_day(p, p->days[i]))
			return false;
	return p->day >= p->closed || push_day(p, p->closed);
}

/* ---- all steps of a push ---- */

/* retention_step() logs errors; they do not make the push fail. */
static void
push_retention(struct push *p)
{
	struct retention t = { .o = p->o->retention };
	int64_t until = clock_ms() + PUSH_RETENTION_S * 1000;
	bool more = true;

	while (more && clock_ms() < until) {
		if (ledger_begin(p->central) != LEDGER_OK)
			return;
		more =
		    retention_step(&t, ledger_sql(p->central), NULL, p->o->now);
		if (ledger_end(p->central, true) != LEDGER_OK)
			return;
	}
}

static bool
push_all(struct push *p)
{
	int64_t yesterday = p->o->now / DATE_DAY - 1, before;

	if (ledger_close_day(p->local, yesterday, p->o->now) == LEDGER_ERROR ||
	    ledger_closed(p->local, &p->closed) != LEDGER_OK)
		return local_fault(p);
	/* Days that were closed because a clock was ahead may still change. */
	if (p->closed > yesterday)
		p->closed = yesterday;
	if (!read_local(p) || !read_central_locked(p) || !resolve_copy(p) ||
	    !compare_tokens(p))
		return false;
	before = p->day;
	if (!push_days(p))
		return false;
	if (p->day > before)
		push_retention(p);
	return true;
}

static enum ledger_step
push_lock(struct ledger *l)
{
	enum ledger_step got = ledger_lock(l, lock_name);

	for (int ms = 0; got == LEDGER_NONE && ms < PUSH_LOCK_MS;
	     ms += LOCK_STEP_MS) {
		clock_sleep_ms(LOCK_STEP_MS);
		got = ledger_lock(l, lock_name);
	}
	return got;
}

static enum push_end
run_locked(struct push *p)
{
	bool good = push_rows_begin(&p->rows) || central_fault(p);

	good = good && push_all(p);
	return good ? PUSH_DONE : p->two ? PUSH_TWO : PUSH_FAULT;
}

enum push_end
push_run(const struct push_options *o, char *error)
{
	static const struct push nothing;
	struct push p = nothing;

	p.o = o;
	p.local = p.rows.local = o->local;
	p.central = p.rows.central = o->central;
	p.error = buf_wrap(error, PUSH_ERROR_MAX);
	switch (push_lock(o->local)) {
	case LEDGER_OK:
		return run_locked(&p);
	case LEDGER_NONE:
		return PUSH_BUSY;
	case LEDGER_ERROR:
		local_fault(&p);
		break;
	}
	return PUSH_FAULT;
}
