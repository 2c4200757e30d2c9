#include "report/show/summary.h"

#include <string.h>

#include "lib/domain.h"
#include "lib/hash.h"
#include "lib/enum_names.h"

enum {
	ENOUGH_MESSAGES = 100, /* enough to recommend a policy */
	ENOUGH_DAYS = 7,
	LOST_MAX = 10,      /* per mille of the owner's mail that may fail */
	FORWARDED_MAX = 10, /* per mille, for p=reject */
	BUCKETS = 1 << 15,  /* of the table of sources */
};

/* ---- words ---- */

static const struct {
	const char *name, *title, *cure;
} causes[VIEW_CAUSES] = {
	[VIEW_GOOD] = { "good", "Signed and aligned", "Nothing to do." },
	[VIEW_SPF_ONLY] = { "spf_only", "SPF only",
	    "Passes by SPF only, and fails when it is forwarded. Have this "
	    "sender sign with DKIM as your domain." },
	[VIEW_BROKEN] = { "dkim_broken", "DKIM signature broken",
	    "Passes by SPF, but your DKIM signature does not verify. Check the "
	    "key in DNS, and what changes mail after it is signed." },
	[VIEW_FORWARDER] = { "forwarder", "Forwarder or mailing list",
	    "Your mail, forwarded and changed on the way. Only the forwarder "
	    "can fix it; with p=reject it would be lost." },
	[VIEW_UNALIGNED] = { "unaligned", "No DKIM signature of your domain",
	    "Authenticates, but as another domain. If you send through it, "
	    "have it sign with DKIM as your domain; if not, somebody else uses "
	    "your name." },
	[VIEW_SPOOF] = { "spoof", "Likely spoofed",
	    "Neither SPF nor DKIM passes. Unless it is a forgotten server of "
	    "yours, a stricter policy stops it." },
};

static const struct {
	const char *name, *title, *text;
} advices[] = {
	[VIEW_TOO_LITTLE] = { "too_little",
	    "Too few messages were reported so far",
	    "At least 100 messages on 7 days are needed to judge a stricter "
	    "policy. Wait for more reports." },
	[VIEW_MEND_FIRST] = { "mend_first", "Fix your own senders first",
	    "Some mail that is likely yours does not pass. A stricter policy "
	    "would lose it: see the failing sources below." },
	[VIEW_TO_QUARANTINE] = { "to_quarantine",
	    "Safe to move to p=quarantine",
	    "Nearly all mail that is likely yours passes. With p=quarantine, "
	    "mail that fails goes to the spam folder." },
	[VIEW_TO_REJECT] = { "to_reject", "Safe to move to p=reject",
	    "Nearly all mail that is likely yours passes, and little of it is "
	    "forwarded. Stay at p=quarantine if users of this domain write to "
	    "mailing lists (RFC 9989 section 7.4)." },
	[VIEW_STAY] = { "stay", "Stay at p=quarantine",
	    "Your own senders are in order, but lists or forwarders pass on "
	    "some of the mail: p=reject would lose it." },
	[VIEW_DONE] = { "done", "Nothing to do",
	    "The policy is p=reject, and nearly all mail that is likely "
	    "yours passes." },
	[VIEW_END_TESTING] = { "end_testing", "Safe to end the test",
	    "The policy is only being tested (t=y), and nearly all mail that "
	    "is likely yours passes. Remove t=y from the record." },
};

const char *
view_cause_name(enum view_cause cause)
{
	return causes[cause].name;
}

const char *
view_cause_title(enum view_cause cause)
{
	return causes[cause].title;
}

const char *
view_cause_fix(enum view_cause cause)
{
	return causes[cause].cure;
}

const char *
view_recommendation_name(enum view_recommendation advice)
{
	return advices[advice].name;
}

const char *
view_recommendation_title(enum view_recommendation advice)
{
	return advices[advice].title;
}

const char *
view_recommendation_text(enum view_recommendation advice)
{
	return advices[advice].text;
}

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

/* ---- why ---- */

