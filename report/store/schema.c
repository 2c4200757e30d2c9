#include "report/store/schema.h"

#include <inttypes.h>

#include "report/store/row_encode.h"

enum { STEP_MAX = 6000 }; /* bytes of an upgrade step, including the NUL */

/*
 * The tables in both kinds of store.  The macro parameters are the differences:
 * ID for a number that the database assigns, KEYED for a table that is only
 * accessed by its key.
 */

/* Since version 1: data that the daemon stores. */
#define KEPT_TABLES(ID, KEYED)                                                 \
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)" KEYED \
	";"                                                                    \
	"CREATE TABLE source (id " ID ", {source:types}, "                     \
	"used BIGINT NOT NULL, UNIQUE ({source:all}));"                        \
	"CREATE TABLE kept (day BIGINT NOT NULL, policy BIGINT NOT NULL, "     \
	"source BIGINT NOT NULL, shape BIGINT NOT NULL, "                      \
	"messages BIGINT NOT NULL, last BIGINT NOT NULL, "                     \
	"PRIMARY KEY (day, policy, source, shape))" KEYED ";"

/* Since version 4 (PostgreSQL: version 1): tables with long strings. */
#define LONG_TABLES(ID, KEYED)                                                 \
	"CREATE TABLE policy (id " ID ", {policy:types}, "                     \
	"used BIGINT NOT NULL);"                                               \
	"CREATE INDEX policy_domain ON policy (domain);"                       \
	"CREATE TABLE shape (id " ID ", hash BIGINT NOT NULL, "                \
	"{shape:types}, used BIGINT NOT NULL);"                                \
	"CREATE INDEX shape_hash ON shape (hash);"

/* Since version 4, in SQLite only: a table with long strings for replay. */
#define LONG_REPLAY_TABLES(ID, KEYED)                                          \
	"CREATE TABLE facts (id " ID ", hash BIGINT NOT NULL, "                \
	"{facts:types}, used BIGINT NOT NULL);"                                \
	"CREATE INDEX facts_hash ON facts (hash);"

/* In versions 1 to 3, in SQLite only: tables in which all strings are
 * indexed. */
#define INDEXED_TABLES(ID, KEYED)                                              \
	"CREATE TABLE policy (id " ID ", {policy:types}, "                     \
	"used BIGINT NOT NULL, UNIQUE ({policy:all}));"                        \
	"CREATE TABLE shape (id " ID ", {shape:types}, "                       \
	"used BIGINT NOT NULL, UNIQUE ({shape:all}));"                         \
	"CREATE TABLE facts (id " ID ", bytes BLOB NOT NULL UNIQUE, "          \
	"used BIGINT NOT NULL);"

/*
 * Upgrade from version 3 to version 4.  SQL cannot compute our hashes, so
 * existing strings keep their id and rows, and get a second id when they are
 * used again.
 */
#define INDEXED_AWAY                                                           \
	"ALTER TABLE policy RENAME TO policy_3;"                               \
	"ALTER TABLE shape RENAME TO shape_3;"                                 \
	"ALTER TABLE facts RENAME TO facts_3;"

#define INDEXED_BACK                                                           \
	"INSERT INTO policy SELECT * FROM policy_3;"                           \
	"INSERT INTO shape SELECT id, 0, {shape:all}, used FROM shape_3;"      \
	"INSERT INTO facts SELECT id, 0, bytes, used FROM facts_3;"            \
	"DROP TABLE policy_3; DROP TABLE shape_3; DROP TABLE facts_3;"

/* Since version 2: the reports we send. */
#define SENT_TABLES(ID, KEYED)                                                 \
	"CREATE TABLE report (id " ID ", day BIGINT NOT NULL, "                \
	"domain TEXT NOT NULL, part BIGINT NOT NULL, "                         \
	"parts BIGINT NOT NULL, report_id TEXT NOT NULL UNIQUE, "              \
	"record TEXT NOT NULL, made BIGINT NOT NULL, rows BIGINT NOT NULL, "   \
	"messages BIGINT NOT NULL, note TEXT NOT NULL, "                       \
	"UNIQUE (day, domain, part));"                                         \
	"CREATE TABLE delivery (id " ID ", report BIGINT NOT NULL, "           \
	"destination TEXT NOT NULL, state BIGINT NOT NULL, "                   \
	"attempts BIGINT NOT NULL, changed BIGINT NOT NULL, "                  \
	"not_before BIGINT NOT NULL, note TEXT NOT NULL, "                     \
	"UNIQUE (report, destination));"                                       \
	"CREATE INDEX delivery_destination ON delivery "                       \
	"(destination, changed);"                                              \
	"CREATE INDEX delivery_state ON delivery (state);"                     \
	"CREATE TABLE bounce (address TEXT PRIMARY KEY, "                      \
	"count BIGINT NOT NULL, first BIGINT NOT NULL, "                       \
	"last BIGINT NOT NULL, suppressed BIGINT NOT NULL, "                   \
	"note TEXT NOT NULL)" KEYED ";"

