/*
 * signing.h - the keys with which the daemon signs, and the list of senders.
 * Both are read at startup and at each reload.
 */
#ifndef AVOUCH_MILTER_SIGNING_H
#define AVOUCH_MILTER_SIGNING_H

#include <stdbool.h>

#include "conf/conf.h"
#include "sign/keys.h"
#include "sign/senders.h"

struct signing {
	struct sign_keys *keys;  /* NULL: there is no key folder */
	struct senders *senders; /* NULL: sign.senders is not set */
};

/*
 * Reads the keys and senders that `conf` names and makes them current.  The
 * earlier ones are freed when the last message that uses them has ended.  Logs
 * errors; an unusable key is not a failure.  Returns false and changes nothing
 * if the list of senders cannot be used or memory ran out.
 */
bool signing_load(const struct conf *conf);

/*
 * Disables core dumps, which would contain private keys, and reads all keys.
 * Logs errors.  If there is no folder, it cannot be read or memory ran out,
 * returns `previous`, which may be NULL, with a new reference.  Returns NULL if
 * `folder` is NULL.
 */
struct sign_keys *signing_read_keys(
    const char *folder, struct sign_keys *previous);

/* Returns the current keys and senders with a new reference, or NULL if there
 * are no keys. */
const struct signing *signing_ref(void);
void signing_unref(const struct signing *s); /* may be NULL */

/* Replaces only the keys, and takes over the caller's reference to `keys`, even
 * on failure.  Returns false if memory ran out. */
bool signing_set_keys(struct sign_keys *keys);

/* Releases the current keys and senders.  Call this at shutdown. */
void signing_close(void);

#endif
