/*
 * snapshot.h - builds a configuration snapshot, and defines what it contains
 * besides the values of options.  Used by conf.c, print.c and tests that make
 * allocations fail.
 */
#ifndef AVOUCH_CONF_SNAPSHOT_H
#define AVOUCH_CONF_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/arena.h"
#include "conf/conf.h"
#include "conf/errors.h"

struct conf_source { /* where the value of an option was set */
	unsigned line;
	bool is_set; /* false: it is the default */
};

struct conf_snapshot {
	atomic_uint refs;
	struct arena *arena; /* owns everything, including this struct */
	struct conf *conf;
	const char *file;
	struct conf_source *options;    /* in the order of conf_options[] */
	struct conf_source **overrides; /* `options` of each override */
	struct conf_error_list warnings;
};

/*
 * Reads `text` into the arena `snapshot`, and takes ownership of that arena:
 * the returned configuration owns it, and on failure it is freed.  `snapshot`
 * may be NULL, which counts as out of memory.  Returns NULL on failure, and
 * `errors` says why.  The arena of `errors` is used for everything that is
 * needed only while reading.
 */
const struct conf *conf_build(struct span text, const char *name,
    struct arena *snapshot, struct conf_errors *errors);

#endif
