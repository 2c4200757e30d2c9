/* sqlite.c - the SQLite driver for sql.h. */
#include "report/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/compat/sqlite.h"
#include "lib/date.h"
#include "report/store/schema.h"

enum {
	LOCKS_MAX = 4,       /* per connection */
	WRITER_WAIT_MS = 50, /* how long the daemon waits for a lock before it
	                        postpones the transaction */
	COMMAND_WAIT_MS = 10000, /* how long the command waits for a lock */
};

/* These settings are stored in the file; they must be set before the first
 * table is created. */
#define PRAGMAS_NEW "PRAGMA page_size=2048; PRAGMA auto_vacuum=INCREMENTAL"

/* Settings of each connection.  A corrupt or crafted file must not cause more
 * than an error. */
#define PRAGMAS_ALWAYS                                                         \
	"PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF;"                \
	"PRAGMA cache_size=-4096; PRAGMA temp_store=FILE;"                     \
	"PRAGMA secure_delete=OFF"

struct sqlite_connection {
	struct sql sql; /* must be first */
	sqlite3 *db;
	char *path;
	char *wal;
	dev_t wal_device; /* device and inode of the write-ahead log when it was
	                     opened */
	ino_t wal_inode;
	int locks[LOCKS_MAX]; /* file descriptors */
	size_t n_locks;
	int64_t log_pages;
	int64_t log_copied; /* log pages that the last checkpoint copied */
};

struct sqlite_statement {
	struct sql_statement statement; /* must be first */
	sqlite3_stmt *s;
};

static struct sqlite_connection *
connection_of(struct sql *db)
{
	return (struct sqlite_connection *)db;
}

static sqlite3_stmt *
stmt_of(struct sql_statement *s)
{
	return ((struct sqlite_statement *)s)->s;
}

static enum sql_fault
sqlite_fault(int code, int system_errno)
{
	bool no_room = system_errno == ENOSPC || system_errno == EDQUOT ||
	    system_errno == EFBIG;

	switch (code & 0xff) {
	case SQLITE_OK:
		return SQL_FINE;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return SQL_LOCKED;
	case SQLITE_FULL:
		return SQL_FULL;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return SQL_CORRUPT;
	case SQLITE_IOERR:
		return no_room ? SQL_FULL : SQL_AWAY;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
	case SQLITE_AUTH:
	case SQLITE_NOMEM:
	case SQLITE_INTERRUPT:
		return SQL_AWAY;
	default:
		return SQL_WRONG;
	}
}

static bool
sqlite_failed(struct sqlite_connection *c)
{
	int code = sqlite3_extended_errcode(c->db);
	int system_errno = sqlite3_system_errno(c->db);
	/* "unable to open database file" does not say what to fix */
	bool is_system_error =
	    (code & 0xff) == SQLITE_CANTOPEN && system_errno != 0;

	return sql_fail(&c->sql, sqlite_fault(code, system_errno),
	    is_system_error ? strerror(system_errno) : sqlite3_errmsg(c->db));
}

static void
sqlite_close(struct sql *db)
{
	struct sqlite_connection *c = connection_of(db);

	for (size_t i = 0; i < c->n_locks; i++)
		close(c->locks[i]);
	sqlite3_close_v2(c->db);
	free(c->path);
	free(c->wal);
	free(c);
}

static bool
sqlite_run(struct sql *db, const char *text)
{
	struct sqlite_connection *c = connection_of(db);

	return sqlite3_exec(c->db, text, NULL, NULL, NULL) == SQLITE_OK ||
	    sqlite_failed(c);
}

static bool
sqlite_begin(struct sql *db)
{
	return sqlite_run(db, "BEGIN IMMEDIATE");
}

static bool
sqlite_end(struct sql *db, bool commit)
{
	struct sqlite_connection *c = connection_of(db);

	if (commit && sqlite_run(db, "COMMIT"))
		return true;
	/* Some errors have already ended the transaction. */
	if (!sqlite3_get_autocommit(c->db))
		sqlite3_exec(c->db, "ROLLBACK", NULL, NULL, NULL);
	return !commit;
}

