/*
 * cmd_bounce.c - avouch report bounce: reads a bounced report that the mail
 * system pipes to standard input, or all new messages in a Maildir.
 *
 * The exit status is 0 for any input, because otherwise the mail system would
 * bounce the bounce.  An error is returned only if the store or the Maildir
 * cannot be used.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/report/cmd_report.h"
#include "cli/report/maildir.h"
#include "lib/buf.h"
#include "report/receive/bounce.h"

/* Returns the first BOUNCE_MESSAGE_MAX bytes.  Reads and discards the rest, so
 * that the writer does not get a broken pipe. */
static struct span
bounce_read_input(int fd, char *memory)
{
	char rest[4096];
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n < BOUNCE_MESSAGE_MAX) {
		got = read(fd, memory + n, BOUNCE_MESSAGE_MAX - n);
		n += got > 0 ? (size_t)got : 0;
	}
	while (got > 0)
		got = read(fd, rest, sizeof(rest));
	return span_of(memory, n);
}

static int
bounce_print(
    const struct cli *c, const struct ledger_bounce *b, const char *what)
{
	if (c->json) {
		json_t *o = json_object();

		cli_set_span(o, "address", b != NULL ? b->address : SPAN_NONE);
		cli_set_bool(o, "suppressed", b != NULL);
		cli_set_number(o, "count", b != NULL ? (int64_t)b->count : 0);
		cli_set_span(o, "note", b != NULL ? b->note : span_str(what));
		return cli_print_json(o);
	}
	if (b == NULL) {
		puts(what);
		return EX_OK;
	}
	fputs("reports to ", stdout);
	cli_put(b->address);
	fputs(" are suppressed: ", stdout);
	cli_put(b->note);
	putchar('\n');
	return EX_OK;
}

/* Switches to the host's own store, where failure reports are recorded.
 * Returns false if it does not exist. */
static bool
bounce_has_own_store(struct report_store *store)
{
	return report_use_own(store) && access(store->name, F_OK) == 0;
}

static int
bounce_record(struct cli *c, struct bounce *b, struct arena *a)
{
	struct report_store store;
	struct ledger_bounce noted;
	int status = report_open(c, SQLITE_FOR_READING, &store);
	enum ledger_step step;

	if (status != EX_OK)
		return status;
	step = bounce_note(store.ledger, b, c->now, a, &noted);
	if (step == LEDGER_NONE && b->code == BOUNCE_OURS &&
	    bounce_has_own_store(&store)) {
		ledger_close(store.ledger);
		status = report_open_ledger(c, SQLITE_FOR_READING, &store);
		if (status != EX_OK)
			return status;
		step = bounce_note(store.ledger, b, c->now, a, &noted);
	}
	switch (step) {
	case LEDGER_OK:
		status = bounce_print(c, &noted, "");
		break;
	case LEDGER_NONE:
		status = bounce_print(c, NULL,
		    b->code == BOUNCE_DELAYED
			? "a delay notice, not a failure"
			: "not a bounce of one of our reports");
		break;
	case LEDGER_ERROR:
		status =
		    cli_fail(c, EX_TEMPFAIL, "%s", ledger_error(store.ledger));
		break;
	}
	report_close(&store);
	return status;
}

static int
bounce_handle(struct cli *c, struct bounce *b, struct arena *a)
{
	switch (b->code) {
	case BOUNCE_OURS:
		return bounce_record(c, b, a);
	case BOUNCE_DELAYED:
		return bounce_print(c, NULL, "a delay notice, not a failure");
	case BOUNCE_OTHER:
		return bounce_print(
		    c, NULL, "not a bounce of one of our reports");
	}
	return EX_OK;
}

/* ---- Maildir ---- */

struct bounce_maildir {
	struct cli *c;
	char *memory;
	struct arena *a;
};

static int
bounce_take(void *arg, int fd, const char *path, bool *aside)
{
	const struct bounce_maildir *m = arg;
	struct bounce bounce;

	(void)path;
	(void)aside;
	arena_rewind(m->a);
	bounce_read(bounce_read_input(fd, m->memory), &bounce);
	return bounce_handle(m->c, &bounce, m->a);
}

int
cmd_report_bounce(struct cli *c)
{
	char *memory = malloc(BOUNCE_MESSAGE_MAX);
	struct arena *a = arena_new(CLI_SCRATCH);
	struct bounce b;
	int status;

	if (memory == NULL || a == NULL) {
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	} else if (c->n_args > 1) {
		status = maildir_empty(c, c->args[1], bounce_take,
		    &(struct bounce_maildir){ c, memory, a });
	} else {
		bounce_read(bounce_read_input(STDIN_FILENO, memory), &b);
		status = bounce_handle(c, &b, a);
	}
	arena_free(a);
	free(memory);
	return status;
}
