/*
 * utf8.h - characters of a text that may not be valid UTF-8.
 */
#ifndef AVOUCH_LIB_UTF8_H
#define AVOUCH_LIB_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"

/* Bytes of the well-formed character at the start of `s` (RFC 3629 section 4);
 * 0 if there is none. */
size_t utf8_size(struct span s);

/*
 * Bytes of the character at the start of `s` if it is safe in a line of text:
 * printable ASCII, or well-formed UTF-8 (RFC 3629 section 4) that is not a
 * control character, does not end a line (U+2028, U+2029), does not change the
 * writing direction and may be in XML (not U+FFFE, U+FFFF); else 0.
 */
size_t utf8_plain(struct span s);

/* Char of XML 1.0 section 2.2: a character that a document may have. */
bool utf8_is_xml(uint32_t character);

/* Bytes of the character at the start of `s` if it is one; else 0. */
size_t utf8_xml(struct span s);

/* Some character is not shown, and dropped by many programs: it has the Unicode
 * property Default_Ignorable_Code_Point (of version 14), or is a control. */
bool utf8_has_invisible(struct span text);

#endif
