#include "report/show/summary.h"

#include <stdlib.h>
#include <string.h>

#include "lib/date.h"
#include "report/show/gather.h"

/* ---- numbers ---- */

unsigned
view_rate(uint64_t part, uint64_t whole)
{
	unsigned rate;

	if (whole == 0)
		return 0;
	rate = (unsigned)((double)part / (double)whole * 1000 + 0.5);
	if (rate >= 1000 && part < whole)
		return 999;
	return rate == 0 && part > 0 ? 1 : rate;
}

void
view_put_rate(struct buf *b, uint64_t part, uint64_t whole)
{
	unsigned rate = view_rate(part, whole);

	buf_printf(b, "%u.%u %%", rate / 10, rate % 10);
}

uint64_t
view_share(uint64_t messages, unsigned i, unsigned days)
{
	return messages / days +
	    (messages % days * (i + 1) / days - messages % days * i / days);
}

/* ---- the list of domains ---- */

struct view_list {
	struct view *view;
	struct arena *a;
	struct view_domain **end;
	bool failed;
};

static bool
add_domain(void *arg, const struct ledger_received_domain *in)
{
	struct view_list *list = arg;
	struct view_domain *d;

	list->view->reports += in->reports;
	if (list->view->n_domains == VIEW_DOMAINS_MAX) {
		list->view->left_out++;
		return true;
	}
	d = arena_alloc(list->a, sizeof(*d));
	if (d != NULL)
		d->domain = arena_copy(list->a, in->domain);
	list->failed = d == NULL || d->domain.p == NULL;
	if (list->failed)
		return false;
	d->reports = in->reports;
	d->long_reports = in->long_reports;
	*list->end = d;
	list->end = &d->next;
	list->view->n_domains++;
	return true;
}

static bool
view_fail(struct view *v, struct ledger *l)
{
	v->error =
	    ledger_sql_fault(l) != SQL_FINE ? ledger_error(l) : "out of memory";
	return false;
}

bool
view_open(struct ledger *l, const struct view_want *want, struct arena *a,
    struct view *view)
{
	const struct ledger_range range = {
		.domain = want->domain, .from = want->from, .to = want->to
	};
	struct view_list list = { view, a, &view->domains, false };

	*view = (struct view){
		.from = want->from,
		.to = want->to,
		.days = (size_t)(want->to - want->from + 1),
	};
	if (ledger_each_received_domain(l, &range, add_domain, &list) !=
		LEDGER_OK ||
	    list.failed)
		return view_fail(view, l);
	if (view->n_domains == 0 &&
	    ledger_received_extent(l, want->domain, &view->stored,
		&view->stored_first, &view->stored_last) == LEDGER_ERROR)
		return view_fail(view, l);
	return true;
}

/* ---- one domain ---- */

struct view_reading {
	struct ledger *l;
	const struct view *view;
	struct view_domain *d;
	struct ledger_range range;
};

struct span
view_policy(struct span text)
{
	return span_is(text, "none")      ? SPAN("none")
	    : span_is(text, "quarantine") ? SPAN("quarantine")
	    : span_is(text, "reject")     ? SPAN("reject")
					  : SPAN("");
}

static bool
read_policy(struct view_reading *r, struct arena *work)
{
	struct view_domain *d = r->d;
	struct ledger_received last = { .p = SPAN("") };
	uint64_t reports;
	int64_t newest;

	if (ledger_last_received(r->l, &r->range, work, &last) ==
		LEDGER_ERROR ||
	    ledger_received_extent(
		r->l, d->domain, &reports, &d->oldest, &newest) != LEDGER_OK)
		return false;
	d->p = view_policy(last.p);
	d->sp = view_policy(last.sp);
	d->np = view_policy(last.np);
	d->testing = span_is(last.testing, "y");
	return true;
}

static bool
add_day(void *arg, const struct ledger_received_day *in)
{
	struct view_reading *r = arg;
	uint64_t failed = in->messages - in->aligned;

	for (unsigned i = 0; i < in->days; i++) {
		uint64_t passed = view_share(in->aligned, i, in->days);
		struct view_day *at = &r->d->days[in->day + i - r->view->from];

		at->messages += passed + view_share(failed, i, in->days);
		at->passed += passed;
	}
	return true;
}

