#include "milter/service.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dns/zone.h"
#include "lib/clock.h"
#include "lib/log.h"
#include "lib/scan.h"
#include "milter/signing.h"
#include "verify/dns_task.h"
#include "verify/core_options.h"

enum {
	HOST_MAX = 256,
	ERROR_MAX = 1000,
	SERVER_TEXT_MAX = 80, /* bytes of an address, an interface and a port */
	PATH_BYTES_MAX = 1100,
	OWN_FILES = 128, /* descriptors for DNS, the log, the store and so on */
	FULL_FILES =
	    64, /* descriptors for connections that are being refused */
	STUCK_MS = 120000, /* time beyond "timeout" after which a callback
	                      counts as stuck */
	END_STEP_MS = 10,
};

#define RESOLV_CONF "/etc/resolv.conf"

struct service_resolver {
	struct dns_resolver_options
	    net_options; /* includes the servers of resolv.conf */
	struct dns_cache_options cache_options;
	bool is_zone;
	struct dns_source *base; /* the network, or a zone file */
	struct dns_source *cache;
	unsigned refs;
	struct service_resolver *next;
};

/* The state of the process.  It is global because libmilter's callbacks have no
 * argument for it. */
static struct {
	pthread_mutex_t
	    lock; /* protects all members up to `loaded`, and all `refs` */
	struct service_runtime *runtime;
	struct service_resolver *resolvers;  /* all referenced resolvers */
	struct dns_resolver_counts past_net; /* counters of closed resolvers */
	struct dns_cache_counts past_cache;
	struct service_connection *connections;
	size_t n_connections;
	uint64_t connections_total, refused, reloads_ok, reloads_failed;
	int64_t started, loaded;    /* seconds since 1970 */
	size_t full_at, no_room_at; /* limits on the number of connections */
	enum service_role role;     /* set only once */
	char path[PATH_BYTES_MAX];
	char host[HOST_MAX];
	atomic_size_t in_hand;
	atomic_size_t calls; /* callbacks in progress */
	atomic_bool closed;
	atomic_bool ended;
} service = { .lock = PTHREAD_MUTEX_INITIALIZER };

void
service_set_role(enum service_role role)
{
	service.role = role;
}

enum service_role
service_role(void)
{
	return service.role;
}

/* ---- resolvers ---- */

static bool
same_servers(
    const struct dns_resolver_options *a, const struct dns_resolver_options *b)
{
	if (a->n_servers != b->n_servers || a->first_ms != b->first_ms ||
	    a->total_ms != b->total_ms)
		return false;
	for (size_t i = 0; i < a->n_servers; i++)
		if (!server_address_equal(&a->servers[i], &b->servers[i]))
			return false;
	return true;
}

static void
resolver_free(struct service_resolver *r)
{
	if (r == NULL)
		return;
	if (r->cache != NULL)
		r->cache->close(r->cache);
	if (r->base != NULL)
		r->base->close(r->base);
	free(r);
}

/* Called from the resolver's thread. */
static void
on_forged(const struct server_address *server)
{
	char text[SERVER_TEXT_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	server_address_put(&b, server);
	log_warning("dns_forged",
	    "resolver %s: many replies with wrong ids reached one of our "
	    "ports, possibly an attempt to forge answers (RFC 5452); the "
	    "queries from this port are repeated over TCP",
	    text);
}

/* Called from the resolver's thread. */
static void
on_resolver_event(const struct dns_resolver_event *event)
{
	bool works = event->trouble == DNS_TROUBLE_NONE;
	char text[ERROR_MAX];
	struct buf b = buf_wrap(text, sizeof(text));
	struct log_line l;

	server_address_put(&b, event->server);
	log_begin(&l, works ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, "resolver");
	log_text(&l, "resolver", text);
	log_text(
	    &l, "state", works ? "works" : dns_trouble_name(event->trouble));
	log_number(&l, "seconds", (int64_t)event->seconds);
	if (!works) {
		log_number(&l, "failures", (int64_t)event->failures);
		log_number(&l, "others", event->others);
	}
	buf_cut(&b, 0);
	buf_text(&b, dns_trouble_text(event->trouble));
	if (!works && event->others == 0 && event->trouble != DNS_TROUBLE_TCP)
		buf_text(&b, "; mail cannot be checked until a resolver works");
	log_span(&l, "text", buf_view(&b));
	log_end(&l);
}

static void
warn_of_interface(const struct server_address *server)
{
	if (server->interface[0] != '\0' &&
	    server_address_interface_index(server) == 0)
		log_say(LOG_LEVEL_WARNING, "dns",
		    "interface %s does not exist on this host; a resolver "
		    "cannot be reached without it",
		    server->interface);
}

/* Reads resolv.conf.  Errors in it are logged, and do not prevent the daemon
 * from starting. */
static void
read_resolv_conf(struct dns_resolver_options *options)
{
	char memory[ERROR_MAX];
	struct buf complaints = buf_wrap(memory, sizeof(memory));
	struct scan s;

	dns_resolver_read_resolv_conf(RESOLV_CONF, options, &complaints);
	s = scan_of(span_of(memory, complaints.n));
	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		log_say(LOG_LEVEL_WARNING, "dns", "%.*s", SPAN_FMT(line));
		scan_byte(&s, '\n');
	}
}

