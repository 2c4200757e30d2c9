#include "verify/conf_field.h"

#include <inttypes.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/ip.h"
#include "lib/scan.h"
#include "lib/url.h"

enum {
	SOCKET_PATH_MAX = 107, /* bytes: sun_path with its NUL has 108 */
	TEXT_MAX = 200,        /* bytes of a text */
	PATH_TEXT_MAX = 1000,  /* bytes of a path */
	FIELD_NAME_MAX = 60,   /* bytes of a field's name */
};

/* ---- texts ---- */

static bool
set_text(const struct conf_field *f, struct span text)
{
	struct span copy = arena_copy(f->a, text);

	if (text.n == 0)
		copy.p = NULL; /* "" is: none */
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
	struct span text = span_str(f->words->text);

	if (text.n > TEXT_MAX || !span_all(text, is_text_byte))
		return conf_bad(f, f->words,
		    "is no text of one line and at most %d bytes", TEXT_MAX);
	return set_text(f, text);
}

bool
conf_read_host(const struct conf_field *f)
{
	struct span text = span_str(f->words->text), name;

	if (text.n == 0)
		return set_text(f, text);
	name = domain_normal(f->a, text);
	if (name.p == NULL || !domain_is_hostname(name))
		return conf_bad(f, f->words,
		    "is no host name; mx.example.org would be one");
	return set_text(f, name);
}

bool
conf_read_path(const struct conf_field *f)
{
	struct span text = span_str(f->words->text);

	if (text.n > 0 && text.p[0] != '/')
		return conf_bad(f, f->words,
		    "is no absolute path; it must begin with \"/\"");
	if (text.n > PATH_TEXT_MAX || !span_all(text, is_text_byte))
		return conf_bad(f, f->words, "is no path of at most %d bytes",
		    PATH_TEXT_MAX);
	return set_text(f, text);
}

/* What is wrong is told without the password. */
static bool
bad_url(const struct conf_field *f, const char *what)
{
	char memory[PATH_TEXT_MAX + 1];
	struct buf b = buf_over(memory, sizeof(memory));
	struct conf_word shown = { .text = memory, .line = f->words->line };

	url_put_shown(&b, span_str(f->words->text));
	return conf_bad(f, &shown, "%s", what);
}

bool
conf_read_store(const struct conf_field *f)
{
	struct span text = span_str(f->words->text);

	if (text.n == 0 || text.p[0] == '/')
		return conf_read_path(f);
	if (!url_is_database(text))
		return bad_url(f,
		    "is neither an absolute path nor a URL as "
		    "postgresql://user@host/database");
	if (text.n > PATH_TEXT_MAX || !span_all(text, ascii_is_visible))
		return bad_url(
		    f, "is no URL of at most 1000 bytes of printable ASCII");
	return set_text(f, text);
}

bool
conf_is_field_name(const struct conf_field *f, const struct conf_word *w)
{
	struct span text = span_str(w->text);

	if (text.n > FIELD_NAME_MAX || !span_all(text, ascii_is_ftext))
		return conf_bad(f, w,
		    "is no name of a header field: letters, digits and "
		    "hyphens, at most %d",
		    FIELD_NAME_MAX);
	if (span_is_nocase(text, "authentication-results"))
		return conf_bad(f, w, "is a field we write already");
	return true;
}

/*
 * A field that we add and remove: never one that others write or read for
 * another purpose, such as Subject, Received or DKIM-Signature.  No standard
 * field's name begins with "X-" (RFC 822 section 4.7.5).
 */
bool
conf_read_field_name(const struct conf_field *f)
{
	struct span name = span_str(f->words->text);

	if (!conf_is_field_name(f, f->words))
		return false;
	if (name.n > 0 && (name.n < 3 || !span_starts_nocase(name, "X-")))
		return conf_bad(f, f->words,
		    "does not begin with \"X-\"; it could be the name of a "
		    "standard field, which we would remove from all mail; "
		    "write %s or another such name",
		    f->o->standard);
	return set_text(f, name);
}

bool
conf_read_address(const struct conf_field *f)
{
	struct span text = span_str(f->words->text);
	size_t at = span_rindex(text, '@');
	struct span local = span_first(text, at);

	if (text.n == 0)
		return set_text(f, text);
	if (at == text.n || local.n == 0 || local.n > 64 ||
	    !domain_is_fqdn(span_skip(text, at + 1)) ||
	    !span_all(text, ascii_is_visible) || span_has(local, '"') ||
	    span_has(text, '<') || span_has(text, '>') || span_has(text, ','))
		return conf_bad(f, f->words,
		    "is no mail address; dmarc@example.org would be one");
	return set_text(f, text);
}

/* What a template may name; `{url}` only outside of links. */
static const char *const placeholders[] = { "domain", "rule", "client",
	"reason", "url" };

