/*
 * plainfield.h - checks that our Authentication-Results field cannot mislead
 * programs that search it without parsing its grammar.
 */
#ifndef AVOUCH_TESTS_SUPPORT_PLAINFIELD_H
#define AVOUCH_TESTS_SUPPORT_PLAINFIELD_H

#include <stddef.h>

#include "lib/span.h"

/*
 * Checks the value of a field, folded with LF TAB, without a final line end:
 * - lines are printable ASCII without backslashes, and not empty;
 * - quotes and comments are closed and contain no quote, parenthesis or ";";
 * - comments are not adjacent;
 * - each "=" follows a method at the start of a line, a property or "reason",
 *   or, in a comment, a word that only we use there.
 * Aborts at the first violation.  Returns the number of ";".
 */
size_t plainfield_check(struct span value);

#endif
