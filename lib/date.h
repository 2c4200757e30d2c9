/*
 * date.h - the only place that reads and writes dates and times.
 *
 * Times are in seconds since 1970, and days are counted from 1970, both in UTC:
 * day = time / DATE_DAY.  The locale and the time zone have no effect.
 */
#ifndef AVOUCH_LIB_DATE_H
#define AVOUCH_LIB_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/scan.h"

#define DATE_LAST INT64_C(253402300799) /* the end of the year 9999 */

enum {
	DATE_DAY = 86400,        /* seconds */
	DATE_DAY_LAST = 2932896, /* the last day of the year 9999 */
	DATE_MAX = 40, /* bytes of the longest string that date_put_*() writes,
	                  including the NUL */
};

/* Writes "2026-11-22", a full-date (RFC 3339 section 5.6).  A day outside the
 * years 1970 to 9999 is written as a number. */
void date_put_day(struct buf *b, int64_t day);

/* The functions below write years after DATE_LAST with more than four
 * digits. */

/* "2026-11-22 04:37:26 UTC" */
void date_put_time(struct buf *b, int64_t when);

/* "20261122T043726Z", the basic format of ISO 8601, for file names */
void date_put_basic(struct buf *b, int64_t when);

/* "Sun, 22 Nov 2026 04:37:26 +0000" (RFC 5322 section 3.3) */
void date_put_mail(struct buf *b, int64_t when);

/* Reads the ten characters of a full-date.  Returns false and reads nothing if
 * they are not a valid date. */
bool date_read_day(struct scan *s, int64_t *day);

/*
 * Reads a date and, optionally, "T" or a space, a time, and "Z" or an offset,
 * as in RFC 3339; a time without an offset is in UTC.  Returns false and reads
 * nothing if the text is not a valid time.
 */
bool date_read_time(struct scan *s, int64_t *seconds);

/*
 * Reads the date of a message (RFC 5322 section 3.3): "Sun, 22 Nov 2026
 * 04:37:26 +0000", with any white space.  The day of the week and the seconds
 * are optional.  A zone may also be a name (section 4.3), which counts as UTC.
 * Years have four digits.  Returns false and reads nothing if the text is not a
 * valid date.
 */
bool date_read_mail(struct scan *s, int64_t *seconds);

#endif
