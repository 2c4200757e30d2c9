#include "verify/conf_value.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/scan.h"

enum {
	SOCKET_PATH_MAX = 107, /* bytes: sun_path with its NUL has 108 */
	TEXT_MAX = 200,        /* bytes of a text */
	FIELD_MAX = 60,        /* bytes of a field's name */
};

struct reading {
	const struct conf_option *o;
	const struct conf_word *words;
	void *field;
	void *count; /* NULL: none */
	struct arena *a;
	struct conf_faults *faults;
};

/* "NAME: "VALUE" PROBLEM" at the line of the word. */
#define BAD(r, w, ...) bad((r), (w), __VA_ARGS__)

static bool __attribute__((format(printf, 3, 4)))
bad(const struct reading *r, const struct conf_word *w, const char *format, ...)
{
	char text[CONF_FAULT_TEXT_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	conf_fault(r->faults, w->line, "%s: \"%.60s%s\" %s", r->o->name,
	    w->text, strlen(w->text) > 60 ? "..." : "", text);
	return false;
}

static bool
no_memory(const struct reading *r)
{
	r->faults->lost = true;
	return false;
}

/* Enums, bools and numbers are all set by copy, their types being many. */
static bool
set(void *field, const void *value, size_t size)
{
	memcpy(field, value, size);
	return true;
}

/* ---- texts ---- */

static bool
set_text(const struct reading *r, struct span text)
{
	struct span copy = arena_copy(r->a, text);

	if (text.n == 0)
		copy.p = NULL; /* "" is: none */
	else if (copy.p == NULL)
		return no_memory(r);
	return set(r->field, &copy.p, sizeof(copy.p));
}

static bool
is_text_byte(unsigned char c)
{
	return c >= 0x20 && c != 0x7f;
}

static bool
read_text(const struct reading *r)
{
	struct span text = span_str(r->words->text);

	if (text.n > TEXT_MAX || !span_all(text, is_text_byte))
		return BAD(r, r->words,
		    "is no text of one line and at most %d bytes", TEXT_MAX);
	return set_text(r, text);
}

static bool
read_host(const struct reading *r)
{
	struct span text = span_str(r->words->text), name;

	if (text.n == 0)
		return set_text(r, text);
	name = domain_normal(r->a, text);
	if (name.p == NULL || !domain_is_hostname(name))
		return BAD(r, r->words,
		    "is no host name; mx.example.org would be one");
	return set_text(r, name);
}

static bool
read_path(const struct reading *r)
{
	struct span text = span_str(r->words->text);

	if (text.n > 0 && text.p[0] != '/')
		return BAD(r, r->words,
		    "is no absolute path; it must begin with \"/\"");
	if (text.n > 1000 || !span_all(text, is_text_byte))
		return BAD(r, r->words, "is no path of at most 1000 bytes");
	return set_text(r, text);
}

static bool
read_field(const struct reading *r)
{
	struct span text = span_str(r->words->text);

	if (text.n > FIELD_MAX || !span_all(text, ascii_is_ftext))
		return BAD(r, r->words,
		    "is no name of a header field: letters, digits and "
		    "hyphens, at most %d",
		    FIELD_MAX);
	if (span_is_nocase(text, "authentication-results"))
		return BAD(r, r->words, "is a field we write already");
	return set_text(r, text);
}

static bool
read_address(const struct reading *r)
{
	struct span text = span_str(r->words->text);
	size_t at = span_rindex(text, '@');
	struct span local = span_first(text, at);

	if (text.n == 0)
		return set_text(r, text);
	if (at == text.n || local.n == 0 || local.n > 64 ||
	    !domain_is_fqdn(span_skip(text, at + 1)) ||
	    !span_all(text, ascii_is_visible) || span_has(local, '"') ||
	    span_has(text, '<') || span_has(text, '>') || span_has(text, ','))
		return BAD(r, r->words,
		    "is no mail address; dmarc@example.org would be one");
	return set_text(r, text);
}

/* What a template may name; `{url}` only outside of links. */
static const char *const placeholders[] = { "domain", "rule", "client",
	"reason", "url" };

static bool
read_template(const struct reading *r)
{
	struct span text = span_str(r->words->text);
	struct scan s = scan_of(text);
	size_t n = TABLE_SIZE(placeholders) - (r->o->type == CONF_URL);

	if (text.n > TEXT_MAX || !span_all(text, ascii_is_print))
		return BAD(r, r->words,
		    "must be at most %d bytes of printable ASCII", TEXT_MAX);
	while (scan_until(&s, '{'), scan_byte(&s, '{')) {
		struct span name = scan_until(&s, '}');
		bool known = false;

		for (size_t i = 0; i < n; i++)
			known = known || span_is(name, placeholders[i]);
		if (!known || !scan_byte(&s, '}'))
			return BAD(r, r->words,
			    "names no value we have at \"{%.*s\"; there are "
			    "{domain}, {rule}, {client}, {reason}%s",
			    (int)(name.n < 30 ? name.n : 30), name.p,
			    r->o->type == CONF_URL ? "" : " and {url}");
	}
	if (r->o->type == CONF_URL && text.n > 0 &&
	    ((!span_starts_nocase(text, "https://") &&
		 !span_starts_nocase(text, "http://")) ||
		span_has(text, ' ')))
		return BAD(r, r->words,
		    "is no link; it must begin with https:// and hold no "
		    "space");
	return set_text(r, text);
}

/* ---- sockets ---- */

static bool
is_loopback(const struct ip *ip)
{
	static const struct ip v6 = { IP_V6, { [15] = 1 } };

	if (ip->family == IP_V4)
		return ip->bytes[0] == 127;
	return ip_equal(ip, &v6);
}

/* "PORT" or "PORT@ADDRESS", after its "inet:" or "inet6:". */
static bool
read_inet(const struct reading *r, const char *scheme, enum ip_family family,
    struct span rest)
{
	char text[sizeof("inet6:65535@") + IP_TEXT_MAX];
	struct buf b = buf_over(text, sizeof(text));
	struct scan s = scan_of(rest);
	struct span address = SPAN_NONE;
	struct ip ip;
	uint64_t port;

	if (!scan_number(&s, 65535, &port) || port == 0)
		return BAD(r, r->words,
		    "names no port from 1 to 65535 behind \"%s\"", scheme);
	if (scan_byte(&s, '@'))
		address = scan_rest(&s);
	else if (!scan_done(&s))
		return BAD(r, r->words, "must be %sPORT or %sPORT@ADDRESS",
		    scheme, scheme);
	if (address.p == NULL || span_is_nocase(address, "localhost"))
		address = family == IP_V4 ? SPAN("127.0.0.1") : SPAN("::1");
	if (address.n > 2 && address.p[0] == '[' &&
	    address.p[address.n - 1] == ']')
		address = span_skip(span_first(address, address.n - 1), 1);
	if (!(family == IP_V4 ? ip_parse_v4 : ip_parse_v6)(address, &ip) ||
	    ip.family != family)
		return BAD(r, r->words, "names no %s address behind \"@\"",
		    family == IP_V4 ? "IPv4" : "IPv6");
	if (r->o->type == CONF_SOCKET_LOCAL && !is_loopback(&ip))
		return BAD(r, r->words,
		    "can be reached from other hosts; take %s%" PRIu64
		    " or a unix socket",
		    scheme, port);
	buf_text(&b, scheme);
	buf_number(&b, port);
	buf_byte(&b, '@');
	ip_put(&b, &ip);
	return set_text(r, buf_done(&b));
}

static bool
read_socket(const struct reading *r)
{
	struct span text = span_str(r->words->text);
	struct span rest = span_skip(text, span_index(text, ':'));

	if (text.n == 0 && r->o->standard[0] == '\0')
		return set_text(r, text);
	rest = span_skip(rest, 1);
	if (span_starts_nocase(text, "inet:"))
		return read_inet(r, "inet:", IP_V4, rest);
	if (span_starts_nocase(text, "inet6:"))
		return read_inet(r, "inet6:", IP_V6, rest);
	if (!span_starts_nocase(text, "unix:") &&
	    !span_starts_nocase(text, "local:"))
		return BAD(r, r->words,
		    "is no socket; there are unix:/PATH, inet:PORT@ADDRESS and "
		    "inet6:PORT@ADDRESS");
	if (rest.n < 2 || rest.p[0] != '/' || rest.n > SOCKET_PATH_MAX ||
	    !span_all(rest, is_text_byte))
		return BAD(r, r->words,
		    "needs an absolute path of at most %d bytes behind "
		    "\"unix:\"",
		    SOCKET_PATH_MAX);

	struct buf b = buf_in(r->a, sizeof("unix:") + SOCKET_PATH_MAX);

	buf_text(&b, "unix:");
	buf_span(&b, rest);
	return b.full ? no_memory(r) : set_text(r, buf_done(&b));
}

/* ---- choices and numbers ---- */

static bool
read_bool(const struct reading *r)
{
	static const struct name names[] = {
		{ "true", true },
		{ "yes", true },
		{ "false", false },
		{ "no", false },
	};
	int value;
	bool b;

	if (!table_value(
		names, TABLE_SIZE(names), span_str(r->words->text), &value))
		return BAD(
		    r, r->words, "is neither true nor false (nor yes nor no)");
	b = value != 0;
	return set(r->field, &b, sizeof(b));
}

static bool
read_choice(const struct reading *r)
{
	char text[200];
	struct buf b = buf_over(text, sizeof(text));
	int value;

	_Static_assert(sizeof(enum conf_action) == sizeof(int) &&
		sizeof(enum conf_mode) == sizeof(int) &&
		sizeof(enum log_format) == sizeof(int) &&
		sizeof(enum log_target) == sizeof(int),
	    "choices are set by copy");
	if (table_value(r->o->choices, r->o->n_choices,
		span_str(r->words->text), &value))
		return set(r->field, &value, sizeof(value));
	for (size_t i = 0; i < r->o->n_choices; i++) {
		if (i > 0)
			buf_text(&b, i + 1 < r->o->n_choices ? ", " : " and ");
		buf_text(&b, r->o->choices[i].name);
	}
	return BAD(r, r->words, "is no choice; there are %s", text);
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* Largest first, so that a number is put with the largest that divides it. */
static const struct unit milliseconds[] = {
	{ "d", 86400000 },
	{ "h", 3600000 },
	{ "m", 60000 },
	{ "s", 1000 },
	{ "ms", 1 },
};
static const struct unit seconds[] = {
	{ "d", 86400 },
	{ "h", 3600 },
	{ "m", 60 },
	{ "s", 1 },
};
static const struct unit sizes[] = {
	{ "G", 1 << 30 },
	{ "M", 1 << 20 },
	{ "K", 1 << 10 },
	{ "", 1 },
};
static const struct unit plain[] = { { "", 1 } };

struct units {
	const struct unit *table;
	size_t n;
	const char *form;
};

static struct units
units_of(enum conf_type type)
{
	if (type == CONF_MILLISECONDS)
		return (struct units){ milliseconds, TABLE_SIZE(milliseconds),
			"a duration, such as 15s, 800ms or 2m" };
	if (type == CONF_SECONDS)
		return (struct units){ seconds, TABLE_SIZE(seconds),
			"a duration, such as 90s, 5m, 12h or 30d" };
	if (type == CONF_SIZE)
		return (struct units){ sizes, TABLE_SIZE(sizes),
			"a size, such as 65536, 64K, 16M or 1G" };
	return (struct units){ plain, TABLE_SIZE(plain), "a whole number" };
}

static void
put_number(struct buf *b, const struct conf_option *o, uint64_t value)
{
	struct units u = units_of(o->type);
	size_t i = value == 0 ? 0 : SIZE_MAX;

	if (value == 0) /* in the unit one thinks of it in */
		i = u.n - 1 - (o->type == CONF_MILLISECONDS);
	else
		for (i = 0; value % u.table[i].factor != 0;)
			i++;
	buf_number(b, value / u.table[i].factor);
	buf_text(b, u.table[i].name);
}

static bool
set_number(const struct reading *r, uint64_t value)
{
	unsigned narrow = (unsigned)value;
	size_t wide = (size_t)value;

	if (r->o->type == CONF_SIZE)
		return set(r->field, &wide, sizeof(wide));
	return set(r->field, &narrow, sizeof(narrow));
}

static bool
out_of_range(const struct reading *r)
{
	char min[32], max[32];
	struct buf low = buf_over(min, sizeof(min));
	struct buf high = buf_over(max, sizeof(max));

	put_number(&low, r->o, r->o->min);
	put_number(&high, r->o, r->o->max);
	return BAD(
	    r, r->words, "is out of range; it may be %s to %s", min, max);
}

static bool
read_number(const struct reading *r)
{
	struct units u = units_of(r->o->type);
	struct scan s = scan_of(span_str(r->words->text));
	struct span digits = scan_while(&s, ascii_is_digit);
	struct scan d = scan_of(digits);
	struct span unit = scan_rest(&s);
	uint64_t value, factor = 0;

	for (size_t i = 0; i < u.n; i++)
		if (span_is_nocase(unit, u.table[i].name))
			factor = u.table[i].factor;
	if (digits.n == 0 || (factor == 0 && !span_is(digits, "0")) ||
	    (factor == 0 && unit.n > 0))
		return BAD(r, r->words, "is not %s", u.form);
	if (factor == 0)
		factor = 1; /* nothing of any unit */
	if (!scan_number(&d, UINT64_MAX / factor, &value) || !scan_done(&d) ||
	    value * factor < r->o->min || value * factor > r->o->max)
		return out_of_range(r);
	return set_number(r, value * factor);
}

static bool
read_octal(const struct reading *r)
{
	struct span text = span_str(r->words->text);
	uint64_t value = 0;

	for (size_t i = 0; i < text.n && value <= r->o->max; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return BAD(r, r->words,
			    "is no octal number; 0660 would be one");
		value = value * 8 + (uint64_t)(text.p[i] - '0');
	}
	/* a mode of 660 in the decimal sense is always a mistake */
	if (text.n < 3 || value > r->o->max)
		return BAD(r, r->words,
		    "is no mode; it may be 0000 to %04" PRIo64 ", such as 0660",
		    r->o->max);
	return set_number(r, value);
}

static bool
read_percent(const struct reading *r)
{
	struct scan s = scan_of(span_str(r->words->text));
	uint64_t whole, tenth = 0;

	if (!scan_number(&s, 100, &whole))
		return BAD(r, r->words,
		    "is no share from 0%% to 100%%, such as 5%% or 0.5%%");
	if (scan_byte(&s, '.') && !scan_number(&s, 9, &tenth))
		return BAD(r, r->words,
		    "is finer than tenths of a percent, such as 0.5%%");
	if (!scan_byte(&s, '%') || !scan_done(&s))
		return BAD(r, r->words,
		    "lacks its percent sign; %" PRIu64 "%% would be right",
		    whole);
	if (whole * 10 + tenth > r->o->max)
		return BAD(r, r->words, "is more than 100%%");
	return set_number(r, whole * 10 + tenth);
}

/* ---- dates ---- */

static bool
is_leap(unsigned year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned
month_days(unsigned year, unsigned month)
{
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };

	return days[month - 1] + (month == 2 && is_leap(year));
}

static bool
read_digits(struct scan *s, size_t n, unsigned *out)
{
	*out = 0;
	for (; n > 0; n--) {
		int c = scan_next(s);

		if (c < '0' || c > '9')
			return false;
		*out = *out * 10 + (unsigned)(c - '0');
	}
	return true;
}

static bool
read_date(const struct reading *r)
{
	struct scan s = scan_of(span_str(r->words->text));
	unsigned year, month, day;
	int64_t days = 1; /* the day after */

	if (s.p == s.end)
		return set(r->field, &(int64_t){ 0 }, sizeof(int64_t));
	if (!read_digits(&s, 4, &year) || !scan_byte(&s, '-') ||
	    !read_digits(&s, 2, &month) || !scan_byte(&s, '-') ||
	    !read_digits(&s, 2, &day) || !scan_done(&s))
		return BAD(
		    r, r->words, "is no date; it is written as 2027-03-31");
	if (year < 1970 || month < 1 || month > 12 || day < 1 ||
	    day > month_days(year, month))
		return BAD(r, r->words, "is no day of the calendar");
	for (unsigned y = 1970; y < year; y++)
		days += is_leap(y) ? 366 : 365;
	for (unsigned m = 1; m < month; m++)
		days += month_days(year, m);
	days += day - 1;
	days *= 86400;
	return set(r->field, &days, sizeof(days));
}

static void
put_date(struct buf *b, int64_t when)
{
	int64_t days = when / 86400 - 1;
	unsigned year = 1970, month = 1;

	for (; days >= (is_leap(year) ? 366 : 365); year++)
		days -= is_leap(year) ? 366 : 365;
	for (; days >= month_days(year, month); month++)
		days -= month_days(year, month);
	buf_printf(b, "%04u-%02u-%02u", year, month, (unsigned)days + 1);
}

/* ---- lists ---- */

static size_t
count_words(const struct conf_word *w)
{
	size_t n = 0;

	for (; w != NULL; w = w->next)
		n++;
	return n;
}

static bool
read_network(
    const struct reading *r, const struct conf_word *w, struct ip_net *out)
{
	char text[IP_TEXT_MAX + sizeof("/128")];
	struct buf b = buf_over(text, sizeof(text));

	switch (ip_net_parse(span_str(w->text), out)) {
	case IP_NET_OK:
		return true;
	case IP_NET_NO_ADDRESS:
		return BAD(r, w,
		    "is no network; 192.0.2.0/24 or 2001:db8::/32 would be "
		    "one");
	case IP_NET_NO_PREFIX:
		return BAD(r, w,
		    "has no length of a prefix behind \"/\"; it may be 0 to "
		    "%d",
		    out->ip.family == IP_V4 ? 32 : 128);
	case IP_NET_HOST_BITS:
		ip_put(&b, &out->ip);
		buf_byte(&b, '/');
		buf_number(&b, out->bits);
		return BAD(r, w,
		    "is no network, bits behind the prefix are set; %s would "
		    "be right",
		    text);
	}
	return false;
}

static bool
read_networks(const struct reading *r)
{
	size_t n = count_words(r->words), i = 0;
	struct ip_net *nets = NULL;
	bool good = true;

	if (n > 0) {
		nets = arena_array(r->a, n, sizeof(*nets));
		if (nets == NULL)
			return no_memory(r);
	}
	for (const struct conf_word *w = r->words; w != NULL; w = w->next)
		good = read_network(r, w, &nets[i++]) && good;
	if (!good)
		return false;
	set(r->count, &n, sizeof(n));
	return set(r->field, &nets, sizeof(nets));
}

/* "ADDRESS" or "ADDRESS@PORT". */
static bool
read_server(const struct reading *r, const struct conf_word *w,
    struct dns_net_server *out)
{
	struct span text = span_str(w->text);
	size_t at = span_index(text, '@');
	struct scan s = scan_of(span_skip(text, at));
	uint64_t port = 53;

	if (!ip_parse(span_first(text, at), &out->ip) ||
	    (scan_byte(&s, '@') && !scan_number(&s, 65535, &port)) ||
	    !scan_done(&s) || port == 0)
		return BAD(r, w,
		    "is no resolver; 192.0.2.1 or 192.0.2.1@53 would be one");
	out->port = (uint16_t)port;
	return true;
}

static bool
read_servers(const struct reading *r)
{
	struct dns_net_server servers[DNS_NET_SERVERS_MAX] = { 0 };
	size_t n = 0;
	bool good = true;

	for (const struct conf_word *w = r->words; w != NULL; w = w->next) {
		if (n == DNS_NET_SERVERS_MAX)
			return BAD(r, w,
			    "is one resolver too many; %d are used",
			    DNS_NET_SERVERS_MAX);
		good = read_server(r, w, &servers[n++]) && good;
	}
	if (!good)
		return false;
	set(r->count, &n, sizeof(n));
	return set(r->field, servers, sizeof(servers));
}

static char *
domain_word(const struct reading *r, const struct conf_word *w)
{
	struct span name = domain_normal(r->a, span_str(w->text));

	if (name.p == NULL || !domain_is_valid(name)) {
		BAD(r, w, "is no domain; example.net would be one");
		return NULL;
	}

	struct buf b = buf_in(r->a, name.n + 1);

	buf_span(&b, name);
	if (b.full)
		no_memory(r);
	return b.p;
}

static char *
pattern_word(const struct reading *r, const struct conf_word *w)
{
	struct span text = span_str(w->text), name;
	struct buf b = buf_in(r->a, CONF_PATTERN_MAX + 1);
	const char *prefix = "";

	if (span_is(text, "<>") &&
	    strcmp(r->o->name, "mail_from_domain") == 0) {
		buf_text(&b, "<>");
		return b.p;
	}
	if (span_starts_nocase(text, "**."))
		prefix = "**.";
	else if (span_starts_nocase(text, "*."))
		prefix = "*.";
	else if (span_starts_nocase(text, "."))
		prefix = ".";
	name = domain_normal(r->a, span_skip(text, strlen(prefix)));
	if (name.p == NULL || !domain_is_valid(name) || span_has(name, '*')) {
		BAD(r, w,
		    "is no pattern; there are example.net, *.example.net for "
		    "what is below it and **.example.net for both");
		return NULL;
	}
	buf_text(&b, prefix[0] == '.' ? "*." : prefix);
	buf_span(&b, name);
	if (b.full)
		no_memory(r);
	return b.p;
}

static bool
read_names(const struct reading *r)
{
	size_t n = count_words(r->words), i = 0;
	char **names = NULL;
	bool good = true;

	if (n > 0) {
		names = arena_array(r->a, n + 1, sizeof(*names));
		if (names == NULL)
			return no_memory(r);
	}
	for (const struct conf_word *w = r->words; w != NULL; w = w->next) {
		names[i] = r->o->type == CONF_DOMAINS ? domain_word(r, w)
						      : pattern_word(r, w);
		good = names[i++] != NULL && good;
	}
	return good && set(r->field, &names, sizeof(names));
}

/* ---- all of them ---- */

static bool (*reader_of(enum conf_type type))(const struct reading *)
{
	switch (type) {
	case CONF_TEXT:
		return read_text;
	case CONF_HOST:
		return read_host;
	case CONF_PATH:
		return read_path;
	case CONF_SOCKET:
	case CONF_SOCKET_LOCAL:
		return read_socket;
	case CONF_FIELD:
		return read_field;
	case CONF_ADDRESS:
		return read_address;
	case CONF_TEMPLATE:
	case CONF_URL:
		return read_template;
	case CONF_BOOL:
		return read_bool;
	case CONF_CHOICE:
		return read_choice;
	case CONF_NUMBER:
	case CONF_SECONDS:
	case CONF_MILLISECONDS:
	case CONF_SIZE:
		return read_number;
	case CONF_OCTAL:
		return read_octal;
	case CONF_PERCENT:
		return read_percent;
	case CONF_DATE:
		return read_date;
	case CONF_NETWORKS:
		return read_networks;
	case CONF_SERVERS:
		return read_servers;
	case CONF_DOMAINS:
	case CONF_PATTERNS:
		return read_names;
	}
	return read_text;
}

bool
conf_value_read(const struct conf_option *o, const struct conf_word *words,
    void *base, struct arena *a, struct conf_faults *faults)
{
	char *bytes = base;
	struct reading r = { .o = o,
		.words = words,
		.field = bytes + o->offset,
		.count = o->count > 0 ? bytes + o->count : NULL,
		.a = a,
		.faults = faults };

	if (words == NULL && !conf_type_is_list(o->type))
		return false;
	return reader_of(o->type)(&r);
}

/* ---- and back ---- */

/* Quoted so that libconfuse reads the same bytes: "$" would be a variable's. */
static void
put_quoted(struct buf *b, const char *text)
{
	buf_byte(b, '"');
	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p == '"' || *p == '\\' || *p == '$')
			buf_byte(b, '\\');
		buf_byte(b, *p);
	}
	buf_byte(b, '"');
}