/* Reports from others, each stored once. */
#define RECEIVED_TABLE(ID, ONCE)                                               \
	"CREATE TABLE received (id " ID ", organisation TEXT NOT NULL, "       \
	"email TEXT NOT NULL, contact TEXT NOT NULL, "                         \
	"report_id TEXT NOT NULL, begin_at BIGINT NOT NULL, "                  \
	"end_at BIGINT NOT NULL, domain TEXT NOT NULL, p TEXT NOT NULL, "      \
	"sp TEXT NOT NULL, np TEXT NOT NULL, adkim TEXT NOT NULL, "            \
	"aspf TEXT NOT NULL, fo TEXT NOT NULL, testing TEXT NOT NULL, "        \
	"pct TEXT NOT NULL, discovery TEXT NOT NULL, "                         \
	"version TEXT NOT NULL, generator TEXT NOT NULL, "                     \
	"errors TEXT NOT NULL, file TEXT NOT NULL, "                           \
	"read_at BIGINT NOT NULL, rows BIGINT NOT NULL, "                      \
	"messages BIGINT NOT NULL" ONCE ");"                                   \
	"CREATE INDEX received_begin ON received (begin_at);"                  \
	"CREATE INDEX received_domain ON received (domain, begin_at);"

/* Since version 3: reports from others and their rows. */
#define RECEIVED_TABLES(ID, KEYED, ONCE)                                       \
	RECEIVED_TABLE(ID, ONCE)                                               \
	"CREATE TABLE received_row (report BIGINT NOT NULL, "                  \
	"source BIGINT NOT NULL, shape BIGINT NOT NULL, "                      \
	"messages BIGINT NOT NULL, "                                           \
	"PRIMARY KEY (report, source, shape))" KEYED ";"                       \
	"CREATE INDEX received_source ON received_row (source);"               \
	"CREATE INDEX received_shape ON received_row (shape);"

#define RECEIVED_SQLITE(ID, KEYED)                                             \
	RECEIVED_TABLES(ID, KEYED, ", UNIQUE (organisation, report_id, domain)")

/* Several strings of about 1000 bytes do not fit in one PostgreSQL index
 * entry. */
#define RECEIVED_POSTGRESQL(ID, KEYED)                                         \
	RECEIVED_TABLES(ID, KEYED, "")                                         \
	"CREATE UNIQUE INDEX received_once ON received "                       \
	"(md5(organisation), md5(report_id), md5(domain));"

/* Since version 6: the period is part of the key, because some reporters reuse
 * an id on another day. */
#define RECEIVED_PERIOD_SQLITE                                                                                               \
	"ALTER TABLE received RENAME TO received_5;"                                                                         \
	"DROP INDEX received_begin; DROP INDEX "                                                                             \
	"received_domain;" RECEIVED_TABLE("INTEGER PRIMARY KEY",                                                             \
	    ", UNIQUE (organisation, report_id, domain, begin_at, end_at)") "INSERT INTO received SELECT * FROM received_5;" \
									    "DROP TABLE received_5;"

#define RECEIVED_PERIOD_POSTGRESQL                                             \
	"DROP INDEX received_once;"                                            \
	"CREATE UNIQUE INDEX received_once ON received "                       \
	"(md5(organisation), md5(report_id), md5(domain), begin_at, end_at);"

/* Since version 7: TLS reports (RFC 8460) and failure reports (RFC 6591) from
 * others, each stored only once, identified by its key. */
#define RECEIVED_OTHER(ID, KEYED)                                              \
	"CREATE TABLE received_tls (id " ID ", key TEXT NOT NULL UNIQUE, "     \
	"organisation TEXT NOT NULL, contact TEXT NOT NULL, "                  \
	"report_id TEXT NOT NULL, begin_at BIGINT NOT NULL, "                  \
	"end_at BIGINT NOT NULL, file TEXT NOT NULL, "                         \
	"read_at BIGINT NOT NULL);"                                            \
	"CREATE INDEX received_tls_begin ON received_tls (begin_at);"          \
	"CREATE TABLE received_tls_result (report BIGINT NOT NULL, "           \
	"number BIGINT NOT NULL, domain TEXT NOT NULL, "                       \
	"policy TEXT NOT NULL, result TEXT NOT NULL, mx TEXT NOT NULL, "       \
	"reason TEXT NOT NULL, sessions BIGINT NOT NULL, "                     \
	"PRIMARY KEY (report, number))" KEYED ";"                              \
	"CREATE TABLE received_failure (id " ID ", "                           \
	"key TEXT NOT NULL UNIQUE, reporter TEXT NOT NULL, "                   \
	"at BIGINT NOT NULL, domain TEXT NOT NULL, source TEXT NOT NULL, "     \
	"cause TEXT NOT NULL, alignment TEXT NOT NULL, "                       \
	"delivery TEXT NOT NULL, mail_from TEXT NOT NULL, "                    \
	"dkim_domain TEXT NOT NULL, selector TEXT NOT NULL, "                  \
	"results TEXT NOT NULL, incidents BIGINT NOT NULL, "                   \
	"file TEXT NOT NULL, read_at BIGINT NOT NULL);"                        \
	"CREATE INDEX received_failure_at ON received_failure (at);"

