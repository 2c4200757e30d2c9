/*
 * key_tables.h - reads the tables in which other signers list their keys:
 * KeyTable and SigningTable of opendkim, and the selector and path maps of
 * rspamd.
 *
 * The type of a table is recognized from its lines:
 *
 *	NAME DOMAIN:SELECTOR:/PATH     KeyTable ("%": the author's domain)
 *	PATTERN NAME                   SigningTable, with or without "refile:"
 *	DOMAIN SELECTOR                rspamd's selector_map
 *	DOMAIN /PATH                   rspamd's path_map ($domain, $selector)
 *
 * We sign with the key of the From domain or of its nearest parent.  A line
 * that asks for anything else is reported as an error; it is never
 * reinterpreted.
 */
#ifndef AVOUCH_SIGN_KEY_TABLES_H
#define AVOUCH_SIGN_KEY_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"
#include "lib/span.h"

enum {
	KEY_TABLE_FILE_MAX = 16 << 20, /* bytes */
	KEY_TABLE_LINE_MAX = 4096,
	KEY_TABLE_ROWS_MAX = 200000,
};

struct key_tables;

/* A key to import.  Its strings live as long as the tables. */
struct key_table_key {
	const char *domain;   /* normal form */
	const char *selector; /* valid (key_folder.h) */
	const char *path;
	const char *file; /* the table and line that list the key */
	unsigned line;
	struct key_table_key *next;
};

struct key_tables *key_tables_new(void);    /* NULL: out of memory */
void key_tables_free(struct key_tables *t); /* accepts NULL */

/*
 * Parses one table; `name` is copied for use in messages.  Writes one line to
 * `errors` for each invalid line: "FILE:LINE: what is wrong, and how to fix
 * it".  Returns false if there was one or if memory ran out.
 */
bool key_tables_read(
    struct key_tables *t, const char *name, struct span text, FILE *errors);

/*
 * Combines the tables into a list of keys, in the order of the lines.  Writes a
 * line to `errors` for each entry that cannot be imported, and a line to
 * `notes` for each difference in behavior.  Sets `ok` to false if there were
 * errors.  Returns NULL if there are no keys.
 */
struct key_table_key *key_tables_resolve(
    struct key_tables *t, FILE *errors, FILE *notes, bool *ok);

/*
 * Returns the value of an option in opendkim.conf, without a prefix such as
 * "refile:"; absent if it is not set.  A file is an opendkim.conf if it sets
 * KeyTable or SigningTable.
 */
struct span key_tables_opendkim_option(struct span text, const char *name);

#endif
