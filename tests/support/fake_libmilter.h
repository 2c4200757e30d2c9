/*
 * fake_libmilter.h - a fake MTA that replaces libmilter.  It has the functions
 * of libmilter that milter/ calls.  It asserts that milter/ requests no change
 * at the wrong time, and no field or reply that would end early, be read as
 * two, or exceed its length limit.
 *
 * A program that calls milter/ is linked with this instead of libmilter.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAKE_LIBMILTER_H
#define AVOUCH_TESTS_SUPPORT_FAKE_LIBMILTER_H

#include <libmilter/mfapi.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	MTA_MACROS_MAX = 16,
	MTA_TEXT_MAX = 980, /* longest reply text, as in libmilter */
};

struct mta_field {
	char *name, *value;
};

struct mta_change {
	bool insert;
	size_t number; /* index of the removed field among those of its name,
	                  counted from 1 */
	char *name, *value;
};

/* One connection, passed to callbacks as SMFICTX; all zeros if it is new. */
struct smfi_str {
	void *private; /* smfi_setpriv() */
	struct mta_field macros[MTA_MACROS_MAX];
	bool leading_space; /* SMFIP_HDR_LEADSPC was granted */
	size_t refuse_at;   /* 1: the next change and all after it are refused;
	                       N: the Nth and all after it; 0: none */

	/* the current message */
	struct mta_field *fields;
	size_t n_fields, fields_room;

	/* requests since mta_begin() */
	bool ending;  /* at the end of the message: changes are allowed */
	bool refused; /* a change was refused */
	struct mta_change *changes;
	size_t n_changes, changes_room;
	unsigned n_replies;
	char code; /* first digit of the last reply code */
	bool held;
};

/* Returns the callbacks that were registered last. */
const struct smfiDesc *mta_milter(void);

/* Sets a macro; NULL means that the MTA does not send it.  Macros beyond
 * MTA_MACROS_MAX are ignored.  This function and those below copy strings. */
void mta_set_macro(SMFICTX *m, const char *name, const char *value);

/* Adds a header field to the message.  The caller passes it to the milter. */
void mta_field(SMFICTX *m, const char *name, const char *value);

/* Clears the recorded requests.  From now on, changes are allowed only if
 * `ending` is set. */
void mta_begin(SMFICTX *m, bool ending);

/* Clears the message. */
void mta_forget(SMFICTX *m);

/* Frees the connection's memory. */
void mta_end(SMFICTX *m);

#endif
