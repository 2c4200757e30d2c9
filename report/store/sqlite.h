/* sqlite.h - the SQLite driver for sql.h, and functions that apply only to
 * SQLite files. */
#ifndef AVOUCH_REPORT_STORE_SQLITE_H
#define AVOUCH_REPORT_STORE_SQLITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "report/store/sql.h"

enum sqlite_for {
	SQLITE_FOR_WRITER,  /* the daemon: waits only briefly for locks, creates
	                       the file, checkpoints only on request */
	SQLITE_FOR_COMMAND, /* waits up to 10 s for locks, creates the file; a
	                       commit survives a power loss */
	SQLITE_FOR_READING, /* same as COMMAND, but the file must exist */
};

/*
 * Opens `path` and creates or upgrades the tables of schema.h.  Returns NULL
 * after an error; `fault` and `error` (SQL_ERROR_MAX bytes) then say why.
 */
struct sql *sqlite_open(const char *path, enum sqlite_for purpose,
    enum sql_fault *fault, char *error);

/* Whether the file (and its log) at `path` is still the one that was opened. */
bool sqlite_in_place(struct sql *db);

/* Number of pages in the write-ahead log that are not in the file yet, as of
 * the last commit of this connection. */
int64_t sqlite_log_pages(const struct sql *db);

/* Copies the log into the file, as far as readers allow, without waiting. */
bool sqlite_checkpoint(struct sql *db);

struct sqlite_usage {
	uint64_t
	    bytes; /* size of the log, and of the file without its free pages */
	unsigned free; /* available space, in thousandths of the file
	                  system */
};

/* Returns false after an error, which is stored in `db`. */
bool sqlite_usage(struct sql *db, struct sqlite_usage *out);

/*
 * Like sqlite_checkpoint(), but also truncates the log to an empty file.  Waits
 * for readers as long as the connection waits for locks.  Returns false if a
 * reader still needs the log, or after an error.
 */
bool sqlite_empty_log(struct sql *db);

/*
 * Renames a corrupt file, with its log, to `path`.corrupt-YYYYMMDDTHHMMSSZ (the
 * time is `now`), and writes the new name into `name`.  After an error, writes
 * the error into `name` and returns false.  This process must not have the file
 * open.
 */
bool sqlite_quarantine(const char *path, int64_t now, struct buf *name);

#endif
