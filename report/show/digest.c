/* digest.c - fills the weekly digest from received reports */
#include "report/show/digest.h"

#include <string.h>

#include "lib/buf.h"
#include "lib/date.h"
#include "lib/enum_names.h"

enum {
	TEXT_MAX = 1000, /* bytes of each string of an item */
	DOMAIN_SHOWN = 255,
	NAMED_MAX = 3, /* senders named per item */
	FAILING_LEAST =
	    10, /* failing messages: fewer may come from a single user */
	DROP_LEAST = 20, /* drop in the pass rate of a domain's own mail, in
	                    tenths of a percent */
	SENDER_DROP_LEAST =
	    100, /* drop in the pass rate of a sender, in tenths of a percent */
	POLICY_DAYS = 60, /* how far to look back for the previous policy */
};

void
digest_begin(struct digest *d, struct arena *a, int64_t now)
{
	*d = (struct digest){ .a = a, .to = now / DATE_DAY - DIGEST_LAG };
	d->from = d->to - (DIGEST_DAYS - 1);
	d->rows_end = &d->rows;
	for (size_t i = 0; i < DIGEST_SECTIONS; i++)
		d->sections[i].end = &d->sections[i].first;
}

static struct span
digest_copy(struct digest *d, struct span text, size_t max)
{
	char memory[TEXT_MAX + 1];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct span copy;

	buf_printable(&b, text, max);
	copy = arena_copy(d->a, buf_view(&b));
	d->failed |= copy.p == NULL;
	return copy;
}

/* Counts an item.  Returns false if there are already too many to show this
 * one. */
static bool
digest_has_room(struct digest_items *list, struct span domain)
{
	if (list->n > 0 && span_equal(list->domain, domain))
		list->of_domain++;
	else
		list->of_domain = 1;
	if (list->n < DIGEST_ITEMS_MAX &&
	    list->of_domain <= DIGEST_OF_DOMAIN_MAX)
		return true;
	list->left_out++;
	return false;
}

void
digest_add(struct digest *d, enum digest_section section, struct span domain,
    struct span what, struct span more)
{
	struct digest_items *list = &d->sections[section];
	struct digest_item *item;

	d->happened |= section != DIGEST_TODO && section != DIGEST_STEPS;
	if (!digest_has_room(list, domain))
		return;
	item = arena_alloc(d->a, sizeof(*item));
	if (item == NULL) {
		d->failed = true;
		return;
	}
	item->domain = digest_copy(d, domain, DOMAIN_SHOWN);
	item->what = digest_copy(d, what, TEXT_MAX);
	item->more = digest_copy(d, more, TEXT_MAX);
	list->domain = item->domain;
	*list->end = item;
	list->end = &item->next;
	list->n++;
}

/* ---- one domain ---- */

/* Number of messages that are neither spoofed nor forwarded. */
static uint64_t
own_messages(const struct view_sums *s)
{
	return s->messages - s->by_cause[VIEW_SPOOF] -
	    s->by_cause[VIEW_FORWARDER];
}

static void
put_rates(struct buf *b, const struct view_sums *now,
    const struct view_sums *before, uint64_t (*count)(const struct view_sums *))
{
	view_put_rate(b, now->passed, count(now));
	buf_text(b, " of ");
	buf_number(b, count(now));
	buf_text(b, " messages pass; the week before: ");
	view_put_rate(b, before->passed, count(before));
	buf_text(b, " of ");
	buf_number(b, count(before));
}

static uint64_t
all_messages(const struct view_sums *s)
{
	return s->messages;
}

/* Whether the pass rate fell by at least `least` tenths of a percent from one
 * week to the next. */
static bool
has_dropped(const struct view_sums *now, const struct view_sums *before,
    uint64_t (*count)(const struct view_sums *), unsigned least)
{
	return count(before) > 0 && count(now) - now->passed >= FAILING_LEAST &&
	    view_rate(before->passed, count(before)) >=
	    view_rate(now->passed, count(now)) + least;
}

static void
digest_drop(struct digest *d, const struct view_domain *v)
{
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (!has_dropped(&v->week, &v->before, own_messages, DROP_LEAST))
		return;
	buf_text(&b, "less of the domain's own mail passes: ");
	put_rates(&b, &v->week, &v->before, own_messages);
	digest_add(d, DIGEST_FAILING, v->domain, buf_view(&b), SPAN(""));
}

static void
put_sender(struct buf *b, const struct view_sender *s)
{
	buf_printable(b, s->name, DOMAIN_SHOWN);
	if (s->kind == SENDER_SIGNER)
		buf_text(b, " (from its signature)");
	else if (s->kind == SENDER_ENVELOPE)
		buf_text(b, " (from its envelope address)");
}