/* Since version 1, in PostgreSQL only: the last day for which each host has
 * pushed results. */
#define HOST_TABLE                                                             \
	"CREATE TABLE host (store TEXT PRIMARY KEY, name TEXT NOT NULL, "      \
	"day BIGINT NOT NULL, ticket TEXT NOT NULL, at BIGINT NOT NULL);"

/* Since version 1, in SQLite only: data that the daemon stores for replay. */
#define REPLAY_TABLES(ID, KEYED)                                               \
	"CREATE TABLE decision (id " ID ", {decision:types}, "                 \
	"used BIGINT NOT NULL, UNIQUE ({decision:all}));"                      \
	"CREATE TABLE replay (day BIGINT NOT NULL, source BIGINT NOT NULL, "   \
	"facts BIGINT NOT NULL, decision BIGINT NOT NULL, "                    \
	"messages BIGINT NOT NULL, "                                           \
	"PRIMARY KEY (day, source, facts, decision))" KEYED ";"

/* Since version 5, in SQLite only: failures to be reported. */
#define FAILURE_TABLES                                                         \
	"CREATE TABLE failure (id INTEGER PRIMARY KEY, "                       \
	"likeness TEXT NOT NULL, organization TEXT NOT NULL, "                 \
	"domain TEXT NOT NULL, record TEXT NOT NULL, author TEXT NOT NULL, "   \
	"source TEXT NOT NULL, subject TEXT NOT NULL, "                        \
	"feedback TEXT NOT NULL, header TEXT NOT NULL, "                       \
	"first BIGINT NOT NULL, last BIGINT NOT NULL, "                        \
	"incidents BIGINT NOT NULL, others BIGINT NOT NULL, "                  \
	"made BIGINT NOT NULL, sent BIGINT NOT NULL, held BIGINT NOT NULL);"   \
	"CREATE INDEX failure_likeness ON failure (likeness, made);"           \
	"CREATE INDEX failure_organization ON failure (organization, made);"   \
	"CREATE INDEX failure_made ON failure (made);"                         \
	"CREATE INDEX failure_held ON failure (held);"

#define SQLITE(TABLES) TABLES("INTEGER PRIMARY KEY", " WITHOUT ROWID")
#define POSTGRESQL(TABLES)                                                     \
	TABLES("BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "")

/* one upgrade step per version; NULL: nothing to do */
static const struct {
	const char *sqlite, *postgresql;
} steps[SCHEMA_VERSION] = {
	{ SQLITE(KEPT_TABLES) SQLITE(INDEXED_TABLES) SQLITE(REPLAY_TABLES),
	    POSTGRESQL(KEPT_TABLES) POSTGRESQL(LONG_TABLES) HOST_TABLE },
	{ SQLITE(SENT_TABLES), POSTGRESQL(SENT_TABLES) },
	{ SQLITE(RECEIVED_SQLITE), POSTGRESQL(RECEIVED_POSTGRESQL) },
	{ INDEXED_AWAY SQLITE(LONG_TABLES) SQLITE(LONG_REPLAY_TABLES)
		INDEXED_BACK,
	    NULL },
	{ FAILURE_TABLES, NULL },
	{ RECEIVED_PERIOD_SQLITE, RECEIVED_PERIOD_POSTGRESQL },
	{ SQLITE(RECEIVED_OTHER), POSTGRESQL(RECEIVED_OTHER) },
};

/* Runs one upgrade step, using the columns of the version that it upgrades
 * to. */
static bool
run_step(struct sql *db, const char *step, int version)
{
	char memory[STEP_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	columns_expand(&text, step, version);
	return text.full ? sql_fail(db, SQL_WRONG, "a step is too long")
			 : sql_run(db, memory);
}

bool
schema_upgrade(
    struct sql *db, enum schema_kind kind, int64_t version, int64_t until)
{
	for (int64_t v = version < 0 ? 0 : version; v < until; v++) {
		const char *step;

		if (v >= SCHEMA_VERSION)
			return false;
		step = kind == SCHEMA_SQLITE ? steps[v].sqlite
					     : steps[v].postgresql;
		if (step != NULL && !run_step(db, step, (int)v + 1))
			return false;
	}
	return true;
}

bool
schema_fail_newer(struct sql *db, int64_t version)
{
	char memory[SQL_ERROR_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	buf_printf(&text,
	    "a newer version of avouch made this store: its tables have "
	    "version %" PRId64 ", but this avouch supports version %d; "
	    "install the newer one here",
	    version, SCHEMA_VERSION);
	return sql_fail(db, SQL_NEWER, memory);
}

bool
schema_fail_upgrade(struct sql *db, int64_t version)
{
	char memory[SQL_ERROR_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	if (version > 0)
		buf_printf(&text,
		    "cannot upgrade its tables from version %" PRId64
		    " to %d: ",
		    version, SCHEMA_VERSION);
	else
		buf_text(&text, "cannot create its tables: ");
	buf_text(&text, db->error);
	return sql_fail(db, db->fault, memory);
}
