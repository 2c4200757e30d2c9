/*
 * service.h - the state that all connections share: the current configuration
 * and resolver, the list of connections, and the shutdown.
 *
 * A runtime is one configuration with its resolver.  A connection keeps a
 * reference to the runtime with which it began, so that no message sees two
 * configurations.  A reload replaces the runtime completely or not at all.
 */
#ifndef AVOUCH_MILTER_SERVICE_H
#define AVOUCH_MILTER_SERVICE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/cache.h"
#include "dns/resolver.h"
#include "dns/source.h"
#include "lib/buf.h"
#include "conf/conf.h"

struct service_resolver; /* a resolver and its cache, reference-counted */

struct service_runtime {
	const struct conf *conf;
	struct dns_source *dns;
	struct service_resolver *resolver;
	unsigned refs;
};

enum service_admission {
	SERVICE_ACCEPTED,
	SERVICE_FULL, /* too many connections: refuse with a temporary error */
	SERVICE_CLOSED, /* the daemon is stopping: also a temporary error */
	SERVICE_NO_DESCRIPTORS, /* out of descriptors: close the connection */
};

/* A registered connection; the first member of struct session. */
struct service_connection {
	struct service_connection *next, *previous;
	_Atomic int64_t busy_since; /* clock_ms() when the callback in progress
	                               began; 0: none */
};

/* The role of this process.  A daemon with two sockets has two processes. */
enum service_role {
	SERVICE_VERIFY, /* verifies; also signs mail from clients that logged in
	                 */
	SERVICE_SIGN,   /* only signs; all mail is our own */
};

/* Call service_set_role() before service_start(). */
void service_set_role(enum service_role role);
enum service_role service_role(void);

/*
 * Opens the resolver for `conf`, which was read from `path`, and takes
 * ownership of `conf`, even on failure.  `open_files` is the limit on
 * descriptors.  Returns false on error, and `error` says why.
 */
bool service_start(const char *path, const struct conf *conf,
    uint64_t open_files, struct buf *error);

/* Returns the current runtime with a new reference; never NULL between
 * service_start() and service_end(). */
struct service_runtime *service_ref(void);
void service_unref(struct service_runtime *runtime); /* may be NULL */

/*
 * Reads the configuration again.  Returns false if the old one stays in force;
 * the log says why.
 */
bool service_reload(void);

/* Writes the servers, as in "127.0.0.1@53, ::1@53", or the zone file's name. */
void service_put_resolvers(struct buf *b);

/* Returns the name of this host, used if the MTA does not send its own name. */
const char *service_host(void);

/* ---- connections and messages ---- */

/* Registers a connection and returns whether to accept it.  Even a refused
 * connection is counted until service_remove(). */
enum service_admission service_add(struct service_connection *connection);
void service_remove(struct service_connection *connection);

bool service_has_connections(void);

/*
 * Call these around each callback.  If the first returns false, the service has
 * ended: do not use it or the connection any more, and do not call
 * service_end_call().  If the callback frees its connection in between, pass
 * NULL to service_end_call().
 */
bool service_begin_call(struct service_connection *connection);
void service_end_call(struct service_connection *connection);

/* Call these when a message begins and ends.  The first returns whether the
 * message counts as in progress; pass that value to the second. */
bool service_message_begin(void);
void service_message_end(bool counted);

/* A reload that changes the resolver does not reset the DNS counters.  With a
 * zone file they stay 0. */
struct service_counts {
	int64_t started; /* seconds since 1970 */
	int64_t loaded;  /* when the configuration was read */
	bool enforcing;
	size_t overrides, overrides_expired;
	size_t connections, in_hand;
	uint64_t connections_total, refused, reloads_ok, reloads_failed;
	struct dns_resolver_counts net;
	struct dns_cache_counts cache;
	struct dns_server_health
	    servers[DNS_SERVERS_MAX]; /* the servers in use now */
	size_t n_servers;
};

/* May be called from any thread between service_start() and service_end(). */
void service_counts(struct service_counts *out);

/* ---- shutdown ---- */

/* From now on, service_add() returns SERVICE_CLOSED, and new messages do not
 * count as in progress. */
void service_close(void);

/* Returns the number of messages in progress that began before
 * service_close(). */
size_t service_in_progress(void);

/* Returns false if a callback is taking far longer than "timeout" allows. */
bool service_is_alive(void);

/*
 * Waits at most `wait_ms` for the callbacks in progress, calls `leave` for each
 * remaining connection, and closes the resolver.  Later callbacks do nothing.
 * Returns false if a callback did not return; nothing was freed in that case.
 */
bool service_end(
    unsigned wait_ms, void (*leave)(struct service_connection *connection));

#endif
