/*
 * day.h - days as people and reports write them: UTC, YYYY-MM-DD (the full-date
 * of RFC 3339).  In numbers they are counted since 1970: seconds / REPORT_DAY.
 */
#ifndef AVOUCH_REPORT_DAY_H
#define AVOUCH_REPORT_DAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/scan.h"

enum { DAY_LAST = 2932896 }; /* the last one of the year 9999 */

/* The number, where it is none of the years 1970 to 9999. */
void day_put(struct buf *b, int64_t day);

/* Takes the ten characters; false, with nothing taken: they are no day. */
bool day_read(struct scan *s, int64_t *day);

/*
 * Takes a day, and what RFC 3339 lets follow it: "T" or a space, a time, and
 * "Z" or the distance to UTC; where that is absent it is UTC.  Seconds since
 * 1970; false, with nothing taken: it is no such time.
 */
bool day_read_time(struct scan *s, int64_t *seconds);

#endif