static struct service_resolver *
resolver_open(const struct conf *conf,
    const struct dns_resolver_options *options, struct buf *error)
{
	struct service_resolver *r = calloc(1, sizeof(*r));
	char text[ERROR_MAX] = "out of memory";

	if (r == NULL) {
		buf_text(error, text);
		return NULL;
	}
	r->refs = 1;
	r->net_options = *options;
	r->net_options.on_forged = on_forged;
	r->net_options.on_event = on_resolver_event;
	for (size_t i = 0; i < options->n_servers; i++)
		warn_of_interface(&options->servers[i]);
	r->cache_options = core_options_cache(conf);
	r->is_zone = conf->zone != NULL;
	r->base = r->is_zone
	    ? dns_zone_open(conf->zone, text, sizeof(text))
	    : dns_resolver_open(&r->net_options, text, sizeof(text));
	if (r->base != NULL && !r->is_zone)
		r->cache = dns_cache_open(&r->cache_options, r->base);
	if (r->base == NULL || (!r->is_zone && r->cache == NULL)) {
		buf_text(error, text);
		resolver_free(r);
		return NULL;
	}
	return r;
}

/* ---- resolver counters ---- */

static void
add_net(struct dns_resolver_counts *to, struct dns_source *net)
{
	struct dns_resolver_counts n;

	dns_resolver_counts(net, &n);
	to->questions += n.questions;
	to->datagrams += n.datagrams;
	to->repetitions += n.repetitions;
	to->tcp += n.tcp;
	to->answers += n.answers;
	to->timeouts += n.timeouts;
	to->servfails += n.servfails;
	to->unreachable += n.unreachable;
	to->strays += n.strays;
	to->wrong_ids += n.wrong_ids;
	to->suspect_ports += n.suspect_ports;
	to->cut_off += n.cut_off;
	to->crowded += n.crowded;
	to->unanswered += n.unanswered;
	if (n.turn_max_us > to->turn_max_us)
		to->turn_max_us = n.turn_max_us;
	if (n.turn_max_cpu_us > to->turn_max_cpu_us)
		to->turn_max_cpu_us = n.turn_max_cpu_us;
}

static void
add_cache(struct dns_cache_counts *to, struct dns_source *cache)
{
	struct dns_cache_counts n;

	dns_cache_counts(cache, &n);
	to->hits += n.hits;
	to->misses += n.misses;
	to->joined += n.joined;
	to->evicted += n.evicted;
	to->entries += n.entries;
	to->bytes += n.bytes;
}

static void
add_resolver(const struct service_resolver *r, struct dns_resolver_counts *net,
    struct dns_cache_counts *cache)
{
	if (r->is_zone)
		return;
	add_net(net, r->base);
	add_cache(cache, r->cache);
}

/* Removes a resolver from the list and keeps its counters.  Call with the lock
 * held, when the last reference is gone. */
static void
resolver_forget(struct service_resolver *r)
{
	struct service_resolver **at = &service.resolvers;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	add_resolver(r, &service.past_net, &service.past_cache);
	service.past_cache.entries = 0;
	service.past_cache.bytes = 0;
}