static void
digest_sender_drop(
    struct digest *d, const struct view_domain *v, const struct view_sender *s)
{
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (sender_role(s) != VIEW_YOURS ||
	    !has_dropped(&s->week, &s->before, all_messages, SENDER_DROP_LEAST))
		return;
	put_sender(&b, s);
	buf_text(&b, ": ");
	put_rates(&b, &s->week, &s->before, all_messages);
	digest_add(d, DIGEST_FAILING, v->domain, buf_view(&b),
	    span_str(view_cause_fix(s->cause)));
}

static void
digest_sender_new(
    struct digest *d, const struct view_domain *v, const struct view_sender *s)
{
	static const char *const roles[] = {
		[VIEW_YOURS] = "probably yours",
		[VIEW_UNKNOWN] =
		    "authenticates as another domain: is it yours?",
		[VIEW_FORWARDS] = "forwards your mail",
		[VIEW_FOREIGN] = "probably spoofed",
	};
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	/* Nearly every spoofing sender is new. */
	if (!s->is_new || s->first < d->from || sender_role(s) == VIEW_FOREIGN)
		return;
	put_sender(&b, s);
	buf_text(&b, ": ");
	buf_number(&b, s->all.messages);
	buf_text(
	    &b, s->all.messages == 1 ? " message since " : " messages since ");
	date_put_day(&b, s->first);
	buf_text(&b, ", ");
	view_put_rate(&b, s->all.passed, s->all.messages);
	buf_text(&b, " pass; ");
	buf_text(&b, roles[sender_role(s)]);
	digest_add(d, DIGEST_NEW, v->domain, buf_view(&b),
	    s->all.passed < s->all.messages ? span_str(view_cause_fix(s->cause))
					    : SPAN(""));
}

static void
digest_sender_fixed(
    struct digest *d, const struct view_domain *v, const struct view_sender *s)
{
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (s->fixed < d->from)
		return;
	put_sender(&b, s);
	buf_text(&b, " failed before, and has passed since ");
	date_put_day(&b, s->fixed);
	digest_add(d, DIGEST_FIXED, v->domain, buf_view(&b), SPAN(""));
}

/* Lists the senders that the advice is about, most messages first. */
static void
put_failing(struct buf *b, const struct view_domain *v)
{
	const char *between = " Failing: ";
	size_t n = 0;

	for (const struct view_sender *s = v->senders;
	     s != NULL && n < NAMED_MAX; s = s->next) {
		uint64_t failed = s->counted.messages - s->counted.passed;

		if (s->kind == SENDER_REST || failed < FAILING_LEAST ||
		    (sender_role(s) != VIEW_YOURS &&
			sender_role(s) != VIEW_UNKNOWN))
			continue;
		buf_text(b, between);
		buf_printable(b, s->name, DOMAIN_SHOWN);
		buf_text(b, " (");
		buf_number(b, failed);
		buf_text(b, " of ");
		buf_number(b, s->counted.messages);
		buf_byte(b, ')');
		between = ", ";
		n++;
	}
	if (n > 0)
		buf_byte(b, '.');
}

static void
digest_advise(
    struct digest *d, enum digest_section section, const struct view_domain *v)
{
	char memory[TEXT_MAX];
	struct buf more = buf_wrap(memory, sizeof(memory));

	buf_text(&more, view_recommendation_text(v->advice));
	if (section != DIGEST_STEPS)
		put_failing(&more, v);
	digest_add(d, section, v->domain,
	    span_str(view_recommendation_title(v->advice)), buf_view(&more));
}

static void
digest_advice(struct digest *d, const struct view_domain *v)
{
	switch (view_recommendation_urgency(v->advice)) {
	case VIEW_URGENT:
		digest_advise(d, DIGEST_URGENT, v);
		break;
	case VIEW_ATTENTION:
		digest_advise(d, DIGEST_TODO, v);
		break;
	case VIEW_STEP:
		digest_advise(d, DIGEST_STEPS, v);
		break;
	case VIEW_WAIT:
	case VIEW_CALM:
		break;
	}
}

static void
digest_row(struct digest *d, const struct view_domain *v)
{
	struct digest_row *row;

	if (d->n_rows == DIGEST_ROWS_MAX) {
		d->rows_left_out++;
		return;
	}
	row = arena_alloc(d->a, sizeof(*row));
	if (row == NULL) {
		d->failed = true;
		return;
	}
	row->domain = digest_copy(d, v->domain, DOMAIN_SHOWN);
	row->policy = digest_copy(d, v->p, DOMAIN_SHOWN);
	row->messages = v->week.messages;
	row->passed = v->week.passed;
	row->messages_before = v->before.messages;
	row->passed_before = v->before.passed;
	*d->rows_end = row;
	d->rows_end = &row->next;
	d->n_rows++;
}

