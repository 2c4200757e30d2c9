/*
 * key_state.h - what a daemon has seen of its keys, in FOLDER/.state/HOST.
 *
 * One line for each key: DOMAIN SELECTOR ID NAME=NUMBER..., with the members of
 * struct rotation_state; ID is the SHA-256 of the public key.  A line "!pauses
 * NAME=NUMBER..." has the members of struct pauses.  The last line is "# end".
 * The file is replaced in one step.  A daemon writes its own and reads it at
 * start. Commands read all of them, so that hosts that share a folder are seen
 * together.
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
	KEY_STATE_HOSTS_MAX = 64,      /* files that are read */
	KEY_STATE_STALE_S = 3 * 86400, /* a daemon writes once a day */
};

#define KEY_STATE_FOLDER ".state"

/* What is called for each valid line whose key is in the set. */
typedef void key_state_each(
    void *arg, struct sign_key *key, const struct rotation_state *state);

/* Returns the number of lines that are not valid; lines of other keys are not
 * counted. */
size_t key_state_parse(struct span text, const struct sign_keys *keys,
    key_state_each *each, void *arg, struct pauses *pauses);

/*
 * Sets the state of all keys from the file of this host.  If it does not exist,
 * because the host or its role has another name now, the file of FOLDER/.state
 * that was written last is used.  If it is damaged, keys without a line sign
 * until DNS says otherwise (rotation_lose()).  False: `error` says what is
 * wrong.
 */
bool key_state_load(const char *path, const struct sign_keys *keys,
    struct pauses *pauses, struct buf *error);

/* Replaces the file. */
bool key_state_write(const char *path, const struct sign_keys *keys,
    const struct pauses *pauses, struct buf *error);
void key_state_put(
    FILE *out, const struct sign_keys *keys, const struct pauses *pauses);

/*
 * Reads all files of the folder and merges them: a key is ready if it is so on
 * all hosts that know it, and the last signature is that of any host.  Files
 * that are KEY_STATE_STALE_S older than the newest one are of hosts that are
 * gone.  Returns the number of files, 0 also if there is no folder.
 */
size_t key_state_read_all(const char *folder, const struct sign_keys *keys);

#endif