/* Whether both have the same owner, as far as can be seen without DNS. */
static bool
is_own(struct span domain, struct span other)
{
	return domain_is_under(other, domain) ||
	    (domain_labels(other) > 1 && domain_is_under(domain, other));
}

static bool
is_indirect(struct span override)
{
	static const char *const names[] = { "forwarded", "mailing_list",
		"trusted_forwarder" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (span_is(override, names[i]))
			return true;
	return false;
}

static bool
is_signed(struct span domain, const struct report_row *row)
{
	for (size_t i = 0; i < row->n_dkim; i++)
		if (is_own(domain, row->dkim[i].domain))
			return true;
	return false;
}

/* The domain that it authenticates as instead. */
static struct span
other_identity(struct span domain, const struct report_row *row)
{
	for (size_t i = 0; i < row->n_dkim; i++)
		if (span_is(row->dkim[i].result, "pass") &&
		    !is_own(domain, row->dkim[i].domain))
			return row->dkim[i].domain;
	return span_is(row->spf_result, "pass") ? row->spf_domain : SPAN("");
}

enum view_cause
view_row_cause(
    struct span domain, const struct report_row *row, struct span *as)
{
	bool is_ours = is_signed(domain, row);

	*as = SPAN("");
	if (row->dkim_aligned)
		return VIEW_GOOD;
	if (row->spf_aligned)
		return is_ours ? VIEW_BROKEN : VIEW_SPF_ONLY;
	*as = other_identity(domain, row);
	/* A signature of the domain that fails was broken on the way; a
	 * spoofer has none. */
	if (is_indirect(row->override) || is_ours)
		return VIEW_FORWARDER;
	return as->n > 0 ? VIEW_UNALIGNED : VIEW_SPOOF;
}

/* The cause of most of a source's failing mail; if none fails, the most
 * common risk. */
static enum view_cause
source_cause(const struct view_source *s)
{
	enum view_cause most = VIEW_FORWARDER;
	uint64_t risk = s->by_cause[VIEW_SPF_ONLY] + s->by_cause[VIEW_BROKEN];

	if (s->messages > s->passed) {
		for (unsigned i = VIEW_FORWARDER; i < VIEW_CAUSES; i++)
			if (s->by_cause[i] > s->by_cause[most])
				most = (enum view_cause)i;
		/* A source whose mail mostly passes is not a spoofer. */
		if (most == VIEW_SPOOF && s->passed * 2 > s->messages)
			most = VIEW_UNALIGNED;
		return most;
	}
	if (risk * 2 <= s->messages)
		return VIEW_GOOD;
	return s->by_cause[VIEW_BROKEN] > s->by_cause[VIEW_SPF_ONLY]
	    ? VIEW_BROKEN
	    : VIEW_SPF_ONLY;
}

/* ---- what to do ---- */

static enum view_recommendation
next_step(const struct view_domain *d)
{
	uint64_t spoofed = d->by_cause[VIEW_SPOOF];
	uint64_t own = d->messages - spoofed;
	uint64_t forwarded = d->by_cause[VIEW_FORWARDER];
	uint64_t lost = d->by_cause[VIEW_UNALIGNED];

	if (d->messages < ENOUGH_MESSAGES || d->reported < ENOUGH_DAYS)
		return VIEW_TOO_LITTLE;
	if (view_rate(lost, own) > LOST_MAX || d->passed == 0)
		return VIEW_MEND_FIRST;
	if (d->testing)
		return VIEW_END_TESTING;
	if (span_is(d->p, "reject"))
		return VIEW_DONE;
	if (!span_is(d->p, "quarantine"))
		return VIEW_TO_QUARANTINE;
	return view_rate(forwarded, own) > FORWARDED_MAX ? VIEW_STAY
							 : VIEW_TO_REJECT;
}

/* ---- gathering ---- */

struct view_gather {
	struct view *view;
	struct arena *a;
	struct view_domain *at;   /* domain of the previous row */
	struct view_source *from; /* source of the previous row */
	struct view_source **buckets;
	struct hash_secret secret;
	size_t n_sources;
	uint64_t turn; /* number of rows that were spread */
	bool failed;
};

static void *
need(struct view_gather *g, size_t count, size_t size)
{
	void *p = arena_array(g->a, count, size);

	g->failed = g->failed || p == NULL;
	return p;
}

static struct view_domain *
find_domain(struct view_gather *g, struct span domain)
{
	struct view_domain *d;

	if (g->at != NULL && span_equal(g->at->domain, domain))
		return g->at;
	for (d = g->view->domains; d != NULL; d = d->next)
		if (span_equal(d->domain, domain))
			break;
	g->at = d;
	g->from = NULL;
	return d;
}

static struct view_domain *
add_domain(struct view_gather *g, struct span domain)
{
	struct view_domain *d;

	if (g->view->n_domains == VIEW_DOMAINS_MAX) {
		g->view->left_out++;
		return NULL;
	}
	d = need(g, 1, sizeof(*d));
	if (d == NULL)
		return NULL;
	d->domain = arena_copy(g->a, domain);
	d->days = need(g, g->view->days, sizeof(*d->days));
	d->next = g->view->domains;
	g->view->domains = d;
	g->view->n_domains++;
	g->at = d;
	return d;
}

static struct span
policy_of(struct span text)
{
	return span_is(text, "none")      ? SPAN("none")
	    : span_is(text, "quarantine") ? SPAN("quarantine")
	    : span_is(text, "reject")     ? SPAN("reject")
					  : SPAN("");
}

static bool
take_report(void *arg, const struct ledger_received *r)
{
	struct view_gather *g = arg;
	struct view_domain *d = find_domain(g, r->domain);

	g->view->reports++;
	if (d == NULL)
		d = add_domain(g, r->domain);
	if (d == NULL)
		return !g->failed;
	d->reports++;
	d->long_reports += r->end - r->begin >= DATE_DAY + DATE_DAY / 2;
	/* Reports come sorted by begin, so the last one wins. */
	d->p = policy_of(r->p);
	d->sp = policy_of(r->sp);
	d->np = policy_of(r->np);
	d->testing = span_is(r->testing, "y");
	return !g->failed;
}

static struct view_source **
bucket(struct view_gather *g, const struct view_domain *d, const struct ip *ip)
{
	struct span bytes = span_of((const char *)ip->bytes, sizeof(ip->bytes));
	uint64_t hash = hash_span(g->secret, bytes, (uint64_t)(uintptr_t)d);

	return &g->buckets[hash % BUCKETS];
}

/* After the last one of its domain. */
static void
link_source(struct view_gather *g, struct view_domain *d, struct view_source *s)
{
	struct view_source **at = bucket(g, d, &s->address);

	s->same = *at;
	*at = s;
	s->domain = d;
	if (g->from != NULL)
		g->from->next = s;
	else
		d->sources = s;
	g->from = s;
	d->n_sources++;
	g->n_sources++;
}

static bool
take_source(void *arg, const struct ledger_source *in)
{
	struct view_gather *g = arg;
	struct view_domain *d = find_domain(g, in->domain);
	struct view_source *s;

	if (d == NULL)
		return true;
	if (g->n_sources == VIEW_SOURCES_MAX) {
		d->left_out++;
		return true;
	}
	s = need(g, 1, sizeof(*s));
	if (s == NULL)
		return false;
	*s = (struct view_source){
		.address = in->address,
		.first = in->first,
		.last = in->last,
		.messages = in->messages,
		.passed = in->aligned,
		.dkim = in->dkim_aligned,
		.spf = in->spf_aligned,
		.quarantined = in->quarantined,
		.rejected = in->rejected,
		.as = SPAN(""),
		.name = SPAN(""),
	};
	link_source(g, d, s);
	return true;
}

static struct view_source *
find_source(
    struct view_gather *g, const struct view_domain *d, const struct ip *ip)
{
	struct view_source *s = *bucket(g, d, ip);

	while (s != NULL && (s->domain != d || !ip_equal(&s->address, ip)))
		s = s->same;
	return s;
}

/* Spreads the messages of several days evenly.  Rows with fewer messages than
 * days begin in turn with another day, so that no day gets all of them. */
static void
add_days(struct view_gather *g, struct view_domain *d, size_t first,
    const struct report_row *row, bool passes)
{
	uint64_t n = row->days, turn = n > 1 ? g->turn++ % n : 0;

	for (uint64_t i = 0; i < n && first + i < g->view->days; i++) {
		struct view_day *day = &d->days[first + i];
		uint64_t share = (row->count * (i + 1) + turn) / n -
		    (row->count * i + turn) / n;

		d->reported += day->messages == 0 && share > 0;
		day->messages += share;
		day->passed += passes ? share : 0;
	}
}

static bool
take_row(void *arg, const struct report_row *row)
{
	struct view_gather *g = arg;
	struct view_domain *d = find_domain(g, row->policy_domain);
	int64_t day = row->when / DATE_DAY - g->view->from;
	bool passes = row->dkim_aligned || row->spf_aligned;
	struct view_source *s;
	enum view_cause cause;
	struct span as;

	if (d == NULL || day < 0 || day >= (int64_t)g->view->days)
		return true;
	cause = view_row_cause(row->policy_domain, row, &as);
	d->messages += row->count;
	d->passed += passes ? row->count : 0;
	d->quarantined +=
	    span_is(row->disposition, "quarantine") ? row->count : 0;
	d->rejected += span_is(row->disposition, "reject") ? row->count : 0;
	d->by_cause[cause] += row->count;
	add_days(g, d, (size_t)day, row, passes);
	s = find_source(g, d, &row->source);
	if (s == NULL)
		return true;
	s->by_cause[cause] += row->count;
	if (s->as.n == 0 && as.n > 0) {
		s->as = arena_copy(g->a, as);
		g->failed = s->as.p == NULL;
	}
	return !g->failed;
}

/* ---- putting together ---- */

static void
judge_domain(struct view *v, struct view_domain *d)
{
	int64_t to = v->from + (int64_t)v->days - 1, oldest = to;

	for (struct view_source *s = d->sources; s != NULL; s = s->next)
		if (s->first < oldest)
			oldest = s->first;
	for (struct view_source *s = d->sources; s != NULL; s = s->next) {
		s->cause = source_cause(s);
		s->is_new = s->first > oldest && s->first > to - VIEW_NEW_DAYS;
		d->n_new += s->is_new;
	}
	d->advice = next_step(d);
	v->messages += d->messages;
	v->passed += d->passed;
}

/* Most messages first. */
static void
sort(struct view *v)
{
	struct view_domain *rest = v->domains;

	v->domains = NULL;
	while (rest != NULL) {
		struct view_domain *d = rest, **at = &v->domains;

		rest = d->next;
		while (*at != NULL &&
		    ((*at)->messages > d->messages ||
			((*at)->messages == d->messages &&
			    strcmp((*at)->domain.p, d->domain.p) < 0)))
			at = &(*at)->next;
		d->next = *at;
		*at = d;
	}
}

/* Each stops when memory runs out; then the next is not begun. */
static bool
gather(
    struct view_gather *g, struct ledger *l, const struct ledger_range *range)
{
	return ledger_each_received(l, range, take_report, g) == LEDGER_OK &&
	    (g->failed ||
		ledger_each_source(l, range, take_source, g) == LEDGER_OK) &&
	    (g->failed ||
		ledger_each_received_row(l, range, take_row, g) == LEDGER_OK);
}

bool
view_read(struct ledger *l, struct span domain, size_t days, int64_t now,
    struct arena *a, struct view *view)
{
	int64_t to = now / DATE_DAY;
	struct ledger_range range = {
		.domain = domain, .from = to - (int64_t)days + 1, .to = to
	};
	struct view_gather g = {
		.view = view, .a = a, .secret = hash_secret_new()
	};

	*view = (struct view){ .from = range.from, .days = days };
	g.buckets = need(&g, BUCKETS, sizeof(struct view_source *));
	if (!g.failed && !gather(&g, l, &range))
		view->fault = ledger_error(l);
	if (g.failed)
		view->fault = "out of memory";
	if (view->fault != NULL)
		return false;
	for (struct view_domain *d = view->domains; d != NULL; d = d->next)
		judge_domain(view, d);
	sort(view);
	return true;
}
