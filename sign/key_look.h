/*
 * key_look.h - checks a key's record at all authoritative servers of its zone,
 * querying them directly, without a cache.
 *
 * Finds the zone and its servers with a recursive resolver and queries each
 * server.  A CNAME is followed; then all servers of both zones must agree.
 * Answers without the AA bit are ignored.  Blocks for at most about
 * LOOK_TIME_MS per zone of the chain, since all servers of a zone are queried
 * in parallel; do not call it from a thread that handles mail.
 */
#ifndef AVOUCH_SIGN_KEY_LOOK_H
#define AVOUCH_SIGN_KEY_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"
#include "lib/domain.h"
#include "lib/server_address.h"
#include "sign/key_record.h"
#include "sign/keys.h"
#include "sign/rotation.h"

enum {
	LOOK_SERVERS_MAX =
	    16, /* servers per zone; further ones are not queried */
	LOOK_ADDRESSES_MAX = 4, /* addresses per server */
	LOOK_CHAIN_MAX = 4,     /* CNAMEs followed */
	LOOK_LABELS_MAX =
	    24, /* labels per name; the result for longer names is unknown */
	LOOK_FIRST_MS = 700, /* milliseconds until a query is repeated */
	LOOK_TIME_MS = 4000,
	LOOK_NEGATIVE_S =
	    3600, /* seconds to assume if the negative TTL is unknown */
};

/* Opens a DNS source that queries only these addresses of one server, or
 * returns NULL.  The caller closes it. */
typedef struct dns_source *key_look_open(
    void *arg, const struct server_address *addresses, size_t n);

struct key_looker {
	struct dns_source *dns; /* a recursive resolver */
	/* NULL: query only `dns`, which may be a zone file */
	key_look_open *open;
	void *arg;
};

/* The implementation of key_look_open that uses the network. */
key_look_open key_look_open_net;

struct key_look_server {
	char name[DOMAIN_MAX + 1];
	bool answered;
	enum key_fault fault; /* if `answered` */
	enum dns_error error; /* valid unless `answered`; DNS_ERROR_NONE: the
	                         server is not authoritative for the zone */
};

struct key_look {
	enum rotation_finding finding;
	int64_t wait; /* seconds, for rotation_observe() */
	enum key_fault fault;
	char name[DOMAIN_MAX + 1]; /* name of the record, after CNAMEs */
	char zone[DOMAIN_MAX + 1]; /* zone of `name`; "": not found */
	size_t n;                  /* servers queried for `name` */
	struct key_look_server servers[LOOK_SERVERS_MAX];
};

void key_look_at(const struct key_looker *looker, const struct sign_key *key,
    struct key_look *out);

/*
 * Like key_look_at(), for any name in normal form at which the record of `key`
 * may be published.
 */
void key_look_at_name(const struct key_looker *looker,
    const struct private_key *key, struct span name, struct key_look *out);

/* Writes a summary for logs and display, such as "all 3 servers of example.com
 * have the record" or "ns2.example.net: other-key". */
void key_look_put(struct buf *b, const struct key_look *look);

#endif
