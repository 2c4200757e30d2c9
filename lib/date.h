/*
 * date.h - dates as mail has them (RFC 5322 section 3.3).
 */
#ifndef AVOUCH_LIB_DATE_H
#define AVOUCH_LIB_DATE_H

#include <stdint.h>

#include "lib/buf.h"

enum { DATE_MAX = 40 }; /* bytes of a text, with the NUL; years of 4 digits */

/* "Sun, 22 Nov 2026 04:37:26 +0000" of seconds since 1970, in whatever locale.
 */
void date_put(struct buf *b, int64_t when);

#endif
