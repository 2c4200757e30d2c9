/*
 * send_fixture.h - for tests of what sends reports: a store, a zone and a
 * sendmail of their own, and what was told of a run.  What goes wrong fails the
 * test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SEND_FIXTURE_H
#define AVOUCH_TESTS_SUPPORT_SEND_FIXTURE_H

#include "report/send/run.h"
#include "tests/support/fake_sendmail.h"

#define RUA(list) "v=DMARC1; p=reject; rua=" list

enum {
	DAY = 20000,                                /* of the rows */
	NOON = (DAY + 1) * DATE_DAY + DATE_DAY / 2, /* of the day after */
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
	char notes[BENCH_NOTES_MAX]; /* of all events, by lines */
};

/* `zone`: the text of a master file. */
struct bench *bench_open(const char *zone);
void bench_close(struct bench *b);

/* Its connection to the store, after it was closed. */
void bench_open_ledger(struct bench *b);

/* For a hander: `arg` is the path of a store. */
struct ledger *bench_open_again(const void *arg, char *error);
enum worker_state bench_start_hander(struct bench *b);

/* A run of its own, as another process would make it. */
enum send_end bench_run(struct bench *b);
void bench_run_well(struct bench *b); /* to a good end */

/* Three messages of a domain that pass. */
struct report_row bench_row(const char *domain, const char *record);
void bench_add(struct bench *b, const struct report_row *r);
void bench_add_plain(struct bench *b, const char *domain, const char *record);

/* `part` is in the text. */
void bench_has(const char *text, const char *part);

#endif
