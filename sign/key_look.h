/*
 * key_look.h - one look at a key's record: what all authoritative servers of
 * its zone answer, asked directly, without a cache.
 *
 * A look finds the zone and its servers with a recursive resolver and asks each
 * server.  A CNAME is followed: then all servers of both zones must agree.  An
 * answer without the AA bit is not an answer.  Waits for DNS, at most about
 * LOOK_TIME_MS for each server of the chain, all at once: not for a thread that
 * handles mail.
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
	LOOK_SERVERS_MAX = 16,  /* of a zone; others are not asked */
	LOOK_ADDRESSES_MAX = 4, /* of a server */
	LOOK_CHAIN_MAX = 4,     /* CNAMEs */
	LOOK_LABELS_MAX = 24,   /* of a name; longer ones are unknown */
	LOOK_FIRST_MS = 700,    /* until a question is repeated */
	LOOK_TIME_MS = 4000,
	LOOK_NEGATIVE_S = 3600, /* if a zone does not say how long others
	                           remember that a name does not exist */
};

/* Opens a source that asks only these addresses of one server; NULL: none.
 * The caller closes it. */
typedef struct dns_source *key_look_open(
    void *arg, const struct server_address *addresses, size_t n);

struct key_looker {
	struct dns_source *dns; /* recursive */
	/* NULL: `dns` itself is asked for the record, as with a zone file. */
	key_look_open *open;
	void *arg;
};

/* The key_look_open of the network. */
key_look_open key_look_open_net;

struct key_look_server {
	char name[DOMAIN_MAX + 1];
	bool answered;
	enum key_fault fault; /* if it answered */
	enum dns_error error; /* if not; DNS_ERROR_NONE: it is not authoritative
	                         for the zone */
};

struct key_look {
	enum rotation_finding finding;
	int64_t wait; /* seconds, for rotation_observe() */
	enum key_fault fault;
	char name[DOMAIN_MAX + 1]; /* of the record, after CNAMEs */
	char zone[DOMAIN_MAX + 1]; /* "": not found */
	size_t n;                  /* servers asked for `name` */
	struct key_look_server servers[LOOK_SERVERS_MAX];
};

void key_look_at(const struct key_looker *looker, const struct sign_key *key,
    struct key_look *out);

/*
 * The same for any name at which the record of `key` may be, in normal form.
 */
void key_look_at_name(const struct key_looker *looker,
    const struct private_key *key, struct span name, struct key_look *out);

/* "all 3 servers of example.com have it", "ns2.example.net: other-key", for the
 * log and for people. */
void key_look_put(struct buf *b, const struct key_look *look);

#endif