bool
conf_read_template(const struct conf_field *f)
{
	struct span text = span_str(f->words->text);
	struct scan s = scan_of(text);
	size_t n = TABLE_SIZE(placeholders) - (f->o->type == CONF_URL);

	if (text.n > TEXT_MAX || !span_all(text, ascii_is_print))
		return conf_bad(f, f->words,
		    "must be at most %d bytes of printable ASCII", TEXT_MAX);
	while (scan_until(&s, '{'), scan_byte(&s, '{')) {
		struct span name = scan_until(&s, '}');
		bool known = false;

		for (size_t i = 0; i < n; i++)
			known = known || span_is(name, placeholders[i]);
		if (!known || !scan_byte(&s, '}'))
			return conf_bad(f, f->words,
			    "names no value we have at \"{%.*s\"; there are "
			    "{domain}, {rule}, {client}, {reason}%s",
			    (int)(name.n < 30 ? name.n : 30), name.p,
			    f->o->type == CONF_URL ? "" : " and {url}");
	}
	if (f->o->type == CONF_URL && text.n > 0 &&
	    ((!span_starts_nocase(text, "https://") &&
		 !span_starts_nocase(text, "http://")) ||
		span_has(text, ' ')))
		return conf_bad(f, f->words,
		    "is no link; it must begin with https:// and hold no "
		    "space");
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

/* "PORT" or "PORT@ADDRESS", after its "inet:" or "inet6:". */
static bool
read_inet(const struct conf_field *f, const char *scheme, enum ip_family family,
    struct span rest)
{
	char text[sizeof("inet6:65535@") + IP_TEXT_MAX];
	struct buf b = buf_over(text, sizeof(text));
	struct scan s = scan_of(rest);
	struct span address = SPAN_NONE;
	struct ip ip = { .family = IP_NONE };
	uint64_t port;

	if (!scan_number(&s, 65535, &port) || port == 0)
		return conf_bad(f, f->words,
		    "names no port from 1 to 65535 behind \"%s\"", scheme);
	if (scan_byte(&s, '@'))
		address = scan_rest(&s);
	else if (!scan_done(&s))
		return conf_bad(f, f->words, "must be %sPORT or %sPORT@ADDRESS",
		    scheme, scheme);
	if (address.p == NULL || span_is_nocase(address, "localhost"))
		address = family == IP_V4 ? SPAN("127.0.0.1") : SPAN("::1");
	if (address.n > 2 && address.p[0] == '[' &&
	    address.p[address.n - 1] == ']')
		address = span_skip(span_first(address, address.n - 1), 1);
	if (!(family == IP_V4 ? ip_parse_v4 : ip_parse_v6)(address, &ip) ||
	    ip.family != family)
		return conf_bad(f, f->words, "names no %s address behind \"@\"",
		    family == IP_V4 ? "IPv4" : "IPv6");
	if (f->o->type == CONF_SOCKET_LOCAL && !is_loopback(&ip))
		return conf_bad(f, f->words,
		    "can be reached from other hosts; take %s%" PRIu64
		    " or a unix socket",
		    scheme, port);
	buf_text(&b, scheme);
	buf_number(&b, port);
	buf_byte(&b, '@');
	ip_put(&b, &ip);
	return set_text(f, buf_done(&b));
}

bool
conf_read_socket(const struct conf_field *f)
{
	struct span text = span_str(f->words->text);
	struct span rest = span_skip(text, span_index(text, ':'));

	if (text.n == 0 && f->o->standard[0] == '\0')
		return set_text(f, text);
	rest = span_skip(rest, 1);
	if (span_starts_nocase(text, "inet:"))
		return read_inet(f, "inet:", IP_V4, rest);
	if (span_starts_nocase(text, "inet6:"))
		return read_inet(f, "inet6:", IP_V6, rest);
	if (!span_starts_nocase(text, "unix:") &&
	    !span_starts_nocase(text, "local:"))
		return conf_bad(f, f->words,
		    "is no socket; there are unix:/PATH, inet:PORT@ADDRESS and "
		    "inet6:PORT@ADDRESS");
	if (rest.n < 2 || rest.p[0] != '/' || rest.n > SOCKET_PATH_MAX ||
	    !span_all(rest, is_text_byte))
		return conf_bad(f, f->words,
		    "needs an absolute path of at most %d bytes behind "
		    "\"unix:\"",
		    SOCKET_PATH_MAX);

	struct buf b = buf_in(f->a, sizeof("unix:") + SOCKET_PATH_MAX);

	buf_text(&b, "unix:");
	buf_span(&b, rest);
	return b.full ? conf_no_memory(f) : set_text(f, buf_done(&b));
}

/* ---- and back ---- */

/* Quoted so that libconfuse reads the same bytes: "$" would be a variable's. */
void
conf_put_quoted(struct buf *b, const char *text)
{
	buf_byte(b, '"');
	for (const char *p = text; p != NULL && *p != '\0'; p++) {
		if (*p == '"' || *p == '\\' || *p == '$')
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
	struct buf shown = buf_over(memory, sizeof(memory));
	const char *bytes = base;
	const char *text = *(char *const *)(const void *)(bytes + o->offset);

	if (text != NULL)
		url_put_shown(&shown, span_str(text));
	conf_put_quoted(b, text != NULL ? memory : NULL);
}
