#include "sign/key_look.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dns/resolver.h"

enum { LOOK_PORT = 53, ERROR_TEXT_MAX = 256 };

/* ---- blocking queries ---- */

struct look_batch {
	pthread_mutex_t lock;
	pthread_cond_t done;
	size_t missing;
};

struct look_question {
	struct dns_wait wait; /* must be first */
	struct look_batch *batch;
	char name[DOMAIN_MAX + 1];
	const struct dns_answer *answer; /* counted reference */
};

static void
look_answered(struct dns_wait *wait, const struct dns_answer *answer)
{
	struct look_question *q = (struct look_question *)wait;
	struct look_batch *batch = q->batch;

	pthread_mutex_lock(&batch->lock);
	q->answer = dns_answer_ref(answer);
	if (--batch->missing == 0)
		pthread_cond_signal(&batch->done);
	pthread_mutex_unlock(&batch->lock);
}

static void
batch_begin(struct look_batch *batch)
{
	pthread_mutex_init(&batch->lock, NULL);
	pthread_cond_init(&batch->done, NULL);
	batch->missing = 0;
}

static void
batch_ask(struct look_batch *batch, struct look_question *q,
    struct dns_source *source, struct span name, enum dns_type type)
{
	q->batch = batch;
	q->wait = (struct dns_wait){ .done = look_answered };
	q->answer = NULL;
	if (name.n > DOMAIN_MAX)
		name.n = 0;
	memcpy(q->name, name.p, name.n);
	q->name[name.n] = '\0';
	pthread_mutex_lock(&batch->lock);
	batch->missing++;
	pthread_mutex_unlock(&batch->lock);
	source->ask(source, span_of(q->name, name.n), type, &q->wait);
}

/* Needs no time limit, because a DNS source answers every query, at the latest
 * when it times out. */
static void
batch_wait(struct look_batch *batch)
{
	pthread_mutex_lock(&batch->lock);
	while (batch->missing > 0)
		pthread_cond_wait(&batch->done, &batch->lock);
	pthread_mutex_unlock(&batch->lock);
	pthread_mutex_destroy(&batch->lock);
	pthread_cond_destroy(&batch->done);
}

/* ---- the zone and its servers ---- */

struct look_host {
	struct look_question a, aaaa; /* queries for the server's name */
	struct look_question record, negative;
	struct dns_source *source;
};

struct look_step { /* one name in a chain of CNAMEs */
	const struct key_looker *looker;
	const struct private_key *key;
	struct span name;
	struct key_look *out;
	size_t n;
	struct look_host hosts[LOOK_SERVERS_MAX];
	int64_t wait;
	char alias[DOMAIN_MAX + 1]; /* "": none */
	size_t n_aliases, n_answers;
	bool aliases_differ;
};

static void
copy_name(char out[DOMAIN_MAX + 1], struct span name)
{
	struct buf b = buf_wrap(out, DOMAIN_MAX + 1);

	buf_printable(&b, name, DOMAIN_MAX);
}

/* Returns the NS records of the zone that contains the name: those of its
 * longest suffix that has any.  The caller releases the answer.  Returns NULL
 * if the zone could not be determined. */
static const struct dns_answer *
find_zone(struct look_step *step)
{
	struct look_question questions[LOOK_LABELS_MAX];
	size_t labels = domain_labels(step->name);
	const struct dns_answer *found = NULL;
	struct look_batch batch;
	bool unknown = false;

	if (labels > LOOK_LABELS_MAX)
		return NULL;
	batch_begin(&batch);
	for (size_t i = 0; i < labels; i++)
		batch_ask(&batch, &questions[i], step->looker->dns,
		    domain_suffix(step->name, labels - i), DNS_NS);
	batch_wait(&batch);
	for (size_t i = 0; i < labels; i++) {
		const struct dns_answer *a = questions[i].answer;

		unknown |= found == NULL && a->state == DNS_FAILED;
		if (found == NULL && a->state == DNS_FOUND &&
		    a->alias.p == NULL) {
			found = dns_answer_ref(a);
			copy_name(step->out->zone, span_str(questions[i].name));
		}
		dns_answer_unref(a);
	}
	if (found == NULL || !unknown)
		return found;
	dns_answer_unref(found);
	return NULL;
}

static void
ask_addresses(struct look_step *step, const struct dns_answer *servers)
{
	struct dns_source *dns = step->looker->dns;
	struct look_batch batch;

	batch_begin(&batch);
	for (size_t i = 0; i < servers->n_records && step->n < LOOK_SERVERS_MAX;
	     i++) {
		struct look_host *host = &step->hosts[step->n++];
		struct span name = servers->records[i].text;

		batch_ask(&batch, &host->a, dns, name, DNS_A);
		batch_ask(&batch, &host->aaaa, dns, name, DNS_AAAA);
	}
	batch_wait(&batch);
}

