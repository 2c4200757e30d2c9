/*
 * date.h - the one place that reads and writes dates and times.
 *
 * A time is seconds since 1970.  A day is a number of days since 1970, in UTC:
 * day = time / DATE_DAY.  The locale and the time zone have no influence.
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
	DATE_MAX = 40,           /* bytes of any text below, with the NUL */
};

/* "2026-11-22", the full-date of RFC 3339 section 5.6; the plain number for a
 * day outside of the years 1970 to 9999. */
void date_put_day(struct buf *b, int64_t day);

/* After DATE_LAST the year has more digits. */

/* "2026-11-22 04:37:26 UTC" */
void date_put_time(struct buf *b, int64_t when);

/* "20261122T043726Z", the basic format of ISO 8601, for names of files. */
void date_put_basic(struct buf *b, int64_t when);

/* "Sun, 22 Nov 2026 04:37:26 +0000" (RFC 5322 section 3.3) */
void date_put_mail(struct buf *b, int64_t when);

/* Takes the ten characters of a full-date.  False: they are not a day, and
 * nothing is taken. */
bool date_read_day(struct scan *s, int64_t *day);

/*
 * Takes a day and optionally, as RFC 3339 has it, "T" or a space, a time, and
 * "Z" or an offset (UTC without one).  False: it is not a valid time, and
 * nothing is taken.
 */
bool date_read_time(struct scan *s, int64_t *seconds);

/*
 * Takes the date of a mail (RFC 5322 section 3.3): "Sun, 22 Nov 2026 04:37:26
 * +0000", with any white space; the day of the week and the seconds are
 * optional, and a zone may be a name (section 4.3), which counts as UTC.  Years
 * have four digits.  False: it is not one, and nothing is taken.
 */
bool date_read_mail(struct scan *s, int64_t *seconds);

#endif
