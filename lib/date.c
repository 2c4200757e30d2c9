#include "lib/date.h"

#include <stddef.h>
#include <time.h>

#include "lib/ascii.h"

enum { YEAR_FIRST = 1970 };

/* ---- to text ---- */

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
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = date_parts(when);

	buf_printf(b, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
	    days + (ptrdiff_t)3 * tm.tm_wday, tm.tm_mday,
	    months + (ptrdiff_t)3 * (tm.tm_mon - 1), tm.tm_year, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}

/* ---- from text ---- */

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

bool
date_read_day(struct scan *s, int64_t *day)
{
	struct scan at = *s;
	struct tm tm = { 0 }, back;
	time_t t;

	if (!take_number(&at, 4, YEAR_FIRST, 9999, &tm.tm_year) ||
	    !scan_byte(&at, '-') || !take_number(&at, 2, 1, 12, &tm.tm_mon) ||
	    !scan_byte(&at, '-') || !take_number(&at, 2, 1, 31, &tm.tm_mday))
		return false;
	back = tm;
	back.tm_year -= 1900;
	back.tm_mon -= 1;
	t = timegm(&back);
	/* timegm() turns 31 February into a day of March. */
	if (back.tm_mday != tm.tm_mday)
		return false;
	*day = t / DATE_DAY;
	*s = at;
	return true;
}

/* "Z", or an offset such as "+01:00" (the colon is optional), in seconds. */
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
