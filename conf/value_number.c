#include "conf/value_field.h"

#include <inttypes.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/scan.h"
#include "conf/names.h"

/* ---- choices and numbers ---- */

bool
conf_read_bool(const struct conf_field *f)
{
	static const struct enum_token names[] = {
		{ "true", true },
		{ "yes", true },
		{ "false", false },
		{ "no", false },
	};
	int value;
	bool b;

	if (!enum_value(
		names, ARRAY_SIZE(names), span_str(f->values->text), &value))
		return conf_value_error(
		    f, f->values, "is not valid; use true or false");
	b = value != 0;
	return conf_set(f->value, &b, sizeof(b));
}

bool
conf_read_choice(const struct conf_field *f)
{
	char text[200];
	struct buf b = buf_wrap(text, sizeof(text));
	const char *new_value = conf_new_value(span_str(f->values->text));
	int value;

	_Static_assert(sizeof(enum conf_action) == sizeof(int) &&
		sizeof(enum conf_mode) == sizeof(int) &&
		sizeof(enum log_format) == sizeof(int) &&
		sizeof(enum log_target) == sizeof(int),
	    "choices are set by copy");
	if (enum_value(f->o->choices, f->o->n_choices,
		span_str(f->values->text), &value))
		return conf_set(f->value, &value, sizeof(value));
	if (enum_value(
		f->o->choices, f->o->n_choices, span_str(new_value), &value)) {
		conf_warning_add(f->errors, f->values->line,
		    "%s%s%s: \"%s\" is now called %s; write the new name",
		    f->o->section, f->o->section[0] != '\0' ? "." : "",
		    f->o->name, f->values->text, new_value);
		return conf_set(f->value, &value, sizeof(value));
	}
	for (size_t i = 0; i < f->o->n_choices; i++) {
		if (i > 0)
			buf_text(&b, i + 1 < f->o->n_choices ? ", " : " or ");
		buf_text(&b, f->o->choices[i].name);
	}
	return conf_value_error(f, f->values, "is not valid; use %s", text);
}

struct unit {
	const char *name;
	uint64_t factor;
	const char *other; /* an example in another unit */
};

/* Largest unit first: a number is printed in the largest unit that divides
 * it. */
static const struct unit milliseconds[] = {
	{ "d", 86400000, "12h" },
	{ "h", 3600000, "30m" },
	{ "m", 60000, "90s" },
	{ "s", 1000, "5m" },
	{ "ms", 1, "15s" },
};
static const struct unit seconds[] = {
	{ "d", 86400, "12h" },
	{ "h", 3600, "30m" },
	{ "m", 60, "90s" },
	{ "s", 1, "5m" },
};
static const struct unit sizes[] = {
	{ "G", 1 << 30, NULL },
	{ "M", 1 << 20, NULL },
	{ "K", 1 << 10, NULL },
	{ "", 1, NULL },
};
static const struct unit plain[] = { { "", 1, NULL } };

struct units {
	const struct unit *table;
	size_t n;
	const char *form;
};

static struct units
units_of(enum conf_type type)
{
	if (type == CONF_MILLISECONDS)
		return (struct units){ milliseconds, ARRAY_SIZE(milliseconds),
			"a duration, such as 15s, 800ms or 2m" };
	if (type == CONF_SECONDS)
		return (struct units){ seconds, ARRAY_SIZE(seconds),
			"a duration, such as 90s, 5m, 12h or 30d" };
	if (type == CONF_SIZE)
		return (struct units){ sizes, ARRAY_SIZE(sizes),
			"a size, such as 65536, 64K, 16M or 1G" };
	return (struct units){ plain, ARRAY_SIZE(plain), "a whole number" };
}

static void
put_number(struct buf *b, const struct conf_option *o, uint64_t value)
{
	struct units u = units_of(o->type);
	size_t i = 0;

	if (value == 0) /* print 0 in the usual unit: "0", "0s" */
		i = u.n - 1 - (o->type == CONF_MILLISECONDS);
	else
		while (value % u.table[i].factor != 0)
			i++;
	buf_number(b, value / u.table[i].factor);
	buf_text(b, u.table[i].name);
}

static bool
set_number(const struct conf_field *f, uint64_t value)
{
	unsigned narrow = (unsigned)value;
	size_t wide = (size_t)value;

	if (f->o->type == CONF_SIZE)
		return conf_set(f->value, &wide, sizeof(wide));
	return conf_set(f->value, &narrow, sizeof(narrow));
}

static bool
out_of_range(const struct conf_field *f)
{
	char min[32], max[32];
	struct buf low = buf_wrap(min, sizeof(min));
	struct buf high = buf_wrap(max, sizeof(max));

	put_number(&low, f->o, f->o->min);
	put_number(&high, f->o, f->o->max);
	return conf_value_error(
	    f, f->values, "is out of range; it must be %s to %s", min, max);
}

/* Adds an error that suggests the unit of the default. */
static bool
no_unit(const struct conf_field *f, const struct units *u)
{
	size_t i = 0;

	while (i + 1 < u->n &&
	    !span_ends_nocase(span_str(f->o->default_text), u->table[i].name))
		i++;
	return conf_value_error(f, f->values, "has no unit; write %s%s or %s",
	    f->values->text, u->table[i].name, u->table[i].other);
}

