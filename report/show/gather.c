#include "report/show/gather.h"

#include <stdlib.h>
#include <string.h>

#include "lib/domain.h"
#include "lib/hash.h"

enum {
	BUCKETS = 1 << 14,
	POOL = 2 * VIEW_SOURCES_MAX,
	TEXTS_MAX = 16 << 20, /* bytes of strings per domain; strings beyond
	                         this are only counted */
	TEXT_COST = 64,
	IDENTITIES_MAX = 6, /* per source */
	NETWORK_MAX = IP_TEXT_MAX + 4,
};

struct text_entry {
	struct text_entry *chain;
	struct span text;
};

struct identity { /* an organization that may own a source, according to the
	             source's rows */
	struct span owner;
	enum sender_kind kind;
	uint64_t messages;
};

struct gather {
	const struct view_want *want;
	const struct view_visitor *visitor;
	struct hash_secret secret;
	struct view_source *pool; /* array of POOL */
	struct view_sender **senders;
	struct text_entry **texts;

	/* The domain that is being read. */
	struct arena *work;
	struct view_domain *d;
	struct view_sender *rest; /* SENDER_REST */
	size_t n_pool, text_bytes;
	bool failed, stopped;

	/* The source that is being read. */
	struct view_source at;
	struct view_sender
	    part; /* sums and facts that the source adds to its sender */
	struct identity identities[IDENTITIES_MAX];
	size_t n_identities;
	bool reading;
};

