/*
 * send_deliver_test.c - delivery of reports: they are sent once, even if
 * sendmail fails or the sender is killed.
 */
#include "report/send/run.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/clock.h"
#include "report/send/sendmail.h"
#include "tests/support/fake_sendmail.h"
#include "tests/support/send_fixture.h"

enum {
	BUSY = 99,     /* exit status of a child that got WORKER_BUSY */
	LATE_S = 1000, /* longer than a delivery takes on a slow machine */
};

/* ---- sendmail fails ---- */

static void
test_again(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	mailbag_set_status(&b->bag, 75);
	assert_int_equal(bench_run(b), SEND_LEFT);
	bench_has(b->notes,
	    "waiting example.com d@example.com: sendmail exited with status "
	    "75");
	assert_int_equal(bench_run(b), SEND_DONE); /* too early to retry */
	assert_int_equal(b->count[SEND_WAITING], 0);
	mailbag_set_status(&b->bag, 0);
	b->o.now += WORKER_BACKOFF_FIRST + LATE_S;
	b->o.max_rows = 1; /* does not change the planned report */
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 2);
	/* every byte is the same, including report id, Message-ID and file
	 * name */
	assert_int_equal(m->mail[0].size, m->mail[1].size);
	assert_memory_equal(
	    m->mail[0].bytes, m->mail[1].bytes, m->mail[0].size);
	mailbag_free(m);
	bench_close(b);
}

static void
test_never(void **state)
{
	struct bench *b = bench_open("");

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	mailbag_set_status(&b->bag, 67);
	bench_run_well(b);
	assert_int_equal(b->count[SEND_DROPPED], 1);
	bench_run_well(b);
	assert_int_equal(b->count[SEND_DROPPED], 0);
	bench_close(b);
}

/* qemu-user runs vfork(2) as fork(2), so under it posix_spawn(3) cannot report
 * that the program was not found. */
static bool
spawn_has_errors(void)
{
	char *words[] = { NULL };
	pid_t pid;
	int status;

	if (posix_spawn(&pid, "/nowhere", NULL, NULL, words, NULL) != 0)
		return true;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return false;
}

static void
test_out_of_order(void **state)
{
	struct bench *b = bench_open("");
	char domain[40], record[100];

	(void)state;
	for (int i = 0; i < 20; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		snprintf(record, sizeof(record), RUA("mailto:d@%s"), domain);
		bench_add_plain(b, domain, record);
	}
	b->sendmail = "/nowhere/sendmail";
	assert_int_equal(bench_run(b), SEND_FAULT);
	bench_has(b->error, "sendmail keeps failing");
	assert_int_equal(b->count[SEND_WAITING], SEND_FAILURES_MAX);
	bench_has(b->notes,
	    spawn_has_errors() ? "cannot start /nowhere/sendmail: No such file"
			       : "sendmail exited with status 127");
	b->sendmail = b->bag.program;
	b->o.now += 4 * 3600;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 20);
	bench_add_plain(b, "late.example", RUA("mailto:d@late.example"));
	bench_close(b);
}

static void
test_given_up(void **state)
{
	struct bench *b = bench_open("");

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	b->sendmail = "/nowhere/sendmail";
	for (int i = 0; i < 40 && b->count[SEND_DROPPED] == 0; i++) {
		bench_run(b);
		b->o.now += DATE_DAY / 4;
	}
	bench_has(b->notes,
	    "dropped example.com d@example.com: it could not be sent");
	bench_close(b);
}

static void
test_handover_time(void **state)
{
	char memory[200];
	struct buf note = buf_wrap(memory, sizeof(memory));
	struct mailbag bag;
	struct sendmail h = { .from = "a@b.example",
		.to = "c@d.example",
		.mail = STDIN_FILENO,
		.seconds = 1 };
	FILE *f;

	(void)state;
	mailbag_open(&bag);
	f = fopen(bag.program, "w");
	assert_non_null(f);
	fputs("#!/bin/sh\nsleep 300 & wait\n", f);
	fclose(f);
	h.program = bag.program;
	int64_t before = clock_ms();

	assert_int_equal(sendmail_run(&h, &note), SENDMAIL_TEMPFAIL);
	assert_true(clock_ms() - before < 120 * 1000);
	bench_has(note.p, "did not finish within 1 s");
	mailbag_close(&bag);
}

/* ---- killed and simultaneous runs ---- */

