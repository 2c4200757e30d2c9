/*
 * own_fields.h - finds the header fields of an incoming message that claim to
 * be ours and must be removed (RFC 8601 sections 5 and 7.8).
 *
 * Only this file knows the names of our fields.  It allocates no memory, so
 * forged fields are removed even from a message that cannot be checked because
 * memory ran out.
 */
#ifndef AVOUCH_VERIFY_OWN_FIELDS_H
#define AVOUCH_VERIFY_OWN_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

enum {
	/*
	 * Fields that are removed from one message; a message with more is
	 * refused.  Postfix reads the whole header for each removal: 4,096
	 * removals in a header of 9 MB took 26 seconds.  Legitimate mail has
	 * one for each time it has passed through this host.
	 */
	OWN_FIELDS_MAX = 512,
};

enum own_field_kind {
	OWN_FIELD_AUTHRES, /* Authentication-Results with our authserv-id */
	OWN_FIELD_QUARANTINE,
	OWN_FIELD_KINDS,
};

struct own_field {
	enum own_field_kind kind;
	uint32_t nth; /* number among all fields of that name; the first is 1 */
};

struct own_fields {
	struct span authserv_id;
	uint32_t seen[OWN_FIELD_KINDS]; /* number of fields with that name */
	struct own_field fields[OWN_FIELDS_MAX]; /* in message order */
	size_t n; /* if above OWN_FIELDS_MAX, the rest are not in `fields` */
};

const char *own_field_name(enum own_field_kind kind);

/* Starts a message.  `authserv_id` must outlive `f`. */
void own_fields_begin(struct own_fields *f, struct span authserv_id);

/* Notes a field of the message.  Call this for every field, in message order.
 * White space around `name` is ignored. */
void own_fields_note(struct own_fields *f, struct span name, struct span value);

/* Returns the number of entries in `fields`. */
size_t own_fields_listed(const struct own_fields *f);

#endif
