/*
 * query.h - the command's access to the store: rows of closed days, the reports
 * that were sent and to whom, reports from others, and facts for replay.
 *
 * It works on the daemon's SQLite file and, except for replay, on a PostgreSQL
 * database that several hosts share: a ledger is a set of statements over a
 * struct sql.
 *
 * A ledger is used by one thread.  The ledger_each_*() functions call `each`
 * for every item; it returns false to stop, and must not use the same ledger.
 * A call that fails returns LEDGER_ERROR; ledger_sql_fault() and ledger_error()
 * return the reason.  Strings passed to callbacks are valid only during the
 * call.
 *
 * Days are counted from 1970, in UTC; each has DATE_DAY seconds.
 */
#ifndef AVOUCH_REPORT_STORE_QUERY_H
#define AVOUCH_REPORT_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/hash.h"
#include "report/record/row.h"
#include "report/store/row_encode.h"
#include "report/store/sql.h"
#include "report/store/sqlite.h"
#include "verify/policy.h"

enum ledger_step {
	LEDGER_OK,
	LEDGER_NONE,  /* nothing was found, or the item already exists or has
	                 already been changed */
	LEDGER_ERROR, /* a store error; if it is SQL_LOCKED, try again */
};

struct ledger;

/* Takes ownership of `db`, even if it returns NULL (out of memory). */
struct ledger *ledger_from_sql(struct sql *db);

/* Opens the SQLite file of the daemon.  Returns NULL after an error; see
 * `error` (SQL_ERROR_MAX bytes). */
struct ledger *ledger_open_file(
    const char *path, enum sqlite_for purpose, char *error);
void ledger_close(struct ledger *l); /* accepts NULL */

enum sql_fault ledger_sql_fault(const struct ledger *l);
const char *ledger_error(const struct ledger *l);

/* Opens a store by its name: a file, or the URL (lib/pg_url.h) of a shared
 * store.  Returns NULL after an error; see `error` (SQL_ERROR_MAX bytes). */
struct ledger *ledger_open(
    const char *store, enum sqlite_for purpose, char *error);

/* Returns the connection, for statements that have no function here. */
struct sql *ledger_sql(struct ledger *l);

/* Begin and end a transaction for several changes.  Otherwise, each change is a
 * separate transaction. */
enum ledger_step ledger_begin(struct ledger *l);
enum ledger_step ledger_end(struct ledger *l, bool commit);

/* Read and write a setting of the store (meta in schema.h).  The first returns
 * LEDGER_NONE if it is not set. */
enum ledger_step ledger_meta(
    struct ledger *l, const char *name, struct span *value, struct arena *a);
enum ledger_step ledger_set_meta(
    struct ledger *l, const char *name, struct span value);

/* ---- rows of closed days ---- */

/*
 * Closes `day` and all days before it: their rows never change again, and
 * messages that arrive late are counted in the first open day.  Must be called
 * before reports for a day are made or the day is pushed.  Returns LEDGER_NONE
 * if the day has not ended at `now`.
 *
 * Days that were closed too early, because a clock was ahead, are reopened
 * unless a report was made from them or they were pushed.
 */
enum ledger_step ledger_close_day(struct ledger *l, int64_t day, int64_t now);

/* Reopens days that were closed too early, and closes none; sets `closed` to
 * the last closed day (-1: none). */
enum ledger_step ledger_reopen_days(
    struct ledger *l, int64_t now, int64_t *closed);

/* Reads the last closed day; -1 if there is none. */
enum ledger_step ledger_closed(struct ledger *l, int64_t *day);

/* Reads the last day that was pushed to a shared store; -1 if there is none.
 * Reports for pushed days are not made from this store. */
enum ledger_step ledger_pushed(struct ledger *l, int64_t *day);

/* Lists days with rows, oldest first. */
enum ledger_step ledger_each_day(
    struct ledger *l, bool (*each)(void *arg, int64_t day), void *arg);

struct ledger_policy { /* a policy domain on one day */
	struct span domain;
	struct span record; /* the last one seen: RFC 9990 section 3.1 allows a
	                       report to state only the final one */
	uint64_t records;   /* number of different records on that day */
	uint64_t rows; /* an upper bound: counted before rows with different
	                  records are merged */
	uint64_t messages;
	uint64_t automatic; /* automatic messages (struct report_row) */
};

