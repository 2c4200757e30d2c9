/*
 * base64.h - RFC 4648 section 4, with folding white space anywhere as RFC 6376
 * section 3.2 allows it.
 */
#ifndef AVOUCH_LIB_BASE64_H
#define AVOUCH_LIB_BASE64_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"

/*
 * Decodes into `a`.  False where a byte is neither of the alphabet nor white
 * space, the padding is wrong or not at the end, or bits are left over that
 * are not zero; or where `a` has no room (arena_has_failed() tells).  Nothing
 * but white space decodes to an empty span.
 */
bool base64_decode(struct arena *a, struct span text, struct span *out);

void base64_encode(struct buf *b, struct span bytes);

#endif