static void
put_networks(struct buf *b, const struct ip_net *nets, size_t n)
{
	buf_byte(b, '{');
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i > 0 ? ", \"" : "\"");
		ip_put(b, &nets[i].ip);
		buf_byte(b, '/');
		buf_number(b, nets[i].bits);
		buf_byte(b, '"');
	}
	buf_byte(b, '}');
}

static void
put_servers(struct buf *b, const struct dns_net_server *servers, size_t n)
{
	buf_byte(b, '{');
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i > 0 ? ", \"" : "\"");
		ip_put(b, &servers[i].ip);
		buf_byte(b, '@');
		buf_number(b, servers[i].port);
		buf_byte(b, '"');
	}
	buf_byte(b, '}');
}

static void
put_names(struct buf *b, char *const *names)
{
	buf_byte(b, '{');
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		if (i > 0)
			buf_text(b, ", ");
		put_quoted(b, names[i]);
	}
	buf_byte(b, '}');
}

static void
put_choice(struct buf *b, const struct conf_option *o, const void *field)
{
	int value;

	memcpy(&value, field, sizeof(value));
	buf_text(b, table_name(o->choices, o->n_choices, value));
}

static void
put_plain(struct buf *b, const struct conf_option *o, const void *field)
{
	unsigned value = *(const unsigned *)field;

	if (o->type == CONF_OCTAL)
		buf_printf(b, "%04o", value);
	else if (o->type == CONF_SIZE)
		put_number(b, o, *(const size_t *)field);
	else if (o->type != CONF_PERCENT)
		put_number(b, o, value);
	else if (value % 10 == 0)
		buf_printf(b, "%u%%", value / 10);
	else
		buf_printf(b, "%u.%u%%", value / 10, value % 10);
}