/* Lists policy domains sorted by name: only `domain`, or all if it is
 * absent. */
enum ledger_step ledger_each_policy(struct ledger *l, int64_t day,
    struct span domain, bool (*each)(void *arg, const struct ledger_policy *p),
    void *arg);

/* Like ledger_each_policy(), but without domains whose report is planned.  If
 * `domain` is absent, begins after the domain `after`. */
enum ledger_step ledger_each_due(struct ledger *l, int64_t day,
    struct span domain, struct span after,
    bool (*each)(void *arg, const struct ledger_policy *p), void *arg);

/*
 * Lists the rows of one report; `when` is the first second of the day.  Rows
 * that differ only in the policy record or in `automatic` are merged.  They are
 * sorted by number of messages, largest first; the order does not change once
 * the day is closed.
 */
enum ledger_step ledger_each_row(struct ledger *l, int64_t day,
    struct span policy_domain,
    bool (*each)(void *arg, const struct report_row *r), void *arg);

/*
 * List one day's data for a push, except rows of policy domains whose report
 * for that day was planned here: first the strings, then the rows, which refer
 * to the strings by the ids of this store.  `table` is COLUMNS_POLICY,
 * COLUMNS_SOURCE or COLUMNS_SHAPE; only the columns of that table are set in
 * `r`.
 */
enum ledger_step ledger_each_pushed_text(struct ledger *l, int64_t day,
    enum column_table table,
    bool (*each)(void *arg, int64_t id, const struct report_row *r), void *arg);

struct ledger_pushed_row {
	int64_t policy, source, shape, messages;
	int64_t last; /* seconds since 1970 */
};

enum ledger_step ledger_each_pushed_row(struct ledger *l, int64_t day,
    bool (*each)(void *arg, const struct ledger_pushed_row *r), void *arg);

/* ---- sending ---- */

/*
 * A delivery is one report to one address.
 *
 *	PLANNED -> SENDING -> SENT
 *	              |-----> WAITING -> SENDING ...  (a temporary failure)
 *	   |----------|-----> DROPPED                 (`note` says why)
 *
 * A delivery is moved to SENDING, on disk, before sendmail runs.  The process
 * that ran sendmail then moves it to its next state.  If another run finds a
 * delivery in SENDING, that process was killed or is still running.
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
	uint64_t part, parts;    /* 1, 1: the report is not split */
	struct span report_id;   /* unique in the store */
	struct span record;      /* the policy that the report states */
	int64_t made;            /* seconds since 1970 */
	uint64_t rows, messages; /* of this part */
	struct span note;        /* why nothing is sent; empty if a report is
	                            sent */
};

struct ledger_delivery {
	int64_t id;
	struct ledger_report report;
	struct span destination; /* an address, without "mailto:" */
	enum ledger_state state;
	uint64_t attempts;  /* number of moves to SENDING */
	int64_t changed;    /* seconds since 1970 of the last move */
	int64_t not_before; /* WAITING: earliest time of the next attempt */
	struct span note;   /* from the last move */
};

/*
 * Read and set the secret for report ids and proofs, which is different in each
 * store.  The first returns LEDGER_NONE if no report was ever planned.
 */
enum ledger_step ledger_seed(struct ledger *l, struct hash_secret *out);
enum ledger_step ledger_set_seed(struct ledger *l, struct hash_secret seed);

/* Returns the part of a Message-ID that only we and this recipient know: the
 * other recipients of the same report get another one. */
uint64_t ledger_delivery_proof(
    struct hash_secret seed, const struct ledger_delivery *d);

/*
 * Stores a report and its deliveries (PLANNED), all or nothing.  Returns
 * LEDGER_NONE, and changes nothing, if that day, domain and part were planned
 * before or the report id is already used.  A report without destinations is
 * finished; `note` has the reason.
 */
enum ledger_step ledger_plan(struct ledger *l, const struct ledger_report *r,
    const struct span *destinations, size_t n);

/* Lists the reports planned for a day (for all domains if `domain` is absent),
 * sorted by domain and part. */
enum ledger_step ledger_each_report(struct ledger *l, int64_t day,
    struct span domain, bool (*each)(void *arg, const struct ledger_report *r),
    void *arg);

