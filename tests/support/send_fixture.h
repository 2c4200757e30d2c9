/*
 * send_fixture.h - for tests that send reports: a store, a zone, a fake
 * sendmail, and the events of a run.  Any error fails the test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SEND_FIXTURE_H
#define AVOUCH_TESTS_SUPPORT_SEND_FIXTURE_H

#include "report/send/run.h"
#include "tests/support/fake_sendmail.h"

#define RUA(list) "v=DMARC1; p=reject; rua=" list

enum {
	DAY = 20000,                                /* day of the rows */
	NOON = (DAY + 1) * DATE_DAY + DATE_DAY / 2, /* noon of the next day */
	BENCH_PATH_MAX = 300,
	BENCH_NOTES_MAX = 4000,
};

struct bench {
	struct mailbag bag;
	char store[BENCH_PATH_MAX];
	const char *sendmail;
	struct ledger *ledger;
	struct dns_source *dns;
	struct send_options o;
	char error[SEND_ERROR_MAX];
	unsigned count[SEND_KINDS];
	char notes[BENCH_NOTES_MAX]; /* all events, one per line */
};

/* `zone` is the text of a zone file. */
struct bench *bench_open(const char *zone);
void bench_close(struct bench *b);

/* Reopens the bench's connection to the store. */
void bench_open_ledger(struct bench *b);

/* For worker_start(): `arg` is the path of a store. */
struct ledger *bench_open_again(const void *arg, char *error);
enum worker_state bench_start_worker(struct bench *b);

/* Performs a run with new connections, as a separate process would. */
enum send_end bench_run(struct bench *b);
void bench_run_well(struct bench *b); /* fails the test unless the run
                                         succeeds */

/* Returns a row of three messages from `domain` that pass DMARC. */
struct report_row bench_row(const char *domain, const char *record);
void bench_add(struct bench *b, const struct report_row *r);
void bench_add_plain(struct bench *b, const char *domain, const char *record);

/* Fails the test unless `part` is in the text. */
void bench_has(const char *text, const char *part);

#endif
