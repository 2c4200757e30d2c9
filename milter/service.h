/*
 * service.h - what all connections share: the configuration and the name
 * servers in force, how many there are, and the end of it all.
 *
 * A view is one configuration with its name servers.  A connection holds the
 * view it began with to its end, so that no message sees two configurations; a
 * reload puts a new one in the place of the old, whole or not at all.
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

struct service_resolver; /* a cache over name servers, counted */

struct service_runtime {
	const struct conf *conf;
	struct dns_source *dns;
	struct service_resolver *resolver;
	unsigned holders;
};

enum service_admission {
	SERVICE_ACCEPTED,
	SERVICE_FULL,           /* tell the MTA to try again later */
	SERVICE_CLOSED,         /* the same: the daemon is about to end */
	SERVICE_NO_DESCRIPTORS, /* not even that: out of descriptors */
};

/* One that the service knows of; the first member of struct session. */
struct service_connection {
	struct service_connection *next, *previous;
	_Atomic int64_t busy_since; /* clock_ms(); 0: in no callback */
};

/*
 * Reads `path` and opens its name servers.  `conf` is taken over.  False:
 * `error` says why.
 */
bool service_start(const char *path, const struct conf *conf,
    uint64_t open_files, struct buf *error);

/* The view in force, held; never NULL between start and end. */
struct service_runtime *service_ref(void);
void service_unref(struct service_runtime *view); /* takes NULL */

/*
 * Reads the configuration again.  False: the old one stays in force, and why is
 * in the log.
 */
bool service_reload(void);

/* "127.0.0.1@53, ::1@53", or the zone file that answers. */
void service_put_resolvers(struct buf *b);

/* Our own name, where the MTA tells none. */
const char *service_host(void);

/* ---- connections and messages ---- */

/* Whether a further connection is taken; it counts until service_remove(),
 * whatever is answered. */
enum service_admission service_add(struct service_connection *guest);
void service_remove(struct service_connection *guest);

bool service_has_connections(void);

/*
 * Around each callback.  False: the service has ended, and nothing of it, nor
 * of the guest, may be touched any more (and service_end_call() must not
 * follow).  A callback may free its guest in between: then it ends with NULL.
 */
bool service_begin_call(struct service_connection *guest);
void service_end_call(struct service_connection *guest);

/* A message begins, ends.  True: it counts as one in hand. */
bool service_message_begin(void);
void service_message_end(bool counted);

/* What is told of the whole.  DNS' numbers go on over reloads that change the
 * name servers; a zone file counts nothing. */
struct service_counts {
	int64_t started; /* seconds since 1970 */
	int64_t loaded;  /* when the configuration was read */
	bool enforcing;
	size_t overrides, overrides_expired;
	size_t connections, in_hand;
	uint64_t connections_total, refused, reloads_ok, reloads_failed;
	struct dns_resolver_counts net;
	struct dns_cache_counts cache;
};

/* Any thread, between start and end. */
void service_counts(struct service_counts *out);

/* ---- the end ---- */

/* From now on connections are SERVICE_CLOSED, new messages are not counted. */
void service_close(void);

/* Messages that were begun before service_close(). */
size_t service_in_progress(void);

/* No callback takes longer than a message may. */
bool service_is_alive(void);

/*
 * After libmilter has stopped: waits for the callbacks under way, at most
 * `wait_ms`, calls `leave` for each guest that is left, and closes the name
 * servers.  False: some callback did not return; nothing was freed.
 */
bool service_end(
    unsigned wait_ms, void (*leave)(struct service_connection *guest));

#endif
