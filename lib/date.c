#include "lib/date.h"

#include <stddef.h>
#include <time.h>

void
date_put(struct buf *b, int64_t when)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t t = (time_t)when;
	struct tm tm = { .tm_mday = 1 };

	gmtime_r(&t, &tm);
	buf_printf(b, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
	    days + (ptrdiff_t)3 * tm.tm_wday, tm.tm_mday,
	    months + (ptrdiff_t)3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour,
	    tm.tm_min, tm.tm_sec);
}
