/* plan.c - decides which aggregate reports are due, and plans them. */
#include <stdlib.h>
#include <string.h>

#include "dmarc/record.h"
#include "lib/clock.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "report/write/mime_message.h"
#include "report/send/internal.h"
#include "verify/dns_task.h"

/* ---- due reports ---- */

struct due_domain {
	struct due_domain *next;
	struct span domain, record;
	uint64_t messages, automatic;
};

struct due_list {
	struct send *s;
	struct arena *a;
	int64_t day;
	struct due_domain *first, **end;
	bool cut; /* memory ran out, so the list is incomplete */
};

/* Each domain has its own time within SEND_SPREAD.  The time is a hash that
 * includes our own domain, so other reporters choose different times. */
static bool
is_its_time(const struct send *s, int64_t day, struct span domain)
{
	const struct hash_secret plain = { 0, 0 };
	uint64_t hash;

	if (s->o->day >= 0 || s->o->n_domains > 0)
		return true;
	hash = hash_span(plain, domain, hash_span(plain, s->submitter, 0));
	return s->o->now >=
	    (day + 1) * DATE_DAY + (int64_t)(hash % SEND_SPREAD);
}

static bool
add_due(void *arg, const struct ledger_policy *p)
{
	struct due_list *l = arg;
	struct due_domain *d;

	if (!is_its_time(l->s, l->day, p->domain)) {
		l->s->left++;
		return true;
	}
	d = arena_alloc(l->a, sizeof(*d));
	if (d != NULL)
		*d = (struct due_domain){ .domain = arena_copy(l->a, p->domain),
			.record = arena_copy(l->a, p->record),
			.messages = p->messages,
			.automatic = p->automatic };
	if (d == NULL || d->domain.p == NULL || d->record.p == NULL) {
		l->cut = true;
		return false;
	}
	*l->end = d;
	l->end = &d->next;
	return true;
}

/* ---- one report ---- */

struct report_draft {
	struct send *s;
	int64_t day;
	const struct due_domain *due;
	struct dmarc_record record;
	const char *wrong; /* error in the record; NULL: none */
	bool usable;       /* the record begins with v=DMARC1 */
	struct send_consent consent;

	/* the result */
	bool later; /* DNS has not answered yet */
	struct parts parts;
};

/* Returns why no report is made, regardless of who requests it; NULL if one may
 * be made. */
static const char *
no_reason(const struct report_draft *a)
{
	const struct due_domain *d = a->due;

	if (!domain_is_hostname(d->domain))
		return "the policy domain is not a host name";
	if (!a->usable)
		return "cannot parse the record";
	if (a->record.n_rua == 0)
		return "no rua";
	/* If automatic mail alone caused a report, two reporters would report
	 * to each other forever; RFC 9990 does not address reports about
	 * reports. */
	if (d->messages == d->automatic)
		return "only automatic mail";
	return NULL;
}

static void
ask_consents(struct report_draft *a)
{
	a->usable = dmarc_record_parse(a->due->record, &a->record, &a->wrong) !=
	    DMARC_RECORD_NOT_DMARC;
	if (no_reason(a) != NULL)
		return;
	a->consent.query = (struct destination_query){
		.policy_domain = a->due->domain,
		.uris = a->record.rua,
		.n_uris = a->record.n_rua,
		.kind = DESTINATION_RUA,
	};
	send_consent_ask(a->s, &a->consent);
}

/* The id has only letters and digits, so that it can also be the unique-id in
 * the file name (RFC 9990 sections 3.1.4 and 3.5.2). */
void
send_put_id(struct buf *b, const struct send *s, int64_t day,
    struct span domain, uint64_t part)
{
	uint64_t salt = (uint64_t)day * SPLIT_MAX + part;
	uint64_t first = hash_span(s->seed, domain, salt * 2);
	uint64_t second = hash_span(s->seed, domain, salt * 2 + 1);
	char memory[DATE_MAX];
	struct buf date = buf_wrap(memory, sizeof(memory));

	date_put_basic(&date, day * DATE_DAY);
	buf_span(
	    b, span_first(buf_view(&date), span_index(buf_view(&date), 'T')));
	buf_printf(b, "%016llx%016llx", (unsigned long long)first,
	    (unsigned long long)second);
}

