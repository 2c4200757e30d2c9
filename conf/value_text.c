#include "conf/value_field.h"

#include <inttypes.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/ip.h"
#include "lib/scan.h"
#include "lib/pg_url.h"

enum {
	SOCKET_PATH_MAX = 107, /* bytes; sun_path has 108, including the NUL */
	TEXT_MAX = 200,        /* bytes of a string */
	PATH_TEXT_MAX = 1000,  /* bytes of a path */
};

/* ---- strings ---- */

static bool
set_text(const struct conf_field *f, struct span text)
{
	struct span copy = arena_copy(f->a, text);

	if (text.n == 0)
		copy.p = NULL; /* "" means none */
	else if (copy.p == NULL)
		return conf_no_memory(f);
	return conf_set(f->value, &copy.p, sizeof(copy.p));
}

static bool
is_text_byte(unsigned char c)
{
	return c >= 0x20 && c != 0x7f;
}

bool
conf_read_plain_text(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);

	if (text.n > TEXT_MAX || !span_all(text, is_text_byte))
		return conf_value_error(f, f->values,
		    "must be a single line of at most %d bytes", TEXT_MAX);
	return set_text(f, text);
}

bool
conf_read_host(const struct conf_field *f)
{
	struct span text = span_str(f->values->text), name;

	if (text.n == 0)
		return set_text(f, text);
	name = domain_normal(f->a, text);
	if (name.p == NULL || !domain_is_hostname(name))
		return conf_value_error(f, f->values,
		    "is not a host name; use a name such as mx.example.org");
	return set_text(f, name);
}

bool
conf_read_path(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);

	if (text.n > 0 && text.p[0] != '/')
		return conf_value_error(f, f->values,
		    "is not an absolute path; it must begin with \"/\"");
	if (text.n > PATH_TEXT_MAX || !span_all(text, is_text_byte))
		return conf_value_error(f, f->values,
		    "must be a path of at most %d bytes", PATH_TEXT_MAX);
	return set_text(f, text);
}

/* Adds an error that shows the URL without its password. */
static bool
bad_url(const struct conf_field *f, const char *what)
{
	char memory[PATH_TEXT_MAX + 1];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct conf_value shown = { .text = memory, .line = f->values->line };

	pg_url_put_redacted(&b, span_str(f->values->text));
	return conf_value_error(f, &shown, "%s", what);
}

bool
conf_read_store(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);

	if (text.n == 0 || text.p[0] == '/')
		return conf_read_path(f);
	if (!pg_url_matches(text))
		return bad_url(f,
		    "is neither an absolute path nor a URL such as "
		    "postgresql://user@host/database");
	if (text.n > PATH_TEXT_MAX || !span_all(text, ascii_is_visible))
		return bad_url(f,
		    "must be a URL of at most 1000 bytes of printable ASCII");
	return set_text(f, text);
}

bool
conf_read_address(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);
	size_t at = span_rindex(text, '@');
	struct span local = span_first(text, at);

	if (text.n == 0)
		return set_text(f, text);
	if (at == text.n || local.n == 0 || local.n > 64 ||
	    !domain_is_fqdn(span_skip(text, at + 1)) ||
	    !span_all(text, ascii_is_visible) || span_has(local, '"') ||
	    span_has(text, '<') || span_has(text, '>') || span_has(text, ','))
		return conf_value_error(f, f->values,
		    "is not a mail address; write it as dmarc@example.org");
	return set_text(f, text);
}

/* The placeholders of a template.  The last one, `{url}`, is not allowed in a
 * URL. */
static const char *const placeholders[] = { "domain", "rule", "client",
	"reason", "url" };

bool
conf_read_template(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);
	struct scan s = scan_of(text);
	size_t n = ARRAY_SIZE(placeholders) - (f->o->type == CONF_URL);

	if (text.n > TEXT_MAX || !span_all(text, ascii_is_print))
		return conf_value_error(f, f->values,
		    "must be at most %d bytes of printable ASCII", TEXT_MAX);
	while (scan_until(&s, '{'), scan_byte(&s, '{')) {
		struct span name = scan_until(&s, '}');
		bool known = false;

		for (size_t i = 0; i < n; i++)
			known = known || span_is(name, placeholders[i]);
		if (!known || !scan_byte(&s, '}'))
			return conf_value_error(f, f->values,
			    "has an unknown placeholder at \"{%.*s\"; use "
			    "{domain}, {rule}, {client}, {reason}%s",
			    (int)(name.n < 30 ? name.n : 30), name.p,
			    f->o->type == CONF_URL ? "" : " or {url}");
	}
	if (f->o->type == CONF_URL && text.n > 0 &&
	    ((!span_starts_nocase(text, "https://") &&
		 !span_starts_nocase(text, "http://")) ||
		span_has(text, ' ')))
		return conf_value_error(f, f->values,
		    "is not a link; it must begin with https:// and have "
		    "no space");
	return set_text(f, text);
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

