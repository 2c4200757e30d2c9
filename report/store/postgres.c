/*
 * postgres.c - the PostgreSQL driver for sql.h.
 *
 * Parameters and results are binary: numbers are 8 bytes, strings are raw
 * bytes, so nothing needs quoting, and a NUL does not end a string.
 */
#include "report/store/postgres.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/hash.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/utf8.h"
#include "report/store/postgres_internal.h"
#include "report/store/schema.h"

enum {
	/* From pg_type.h; these numbers never change. */
	TYPE_BYTES = 17,
	TYPE_NUMBER = 20,
	TYPE_TEXT = 25,

	NUMBER_SIZE = 8,      /* bytes */
	APPLICATION_MAX = 64, /* bytes of a connection's name, including the
	                         NUL; PostgreSQL truncates longer names */
	PREPARE_AT = 4,       /* a statement is prepared before this run,
	                         counted from 1 */
	NAME_SIZE = 24,       /* bytes of a prepared statement's name */
	WRITE_LOCK = 0,       /* named locks are numbered from 1 */
	NAME_LOCKS = 1 << 30  /* number of named locks */
};

/*
 * Settings that we depend on, sent first, because the server's own settings may
 * differ.  A commit must be on disk when it is reported; locks of a host that
 * has disappeared must not last for hours.
 */
#define SETTINGS                                                               \
	"SET search_path TO avouch;"                                           \
	"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL "          \
	"READ COMMITTED;"                                                      \
	"SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10;"      \
	"SET tcp_keepalives_count = 6;"                                        \
	"SELECT set_config('synchronous_commit', 'on', false) "                \
	"WHERE current_setting('synchronous_commit') = 'off';"

struct postgres_value {
	int type;
	struct span text;
	unsigned char number[NUMBER_SIZE];
	char *clean; /* a corrected copy of the string, owned by this struct;
	                NULL: not needed */
};

struct postgres_statement {
	struct sql_statement statement; /* must be first */
	const char *text;
	char name[NAME_SIZE]; /* empty: not prepared yet */
	unsigned runs;
	int n; /* number of values */
	struct postgres_value values[CENTRAL_PARAMETERS_MAX];
	bool running;
	PGresult *row;
	uint64_t changed;
};

struct postgres_connection *
postgres_connection_of(struct sql *db)
{
	return (struct postgres_connection *)db;
}

static struct postgres_statement *
statement_of(struct sql_statement *s)
{
	return (struct postgres_statement *)s;
}

/* ---- errors ---- */

/* errors by the first characters of SQLSTATE; PostgreSQL manual, appendix A */
static const struct {
	const char *state;
	enum sql_fault fault;
} faults[] = {
	{ "40", SQL_LOCKED },    /* rolled back in favor of another
	                            transaction */
	{ "55P03", SQL_LOCKED }, /* lock_timeout */
	{ "53100", SQL_FULL },   /* disk */
	{ "53", SQL_AWAY },      /* other resource limits */
	{ "08", SQL_AWAY },      /* connection */
	{ "28", SQL_AWAY },      /* authorization */
	{ "3D", SQL_AWAY },      /* no such database */
	{ "57", SQL_AWAY },      /* shut down, cancelled */
	{ "58", SQL_AWAY },      /* I/O error */
	{ "25", SQL_AWAY },      /* read-only; timed out in a transaction */
	{ "42501", SQL_AWAY },   /* no permission */
	{ "XX001", SQL_CORRUPT },
	{ "XX002", SQL_CORRUPT },
};

static enum sql_fault
postgres_fault(const struct postgres_connection *c, const char *state)
{
	if (PQstatus(c->db) != CONNECTION_OK)
		return SQL_AWAY;
	for (size_t i = 0; state != NULL && i < ARRAY_SIZE(faults); i++)
		if (strncmp(state, faults[i].state, strlen(faults[i].state)) ==
		    0)
			return faults[i].fault;
	return SQL_WRONG;
}