struct ledger_want {           /* selects deliveries; all conditions must
	                          hold */
	int64_t day;           /* -1: any */
	struct span domain;    /* absent: any */
	struct span report_id; /* absent: any */
	unsigned states;       /* bits 1 << LEDGER_...; 0: any */
	int64_t due;           /* not_before is at most this; 0: any */
	int64_t after;         /* ids larger than this; 0: any */
	uint64_t limit;        /* at most this many deliveries; 0: all */
};

/* Lists deliveries in the order in which they were planned. */
enum ledger_step ledger_each_delivery(struct ledger *l,
    const struct ledger_want *want,
    bool (*each)(void *arg, const struct ledger_delivery *d), void *arg);

struct ledger_move {
	int64_t id;
	enum ledger_state from, to;
	uint64_t attempts; /* as read from the store; must not have changed */
	int64_t now;
	int64_t not_before; /* for WAITING */
	struct span note;
};

/*
 * Moves a delivery.  If this returns LEDGER_OK, the new state is on disk and
 * survives a power loss.  Returns LEDGER_NONE if another process has already
 * moved it.
 */
enum ledger_step ledger_move(struct ledger *l, const struct ledger_move *m);

/* Counts deliveries to the address that are SENT or SENDING and changed at or
 * after `since`.  Used for limits. */
enum ledger_step ledger_sent_to(
    struct ledger *l, struct span destination, int64_t since, uint64_t *count);

/*
 * Acquires the lock `name`, which only one process at a time can hold, until
 * ledger_close() or the end of the process.  Returns LEDGER_NONE if another
 * process holds it.
 */
enum ledger_step ledger_lock(struct ledger *l, const char *name);

/* ---- addresses that bounce ---- */

struct ledger_bounce {
	struct span address;
	uint64_t count;
	int64_t first, last; /* seconds since 1970 */
	bool suppressed;     /* no reports are sent to it */
	struct span note;    /* the text of the last bounce */
};

/* Inserts or replaces the entry of the address. */
enum ledger_step ledger_put_bounce(
    struct ledger *l, const struct ledger_bounce *b);

/* Reads the entry; strings are in `a`.  Returns LEDGER_NONE if the address
 * never bounced. */
enum ledger_step ledger_get_bounce(struct ledger *l, struct span address,
    struct arena *a, struct ledger_bounce *out);

/* Deletes the entry, so that reports are sent to the address again.  Returns
 * LEDGER_NONE if there was no entry. */
enum ledger_step ledger_delete_bounce(struct ledger *l, struct span address);

enum ledger_step ledger_each_bounce(struct ledger *l,
    bool (*each)(void *arg, const struct ledger_bounce *b), void *arg);

/* ---- failure reports; SQLite only ---- */

/*
 * In the ledger_report of a failure, `part` is this value plus the id of the
 * failure, `parts` is 0, and `messages` is the number of incidents.  The
 * report is planned and delivered, and can bounce, like any other.
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
	uint64_t incidents;           /* messages counted */
	uint64_t others;              /* how many of these have a different
	                                 source or cause */
};

/*
 * Lists open failures (of all domains if `domain` is absent), oldest first,
 * without `feedback` and `header`.  Skips failures with the same cause as one
 * that was closed at or after `since`.
 */
enum ledger_step ledger_each_failure(struct ledger *l, struct span domain,
    int64_t since, bool (*each)(void *arg, const struct ledger_failure *f),
    void *arg);

/*
 * Closes a failure: no more messages are counted in it.  `sent` means that a
 * report was planned; otherwise the contents are deleted immediately.  Returns
 * LEDGER_NONE if it is not open.
 */
enum ledger_step ledger_close_failure(
    struct ledger *l, int64_t id, bool sent, int64_t now, uint64_t *incidents);

/* Counts failures of the organization (of all organizations if absent) that
 * were closed as sent at or after `since`. */
enum ledger_step ledger_failures_sent(
    struct ledger *l, struct span organization, int64_t since, uint64_t *count);

/* Reads a failure with its contents; strings are in `a`.  Returns LEDGER_NONE
 * if it does not exist or its contents were deleted. */
enum ledger_step ledger_get_failure(
    struct ledger *l, int64_t id, struct arena *a, struct ledger_failure *out);

/* Deletes the contents of failures whose reports were delivered or dropped. */
enum ledger_step ledger_empty_failures(struct ledger *l);