static void
note_days(const struct view *v, struct view_domain *d)
{
	d->reported = 0;
	d->begin = d->end = v->to;
	for (size_t i = 0; i < v->days; i++) {
		if (d->days[i].messages == 0)
			continue;
		if (d->reported++ == 0)
			d->begin = v->from + (int64_t)i;
		d->end = v->from + (int64_t)i;
	}
}

static void
judge_domain(struct view *v, struct view_domain *d)
{
	d->by_week = d->week.messages >= VIEW_ENOUGH_MESSAGES;
	for (struct view_sender *s = d->senders; s != NULL; s = s->next) {
		bool is_foreign;

		sender_judge(s, d->end, d->by_week);
		is_foreign = sender_role(s) == VIEW_FOREIGN;
		d->n_foreign += is_foreign;
		d->n_new += s->is_new && !is_foreign;
	}
	advice_count(d);
	d->advice = advice_choose(d, v->to);
	v->messages += d->all.messages;
	v->passed += d->all.passed;
}

static bool
read_domain(struct view_reading *r, struct gather *g, struct arena *work)
{
	struct view_domain *d = r->d;

	d->all = d->week = d->before = (struct view_sums){ .messages = 0 };
	d->n_senders = d->n_foreign = d->n_new = d->n_sources = 0;
	d->spoofed_below = 0;
	d->days = arena_array(work, r->view->days, sizeof(*d->days));
	if (d->days == NULL || !read_policy(r, work) ||
	    ledger_each_received_day(r->l, &r->range, add_day, r) != LEDGER_OK)
		return false;
	note_days(r->view, d);
	gather_begin(g, work, d);
	return ledger_each_received_use(r->l, &r->range,
		   d->end - VIEW_RECENT_DAYS + 1,
		   r->view->from - VIEW_HISTORY_DAYS, gather_use,
		   g) == LEDGER_OK &&
	    gather_end(g);
}

/* Returns false to stop. */
static bool
visit_domain(struct view_reading *r, struct gather *g, struct arena *work,
    struct view *v, const struct view_visitor *visitor)
{
	struct view_domain *d = r->d;
	bool more;

	if (!read_domain(r, g, work)) {
		if (!gather_stopped(g))
			view_fail(v, r->l);
		return false;
	}
	judge_domain(v, d);
	more = visitor->domain(visitor->arg, v, d);
	d->senders = NULL;
	d->days = NULL;
	return more;
}

bool
view_visit(struct ledger *l, const struct view_want *want, struct arena *a,
    struct view *view, const struct view_visitor *visitor)
{
	struct gather *g = gather_new(a, want, visitor);
	struct arena *work = arena_new(VIEW_MEMORY);
	struct view_reading r = { .l = l, .view = view };
	bool more = g != NULL && work != NULL;

	view->error = more ? NULL : "out of memory";
	view->messages = view->passed = 0;
	for (struct view_domain *d = view->domains; d != NULL && more;
	     d = d->next) {
		arena_rewind(work);
		r.d = d;
		r.range = (struct ledger_range){
			.domain = d->domain, .from = want->from, .to = want->to
		};
		more = visit_domain(&r, g, work, view, visitor);
	}
	arena_free(work);
	return view->error == NULL;
}

/* ---- order of display ---- */

static int
most_urgent(const void *left, const void *right)
{
	const struct view_domain *a = *(struct view_domain *const *)left;
	const struct view_domain *b = *(struct view_domain *const *)right;
	enum view_urgency one = view_recommendation_urgency(a->advice);
	enum view_urgency two = view_recommendation_urgency(b->advice);

	if (one != two)
		return one < two ? -1 : 1;
	if (a->all.messages != b->all.messages)
		return a->all.messages < b->all.messages ? 1 : -1;
	return strcmp(a->domain.p, b->domain.p);
}

bool
view_sort(struct view *view, struct arena *a)
{
	struct view_domain **list =
	    arena_array(a, view->n_domains + 1, sizeof(struct view_domain *));
	size_t n = 0;

	if (list == NULL)
		return false;
	for (struct view_domain *d = view->domains; d != NULL; d = d->next)
		list[n++] = d;
	qsort(list, n, sizeof(*list), most_urgent);
	view->domains = list[0];
	for (size_t i = 0; i < n; i++)
		list[i]->next = list[i + 1];
	return true;
}
