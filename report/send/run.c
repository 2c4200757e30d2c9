#include "report/send/run.h"

#include "lib/enum_names.h"
#include "report/send/internal.h"

enum {
	DAYS_MAX = SEND_CATCH_UP_DAYS + 1,
	SEND_HOST_MAX = 100, /* bytes of a host name in messages */
};

static const struct enum_token kinds[] = {
	{ "planned", SEND_PLANNED },
	{ "nothing", SEND_NOTHING },
	{ "unknown", SEND_UNKNOWN },
	{ "sent", SEND_SENT },
	{ "waiting", SEND_WAITING },
	{ "dropped", SEND_DROPPED },
};

const char *
send_kind_name(enum send_kind kind)
{
	return enum_name(kinds, ARRAY_SIZE(kinds), (int)kind);
}

bool
send_fault(struct send *s, const char *text)
{
	if (s->error.n == 0)
		buf_text(&s->error, text);
	return false;
}

bool
send_ledger_fault(struct send *s)
{
	const char *text = ledger_error(s->ledger);

	return send_fault(s,
	    ledger_sql_fault(s->ledger) != SQL_FINE && text[0] != '\0'
		? text
		: "out of memory, or cannot write a report");
}

void
send_notify(struct send *s, const struct send_event *e)
{
	if (s->o->on_event != NULL)
		s->o->on_event(s->o->arg, e);
}

struct aggregate_info
send_info(
    const struct send *s, int64_t day, struct span domain, struct span record)
{
	struct dmarc_record parsed;
	const char *wrong;

	dmarc_record_parse(record, &parsed, &wrong);
	return (struct aggregate_info){
		.compat = s->o->compat,
		.org_name = s->o->org_name,
		.email = s->o->email,
		.begin = day * DATE_DAY,
		.end = (day + 1) * DATE_DAY - 1,
		.error = span_str(wrong),
		.generator = SPAN("avouch " AVOUCH_VERSION),
		.domain = domain,
		.record = record,
	};
}

/* ---- the seed of report ids ---- */

/* RFC 9990 section 3.5.1: report ids must be unique among the reports to a
 * domain, even from hosts that share a name but not a store. */
static bool
read_seed(struct send *s)
{
	switch (ledger_seed(s->ledger, &s->seed)) {
	case LEDGER_OK:
		return true;
	case LEDGER_NONE:
		s->seed = hash_secret_new();
		return s->o->dry_run ||
		    ledger_set_seed(s->ledger, s->seed) == LEDGER_OK ||
		    send_ledger_fault(s);
	case LEDGER_ERROR:
		break;
	}
	return send_ledger_fault(s);
}

/* ---- aggregate reports ---- */

struct days {
	int64_t from, to;
	int64_t day[DAYS_MAX];
	size_t n;
};

static bool
add_day(void *arg, int64_t day)
{
	struct days *d = arg;

	if (day >= d->from && day <= d->to && d->n < DAYS_MAX)
		d->day[d->n++] = day;
	return true;
}

/* State of the hosts that share the store. */
struct hosts {
	int64_t yesterday;
	int64_t day;      /* last day that all hosts have pushed */
	struct buf waits; /* names of the hosts to wait for */
};

static bool
add_host(void *arg, const struct ledger_host *h)
{
	struct hosts *all = arg;

	if (h->day >= all->yesterday ||
	    h->day < all->yesterday - SEND_HOST_GONE_DAYS)
		return true;
	if (h->day < all->day)
		all->day = h->day;
	buf_text(&all->waits, all->waits.n > 0 ? ", " : "not pushed yet by ");
	buf_printable(&all->waits, h->name, SEND_HOST_MAX);
	return true;
}

