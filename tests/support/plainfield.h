/*
 * plainfield.h - what holds of every Authentication-Results field of ours, so
 * that no program is misled that reads it without its grammar.
 */
#ifndef AVOUCH_TESTS_SUPPORT_PLAINFIELD_H
#define AVOUCH_TESTS_SUPPORT_PLAINFIELD_H

#include <stddef.h>

#include "lib/span.h"

/*
 * The value, folded with LF TAB, without a line end:
 * - printable ASCII without a backslash, lines that are not empty;
 * - quotes and comments are closed and hold no quote, parenthesis or ";";
 * - no comment is beside another one;
 * - each "=" is one of ours: after a method at a line's start, after a property
 *   or "reason", or in a comment after a word that only we write there.
 * The assertion that fails says what does not.  Returns the number of ";".
 */
size_t plainfield_check(struct span value);

#endif
