#include "report/receive/reported_value.h"

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/scan.h"
#include "lib/utf8.h"
#include "lib/date.h"
#include "report/record/row.h"

struct span
reported_line(struct arena *a, struct span text)
{
	struct buf b;

	text = span_trim(text);
	b = buf_alloc(a, text.n + 1);
	while (text.n > 0) {
		size_t size = utf8_plain(text);

		if (ascii_is_space((unsigned char)text.p[0])) {
			if (b.n > 0 && b.p[b.n - 1] != ' ')
				buf_byte(&b, ' ');
			size = 1;
		} else if (size == 0) {
			buf_byte(&b, '?');
			size = 1;
		} else {
			buf_span(&b, span_first(text, size));
		}
		text = span_skip(text, size);
	}
	return buf_view(&b);
}

struct span
reported_token(struct arena *a, struct span text)
{
	struct buf b = buf_alloc(a, text.n + 1);

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];

		if (ascii_is_visible(c))
			buf_byte(&b, (char)ascii_lower(c));
		else if (!ascii_is_space(c))
			buf_byte(&b, '?');
	}
	return buf_view(&b);
}

struct span
reported_domain(struct arena *a, struct span text)
{
	struct span normal;

	text = span_trim(text);
	if (text.n > 1 && text.p[0] == '<' && text.p[text.n - 1] == '>')
		text = span_skip(span_first(text, text.n - 1), 1);
	if (span_has(text, '@'))
		text = span_skip(text, span_rindex(text, '@') + 1);
	normal = domain_normal(a, text);
	return normal.p != NULL
	    ? normal
	    : reported_token(a, span_first(text, REPORT_NAME_MAX));
}

struct span
reported_result(struct arena *a, struct span text)
{
	static const struct {
		const char *written, *meant;
	} others[] = {
		{ "", "none" },
		{ "hardfail", "fail" },
		{ "error", "permerror" }, /* RFC 7489 appendix C */
		{ "unknown", "temperror" },
		{ "invalid", "permerror" },
	};
	struct span token = reported_token(a, text);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (span_is(token, others[i].written))
			return span_str(others[i].meant);
	return token;
}

struct span
reported_disposition(struct arena *a, struct span text)
{
	static const char *const names[] = { "quarantine", "reject", "pass" };
	struct span token = reported_token(a, text);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (span_is(token, names[i]))
			return token;
	return SPAN("none");
}

struct ip
reported_source(struct span text)
{
	struct ip ip;

	text = span_trim(text);
	if (text.n > 1 && text.p[0] == '[' && text.p[text.n - 1] == ']')
		text = span_skip(span_first(text, text.n - 1), 1);
	ip_parse(span_first(text, span_index(text, '%')), &ip);
	return ip;
}

bool
reported_time(struct span text, int64_t *out)
{
	struct scan s = scan_of(span_trim(text));
	uint64_t value;

	if (date_read_time(&s, out))
		return scan_done(&s);
	if (!scan_number(&s, INT64_MAX, &value) ||
	    (!scan_done(&s) && scan_peek(&s) != '.'))
		return false;
	while (value > (uint64_t)DATE_LAST)
		value /= 1000;
	/*
	 * 100000000000 is in the year 5138 if it is in seconds, and in 1973 if
	 * it is in milliseconds.
	 */
	while (value >= 100000000000)
		value /= 1000;
	*out = (int64_t)value;
	return true;
}

/* Reads the rest of "1,234,567": groups of three digits after commas. */
static bool
read_groups(struct scan *s, uint64_t *value)
{
	while (scan_byte(s, ',')) {
		struct span group = scan_while(s, ascii_is_digit);

		if (group.n != 3 || *value > INT64_MAX / 1000 - 1)
			return false;
		for (size_t i = 0; i < group.n; i++)
			*value = *value * 10 + (uint64_t)(group.p[i] - '0');
	}
	return true;
}

/* Skips ".0", which some reporters write. */
static void
skip_zero_fraction(struct scan *s)
{
	struct scan at = *s;
	struct span digits;

	if (!scan_byte(&at, '.'))
		return;
	digits = scan_while(&at, ascii_is_digit);
	for (size_t i = 0; i < digits.n; i++)
		if (digits.p[i] != '0')
			return;
	if (digits.n > 0)
		*s = at;
}

bool
reported_count(struct span text, int64_t *out)
{
	struct scan s = scan_of(span_trim(text));
	uint64_t value;

	*out = 1;
	if (scan_done(&s))
		return true;
	if (!scan_number(&s, INT64_MAX, &value)) {
		*out = INT64_MAX; /* if the text is a number, it is too large */
		return ascii_is_digit((unsigned char)scan_peek(&s));
	}
	if (!read_groups(&s, &value))
		return false;
	skip_zero_fraction(&s);
	*out = (int64_t)value;
	return scan_done(&s);
}
