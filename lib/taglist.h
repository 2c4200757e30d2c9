/*
 * taglist.h - tag=value lists: DKIM signatures and keys (RFC 6376 section 3.2),
 * ARC (RFC 8617 section 4.1), DMARC records (RFC 9989 section 4.8).
 */
#ifndef AVOUCH_LIB_TAGLIST_H
#define AVOUCH_LIB_TAGLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/scan.h"
#include "lib/span.h"

struct tag {
	struct span name;  /* as written: tag names are case-sensitive */
	struct span value; /* without white space at its ends; may be empty */
};

enum tag_step { TAG_ONE, TAG_END, TAG_BAD };

enum { TAGLIST_MAX = 64 }; /* tags in one list; RFC 6376 defines 13 */

/* Read one tag-spec; on TAG_BAD `s` is at the culprit.  An empty one at the
 * very end ("a=1;") is the end of the list, elsewhere ("a=1;;b=2") it is bad.
 */
enum tag_step taglist_next(struct scan *s, struct tag *tag);

/*
 * The whole list into `tags`.  False, with `reason` a constant text, for a
 * syntax error, a tag given twice, or more than TAGLIST_MAX tags.
 */
bool taglist_read(struct span text, struct tag tags[TAGLIST_MAX], size_t *n,
    const char **reason);

/* The value of `name`; false where it is not in the list. */
bool taglist_find(
    const struct tag *tags, size_t n, const char *name, struct span *value);

#endif
