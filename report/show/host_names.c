#include "report/show/host_names.h"

#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/domain.h"
#include "verify/dns_task.h"

enum {
	PTR_MAX = 4, /* PTR names to try per address */
	SCRATCH = 1000,
};

/* `name` is written by the thread that handles the answers. */
struct host_name {
	struct ip source;
	char name[DOMAIN_MAX + 1]; /* "": none */
};

struct host_names {
	struct host_name list[HOST_NAMES_MAX];
	size_t n;
};

/* ---- lookups ---- */

static enum core_status
confirm(
    struct host_name *host, struct span name, struct dns_questions *questions)
{
	const struct dns_answer *answer = dns_ask(
	    questions, name, host->source.family == IP_V6 ? DNS_AAAA : DNS_A);
	struct buf b = buf_wrap(host->name, sizeof(host->name));

	for (size_t i = 0; i < answer->n_records; i++)
		if (ip_equal(&answer->records[i].ip, &host->source)) {
			buf_span(&b, name);
			break;
		}
	return answer->state == DNS_PENDING ? CORE_WAIT : CORE_DONE;
}

static enum core_status
host_name_step(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct host_name *host = facts;
	char memory[100];
	struct buf b = buf_wrap(memory, sizeof(memory));
	enum core_status status = CORE_DONE;
	const struct dns_answer *answer;

	(void)scratch;
	ip_put_reverse(&b, &host->source);
	answer = dns_ask(questions, buf_view(&b), DNS_PTR);
	if (answer->state == DNS_PENDING)
		return CORE_WAIT;
	for (size_t i = 0; i < answer->n_records && i < PTR_MAX; i++)
		if (host->name[0] == '\0' &&
		    domain_is_fqdn(answer->records[i].text) &&
		    confirm(host, answer->records[i].text, questions) ==
			CORE_WAIT)
			status = CORE_WAIT;
	return status;
}

/* Looks up each source in a separate task, so that none waits for another's
 * name servers. */
static void
look_up_wave(struct host_name *hosts, size_t n, struct dns_source *dns)
{
	struct dns_task *tasks[HOST_NAMES_WAVE];
	int64_t deadline;

	for (size_t i = 0; i < n; i++)
		tasks[i] = dns_task_start(
		    dns, host_name_step, &hosts[i], 1 + PTR_MAX, SCRATCH);
	deadline = clock_ms() + HOST_NAMES_WAVE_MS;
	for (size_t i = 0; i < n; i++) {
		if (tasks[i] != NULL)
			dns_task_wait(tasks[i], deadline);
		dns_task_free(tasks[i]);
	}
}

static void
look_up_all(struct host_names *names, struct dns_source *dns)
{
	for (size_t i = 0; i < names->n; i += HOST_NAMES_WAVE) {
		size_t rest = names->n - i;

		look_up_wave(&names->list[i],
		    rest < HOST_NAMES_WAVE ? rest : HOST_NAMES_WAVE, dns);
	}
}

/* ---- the list of sources ---- */

static bool
add_host(void *arg, const struct ip *source)
{
	struct host_names *names = arg;

	if (source->family != IP_NONE)
		names->list[names->n++].source = *source;
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

	if (names == NULL ||
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
	return found != NULL ? span_str(found->name) : SPAN("");
}