/* Stores the first line of `text` as the error; returns false. */
static bool
postgres_fail(
    struct postgres_connection *c, enum sql_fault fault, const char *text)
{
	char memory[SQL_ERROR_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct span all = span_trim(span_str(text));

	buf_printable(
	    &b, span_first(all, span_index(all, '\n')), SQL_ERROR_MAX - 1);
	return sql_fail(&c->sql, fault, memory);
}

bool
postgres_failed(struct postgres_connection *c, const PGresult *r)
{
	const char *state =
	    r != NULL ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text =
	    r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	if (c->is_silent)
		text = "the server does not respond";
	return postgres_fail(c, postgres_fault(c, state),
	    text != NULL ? text : PQerrorMessage(c->db));
}

static bool
is_result_good(const PGresult *r)
{
	return PQresultStatus(r) == PGRES_COMMAND_OK ||
	    PQresultStatus(r) == PGRES_TUPLES_OK;
}

/* ---- results of commands ---- */

/* If a server hangs but its host still acknowledges packets, only we can end
 * the connection. */
void
postgres_wait(struct postgres_connection *c, bool to_write)
{
	struct pollfd p = { .fd = PQsocket(c->db), .events = POLLIN };
	int n;

	if (to_write)
		p.events |= POLLOUT;
	do
		n = poll(&p, 1, CENTRAL_ANSWER_S * 1000);
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		c->is_silent = true;
		shutdown(p.fd, SHUT_RDWR);
	}
}

PGresult *
postgres_next_result(struct postgres_connection *c)
{
	while (PQisBusy(c->db)) {
		postgres_wait(c, false);
		if (!PQconsumeInput(c->db))
			break;
	}
	return PQgetResult(c->db);
}

/* Returns the last result of a command, or the first one that failed.  Returns
 * NULL if the command was not sent or memory ran out. */
static PGresult *
last_result(struct postgres_connection *c, bool was_sent)
{
	PGresult *last = NULL, *r;

	while (was_sent && (r = postgres_next_result(c)) != NULL) {
		if (last != NULL && !is_result_good(last)) {
			PQclear(r);
			continue;
		}
		PQclear(last);
		last = r;
	}
	return last;
}

/* Like PQexec(), but with a time limit. */
static PGresult *
execute(struct postgres_connection *c, const char *text)
{
	return last_result(c, PQsendQuery(c->db, text) == 1);
}

/* ---- the connection ---- */

static void
postgres_close(struct sql *db)
{
	PQfinish(postgres_connection_of(db)->db);
	free(db);
}

static bool
postgres_run(struct sql *db, const char *text)
{
	struct postgres_connection *c = postgres_connection_of(db);
	PGresult *r = execute(c, text);
	bool good = is_result_good(r) || postgres_failed(c, r);

	PQclear(r);
	return good;
}

/* The first key of all our advisory locks is SCHEMA_APPLICATION. */
static void
put_lock(struct buf *b, const char *function, uint64_t number)
{
	buf_printf(
	    b, "SELECT %s(%d, %d)", function, SCHEMA_APPLICATION, (int)number);
}

/* Stores an error that names the holder of the lock that we need, if there is
 * one. */
static void
fail_locked(struct postgres_connection *c, uint64_t number)
{
	char memory[SQL_ERROR_MAX], query[600];
	struct buf error = buf_wrap(memory, sizeof(memory));
	struct buf text = buf_wrap(query, sizeof(query));
	PGresult *r;

	buf_printf(&text,
	    "SELECT application_name, host(client_addr), pid, "
	    "CAST(extract(epoch FROM clock_timestamp() - "
	    "coalesce(xact_start, backend_start)) AS BIGINT) "
	    "FROM pg_locks JOIN pg_stat_activity USING (pid) "
	    "WHERE locktype = 'advisory' AND granted AND classid = %d "
	    "AND objid = %d AND database = (SELECT oid FROM pg_database "
	    "WHERE datname = current_database()) AND pid <> pg_backend_pid()",
	    SCHEMA_APPLICATION, (int)number);
	r = execute(c, query);
	if (PQresultStatus(r) == PGRES_TUPLES_OK && PQntuples(r) > 0) {
		buf_printable(
		    &error, span_str(PQgetvalue(r, 0, 0)), APPLICATION_MAX);
		if (!PQgetisnull(r, 0, 1)) {
			buf_text(&error, " at ");
			buf_text(&error, PQgetvalue(r, 0, 1));
		}
		buf_text(&error, " (PostgreSQL process ");
		buf_text(&error, PQgetvalue(r, 0, 2));
		buf_text(&error, ") has held the lock for ");
		buf_text(&error, PQgetvalue(r, 0, 3));
		buf_text(&error, " s");
	} else {
		buf_text(&error, "another connection held the lock");
	}
	PQclear(r);
	postgres_fail(c, SQL_LOCKED, memory);
}