/* ---- runtimes ---- */

/* Returns the current resolver if its options have not changed, so that its
 * cache is kept; otherwise opens a new one. */
static struct service_resolver *
resolver_for(const struct conf *conf, struct buf *error)
{
	struct dns_resolver_options options = core_options_resolver(conf);
	struct dns_cache_options cache = core_options_cache(conf);
	struct service_resolver *new, *old = NULL;

	if (conf->zone == NULL && options.n_servers == 0)
		read_resolv_conf(&options);
	pthread_mutex_lock(&service.lock);
	if (service.runtime != NULL)
		old = service.runtime->resolver;
	if (old != NULL && !old->is_zone && conf->zone == NULL &&
	    same_servers(&old->net_options, &options) &&
	    old->cache_options.bytes == cache.bytes)
		old->refs++;
	else
		old = NULL;
	pthread_mutex_unlock(&service.lock);
	if (old != NULL)
		return old;
	new = resolver_open(conf, &options, error);
	if (new != NULL) {
		pthread_mutex_lock(&service.lock);
		new->next = service.resolvers;
		service.resolvers = new;
		pthread_mutex_unlock(&service.lock);
	}
	return new;
}

/* Takes ownership of `conf`, even on failure.  Returns NULL on error, and
 * `error` says why. */
static struct service_runtime *
runtime_open(const struct conf *conf, struct buf *error)
{
	struct service_runtime *v = calloc(1, sizeof(*v));

	if (v == NULL)
		buf_text(error, "out of memory");
	else
		v->resolver = resolver_for(conf, error);
	if (v == NULL || v->resolver == NULL) {
		free(v);
		conf_unref(conf);
		return NULL;
	}
	v->conf = conf;
	v->dns = v->resolver->is_zone ? v->resolver->base : v->resolver->cache;
	v->refs = 1;
	return v;
}

struct service_runtime *
service_ref(void)
{
	struct service_runtime *v;

	pthread_mutex_lock(&service.lock);
	v = service.runtime;
	v->refs++;
	pthread_mutex_unlock(&service.lock);
	return v;
}

void
service_unref(struct service_runtime *runtime)
{
	struct service_resolver *r = NULL;
	bool last;

	if (runtime == NULL)
		return;
	pthread_mutex_lock(&service.lock);
	last = --runtime->refs == 0;
	if (last && --runtime->resolver->refs == 0) {
		r = runtime->resolver;
		resolver_forget(r);
	}
	pthread_mutex_unlock(&service.lock);
	if (!last)
		return;
	resolver_free(r);
	conf_unref(runtime->conf);
	free(runtime);
}

/* ---- start and reload ---- */

static void
limits_set(uint64_t open_files)
{
	uint64_t own = OWN_FILES + FULL_FILES;

	if (open_files < 4 * own) { /* a low limit: keep half for ourselves */
		service.full_at = open_files / 3;
		service.no_room_at = open_files / 2;
		return;
	}
	service.full_at = (size_t)(open_files - own);
	service.no_room_at = (size_t)(open_files - OWN_FILES);
}

bool
service_start(const char *path, const struct conf *conf, uint64_t open_files,
    struct buf *error)
{
	struct buf copy = buf_wrap(service.path, sizeof(service.path));

	buf_text(&copy, path);
	if (copy.full) {
		buf_text(
		    error, "the path of the configuration file is too long");
		conf_unref(conf);
		return false;
	}
	if (gethostname(service.host, sizeof(service.host) - 1) != 0 ||
	    service.host[0] == '\0')
		memcpy(service.host, "localhost", sizeof("localhost"));
	limits_set(open_files);
	atomic_store(&service.closed, false);
	atomic_store(&service.ended, false);
	service.started = service.loaded = (int64_t)time(NULL);
	service.runtime = runtime_open(conf, error);
	if (service.runtime == NULL)
		return false;
	if (signing_load(conf))
		return true;
	buf_text(error, "sign.senders cannot be used; see the log");
	return false;
}

