/*
 * schema.h - the tables of the store, and how an older file becomes one of
 * today.
 *
 * Texts that repeat are kept once and named by number, so that a day costs
 * some 20 bytes for each distinct row and not a line for each message.
 *
 *	meta            one row a setting of the store itself:
 *	                "store" (a random name: who pushes), "closed" (the last
 *	                closed day), "pushed" (the last day that is central),
 *	                "push_ticket" and "push_next" (push.h)
 *	policy          id, domain, record: a policy record where it was found
 *	source          id, address: as text
 *	shape           id, hash, and what rows share: identifiers, results,
 *	                disposition, reason (struct report_row)
 *	kept            day, policy, source, shape -> messages, last
 *	                (seconds since 1970 of the newest): the rows of reports
 *	facts           id, hash, bytes of facts.h
 *	decision        id, action, would, rule
 *	replay          day, source, facts, decision -> messages
 *	report          id, day, domain, part, ...: a report made, or found not
 *	                to be due
 *	delivery        id, report, destination, state, ...: its way to one
 *	                address
 *	failure         id, likeness, ...: what a failure report is made of
 *	                (failure.h), and how many messages it stands for; open
 *	                for more of them while made is 0.  The part of its
 *	                report is LEDGER_FAILURE_PART + id; held is 1 until it
 *	                was delivered, then its texts are empty
 *	bounce          address, ...: destinations that refused
 *	received        id, organisation, report_id, domain, range, policy, ...:
 *	                a report of others that was read
 *	received_row    report, source, shape, messages
 *	host            store, name, day, ticket, at: how far the store of a
 *	                host was pushed (push.h)
 *
 * shape and facts are long: they are found by a hash of 64 bits and compared
 * (numbers.h), since an index over all they are would double them.  Policy
 * records are found by their domain.
 *
 * Days are numbers, day = seconds since 1970 / 86400.  policy, source, shape,
 * facts and decision have "used", the last day they were needed: retention
 * goes by it.
 *
 * In SQLite, PRAGMA user_version is SCHEMA_VERSION and application_id is
 * SCHEMA_APPLICATION; in PostgreSQL the row "schema" of meta says the version.
 * The tables are the same in both but for facts, decision, replay and failure,
 * which SQLite alone has, and host, which PostgreSQL alone has.
 */
#ifndef AVOUCH_REPORT_SCHEMA_H
#define AVOUCH_REPORT_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "report/sql.h"

enum {
	SCHEMA_VERSION = 5,
	SCHEMA_APPLICATION = 0x61766f75, /* "avou" */
};

enum schema_kind { SCHEMA_SQLITE, SCHEMA_POSTGRESQL };

/*
 * Brings the tables from `version` (0: none at all) to `until`
 * (SCHEMA_VERSION; a test may stop before), within a transaction of the
 * caller's, who also notes the version.
 */
bool schema_upgrade(
    struct sql *db, enum schema_kind kind, int64_t version, int64_t until);

#endif