static void
add_addresses(struct server_address *list, size_t *n, size_t max,
    const struct dns_answer *answer)
{
	if (answer->state != DNS_FOUND)
		return;
	for (size_t i = 0; i < answer->n_records && *n < max; i++)
		list[(*n)++] =
		    (struct server_address){ .ip = answer->records[i].ip,
			    .port = LOOK_PORT };
}

static void
open_host(const struct key_looker *looker, struct look_host *host)
{
	struct server_address list[LOOK_ADDRESSES_MAX];
	size_t n = 0;

	/* At most half of the addresses are IPv4, so that IPv6 is tried too:
	 * this host may have only one of them. */
	add_addresses(list, &n, LOOK_ADDRESSES_MAX / 2, host->a.answer);
	add_addresses(list, &n, LOOK_ADDRESSES_MAX, host->aaaa.answer);
	dns_answer_unref(host->a.answer);
	dns_answer_unref(host->aaaa.answer);
	host->source = n > 0 ? looker->open(looker->arg, list, n) : NULL;
}

struct dns_source *
key_look_open_net(void *arg, const struct server_address *addresses, size_t n)
{
	struct dns_resolver_options o = { .first_ms = LOOK_FIRST_MS,
		.total_ms = LOOK_TIME_MS };
	char error[ERROR_TEXT_MAX];

	(void)arg;
	for (size_t i = 0; i < n && i < DNS_SERVERS_MAX; i++)
		o.servers[o.n_servers++] = addresses[i];
	return dns_resolver_open(&o, error, sizeof(error));
}

/* ---- answers of the servers ---- */

/* Queries a server for the record, and for a PTR record at the parent name.
 * The latter does not exist, so its answer has the negative TTL of the zone. */
static void
ask_host(
    struct look_batch *batch, struct look_step *step, struct look_host *host)
{
	batch_ask(batch, &host->record, host->source, step->name, DNS_TXT);
	batch_ask(batch, &host->negative, host->source,
	    domain_parent(step->name), DNS_PTR);
}

static void
add_wait(struct look_step *step, const struct look_host *host)
{
	const struct dns_answer *record = host->record.answer;
	const struct dns_answer *negative = host->negative.answer;
	int64_t wait = LOOK_NEGATIVE_S;

	if ((negative->state == DNS_NODATA ||
		negative->state == DNS_NXDOMAIN) &&
	    negative->ttl > 0 && negative->alias.p == NULL)
		wait = negative->ttl;
	if (wait < record->ttl)
		wait = record->ttl;
	if (step->wait < wait)
		step->wait = wait;
}

static void
note_alias(struct look_step *step, struct span alias)
{
	step->n_aliases++;
	if (step->alias[0] == '\0')
		copy_name(step->alias, alias);
	else if (!span_is(alias, step->alias))
		step->aliases_differ = true;
}

static void
read_host(struct look_step *step, struct look_host *host,
    struct key_look_server *server)
{
	const struct dns_answer *record = host->record.answer;

	server->answered =
	    record->state != DNS_FAILED && record->is_authoritative;
	server->error =
	    record->state == DNS_FAILED ? record->fault : DNS_ERROR_NONE;
	server->fault = KEY_FAULT_FAILED;
	if (server->answered) {
		step->n_answers++;
		server->fault = key_record_check(step->key, record);
		add_wait(step, host);
		if (record->alias.p != NULL)
			note_alias(step, record->alias);
	}
	dns_answer_unref(record);
	dns_answer_unref(host->negative.answer);
}

static void
ask_hosts(struct look_step *step)
{
	struct look_batch batch;

	batch_begin(&batch);
	for (size_t i = 0; i < step->n; i++)
		if (step->hosts[i].source != NULL)
			ask_host(&batch, step, &step->hosts[i]);
	batch_wait(&batch);
	step->out->n = step->n;
	for (size_t i = 0; i < step->n; i++) {
		struct look_host *host = &step->hosts[i];
		struct key_look_server *server = &step->out->servers[i];

		copy_name(server->name, span_str(host->a.name));
		server->answered = false;
		server->fault = KEY_FAULT_FAILED;
		server->error = DNS_ERROR_UNREACHABLE;
		if (host->source == NULL)
			continue;
		read_host(step, host, server);
		if (host->source != step->looker->dns)
			host->source->close(host->source);
	}
	if (step->n_aliases > 0 && step->n_aliases < step->n_answers)
		step->aliases_differ = true;
}