/* Logs changed options that only take effect after a restart. */
static void
warn_restart_needed(const struct conf *old, const struct conf *new)
{
	const struct {
		const char *name, *was, *is;
	} texts[] = {
		{ "socket", old->socket, new->socket },
		{ "sign.socket", old->sign.socket, new->sign.socket },
		{ "sign.keys", old->sign.keys, new->sign.keys },
		{ "socket_group", old->socket_group, new->socket_group },
		{ "user", old->user, new->user },
		{ "sandbox", conf_sandbox_name(old->sandbox),
		    conf_sandbox_name(new->sandbox) },
		{ "report.store", conf_store_file(old), conf_store_file(new) },
		{ "metrics.listen", old->metrics.listen, new->metrics.listen },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if ((texts[i].was == NULL) != (texts[i].is == NULL) ||
		    (texts[i].was != NULL &&
			strcmp(texts[i].was, texts[i].is) != 0))
			log_say(LOG_LEVEL_WARNING, "reload",
			    "%s has changed; restart the daemon to apply the "
			    "change",
			    texts[i].name);
	if (old->report.max_store != new->report.max_store ||
	    old->report.min_free != new->report.min_free)
		log_say(LOG_LEVEL_WARNING, "reload",
		    "report.max_store or report.min_free has changed; restart "
		    "the daemon to apply the change");
}

/* Logs each line of `text` separately. */
static void
log_conf_errors(const char *text)
{
	while (*text != '\0') {
		size_t n = strcspn(text, "\n");

		if (n > 0)
			log_say(
			    LOG_LEVEL_ERROR, "reload", "%.*s", (int)n, text);
		text += n + (text[n] == '\n');
	}
}

static const struct conf *
conf_read_again(void)
{
	char *errors = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&errors, &size);
	const struct conf *conf;

	if (f == NULL) {
		log_say(LOG_LEVEL_ERROR, "reload", "out of memory");
		return NULL;
	}
	conf = conf_read(service.path, f);
	fclose(f);
	if (errors != NULL)
		log_conf_errors(errors);
	free(errors);
	return conf;
}

