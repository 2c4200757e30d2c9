/*
 * ledger.h - the command's side of the store: rows of days that are over, what
 * was sent of them and whereto, reports that others sent, facts for replay.
 *
 * It works on the daemon's SQLite file and, but for replay, on the PostgreSQL
 * that several hosts share: a ledger is a set of statements over a struct sql.
 *
 * A ledger is used by one thread.  While a callback of ledger_each_*() runs, no
 * other call on the same ledger may be made; it returns false to stop.  Every
 * call that can fail returns LEDGER_ERROR then, and ledger_sql_fault() and
 * ledger_error() say why.  Texts passed to callbacks live for the call.
 *
 * Days are numbers of REPORT_DAY seconds since 1970, in UTC.
 */
#ifndef AVOUCH_REPORT_LEDGER_H
#define AVOUCH_REPORT_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "report/row.h"
#include "report/sql.h"
#include "report/sqlite.h"
#include "verify/policy.h"

enum ledger_step {
	LEDGER_OK,
	LEDGER_NONE,  /* nothing there; or it was there, or changed, already */
	LEDGER_ERROR, /* of the store; SQL_LOCKED is worth another try */
};

struct ledger;

/* Takes `db` over, also when it returns NULL: no memory. */
struct ledger *ledger_from_sql(struct sql *db);

/* The SQLite file of the daemon; NULL: `error` (SQL_ERROR_MAX bytes). */
struct ledger *ledger_open_file(
    const char *path, enum sqlite_for purpose, char *error);
void ledger_close(struct ledger *l); /* takes NULL */

enum sql_fault ledger_sql_fault(const struct ledger *l);
const char *ledger_error(const struct ledger *l);

/* The store of that name: a file, or a URL (lib/url.h) of one that hosts share.
 * NULL: `error` (SQL_ERROR_MAX bytes). */
struct ledger *ledger_open(
    const char *store, enum sqlite_for purpose, char *error);

/* The connection, for statements of one's own (push). */
struct sql *ledger_sql(struct ledger *l);

/* Several changes as one; a change outside of it is one by itself. */
enum ledger_step ledger_begin(struct ledger *l);
enum ledger_step ledger_end(struct ledger *l, bool commit);

/* A setting of the store itself (schema.h: meta); LEDGER_NONE: not set. */
enum ledger_step ledger_meta(
    struct ledger *l, const char *name, struct span *value, struct arena *a);
enum ledger_step ledger_set_meta(
    struct ledger *l, const char *name, struct span value);

/* ---- rows of closed days ---- */

/*
 * From now on rows of `day` and of all days before it never change: what comes
 * late counts for the first day that is open.  LEDGER_NONE: the day is not over
 * at `now`.  Done by whoever makes reports of a day, or pushes it.  Days
 * that were closed by a clock that was ahead by more than one are opened again,
 * as long as no report was made of them and none was pushed.
 */
enum ledger_step ledger_close_day(struct ledger *l, int64_t day, int64_t now);

/* The last closed day; -1: none. */
enum ledger_step ledger_closed(struct ledger *l, int64_t *day);

/* The last day whose rows were pushed to a store that hosts share: nothing is
 * begun of it here any more; -1: none. */
enum ledger_step ledger_pushed(struct ledger *l, int64_t *day);

/* Days with rows, oldest first. */
enum ledger_step ledger_each_day(
    struct ledger *l, bool (*each)(void *arg, int64_t day), void *arg);

struct ledger_policy { /* a policy domain on one day */
	struct span domain;
	struct span record; /* the one that was seen last: RFC 9990 section
	                       3.1 lets one report note the final one */
	uint64_t records;   /* different ones on that day */
	uint64_t rows;      /* before merging over records; an upper bound */
	uint64_t messages;
	uint64_t aligned;   /* of them, with DKIM or SPF aligned */
	uint64_t automatic; /* of them (struct report_row) */
};

/* By domain; `domain` absent: all. */
enum ledger_step ledger_each_policy(struct ledger *l, int64_t day,
    struct span domain, bool (*each)(void *arg, const struct ledger_policy *p),
    void *arg);

/*
 * The rows of one report: merged over the day's records and `automatic`, which
 * are left out, as is `when`; most messages first, in an order that stays the
 * same once the day is closed.
 */
enum ledger_step ledger_each_row(struct ledger *l, int64_t day,
    struct span policy_domain,
    bool (*each)(void *arg, const struct report_row *r), void *arg);

/* Every row of a day as it is stored, with its record, for push; but for those
 * of policy domains whose report of that day was planned here. */
enum ledger_step ledger_each_stored_row(struct ledger *l, int64_t day,
    bool (*each)(void *arg, const struct report_row *r), void *arg);

/* ---- sending ---- */