/* Begins the transaction and acquires the lock in one round trip. */
static bool
postgres_begin(struct sql *db)
{
	struct postgres_connection *c = postgres_connection_of(db);
	char memory[160];
	struct buf text = buf_wrap(memory, sizeof(memory));

	buf_text(&text, "BEGIN ISOLATION LEVEL READ COMMITTED; ");
	put_lock(&text, "pg_advisory_xact_lock", WRITE_LOCK);
	if (sql_run(db, memory))
		return true;
	PQclear(execute(c, "ROLLBACK"));
	if (c->sql.fault == SQL_LOCKED)
		fail_locked(c, WRITE_LOCK);
	return false;
}

/* After an error in a transaction, COMMIT rolls back, and PostgreSQL does not
 * report that as an error. */
static bool
postgres_commit(struct postgres_connection *c)
{
	PGresult *r = execute(c, "COMMIT");
	bool good = is_result_good(r) || postgres_failed(c, r);

	if (good && strcmp(PQcmdStatus(r), "COMMIT") != 0)
		good = c->sql.fault != SQL_FINE
		    ? false
		    : sql_fail(&c->sql, SQL_WRONG,
			  "the transaction was rolled back");
	PQclear(r);
	return good;
}

static bool
postgres_end(struct sql *db, bool keep)
{
	struct postgres_connection *c = postgres_connection_of(db);

	if (keep && postgres_commit(c))
		return true;
	if (PQtransactionStatus(c->db) != PQTRANS_IDLE)
		PQclear(execute(c, "ROLLBACK"));
	return !keep;
}

static struct sql_statement *
postgres_prepare(struct sql *db, const char *text)
{
	struct postgres_statement *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		sql_fail(db, SQL_AWAY, "out of memory");
		return NULL;
	}
	s->statement.db = db;
	s->text = text;
	return &s->statement;
}

/* ---- statements ---- */

static struct postgres_value *
value_at(struct sql_statement *statement, int at, int type)
{
	struct postgres_statement *s = statement_of(statement);
	struct postgres_value *v;

	if (at < 1 || at > CENTRAL_PARAMETERS_MAX)
		return NULL;
	v = &s->values[at - 1];
	free(v->clean);
	v->clean = NULL;
	v->type = type;
	if (s->n < at)
		s->n = at;
	return v;
}

static void
postgres_bind_number(struct sql_statement *s, int at, int64_t value)
{
	struct postgres_value *v = value_at(s, at, TYPE_NUMBER);

	for (int i = 0; v != NULL && i < NUMBER_SIZE; i++)
		v->number[i] = (unsigned char)((uint64_t)value >>
		    (NUMBER_SIZE - 1 - i) * 8);
}

bool
postgres_is_clean(struct span s)
{
	while (s.n > 0) {
		size_t n = utf8_size(s);

		if (n == 0 || s.p[0] == '\0')
			return false;
		s = span_skip(s, n);
	}
	return true;
}

char *
postgres_copy_clean(struct span s)
{
	char *out = malloc(s.n);

	for (size_t i = 0; out != NULL && i < s.n;) {
		size_t n = utf8_size(span_skip(s, i));

		if (n == 0 || s.p[i] == '\0') {
			out[i++] = '?';
			continue;
		}
		memcpy(out + i, s.p + i, n);
		i += n;
	}
	return out;
}