/* Postpones the reports for a day until all hosts have pushed that day. */
static bool
wait_for_hosts(struct send *s, struct days *d)
{
	char memory[SEND_NOTE_MAX];
	int64_t yesterday = s->o->now / DATE_DAY - 1;
	int64_t late = (s->o->now - SEND_HOSTS_WAIT) / DATE_DAY - 1;
	struct hosts all = { .yesterday = yesterday,
		.day = yesterday,
		.waits = buf_wrap(memory, sizeof(memory)) };
	struct send_event e = { .kind = SEND_WAITING };

	if (ledger_each_host(s->ledger, add_host, &all) == LEDGER_ERROR)
		return send_ledger_fault(s);
	if (all.day < late)
		all.day = late;
	if (d->to <= all.day)
		return true;
	e.day = all.day + 1;
	e.note = buf_view(&all.waits);
	send_notify(s, &e);
	s->left++;
	d->to = all.day;
	return true;
}

/* Skips days that were pushed from this store: they are reported from the
 * shared store. */
static bool
leave_pushed(struct send *s, struct days *d)
{
	int64_t pushed;

	if (ledger_pushed(s->ledger, &pushed) != LEDGER_OK)
		return send_ledger_fault(s);
	if (d->from <= pushed)
		d->from = pushed + 1;
	return true;
}

static bool
find_days(struct send *s, struct days *d)
{
	int64_t today = s->o->now / DATE_DAY;

	*d = (struct days){ .from = s->o->day, .to = s->o->day };
	if (s->o->day < 0) {
		d->from = today - SEND_CATCH_UP_DAYS;
		d->to = today - 1;
	}
	if (sql_is_shared(ledger_sql(s->ledger)) ? !wait_for_hosts(s, d)
						 : !leave_pushed(s, d))
		return false;
	if (!s->o->dry_run &&
	    ledger_close_day(s->ledger, d->to, s->o->now) == LEDGER_ERROR)
		return send_ledger_fault(s);
	if (ledger_each_day(s->ledger, add_day, d) == LEDGER_ERROR)
		return send_ledger_fault(s);
	return true;
}

/* If `domain` is absent, runs for all domains. */
static bool
run_domain(struct send *s, const struct days *days, struct span domain)
{
	int64_t after = 0;

	/* Planning can take hours if many domains do not answer. */
	if (!send_deliver(s, domain, &after))
		return false;
	for (size_t i = 0; i < days->n; i++)
		if (!send_plan_day(s, days->day[i], domain))
			return false;
	return s->o->dry_run || send_deliver(s, domain, &after);
}

static bool
send_all(struct send *s)
{
	struct days days;

	if (!read_seed(s) || !find_days(s, &days))
		return false;
	if (s->o->n_domains == 0)
		return run_domain(s, &days, SPAN_NONE);
	for (size_t i = 0; i < s->o->n_domains; i++)
		if (!run_domain(s, &days, s->o->domains[i]))
			return false;
	return true;
}

static enum send_end
run_with(const struct send_options *o, char *error, bool (*way)(struct send *s))
{
	struct send s = {
		.o = o,
		.ledger = o->ledger,
		.submitter =
		    span_skip(o->email, span_rindex(o->email, '@') + 1),
		.error = buf_wrap(error, SEND_ERROR_MAX),
	};

	if (!way(&s))
		return SEND_FAULT;
	return s.left > 0 ? SEND_LEFT : SEND_DONE;
}

enum send_end
send_run(const struct send_options *o, char *error)
{
	if (o->day >= o->now / DATE_DAY)
		return SEND_EARLY;
	return run_with(o, error, send_all);
}

/* ---- failure reports ---- */

/* If `domain` is absent, runs for all domains. */
static bool
run_failures_of(struct send *s, struct span domain)
{
	int64_t after = 0;

	return send_plan_failures(s, domain) &&
	    (s->o->dry_run || send_deliver(s, domain, &after));
}

static bool
run_failures(struct send *s)
{
	if (!read_seed(s))
		return false;
	if (s->o->n_domains == 0 && !run_failures_of(s, SPAN_NONE))
		return false;
	for (size_t i = 0; i < s->o->n_domains; i++)
		if (!run_failures_of(s, s->o->domains[i]))
			return false;
	/* A dry run must not change anything. */
	return s->o->dry_run || ledger_empty_failures(s->ledger) == LEDGER_OK ||
	    send_ledger_fault(s);
}

enum send_end
send_run_failures(const struct send_options *o, char *error)
{
	return run_with(o, error, run_failures);
}
