/*
 * own_fields.h - the fields of an arriving message that claim to be ours and
 * have to be removed (RFC 8601 sections 5 and 7.8).
 *
 * This is the only place that knows which names our fields have.  It allocates
 * no memory, so that a message that cannot be checked for lack of memory loses
 * its forged fields all the same.
 */
#ifndef AVOUCH_VERIFY_OWN_FIELDS_H
#define AVOUCH_VERIFY_OWN_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "conf/conf.h"

enum {
	/*
	 * Fields that are removed from one message; a message with more is
	 * refused.  For each removal Postfix reads through all of the header:
	 * 4,096 of them behind 9 MB of header took it 26 seconds.  Honest mail
	 * has one for each time it passed this host before.
	 */
	OWN_FIELDS_MAX = 512,
};

enum own_field_kind {
	OWN_FIELD_AUTHRES, /* Authentication-Results of our authserv-id */
	OWN_FIELD_RECEIVED_SPF,
	OWN_FIELD_QUARANTINE, /* dmarc.quarantine_header */
	OWN_FIELD_KINDS,
};

struct own_field {
	enum own_field_kind kind;
	uint32_t nth; /* among all fields of that name; the first is 1 */
};

struct own_fields {
	const char *names[OWN_FIELD_KINDS]; /* NULL: we do not write it */
	struct span authserv_id;
	uint32_t seen[OWN_FIELD_KINDS];          /* fields of that name */
	struct own_field fields[OWN_FIELDS_MAX]; /* in their order */
	size_t n; /* above OWN_FIELDS_MAX: some are not listed */
};

/* Begins a message.  `conf` and the text of `authserv_id` must outlive it. */
void own_fields_begin(
    struct own_fields *f, const struct conf *conf, struct span authserv_id);

/* A field of the message; every field must be noted, in its order.  White space
 * around `name` does not count. */
void own_fields_note(struct own_fields *f, struct span name, struct span value);

/* How many of `fields` are listed. */
size_t own_fields_listed(const struct own_fields *f);

#endif
