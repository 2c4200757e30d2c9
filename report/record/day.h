/*
 * day.h - days in UTC as YYYY-MM-DD (full-date of RFC 3339).  As a number, a
 * day is seconds since 1970 / REPORT_DAY.
 */
#ifndef AVOUCH_REPORT_RECORD_DAY_H
#define AVOUCH_REPORT_RECORD_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/scan.h"

enum { DAY_LAST = 2932896 }; /* the last day of the year 9999 */

/* Writes the plain number for a day outside of the years 1970 to 9999. */
void day_put(struct buf *b, int64_t day);

/*
 * Takes the ten characters.  False: they are not a day, and nothing is taken.
 */
bool day_read(struct scan *s, int64_t *day);

/*
 * Takes a day and optionally, as RFC 3339 has it, "T" or a space, a time, and
 * "Z" or an offset (UTC without one).  The result is seconds since 1970.
 * False: it is not a valid time, and nothing is taken.
 */
bool day_read_time(struct scan *s, int64_t *seconds);

#endif