void
conf_value_put(struct buf *b, const struct conf_option *o, const void *base)
{
	const char *bytes = base;
	const void *field = bytes + o->offset;
	const void *count = bytes + o->count;

	switch (o->type) {
	case CONF_TEXT:
	case CONF_HOST:
	case CONF_PATH:
	case CONF_SOCKET:
	case CONF_SOCKET_LOCAL:
	case CONF_FIELD:
	case CONF_ADDRESS:
	case CONF_TEMPLATE:
	case CONF_URL:
		put_quoted(b, *(char *const *)field);
		break;
	case CONF_BOOL:
		buf_text(b, *(const bool *)field ? "true" : "false");
		break;
	case CONF_CHOICE:
		put_choice(b, o, field);
		break;
	case CONF_NUMBER:
	case CONF_OCTAL:
	case CONF_SECONDS:
	case CONF_MILLISECONDS:
	case CONF_SIZE:
	case CONF_PERCENT:
		put_plain(b, o, field);
		break;
	case CONF_DATE:
		if (*(const int64_t *)field != 0)
			put_date(b, *(const int64_t *)field);
		break;
	case CONF_NETWORKS:
		put_networks(
		    b, *(struct ip_net *const *)field, *(const size_t *)count);
		break;
	case CONF_SERVERS:
		put_servers(b, field, *(const size_t *)count);
		break;
	case CONF_DOMAINS:
	case CONF_PATTERNS:
		put_names(b, *(char *const *const *)field);
		break;
	}
}
