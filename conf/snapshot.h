/*
 * snapshot.h - how a snapshot is made, and what it keeps besides its values.
 * For conf.c, print.c and tests that let memory fail.
 */
#ifndef AVOUCH_CONF_SNAPSHOT_H
#define AVOUCH_CONF_SNAPSHOT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/arena.h"
#include "conf/conf.h"
#include "conf/errors.h"

struct conf_source { /* of an option's value */
	unsigned line;
	bool is_set; /* else it is the default */
};

struct conf_snapshot {
	atomic_uint refs;
	struct arena *arena; /* holds all of it, this struct as well */
	struct conf *conf;
	const char *file;
	struct conf_source *options;    /* as conf_options[] */
	struct conf_source **overrides; /* the same for each override */
	struct conf_error_list warnings;
};

/*
 * Reads `text` into `snapshot`, which it takes over: the configuration lives in
 * it, or it is freed; NULL means that there was no memory for it.  Returns NULL
 * if `errors` says why; its arena holds what is needed while reading.
 */
const struct conf *conf_build(struct span text, const char *name,
    struct arena *snapshot, struct conf_errors *errors);

#endif
