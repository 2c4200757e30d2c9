#include "report/show/host_names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/domain.h"
#include "verify/dns_task.h"

enum {
	PTR_MAX = 4, /* names of an address that are tried */
	SCRATCH = 1 << 20,
};

struct host_name {
	struct ip source;
	struct span name;
};

struct host_names {
	struct arena *a;
	struct host_name list[HOST_NAMES_MAX];
	size_t n;
};

/* Some of the list, which are looked up together. */
struct host_wave {
	struct host_names *names;
	size_t from, to;
};

/* ---- looking up ---- */

static enum core_status
confirm(struct host_names *names, struct host_name *host, struct span name,
    struct dns_questions *questions)
{
	const struct dns_answer *answer = dns_ask(
	    questions, name, host->source.family == IP_V6 ? DNS_AAAA : DNS_A);

	for (size_t i = 0; i < answer->n_records; i++)
		if (ip_equal(&answer->records[i].ip, &host->source))
			host->name = arena_copy(names->a, name);
	return answer->state == DNS_PENDING ? CORE_WAIT : CORE_DONE;
}

static enum core_status
look_up(struct host_names *names, struct host_name *host,
    struct dns_questions *questions)
{
	char memory[100];
	struct buf b = buf_wrap(memory, sizeof(memory));
	enum core_status status = CORE_DONE;
	const struct dns_answer *answer;

	ip_put_reverse(&b, &host->source);
	answer = dns_ask(questions, buf_view(&b), DNS_PTR);
	if (answer->state == DNS_PENDING)
		return CORE_WAIT;
	for (size_t i = 0; i < answer->n_records && i < PTR_MAX; i++)
		if (host->name.n == 0 &&
		    domain_is_fqdn(answer->records[i].text) &&
		    confirm(names, host, answer->records[i].text, questions) ==
			CORE_WAIT)
			status = CORE_WAIT;
	return status;
}

static enum core_status
host_wave_step(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct host_wave *wave = facts;
	enum core_status status = CORE_DONE;

	(void)scratch;
	for (size_t i = wave->from; i < wave->to; i++) {
		struct host_name *host = &wave->names->list[i];

		if (host->name.n == 0 &&
		    look_up(wave->names, host, questions) == CORE_WAIT)
			status = CORE_WAIT;
	}
	return status;
}

static void
look_up_all(struct host_names *names, struct dns_source *dns)
{
	int64_t deadline = clock_ms() + HOST_NAMES_WAIT_MS;
	struct host_wave wave = { .names = names };

	while (wave.to < names->n && clock_ms() < deadline) {
		struct dns_task *task;

		wave.from = wave.to;
		wave.to = names->n - wave.from > HOST_NAMES_WAVE
		    ? wave.from + HOST_NAMES_WAVE
		    : names->n;
		task = dns_task_start(dns, host_wave_step, &wave,
		    HOST_NAMES_WAVE * (1 + PTR_MAX), SCRATCH);
		if (task == NULL)
			return;
		dns_task_wait(task, deadline);
		dns_task_free(task);
	}
}

/* ---- the list ---- */

static bool
add_host(void *arg, const struct ip *source)
{
	struct host_names *names = arg;

	if (source->family != IP_NONE)
		names->list[names->n++] =
		    (struct host_name){ .source = *source, .name = SPAN("") };
	return names->n < HOST_NAMES_MAX;
}

static int
by_address(const void *left, const void *right)
{
	const struct host_name *a = left, *b = right;
	int diff =
	    memcmp(a->source.bytes, b->source.bytes, sizeof(a->source.bytes));

	return diff != 0 ? diff : (int)a->source.family - (int)b->source.family;
}

struct host_names *
host_names_look_up(
    struct ledger *l, const struct ledger_range *range, struct dns_source *dns)
{
	struct host_names *names = calloc(1, sizeof(*names));

	if (names != NULL)
		names->a = arena_new(HOST_NAMES_MAX * DOMAIN_MAX * 2);
	if (names == NULL || names->a == NULL ||
	    ledger_each_busy_source(
		l, range, HOST_NAMES_MAX, add_host, names) != LEDGER_OK) {
		host_names_free(names);
		return NULL;
	}
	look_up_all(names, dns);
	qsort(names->list, names->n, sizeof(names->list[0]), by_address);
	return names;
}

void
host_names_free(struct host_names *names)
{
	if (names != NULL)
		arena_free(names->a);
	free(names);
}

struct span
host_names_get(const struct host_names *names, const struct ip *source)
{
	const struct host_name key = { .source = *source }, *found;

	if (names == NULL)
		return SPAN("");
	found = bsearch(
	    &key, names->list, names->n, sizeof(names->list[0]), by_address);
	return found != NULL && found->name.p != NULL ? found->name : SPAN("");
}
