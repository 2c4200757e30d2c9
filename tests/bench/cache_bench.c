/*
 * cache_bench.c - measures a DNS cache with more names than it can hold:
 * entries, memory and hits for several limits, and during a simulated day.
 *
 * usage: cache_bench [NAMES [QUESTIONS]]
 *
 * The frequency of names follows Zipf's law, as that of domains in mail does:
 * the n-th most frequent name has weight 1/n.  The TTL is 5 minutes, an hour or
 * a day, depending on the name; one name in ten does not exist.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dns/cache.h"
#include "lib/buf.h"

enum {
	NAMES = 1000000,
	QUESTIONS = 2000000,
	HOUR_MS = 3600 * 1000,
	NAME_MAX_BYTES = 64,
	MIB = 1 << 20,
};

static int64_t now_ms;

static int64_t
fast_clock(void)
{
	return now_ms;
}

/* xorshift64: gives the same numbers in each run. */
static uint64_t
next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Returns a random rank that follows Zipf's law: its logarithm is uniformly
 * distributed. */
static size_t
next_rank(uint64_t *state, size_t names)
{
	double u = (double)(next_random(state) >> 11) / 9007199254740992.0;

	return (size_t)(exp(u * log((double)names + 1)) - 1);
}

static void
answer_at_once(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	static const uint32_t ttls[] = { 300, 3600, 86400 };
	static const char text[] =
	    "v=DMARC1; p=quarantine; rua=mailto:reports@agency.example";
	struct dns_record record = {
		.text = span_of(text, sizeof(text) - 1),
		.strings = 1,
	};
	unsigned kind = (unsigned char)name.p[0] + (unsigned char)name.p[1];
	struct dns_answer a = {
		.state = kind % 10 == 0 ? DNS_NXDOMAIN : DNS_FOUND,
		.ttl = ttls[kind % 3],
		.n_records = kind % 10 == 0 ? 0 : 1,
		.records = &record,
	};
	const struct dns_answer *answer = dns_answer_new(&a);

	(void)source;
	(void)type;
	if (answer == NULL)
		abort();
	wait->done(wait, answer);
	dns_answer_unref(answer);
}

static void
nothing_to_do(struct dns_wait *wait, const struct dns_answer *answer)
{
	(void)wait;
	(void)answer;
}

static void
ask_cache(struct dns_source *cache, size_t rank)
{
	char text[NAME_MAX_BYTES];
	int n = snprintf(text, sizeof(text), "%02zu._dmarc.d%zu.example",
	    rank * 7 % 100, rank);
	struct dns_wait wait = { .done = nothing_to_do };

	cache->ask(cache, span_of(text, (size_t)n), DNS_TXT, &wait);
}

static double
memory_mib(void)
{
	long size, pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f == NULL || fscanf(f, "%ld %ld", &size, &pages) != 2)
		abort();
	fclose(f);
	return (double)pages * (double)sysconf(_SC_PAGESIZE) / (double)MIB;
}

static struct dns_source *
open_cache(size_t mib)
{
	static struct dns_source below = { .ask = answer_at_once };
	struct dns_source *cache = dns_cache_open(
	    &(struct dns_cache_options){
		.bytes = mib * MIB,
		.clock = fast_clock,
	    },
	    &below);

	if (cache == NULL)
		abort();
	return cache;
}

static void
print_row(const char *what, struct dns_source *cache,
    const struct dns_cache_counts *before)
{
	struct dns_cache_counts c;
	uint64_t hits, all;

	dns_cache_counts(cache, &c);
	hits = c.hits - before->hits;
	all = hits + c.misses - before->misses;
	printf("| %s | %zu | %.1f | %.1f | %.1f | %llu |\n", what, c.entries,
	    (double)c.bytes / (double)MIB, memory_mib(),
	    all > 0 ? 100.0 * (double)hits / (double)all : 0,
	    (unsigned long long)(c.evicted - before->evicted));
}

/* Measures one limit: asks for each name once, then for names distributed by
 * Zipf's law. */
static void
measure_limit(size_t mib, size_t names, size_t questions)
{
	struct dns_source *cache = open_cache(mib);
	struct dns_cache_counts filled;
	uint64_t random = 0x9e3779b97f4a7c15U;
	char what[40];
	struct timespec t;
	double began;

	for (size_t i = 0; i < names; i++)
		ask_cache(cache, i);
	dns_cache_counts(cache, &filled);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	began = (double)t.tv_sec + (double)t.tv_nsec / 1e9;
	for (size_t i = 0; i < questions; i++)
		ask_cache(cache, next_rank(&random, names));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	snprintf(what, sizeof(what), "%zu MiB, %.2f us", mib,
	    ((double)t.tv_sec + (double)t.tv_nsec / 1e9 - began) * 1e6 /
		(double)questions);
	print_row(what, cache, &filled);
	cache->close(cache);
}

static void
measure_day(size_t mib, size_t names, size_t questions)
{
	struct dns_source *cache = open_cache(mib);
	struct dns_cache_counts before = { 0 };
	uint64_t random = 0x9e3779b97f4a7c15U;
	size_t an_hour = questions / 24;
	char what[40];

	for (int hour = 1; hour <= 24; hour++) {
		for (size_t i = 0; i < an_hour; i++) {
			ask_cache(cache, next_rank(&random, names));
			now_ms = (int64_t)(hour - 1) * HOUR_MS +
			    (int64_t)(i * HOUR_MS / an_hour);
		}
		if (hour == 1 || hour % 6 == 0) {
			snprintf(what, sizeof(what), "hour %d", hour);
			print_row(what, cache, &before);
		}
		dns_cache_counts(cache, &before);
	}
	cache->close(cache);
}

int
main(int argc, char **argv)
{
	size_t names = argc > 1 ? strtoull(argv[1], NULL, 10) : NAMES;
	size_t questions = argc > 2 ? strtoull(argv[2], NULL, 10) : QUESTIONS;
	static const size_t limits[] = { 1, 4, 16, 64, 256 };

	if (names == 0 || questions < 24)
		return 2;
	/* measure the day first, before other caches add to the memory of the
	 * process */
	printf("%zu names, %zu questions in a day, limit 16 MiB; hits and "
	       "evictions of the hour\n\n| until | entries | counted MiB | "
	       "process MiB | hits %% | evicted |\n|---|---|---|---|---|---|\n",
	    names, questions);
	measure_day(16, names, questions);
	printf("\nEach name once, then as many questions; a question includes "
	       "making its name\n\n| limit, CPU a question | entries | counted "
	       "MiB | process MiB | hits %% | evicted |\n"
	       "|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		measure_limit(limits[i], names, questions);
	return 0;
}