static struct sql_statement *
sqlite_prepare(struct sql *db, const char *text)
{
	struct sqlite_connection *c = connection_of(db);
	struct sqlite_statement *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		sql_fail(db, SQL_AWAY, "out of memory");
		return NULL;
	}
	s->statement.db = db;
	if (sqlite3_prepare_v3(c->db, text, -1, SQLITE_PREPARE_PERSISTENT,
		&s->s, NULL) != SQLITE_OK) {
		sqlite_failed(c);
		free(s);
		return NULL;
	}
	return &s->statement;
}

static void
sqlite_bind_number(struct sql_statement *s, int at, int64_t value)
{
	sqlite3_bind_int64(stmt_of(s), at, value);
}

static void
sqlite_bind_text(struct sql_statement *s, int at, struct span value)
{
	sqlite3_bind_text64(stmt_of(s), at, value.p != NULL ? value.p : "",
	    value.n, SQLITE_STATIC, SQLITE_UTF8);
}

static void
sqlite_bind_bytes(struct sql_statement *s, int at, struct span value)
{
	sqlite3_bind_blob64(stmt_of(s), at, value.p != NULL ? value.p : "",
	    value.n, SQLITE_STATIC);
}

static enum sql_step
sqlite_step(struct sql_statement *s)
{
	switch (sqlite3_step(stmt_of(s))) {
	case SQLITE_ROW:
		return SQL_ROW;
	case SQLITE_DONE:
		return SQL_DONE;
	default:
		sqlite_failed(connection_of(s->db));
		return SQL_FAILED;
	}
}

static int64_t
sqlite_number(struct sql_statement *s, int column)
{
	return sqlite3_column_int64(stmt_of(s), column);
}

static struct span
sqlite_text(struct sql_statement *s, int column)
{
	const char *p = sqlite3_column_blob(stmt_of(s), column);
	int n = sqlite3_column_bytes(stmt_of(s), column);

	return p != NULL && n > 0 ? span_of(p, (size_t)n) : SPAN("");
}

static uint64_t
sqlite_changed(struct sql_statement *s)
{
	return (uint64_t)sqlite3_changes(connection_of(s->db)->db);
}

static void
sqlite_reset(struct sql_statement *s)
{
	sqlite3_reset(stmt_of(s));
}

static void
sqlite_drop(struct sql_statement *s)
{
	sqlite3_finalize(stmt_of(s));
	free(s);
}

static char *
path_with(const char *path, const char *suffix)
{
	char *out = NULL;

	return asprintf(&out, "%s%s", path, suffix) >= 0 ? out : NULL;
}

/* The lock is a file next to the store, locked with flock(2). */
static bool
sqlite_lock(struct sql *db, const char *name)
{
	struct sqlite_connection *c = connection_of(db);
	char *beside = path_with(c->path, "-");
	char *path = beside != NULL ? path_with(beside, name) : NULL;
	int fd = -1;
	bool good = false;

	if (path != NULL && c->n_locks < LOCKS_MAX)
		fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		sql_fail(db, SQL_AWAY, "cannot open the lock file");
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		sql_fail(db, errno == EWOULDBLOCK ? SQL_LOCKED : SQL_AWAY,
		    strerror(errno));
	else
		good = true;
	if (good)
		c->locks[c->n_locks++] = fd;
	else if (fd >= 0)
		close(fd);
	free(path);
	free(beside);
	return good;
}

static const struct sql_driver driver = { .is_shared = false,
	SQL_DRIVER_CALLS(sqlite) };

/* ---- opening ---- */

static bool
sqlite_read_number(struct sqlite_connection *c, const char *query, int64_t *out)
{
	return sql_first_number(sql_prepare(&c->sql, query), out) == SQL_ROW;
}

/* the numbers that identify the kind of file; all are zero in a new file */
struct file_kind {
	int64_t application, version, tables;
};

static bool
read_kind(struct sqlite_connection *c, struct file_kind *k)
{
	return sqlite_read_number(
		   c, "PRAGMA application_id", &k->application) &&
	    sqlite_read_number(c, "PRAGMA user_version", &k->version) &&
	    sqlite_read_number(
		c, "SELECT count(*) FROM sqlite_schema", &k->tables);
}

static bool
is_ours(struct sqlite_connection *c, const struct file_kind *k)
{
	if (k->application == SCHEMA_APPLICATION ||
	    (k->application == 0 && k->version == 0 && k->tables == 0))
		return k->version <= SCHEMA_VERSION ||
		    schema_fail_newer(&c->sql, k->version);
	return sql_fail(
	    &c->sql, SQL_NEWER, "this database belongs to another program");
}