static void
postgres_bind_text(struct sql_statement *s, int at, struct span value)
{
	struct postgres_value *v = value_at(s, at, TYPE_TEXT);

	if (v == NULL)
		return;
	v->text = value;
	if (postgres_is_clean(value))
		return;
	v->clean = postgres_copy_clean(value);
	v->text = v->clean != NULL ? span_of(v->clean, value.n) : SPAN("?");
}

static void
postgres_bind_bytes(struct sql_statement *s, int at, struct span value)
{
	struct postgres_value *v = value_at(s, at, TYPE_BYTES);

	if (v != NULL)
		v->text = value;
}

static bool
prepare_on_server(struct postgres_connection *c, struct postgres_statement *s,
    const Oid *types)
{
	struct buf name = buf_wrap(s->name, sizeof(s->name));
	PGresult *r;
	bool good;

	buf_printf(&name, "s%u", c->n_prepared++);
	r = last_result(
	    c, PQsendPrepare(c->db, s->name, s->text, s->n, types) == 1);
	good = is_result_good(r) || postgres_failed(c, r);
	PQclear(r);
	if (!good)
		s->name[0] = '\0';
	return good;
}

/* A statement that runs once needs one round trip; one that runs often is
 * prepared. */
static bool
send_statement(struct postgres_connection *c, struct postgres_statement *s)
{
	Oid types[CENTRAL_PARAMETERS_MAX];
	const char *values[CENTRAL_PARAMETERS_MAX];
	int sizes[CENTRAL_PARAMETERS_MAX], formats[CENTRAL_PARAMETERS_MAX];

	for (int i = 0; i < s->n; i++) {
		const struct postgres_value *v = &s->values[i];
		bool is_number = v->type == TYPE_NUMBER;

		types[i] = (Oid)v->type;
		values[i] = is_number   ? (const char *)v->number
		    : v->text.p != NULL ? v->text.p
					: "";
		sizes[i] = is_number ? NUMBER_SIZE : (int)v->text.n;
		formats[i] = 1;
	}
	if (s->name[0] == '\0' && ++s->runs >= PREPARE_AT &&
	    !prepare_on_server(c, s, types))
		return false;
	if (s->name[0] != '\0' ? PQsendQueryPrepared(c->db, s->name, s->n,
				     values, sizes, formats, 1)
			       : PQsendQueryParams(c->db, s->text, s->n, types,
				     values, sizes, formats, 1))
		return PQsetSingleRowMode(c->db) == 1;
	return postgres_failed(c, NULL);
}

static uint64_t
read_count(const char *text)
{
	struct scan s = scan_of(span_str(text));
	uint64_t n = 0;

	scan_number(&s, UINT64_MAX, &n);
	return n;
}

static enum sql_step
postgres_step(struct sql_statement *statement)
{
	struct postgres_statement *s = statement_of(statement);
	struct postgres_connection *c = postgres_connection_of(statement->db);
	bool good = true;
	PGresult *r;

	PQclear(s->row);
	s->row = NULL;
	if (!s->running && !send_statement(c, s))
		return SQL_FAILED;
	s->running = true;
	while ((r = postgres_next_result(c)) != NULL) {
		if (PQresultStatus(r) == PGRES_SINGLE_TUPLE) {
			s->row = r;
			return SQL_ROW;
		}
		if (is_result_good(r))
			s->changed = read_count(PQcmdTuples(r));
		else
			good = postgres_failed(c, r);
		PQclear(r);
	}
	s->running = false;
	return good ? SQL_DONE : SQL_FAILED;
}

static int64_t
postgres_number(struct sql_statement *statement, int column)
{
	const PGresult *row = statement_of(statement)->row;
	const unsigned char *p =
	    (const unsigned char *)PQgetvalue(row, 0, column);
	int n = PQgetlength(row, 0, column);
	uint64_t value = n > 0 && p[0] >= 0x80 ? UINT64_MAX : 0;

	for (int i = 0; i < n && i < NUMBER_SIZE; i++)
		value = value << 8 | p[i];
	return (int64_t)value;
}

