/*
 * schema.h - the tables of the store, and how older stores are upgraded.
 *
 * Repeated strings are stored once and referenced by number, so that a day
 * takes some 20 bytes for each distinct row instead of a line for each message.
 *
 *	meta            settings of the store itself, one row each:
 *	                "store" (a random name that identifies it), "closed"
 *	                (the last closed day), "pushed" (the last day that was
 *	                pushed), "push_ticket" and "push_next" (push.h),
 *	                "redaction_key" (failure_queue.h), "report_seed" (for
 *	                report ids)
 *	policy          id, domain, record: a policy record and its domain
 *	source          id, address (as text)
 *	shape           id, hash, and the columns that rows share: identifiers,
 *	                results, disposition, reason (struct report_row)
 *	kept            day, policy, source, shape -> messages, last
 *	                (seconds since 1970 of the newest): rows of reports
 *	facts           id, hash, bytes of policy_input_codec.h
 *	decision        id, action, would, rule
 *	replay          day, source, facts, decision -> messages
 *	report          id, day, domain, part, ...: a report that was made, or a
 *	                note on why none is sent
 *	delivery        id, report, destination, state, ...: one report to one
 *	                address
 *	failure         id, likeness, ...: the contents of a failure report
 *	                (failure.h), and how many messages it covers.  While
 *	                made is 0, more messages are counted.  The part of its
 *	                report is LEDGER_FAILURE_PART + id.  held is 1 until
 *	                the report is delivered; then the contents are deleted
 *	bounce          address, ...: destinations that bounced
 *	received        id, organisation, report_id, domain, range, policy, ...:
 *	                a report from others
 *	received_row    report, source, shape, messages
 *	received_tls    id, key, organisation, report_id, range, ...: a TLS
 *	                report from others
 *	received_tls_result
 *	                report, number, domain, policy, result, mx, reason,
 *	                sessions
 *	received_failure
 *	                id, key, at, domain, source, ...: a failure report from
 *	                others, without data that identifies a person
 *	host            store, name, day, ticket, at: the last day that a host
 *	                has pushed (push.h)
 *
 * Values of shape and facts are long: they are looked up by a 64-bit hash and
 * then compared (intern.h), because a full index would double their size.
 * Policy records are looked up among the newest ones of their domain.
 *
 * Days are numbers: seconds since 1970 / 86400.  policy, source, shape, facts
 * and decision have a column "used", the last day they were needed, for
 * retention.
 *
 * In SQLite, PRAGMA user_version is SCHEMA_VERSION and application_id is
 * SCHEMA_APPLICATION; in PostgreSQL, the row "schema" of meta is the version.
 * The tables are the same in both, except that only SQLite has facts, decision,
 * replay and failure, and only PostgreSQL has host.
 */
#ifndef AVOUCH_REPORT_STORE_SCHEMA_H
#define AVOUCH_REPORT_STORE_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "report/store/sql.h"

enum {
	SCHEMA_VERSION = 7,
	SCHEMA_APPLICATION = 0x61766f75, /* "avou" */
};

enum schema_kind { SCHEMA_SQLITE, SCHEMA_POSTGRESQL };

/*
 * Upgrades the tables from `version` (0: no tables) to `until`, which is
 * SCHEMA_VERSION except in tests.  Runs in the caller's transaction; the caller
 * also stores the new version.
 */
bool schema_upgrade(
    struct sql *db, enum schema_kind kind, int64_t version, int64_t until);

/* Both return false.  The first sets the error for a store made by a newer
 * avouch.  The second adds the versions to the error of a failed upgrade. */
bool schema_fail_newer(struct sql *db, int64_t version);
bool schema_fail_upgrade(struct sql *db, int64_t version);

#endif
