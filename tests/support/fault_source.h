/*
 * fault_source.h - a source over others that answer at once (zones): it answers
 * as they do, holds answers back until it is told to give them, or fails; names
 * that they do not know may have a TXT record of the test's.
 *
 * One for the process, used by one thread.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAULT_SOURCE_H
#define AVOUCH_TESTS_SUPPORT_FAULT_SOURCE_H

#include <stdbool.h>

#include "dns/source.h"

enum moody_mood {
	MOODY_PROMPT,
	MOODY_HOLDS,  /* until moody_give() */
	MOODY_SILENT, /* the same, and moody_give() gives nothing */
	MOODY_FAILS,
};

enum { MOODY_SOURCES_MAX = 16, MOODY_TEXTS_MAX = 16 };

/* Prompt, without texts and sources; nobody may wait. */
void moody_begin(void);

/* A source over `below`, which has to stay as long as it is asked; NULL: there
 * are MOODY_SOURCES_MAX.  It needs no closing. */
struct dns_source *moody_over(struct dns_source *below);

void moody_set(enum moody_mood mood);

/* A further text; it must stay.  Which name has which is a matter of the name;
 * those below "example" have none.  What is over the limit is left out. */
void moody_add_text(struct span text);

/* Gives all that is held, the last first if `reversed`, and what is asked
 * meanwhile; false: there was nothing to give. */
bool moody_give(bool reversed);

#endif
