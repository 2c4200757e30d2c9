/*
 * import.h - the settings of opendkim.conf, opendmarc.conf and
 * policyd-spf.conf as ours.
 *
 * What is printed is a configuration file that avouch reads.  First, as
 * comments, what the operator has to do; then each setting with the line it
 * comes from; at the end, as comments, what changes and what is not needed.  If
 * an option is not set and the other program's default treats mail differently
 * from ours, that default is taken over.
 *
 * The other programs go on running until the operator stops them, so socket,
 * user and the like are never taken over, and mode is always monitor.  An
 * opendkim that only signs is left alone.
 */
#ifndef AVOUCH_CLI_IMPORT_H
#define AVOUCH_CLI_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"
#include "lib/span.h"

enum {
	IMPORT_FILE_MAX = 1 << 20, /* bytes of a file */
	IMPORT_SETTINGS_MAX = 500, /* in a file */
};

enum import_program {
	IMPORT_UNKNOWN,
	IMPORT_OPENDKIM,
	IMPORT_OPENDMARC,
	IMPORT_POLICYD_SPF,
};

const char *import_program_name(enum import_program program);

struct import;

/*
 * Reads a file that a setting names, into `a`; absent where that fails.  At
 * most IMPORT_FILE_MAX bytes.
 */
typedef struct span import_read(void *arg, const char *path, struct arena *a);

/* All memory is of `a`; NULL: no memory. */
struct import *import_new(struct arena *a, import_read *read, void *arg);

/*
 * Finds out which program's file it is: by its name, else by the names of its
 * settings. `path` is its name in messages; `text` must stay until
 * import_end(). False: it is none of the three, it has more than
 * IMPORT_SETTINGS_MAX settings, or memory ran out.
 */
bool import_add(struct import *im, const char *path, struct span text);

/* Call after the last file. False: memory ran out, and the output is
 * incomplete. */
bool import_print(struct import *im, FILE *out);

#endif