static struct span
postgres_text(struct sql_statement *statement, int column)
{
	const PGresult *row = statement_of(statement)->row;
	int n = PQgetlength(row, 0, column);

	return n > 0 ? span_of(PQgetvalue(row, 0, column), (size_t)n)
		     : SPAN("");
}

static uint64_t
postgres_changed(struct sql_statement *s)
{
	return statement_of(s)->changed;
}

static void
postgres_reset(struct sql_statement *statement)
{
	struct postgres_statement *s = statement_of(statement);
	PGresult *r;

	PQclear(s->row);
	s->row = NULL;
	while (s->running &&
	    (r = postgres_next_result(postgres_connection_of(statement->db))) !=
		NULL)
		PQclear(r);
	s->running = false;
}

static void
postgres_drop(struct sql_statement *statement)
{
	struct postgres_statement *s = statement_of(statement);
	char memory[2 * NAME_SIZE];
	struct buf text = buf_wrap(memory, sizeof(memory));

	postgres_reset(statement);
	for (int i = 0; i < s->n; i++)
		free(s->values[i].clean);
	if (s->name[0] != '\0') {
		buf_text(&text, "DEALLOCATE ");
		buf_text(&text, s->name);
		PQclear(execute(postgres_connection_of(statement->db), memory));
	}
	free(s);
}

/* The server releases the lock when the connection ends. */
static bool
postgres_lock(struct sql *db, const char *name)
{
	const struct hash_secret none = { 0, 0 };
	uint64_t number = 1 + hash_span(none, span_str(name), 0) % NAME_LOCKS;
	char memory[120];
	struct buf text = buf_wrap(memory, sizeof(memory));
	int64_t got = 0;

	put_lock(&text, "pg_try_advisory_lock", number);
	if (sql_first_number(sql_prepare(db, memory), &got) == SQL_ROW &&
	    got == 0)
		fail_locked(postgres_connection_of(db), number);
	return got != 0;
}

static const struct sql_driver driver = { .is_shared = true,
	SQL_DRIVER_CALLS(postgres) };

/* ---- opening a connection ---- */

/* Returns -1 after an error, or `none` if the query returns no row. */
static int64_t
postgres_read_number(
    struct postgres_connection *c, const char *query, int64_t none)
{
	int64_t value = none;
	enum sql_step step =
	    sql_first_number(sql_prepare(&c->sql, query), &value);

	return step != SQL_FAILED ? value : -1;
}

/* Returns 0 if there are no tables, -1 after an error. */
static int64_t
read_version(struct postgres_connection *c)
{
	int64_t there = postgres_read_number(c,
	    "SELECT count(*) FROM pg_catalog.pg_class "
	    "WHERE oid = to_regclass('avouch.meta')",
	    0);
	int64_t version;

	if (there <= 0)
		return there;
	version = postgres_read_number(c,
	    "SELECT CAST(value AS BIGINT) FROM avouch.meta "
	    "WHERE name = 'schema'",
	    INT64_MAX);
	if (version <= SCHEMA_VERSION)
		return version;
	if (version == INT64_MAX)
		sql_fail(&c->sql, SQL_NEWER,
		    "the schema \"avouch\" belongs to another program");
	else
		schema_fail_newer(&c->sql, version);
	return -1;
}

static bool
note_version(struct postgres_connection *c)
{
	char memory[160];
	struct buf text = buf_wrap(memory, sizeof(memory));

	buf_printf(&text,
	    "INSERT INTO meta (name, value) VALUES ('schema', '%d') "
	    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
	    SCHEMA_VERSION);
	return sql_run(&c->sql, memory);
}

/* Another host may upgrade at the same time, so read the version again under
 * the lock. */
