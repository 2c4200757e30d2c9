/*
 * utf8.h - characters of text that need not be UTF-8.
 */
#ifndef AVOUCH_LIB_UTF8_H
#define AVOUCH_LIB_UTF8_H

#include <stddef.h>

#include "lib/span.h"

/* How many bytes the well-formed character in front of `s` has (RFC 3629
 * section 4); 0 where there is none. */
size_t utf8_size(struct span s);

/*
 * How many bytes the character in front of `s` has that may stand in a line as
 * it is: printable ASCII, or well-formed UTF-8 (RFC 3629 section 4) that is no
 * control, no mark that ends a line (U+2028, U+2029) or turns the direction of
 * writing; else 0.
 */
size_t utf8_plain(struct span s);

#endif
