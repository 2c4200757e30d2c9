#include "report/record/day.h"

#include <time.h>

#include "lib/ascii.h"
#include "report/record/row.h"

enum { YEAR_FIRST = 1970 };

void
day_put(struct buf *b, int64_t day)
{
	bool shown = day >= 0 && day <= DAY_LAST;
	time_t t = shown ? (time_t)(day * REPORT_DAY) : 0;
	struct tm tm = { 0 };

	if (!shown || gmtime_r(&t, &tm) == NULL)
		buf_printf(b, "%lld", (long long)day);
	else
		buf_printf(b, "%04d-%02d-%02d", tm.tm_year + 1900,
		    tm.tm_mon + 1, tm.tm_mday);
}

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
day_read(struct scan *s, int64_t *day)
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
	*day = t / REPORT_DAY;
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
day_read_time(struct scan *s, int64_t *seconds)
{
	struct scan at = *s;
	int hour = 0, minute = 0, second = 0;
	int64_t day, zone = 0;

	if (!day_read(&at, &day))
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
	*seconds = day * REPORT_DAY + hour * 3600 + minute * 60 + second - zone;
	if (*seconds < 0)
		return false;
	*s = at;
	return true;
}
