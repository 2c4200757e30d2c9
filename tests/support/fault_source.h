/*
 * fault_source.h - a source over others that answer immediately (zones).  It
 * answers as they do, holds answers back until the test releases them, or
 * fails.  Names that the others do not have may get a TXT record from the test.
 *
 * There is one set of sources per process, for one thread.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAULT_SOURCE_H
#define AVOUCH_TESTS_SUPPORT_FAULT_SOURCE_H

#include <stdbool.h>

#include "dns/source.h"

enum moody_mood {
	MOODY_PROMPT,
	MOODY_HOLDS,  /* answers are held back until moody_give() */
	MOODY_SILENT, /* answers are held back, even by moody_give() */
	MOODY_FAILS,
};

enum { MOODY_SOURCES_MAX = 16, MOODY_TEXTS_MAX = 16 };

/* Resets to MOODY_PROMPT and removes all texts and sources.  No question may be
 * waiting. */
void moody_begin(void);

/*
 * Returns a source over `below`, which must exist as long as questions are
 * asked; NULL if there are already MOODY_SOURCES_MAX.  It need not be closed.
 */
struct dns_source *moody_over(struct dns_source *below);

void moody_set(enum moody_mood mood);

/*
 * Adds the text of a TXT record, which must stay valid.  A hash of the queried
 * name selects one of the texts; names below "example" get none.  Texts over
 * the limit are ignored.
 */
void moody_add_text(struct span text);

/* Releases all answers held back, in reverse order if `reversed`, and then
 * those to questions asked meanwhile.  Returns false if there were none. */
bool moody_give(bool reversed);

#endif
