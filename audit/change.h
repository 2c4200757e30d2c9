/*
 * change.h - the DNS records that fix a finding, as lines of a master file (RFC
 * 1035 section 5.1): the records to remove and those to publish.
 *
 * A part of a record that only the owner knows is a placeholder in capitals:
 * PUBLIC-KEY, ADDRESS, HOST-NAME.
 */
#ifndef AVOUCH_AUDIT_CHANGE_H
#define AVOUCH_AUDIT_CHANGE_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"

enum {
	AUDIT_CHANGES_MAX = 12, /* maximum for each of `remove` and `publish` */
	AUDIT_CHANGE_DATA_MAX = 12288, /* bytes of a record's name and data;
	                                  larger records are left out */
};

struct audit_change {
	struct arena *arena;
	struct span remove[AUDIT_CHANGES_MAX];
	size_t n_remove;
	struct span publish[AUDIT_CHANGES_MAX];
	size_t n_publish;
};

/* Returns NULL if memory ran out.  The functions below do nothing if `c` is
 * NULL. */
struct audit_change *audit_change_new(struct arena *a);

/* These add a line for a TXT record, split into strings of at most 255
 * bytes. */
void audit_change_remove_txt(
    struct audit_change *c, struct span name, struct span text);
void audit_change_publish_txt(
    struct audit_change *c, struct span name, struct span text);

/* Writes a name with a final dot, escaped for a master file. */
void audit_change_put_name(struct buf *b, struct span name);

/* These add a line for another record type; `data` is in master file format. */
void audit_change_remove(struct audit_change *c, struct span name,
    const char *type, struct span data);
void audit_change_publish(struct audit_change *c, struct span name,
    const char *type, struct span data);

#endif
