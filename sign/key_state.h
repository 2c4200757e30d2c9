/*
 * key_state.h - stores what a daemon has observed about its keys, in
 * FOLDER/.state/HOST.
 *
 * The file has one line for each key, DOMAIN SELECTOR ID NAME=NUMBER..., with
 * the members of struct rotation_state; ID is the SHA-256 of the public key.
 * Lines of keys that were removed from the folder are kept for a while.  A
 * line "!pauses NAME=NUMBER..." has the members of struct pauses.  The last
 * line is "# end".  The file is replaced atomically.  A daemon writes its own
 * file and reads it at startup.  Commands read all files, to combine the state
 * of all hosts that share the folder.
 */
#ifndef AVOUCH_SIGN_KEY_STATE_H
#define AVOUCH_SIGN_KEY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
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
	KEY_STATE_REMOVED_S =
	    30 * 86400, /* seconds; at startup, lines of keys that were removed
	                   earlier are dropped */
};

#define KEY_STATE_FOLDER ".state"

struct key_state_line {
	struct span id;       /* see sign_key_put_id() */
	struct sign_key *key; /* NULL: not in the set */
	struct rotation_state state;
};

struct key_state_reader {
	const struct sign_keys *keys;
	int64_t now; /* later times in the file are replaced by this one */
	/* called for each valid line */
	void (*each)(void *arg, const struct key_state_line *line);
	void *arg;
};

/* Returns the number of invalid lines. */
size_t key_state_parse(struct span text, const struct key_state_reader *reader,
    struct pauses *pauses);

/*
 * Sets the state of all keys from the file of this host.  If that file does not
 * exist, because the host or its role was renamed, the most recently written
 * file in FOLDER/.state is used.  If the file is damaged, keys without a line
 * may sign if no other key is ready (rotation_lose()).  Returns false and
 * writes to `error` if the file could not be read completely.
 */
bool key_state_load(const char *path, struct sign_keys *keys, int64_t now,
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
size_t key_state_read_all(
    const char *folder, const struct sign_keys *keys, int64_t now);

#endif
