/*
 * key_state.h - stores what a daemon has observed about its keys, in
 * FOLDER/.state/HOST.
 *
 * The file has one line for each key, DOMAIN SELECTOR ID NAME=NUMBER..., with
 * the members of struct rotation_state; ID is the SHA-256 of the public key.  A
 * line "!pauses NAME=NUMBER..." has the members of struct pauses.  The last
 * line is "# end".  The file is replaced atomically.  A daemon writes its own
 * file and reads it at startup.  Commands read all files, to combine the state
 * of all hosts that share the folder.
 */
#ifndef AVOUCH_SIGN_KEY_STATE_H
#define AVOUCH_SIGN_KEY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/buf.h"
#include "lib/span.h"
#include "sign/keys.h"
#include "sign/pauses.h"

enum {
	KEY_STATE_LINE_MAX = 1024, /* bytes */
	KEY_STATE_FILE_MAX = 64 << 20,
	KEY_STATE_HOSTS_MAX = 64, /* maximum number of files read */
	KEY_STATE_STALE_S =
	    3 * 86400, /* seconds; a daemon writes at least once a day */
};

#define KEY_STATE_FOLDER ".state"

/* Called for each valid line whose key is in the set. */
typedef void key_state_each(
    void *arg, struct sign_key *key, const struct rotation_state *state);

/* Returns the number of invalid lines; lines for keys outside the set are
 * skipped. */
size_t key_state_parse(struct span text, const struct sign_keys *keys,
    key_state_each *each, void *arg, struct pauses *pauses);

/*
 * Sets the state of all keys from the file of this host.  If that file does not
 * exist, because the host or its role was renamed, the most recently written
 * file in FOLDER/.state is used.  If the file is damaged, keys without a line
 * may sign if no other key is ready (rotation_lose()).  Returns false and
 * writes to `error` if the file could not be read completely.
 */
bool key_state_load(const char *path, const struct sign_keys *keys,
    struct pauses *pauses, struct buf *error);

/* Replaces the file at `path`. */
bool key_state_write(const char *path, const struct sign_keys *keys,
    const struct pauses *pauses, struct buf *error);
void key_state_put(
    FILE *out, const struct sign_keys *keys, const struct pauses *pauses);

/*
 * Reads all state files of the folder and merges them: a key is ready if all
 * hosts that know it say so, and its last signature is the latest one by any
 * host.  Files that are more than KEY_STATE_STALE_S older than the newest one
 * are assumed to belong to hosts that no longer exist, and are ignored.
 * Returns the number of files used; 0 also if the folder does not exist.
 */
size_t key_state_read_all(const char *folder, const struct sign_keys *keys);

#endif