static bool
note_version(struct sqlite_connection *c)
{
	char memory[120];
	struct buf text = buf_wrap(memory, sizeof(memory));

	buf_printf(&text, "PRAGMA application_id=%d; PRAGMA user_version=%d",
	    SCHEMA_APPLICATION, SCHEMA_VERSION);
	/* A shared store distinguishes files by this random name. */
	return sql_run(&c->sql, memory) &&
	    sql_run(&c->sql,
		"INSERT INTO meta (name, value) VALUES "
		"('store', lower(hex(randomblob(16)))) ON CONFLICT DO NOTHING");
}

/* Another process may upgrade at the same time, so read the version again
 * under the lock. */
static bool
sqlite_upgrade(struct sqlite_connection *c)
{
	struct file_kind k;
	bool good;

	if (!sql_begin(&c->sql))
		return false;
	good = read_kind(c, &k) && is_ours(c, &k);
	if (good && k.version < SCHEMA_VERSION)
		good = (schema_upgrade(&c->sql, SCHEMA_SQLITE, k.version,
			    SCHEMA_VERSION) &&
			   note_version(c)) ||
		    schema_fail_upgrade(&c->sql, k.version);
	return sql_end(&c->sql, good) && good;
}

static int
note_log_pages(void *arg, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_connection *c = arg;

	(void)db;
	(void)name;
	c->log_pages = pages;
	/* SQLite has restarted the log from its beginning. */
	if (c->log_copied > pages)
		c->log_copied = 0;
	return SQLITE_OK;
}

static bool
sqlite_set_up(struct sqlite_connection *c, enum sqlite_for purpose)
{
	struct file_kind k;
	struct stat st;

	sqlite3_busy_timeout(c->db,
	    purpose == SQLITE_FOR_WRITER ? WRITER_WAIT_MS : COMMAND_WAIT_MS);
	sqlite3_db_config(c->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (!sql_run(&c->sql, PRAGMAS_ALWAYS) || !read_kind(c, &k) ||
	    !is_ours(c, &k))
		return false;
	if (k.tables == 0 && !sql_run(&c->sql, PRAGMAS_NEW))
		return false;
	if (!sql_run(&c->sql, "PRAGMA journal_mode=WAL"))
		return false;
	if (k.version < SCHEMA_VERSION && !sqlite_upgrade(c))
		return false;
	/* From now on, the log exists as long as this connection is open. */
	if (stat(c->wal, &st) == 0) {
		c->wal_device = st.st_dev;
		c->wal_inode = st.st_ino;
	}
	if (purpose != SQLITE_FOR_WRITER)
		return sql_run(&c->sql, "PRAGMA synchronous=FULL");
	/* The writer runs checkpoints itself when it has time. */
	sqlite3_wal_hook(c->db, note_log_pages, c);
	return sql_run(&c->sql,
	    "PRAGMA synchronous=NORMAL;"
	    "PRAGMA journal_size_limit=16777216");
}

/*
 * Creates the file with restricted permissions: SQLite would make it readable
 * by everyone, subject to the umask.  An existing file is not opened here,
 * because closing it would release the locks held by another connection in this
 * process.
 */
static bool
make_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd < 0)
		return errno == EEXIST;
	close(fd);
	return true;
}

static struct sqlite_connection *
connection_new(const char *path)
{
	struct sqlite_connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->sql.driver = &driver;
	c->path = path_with(path, "");
	c->wal = path_with(path, "-wal");
	if (c->path == NULL || c->wal == NULL) {
		sqlite_close(&c->sql);
		return NULL;
	}
	return c;
}

static bool
open_database(struct sqlite_connection *c)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
	    SQLITE_OPEN_PRIVATECACHE;

	if (sqlite3_libversion_number() < SQLITE_NEEDED)
		return sql_fail(&c->sql, SQL_WRONG,
		    "SQLite " SQLITE_NEEDED_TEXT " or newer is needed");
	if (sqlite3_open_v2(c->path, &c->db, flags, NULL) != SQLITE_OK)
		return sqlite_failed(c);
	sqlite3_extended_result_codes(c->db, 1);
	return true;
}

