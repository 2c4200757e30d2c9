/*
 * import.h - converts opendkim.conf, opendmarc.conf and policyd-spf.conf to an
 * avouch configuration.
 *
 * The output is a configuration file that avouch reads.  It begins with a
 * comment that lists what the operator has to do.  The settings follow, each
 * with the line it comes from.  Comments at the end list what changes and which
 * settings are not needed.  For an option that is not set, the other program's
 * default is imported if it treats mail differently from avouch's.
 *
 * The other programs keep running until the operator stops them.  So their
 * socket, user and similar settings are never imported, and `mode` is always
 * monitor.  If opendkim only signs, nothing is imported from its file.
 */
#ifndef AVOUCH_CLI_IMPORT_H
#define AVOUCH_CLI_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"
#include "lib/span.h"

enum {
	IMPORT_FILE_MAX = 1 << 20, /* bytes per file */
	IMPORT_SETTINGS_MAX = 500, /* per file */
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
 * Reads a file named by a setting, up to IMPORT_FILE_MAX bytes, into `a`.
 * Returns an absent span on failure.
 */
typedef struct span import_read(void *arg, const char *path, struct arena *a);

/* Allocates everything in `a`.  Returns NULL if memory ran out. */
struct import *import_new(struct arena *a, import_read *read, void *arg);

/*
 * Determines which program the file belongs to, by its name or else by the
 * names of its settings, and converts it.  `path` is used in messages; `text`
 * must live until import_print().  Returns false if the file belongs to none of
 * the three programs or has more than IMPORT_SETTINGS_MAX settings, or if
 * memory ran out.
 */
bool import_add(struct import *im, const char *path, struct span text);

/* Call after the last file.  Returns false if memory ran out; the output is
 * then incomplete. */
bool import_print(struct import *im, FILE *out);

#endif