static bool
postgres_upgrade(struct postgres_connection *c)
{
	int64_t version;
	bool good;

	if (!sql_begin(&c->sql))
		return false;
	version = read_version(c);
	good = version >= 0;
	if (good && version == 0 &&
	    postgres_read_number(c,
		"SELECT count(*) FROM pg_catalog.pg_namespace "
		"WHERE nspname = 'avouch'",
		0) == 0)
		good = sql_run(&c->sql, "CREATE SCHEMA avouch");
	if (good && version < SCHEMA_VERSION)
		good = schema_upgrade(&c->sql, SCHEMA_POSTGRESQL, version,
			   SCHEMA_VERSION) &&
		    note_version(c);
	if (!good && version >= 0 && version < SCHEMA_VERSION)
		schema_fail_upgrade(&c->sql, version);
	return sql_end(&c->sql, good) && good;
}

static void
ignore_notice(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

static bool
postgres_set_up(struct postgres_connection *c)
{
	char memory[400];
	struct buf text = buf_wrap(memory, sizeof(memory));
	const char *encoding = PQparameterStatus(c->db, "server_encoding");
	int64_t version;

	PQsetNoticeProcessor(c->db, ignore_notice, NULL);
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
		return sql_fail(&c->sql, SQL_AWAY,
		    "the database must have the encoding UTF8");
	buf_printf(&text,
	    "SELECT set_config('lock_timeout', '%ds', false) "
	    "WHERE current_setting('lock_timeout') = '0';"
	    "SET statement_timeout = '%ds';"
	    "SET idle_in_transaction_session_timeout = '%ds'",
	    CENTRAL_LOCK_S, CENTRAL_STATEMENT_S, CENTRAL_IDLE_S);
	if (!sql_run(&c->sql, SETTINGS) || !sql_run(&c->sql, memory))
		return false;
	version = read_version(c);
	return version >= 0 &&
	    (version == SCHEMA_VERSION || postgres_upgrade(c));
}

/* The URL overrides parameters before "dbname", but not those after it. */
static PGconn *
connect_to(const char *url)
{
	char seconds[12], host[APPLICATION_MAX] = "";
	char application[APPLICATION_MAX] = "";
	struct buf b = buf_wrap(seconds, sizeof(seconds));
	struct buf name = buf_wrap(application, sizeof(application));
	const char *const names[] = { "application_name", "connect_timeout",
		"keepalives_idle", "tcp_user_timeout", "dbname",
		"client_encoding", NULL };
	const char *const values[] = { application, seconds, "30", "60000", url,
		"UTF8", NULL };

	buf_number(&b, CENTRAL_CONNECT_S);
	buf_text(&name, "avouch");
	if (gethostname(host, sizeof(host) - 1) == 0 && host[0] != '\0') {
		buf_text(&name, " on ");
		buf_text(&name, host);
	}
	return PQconnectdbParams(names, values, 1);
}

/* libpq's error for an invalid URL quotes the URL, including the password. */
static bool
is_understood(const char *url)
{
	PQconninfoOption *options = PQconninfoParse(url, NULL);

	PQconninfoFree(options);
	return options != NULL;
}

struct sql *
central_open(const char *url, enum sql_fault *fault, char *error)
{
	struct postgres_connection *c = calloc(1, sizeof(*c));
	struct sql none = { .fault = SQL_FINE };
	bool good = false;

	if (c == NULL) {
		sql_fail(&none, SQL_AWAY, "out of memory");
	} else if (!is_understood(url)) {
		sql_fail(&c->sql, SQL_WRONG,
		    "not a URL that PostgreSQL accepts; write "
		    "postgresql://USER@HOST/DATABASE?PARAMETER=VALUE");
	} else {
		c->sql.driver = &driver;
		c->db = connect_to(url);
		good = PQstatus(c->db) == CONNECTION_OK
		    ? postgres_set_up(c)
		    : postgres_failed(c, NULL);
	}
	if (good)
		return &c->sql;
	*fault = c != NULL ? c->sql.fault : none.fault;
	memcpy(error, c != NULL ? c->sql.error : none.error, SQL_ERROR_MAX);
	if (c != NULL)
		postgres_close(&c->sql);
	return NULL;
}
