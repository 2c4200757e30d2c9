/*
 * key_tables.h - the tables in which other signers name their keys: KeyTable
 * and SigningTable of opendkim, and the selector and path maps of rspamd.
 *
 * Which table a text is, is seen from its lines:
 *
 *	NAME DOMAIN:SELECTOR:/PATH     KeyTable ("%": the author's domain)
 *	PATTERN NAME                   SigningTable, refile or not
 *	DOMAIN SELECTOR                rspamd's selector_map
 *	DOMAIN /PATH                   rspamd's path_map ($domain, $selector)
 *
 * We sign with the key of the From domain or of its nearest parent.  A line
 * that says something else is an error with words, never guessed at.
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

/* A key to be imported.  Texts live as long as the tables. */
struct key_table_key {
	const char *domain;   /* normal form */
	const char *selector; /* valid (key_folder.h) */
	const char *path;
	const char *file; /* the table, and the line that names it */
	unsigned line;
	struct key_table_key *next;
};

struct key_tables *key_tables_new(void);    /* NULL: no memory */
void key_tables_free(struct key_tables *t); /* takes NULL */

/*
 * Reads one table; `name` is used for messages and copied.  `errors` gets a
 * line for each line that is not valid: "FILE:LINE: what, and how to fix it".
 * False: there was such a line, or no memory.
 */
bool key_tables_read(
    struct key_tables *t, const char *name, struct span text, FILE *errors);

/*
 * What the tables say together, in the order of the lines.  `errors` gets a
 * line for what cannot be imported, `notes` one for what will be different.
 * Sets `ok` to false if there were errors.  NULL: no keys.
 */
struct key_table_key *key_tables_resolve(
    struct key_tables *t, FILE *errors, FILE *notes, bool *ok);

/*
 * The value of an option of opendkim.conf without a prefix such as "refile:";
 * absent: it is not set.  A file is an opendkim.conf if KeyTable or
 * SigningTable is set in it.
 */
struct span key_tables_opendkim_option(struct span text, const char *name);

#endif