/* Plans one part of a report.  Earlier parts have the first `skip` rows. */
static bool
plan_part(struct report_draft *a, size_t i, uint64_t skip)
{
	struct send *s = a->s;
	char memory[SEND_ID_MAX];
	struct buf id = buf_wrap(memory, sizeof(memory));
	struct ledger_report r = {
		.day = a->day,
		.domain = a->due->domain,
		.part = i + 1,
		.parts = a->parts.n,
		.record = a->due->record,
		.made = s->o->now,
		.rows = a->parts.part[i].rows,
		.messages = a->parts.part[i].messages,
		.note = span_str(a->consent.why),
	};
	struct send_event e = {
		.kind = a->consent.n_to > 0 ? SEND_PLANNED : SEND_NOTHING,
		.day = a->day,
		.domain = r.domain,
		.note = r.note,
		.part = r.part,
		.parts = r.parts,
		.rows = r.rows,
		.messages = r.messages,
	};

	send_put_id(&id, s, a->day, r.domain, r.part);
	r.report_id = e.report_id = buf_view(&id);
	if (!s->o->dry_run &&
	    ledger_plan(s->ledger, &r, a->consent.to, a->consent.n_to) ==
		LEDGER_ERROR)
		return send_ledger_fault(s);
	for (size_t k = 0; k < a->consent.n_to; k++) {
		struct ledger_delivery d = { .report = r,
			.destination = a->consent.to[k] };

		e.destination = d.destination;
		send_notify(s, &e);
		if (s->o->dry_run && !send_print_mail(s, &d, skip))
			return false;
	}
	if (a->consent.n_to == 0)
		send_notify(s, &e);
	return true;
}

/* Stores the decision. */
static bool
plan_report(struct report_draft *a)
{
	struct send_event e = { .kind = SEND_UNKNOWN,
		.day = a->day,
		.domain = a->due->domain,
		.messages = a->due->messages,
		.note = span_str(a->consent.why) };
	uint64_t skip = 0;

	if (a->later) {
		a->s->left++;
		send_notify(a->s, &e);
		return true;
	}
	for (size_t i = 0; i < a->parts.n; i++) {
		if (!plan_part(a, i, skip))
			return false;
		skip += a->parts.part[i].rows;
	}
	return true;
}

static void
decide_nothing(struct report_draft *a, const char *why)
{
	struct buf b = buf_wrap(a->consent.why, sizeof(a->consent.why));

	buf_text(&b, why);
	a->consent.n_to = 0;
	a->parts.n = 1;
	a->parts.part[0] = (struct report_part){ 0, a->due->messages };
}

static bool
decide_parts(struct report_draft *a)
{
	struct send *s = a->s;
	struct aggregate_info info =
	    send_info(s, a->day, a->due->domain, a->due->record);
	struct parts_limits limits = { s->o->max_rows,
		mime_room(s->o->max_size) };

	info.report_id = SPAN("measured");
	if (!split_measure(s->ledger, a->day, &info, &limits, &a->parts))
		return send_ledger_fault(s);
	if (a->parts.n == 0)
		decide_nothing(a, "no rows");
	return true;
}

/* ---- owners whose DNS servers do not answer ---- */

/* The hash changes with each run, so that a collision only matters once. */
static uint8_t *
silent_of(struct send *s, struct span domain)
{
	return &s->silent[hash_span(s->seed, domain_registrable(domain),
			      (uint64_t)s->o->now) %
	    SEND_OWNERS];
}

/* Leaves the domain for another run if this one would only wait for its owner's
 * DNS servers again. */
static bool
is_left(struct send *s, int64_t day, const struct due_domain *due)
{
	struct send_event e = { .kind = SEND_UNKNOWN,
		.day = day,
		.domain = due->domain,
		.messages = due->messages,
		.note = SPAN("the DNS servers for other domains of this owner "
			     "do not answer") };

	if (*silent_of(s, due->domain) < SEND_SILENT_MAX)
		return false;
	s->left++;
	send_notify(s, &e);
	return true;
}