/* Adds an error for "ADDRESS:PORT" or ":PORT" instead of "PORT@ADDRESS". */
static bool
socket_order_error(
    const struct conf_field *f, const char *scheme, struct span rest)
{
	size_t colon = span_rindex(rest, ':');
	struct span address = span_first(rest, colon);
	struct scan s = scan_of(span_skip(rest, colon + 1));
	uint64_t port;

	if (colon == rest.n || !scan_number(&s, 65535, &port) || !scan_done(&s))
		return conf_value_error(f, f->values,
		    "must be %sPORT or %sPORT@ADDRESS, PORT from 1 to 65535",
		    scheme, scheme);
	return conf_value_error(f, f->values,
	    "must be %sPORT@ADDRESS: write "
	    "%s%" PRIu64 "%s%.*s",
	    scheme, scheme, port, address.n > 0 ? "@" : "", SPAN_FMT(address));
}

/* Reads "PORT" or "PORT@ADDRESS" after "inet:" or "inet6:". */
static bool
read_inet(const struct conf_field *f, const char *scheme, enum ip_family family,
    struct span rest)
{
	char text[sizeof("inet6:65535@") + IP_TEXT_MAX];
	struct buf b = buf_wrap(text, sizeof(text));
	struct scan s = scan_of(rest);
	struct span address = SPAN_NONE;
	struct ip ip = { .family = IP_NONE };
	uint64_t port = 0;

	if (!scan_number(&s, 65535, &port) || port == 0 ||
	    (!scan_done(&s) && scan_peek(&s) != '@'))
		return socket_order_error(f, scheme, rest);
	if (scan_byte(&s, '@'))
		address = scan_rest(&s);
	if (address.p == NULL || span_is_nocase(address, "localhost"))
		address = family == IP_V4 ? SPAN("127.0.0.1") : SPAN("::1");
	if (address.n > 2 && address.p[0] == '[' &&
	    address.p[address.n - 1] == ']')
		address = span_skip(span_first(address, address.n - 1), 1);
	if (!(family == IP_V4 ? ip_parse_v4 : ip_parse_v6)(address, &ip) ||
	    ip.family != family)
		return conf_value_error(f, f->values,
		    "must have an %s address after \"@\"",
		    family == IP_V4 ? "IPv4" : "IPv6");
	if (f->o->type == CONF_SOCKET_LOCAL && !is_loopback(&ip))
		return conf_value_error(f, f->values,
		    "can be reached from other hosts; write %s%" PRIu64
		    " or use a unix socket",
		    scheme, port);
	buf_text(&b, scheme);
	buf_number(&b, port);
	buf_byte(&b, '@');
	ip_put(&b, &ip);
	return set_text(f, buf_view(&b));
}

bool
conf_read_socket(const struct conf_field *f)
{
	struct span text = span_str(f->values->text);
	struct span rest = span_skip(text, span_index(text, ':'));

	if (text.n == 0)
		return set_text(f, text);
	rest = span_skip(rest, 1);
	if (span_starts_nocase(text, "inet:"))
		return read_inet(f, "inet:", IP_V4, rest);
	if (span_starts_nocase(text, "inet6:"))
		return read_inet(f, "inet6:", IP_V6, rest);
	if (!span_starts_nocase(text, "unix:") &&
	    !span_starts_nocase(text, "local:"))
		return conf_value_error(f, f->values,
		    "is not a socket; write unix:/PATH, inet:PORT@ADDRESS or "
		    "inet6:PORT@ADDRESS");
	if (rest.n < 2 || rest.p[0] != '/' || rest.n > SOCKET_PATH_MAX ||
	    !span_all(rest, is_text_byte))
		return conf_value_error(f, f->values,
		    "needs an absolute path of at most %d bytes after "
		    "\"unix:\"",
		    SOCKET_PATH_MAX);

	struct buf b = buf_alloc(f->a, sizeof("unix:") + SOCKET_PATH_MAX);

	buf_text(&b, "unix:");
	buf_span(&b, rest);
	return b.full ? conf_no_memory(f) : set_text(f, buf_view(&b));
}

/* ---- writing values ---- */

void
conf_put_quoted(struct buf *b, const char *text)
{
	buf_byte(b, '"');
	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buf_byte(b, '\\');
		buf_byte(b, *p);
	}
	buf_byte(b, '"');
}

void
conf_put_text(struct buf *b, const struct conf_option *o, const void *base)
{
	const char *bytes = base;

	conf_put_quoted(b, *(char *const *)(const void *)(bytes + o->offset));
}

void
conf_put_store(struct buf *b, const struct conf_option *o, const void *base)
{
	char memory[2 * PATH_TEXT_MAX];
	struct buf shown = buf_wrap(memory, sizeof(memory));
	const char *bytes = base;
	const char *text = *(char *const *)(const void *)(bytes + o->offset);

	if (text != NULL)
		pg_url_put_redacted(&shown, span_str(text));
	conf_put_quoted(b, text != NULL ? memory : NULL);
}
