/*
 * change.h - the DNS records that fix a finding, as lines of a master file (RFC
 * 1035 section 5.1): which to remove, which to publish.
 *
 * Where a record needs something that only its owner knows, it holds a word in
 * capitals: PUBLIC-KEY, ADDRESS.
 */
#ifndef AVOUCH_AUDIT_CHANGE_H
#define AVOUCH_AUDIT_CHANGE_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"

enum {
	AUDIT_CHANGES_MAX = 12,        /* lines to remove, and to publish */
	AUDIT_CHANGE_DATA_MAX = 12288, /* bytes of name and data; records with
	                                  more are left out */
};

struct audit_change {
	struct arena *arena;
	struct span remove[AUDIT_CHANGES_MAX];
	size_t n_remove;
	struct span publish[AUDIT_CHANGES_MAX];
	size_t n_publish;
};

/* NULL: no memory.  The functions below take NULL and then do nothing. */
struct audit_change *audit_change_new(struct arena *a);

/* Add a line for a TXT record, which is split into strings of 255 bytes. */
void audit_change_remove_txt(
    struct audit_change *c, struct span name, struct span text);
void audit_change_publish_txt(
    struct audit_change *c, struct span name, struct span text);

/* Writes a name with a final dot, escaped for a master file. */
void audit_change_put_name(struct buf *b, struct span name);

/* Add a line for another record; `data` in the form of a master file. */
void audit_change_remove(struct audit_change *c, struct span name,
    const char *type, struct span data);
void audit_change_publish(struct audit_change *c, struct span name,
    const char *type, struct span data);

#endif