static bool
digest_domain(void *arg, const struct view *view, const struct view_domain *v)
{
	struct digest *d = arg;
	const struct digest_items *failing = &d->sections[DIGEST_FAILING];
	const struct digest_items *new = &d->sections[DIGEST_NEW];
	size_t known = failing->n + new->n;

	(void)view;
	digest_row(d, v);
	digest_advice(d, v);
	if (v->end < d->from)
		return !d->failed; /* no reports for this week */
	for (const struct view_sender *s = v->senders; s != NULL; s = s->next) {
		if (s->kind == SENDER_REST)
			continue;
		digest_sender_drop(d, v, s);
		digest_sender_new(d, v, s);
		digest_sender_fixed(d, v, s);
	}
	if (failing->n + new->n == known)
		digest_drop(d, v); /* the drop is not due to one sender */
	return !d->failed;
}

/* ---- policies ---- */

/* Writes nothing if p is not known. */
static void
put_policy(struct buf *b, const struct ledger_received *r)
{
	struct span p = view_policy(r->p), sp = view_policy(r->sp);

	if (p.n == 0)
		return;
	buf_text(b, "p=");
	buf_span(b, p);
	if (sp.n > 0 && !span_equal(sp, p)) {
		buf_text(b, " sp=");
		buf_span(b, sp);
	}
	if (span_is(r->testing, "y"))
		buf_text(b, " t=y");
}

/* Writes the policy at the end of the days from `from` to `to`, or nothing if
 * no report has it.  Returns false after an error. */
static bool
digest_policy_at(struct ledger *l, struct span domain, int64_t from, int64_t to,
    struct buf *b)
{
	const struct ledger_range range = {
		.domain = domain, .from = from, .to = to
	};
	struct arena *a = arena_new(1 << 20);
	struct ledger_received last;
	enum ledger_step step =
	    a != NULL ? ledger_last_received(l, &range, a, &last) : LEDGER_NONE;

	if (step == LEDGER_OK)
		put_policy(b, &last);
	arena_free(a);
	return step != LEDGER_ERROR;
}

static bool
digest_policy(struct digest *d, struct ledger *l, struct span domain)
{
	char memory[2][TEXT_MAX], text[2 * TEXT_MAX];
	struct buf before = buf_wrap(memory[0], sizeof(memory[0]));
	struct buf now = buf_wrap(memory[1], sizeof(memory[1]));
	struct buf b = buf_wrap(text, sizeof(text));

	if (!digest_policy_at(l, domain, d->from, d->to, &now) ||
	    !digest_policy_at(
		l, domain, d->from - POLICY_DAYS, d->from - 1, &before))
		return false;
	if (now.n == 0 || before.n == 0 ||
	    span_equal(buf_view(&now), buf_view(&before)))
		return true;
	buf_text(&b, "receivers see ");
	buf_span(&b, buf_view(&now));
	buf_text(&b, "; before, it was ");
	buf_span(&b, buf_view(&before));
	digest_add(d, DIGEST_POLICIES, domain, buf_view(&b), SPAN(""));
	return true;
}

/* ---- all domains ---- */

/* Moves our own domains to the front of the list. */
static void
digest_put_ours_first(struct view *view, const struct view_ours *ours)
{
	struct view_domain *lists[2] = { NULL, NULL };
	struct view_domain **ends[2] = { &lists[0], &lists[1] };

	for (struct view_domain *d = view->domains; d != NULL; d = d->next) {
		bool is_other = !ours->has(ours->arg, d->domain);

		*ends[is_other] = d;
		ends[is_other] = &d->next;
	}
	*ends[1] = NULL;
	*ends[0] = lists[1];
	view->domains = lists[0];
}

bool
digest_add_reports(struct digest *d, struct ledger *l,
    const struct host_names *names, const struct view_ours *ours,
    const char **error)
{
	const struct view_want want = { .domain = SPAN_NONE,
		.from = d->to - (DIGEST_RANGE - 1),
		.to = d->to,
		.names = names };
	const struct view_visitor visitor = { NULL, digest_domain, d };
	struct arena *a = arena_new(VIEW_MEMORY);
	struct view view = { .error = "out of memory" };
	bool good = a != NULL && view_open(l, &want, a, &view);

	if (good)
		digest_put_ours_first(&view, ours);
	good = good && view_visit(l, &want, a, &view, &visitor);
	for (const struct view_domain *v = view.domains; good && v != NULL;
	     v = v->next) {
		good = digest_policy(d, l, v->domain);
		if (!good)
			view.error = ledger_error(l);
	}
	d->rows_left_out += view.left_out;
	*error = good ? NULL : view.error;
	arena_free(a);
	return good && !d->failed;
}
