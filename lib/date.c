#include "lib/date.h"

#include <stddef.h>
#include <time.h>

#include "lib/ascii.h"

enum { YEAR_FIRST = 1970 };

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* ---- writing ---- */

static struct tm
date_parts(int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&t, &tm);
	tm.tm_year += 1900;
	tm.tm_mon += 1;
	return tm;
}

void
date_put_day(struct buf *b, int64_t day)
{
	bool shown = day >= 0 && day <= DATE_DAY_LAST;
	struct tm tm = date_parts(shown ? day * DATE_DAY : 0);

	if (shown)
		buf_printf(
		    b, "%04d-%02d-%02d", tm.tm_year, tm.tm_mon, tm.tm_mday);
	else
		buf_printf(b, "%lld", (long long)day);
}

void
date_put_time(struct buf *b, int64_t when)
{
	struct tm tm = date_parts(when);

	buf_printf(b, "%04d-%02d-%02d %02d:%02d:%02d UTC", tm.tm_year,
	    tm.tm_mon, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
date_put_basic(struct buf *b, int64_t when)
{
	struct tm tm = date_parts(when);

	buf_printf(b, "%04d%02d%02dT%02d%02d%02dZ", tm.tm_year, tm.tm_mon,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

void
date_put_mail(struct buf *b, int64_t when)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	struct tm tm = date_parts(when);

	buf_printf(b, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
	    days + (ptrdiff_t)3 * tm.tm_wday, tm.tm_mday,
	    months + (ptrdiff_t)3 * (tm.tm_mon - 1), tm.tm_year, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

/* ---- reading ---- */

static bool
take_number(struct scan *s, size_t digits, int least, int most, int *out)
{
	struct span text = span_first(scan_rest(s), digits);
	struct scan number = scan_of(text);
	uint64_t value;

	if (text.n != digits || !span_all(text, ascii_is_digit) ||
	    !scan_number(&number, (uint64_t)most, &value) ||
	    value < (uint64_t)least)
		return false;
	s->p += digits;
	*out = (int)value;
	return true;
}

/* Converts a date to a day; returns false if the date does not exist, such as
 * 31 February. */
static bool
day_of(int year, int month, int mday, int64_t *day)
{
	struct tm tm = {
		.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = mday
	};
	time_t t = timegm(&tm);

	/* timegm() turns 31 February into a day in March */
	if (tm.tm_mday != mday)
		return false;
	*day = t / DATE_DAY;
	return true;
}

bool
date_read_day(struct scan *s, int64_t *day)
{
	struct scan at = *s;
	int year, month, mday;

	if (!take_number(&at, 4, YEAR_FIRST, 9999, &year) ||
	    !scan_byte(&at, '-') || !take_number(&at, 2, 1, 12, &month) ||
	    !scan_byte(&at, '-') || !take_number(&at, 2, 1, 31, &mday) ||
	    !day_of(year, month, mday, day))
		return false;
	*s = at;
	return true;
}

/* Reads "Z", or an offset such as "+01:00" (the colon is optional), as seconds;
 * without either, the time is in UTC. */
static bool
take_zone(struct scan *s, int64_t *seconds)
{
	int hours, minutes;
	bool west;

	*seconds = 0;
	if (scan_byte(s, 'Z') || scan_byte(s, 'z'))
		return true;
	west = scan_byte(s, '-');
	if (!west && !scan_byte(s, '+'))
		return true;
	if (!take_number(s, 2, 0, 23, &hours))
		return false;
	scan_byte(s, ':');
	if (!take_number(s, 2, 0, 59, &minutes))
		return false;
	*seconds = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

bool
date_read_time(struct scan *s, int64_t *seconds)
{
	struct scan at = *s;
	int hour = 0, minute = 0, second = 0;
	int64_t day, zone = 0;

	if (!date_read_day(&at, &day))
		return false;
	if (scan_byte(&at, 'T') || scan_byte(&at, 't') || scan_byte(&at, ' ')) {
		if (!take_number(&at, 2, 0, 24, &hour) ||
		    !scan_byte(&at, ':') ||
		    !take_number(&at, 2, 0, 59, &minute) ||
		    (scan_byte(&at, ':') &&
			!take_number(&at, 2, 0, 60, &second)))
			return false;
		if (scan_byte(&at, '.'))
			scan_while(&at, ascii_is_digit);
		if (!take_zone(&at, &zone))
			return false;
	}
	*seconds = day * DATE_DAY + hour * 3600 + minute * 60 + second - zone;
	if (*seconds < 0)
		return false;
	*s = at;
	return true;
}

/* ---- reading Date fields ---- */

static bool
take_month(struct scan *s, int *month)
{
	for (*month = 1; *month <= 12; (*month)++) {
		char name[4] = { 0 };

		for (size_t i = 0; i < 3; i++)
			name[i] = months[3 * (*month - 1) + (int)i];
		if (scan_text_nocase(s, name))
			return true;
	}
	return false;
}

/* "04:37:26 +0000" */
static bool
take_mail_time(struct scan *s, int64_t *seconds)
{
	int hour, minute, second = 0;
	int64_t zone = 0;

	if (!take_number(s, 2, 0, 23, &hour) || !scan_byte(s, ':') ||
	    !take_number(s, 2, 0, 59, &minute) ||
	    (scan_byte(s, ':') && !take_number(s, 2, 0, 60, &second)))
		return false;
	scan_fws(s);
	if (scan_peek(s) == '+' || scan_peek(s) == '-') {
		if (!take_zone(s, &zone))
			return false;
	} else if (scan_while(s, ascii_is_alpha).n == 0) {
		return false;
	}
	*seconds = hour * 3600 + minute * 60 + second - zone;
	return true;
}

bool
date_read_mail(struct scan *s, int64_t *seconds)
{
	struct scan at = *s;
	int64_t day, time;
	uint64_t mday;
	int month, year;

	scan_fws(&at);
	if (scan_while(&at, ascii_is_alpha).n > 0) { /* day of the week */
		scan_fws(&at);
		if (!scan_byte(&at, ','))
			return false;
		scan_fws(&at);
	}
	if (!scan_number(&at, 31, &mday) || !scan_fws(&at) ||
	    !take_month(&at, &month) || !scan_fws(&at) ||
	    !take_number(&at, 4, YEAR_FIRST, 9999, &year) || !scan_fws(&at) ||
	    mday == 0 || !day_of(year, month, (int)mday, &day) ||
	    !take_mail_time(&at, &time) || day * DATE_DAY + time < 0)
		return false;
	*seconds = day * DATE_DAY + time;
	*s = at;
	return true;
}
