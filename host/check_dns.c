/*
 * check_dns.c - sends one question to each resolver.
 */
#include <pthread.h>
#include <string.h>

#include "dns/resolver.h"
#include "host/check_internal.h"
#include "lib/scan.h"
#include "verify/core_options.h"

enum {
	FIRST_MS = 600, /* time until the question is repeated */
	ERROR_MAX = 1000,
	SERVER_TEXT_MAX = 80,
};

#define RESOLV_CONF "/etc/resolv.conf"
#define QUESTION "example.com" /* RFC 2606 section 3: always exists */

struct resolver_probe {
	struct dns_wait wait; /* must be first */
	pthread_mutex_t lock;
	pthread_cond_t answered;
	const struct dns_answer *answer; /* NULL: not answered yet */
	struct dns_source *source;
};

static void
probe_answered(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct resolver_probe *p = (struct resolver_probe *)wait;

	pthread_mutex_lock(&p->lock);
	p->answer = dns_answer_ref(answer);
	pthread_cond_signal(&p->answered);
	pthread_mutex_unlock(&p->lock);
}

/* Returns false if memory, threads or descriptors ran out; `error` says which.
 */
static bool
probe_begin(
    struct resolver_probe *p, const struct server_address *server, char *error)
{
	struct dns_resolver_options o = {
		.servers = { *server },
		.n_servers = 1,
		.first_ms = FIRST_MS,
		.total_ms = HOST_CHECK_DNS_MS,
	};

	*p = (struct resolver_probe){ .wait = { .done = probe_answered } };
	p->source = dns_resolver_open(&o, error, ERROR_MAX);
	if (p->source == NULL)
		return false;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->answered, NULL);
	p->source->ask(p->source, SPAN(QUESTION), DNS_NS, &p->wait);
	return true;
}

/* Returns why the probe failed; DNS_TROUBLE_NONE if it did not. */
static enum dns_trouble
probe_trouble(struct resolver_probe *p)
{
	struct dns_server_health health[DNS_SERVERS_MAX];

	if (p->answer->state != DNS_FAILED ||
	    dns_resolver_health(p->source, health) != 1)
		return DNS_TROUBLE_NONE;
	for (int t = DNS_TROUBLE_NONE + 1; t < DNS_TROUBLES; t++)
		if (health[0].failures[t] > 0)
			return (enum dns_trouble)t;
	return DNS_TROUBLE_ERRORS;
}

static enum dns_trouble
probe_end(struct resolver_probe *p)
{
	enum dns_trouble trouble;

	pthread_mutex_lock(&p->lock);
	while (p->answer == NULL)
		pthread_cond_wait(&p->answered, &p->lock);
	pthread_mutex_unlock(&p->lock);
	trouble = probe_trouble(p);
	p->source->close(p->source);
	dns_answer_unref(p->answer);
	pthread_cond_destroy(&p->answered);
	pthread_mutex_destroy(&p->lock);
	return trouble;
}

/* Reads the servers from /etc/resolv.conf, and warns about each line that
 * cannot be used. */
static void
read_resolv_conf(struct host_checking *h, struct dns_resolver_options *o)
{
	char memory[ERROR_MAX];
	struct buf complaints = buf_wrap(memory, sizeof(memory));
	struct scan s;

	dns_resolver_read_resolv_conf(RESOLV_CONF, o, &complaints);
	s = scan_of(buf_view(&complaints));
	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		host_check_warning(
		    h, "", "nameservers", "%.*s", SPAN_FMT(line));
		scan_byte(&s, '\n');
	}
}

static void
report_probe(struct host_checking *h, const struct server_address *server,
    enum dns_trouble trouble)
{
	char text[SERVER_TEXT_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	if (trouble == DNS_TROUBLE_NONE)
		return;
	server_address_put(&b, server);
	host_check_warning(h, "", "nameservers", "the resolver %s %s%s", text,
	    trouble == DNS_TROUBLE_ERRORS
		? "answers with an error; perhaps it cannot reach the Internet"
		: dns_trouble_text(trouble),
	    h->conf->dns.n_servers == 0 ? " (from " RESOLV_CONF ")" : "");
}

void
host_check_resolvers(struct host_checking *h)
{
	struct dns_resolver_options o = core_options_resolver(h->conf);
	struct resolver_probe probes[DNS_SERVERS_MAX];
	char error[ERROR_MAX];
	size_t n = 0;

	if (o.n_servers == 0)
		read_resolv_conf(h, &o);
	while (n < o.n_servers && probe_begin(&probes[n], &o.servers[n], error))
		n++;
	if (n < o.n_servers)
		host_check_warning(h, "", "nameservers", "%s", error);
	for (size_t i = 0; i < n; i++)
		report_probe(h, &o.servers[i], probe_end(&probes[i]));
}
