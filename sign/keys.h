/*
 * keys.h - the set of signing keys: which key signs for which domain.
 *
 * A set contains all keys of a folder (key_folder.h) and is reference-counted.
 * The keys in it do not change, but the choice of keys that sign (rotation.h)
 * may change at any time, in another thread.  Domains are in normal form
 * (domain_normal()).
 */
#ifndef AVOUCH_SIGN_KEYS_H
#define AVOUCH_SIGN_KEYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/span.h"
#include "sign/private_key.h"
#include "sign/rotation.h"

enum {
	SIGN_KEYS_PER_DOMAIN = 2,  /* keys that sign: RSA, then Ed25519 */
	SIGN_KEYS_MAX = 40,        /* keys read per domain */
	SIGN_DOMAINS_MAX = 200000, /* domains per folder */
	SIGN_WARNINGS_MAX = 20,    /* warnings about file modes per load */
	SIGN_REMOVED_MAX = 100000, /* removed keys whose states are kept */
	SIGN_KEY_ID_MAX = 512,     /* bytes; see sign_key_put_id() */
};

struct sign_domain;

struct sign_key {
	char *domain, *selector;
	struct private_key *key; /* sign with private_key_crypto() */
	bool is_previous; /* its file is now broken or has a different key */

	/* from the list of selectors (key_folder.h) */
	int64_t created; /* seconds since 1970; 0: unknown */
	bool imported;   /* signs even if its record was never found */
	int64_t retired; /* retired by command: signs only if no other key can;
	                    0: never */
	int64_t revoked; /* revoked by command: does not sign; 0: never */
	char *pair;      /* the other selector of a CNAME pair, or NULL */

	/* used only by the thread that checks DNS */
	struct rotation_state state;
	enum rotation_phase phase;
	int64_t next_look; /* seconds since 1970 */
	unsigned quiet;    /* checks since the last change */
	int64_t logged;    /* last log line about its record, seconds since
	                      1970 */

	_Atomic int64_t
	    used; /* time of its last signature; 0: none since loading */
};

struct sign_domain {
	char *name;
	struct sign_key **keys; /* oldest first */
	size_t n_keys;
	/* The keys that sign, RSA first; NULL: no key of this type.  Set by
	 * sign_keys_choose(). */
	_Atomic(struct sign_key *) chosen[SIGN_KEYS_PER_DOMAIN];
};

struct sign_keys;

struct sign_removed_key { /* a key that is no longer in the folder */
	char *id;         /* see sign_key_put_id() */
	struct rotation_state state;
};

/* Result of looking up the keys of a domain. */
enum sign_keys_result {
	SIGN_KEYS_FOUND,
	SIGN_KEYS_NONE,        /* no key for this domain */
	SIGN_KEYS_UNPUBLISHED, /* its keys were never found in DNS, or are
	                          revoked */
};

struct sign_keys_faults {        /* problems found by one load */
	unsigned broken;         /* files without a readable key */
	unsigned world_readable; /* key files readable by everyone: an error,
	                            but their keys still sign */
	unsigned modes;          /* paths whose mode is too open */
};

/*
 * Reads all keys in `folder`: FOLDER/DOMAIN/SELECTOR.pem, with the lists of
 * selectors (key_folder.h).  Writes problems to `errors` as lines "PATH: what
 * is wrong, and how to fix it", and counts them in `faults`.  Modes that are
 * too open are reported with one line per path, at most SIGN_WARNINGS_MAX, and
 * have no other effect.  Returns NULL if the folder cannot be read or memory
 * ran out.  Imported keys sign immediately, and so do keys that were ready in
 * `previous` (rotation.h).
 *
 * `previous` is the set to be replaced, or NULL.  If a key file is now broken,
 * its key is copied from `previous`; if a domain's directory or its list of
 * selectors cannot be read, all of its keys are.  If a file now contains a
 * different key, the old key stays in the set under the same selector while its
 * record is in DNS.  The states of keys that were removed are kept, and used if
 * the same key comes back.
 */
struct sign_keys *sign_keys_load(const char *folder, struct sign_keys *previous,
    FILE *errors, struct sign_keys_faults *faults);

struct sign_keys *sign_keys_ref(struct sign_keys *keys);
void sign_keys_unref(struct sign_keys *keys); /* accepts NULL */

/*
 * Sets `out` to the keys that sign for exactly `domain`, and `n` to their
 * number.  They live as long as `keys`.
 */
enum sign_keys_result sign_keys_of(const struct sign_keys *keys,
    struct span domain, struct sign_key *out[SIGN_KEYS_PER_DOMAIN], size_t *n);

/* Records that a key signed at `now`.  Cheap; any thread may call it. */
void sign_key_used(struct sign_key *key, int64_t now);

/* Returns all domains, sorted by name. */
struct sign_domain *const *sign_keys_domains(
    const struct sign_keys *keys, size_t *n);

/* Returns NULL if there is no key for this domain. */
struct sign_domain *sign_keys_domain(
    const struct sign_keys *keys, struct span name);

/* Writes "DOMAIN SELECTOR ID"; ID is the SHA-256 of the public key. */
void sign_key_put_id(struct buf *b, const struct sign_key *key);

/* Returns the key with this id, or NULL. */
struct sign_key *sign_keys_find(const struct sign_keys *keys, struct span id);

/* Returns the removed keys, in any order. */
const struct sign_removed_key *sign_keys_removed(
    const struct sign_keys *keys, size_t *n);

/* Adds a removed key.  Returns false if memory ran out.  Only for a set that no
 * other thread uses, or that is locked. */
bool sign_keys_add_removed(
    struct sign_keys *keys, struct span id, const struct rotation_state *state);

/*
 * Sets which keys of a domain sign, as rotation_choose() decides from their
 * `state`, and sets the `phase` of each.  Returns true if the choice changed.
 */
bool sign_keys_decide(struct sign_domain *domain);

/* Sets which keys of a domain sign; NULL: no key of this type. */
void sign_keys_choose(
    struct sign_domain *domain, struct sign_key *rsa, struct sign_key *ed25519);

#endif
