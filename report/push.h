/*
 * push.h - moves the rows of closed days from the file of a host to the store
 * that several hosts share, exactly once.
 *
 * A day of a store goes in one transaction of PostgreSQL: all its rows, and in
 * the table of hosts that it is there, with a ticket: a random number that the
 * file has noted before.  What died in between is told by the ticket: the one
 * of the last push that the file knows to be done, or of the one it was at.
 * Any other means that there are two files of one name: a copy, or one restored
 * from a backup.  Then nothing is pushed until a person says which.
 *
 * What comes late for a closed day counts for the next in the file already
 * (ledger.h); what is pushed late for a day that was closed here, because its
 * reports were made, for the first that is open here.
 */
#ifndef AVOUCH_REPORT_PUSH_H
#define AVOUCH_REPORT_PUSH_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/ledger.h"
#include "report/tidy.h"

enum {
	PUSH_ERROR_MAX = 400,  /* bytes */
	PUSH_LOCK_MS = 5000,   /* another run on this host is waited for */
	PUSH_TRIES = 3,        /* where the database ended a transaction for the
	                          sake of another */
	PUSH_RETENTION_S = 20, /* seconds a run spends on retention */
};

enum push_as {
	PUSH_AS_IT_IS,
	PUSH_AS_COPY,     /* gets a name of its own, and goes on from where it
	                     was when it was copied */
	PUSH_AS_RESTORED, /* goes on from where the database is */
};

enum push_kind {
	PUSH_DAY,   /* its rows are there now */
	PUSH_KNOWN, /* they were, by a run that could not note it any more */
	PUSH_AGAIN, /* `day` is the last that the database has (-1: none), which
	               had more: restored from a backup, or another one.  What
	               it lacks is pushed again */
};

struct push_event {
	enum push_kind kind;
	int64_t day;
	uint64_t rows, messages; /* of PUSH_DAY */
};

struct push_options {
	struct ledger *local, *central;
	int64_t now;      /* seconds since 1970 */
	struct span host; /* our name, for people */
	enum push_as as;
	struct retention_options retention; /* of the shared store */
	void (*tell)(void *arg, const struct push_event *e);
	void *arg;
};

enum push_end {
	PUSH_DONE,
	PUSH_BUSY,  /* another run works on the file */
	PUSH_TWO,   /* there are two files of one name; `error` says more */
	PUSH_FAULT, /* `error` says what; nothing is lost */
};

/* `error`: PUSH_ERROR_MAX bytes. */
enum push_end push_run(const struct push_options *o, char *error);

#endif
