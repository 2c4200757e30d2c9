/*
 * key_folder.h - the signing key files.
 *
 *	FOLDER/DOMAIN/SELECTOR.pem   the private key, 0640
 *	FOLDER/DOMAIN/selectors      every selector that was ever used, 0640
 *	FOLDER/.state/HOST           DNS observations of a daemon (key_state.h)
 *
 * Format of a line of `selectors`: SELECTOR created=SECONDS [imported=1]
 * [retired=SECONDS] [revoked=SECONDS] [pair=SELECTOR] [target=ZONE], seconds
 * since 1970.  A key file without a line was added by hand.  Commands write
 * these files; the daemon only reads them.
 */
#ifndef AVOUCH_SIGN_KEY_FOLDER_H
#define AVOUCH_SIGN_KEY_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/span.h"
#include "sign/private_key.h"

#define KEY_FOLDER_DEFAULT "/var/lib/avouch/keys"

enum {
	KEY_SELECTOR_MAX = 63,   /* bytes; the characters are letters, digits,
	                            "-", "_" and "." */
	KEY_SELECTORS_MAX = 200, /* selectors ever used, per domain */
	KEY_PATH_MAX = 1024,
	KEY_LIST_FILE_MAX = 131072, /* bytes of a `selectors` file */
	KEY_PEM_MODE = 0640,
	KEY_FOLDER_MODE = 0750,
};

struct key_entry {
	char selector[KEY_SELECTOR_MAX + 1];
	char pair[KEY_SELECTOR_MAX + 1]; /* "": none */
	char target[DOMAIN_MAX +
	    1]; /* our zone that the CNAME pair points to; "": unknown */
	int64_t created, retired, revoked; /* 0: never */
	bool imported;
};

struct key_entries {
	size_t n;
	struct key_entry list[KEY_SELECTORS_MAX];
};

/* Checks a selector (RFC 6376 section 3.1): one or more labels, here in lower
 * case. */
bool key_selector_is_valid(struct span selector);

/*
 * Parses the content of a `selectors` file.  Returns false if line `line` is
 * not valid; `why` is then a constant string with the reason.
 */
bool key_entries_parse(struct span text, struct key_entries *out,
    unsigned *line, const char **why);
void key_entries_put(const struct key_entries *entries, struct buf *b);

/* Returns NULL if the selector was never used. */
struct key_entry *key_entry_find(
    struct key_entries *entries, struct span selector);

/* On failure, the functions below return false, NULL or -1, and those with
 * `error` write there what failed and how to fix it.  `domain` is in normal
 * form, `selector` is valid. */

/* Reads the `selectors` file of a domain; a missing file is an empty list. */
bool key_entries_read(const char *folder, const char *domain,
    struct key_entries *out, struct buf *error);

/* Replaces the file atomically; creates missing directories. */
bool key_entries_write(const char *folder, const char *domain,
    const struct key_entries *entries, struct buf *error);

/* Writes a new key file; fails if the file already exists. */
bool key_file_write(const char *folder, const char *domain,
    const char *selector, const struct private_key *key, struct buf *error);

/* Reads one key file and sets `st` to its status (fstat()). */
struct private_key *key_file_read(
    const char *path, struct stat *st, struct buf *error);

/*
 * Creates FOLDER and FOLDER/.state if they are missing.  When run as root,
 * FOLDER/.state is owned by `user`, the user of the daemon; NULL means "avouch"
 * if that user exists.
 */
bool key_folder_create(const char *folder, const char *user, struct buf *error);

/* Waits for other commands that are changing the folder, then locks it.
 * Returns a descriptor, which the caller closes to unlock, or -1. */
int key_folder_lock(const char *folder, struct buf *error);

/* Reads a file of at most `max` bytes.  The caller frees `memory`.  On failure,
 * returns false and sets errno. */
bool key_file_text(
    const char *path, size_t max, char **memory, struct span *text);

/* Replaces the content of `path` with `text`.  After a crash the file is either
 * the old one or the new one, and complete. */
bool key_file_replace(
    const char *path, mode_t mode, struct span text, struct buf *error);

#endif
