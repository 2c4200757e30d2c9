/*
 * utf8.h - reads characters of text that may not be valid UTF-8.
 */
#ifndef AVOUCH_LIB_UTF8_H
#define AVOUCH_LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

/* Returns the length of the well-formed character at the start of `s` (RFC 3629
 * section 4), or 0 if there is none. */
size_t utf8_size(struct span s);

/*
 * Returns the length of the character at the start of `s` if it is safe in a
 * line of text, otherwise 0.  Safe means printable ASCII, or well-formed UTF-8
 * (RFC 3629 section 4) that is not a control character, does not end a line
 * (U+2028, U+2029), does not change the writing direction and is allowed in XML
 * (not U+FFFE, U+FFFF).
 */
size_t utf8_plain(struct span s);

/* Whether XML 1.0 section 2.2 allows the character in a document (Char). */
bool utf8_is_xml(uint32_t character);

/* Returns the length of the character at the start of `s` if XML allows it,
 * otherwise 0. */
size_t utf8_xml(struct span s);

/*
 * Whether `text` has a character that is not shown and that many programs drop:
 * a control character, or one with the property Default_Ignorable_Code_Point of
 * Unicode 14.
 */
bool utf8_has_invisible(struct span text);

#endif
