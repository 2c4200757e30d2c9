#include "milter/counters.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "milter/record.h"
#include "milter/service.h"

enum {
	ACTIONS = CONF_TEMPFAIL + 1,
	SPF_CODES = SPF_PERMERROR + 1,
	DKIM_CODES = DKIM_PERMERROR + 1,
	ARC_CODES = ARC_TEMPERROR + 1,
	DMARC_CODES = DMARC_PERMERROR + 1,
};

/* Upper bounds of the histogram of the time a message waited for DNS. */
static const unsigned bounds_ms[] = { 1, 5, 10, 25, 50, 100, 250, 500, 1000,
	2500, 5000, 10000, 15000 };
enum { BOUNDS = sizeof(bounds_ms) / sizeof(bounds_ms[0]) };

typedef _Atomic uint64_t count;

static struct {
	count action[ACTIONS], would[ACTIONS];
	count spf[SPF_CODES], dkim[DKIM_CODES], arc[ARC_CODES],
	    dmarc[DMARC_CODES];
	count unchecked, skipped, removed, late, over, questions;
	count wait[BOUNDS + 1], wait_ms;
} counted;

/* ---- counting ---- */

static void
add(count *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static uint64_t
get(const count *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
count_results(const struct verdict *v)
{
	size_t i = 0;

	add(&counted.spf[v->spf_mail_from.code], 1);
	if (v->n_dkim == 0)
		add(&counted.dkim[DKIM_NONE], 1);
	for (size_t n = 0; n < v->n_dkim; n++)
		add(&counted.dkim[v->dkim[n].code], 1);
	add(&counted.arc[v->arc.code], 1);
	add(&counted.dmarc[v->dmarc.code], 1);
	while (i < BOUNDS && v->wait_ms > bounds_ms[i])
		i++;
	add(&counted.wait[i], 1);
	add(&counted.wait_ms, (uint64_t)v->wait_ms);
	add(&counted.questions, v->questions);
}

void
counters_message(const struct verdict *v)
{
	if (v == NULL) {
		add(&counted.unchecked, 1);
		return;
	}
	add(&counted.action[v->decision.action], 1);
	if (v->decision.would != v->decision.action)
		add(&counted.would[v->decision.would], 1);
	add(&counted.removed, v->strip_all ? v->n_authres : v->n_strip);
	if (v->gave_up)
		add(&counted.late, 1);
	if (v->faulty)
		add(&counted.over, 1);
	if (v->skip != NULL)
		add(&counted.skipped, 1);
	else
		count_results(v);
}

/* ---- telling ---- */

static void
head(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP avouch_%s %s\n# TYPE avouch_%s %s\n", name, help,
	    name, type);
}

static void
one(FILE *out, const char *name, const char *type, uint64_t value,
    const char *help)
{
	head(out, name, type, help);
	fprintf(out, "avouch_%s %" PRIu64 "\n", name, value);
}

static void
total(FILE *out, const char *name, uint64_t value, const char *help)
{
	one(out, name, "counter", value, help);
}

static void
gauge(FILE *out, const char *name, uint64_t value, const char *help)
{
	one(out, name, "gauge", value, help);
}

static void
result(FILE *out, const char *method, const char *code, const count *c)
{
	fprintf(out,
	    "avouch_results_total{method=\"%s\",result=\"%s\"} %" PRIu64 "\n",
	    method, code, get(c));
}

static void
put_results(FILE *out)
{
	head(out, "results_total", "counter",
	    "Results by method; of DKIM those of each signature.");
	for (int c = 0; c < SPF_CODES; c++)
		result(out, "spf", spf_code_name((enum spf_code)c),
		    &counted.spf[c]);
	for (int c = 0; c < DKIM_CODES; c++)
		result(out, "dkim", dkim_code_name((enum dkim_code)c),
		    &counted.dkim[c]);
	for (int c = 0; c < ARC_CODES; c++)
		result(out, "arc", arc_code_name((enum arc_code)c),
		    &counted.arc[c]);
	for (int c = 0; c < DMARC_CODES; c++)
		result(out, "dmarc", dmarc_code_name((enum dmarc_code)c),
		    &counted.dmarc[c]);
}

static void
put_messages(FILE *out)
{
	head(out, "messages_total", "counter", "Messages by what was done.");
	for (unsigned a = 0; a < ACTIONS; a++)
		fprintf(out,
		    "avouch_messages_total{action=\"%s\"} %" PRIu64 "\n",
		    conf_action_name(a), get(&counted.action[a]));
	head(out, "messages_would_total", "counter",
	    "Messages by what would have been done, were it enforced.");
	for (unsigned a = 0; a < ACTIONS; a++)
		fprintf(out,
		    "avouch_messages_would_total{action=\"%s\"} %" PRIu64 "\n",
		    conf_action_name(a), get(&counted.would[a]));
	total(out, "messages_skipped_total", get(&counted.skipped),
	    "Messages of own users, not judged.");
	total(out, "messages_unchecked_total", get(&counted.unchecked),
	    "Messages that memory was too short for.");
	total(out, "messages_late_total", get(&counted.late),
	    "Messages whose time or number of questions ran out.");
	total(out, "messages_over_limit_total", get(&counted.over),
	    "Messages cut off by another limit, or by a lack of memory.");
	total(out, "forged_fields_total", get(&counted.removed),
	    "Authentication-Results fields removed on arrival.");
}

static void
put_waits(FILE *out)
{
	uint64_t sum = 0;

	head(out, "dns_wait_seconds", "histogram",
	    "Time a message waited for DNS after its end.");
	for (size_t i = 0; i < BOUNDS; i++) {
		sum += get(&counted.wait[i]);
		fprintf(out,
		    "avouch_dns_wait_seconds_bucket{le=\"%u.%03u\"} %" PRIu64
		    "\n",
		    bounds_ms[i] / 1000, bounds_ms[i] % 1000, sum);
	}
	sum += get(&counted.wait[BOUNDS]);
	fprintf(out,
	    "avouch_dns_wait_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n"
	    "avouch_dns_wait_seconds_sum %" PRIu64 ".%03" PRIu64 "\n"
	    "avouch_dns_wait_seconds_count %" PRIu64 "\n",
	    sum, get(&counted.wait_ms) / 1000, get(&counted.wait_ms) % 1000,
	    sum);
	total(out, "questions_total", get(&counted.questions),
	    "DNS questions that messages asked.");
}

static void
put_dns(FILE *out, const struct service_counts *s)
{
	if (!s->has_net)
		return;
	total(out, "dns_datagrams_total", s->net.datagrams,
	    "Datagrams sent to name servers.");
	total(out, "dns_repetitions_total", s->net.repetitions,
	    "Questions sent again.");
	total(out, "dns_tcp_total", s->net.tcp, "Questions sent over TCP.");
	total(out, "dns_answers_total", s->net.answers, "Answers that came.");
	total(out, "dns_timeouts_total", s->net.timeouts,
	    "Questions without an answer.");
	total(out, "dns_servfails_total", s->net.servfails,
	    "Answers that told of a failure.");
	total(out, "dns_strays_total", s->net.strays,
	    "Datagrams that fit no question.");
	total(out, "dns_cache_hits_total", s->cache.hits,
	    "Questions answered from memory.");
	total(out, "dns_cache_misses_total", s->cache.misses,
	    "Questions passed on to name servers.");
	total(out, "dns_cache_joined_total", s->cache.joined,
	    "Questions that waited for the same one asked before.");
	total(out, "dns_cache_evicted_total", s->cache.evicted,
	    "Answers that had to go for lack of room.");
	total(out, "dns_cache_stale_total", s->cache.stale,
	    "Answers past their time, served while name servers failed.");
	gauge(out, "dns_cache_entries", s->cache.entries, "Answers kept.");
	gauge(out, "dns_cache_bytes", s->cache.bytes, "Memory they take.");
}

static void
put_store(FILE *out)
{
	struct store_counts s;

	if (!record_store_counts(&s))
		return;
	total(out, "store_put_total", s.put, "Messages given to the store.");
	total(out, "store_committed_total", s.committed, "Messages on disk.");
	total(out, "store_lost_total", s.lost, "Messages given up.");
	total(out, "store_faults_total", s.faults,
	    "Groups that could not be committed.");
	total(out, "store_groups_total", s.groups, "Groups committed.");
	gauge(out, "store_queued", s.queued, "Messages that wait.");
}

void
counters_put(FILE *out)
{
	struct service_counts s;

	service_counts(&s);
	head(out, "build_info", "gauge", "The version that runs.");
	fputs("avouch_build_info{version=\"" AVOUCH_VERSION "\"} 1\n", out);
	gauge(out, "start_time_seconds", (uint64_t)s.started,
	    "When it was started, since 1970.");
	gauge(out, "enforcing", s.enforcing, "1: mode = enforce.");
	gauge(out, "connections", s.connections, "Connections of MTAs.");
	total(out, "connections_total", s.connections_total,
	    "Connections that came.");
	total(out, "connections_refused_total", s.refused,
	    "Connections that were told to come again.");
	gauge(out, "messages_in_hand", s.in_hand, "Messages under way.");
	head(out, "reloads_total", "counter", "Configurations read again.");
	fprintf(out,
	    "avouch_reloads_total{result=\"ok\"} %" PRIu64 "\n"
	    "avouch_reloads_total{result=\"failed\"} %" PRIu64 "\n",
	    s.reloads_ok, s.reloads_failed);
	put_messages(out);
	put_results(out);
	put_waits(out);
	put_dns(out, &s);
	put_store(out);
}
