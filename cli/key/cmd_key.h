/*
 * cmd_key.h - shared by the subcommands of `avouch key`.
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
	KEY_TTL = 3600,     /* seconds, of the records that we print */
	KEY_EXIT_FOUND = 1, /* due, check: there is something to do */
};

struct key_cli {
	struct cli *c;
	const struct conf *conf;
	const char *folder;
	struct arena *arena;

	/* Of key_cli_domain(). */
	const char *domain; /* normal form */
};

int key_new(struct key_cli *k);
int key_list(struct key_cli *k);
int key_check(struct key_cli *k);
int key_retire(struct key_cli *k);
int key_revoke(struct key_cli *k);
int key_due(struct key_cli *k);
int key_import(struct key_cli *k);

/* Adds keys that are due to `list`: {"domain", "selector", "due": "new" or
 * "retire"}.  True: one is too old. */
bool key_due_list(
    const struct key_cli *k, const struct sign_keys *keys, json_t *list);

/* What to do about it. */
const char *key_due_advice(const char *due);

/* Prints an error that a function of sign/ wrote; returns EX_TEMPFAIL. */
int key_cli_error(const struct key_cli *k, const struct buf *error);

/* Sets k->domain.  Returns EX_OK, or EX_USAGE after printing a message. */
int key_cli_domain(struct key_cli *k, const char *name);

/* Checks a selector.  Returns EX_OK, or EX_USAGE after printing a message. */
int key_cli_selector(const struct key_cli *k, const char *selector);

/*
 * Loads all keys with what the daemons have seen of them, and decides which of
 * them sign.  Prints what is wrong with files.  NULL: a message was printed.
 */
struct sign_keys *key_cli_load(const struct key_cli *k, size_t *n_hosts);

/* Makes daemons look at the folder at once. */
void key_cli_changed(const struct key_cli *k);

/* "rsa2048", "ed25519" */
const char *key_cli_algorithm(const struct private_key *key);

/* ---- publish.c ---- */

/* "SELECTOR._domainkey.DOMAIN" */
struct span key_record_name(
    struct key_cli *k, const char *selector, const char *domain);

/* "SELECTOR.DOMAIN.TARGET", what a selector of a pair is a CNAME for; a target
 * that is "" is YOUR-ZONE. */
struct span key_pair_name(
    struct key_cli *k, const char *selector, const char *target);

/* The record of a key; NULL p: no memory. */
struct span key_record_value(struct key_cli *k, const struct private_key *key);

/* A line of a zone file, in strings of at most 255 bytes. */
struct span key_record_line(
    struct key_cli *k, struct span name, struct span value);

/*
 * Runs sign.publish as PROGRAM VERB NAME TTL VALUE.  True: it is not set, or it
 * exited with 0.  Otherwise a message was printed.
 */
bool key_publish(const struct key_cli *k, const char *verb, struct span name,
    struct span value);

/* Replaces the record of a key by one with an empty p=. */
bool key_publish_revoked(
    struct key_cli *k, struct span name, const struct private_key *key);

#define KEY_REVOKED_RECORD "v=DKIM1; p="

#endif