struct gather *
gather_new(struct arena *a, const struct view_want *want,
    const struct view_visitor *visitor)
{
	struct gather *g = arena_alloc(a, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->want = want;
	g->visitor = visitor;
	g->secret = hash_secret_new();
	g->pool = arena_raw(a, POOL * sizeof(*g->pool));
	g->senders = arena_array(a, BUCKETS, sizeof(struct view_sender *));
	g->texts = arena_array(a, BUCKETS, sizeof(struct text_entry *));
	return g->pool != NULL && g->senders != NULL && g->texts != NULL ? g
									 : NULL;
}

void
gather_begin(struct gather *g, struct arena *work, struct view_domain *d)
{
	memset(g->senders, 0, BUCKETS * sizeof(struct view_sender *));
	memset(g->texts, 0, BUCKETS * sizeof(struct text_entry *));
	g->work = work;
	g->d = d;
	g->rest = NULL;
	g->n_pool = g->text_bytes = 0;
	g->failed = g->stopped = g->reading = false;
}

/* ---- strings, each stored once ---- */

/* Returns the stored copy of `text`; absent if there are too many strings or
 * memory ran out. */
static struct span
keep_text(struct gather *g, struct span text)
{
	struct text_entry **bucket =
	    &g->texts[hash_span(g->secret, text, 0) % BUCKETS];
	struct text_entry *e = *bucket;

	while (e != NULL && !span_equal(e->text, text))
		e = e->chain;
	if (e != NULL)
		return e->text;
	if (g->text_bytes + text.n + TEXT_COST > TEXTS_MAX)
		return SPAN_NONE;
	g->text_bytes += text.n + TEXT_COST;
	e = arena_alloc(g->work, sizeof(*e));
	if (e != NULL)
		e->text = arena_copy(g->work, text);
	if (e == NULL || e->text.p == NULL) {
		g->failed = true;
		return SPAN_NONE;
	}
	e->chain = *bucket;
	*bucket = e;
	return e->text;
}

/* `text` must come from keep_text(). */
static void
add_fact(struct view_facts *facts, struct span text, uint64_t messages)
{
	size_t i = 0;

	while (i < facts->n && !span_equal(facts->list[i].text, text))
		i++;
	if (text.p == NULL || i == VIEW_FACTS_MAX) {
		facts->others += messages;
		return;
	}
	facts->list[i].text = text;
	facts->list[i].messages += messages;
	if (i == facts->n)
		facts->n++;
}

static void
note_fact(struct gather *g, enum view_fact_kind kind, struct span text,
    uint64_t messages)
{
	if (text.n > 0)
		add_fact(&g->part.facts[kind], keep_text(g, text), messages);
}

static void
note_facts(struct gather *g, const struct ledger_received_use *u)
{
	const struct report_row *r = &u->row;
	char memory[2 * REPORT_NAME_MAX + 40];
	struct buf b = buf_wrap(memory, sizeof(memory));

	note_fact(g, VIEW_REPORTER, u->organisation, r->count);
	note_fact(g, VIEW_AUTHOR, r->header_from, r->count);
	note_fact(g, VIEW_OVERRIDE, r->override, r->count);
	if (r->spf_domain.n > 0) {
		buf_span(&b, r->spf_result);
		buf_byte(&b, ' ');
		buf_span(&b, r->spf_domain);
		note_fact(g, VIEW_ENVELOPE, buf_view(&b), r->count);
	}
	for (size_t i = 0; i < r->n_dkim; i++) {
		b = buf_wrap(memory, sizeof(memory));
		buf_span(&b, r->dkim[i].result);
		buf_byte(&b, ' ');
		buf_span(&b, r->dkim[i].domain);
		buf_byte(&b, ' ');
		buf_span(&b, r->dkim[i].selector);
		note_fact(g, VIEW_SIGNATURE, buf_view(&b), r->count);
	}
}

/* ---- senders ---- */

static struct view_sender *
new_sender(struct gather *g, struct span name, enum sender_kind kind)
{
	struct view_sender *s = arena_alloc(g->work, sizeof(*s));

	g->failed = g->failed || s == NULL;
	if (s == NULL)
		return NULL;
	s->name = name;
	s->kind = kind;
	s->first = INT64_MAX;
	s->failed = -1;
	s->as = SPAN("");
	s->next = g->d->senders;
	g->d->senders = s;
	g->d->n_senders++;
	return s;
}

/* Returns the sender with that name, creating it if necessary; NULL if memory
 * ran out. */
static struct view_sender *
find_sender(struct gather *g, struct span name, enum sender_kind kind)
{
	enum view_cause apart =
	    sender_is_own(g->d->domain, name) ? g->at.cause : VIEW_CAUSES;
	struct view_sender **bucket =
	    &g->senders[hash_span(g->secret, name, 1) % BUCKETS];
	struct view_sender *s = *bucket;
	struct span copy;

	while (s != NULL && (s->apart != apart || !span_equal(s->name, name)))
		s = s->chain;
	if (s != NULL) {
		s->kind = kind < s->kind ? kind : s->kind;
		return s;
	}
	copy =
	    g->d->n_senders < VIEW_SENDERS_MAX ? keep_text(g, name) : SPAN_NONE;
	if (copy.p == NULL) {
		if (g->rest == NULL && !g->failed)
			g->rest = new_sender(g, SPAN("others"), SENDER_REST);
		return g->rest;
	}
	s = new_sender(g, copy, kind);
	if (s == NULL)
		return NULL;
	s->apart = apart;
	s->chain = *bucket;
	*bucket = s;
	return s;
}

static struct view_sender *
sender_of_source(struct gather *g)
{
	const struct identity *best = NULL;
	char memory[NETWORK_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (g->at.host.n > 0)
		return find_sender(
		    g, domain_registrable(g->at.host), SENDER_HOST);
	for (size_t i = 0; i < g->n_identities; i++)
		if (best == NULL || g->identities[i].messages > best->messages)
			best = &g->identities[i];
	if (best != NULL)
		return find_sender(g, best->owner, best->kind);
	sender_put_network(&b, &g->at.address);
	return find_sender(g, buf_view(&b), SENDER_NETWORK);
}

static void
merge(struct view_sender *s, const struct view_sender *part)
{
	view_sums_add(&s->all, &part->all);
	view_sums_add(&s->week, &part->week);
	view_sums_add(&s->before, &part->before);
	for (size_t i = 0; i < VIEW_RECENT_DAYS; i++) {
		s->recent[i].messages += part->recent[i].messages;
		s->recent[i].passed += part->recent[i].passed;
	}
	s->first = part->first < s->first ? part->first : s->first;
	s->last = part->last > s->last ? part->last : s->last;
	s->failed = part->failed > s->failed ? part->failed : s->failed;
	s->is_own = s->is_own || part->is_own;
	if (s->as.n == 0)
		s->as = part->as;
	for (size_t k = 0; k < VIEW_FACT_KINDS; k++) {
		const struct view_facts *from = &part->facts[k];

		for (size_t i = 0; i < from->n; i++)
			add_fact(&s->facts[k], from->list[i].text,
			    from->list[i].messages);
		s->facts[k].others += from->others;
	}
}

/* ---- sources ---- */

static int
by_messages(const void *left, const void *right)
{
	const struct view_source *a = left, *b = right;

	if (a->all.messages != b->all.messages)
		return a->all.messages < b->all.messages ? 1 : -1;
	return memcmp(
	    a->address.bytes, b->address.bytes, sizeof(a->address.bytes));
}

/* Keeps the VIEW_SOURCES_MAX sources with the most messages. */
static void
sort_pool(struct gather *g)
{
	qsort(g->pool, g->n_pool, sizeof(*g->pool), by_messages);
	if (g->n_pool > VIEW_SOURCES_MAX)
		g->n_pool = VIEW_SOURCES_MAX;
}

/* Adds the source to its sender and domain, if it sent messages in the
 * range. */
static bool
finish_source(struct gather *g)
{
	struct view_domain *d = g->d;
	struct view_source *at = &g->at;

	g->reading = false;
	if (at->all.messages == 0)
		return true;
	at->cause = sender_cause(&at->all);
	at->is_new = at->first > d->oldest && at->first > d->end - VIEW_WEEK;
	at->as = g->part.as;
	at->sender = sender_of_source(g);
	if (at->sender == NULL)
		return false;
	g->part.all = at->all;
	g->part.first = at->first;
	g->part.last = at->last;
	merge(at->sender, &g->part);
	at->sender->n_sources++;
	d->n_sources++;
	view_sums_add(&d->all, &at->all);
	view_sums_add(&d->week, &g->part.week);
	view_sums_add(&d->before, &g->part.before);
	if (g->n_pool == POOL)
		sort_pool(g);
	g->pool[g->n_pool++] = *at;
	if (g->visitor->source != NULL &&
	    !g->visitor->source(g->visitor->arg, d, at))
		g->stopped = true;
	return !g->stopped;
}

static void
begin_source(struct gather *g, const struct ip *address, int64_t first)
{
	struct span host = host_names_get(g->want->names, address);

	g->at = (struct view_source){
		.address = *address, .host = host, .first = first
	};
	memset(&g->part, 0, sizeof(g->part));
	g->part.as = SPAN("");
	g->part.failed = -1;
	g->part.is_own = host.n > 0 && sender_is_own(g->d->domain, host);
	g->n_identities = 0;
	g->reading = true;
}

/* ---- rows ---- */

static void
note_identity(struct gather *g, const struct report_row *row)
{
	enum sender_kind kind;
	struct span owner = sender_of_row(g->d->domain, row, &kind);
	struct identity *list = g->identities;
	size_t i = 0;

	if (owner.n == 0)
		return;
	while (i < g->n_identities && !span_equal(list[i].owner, owner))
		i++;
	if (i == IDENTITIES_MAX)
		return;
	if (i == g->n_identities) {
		owner = keep_text(g, owner);
		if (owner.p == NULL)
			return;
		list[i] = (struct identity){ .owner = owner, .kind = kind };
		g->n_identities++;
	}
	list[i].messages += row->count;
}

static void
add_row(
    struct view_sums *sums, const struct report_row *row, enum view_cause cause)
{
	uint64_t n = row->count;

	sums->messages += n;
	sums->passed += row->dkim_aligned || row->spf_aligned ? n : 0;
	sums->dkim += row->dkim_aligned ? n : 0;
	sums->spf += row->spf_aligned ? n : 0;
	sums->quarantined += span_is(row->disposition, "quarantine") ? n : 0;
	sums->rejected += span_is(row->disposition, "reject") ? n : 0;
	sums->by_cause[cause] += n;
}

/* Adds one day's share of a row, if `recent` includes that day. */
static void
add_recent_day(struct gather *g, int64_t day, const struct report_row *row,
    enum view_cause cause)
{
	int64_t at = day - (g->d->end - VIEW_RECENT_DAYS + 1);

	if (at < 0 || at >= VIEW_RECENT_DAYS)
		return;
	g->part.recent[at].messages += row->count;
	if (row->dkim_aligned || row->spf_aligned)
		g->part.recent[at].passed += row->count;
	add_row(at >= VIEW_RECENT_DAYS - VIEW_WEEK ? &g->part.week
						   : &g->part.before,
	    row, cause);
}

static void
add_recent(struct gather *g, const struct ledger_received_use *u,
    enum view_cause cause)
{
	struct report_row row = u->row;

	for (unsigned i = 0; u->day >= 0 && i < u->row.days; i++) {
		row.count = view_share(u->row.count, i, u->row.days);
		add_recent_day(g, u->day + i, &row, cause);
	}
}

static void
add_use(struct gather *g, const struct ledger_received_use *u)
{
	struct view_domain *d = g->d;
	const struct report_row *row = &u->row;
	struct span as;
	enum view_cause cause =
	    view_row_cause(d->domain, row, g->part.is_own, &as);

	add_row(&g->at.all, row, cause);
	add_recent(g, u, cause);
	if (u->day < 0 && cause >= VIEW_FORWARDER && u->last > g->part.failed)
		g->part.failed = u->last;
	if (u->last > g->at.last)
		g->at.last = u->last;
	if (g->part.as.n == 0 && as.n > 0) {
		as = keep_text(g, as);
		g->part.as = as.p != NULL ? as : SPAN("");
	}
	if (cause == VIEW_SPOOF && row->header_from.n > d->domain.n &&
	    domain_is_under(row->header_from, d->domain))
		d->spoofed_below += row->count;
	note_facts(g, u);
}

bool
gather_use(void *arg, const struct ledger_received_use *u)
{
	struct gather *g = arg;

	if (g->reading && !ip_equal(&g->at.address, &u->row.source) &&
	    !finish_source(g))
		return false;
	if (!g->reading)
		begin_source(g, &u->row.source, u->first);
	if (u->first < g->at.first)
		g->at.first = u->first;
	note_identity(g, &u->row);
	if (u->day > -2)
		add_use(g, u);
	return !g->failed;
}

/* ---- sorting ---- */

static void
sort_facts(struct view_facts *facts)
{
	for (size_t i = 1; i < facts->n; i++) {
		struct view_fact f = facts->list[i];
		size_t at = i;

		for (; at > 0 && facts->list[at - 1].messages < f.messages;
		     at--)
			facts->list[at] = facts->list[at - 1];
		facts->list[at] = f;
	}
}

static int
sender_order(const void *left, const void *right)
{
	const struct view_sender *a = *(struct view_sender *const *)left;
	const struct view_sender *b = *(struct view_sender *const *)right;

	if (a->all.messages != b->all.messages)
		return a->all.messages < b->all.messages ? 1 : -1;
	if (a->apart != b->apart)
		return (int)a->apart - (int)b->apart;
	return strcmp(a->name.p, b->name.p);
}

static bool
sort_senders(struct gather *g)
{
	struct view_domain *d = g->d;
	struct view_sender **list =
	    arena_raw(g->work, (d->n_senders + 1) * sizeof(*list));
	size_t n = 0;

	if (list == NULL)
		return false;
	for (struct view_sender *s = d->senders; s != NULL; s = s->next)
		list[n++] = s;
	qsort(list, n, sizeof(*list), sender_order);
	list[n] = NULL;
	d->senders = list[0];
	for (size_t i = 0; i < n; i++)
		list[i]->next = list[i + 1];
	return true;
}

bool
gather_end(struct gather *g)
{
	struct view_domain *d = g->d;

	if (g->failed || g->stopped || (g->reading && !finish_source(g)))
		return false;
	sort_pool(g);
	d->n_kept = g->n_pool;
	for (size_t i = g->n_pool; i-- > 0;) {
		g->pool[i].next = g->pool[i].sender->sources;
		g->pool[i].sender->sources = &g->pool[i];
	}
	for (struct view_sender *s = d->senders; s != NULL; s = s->next) {
		s->is_new =
		    s->first > d->oldest && s->first > d->end - VIEW_WEEK;
		for (size_t k = 0; k < VIEW_FACT_KINDS; k++)
			sort_facts(&s->facts[k]);
	}
	return sort_senders(g);
}

bool
gather_stopped(const struct gather *g)
{
	return g->stopped;
}