/*
 * A delivery is one report on its way to one address.
 *
 *	PLANNED -> HANDING -> SENT
 *	              |-----> WAITING -> HANDING ...  (a temporary failure)
 *	   |----------|-----> DROPPED                 (given up; `note` why)
 *
 * It is moved to HANDING, on disk, before the message is handed over, and from
 * there by the one who did: a delivery found in HANDING by another run is one
 * whose sender was killed, or is still at it.
 */
enum ledger_state {
	LEDGER_PLANNED,
	LEDGER_SENDING,
	LEDGER_WAITING,
	LEDGER_SENT,
	LEDGER_DROPPED,
};

struct ledger_report {
	int64_t day;
	struct span domain;      /* the policy domain */
	uint64_t part, parts;    /* 1, 1: not split */
	struct span report_id;   /* unique in the store */
	struct span record;      /* the policy it tells */
	int64_t made;            /* seconds since 1970 */
	uint64_t rows, messages; /* of this part */
	struct span note;        /* why there is nothing to send; empty */
};

struct ledger_delivery {
	int64_t id;
	struct ledger_report report;
	struct span destination; /* an address, without "mailto:" */
	enum ledger_state state;
	uint64_t attempts;  /* times it was moved to HANDING */
	int64_t changed;    /* seconds since 1970 of the last move */
	int64_t not_before; /* WAITING: when to try again */
	struct span note;   /* of the last move */
};

/*
 * Notes a report and its deliveries, PLANNED, all or nothing.  LEDGER_NONE:
 * that day, domain and part were planned before (or the report id is taken),
 * and nothing is changed.  Without destinations it is settled by its note.
 */
enum ledger_step ledger_plan(struct ledger *l, const struct ledger_report *r,
    const struct span *destinations, size_t n);

/* Reports of a day that were planned, by domain and part; `domain` absent:
 * all. */
enum ledger_step ledger_each_report(struct ledger *l, int64_t day,
    struct span domain, bool (*each)(void *arg, const struct ledger_report *r),
    void *arg);

struct ledger_want {           /* which deliveries; all of it must hold */
	int64_t day;           /* -1: any */
	struct span domain;    /* absent: any */
	struct span report_id; /* absent: any */
	unsigned states;       /* bits 1 << LEDGER_...; 0: any */
	int64_t due;           /* not_before is at most this; 0: any */
	uint64_t limit;        /* how many; 0: all */
};

/* In the order in which they were planned. */
enum ledger_step ledger_each_delivery(struct ledger *l,
    const struct ledger_want *want,
    bool (*each)(void *arg, const struct ledger_delivery *d), void *arg);

struct ledger_move {
	int64_t id;
	enum ledger_state from, to;
	uint64_t attempts; /* as it was read: it must not have changed */
	int64_t now;
	int64_t not_before; /* for WAITING */
	struct span note;
};

/* On disk (also through a loss of power) when it returns LEDGER_OK.
 * LEDGER_NONE: it is not in `from` (any more): another has moved it. */
enum ledger_step ledger_move(struct ledger *l, const struct ledger_move *m);

/* Deliveries to the address that were SENT or are in HANDING, changed at or
 * after `since`: for caps. */
enum ledger_step ledger_sent_to(
    struct ledger *l, struct span destination, int64_t since, uint64_t *count);

/*
 * One run at a time: a lock of that name, held until ledger_close() or the end
 * of the process.  LEDGER_NONE: another has it.
 */
enum ledger_step ledger_lock(struct ledger *l, const char *name);

/* ---- addresses that bounce ---- */

struct ledger_bounce {
	struct span address;
	uint64_t count;
	int64_t first, last; /* seconds since 1970 */
	bool suppressed;     /* nothing is sent there any more */
	struct span note;    /* what it said last */
};

/* Inserts, or replaces what there was of the address. */
enum ledger_step ledger_put_bounce(
    struct ledger *l, const struct ledger_bounce *b);

/* Texts in `a`.  LEDGER_NONE: it never bounced. */
enum ledger_step ledger_get_bounce(struct ledger *l, struct span address,
    struct arena *a, struct ledger_bounce *out);

/* Forgets it: sent to again.  LEDGER_NONE: there was none. */
enum ledger_step ledger_delete_bounce(struct ledger *l, struct span address);

enum ledger_step ledger_each_bounce(struct ledger *l,
    bool (*each)(void *arg, const struct ledger_bounce *b), void *arg);

/* ---- failure reports; SQLite alone ---- */

/*
 * The part of the ledger_report that a failure makes is this and its number,
 * `parts` is 0 and `messages` its incidents; so it is planned, delivered and
 * bounces as any report does.
 */
enum { LEDGER_FAILURE_PART = 1 << 30 };