struct sql *
sqlite_open(const char *path, enum sqlite_for purpose, enum sql_fault *fault,
    char *error)
{
	struct sql none = { .fault = SQL_FINE };
	struct sqlite_connection *c = connection_new(path);
	bool good = false;

	if (c == NULL)
		sql_fail(&none, SQL_AWAY, "out of memory");
	else if (purpose != SQLITE_FOR_READING && !make_file(path))
		sql_fail(&c->sql,
		    errno == ENOSPC || errno == EDQUOT ? SQL_FULL : SQL_AWAY,
		    strerror(errno));
	else
		good = open_database(c) && sqlite_set_up(c, purpose);
	if (good)
		return &c->sql;
	*fault = c != NULL ? c->sql.fault : none.fault;
	memcpy(error, c != NULL ? c->sql.error : none.error, SQL_ERROR_MAX);
	if (c != NULL)
		sqlite_close(&c->sql);
	return NULL;
}

/* ---- functions for files only ---- */

bool
sqlite_in_place(struct sql *db)
{
	struct sqlite_connection *c = connection_of(db);
	struct stat st;
	int moved = 0;

	if (sqlite3_file_control(
		c->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
	    moved != 0)
		return false;
	return stat(c->wal, &st) == 0 && st.st_dev == c->wal_device &&
	    st.st_ino == c->wal_inode;
}

int64_t
sqlite_log_pages(const struct sql *db)
{
	const struct sqlite_connection *c =
	    (const struct sqlite_connection *)db;

	return c->log_pages - c->log_copied;
}

bool
sqlite_checkpoint(struct sql *db)
{
	struct sqlite_connection *c = connection_of(db);
	int pages = 0, copied = 0;
	int code = sqlite3_wal_checkpoint_v2(
	    c->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages, &copied);

	if (code == SQLITE_OK) {
		c->log_pages = pages;
		c->log_copied = copied;
	}
	return code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY ||
	    sqlite_failed(c);
}

bool
sqlite_empty_log(struct sql *db)
{
	struct sqlite_connection *c = connection_of(db);
	int code = sqlite3_wal_checkpoint_v2(
	    c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	if (code == SQLITE_OK)
		c->log_pages = c->log_copied = 0;
	return code == SQLITE_OK || sqlite_failed(c);
}

bool
sqlite_usage(struct sql *db, struct sqlite_usage *out)
{
	struct sqlite_connection *c = connection_of(db);
	int64_t page_size, free_pages;
	struct stat file, log;
	struct statvfs fs;

	if (stat(c->path, &file) != 0 || stat(c->wal, &log) != 0 ||
	    statvfs(c->path, &fs) != 0)
		return sql_fail(db, SQL_AWAY, strerror(errno));
	if (!sqlite_read_number(c, "PRAGMA page_size", &page_size) ||
	    !sqlite_read_number(c, "PRAGMA freelist_count", &free_pages))
		return false;
	*out = (struct sqlite_usage){
		.bytes = (uint64_t)(file.st_size + log.st_size),
		.free = 1000,
	};
	/* Pages freed in the log may not be free in the file yet. */
	if (free_pages * page_size < file.st_size)
		out->bytes -= (uint64_t)(free_pages * page_size);
	/* Some file systems do not report their size. */
	if (fs.f_blocks > 0)
		out->free = (unsigned)(fs.f_bavail * 1000 / fs.f_blocks);
	return true;
}

static bool
rename_with(const char *path, const char *to, const char *suffix)
{
	char *old = path_with(path, suffix);
	char *new = path_with(to, suffix);
	bool good = old != NULL && new != NULL &&
	    (rename(old, new) == 0 || (errno == ENOENT && suffix[0] == '-'));

	free(old);
	free(new);
	return good;
}

/* The file must be renamed before its log: SQLite deletes a log without a
 * database file, but considers a database file without a log to be complete. */
bool
sqlite_quarantine(const char *path, int64_t now, struct buf *name)
{
	buf_text(name, path);
	buf_text(name, ".corrupt-");
	date_put_basic(name, now);
	if (name->full || !rename_with(path, name->p, "")) {
		buf_cut(name, 0);
		buf_text(name, strerror(errno));
		return false;
	}
	rename_with(path, name->p, "-wal");
	rename_with(path, name->p, "-shm");
	return true;
}
