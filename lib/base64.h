/*
 * base64.h - RFC 4648 section 4, with folding white space allowed anywhere, as
 * in RFC 6376 section 3.2.
 */
#ifndef AVOUCH_LIB_BASE64_H
#define AVOUCH_LIB_BASE64_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"

/*
 * Decodes into `a`.  Returns false if a byte is neither in the alphabet nor
 * white space, if the padding is wrong or not at the end, if leftover bits are
 * not zero, or if `a` has no room (check arena_has_failed()).  Input that is
 * only white space decodes to an empty span.
 */
bool base64_decode(struct arena *a, struct span text, struct span *out);

void base64_encode(struct buf *b, struct span bytes);

#endif
