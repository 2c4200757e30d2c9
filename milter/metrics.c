#include "milter/metrics.h"

#include <stdatomic.h>
#include <time.h>

#include "lib/enum_names.h"
#include "milter/key_watch.h"
#include "milter/message_sink.h"
#include "milter/service.h"
#include "milter/sign_sink.h"

enum {
	CODES_MAX = 8,   /* largest number of result codes of a method */
	ACTIONS_MAX = 5, /* values of enum conf_action */
	BOUNDS_MAX = 16, /* largest number of upper bounds of a histogram */
	SECOND = 1000000,
};

/* Upper bounds in microseconds; one more bucket holds all larger values. */
static const uint64_t times[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 15000000,
	30000000 };
static const uint64_t round_trips[] = { 0, 1, 2, 3, 4, 5, 6, 8, 10, 15 };

struct histogram {
	atomic_uint_fast64_t buckets[BOUNDS_MAX + 1];
	atomic_uint_fast64_t sum;
};

enum method {
	METHOD_SPF,
	METHOD_SPF_HELO,
	METHOD_DKIM,
	METHOD_ARC,
	METHOD_DMARC,
	METHODS,
};

static struct {
	atomic_uint_fast64_t results[METHODS][CODES_MAX];
	atomic_uint_fast64_t actions[ACTIONS_MAX];
	atomic_uint_fast64_t would[ACTIONS_MAX];
	atomic_uint_fast64_t skipped;
	atomic_uint_fast64_t unchecked; /* messages not checked: no memory */
	atomic_uint_fast64_t forged;    /* forged fields that were removed */
	atomic_uint_fast64_t gave_up, faulty, overload;
	atomic_uint_fast64_t invalid_from;
	atomic_uint_fast64_t questions;
	struct histogram finish, total, waves;
} counts;

_Static_assert(ARRAY_SIZE(times) <= BOUNDS_MAX, "the histograms are too small");

/* ---- counting ---- */

