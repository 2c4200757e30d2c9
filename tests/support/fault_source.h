/*
 * fault_source.h - wraps DNS sources that answer immediately (zones).  A
 * wrapper answers as the source does, holds answers back until the test
 * releases them, or fails.  TXT questions for names not below "example" may be
 * answered with texts from the test.
 *
 * There is one set of sources per process, for one thread.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAULT_SOURCE_H
#define AVOUCH_TESTS_SUPPORT_FAULT_SOURCE_H

#include <stdbool.h>

#include "dns/source.h"

enum fault_source_mode {
	FAULT_SOURCE_PROMPT,
	FAULT_SOURCE_HELD, /* answers are held back until fault_source_release()
	                    */
	FAULT_SOURCE_SILENT, /* answers are held back, and
	                        fault_source_release() does not release them */
	FAULT_SOURCE_FAILING,
};

enum { FAULT_SOURCES_MAX = 16, FAULT_SOURCE_TEXTS_MAX = 16 };

/* Resets to FAULT_SOURCE_PROMPT and removes all texts and sources.  No question
 * may be waiting. */
void fault_source_reset(void);

/*
 * Returns a source that wraps `below`, which must exist as long as questions
 * are asked; NULL if there are already FAULT_SOURCES_MAX.  It need not be
 * closed.
 */
struct dns_source *fault_source_new(struct dns_source *below);

void fault_source_set(enum fault_source_mode mode);

/*
 * Adds the text of a TXT record, which must stay valid.  A hash of the queried
 * name selects one of the texts; "example" and names below it get none.  Texts
 * over the limit are ignored.
 */
void fault_source_add_text(struct span text);

/* Releases all answers held back, in reverse order if `reversed`, and then
 * those to questions asked meanwhile.  Returns false if there were none, or in
 * mode FAULT_SOURCE_SILENT. */
bool fault_source_release(bool reversed);

#endif
