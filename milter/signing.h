/*
 * signing.h - what the daemon signs with: the set of keys and the list of
 * senders.  Both are read at start and at each reload.
 */
#ifndef AVOUCH_MILTER_SIGNING_H
#define AVOUCH_MILTER_SIGNING_H

#include <stdbool.h>

#include "conf/conf.h"
#include "sign/keys.h"
#include "sign/senders.h"

struct signing {
	struct sign_keys *keys;  /* NULL: there is no folder of keys */
	struct senders *senders; /* NULL: sign.senders is not set */
};

/*
 * Reads what `conf` names and makes it current; what was current before stays
 * until its last message has ended.  A broken key does not make it fail.  What
 * is wrong is logged.  False: the list of senders cannot be used, or no memory;
 * then nothing changes.
 */
bool signing_load(const struct conf *conf);

/*
 * Reads all keys, after forbidding core dumps, which would contain them; logs
 * what is wrong.  NULL: there is no folder, or no memory.  If the folder cannot
 * be read, the result is `previous`, which may be NULL, with a new reference.
 */
struct sign_keys *signing_read_keys(
    const char *folder, struct sign_keys *previous);

/* The current one, with a new reference; NULL: there are no keys. */
const struct signing *signing_ref(void);
void signing_unref(const struct signing *s); /* takes NULL */

/* Replaces only the keys; takes the reference of `keys`.  False: no memory. */
bool signing_set_keys(struct sign_keys *keys);

/* At the end: forgets the current one. */
void signing_close(void);

#endif