/* ---- reports from others ---- */

struct ledger_received {
	int64_t id; /* set by the store */
	struct span organisation, email, contact;
	struct span report_id;
	int64_t begin, end; /* seconds since 1970 */
	struct span domain; /* `domain` to `discovery`: policy_published;
	                       empty: not reported */
	struct span p, sp, np, adkim, aspf, fo, testing, pct, discovery;
	struct span version, generator, errors;
	struct span file;        /* the file that contained it */
	int64_t read;            /* when the file was read */
	uint64_t rows, messages; /* counted by ledger_add_received_row() */
};

/*
 * Begins a report and a transaction, which ledger_end_received() ends; rows are
 * added in between.  r->messages is the total of all rows.  Returns
 * LEDGER_NONE, and begins nothing, if a report with that organisation, id,
 * domain and period is already stored with at least as many messages.  If the
 * stored one has fewer, it is replaced, and `*replaces` is true.
 */
enum ledger_step ledger_begin_received(
    struct ledger *l, const struct ledger_received *r, bool *replaces);
enum ledger_step ledger_add_received_row(
    struct ledger *l, const struct report_row *row);
enum ledger_step ledger_end_received(struct ledger *l, bool keep);

struct ledger_range {
	struct span domain; /* policy domain; absent: all */
	int64_t from, to;   /* first and last day; a report belongs to the
	                       day on which it begins */
};

/* Lists reports by start time, then in the order in which they were read. */
enum ledger_step ledger_each_received(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received *r), void *arg);

/*
 * Lists the rows of all reports in a range, sorted by day (`when` is its first
 * second), policy domain and source.  Equal rows of reports for the same day
 * and domain are merged.  A report that covers several days is listed under its
 * first day; `days` says how many of its days are in the range.
 */
enum ledger_step ledger_each_received_row(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct report_row *r), void *arg);

/* ---- summaries of aggregate reports from others, for report/show ---- */

struct ledger_received_domain {
	struct span domain;
	uint64_t reports, messages;
	uint64_t long_reports; /* covering several days */
};

/* Lists the policy domains of the reports in a range, most reports first: one
 * report can claim any number of messages. */
enum ledger_step ledger_each_received_domain(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received_domain *d), void *arg);

/*
 * Counts stored reports for the domain (for all domains if absent), and reads
 * the first and last day on which a report begins.  Returns LEDGER_NONE if
 * there are none.
 */
enum ledger_step ledger_received_extent(struct ledger *l, struct span domain,
    uint64_t *reports, int64_t *first, int64_t *last);

/*
 * Reads a report of range->domain with the policy that most organizations
 * report: in the last four days in the range, because it may have changed
 * before.  If several policies are equally frequent, the latest one is chosen.
 * Strings are in `a`.  Returns LEDGER_NONE if no report has messages and a
 * valid policy.
 */
enum ledger_step ledger_last_received(struct ledger *l,
    const struct ledger_range *range, struct arena *a,
    struct ledger_received *out);

struct ledger_received_day {
	int64_t day;
	unsigned days; /* number of days in the range that the messages cover,
	                  starting at `day` */
	uint64_t messages;
	uint64_t aligned; /* with aligned DKIM or SPF */
};

/* Lists the days on which reports of range->domain begin, oldest first; a day
 * is listed once for each number of days that its reports cover. */
enum ledger_step ledger_each_received_day(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_received_day *d), void *arg);

struct ledger_received_use { /* equal rows from one reporter */
	struct span organisation;
	int64_t day; /* -2: before the range; -1: in the range, but all messages
	                were before `recent`; else the day on which the reports
	                begin */
	int64_t first, last;   /* days */
	struct report_row row; /* without `when` and `policy_domain`; `days`
	                          starts at `day` */
};

/*
 * Lists the rows of range->domain from the day `history` on, including those
 * before the range.  Rows of the same source are adjacent, in an order that
 * does not change.
 */
enum ledger_step ledger_each_received_use(struct ledger *l,
    const struct ledger_range *range, int64_t recent, int64_t history,
    bool (*each)(void *arg, const struct ledger_received_use *u), void *arg);

/* Lists at most `limit` different sources of a range: first the source with the
 * most messages for each domain, then the second of each domain, and so on. */