static void
counter_add(atomic_uint_fast64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static uint64_t
counter_read(const atomic_uint_fast64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static void
observe(struct histogram *h, const uint64_t *bounds, size_t n, uint64_t value)
{
	size_t i = 0;

	while (i < n && value > bounds[i])
		i++;
	counter_add(&h->buckets[i], 1);
	counter_add(&h->sum, value);
}

static void
add_results(const struct verdict *v)
{
	const unsigned codes[METHODS] = {
		[METHOD_SPF] = v->spf_mail_from.code,
		[METHOD_SPF_HELO] = v->spf_helo.code,
		[METHOD_DKIM] = v->facts.dkim,
		[METHOD_ARC] = v->arc.code,
		[METHOD_DMARC] = v->dmarc.code,
	};

	for (size_t i = 0; i < METHODS; i++)
		counter_add(&counts.results[i][codes[i] % CODES_MAX], 1);
}

void
metrics_message(const struct verdict *v, struct metrics_times took)
{
	observe(&counts.finish, times, ARRAY_SIZE(times), took.finish_us);
	observe(&counts.total, times, ARRAY_SIZE(times), took.total_us);
	if (v == NULL) {
		counter_add(&counts.unchecked, 1);
		return;
	}
	counter_add(&counts.actions[v->decision.action], 1);
	if (v->decision.would != v->decision.action)
		counter_add(&counts.would[v->decision.would], 1);
	if (!v->facts.trusted_mta)
		counter_add(&counts.forged, own_fields_listed(v->own));
	if (v->skip != NULL) {
		counter_add(&counts.skipped, 1);
		return;
	}
	add_results(v);
	observe(&counts.waves, round_trips, ARRAY_SIZE(round_trips), v->waves);
	counter_add(&counts.questions, v->questions);
	if (v->gave_up)
		counter_add(&counts.gave_up, 1);
	if (v->faulty)
		counter_add(&counts.faulty, 1);
	if (v->facts.overload)
		counter_add(&counts.overload, 1);
	if (v->facts.from_fault != NULL)
		counter_add(&counts.invalid_from, 1);
}

/* ---- the page ---- */

static void
put_family(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_printf(b, "# HELP avouch_%s %s\n# TYPE avouch_%s %s\n", name, help,
	    name, type);
}

static void
put_value(struct buf *b, uint64_t value)
{
	buf_byte(b, ' ');
	buf_number(b, value);
	buf_byte(b, '\n');
}

static void
put_one(struct buf *b, const char *name, const char *type, const char *help,
    uint64_t value)
{
	put_family(b, name, type, help);
	buf_text(b, "avouch_");
	buf_text(b, name);
	put_value(b, value);
}

/* Writes one sample with one label.  `word`, the value of the label, is a
 * constant and needs no escaping. */
static void
put_labelled(struct buf *b, const char *name, const char *label,
    const char *word, uint64_t value)
{
	buf_printf(b, "avouch_%s{%s=\"%s\"}", name, label, word);
	put_value(b, value);
}

/* Writes microseconds as seconds, such as "0.0005" or "15". */
static void
put_seconds(struct buf *b, uint64_t us)
{
	unsigned digits = (unsigned)(us % SECOND);
	unsigned width = 6;

	buf_number(b, us / SECOND);
	if (digits == 0)
		return;
	for (; digits % 10 == 0; digits /= 10)
		width--;
	buf_printf(b, ".%0*u", (int)width, digits);
}

static void
put_histogram(struct buf *b, const char *name, const char *help,
    const struct histogram *h, const uint64_t *bounds, size_t n, bool seconds)
{
	void (*put)(struct buf *, uint64_t) =
	    seconds ? put_seconds : buf_number;
	uint64_t so_far = 0;

	put_family(b, name, "histogram", help);
	for (size_t i = 0; i <= n; i++) {
		so_far += counter_read(&h->buckets[i]);
		buf_printf(b, "avouch_%s_bucket{le=\"", name);
		if (i < n)
			put(b, bounds[i]);
		else
			buf_text(b, "+Inf");
		buf_text(b, "\"}");
		put_value(b, so_far);
	}
	buf_printf(b, "avouch_%s_sum ", name);
	put(b, counter_read(&h->sum));
	buf_printf(b, "\navouch_%s_count", name);
	put_value(b, so_far);
}

static const char *
spf_token(unsigned code)
{
	return spf_code_name((enum spf_code)code);
}

static const char *
dkim_token(unsigned code)
{
	return dkim_code_name((enum dkim_code)code);
}

static const char *
arc_token(unsigned code)
{
	return arc_code_name((enum arc_code)code);
}

static const char *
dmarc_token(unsigned code)
{
	return dmarc_code_name((enum dmarc_code)code);
}

static void
put_results(struct buf *b)
{
	static const struct {
		const char *name;
		const char *(*token)(unsigned code);
		unsigned last;
	} methods[METHODS] = {
		[METHOD_SPF] = { "spf", spf_token, SPF_PERMERROR },
		[METHOD_SPF_HELO] = { "spf_helo", spf_token, SPF_PERMERROR },
		[METHOD_DKIM] = { "dkim", dkim_token, DKIM_PERMERROR },
		[METHOD_ARC] = { "arc", arc_token, ARC_TEMPERROR },
		[METHOD_DMARC] = { "dmarc", dmarc_token, DMARC_PERMERROR },
	};

	put_family(b, "results_total", "counter",
	    "Checked messages, by method and best result.");
	for (size_t i = 0; i < METHODS; i++)
		for (unsigned code = 0; code <= methods[i].last; code++) {
			buf_printf(b,
			    "avouch_results_total{method=\"%s\",result=\"%s\"}",
			    methods[i].name, methods[i].token(code));
			put_value(b, counter_read(&counts.results[i][code]));
		}
}

static void
put_actions(struct buf *b)
{
	put_family(
	    b, "messages_total", "counter", "Finished messages, by action.");
	for (unsigned i = 0; i < ACTIONS_MAX; i++)
		put_labelled(b, "messages_total", "action",
		    conf_action_name((enum conf_action)i),
		    counter_read(&counts.actions[i]));
	put_family(b, "messages_would_total", "counter",
	    "Messages that mode or sample exempted, by the action that would "
	    "have been taken.");
	for (unsigned i = CONF_ANNOTATE; i < ACTIONS_MAX; i++)
		put_labelled(b, "messages_would_total", "action",
		    conf_action_name((enum conf_action)i),
		    counter_read(&counts.would[i]));
}

static void
put_messages(struct buf *b)
{
	put_actions(b);
	put_results(b);
	put_one(b, "messages_skipped_total", "counter",
	    "Messages from local users and trusted MTAs, which are not "
	    "checked.",
	    counter_read(&counts.skipped));
	put_one(b, "messages_unchecked_total", "counter",
	    "Messages that were not checked because memory ran out.",
	    counter_read(&counts.unchecked));
	put_one(b, "forged_fields_total", "counter",
	    "Header fields that were removed because they claimed to come from "
	    "this host.",
	    counter_read(&counts.forged));
	put_family(b, "budget_hits_total", "counter",
	    "Messages whose checks stopped at a limit: time or the number of "
	    "DNS questions (dns), or memory or another limit (limit).");
	put_labelled(b, "budget_hits_total", "budget", "dns",
	    counter_read(&counts.gave_up));
	put_labelled(b, "budget_hits_total", "budget", "limit",
	    counter_read(&counts.faulty));
	put_one(b, "overload_total", "counter",
	    "Messages that could not be checked because memory ran out or a "
	    "limit was reached (time, number of DNS questions).",
	    counter_read(&counts.overload));
	put_one(b, "invalid_from_total", "counter",
	    "Messages whose From field is missing or invalid.",
	    counter_read(&counts.invalid_from));
	put_histogram(b, "finish_seconds",
	    "Time from the end of a message to its verdict.", &counts.finish,
	    times, ARRAY_SIZE(times), true);
	put_histogram(b, "message_seconds",
	    "Time from MAIL to the end of the message.", &counts.total, times,
	    ARRAY_SIZE(times), true);
	put_histogram(b, "round_trips",
	    "Consecutive DNS round trips needed to check a message.",
	    &counts.waves, round_trips, ARRAY_SIZE(round_trips), false);
	put_one(b, "questions_total", "counter",
	    "DNS questions asked for messages, including those that the cache "
	    "answered.",
	    counter_read(&counts.questions));
}

static void
put_turn(struct buf *b, const char *clock, uint64_t us)
{
	buf_printf(b, "avouch_dns_turn_seconds_max{clock=\"%s\"} ", clock);
	put_seconds(b, us);
	buf_byte(b, '\n');
}

/* Whether no earlier server has the same address.  A server may be listed
 * twice, but each sample must be unique. */
static bool
is_first_of_address(const struct service_counts *s, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (server_address_equal(
			&s->servers[k].address, &s->servers[i].address))
			return false;
	return true;
}

/* Writes one sample for each server and reason. */
static void
put_servers(struct buf *b, const char *name, const struct service_counts *s,
    bool failures)
{
	for (size_t i = 0; i < s->n_servers; i++)
		for (int t = DNS_TROUBLE_NONE + 1; t < DNS_TROUBLES; t++) {
			const struct dns_server_health *h = &s->servers[i];

			if (!is_first_of_address(s, i))
				continue;
			buf_printf(b, "avouch_%s{resolver=\"", name);
			server_address_put(b, &h->address);
			buf_printf(b, "\",reason=\"%s\"}",
			    dns_trouble_name((enum dns_trouble)t));
			put_value(b, failures ? h->failures[t] : h->seconds[t]);
		}
}

static void
put_resolvers(struct buf *b, const struct service_counts *s)
{
	if (s->n_servers == 0)
		return; /* there are no servers if a zone file is used */
	put_family(b, "resolver_failures_total", "counter",
	    "Resolver failures that were detected, by reason.");
	put_servers(b, "resolver_failures_total", s, true);
	put_family(b, "resolver_failing_seconds", "gauge",
	    "How long a resolver has been failing, by reason; 0: it works.");
	put_servers(b, "resolver_failing_seconds", s, false);
}

static void
put_dns(struct buf *b, const struct service_counts *s)
{
	const struct dns_resolver_counts *n = &s->net;
	const struct dns_cache_counts *c = &s->cache;

	put_one(b, "dns_questions_total", "counter",
	    "Questions sent to the resolvers.", n->questions);
	put_one(b, "dns_repetitions_total", "counter",
	    "Questions that were repeated.", n->repetitions);
	put_one(b, "dns_tcp_total", "counter",
	    "Questions that were repeated over TCP.", n->tcp);
	put_one(b, "dns_answers_total", "counter",
	    "Answers received from the resolvers.", n->answers);
	put_family(b, "dns_failures_total", "counter",
	    "Questions without a usable answer, by cause.");
	put_labelled(b, "dns_failures_total", "cause", "timeout", n->timeouts);
	put_labelled(
	    b, "dns_failures_total", "cause", "servfail", n->servfails);
	put_labelled(
	    b, "dns_failures_total", "cause", "unreachable", n->unreachable);
	put_labelled(b, "dns_failures_total", "cause", "limit", n->cut_off);
	put_labelled(b, "dns_failures_total", "cause", "crowded", n->crowded);
	put_one(b, "dns_strays_total", "counter",
	    "Datagrams that did not match any of our questions.", n->strays);
	put_one(b, "dns_wrong_ids_total", "counter",
	    "Unmatched datagrams whose id was not in use on their port: "
	    "possibly an attempt to forge answers.",
	    n->wrong_ids);
	put_one(b, "dns_suspect_ports_total", "counter",
	    "Ports that were closed because of wrong ids.", n->suspect_ports);
	put_one(b, "dns_unanswered", "gauge",
	    "Questions that the resolvers have not answered yet.",
	    n->unanswered);
	put_family(b, "dns_turn_seconds_max", "gauge",
	    "Longest time during which the DNS thread read no answers, and the "
	    "most processor time that it used in such a period.");
	put_turn(b, "wall", n->turn_max_us);
	put_turn(b, "cpu", n->turn_max_cpu_us);
	put_one(b, "dns_cache_hits_total", "counter",
	    "Questions that the cache answered.", c->hits);
	put_one(b, "dns_cache_misses_total", "counter",
	    "Questions that the cache sent to the resolvers.", c->misses);
	put_one(b, "dns_cache_joined_total", "counter",
	    "Questions that waited for the same question from another message.",
	    c->joined);
	put_one(b, "dns_cache_evicted_total", "counter",
	    "Answers that were removed to make room.", c->evicted);
	put_one(b, "dns_cache_entries", "gauge", "Answers in the cache.",
	    c->entries);
	put_one(b, "dns_cache_bytes", "gauge",
	    "Memory that the cache uses, in bytes.", c->bytes);
}

static void
put_service(struct buf *b, const struct service_counts *s)
{
	put_family(b, "build_info", "gauge", "The version of avouch-milter.");
	put_labelled(b, "build_info", "version", AVOUCH_VERSION, 1);
	put_one(b, "enforcing", "gauge",
	    "1 if mode is enforce, 0 if it is monitor.", s->enforcing);
	put_one(b, "start_time_seconds", "gauge",
	    "Time when the daemon started, in seconds since 1970.",
	    (uint64_t)s->started);
	put_one(b, "config_load_time_seconds", "gauge",
	    "Time when the current configuration was read, in seconds since "
	    "1970.",
	    (uint64_t)s->loaded);
	put_family(b, "reloads_total", "counter",
	    "Reloads of the configuration, by outcome.");
	put_labelled(b, "reloads_total", "result", "ok", s->reloads_ok);
	put_labelled(b, "reloads_total", "result", "failed", s->reloads_failed);
	put_one(b, "overrides", "gauge", "Override sections.", s->overrides);
	put_one(b, "overrides_expired", "gauge",
	    "Override sections that have expired.", s->overrides_expired);
	put_one(b, "connections_total", "counter", "Connections from the MTA.",
	    s->connections_total);
	put_one(b, "connections_refused_total", "counter",
	    "Connections that were refused with a temporary error: too many, "
	    "or the daemon is stopping.",
	    s->refused);
	put_one(b, "connections", "gauge", "Open connections.", s->connections);
	put_one(b, "messages_in_hand", "gauge", "Messages in progress.",
	    s->in_hand);
}

static void
put_store(struct buf *b)
{
	struct store_counts s;

	if (!message_sink_store_counts(&s))
		return;
	put_one(b, "store_put_total", "counter",
	    "Messages queued for the store.", s.put);
	put_one(b, "store_committed_total", "counter",
	    "Messages written to disk.", s.committed);
	put_one(b, "store_lost_total", "counter",
	    "Messages that could not be stored and were dropped.", s.lost);
	put_one(b, "store_faults_total", "counter",
	    "Groups of messages that could not be committed.", s.faults);
	put_one(b, "store_groups_total", "counter",
	    "Groups of messages that were committed.", s.groups);
	put_one(b, "store_set_aside_total", "counter",
	    "Store files that were renamed because they were corrupt.",
	    s.set_aside);
	put_one(b, "store_queued", "gauge", "Messages waiting to be stored.",
	    s.queued);
}

void
metrics_put(struct buf *page)
{
	struct service_counts s;

	service_counts(&s);
	put_service(page, &s);
	put_messages(page);
	sign_sink_put_metrics(page);
	key_watch_put_metrics(page);
	put_dns(page, &s);
	put_resolvers(page, &s);
	put_store(page);
}