bool
service_reload(void)
{
	char text[ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	const struct conf *conf = conf_read_again();
	struct service_runtime *old, *new = NULL;

	if (conf != NULL)
		new = runtime_open(conf, &error);
	if (new != NULL && !signing_load(conf)) {
		service_unref(new);
		new = NULL;
	}
	if (error.n > 0)
		log_say(LOG_LEVEL_ERROR, "reload", "%s", text);
	if (new == NULL) {
		log_say(LOG_LEVEL_ERROR, "reload",
		    "the old configuration stays in force");
		pthread_mutex_lock(&service.lock);
		service.reloads_failed++;
		pthread_mutex_unlock(&service.lock);
		return false;
	}
	if (service.role == SERVICE_VERIFY || conf->socket == NULL)
		warn_restart_needed(service.runtime->conf, conf);
	pthread_mutex_lock(&service.lock);
	old = service.runtime;
	service.runtime = new;
	service.loaded = (int64_t)time(NULL);
	service.reloads_ok++;
	pthread_mutex_unlock(&service.lock);
	service_unref(old);
	return true;
}

void
service_put_resolvers(struct buf *b)
{
	struct service_runtime *v = service_ref();
	const struct dns_resolver_options *o = &v->resolver->net_options;

	if (v->resolver->is_zone) {
		buf_text(b, "zone file ");
		buf_text(b, v->conf->zone);
	}
	for (size_t i = 0; !v->resolver->is_zone && i < o->n_servers; i++) {
		if (i > 0)
			buf_text(b, ", ");
		server_address_put(b, &o->servers[i]);
	}
	service_unref(v);
}

const char *
service_host(void)
{
	return service.host;
}

/* ---- connections and messages ---- */

static enum service_admission
admission_for(size_t connections)
{
	if (connections > service.no_room_at)
		return SERVICE_NO_DESCRIPTORS;
	if (atomic_load(&service.closed))
		return SERVICE_CLOSED;
	return connections > service.full_at ? SERVICE_FULL : SERVICE_ACCEPTED;
}

enum service_admission
service_add(struct service_connection *connection)
{
	enum service_admission answer;

	pthread_mutex_lock(&service.lock);
	connection->previous = NULL;
	connection->next = service.connections;
	if (connection->next != NULL)
		connection->next->previous = connection;
	service.connections = connection;
	service.connections_total++;
	answer = admission_for(++service.n_connections);
	if (answer != SERVICE_ACCEPTED)
		service.refused++;
	pthread_mutex_unlock(&service.lock);
	return answer;
}

void
service_remove(struct service_connection *connection)
{
	pthread_mutex_lock(&service.lock);
	if (connection->previous != NULL)
		connection->previous->next = connection->next;
	else
		service.connections = connection->next;
	if (connection->next != NULL)
		connection->next->previous = connection->previous;
	service.n_connections--;
	pthread_mutex_unlock(&service.lock);
}

bool
service_has_connections(void)
{
	bool any;

	pthread_mutex_lock(&service.lock);
	any = service.n_connections > 0;
	pthread_mutex_unlock(&service.lock);
	return any;
}

bool
service_begin_call(struct service_connection *connection)
{
	/* Count first: service_end() sets `ended` and then reads `calls`. */
	atomic_fetch_add(&service.calls, 1);
	if (atomic_load(&service.ended)) {
		atomic_fetch_sub(&service.calls, 1);
		return false;
	}
	if (connection != NULL)
		atomic_store(&connection->busy_since, clock_ms());
	return true;
}

void
service_end_call(struct service_connection *connection)
{
	if (connection != NULL)
		atomic_store(&connection->busy_since, 0);
	atomic_fetch_sub(&service.calls, 1);
}

bool
service_message_begin(void)
{
	if (atomic_load(&service.closed))
		return false;
	atomic_fetch_add(&service.in_hand, 1);
	return true;
}

void
service_message_end(bool counted)
{
	if (counted)
		atomic_fetch_sub(&service.in_hand, 1);
}

void
service_counts(struct service_counts *out)
{
	const struct conf *conf;
	int64_t now = clock_now().now;

	pthread_mutex_lock(&service.lock);
	conf = service.runtime->conf;
	*out = (struct service_counts){
		.started = service.started,
		.loaded = service.loaded,
		.enforcing = conf->mode == CONF_ENFORCE,
		.overrides = conf->n_overrides,
		.connections = service.n_connections,
		.in_hand = atomic_load(&service.in_hand),
		.connections_total = service.connections_total,
		.refused = service.refused,
		.reloads_ok = service.reloads_ok,
		.reloads_failed = service.reloads_failed,
		.net = service.past_net,
		.cache = service.past_cache,
	};
	for (size_t i = 0; i < conf->n_overrides; i++)
		if (conf_override_expired(&conf->overrides[i], now))
			out->overrides_expired++;
	for (const struct service_resolver *r = service.resolvers; r != NULL;
	     r = r->next)
		add_resolver(r, &out->net, &out->cache);
	if (!service.runtime->resolver->is_zone)
		out->n_servers = dns_resolver_health(
		    service.runtime->resolver->base, out->servers);
	pthread_mutex_unlock(&service.lock);
}

/* ---- shutdown ---- */

void
service_close(void)
{
	atomic_store(&service.closed, true);
}

size_t
service_in_progress(void)
{
	return atomic_load(&service.in_hand);
}

bool
service_is_alive(void)
{
	int64_t now = clock_ms();
	bool alive = true;

	pthread_mutex_lock(&service.lock);
	for (struct service_connection *g = service.connections; g != NULL;
	     g = g->next) {
		int64_t since = atomic_load(&g->busy_since);

		if (since > 0 &&
		    now - since > service.runtime->conf->timeout_ms + STUCK_MS)
			alive = false;
	}
	pthread_mutex_unlock(&service.lock);
	return alive;
}

bool
service_end(
    unsigned wait_ms, void (*leave)(struct service_connection *connection))
{
	static const struct timespec step = { .tv_nsec =
						  END_STEP_MS * 1000000L };
	struct service_runtime *last;

	atomic_store(&service.ended, true);
	for (unsigned ms = 0; atomic_load(&service.calls) > 0;
	     ms += END_STEP_MS) {
		if (ms >= wait_ms)
			return false;
		nanosleep(&step, NULL);
	}
	while (service.connections != NULL)
		leave(service.connections);
	signing_close();
	last = service.runtime;
	service.runtime = NULL;
	service_unref(last);
	return true;
}
