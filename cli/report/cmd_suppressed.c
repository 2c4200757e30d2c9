/*
 * cmd_suppressed.c - avouch report suppressed: lists addresses that currently
 * get no reports because a report to them bounced, and removes addresses from
 * the list.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cli/report/cmd_report.h"
#include "lib/date.h"
#include "report/send/run.h"

struct suppressed_list {
	const struct cli *c;
	json_t *json; /* NULL if the output is text */
	size_t n;
};

static int64_t
suppressed_until(const struct ledger_bounce *b)
{
	return b->last + SEND_BOUNCE_PAUSE;
}

static void
print_suppressed(const struct ledger_bounce *b, int64_t until)
{
	char memory[24];
	struct buf day = buf_wrap(memory, sizeof(memory));

	cli_put(b->address);
	date_put_day(&day, until / DATE_DAY);
	printf(" until %s, %" PRIu64 " %s: ", memory, b->count,
	    b->count == 1 ? "bounce" : "bounces");
	cli_put(b->note);
	putchar('\n');
}

static json_t *
suppressed_json(const struct ledger_bounce *b, int64_t until)
{
	json_t *o = json_object();

	cli_set_span(o, "address", b->address);
	cli_set_number(o, "count", (int64_t)b->count);
	cli_set_number(o, "first", b->first);
	cli_set_number(o, "last", b->last);
	cli_set_number(o, "until", until);
	cli_set_span(o, "note", b->note);
	return o;
}

/* Called for each address that has bounced. */
static bool
list_bounce(void *arg, const struct ledger_bounce *b)
{
	struct suppressed_list *list = arg;
	int64_t until = suppressed_until(b);

	if (!b->suppressed || until <= list->c->now)
		return true;
	list->n++;
	if (list->json != NULL)
		json_array_append_new(list->json, suppressed_json(b, until));
	else
		print_suppressed(b, until);
	return true;
}

static bool
remove_address(struct ledger *l, struct span address, bool *removed)
{
	enum ledger_step step = ledger_delete_bounce(l, address);

	*removed = *removed || step == LEDGER_OK;
	return step != LEDGER_ERROR;
}

/* Lists or removes addresses in one store.  Returns EX_OK, or another status
 * after printing a message. */
static int
suppressed_in(struct cli *c, struct report_store *store,
    struct suppressed_list *list, bool *removed)
{
	bool good = c->remove != NULL
	    ? remove_address(store->ledger, span_str(c->remove), removed)
	    : ledger_each_bounce(store->ledger, list_bounce, list) !=
		LEDGER_ERROR;

	return good
	    ? EX_OK
	    : cli_fail(c, EX_TEMPFAIL, "%s", ledger_error(store->ledger));
}

static int
suppressed_print(
    struct cli *c, const struct suppressed_list *list, bool removed)
{
	json_t *o = c->json ? json_object() : NULL;

	if (o != NULL && c->remove == NULL) {
		cli_set(o, "suppressed", list->json);
		return cli_print_json(o);
	}
	if (o != NULL) {
		cli_set_text(o, "address", c->remove);
		cli_set_bool(o, "removed", removed);
		cli_print_json(o);
	} else if (c->remove == NULL && list->n == 0) {
		puts("no address is suppressed");
	} else if (removed) {
		fputs("reports to ", stdout);
		cli_put(span_str(c->remove));
		puts(" are sent again");
	}
	return c->remove == NULL || removed
	    ? EX_OK
	    : cli_fail(c, EX_DATAERR,
		  "%s is not suppressed; run `avouch report suppressed` for "
		  "the list",
		  c->remove);
}

/* If several hosts share a store, failure reports are still sent from this
 * host's local store, so both stores are searched. */
int
cmd_report_suppressed(struct cli *c)
{
	struct report_store store;
	struct suppressed_list list = { .c = c };
	bool removed = false;
	int status = report_open(c, SQLITE_FOR_READING, &store);

	if (status != EX_OK)
		return status;
	if (c->json && c->remove == NULL)
		list.json = json_array();
	status = suppressed_in(c, &store, &list, &removed);
	if (status == EX_OK && c->store == NULL && report_use_own(&store) &&
	    access(store.name, F_OK) == 0) {
		ledger_close(store.ledger);
		status = report_open_ledger(c, SQLITE_FOR_READING, &store);
		if (status == EX_OK)
			status = suppressed_in(c, &store, &list, &removed);
	}
	report_close(&store);
	if (status == EX_OK)
		return suppressed_print(c, &list, removed);
	json_decref(list.json);
	return status;
}