enum ledger_step ledger_each_busy_source(struct ledger *l,
    const struct ledger_range *range, uint64_t limit,
    bool (*each)(void *arg, const struct ip *source), void *arg);

/* ---- TLS reports from others (RFC 8460) ---- */

struct ledger_tls_result {
	struct span domain; /* the policy domain */
	struct span policy; /* "sts", "tlsa", "no-policy-found" */
	struct span result; /* result type (section 4.3), or "success" */
	struct span mx;     /* the mail server it applies to, or empty */
	struct span reason; /* human-readable, or empty */
	uint64_t sessions;
};

struct ledger_tls {
	struct span key; /* identifies the report, so that it is stored only
	                    once */
	struct span organisation, contact, report_id;
	int64_t begin, end; /* seconds since 1970 */
	struct span file;   /* the file that contained it */
	int64_t read;       /* when the file was read */
	const struct ledger_tls_result *results;
	size_t n;
};

/* Stores the report with all results, or nothing.  Returns LEDGER_NONE if it is
 * already stored. */
enum ledger_step ledger_add_tls(struct ledger *l, const struct ledger_tls *r);

struct ledger_tls_sum { /* equal results from all reports in a range */
	struct ledger_tls_result of;
	uint64_t organisations; /* how many organizations reported it */
	int64_t last;           /* last day on which a report begins */
};

/* Lists results by domain: first the domain with the most reports that have the
 * same result.  In each domain, most sessions first. */
enum ledger_step ledger_each_tls(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_tls_sum *s), void *arg);

/* ---- failure reports from others (RFC 6591, RFC 9991) ---- */

struct ledger_incident {
	struct span key; /* identifies the report, so that it is stored only
	                    once */
	struct span reporter;
	int64_t at;         /* seconds since 1970 */
	struct span domain; /* the reported domain */
	struct span source; /* an address, as text */
	struct span cause;  /* Auth-Failure: "dmarc", "spf", ... */
	struct span alignment, delivery;
	struct span mail_from; /* its domain */
	struct span dkim_domain, selector;
	struct span results; /* Authentication-Results, for display */
	uint64_t incidents;
	struct span file; /* the file that contained it */
	int64_t read;     /* when the file was read */
};

/* Stores the report.  Returns LEDGER_NONE if it is already stored. */
enum ledger_step ledger_add_incident(
    struct ledger *l, const struct ledger_incident *r);

/* Lists failure reports in a range by domain: first the domain with the most
 * reports.  In each domain, most incidents first.  `key` and `read` are not
 * set.  Reports that differ only in reporter, time, results and file are
 * merged: their incidents are added up, and the other members get their largest
 * values. */
enum ledger_step ledger_each_incident(struct ledger *l,
    const struct ledger_range *range,
    bool (*each)(void *arg, const struct ledger_incident *r), void *arg);

/* ---- the hosts that share a store; PostgreSQL only ---- */

struct ledger_host {
	struct span store; /* name of the host's own store (meta) */
	struct span name;  /* host name for display */
	int64_t day;       /* last day that was pushed */
	struct span token; /* token of that push (push.h) */
	int64_t at;        /* seconds since 1970 */
};

/* Inserts or replaces the entry of the store. */
enum ledger_step ledger_put_host(struct ledger *l, const struct ledger_host *h);

/* Reads the entry; strings are in `a`.  Returns LEDGER_NONE if nothing was
 * ever pushed from that store. */
enum ledger_step ledger_get_host(struct ledger *l, struct span store,
    struct arena *a, struct ledger_host *out);

/* Lists hosts by name. */
enum ledger_step ledger_each_host(struct ledger *l,
    bool (*each)(void *arg, const struct ledger_host *h), void *arg);

/* Reads the clock of the server (seconds since 1970).  Returns LEDGER_NONE if
 * the store is a file. */
enum ledger_step ledger_server_time(struct ledger *l, int64_t *now);

/* ---- replay ---- */

struct ledger_replay_row { /* messages from one day that share the same facts
	                      and decision */
	int64_t day;
	uint64_t messages;
	struct policy_input facts;
	struct span action, would,
	    rule; /* the decision that was made, as text */
};

/* Lists rows from `day` on, oldest first.  SQLite only. */
enum ledger_step ledger_each_replay_row(struct ledger *l, int64_t day,
    bool (*each)(void *arg, const struct ledger_replay_row *f), void *arg);

#endif
