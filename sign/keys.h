/*
 * keys.h - the keys that sign: which of them, for which domain.
 *
 * A set holds all keys of a folder (key_folder.h) and is counted.  The keys in
 * it do not change; which of them sign does, as rotation.h decides, at any
 * time and from any thread.  A domain is in normal form (domain_normal()).
 */
#ifndef AVOUCH_SIGN_KEYS_H
#define AVOUCH_SIGN_KEYS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/span.h"
#include "sign/private_key.h"
#include "sign/rotation.h"

enum {
	SIGN_KEYS_PER_DOMAIN = 2,  /* that sign: RSA, then Ed25519 */
	SIGN_KEYS_MAX = 40,        /* of a domain that are read */
	SIGN_DOMAINS_MAX = 200000, /* of a folder */
	SIGN_WARNINGS_MAX = 20,    /* lines about modes, for each load */
};

struct sign_domain;

struct sign_key {
	char *domain, *selector;
	struct private_key *key; /* private_key_crypto() signs */
	bool is_previous; /* its file has another key now, or is broken */

	/* From the list of selectors (key_folder.h). */
	int64_t created; /* seconds since 1970; 0: unknown */
	bool imported;   /* signs without having been seen published */
	int64_t retired; /* by command: signs only if no other key can; 0 */
	int64_t revoked; /* by command: never signs; 0: not */
	char *pair;      /* the other selector of a CNAME pair; NULL */

	/* For one thread, which looks at DNS. */
	struct rotation_state state;
	enum rotation_phase phase;
	int64_t next_look; /* seconds since 1970 */
	unsigned quiet;    /* looks since the last change */

	_Atomic int64_t used; /* when it last signed; 0: not since the load */
};

struct sign_domain {
	char *name;
	struct sign_key **keys; /* oldest first */
	size_t n_keys;
	/* The keys that sign, RSA first; NULL: none of this type.  Set by
	 * sign_keys_choose(). */
	_Atomic(struct sign_key *) chosen[SIGN_KEYS_PER_DOMAIN];
};

struct sign_keys;

/* Why a domain's mail is not signed. */
enum sign_keys_result {
	SIGN_KEYS_FOUND,
	SIGN_KEYS_NONE,        /* no key for this domain */
	SIGN_KEYS_UNPUBLISHED, /* its keys were never seen in DNS, or are
	                          revoked */
};

struct sign_keys_faults {        /* of one load */
	unsigned broken;         /* files that cannot be read as a key */
	unsigned world_readable; /* an error of the configuration; they sign */
	unsigned modes;          /* all paths whose mode is too open */
};

/*
 * Reads all keys below `folder`: FOLDER/DOMAIN/SELECTOR.pem, with the list of
 * selectors (key_folder.h).  Lines about what is wrong go to `errors`: "PATH:
 * what, and how to fix it"; `faults` counts them.  Modes that are too open are
 * reported by one line for each path, at most SIGN_WARNINGS_MAX, and change
 * nothing.  NULL: the folder cannot be read, or no memory.  Imported keys sign
 * at once, and those that `previous` has seen published.
 *
 * `previous` is the set that is being replaced, or NULL.  A key whose file is
 * now broken is taken from it.  If a file has another key than before, the key
 * of `previous` stays beside it under the same selector, because DNS may still
 * have that one.
 */
struct sign_keys *sign_keys_load(const char *folder, struct sign_keys *previous,
    FILE *errors, struct sign_keys_faults *faults);

struct sign_keys *sign_keys_ref(struct sign_keys *keys);
void sign_keys_unref(struct sign_keys *keys); /* takes NULL */

/*
 * Sets `out` to the keys that sign for exactly `domain`, and `n` to their
 * number.  They live as long as the set.
 */
enum sign_keys_result sign_keys_of(const struct sign_keys *keys,
    struct span domain, struct sign_key *out[SIGN_KEYS_PER_DOMAIN], size_t *n);

/* Call when a key has signed, at `now`.  Cheap; any thread. */
void sign_key_used(struct sign_key *key, int64_t now);

/* All domains, in the order of their names. */
struct sign_domain *const *sign_keys_domains(
    const struct sign_keys *keys, size_t *n);

/* NULL: no key for this domain. */
struct sign_domain *sign_keys_domain(
    const struct sign_keys *keys, struct span name);

/*
 * Sets which keys of a domain sign, as rotation_choose() decides by their
 * `state`, and sets the `phase` of each.  True: another key than before.
 */
bool sign_keys_decide(struct sign_domain *domain);

/* Sets which keys of a domain sign; NULL: none of this type. */
void sign_keys_choose(
    struct sign_domain *domain, struct sign_key *rsa, struct sign_key *ed25519);

#endif
