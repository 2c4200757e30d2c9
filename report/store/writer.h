/*
 * writer.h - writes groups of messages into the SQLite file, each in one
 * transaction, and does the housekeeping of the file.
 *
 * Used by one thread.  The file is opened for the first group, and again after
 * an error that requires it.
 */
#ifndef AVOUCH_REPORT_STORE_WRITER_H
#define AVOUCH_REPORT_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report/store/queued_message.h"
#include "report/store/quota.h"
#include "report/store/sql.h"
#include "report/store/retention.h"

enum {
	WRITER_NEW_MAX = 1000000,  /* new strings per day.  Messages that add
	                              more are not stored, so that a sender
	                              cannot fill the disk by making each
	                              message different */
	WRITER_NEW_PART = 10,      /* all new strings of a day may take one part
	                              in 10 of quota.max_bytes: with more each
	                              day, the store would be full before the
	                              first ones expire */
	WRITER_QUARANTINE_S = 600, /* minimum time before another corrupt file
	                              is set aside; otherwise such files would
	                              fill up a failing disk */
	WRITER_KEY_S = 600,      /* interval between checks for a redaction key
	                            changed by `avouch report push` */
	WRITER_LOG_PAGES = 4000, /* pages of the write-ahead log: 8 MiB.  A
	                            longer log is copied into the file even if
	                            the store is busy */
};

struct writer_options {
	const char *path;   /* must stay valid */
	uint64_t new_max;   /* new strings per day; 0: WRITER_NEW_MAX */
	uint64_t new_bytes; /* their size; 0: quota.max_bytes /
	                       WRITER_NEW_PART */
	struct quota_options quota;
	struct retention_options retention;
};

struct writer;

struct writer *writer_new(
    const struct writer_options *o); /* NULL: out of memory */
void writer_free(struct writer *w);  /* accepts NULL */

/* Opens the file now, so that errors are known before the first message
 * arrives.  Returns the same values as writer_write(). */
enum sql_fault writer_open(struct writer *w, int64_t now);

/*
 * Writes the messages of the list in one transaction, at time `now`.  Unless
 * the result is SQL_FINE, none of them is in the file, and writer_error()
 * returns the reason.  `refused` is the number of messages left out because the
 * store must not grow; writer_refusal() returns the reason for that.
 */
enum sql_fault writer_write(struct writer *w, struct queued_message *first,
    int64_t now, size_t *refused);
const char *writer_error(const struct writer *w);
const char *writer_refusal(const struct writer *w);

/* Returns the redaction key of the file (failure_queue.h), read at most
 * WRITER_KEY_S ago; a random one until the file has been opened. */
struct hash_secret writer_redaction_key(const struct writer *w);

/* Number of corrupt files renamed so far. */
uint64_t writer_quarantined(const struct writer *w);

/* Number of pages in the write-ahead log. */
int64_t writer_log_pages(const struct writer *w);

/* Copies the write-ahead log into the file. */
void writer_checkpoint(struct writer *w);

/*
 * Runs one step of housekeeping: deletes expired rows, then returns free pages.
 * Returns false if there is nothing left to do today.
 */
bool writer_housekeep(struct writer *w, int64_t now);

#endif