static void
conclude(struct key_look *out)
{
	bool unknown = out->n == 0, absent = false;

	out->fault = KEY_FAULT_NONE;
	for (size_t i = 0; i < out->n; i++) {
		const struct key_look_server *server = &out->servers[i];

		if (!server->answered || server->fault == KEY_FAULT_FAILED) {
			unknown = true;
		} else if (server->fault != KEY_FAULT_NONE) {
			absent = true;
			out->fault = server->fault;
		}
	}
	out->finding = absent ? ROTATION_ABSENT
	    : unknown         ? ROTATION_UNKNOWN
			      : ROTATION_PRESENT;
	if (out->finding == ROTATION_UNKNOWN)
		out->fault = KEY_FAULT_FAILED;
}

/* Checks one name in a chain and puts the servers' answers in `step->out`. */
static void
look_step(struct look_step *step)
{
	const struct key_looker *looker = step->looker;
	const struct dns_answer *servers;

	step->out->n = 0;
	step->out->zone[0] = '\0';
	copy_name(step->out->name, step->name);
	if (looker->open == NULL) {
		step->n = 1;
		step->hosts[0].source = looker->dns;
		copy_name(step->hosts[0].a.name, SPAN("the zone file"));
	} else {
		servers = find_zone(step);
		if (servers == NULL)
			return;
		ask_addresses(step, servers);
		dns_answer_unref(servers);
		for (size_t i = 0; i < step->n; i++)
			open_host(looker, &step->hosts[i]);
	}
	ask_hosts(step);
}

/* Returns true if all servers that answered have the same CNAME.  Its target is
 * then queried separately: other servers may be authoritative for it. */
static bool
has_alias(const struct look_step *step)
{
	if (step->alias[0] == '\0' || step->aliases_differ ||
	    step->looker->open == NULL)
		return false;
	return domain_is_valid(span_str(step->alias));
}

static void
look_chain(struct look_step *step, struct key_look *out)
{
	char name[DOMAIN_MAX + 1];
	bool unknown = false;

	for (unsigned i = 0; i < LOOK_CHAIN_MAX; i++) {
		bool follow;

		memset(step->hosts, 0, sizeof(step->hosts));
		step->n = step->n_aliases = step->n_answers = 0;
		step->alias[0] = '\0';
		look_step(step);
		follow = has_alias(step);
		for (size_t k = 0; follow && k < out->n; k++)
			unknown |= !out->servers[k].answered;
		if (!follow) {
			conclude(out);
			if (step->aliases_differ)
				out->finding = ROTATION_ABSENT;
			if (unknown && out->finding == ROTATION_PRESENT)
				out->finding = ROTATION_UNKNOWN;
			return;
		}
		memcpy(name, step->alias, sizeof(name));
		step->name = span_str(name);
	}
	out->finding = ROTATION_ABSENT; /* resolvers do not follow a chain of
	                                   this length */
	out->fault = KEY_FAULT_UNREADABLE;
}

void
key_look_at_name(const struct key_looker *looker, const struct private_key *key,
    struct span name, struct key_look *out)
{
	struct look_step *step = calloc(1, sizeof(*step));

	memset(out, 0, sizeof(*out));
	out->finding = ROTATION_UNKNOWN;
	out->fault = KEY_FAULT_FAILED;
	if (step == NULL)
		return;
	step->looker = looker;
	step->key = key;
	step->name = name;
	step->out = out;
	look_chain(step, out);
	out->wait = step->wait;
	free(step);
}

void
key_look_at(const struct key_looker *looker, const struct sign_key *key,
    struct key_look *out)
{
	char name[2 * DOMAIN_MAX];
	struct buf b = buf_wrap(name, sizeof(name));

	buf_printf(&b, "%s._domainkey.%s", key->selector, key->domain);
	key_look_at_name(looker, key->key, buf_view(&b), out);
}

void
key_look_put(struct buf *b, const struct key_look *look)
{
	const char *comma = "";

	if (look->finding == ROTATION_PRESENT) {
		buf_printf(b, "all %zu servers of %s have the record", look->n,
		    look->zone[0] != '\0' ? look->zone : "the zone");
		return;
	}
	if (look->n == 0)
		buf_text(b, "the servers of the zone were not found");
	for (size_t i = 0; i < look->n; i++) {
		const struct key_look_server *server = &look->servers[i];

		buf_printf(b, "%s%s: %s", comma, server->name,
		    server->answered ? key_fault_name(server->fault)
			: server->error == DNS_ERROR_NONE
			? "not authoritative"
			: dns_error_name(server->error));
		comma = ", ";
	}
}