bool
conf_read_number(const struct conf_field *f)
{
	struct units u = units_of(f->o->type);
	struct scan s = scan_of(span_str(f->values->text));
	struct span digits = scan_while(&s, ascii_is_digit);
	struct scan d = scan_of(digits);
	struct span unit = scan_rest(&s);
	uint64_t value, factor = 0;

	for (size_t i = 0; i < u.n; i++)
		if (span_is_nocase(unit, u.table[i].name))
			factor = u.table[i].factor;
	if (factor == 0 && digits.n > 0 && unit.n == 0 && digits.p[0] != '0')
		return no_unit(f, &u);
	if (digits.n == 0 || (factor == 0 && !span_is(digits, "0")) ||
	    (factor == 0 && unit.n > 0))
		return conf_value_error(f, f->values, "is not %s", u.form);
	if (factor == 0)
		factor = 1; /* 0 needs no unit */
	if (!scan_number(&d, UINT64_MAX / factor, &value) || !scan_done(&d) ||
	    value * factor < f->o->min || value * factor > f->o->max)
		return out_of_range(f);
	return set_number(f, value * factor);
}

bool
conf_read_octal(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);
	uint64_t value = 0;

	for (size_t i = 0; i < text.n && value <= f->o->max; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return conf_value_error(f, f->values,
			    "is not an octal number; write it as 0660");
		value = value * 8 + (uint64_t)(text.p[i] - '0');
	}
	/* Reject modes of fewer than three digits: they are always a
	 * mistake. */
	if (text.n < 3 || value > f->o->max)
		return conf_value_error(f, f->values,
		    "is not a file mode; use a number from 0000 to %04" PRIo64
		    ", such as 0660",
		    f->o->max);
	return set_number(f, value);
}

/* Adds an error that suggests a percentage: "0.05" almost certainly means
 * 5%. */
static bool
no_percent_sign(
    const struct conf_field *f, uint64_t whole, struct span fraction)
{
	struct scan s = scan_of(fraction);
	uint64_t percent = 0;

	if (whole > 0 || fraction.n == 0 || fraction.n > 2 ||
	    !scan_number(&s, 99, &percent))
		return conf_value_error(f, f->values,
		    "has no percent sign; write %s%%", f->values->text);
	return conf_value_error(f, f->values,
	    "has no percent sign; write %" PRIu64 "%%",
	    fraction.n == 1 ? percent * 10 : percent);
}

bool
conf_read_percent(const struct conf_field *f)
{
	struct scan s = scan_of(span_str(f->values->text)), tenths;
	struct span fraction = SPAN_NONE;
	uint64_t whole, tenth = 0;
	bool is_number = scan_number(&s, UINT32_MAX, &whole);

	if (is_number && scan_byte(&s, '.')) {
		fraction = scan_while(&s, ascii_is_digit);
		is_number = fraction.n > 0;
	}
	if (is_number && scan_done(&s))
		return no_percent_sign(f, whole, fraction);
	if (!is_number || !scan_byte(&s, '%') || !scan_done(&s))
		return conf_value_error(
		    f, f->values, "is not a percentage; write 5%% or 0.5%%");
	if (fraction.n > 1)
		return conf_value_error(f, f->values,
		    "has more than one digit after \".\"; write it as 0.5%%");
	tenths = scan_of(fraction);
	scan_number(&tenths, 9, &tenth);
	if (whole * 10 + tenth > f->o->max)
		return conf_value_error(f, f->values, "is more than 100%%");
	return set_number(f, whole * 10 + tenth);
}

/* ---- dates ---- */

bool
conf_read_date(const struct conf_field *f)
{
	struct scan s = scan_of(span_str(f->values->text));
	int64_t day = -1; /* empty string: never */

	if (!scan_done(&s) && (!date_read_day(&s, &day) || !scan_done(&s)))
		return conf_value_error(f, f->values,
		    "is not a valid date; write it as 2027-03-31");
	day = (day + 1) * DATE_DAY; /* start of the next day */
	return conf_set(f->value, &day, sizeof(day));
}

/* ---- writing values ---- */

/* Copies `size` bytes of the option's value. */
static void
get(const struct conf_option *o, const void *base, void *to, size_t size)
{
	memcpy(to, (const char *)base + o->offset, size);
}

void
conf_put_bool(struct buf *b, const struct conf_option *o, const void *base)
{
	bool value;

	get(o, base, &value, sizeof(value));
	buf_text(b, value ? "true" : "false");
}

void
conf_put_choice(struct buf *b, const struct conf_option *o, const void *base)
{
	int value;

	get(o, base, &value, sizeof(value));
	buf_text(b, enum_name(o->choices, o->n_choices, value));
}

void
conf_put_number(struct buf *b, const struct conf_option *o, const void *base)
{
	unsigned narrow = 0;
	size_t wide = 0;

	if (o->type == CONF_SIZE)
		get(o, base, &wide, sizeof(wide));
	else
		get(o, base, &narrow, sizeof(narrow));
	put_number(b, o, o->type == CONF_SIZE ? wide : narrow);
}

void
conf_put_octal(struct buf *b, const struct conf_option *o, const void *base)
{
	unsigned value;

	get(o, base, &value, sizeof(value));
	buf_printf(b, "%04o", value);
}

void
conf_put_percent(struct buf *b, const struct conf_option *o, const void *base)
{
	unsigned value;

	get(o, base, &value, sizeof(value));
	if (value % 10 == 0)
		buf_printf(b, "%u%%", value / 10);
	else
		buf_printf(b, "%u.%u%%", value / 10, value % 10);
}

void
conf_put_date(struct buf *b, const struct conf_option *o, const void *base)
{
	int64_t when;

	get(o, base, &when, sizeof(when));
	if (when == 0)
		buf_text(b, "\"\""); /* never */
	else
		date_put_day(b, when / DATE_DAY - 1);
}
