/*
 * conf_build.h - how a snapshot is made, and what it keeps besides its values.
 * For conf.c, conf_show.c and tests that let memory fail.
 */
#ifndef AVOUCH_VERIFY_CONF_BUILD_H
#define AVOUCH_VERIFY_CONF_BUILD_H

#include <stdatomic.h>
#include <stdbool.h>

#include "lib/arena.h"
#include "verify/conf.h"
#include "verify/conf_fault.h"

struct conf_origin {
	unsigned line; /* 0: not known */
	bool is_set;   /* else a default */
};

struct conf_origins {
	atomic_uint holders;
	struct arena *arena; /* holds the snapshot, this struct as well */
	struct conf *conf;
	const char *file;
	struct conf_origin *options;    /* as conf_options[] */
	struct conf_origin **overrides; /* the same for each override */
};

/*
 * The configuration that `text`, a C string, says.  It takes `snapshot` over:
 * the configuration lives in it, or it is freed; NULL is no memory.  NULL:
 * `faults` tells why; its arena serves for the reading.
 */
const struct conf *conf_build(const char *text, const char *name,
    struct arena *snapshot, struct conf_faults *faults);

#endif