/* Starts a run in a child process, as the command does. */
static pid_t
start(struct bench *b)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	/* use separate connections, and report no test failures */
	b->o.on_event = NULL;
	char error[SQL_ERROR_MAX];
	enum send_end end = SEND_FAULT;

	if (bench_start_worker(b) == WORKER_BUSY)
		_exit(BUSY);
	b->o.ledger = bench_open_again(b->store, error);
	if (b->o.ledger != NULL && b->o.worker != NULL)
		end = send_run(&b->o, b->error);
	worker_end(b->o.worker);
	_exit((int)end);
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Returns the exit status of the child; -1 if it was killed. */
static int
end_of(pid_t pid)
{
	int status = 0;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

enum { KILLS = 20, KILL_DOMAINS = 200, KILL_DELIVERIES = 2 * KILL_DOMAINS };

/* Checks that every report was sent exactly once. */
static void
check_mails(const struct mailbag *bag)
{
	struct mailbag_mails *m = mailbag_read(bag);

	for (size_t i = 1; i < m->n; i++)
		assert_string_not_equal(
		    m->mail[i].message_id, m->mail[i - 1].message_id);
	assert_int_equal(m->n, KILL_DELIVERIES);
	mailbag_free(m);
}

static void
test_killed(void **state)
{
	struct bench *b = bench_open("");
	int kills = 0;
	char domain[40], record[200];

	(void)state;
	for (int i = 0; i < KILL_DOMAINS; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		snprintf(record, sizeof(record), RUA("mailto:d@%s,mailto:e@%s"),
		    domain, domain);
		bench_add_plain(b, domain, record);
	}
	ledger_close(b->ledger);
	srandom((unsigned)time(NULL));
	while (kills < KILLS) {
		pid_t pid = start(b);

		pause_ms(random() % 60);
		kill(pid, SIGKILL);
		kills += end_of(pid) < 0;
		/* the run was still in progress */
		assert_true(mailbag_count(&b->bag) < KILL_DELIVERIES);
	}
	int end = end_of(start(b));

	assert_int_equal(end, SEND_DONE);
	check_mails(&b->bag);
	/* another run sends nothing */
	assert_int_equal(end_of(start(b)), SEND_DONE);
	check_mails(&b->bag);
	bench_open_ledger(b);
	bench_close(b);
}

static bool
keep_delivery(void *arg, const struct ledger_delivery *d)
{
	struct ledger_delivery *out = arg;

	out->id = d->id;
	return true;
}

/*
 * If the worker dies too, its current delivery is sent again, with the same
 * bytes.
 */
static void
test_all_killed(void **state)
{
	struct bench *b = bench_open("");
	struct mailbag_mails *m;
	struct ledger_want want = { .day = -1, .states = 1u << LEDGER_SENDING };
	struct ledger_delivery d = { .id = 0 };

	(void)state;
	bench_add_plain(b, "example.com", RUA("mailto:d@example.com"));
	bench_run_well(b);
	/* the state if the worker dies after sendmail has exited, but before
	 * it has recorded the outcome */
	assert_true(sql_run(ledger_sql(b->ledger),
	    "UPDATE delivery SET state = 1, attempts = 1"));
	assert_int_equal(
	    ledger_each_delivery(b->ledger, &want, keep_delivery, &d),
	    LEDGER_OK);
	assert_int_equal(d.id, 1);
	b->o.now += 3600;
	bench_run_well(b);
	assert_int_equal(b->count[SEND_SENT], 1);
	m = mailbag_read(&b->bag);
	assert_int_equal(m->n, 2);
	assert_int_equal(m->mail[0].size, m->mail[1].size);
	assert_memory_equal(
	    m->mail[0].bytes, m->mail[1].bytes, m->mail[0].size);
	mailbag_free(m);
	bench_close(b);
}

/* Of two simultaneous runs, the second gets WORKER_BUSY. */
static void
test_busy(void **state)
{
	struct bench *b = bench_open("");

	(void)state;
	ledger_close(b->ledger);
	assert_int_equal(bench_start_worker(b), WORKER_READY);
	struct worker *first = b->o.worker;

	assert_int_equal(end_of(start(b)), BUSY);
	worker_end(first);
	bench_open_ledger(b);
	bench_close(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_never),
		cmocka_unit_test(test_out_of_order),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_handover_time),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_all_killed),
		cmocka_unit_test(test_busy),
	};

	return cmocka_run_group_tests_name("send_deliver", tests, NULL, NULL);
}