/* RFC 9990 section 4 step 5: try again after a temporary DNS error. */
static bool
is_patient(const struct report_draft *a)
{
	return a->consent.result.temperror &&
	    a->s->o->now < (a->day + 1) * DATE_DAY + SEND_DNS_PATIENCE;
}

/* Returns false after an error. */
static bool
decide(struct report_draft *a)
{
	if (no_reason(a) != NULL) {
		decide_nothing(a, no_reason(a));
		return true;
	}
	if (!send_consent_take(a->s, &a->consent))
		return false;
	if (a->consent.result.temperror &&
	    *silent_of(a->s, a->due->domain) < SEND_SILENT_MAX)
		++*silent_of(a->s, a->due->domain);
	a->later = is_patient(a);
	if (a->later)
		return true;
	if (a->consent.n_to > 0)
		return decide_parts(a);
	a->parts.n = 1;
	a->parts.part[0] = (struct report_part){ 0, a->due->messages };
	return true;
}

/* ---- all reports ---- */

/* Plans the reports in one transaction. */
static bool
plan_asked(struct send *s, struct report_draft *asked, size_t n)
{
	bool good = true;

	if (!s->o->dry_run && ledger_begin(s->ledger) != LEDGER_OK)
		return send_ledger_fault(s);
	for (size_t i = 0; good && i < n; i++)
		good = plan_report(&asked[i]);
	if (!s->o->dry_run && ledger_end(s->ledger, good) != LEDGER_OK)
		good = send_ledger_fault(s);
	return good;
}

/* Queries DNS for up to SEND_JOBS reports in parallel, before the store is
 * locked to record the results. */
static bool
plan_some(struct send *s, int64_t day, const struct due_domain **next)
{
	static const struct report_draft nobody = { 0 };
	struct report_draft *asked = calloc(SEND_JOBS, sizeof(*asked));
	int64_t deadline = clock_ms() + SEND_JOBS_MS;
	bool good = true;
	size_t n = 0;

	if (asked == NULL)
		return send_fault(s, "out of memory");
	for (; n < SEND_JOBS && *next != NULL; *next = (*next)->next) {
		if (is_left(s, day, *next))
			continue;
		asked[n] = nobody;
		asked[n].s = s;
		asked[n].day = day;
		asked[n].due = *next;
		ask_consents(&asked[n++]);
	}
	for (size_t i = 0; i < n; i++)
		send_consent_wait(&asked[i].consent, deadline);
	for (size_t i = 0; i < n; i++)
		good = good && decide(&asked[i]);
	good = good && plan_asked(s, asked, n);
	for (size_t i = 0; i < n; i++)
		dns_task_free(asked[i].consent.job);
	free(asked);
	return good;
}

/* Plans the reports for the domains after `after`, and sets it to the last of
 * them. */
static bool
plan_round(struct due_list *l, struct span domain, struct buf *after)
{
	struct send *s = l->s;
	const struct due_domain *next, *last = NULL;

	l->end = &l->first;
	if (ledger_each_due(s->ledger, l->day, domain, buf_view(after), add_due,
		l) == LEDGER_ERROR)
		return send_ledger_fault(s);
	for (next = l->first; next != NULL; next = next->next)
		last = next;
	if (last != NULL) {
		buf_cut(after, 0);
		buf_span(after, last->domain);
	}
	next = l->first;
	while (next != NULL)
		if (!plan_some(s, l->day, &next))
			return false;
	return true;
}

bool
send_plan_day(struct send *s, int64_t day, struct span domain)
{
	char memory[REPORT_NAME_MAX + 1];
	struct buf after = buf_wrap(memory, sizeof(memory));
	bool good = true, more = true;

	while (good && more) {
		struct due_list l = {
			.s = s, .day = day, .a = arena_new(SEND_LIST_MEMORY)
		};

		if (l.a == NULL)
			return send_fault(s, "out of memory");
		good = plan_round(&l, domain, &after);
		more = l.cut;
		if (good && more && l.first == NULL)
			good = send_fault(s, "out of memory");
		arena_free(l.a);
	}
	return good;
}