struct ledger_failure {
	int64_t id;
	struct span organization;
	struct span domain; /* the policy domain */
	struct span record;
	struct span author, source, subject;
	struct span feedback, header; /* failure.h */
	int64_t first, last;          /* seconds since 1970 */
	uint64_t incidents;           /* messages it stands for */
	uint64_t others;              /* of them, of another cause */
};

/*
 * Those that are open and of whose cause none was closed at or after `since`,
 * oldest first; without `feedback` and `header`.  `domain` absent: all.
 */
enum ledger_step ledger_each_failure(struct ledger *l, struct span domain,
    int64_t since, bool (*each)(void *arg, const struct ledger_failure *f),
    void *arg);

/*
 * No more messages are counted in it.  `sent`: a report is planned of it, else
 * its texts go at once.  LEDGER_NONE: it is not open.
 */
enum ledger_step ledger_close_failure(
    struct ledger *l, int64_t id, bool sent, int64_t now, uint64_t *incidents);

/* Those of the organization (absent: of all) that were closed as sent at or
 * after `since`. */
enum ledger_step ledger_failures_sent(
    struct ledger *l, struct span organization, int64_t since, uint64_t *count);

/* All of it, texts in `a`.  LEDGER_NONE: it is not there, or its texts went. */
enum ledger_step ledger_get_failure(
    struct ledger *l, int64_t id, struct arena *a, struct ledger_failure *out);

/* The texts of those go that were delivered, or given up. */
enum ledger_step ledger_empty_failures(struct ledger *l);

/* ---- reports of others ---- */

struct ledger_received {
	int64_t id; /* given by the store */
	struct span organisation, email, contact;
	struct span report_id;
	int64_t begin, end; /* seconds since 1970 */
	struct span domain; /* policy_published, as it said; empty: nothing */
	struct span p, sp, np, adkim, aspf, fo, testing, pct, discovery;
	struct span version, generator, errors;
	struct span file;        /* where it was read */
	int64_t read;            /* when */
	uint64_t rows, messages; /* counted by ledger_add_received_row() */
};

/*
 * Begins a report, in a transaction that ledger_end_received() ends; the rows
 * come in between.  LEDGER_NONE: a report of that organisation, id and domain
 * was read before; nothing is begun.
 */
enum ledger_step ledger_begin_received(
    struct ledger *l, const struct ledger_received *r);
enum ledger_step ledger_add_received_row(
    struct ledger *l, const struct report_row *row);
enum ledger_step ledger_end_received(struct ledger *l, bool keep);

struct ledger_range {
	struct span domain; /* policy domain; absent: all */
	int64_t from, to;   /* days on which reports begin, both included */
};

/* By begin, then in the order in which they were read. */
enum ledger_step ledger_each_received(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received *r), void *arg);

/*
 * Rows of all these reports, merged over reports of one day and domain; by day
 * (`when` is its first second), policy domain and source.
 */
enum ledger_step ledger_each_received_row(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct report_row *r), void *arg);

struct ledger_source { /* of a policy domain */
	struct span domain;
	struct ip address;
	int64_t first, last; /* days; `first` of all that was ever read */
	uint64_t messages;   /* in the range, as the rest */
	uint64_t aligned;    /* with DKIM or SPF aligned */
	uint64_t dkim_aligned, spf_aligned;
	uint64_t quarantined, rejected;
};

/* Sources of the range by domain, most messages first. */
enum ledger_step ledger_each_source(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_source *s), void *arg);

/* ---- the hosts that share a store: PostgreSQL alone ---- */

struct ledger_host {
	struct span store; /* the name of its own store (meta) */
	struct span name;  /* of the host, for people */
	int64_t day;       /* the last one that was pushed */
	struct span token; /* of that push (push.h) */
	int64_t at;        /* seconds since 1970 */
};

/* Inserts, or replaces what there was of the store. */
enum ledger_step ledger_put_host(struct ledger *l, const struct ledger_host *h);

/* Texts in `a`.  LEDGER_NONE: it never pushed. */
enum ledger_step ledger_get_host(struct ledger *l, struct span store,
    struct arena *a, struct ledger_host *out);

/* By name. */
enum ledger_step ledger_each_host(struct ledger *l,
    bool (*each)(void *arg, const struct ledger_host *h), void *arg);

/* ---- replay ---- */

struct ledger_replay_row { /* messages of a day with the same facts and decision
	                    */
	int64_t day;
	uint64_t messages;
	struct policy_facts facts;
	struct span action, would, rule; /* names, as they were decided */
};

/* From `day` on, oldest first.  SQLite alone. */
enum ledger_step ledger_each_replay_row(struct ledger *l, int64_t day,
    bool (*each)(void *arg, const struct ledger_replay_row *f), void *arg);

#endif
