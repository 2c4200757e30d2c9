/*
 * fake_libmilter.h - an MTA in the place of libmilter: it has the functions of
 * libmilter that milter/ calls, and asserts that nothing is asked of it that an
 * MTA could misread: a field or a reply that would end early, turn into two, or
 * is longer than it may be; a field that is not there; a change at the wrong
 * time.
 *
 * A program that calls milter/ is linked with this and not with libmilter.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAKE_LIBMILTER_H
#define AVOUCH_TESTS_SUPPORT_FAKE_LIBMILTER_H

#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	MTA_MACROS_MAX = 16,
	MTA_TEXT_MAX = 980, /* of a reply, as libmilter has it */
};

struct mta_field {
	char *name, *value;
};

struct mta_change {
	bool insert;
	size_t number; /* of a field that is removed, the first is 1 */
	char *name, *value;
};

/* One connection; what callbacks know as SMFICTX.  All zero is a new one. */
struct smfi_str {
	void *private; /* smfi_setpriv() */
	struct mta_field macros[MTA_MACROS_MAX];
	bool leading_space; /* was granted */
	size_t refuse_at;   /* the change that is refused, counted from now,
	                       and all after it; 0: none */

	/* the message under way */
	struct mta_field *fields;
	size_t n_fields, fields_room;

	/* what was asked for since mta_begin() */
	bool ending;  /* the end of the message: changes are allowed */
	bool refused; /* a change was */
	struct mta_change *changes;
	size_t n_changes, changes_room;
	unsigned n_replies;
	char code; /* the first digit of the last one */
	bool held;
};

/* The callbacks that were registered last. */
const struct smfiDesc *mta_milter(void);

/* NULL: the MTA does not tell it.  At most MTA_MACROS_MAX names; further ones
 * are not told.  Texts are copied, here and below. */
void mta_set_macro(SMFICTX *m, const char *name, const char *value);

/* A header field of the message; telling the milter is the caller's. */
void mta_field(SMFICTX *m, const char *name, const char *value);

/* Forgets what was asked for; changes may come from now on if `ending`. */
void mta_begin(SMFICTX *m, bool ending);

/* Forgets the message. */
void mta_forget(SMFICTX *m);

/* Frees what the connection holds. */
void mta_end(SMFICTX *m);

#endif
