/*
 * push.h - copies the rows of closed days, exactly once, from a host's file to
 * the store that several hosts share.
 *
 * Each day is pushed in one PostgreSQL transaction.  It adds all rows of the
 * day and records in the table of hosts that the day was pushed, together with
 * a token: a random number that was written to the file beforehand.  After a
 * crash, the token in the database shows whether the push was committed: it is
 * either the token of the last push that the file knows to be complete, or that
 * of the interrupted one.  Any other token means that two files have the same
 * store name (schema.h), because one is a copy or was restored from a backup.
 * Then nothing is pushed until the operator decides.
 *
 * In the file, messages that arrive late for a closed day are counted in the
 * next day (query.h).  If a day is closed in the shared store because its
 * reports were made, rows that are pushed late are added to the first open day
 * there; the event for the push reports this.  If a host whose clock is ahead
 * has closed days there that have not ended, they are reopened.  If reports
 * were already made from them, nothing is pushed until they have ended.
 */
#ifndef AVOUCH_REPORT_PUSH_PUSH_H
#define AVOUCH_REPORT_PUSH_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/store/query.h"
#include "report/store/retention.h"

enum {
	PUSH_ERROR_MAX = 400, /* bytes */
	PUSH_LOCK_MS = 5000,  /* longest wait for another run on this host */
	PUSH_RETENTION_S =
	    20, /* maximum seconds that a run spends on retention */
};

enum push_as {
	PUSH_AS_IT_IS,
	PUSH_AS_COPY, /* the file gets a new store name, and pushing continues
	                 after the last day that is recorded in the file as
	                 pushed */
	PUSH_AS_RESTORED, /* pushing continues after the last day in the
	                     database */
};

enum push_kind {
	PUSH_DAY,   /* the rows of the day are now in the database */
	PUSH_KNOWN, /* the rows were already there, pushed by a run that was
	               killed before it could record that */
	PUSH_AGAIN, /* `day` is the last day in the database (-1: none),
	               although later ones were pushed: the database was
	               restored from a backup or is a different one.  The
	               missing days are pushed again */
};

struct push_event {
	enum push_kind kind;
	int64_t day;
	uint64_t rows, messages; /* for PUSH_DAY */
	int64_t counts_for; /* for PUSH_DAY: `day`, or the later day to which
	                       late rows were added */
};

struct push_options {
	struct ledger *local, *central;
	int64_t now;      /* seconds since 1970 */
	struct span host; /* name of this host, for display */
	enum push_as as;
	struct retention_options retention; /* of the shared store */
	void (*on_event)(void *arg, const struct push_event *e);
	void *arg;
};

enum push_end {
	PUSH_DONE,
	PUSH_BUSY,  /* another run is using the file */
	PUSH_TWO,   /* two files have the same store name; see `error` */
	PUSH_FAULT, /* see `error`; nothing is lost */
};

/* Runs a push.  `error` must have PUSH_ERROR_MAX bytes. */
enum push_end push_run(const struct push_options *o, char *error);

#endif
