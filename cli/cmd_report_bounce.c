/*
 * cmd_report_bounce.c - avouch report bounce: a report that came back, on
 * standard input, as an alias pipes it.
 *
 * Whatever it is, the exit status is 0 unless the store is out of order: a
 * status of failure would make the mail system send a bounce of a bounce.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cmd_report.h"
#include "report/bounce.h"

/* The first BOUNCE_MESSAGE_MAX bytes; the rest is read, lest the writer gets a
 * broken pipe. */
static struct span
read_input(char *memory)
{
	char rest[4096];
	size_t n = 0;
	ssize_t got = 1;

	while (got > 0 && n < BOUNCE_MESSAGE_MAX) {
		got = read(STDIN_FILENO, memory + n, BOUNCE_MESSAGE_MAX - n);
		n += got > 0 ? (size_t)got : 0;
	}
	while (got > 0)
		got = read(STDIN_FILENO, rest, sizeof(rest));
	return span_of(memory, n);
}

static int
print(const struct cli *c, const struct ledger_bounce *b, const char *what)
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
	fputs("no more reports for now to ", stdout);
	cli_put(b->address);
	fputs(": ", stdout);
	cli_put(b->note);
	putchar('\n');
	return EX_OK;
}

/* Failure reports are in the host's own store; there may be none. */
static bool
has_own(struct report_store *store)
{
	return report_use_own(store) && access(store->name, F_OK) == 0;
}

static int
note(struct cli *c, const struct bounce *b, struct arena *a)
{
	struct report_store store;
	struct ledger_bounce noted;
	int status = report_open(c, SQLITE_FOR_READING, &store);
	enum ledger_step step;

	if (status != EX_OK)
		return status;
	step = bounce_note(store.ledger, b, c->now, a, &noted);
	if (step == LEDGER_NONE && has_own(&store)) {
		ledger_close(store.ledger);
		status = report_open_ledger(c, SQLITE_FOR_READING, &store);
		if (status != EX_OK)
			return status;
		step = bounce_note(store.ledger, b, c->now, a, &noted);
	}
	switch (step) {
	case LEDGER_OK:
		status = print(c, &noted, "");
		break;
	case LEDGER_NONE:
		status = print(c, NULL, "no report of ours came back");
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
judge(struct cli *c, const struct bounce *b, struct arena *a)
{
	switch (b->code) {
	case BOUNCE_OURS:
		return note(c, b, a);
	case BOUNCE_DELAYED:
		return print(c, NULL, "a delay, not a failure");
	case BOUNCE_OTHER:
		return print(c, NULL, "no report of ours came back");
	}
	return EX_OK;
}

int
cmd_report_bounce(struct cli *c)
{
	char *memory = malloc(BOUNCE_MESSAGE_MAX);
	struct arena *a = arena_new(CLI_SCRATCH);
	struct bounce b;
	int status;

	if (memory != NULL && a != NULL) {
		bounce_read(read_input(memory), &b);
		status = judge(c, &b, a);
	} else {
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	}
	arena_free(a);
	free(memory);
	return status;
}
