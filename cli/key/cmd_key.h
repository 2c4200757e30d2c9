/*
 * cmd_key.h - declarations shared by the subcommands of `avouch key`.
 */
#ifndef AVOUCH_CLI_KEY_CMD_KEY_H
#define AVOUCH_CLI_KEY_CMD_KEY_H

#include <jansson.h>

#include "cli/cli.h"
#include "conf/conf.h"
#include "lib/arena.h"
#include "lib/domain.h"
#include "sign/key_folder.h"
#include "sign/keys.h"

enum {
	KEY_ERROR_MAX = 2048,
	KEY_TTL = 3600,     /* TTL in seconds of the records that we print */
	KEY_MAX_DAYS = 180, /* age at which a key is too old: M3AAWG recommends
	                       a new one every six months */
	KEY_PUBLISH_DAYS = 7, /* age at which a key without a record is due */
	KEY_EXIT_FOUND = 1,   /* exit status of `key due` and `key check` if
	                         something needs to be done */
};

struct key_cli {
	struct cli *c;
	const struct conf *conf;
	const char *folder;
	struct arena *arena;

	/* set by key_cli_domain() */
	const char *domain; /* normal form */
};

int key_new(struct key_cli *k);
int key_list(struct key_cli *k);
int key_check(struct key_cli *k);
int key_retire(struct key_cli *k);
int key_revoke(struct key_cli *k);
int key_due(struct key_cli *k);
int key_import(struct key_cli *k);

/* Adds to `list` the keys that are due: {"domain", "selector", "due": "new",
 * "retire" or "publish"}.  Returns true if a key is older than `max_days`. */
bool key_due_list(const struct key_cli *k, const struct sign_keys *keys,
    uint64_t max_days, json_t *list);

/* Returns advice for the value of "due". */
const char *key_due_advice(const char *due);

/* Prints an error from a function of sign/; returns EX_TEMPFAIL. */
int key_cli_error(const struct key_cli *k, const struct buf *error);

/* Sets k->domain.  Returns EX_OK, or EX_USAGE after printing a message. */
int key_cli_domain(struct key_cli *k, const char *name);

/* Checks a selector.  Returns EX_OK, or EX_USAGE after printing a message. */
int key_cli_selector(const struct key_cli *k, const char *selector);

/*
 * Loads all keys and the states that the daemons recorded, and decides which
 * keys sign.  Prints errors found in the files.  Returns NULL after printing a
 * message.
 */
struct sign_keys *key_cli_load(const struct key_cli *k, size_t *n_hosts);

/* Whether a key signs, as far as the daemons recorded it. */
bool key_cli_signs(const struct sign_key *key);

/* Whether a daemon has recorded when the key last signed. */
bool key_cli_is_recorded(const struct sign_key *key);

/* Makes the daemons reload the key folder immediately. */
void key_cli_changed(const struct key_cli *k);

/* Returns a name such as "rsa2048" or "ed25519". */
const char *key_cli_algorithm(const struct private_key *key);

/* ---- publish.c ---- */

/* Returns "SELECTOR._domainkey.DOMAIN". */
struct span key_record_name(
    struct key_cli *k, const char *selector, const char *domain);

/* Returns "SELECTOR.DOMAIN.TARGET", the CNAME target of one selector of a pair.
 * An empty target is shown as YOUR-ZONE. */
struct span key_pair_name(
    struct key_cli *k, const char *selector, const char *target);

/* Returns the record of a key, or an absent span if memory ran out. */
struct span key_record_value(struct key_cli *k, const struct private_key *key);

/* Returns a line of a zone file, with `value` in strings of at most 255
 * bytes. */
struct span key_record_line(
    struct key_cli *k, struct span name, struct span value);

/*
 * Runs sign.publish as PROGRAM VERB NAME TTL VALUE.  Returns true if no program
 * is set or the program exited with status 0, or false after printing a
 * message.
 */
bool key_publish(const struct key_cli *k, const char *verb, struct span name,
    struct span value);

/* Replaces the record of a key with one that has an empty p=.  Returns the same
 * values as key_publish(). */
bool key_publish_revoked(
    struct key_cli *k, struct span name, const struct private_key *key);

#define KEY_REVOKED_RECORD "v=DKIM1; p="

#endif
