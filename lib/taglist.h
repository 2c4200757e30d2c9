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
	struct span name;  /* as written, because tag names are
	                      case-sensitive */
	struct span value; /* without surrounding white space; may be empty */
};

enum tag_status { TAG_ONE, TAG_END, TAG_BAD };

enum { TAGLIST_MAX = 64 }; /* tags in one list; RFC 6376 defines 13 */

/*
 * Reads one tag-spec.  On TAG_BAD, `s` is at the offending byte.  An empty
 * tag-spec at the very end ("a=1;") ends the list; anywhere else ("a=1;;b=2")
 * it is an error.
 */
enum tag_status taglist_next(struct scan *s, struct tag *tag);

/*
 * Reads the whole list into `tags`.  For a syntax error, a duplicate tag, or
 * more than TAGLIST_MAX tags, returns false and sets `reason` to a constant
 * string.
 */
bool taglist_read(struct span text, struct tag tags[TAGLIST_MAX], size_t *n,
    const char **reason);

/* Finds the value of `name`.  Returns false if it is not in the list. */
bool taglist_find(
    const struct tag *tags, size_t n, const char *name, struct span *value);

#endif
