/*
 * plan_failures.c - plans the failure reports that are due (RFC 9991), and
 * writes them.
 *
 * Each report is planned for the day on which it is made, with one delivery for
 * each address.  From then on it is treated like any other report.
 */
#include <stdlib.h>

#include "dmarc/record.h"
#include "lib/clock.h"
#include "lib/domain.h"
#include "report/write/failure_message.h"
#include "report/send/internal.h"

enum { MIME_MEMORY = 1 << 17 }; /* bytes, for the strings of one failure */

/* ---- due reports ---- */

struct due_failure {
	struct due_failure *next;
	struct ledger_failure f;
};

struct failure_list {
	struct arena *a;
	struct due_failure *first, **end;
};

static bool
copy(struct failure_list *l, struct span *s)
{
	*s = arena_copy(l->a, *s);
	return s->p != NULL;
}

/* Failures that do not fit in memory wait for the next run. */
static bool
add_due(void *arg, const struct ledger_failure *f)
{
	struct failure_list *l = arg;
	struct due_failure *d = arena_alloc(l->a, sizeof(*d));

	if (d == NULL)
		return false;
	d->f = *f;
	d->f.author = d->f.source = d->f.subject = SPAN_NONE;
	if (!copy(l, &d->f.organization) || !copy(l, &d->f.domain) ||
	    !copy(l, &d->f.record))
		return false;
	*l->end = d;
	l->end = &d->next;
	return true;
}

/* ---- one report ---- */

struct failure_request {
	const struct ledger_failure *f;
	struct dmarc_record record;
	bool usable; /* the record begins with v=DMARC1 */
	struct send_consent consent;
};

/* Returns why no report may be made, even if one was requested, or NULL. */
static const char *
no_reason(const struct failure_request *a)
{
	if (!domain_is_hostname(a->f->domain))
		return "the policy domain is not a host name";
	/* RFC 9991 section 2: ignore ruf if the record has psd=y */
	if (!a->usable || a->record.n_ruf == 0 ||
	    a->record.psd == DMARC_PSD_YES)
		return "no ruf";
	return NULL;
}

static void
ask_destinations(
    struct send *s, struct failure_request *a, const struct ledger_failure *f)
{
	const char *wrong;

	a->f = f;
	a->usable = dmarc_record_parse(f->record, &a->record, &wrong) !=
	    DMARC_RECORD_NOT_DMARC;
	if (no_reason(a) != NULL)
		return;
	a->consent.query = (struct destination_query){
		.policy_domain = f->domain,
		.uris = a->record.ruf,
		.n_uris = a->record.n_ruf,
		.kind = DESTINATION_RUF,
	};
	send_consent_ask(s, &a->consent);
}

static void
notify_failure(struct send *s, const struct failure_request *a,
    enum send_kind kind, struct span report_id, struct span to,
    struct span note)
{
	struct send_event e = {
		.kind = kind,
		.day = s->o->now / DATE_DAY,
		.domain = a->f->domain,
		.report_id = report_id,
		.destination = to,
		.note = note,
		.part = 1,
		.parts = 1,
		.rows = 1,
		.messages = a->f->incidents,
	};

	send_notify(s, &e);
}

/* Keeps the failure open, so that it is considered again. */
static bool
wait(struct send *s, const struct failure_request *a, enum send_kind kind,
    struct span note)
{
	s->left++;
	notify_failure(s, a, kind, SPAN_NONE, SPAN_NONE, note);
	return true;
}

/* Closes the failure.  Returns LEDGER_NONE if another process has closed it. */
static enum ledger_step
close_failure(struct send *s, const struct failure_request *a, bool sent)
{
	uint64_t incidents;
	enum ledger_step step;

	if (s->o->dry_run)
		return LEDGER_OK;
	step = ledger_close_failure(
	    s->ledger, a->f->id, sent, s->o->now, &incidents);
	if (step == LEDGER_ERROR)
		send_ledger_fault(s);
	return step;
}

static bool
give_up(struct send *s, const struct failure_request *a, struct span why)
{
	enum ledger_step step = close_failure(s, a, false);

	if (step == LEDGER_OK)
		notify_failure(s, a, SEND_NOTHING, SPAN_NONE, SPAN_NONE, why);
	return step != LEDGER_ERROR;
}

static bool
print_mails(
    struct send *s, const struct ledger_report *r, const struct send_consent *c)
{
	for (size_t i = 0; i < c->n_to; i++) {
		struct ledger_delivery d = { .report = *r,
			.destination = c->to[i] };

		if (!send_print_mail(s, &d, 0))
			return false;
	}
	return true;
}

/* Closes the failure and plans its report, in one transaction. */
static bool
plan_report(
    struct send *s, const struct failure_request *a, struct span report_id)
{
	struct ledger_report r = {
		.day = s->o->now / DATE_DAY,
		.domain = a->f->domain,
		.part = LEDGER_FAILURE_PART + (uint64_t)a->f->id,
		.parts = 0,
		.report_id = report_id,
		.record = SPAN(""),
		.made = s->o->now,
		.rows = 1,
		.messages = a->f->incidents,
		.note = SPAN(""),
	};
	enum ledger_step step = LEDGER_OK;
	bool good;

	if (s->o->dry_run)
		return print_mails(s, &r, &a->consent);
	if (ledger_begin(s->ledger) != LEDGER_OK)
		return send_ledger_fault(s);
	step = close_failure(s, a, true);
	if (step == LEDGER_OK)
		step =
		    ledger_plan(s->ledger, &r, a->consent.to, a->consent.n_to);
	good = step != LEDGER_ERROR;
	if (ledger_end(s->ledger, good) != LEDGER_OK || !good)
		return send_ledger_fault(s);
	return true;
}

/* Checks the limits (RFC 9991 sections 2 and 6.1).  Sets `*over` to a text that
 * says which one has been reached, or to NULL if none has. */
static bool
look_at_caps(struct send *s, const struct failure_request *a, const char **over)
{
	int64_t since = s->o->now - DATE_DAY + 1;
	uint64_t of_it, of_all;

	if (ledger_failures_sent(
		s->ledger, a->f->organization, since, &of_it) != LEDGER_OK ||
	    ledger_failures_sent(s->ledger, SPAN_NONE, since, &of_all) !=
		LEDGER_OK)
		return send_ledger_fault(s);
	*over = of_it >= s->o->failures_per_domain
	    ? "the limit per organization has been reached"
	    : of_all >= s->o->failures_per_day
	    ? "the limit per day has been reached"
	    : NULL;
	return true;
}

/* Returns false after an error. */
static bool
plan_failure(struct send *s, struct failure_request *a)
{
	char memory[SEND_ID_MAX];
	struct buf id = buf_wrap(memory, sizeof(memory));
	const char *over = NULL;

	if (no_reason(a) != NULL)
		return give_up(s, a, span_str(no_reason(a)));
	if (!send_consent_take(s, &a->consent))
		return false;
	if (a->consent.result.temperror &&
	    s->o->now < a->f->first + SEND_DNS_PATIENCE)
		return wait(s, a, SEND_UNKNOWN, span_str(a->consent.why));
	if (a->consent.n_to == 0)
		return give_up(s, a, span_str(a->consent.why));
	if (!look_at_caps(s, a, &over))
		return false;
	if (over != NULL)
		return wait(s, a, SEND_WAITING, span_str(over));
	send_put_id(&id, s, s->o->now / DATE_DAY, a->f->domain,
	    LEDGER_FAILURE_PART + (uint64_t)a->f->id);
	if (!plan_report(s, a, buf_view(&id)))
		return false;
	for (size_t i = 0; i < a->consent.n_to; i++)
		notify_failure(s, a, SEND_PLANNED, buf_view(&id),
		    a->consent.to[i], span_str(a->consent.why));
	return true;
}

/* ---- all reports ---- */

/* Queries DNS for up to SEND_JOBS reports in parallel. */
static bool
plan_some(struct send *s, const struct due_failure **next)
{
	struct failure_request *asked = calloc(SEND_JOBS, sizeof(*asked));
	int64_t deadline = clock_ms() + SEND_JOBS_MS;
	bool good = true;
	size_t n = 0;

	if (asked == NULL)
		return send_fault(s, "out of memory");
	for (; n < SEND_JOBS && *next != NULL; n++, *next = (*next)->next)
		ask_destinations(s, &asked[n], &(*next)->f);
	for (size_t i = 0; i < n; i++)
		send_consent_wait(&asked[i].consent, deadline);
	for (size_t i = 0; i < n; i++)
		good = good && plan_failure(s, &asked[i]);
	for (size_t i = 0; i < n; i++)
		dns_task_free(asked[i].consent.job);
	free(asked);
	return good;
}

bool
send_plan_failures(struct send *s, struct span domain)
{
	struct failure_list l = { .a = arena_new(SEND_LIST_MEMORY) };
	const struct due_failure *next;
	bool good = true;

	if (l.a == NULL)
		return send_fault(s, "out of memory");
	l.end = &l.first;
	/* Failures with the same cause lead to one report a day. */
	if (ledger_each_failure(s->ledger, domain, s->o->now - DATE_DAY + 1,
		add_due, &l) == LEDGER_ERROR)
		good = send_ledger_fault(s);
	next = l.first;
	while (good && next != NULL)
		good = plan_some(s, &next);
	arena_free(l.a);
	return good;
}

/* ---- the message ---- */

bool
send_write_failure(struct send *s, const struct ledger_delivery *d,
    const struct mime_message *letter, FILE *out, uint64_t *messages)
{
	struct arena *a = arena_new(MIME_MEMORY);
	struct ledger_failure f;
	bool good = true;

	*messages = 0;
	if (a == NULL)
		return send_fault(s, "out of memory");
	switch (ledger_get_failure(
	    s->ledger, (int64_t)d->report.part - LEDGER_FAILURE_PART, a, &f)) {
	case LEDGER_OK:
		good = failure_letter_write(out, letter, &f);
		*messages = f.incidents;
		break;
	case LEDGER_NONE:
		break;
	case LEDGER_ERROR:
		good = send_ledger_fault(s);
		break;
	}
	arena_free(a);
	return good || send_fault(s, "cannot write a temporary file");
}
