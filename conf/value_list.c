#include "conf/value_field.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/ip.h"
#include "lib/scan.h"

enum { FIELD_NAME_MAX = 60 }; /* bytes of a header field's name */

/* ---- lists ---- */

static size_t
count_values(const struct conf_value *v)
{
	size_t n = 0;

	for (; v != NULL; v = v->next)
		n++;
	return n;
}

static bool
read_network(
    const struct conf_field *f, const struct conf_value *v, struct ip_net *out)
{
	char text[IP_TEXT_MAX + sizeof("/128")];
	struct buf b = buf_wrap(text, sizeof(text));

	switch (ip_net_parse(span_str(v->text), out)) {
	case IP_NET_OK:
		return true;
	case IP_NET_NO_ADDRESS:
		return conf_value_error(f, v,
		    "is not a network; write 192.0.2.0/24 or 2001:db8::/32");
	case IP_NET_NO_PREFIX:
		return conf_value_error(f, v,
		    "needs a prefix length from 0 to %d after \"/\"",
		    span_has(span_str(v->text), ':') ? 128 : 32);
	case IP_NET_HOST_BITS:
		ip_put(&b, &out->ip);
		buf_byte(&b, '/');
		buf_number(&b, out->bits);
		return conf_value_error(
		    f, v, "has bits set after its prefix; write %s", text);
	}
	return false;
}

bool
conf_read_networks(const struct conf_field *f)
{
	size_t n = count_values(f->values), i = 0;
	struct ip_net *nets = NULL;
	bool good = true;

	if (n > 0) {
		nets = arena_array(f->a, n, sizeof(*nets));
		if (nets == NULL)
			return conf_no_memory(f);
	}
	for (const struct conf_value *v = f->values; i < n; v = v->next)
		good = read_network(f, v, &nets[i++]) && good;
	if (!good)
		return false;
	conf_set(f->count, &n, sizeof(n));
	return conf_set(f->value, &nets, sizeof(nets));
}

/* Reads "ADDRESS" or "NETWORK", each with an optional "@PORT". */
static bool
read_mta(const struct conf_field *f, const struct conf_value *v,
    struct conf_mta *out)
{
	struct span text = span_str(v->text);
	size_t at_sign = span_rindex(text, '@');
	struct scan s = scan_of(span_skip(text, at_sign + 1));
	uint64_t port = 0;

	if (ip_net_parse(span_first(text, at_sign), &out->net) != IP_NET_OK)
		return conf_value_error(f, v,
		    "is not an MTA; write its address or network, optionally "
		    "followed by \"@\" and the port of this MTA on which its "
		    "mail arrives, such as 127.0.0.1@10025");
	if (at_sign < text.n &&
	    (!scan_number(&s, UINT16_MAX, &port) || port == 0 ||
		!scan_done(&s)))
		return conf_value_error(
		    f, v, "has no port from 1 to 65535 after \"@\"");
	if (out->net.bits == 0)
		return conf_value_error(f, v,
		    "would trust results that any client sends; list the "
		    "addresses of your MTAs");
	out->port = (uint16_t)port;
	return true;
}

bool
conf_read_mtas(const struct conf_field *f)
{
	size_t n = count_values(f->values), i = 0;
	struct conf_mta *mtas = NULL;
	bool good = true;

	if (n > 0) {
		mtas = arena_array(f->a, n, sizeof(*mtas));
		if (mtas == NULL)
			return conf_no_memory(f);
	}
	for (const struct conf_value *v = f->values; i < n; v = v->next)
		good = read_mta(f, v, &mtas[i++]) && good;
	if (!good)
		return false;
	conf_set(f->count, &n, sizeof(n));
	return conf_set(f->value, &mtas, sizeof(mtas));
}

/* Reads "zone:/PATH" and stores PATH in conf.zone. */
static bool
read_zone(const struct conf_field *f)
{
	struct conf *c = f->base;
	struct span path = span_skip(span_str(f->values->text), 5);
	struct span copy = arena_copy(f->a, path);

	if (path.n == 0 || path.p[0] != '/' || f->values->next != NULL ||
	    !span_all(path, ascii_is_visible) || span_has(path, '"') ||
	    span_has(path, '\\'))
		return conf_value_error(f, f->values,
		    "must be the only value, with an absolute path after "
		    "\"zone:\"");
	if (copy.p == NULL)
		return conf_no_memory(f);
	return conf_set(&c->zone, &copy.p, sizeof(copy.p));
}

bool
conf_read_servers(const struct conf_field *f)
{
	struct server_address servers[CONF_NAMESERVERS_MAX] = { 0 };
	size_t n = 0;
	bool good = true;

	if (f->values != NULL &&
	    span_starts_nocase(span_str(f->values->text), "zone:"))
		return read_zone(f);
	for (const struct conf_value *v = f->values; v != NULL; v = v->next) {
		const char *why;

		if (n == CONF_NAMESERVERS_MAX)
			return conf_value_error(f, v,
			    "is one resolver too many; list at most %d",
			    CONF_NAMESERVERS_MAX);
		why = server_address_parse(span_str(v->text), &servers[n++]);
		if (why != NULL)
			good = conf_value_error(f, v, "%s", why);
	}
	if (!good)
		return false;
	conf_set(f->count, &n, sizeof(n));
	return conf_set(f->value, servers, sizeof(servers));
}

static char *
domain_word(const struct conf_field *f, const struct conf_value *v)
{
	struct span name = domain_normal(f->a, span_str(v->text));

	if (name.p == NULL || !domain_is_hostname(name)) {
		conf_value_error(
		    f, v, "is not a domain; write it as example.net");
		return NULL;
	}

	struct buf b = buf_alloc(f->a, name.n + 1);

	buf_span(&b, name);
	if (b.full)
		conf_no_memory(f);
	return b.p;
}

/* Whether `name` is valid in a pattern.  RFC 2919 section 2 allows more
 * characters in a list's name than in a host name. */
static bool
is_pattern_name(const struct conf_option *o, struct span name)
{
	if (strcmp(o->name, "list_id") != 0)
		return domain_is_hostname(name);
	return domain_is_valid(name) && span_all(name, ascii_is_visible) &&
	    !span_has(name, '*') && !span_has(name, '<') &&
	    !span_has(name, '>');
}

static char *
pattern_word(const struct conf_field *f, const struct conf_value *v)
{
	struct span text = span_str(v->text), name;
	struct buf b = buf_alloc(f->a, CONF_PATTERN_MAX + 1);
	const char *prefix = "";

	if (span_is(text, "<>") &&
	    strcmp(f->o->name, "mail_from_domain") == 0) {
		buf_text(&b, "<>");
		return b.p;
	}
	if (span_starts_nocase(text, "**."))
		prefix = "**.";
	else if (span_starts_nocase(text, "*."))
		prefix = "*.";
	else if (span_starts_nocase(text, "."))
		prefix = ".";
	name = domain_normal(f->a, span_skip(text, strlen(prefix)));
	if (name.p == NULL || !is_pattern_name(f->o, name)) {
		conf_value_error(f, v,
		    "is not a domain pattern; write example.net, "
		    "*.example.net for its subdomains or **.example.net for "
		    "both");
		return NULL;
	}
	buf_text(&b, prefix[0] == '.' ? "*." : prefix);
	buf_span(&b, name);
	if (b.full)
		conf_no_memory(f);
	return b.p;
}

static char *
field_word(const struct conf_field *f, const struct conf_value *v)
{
	struct span name = span_str(v->text);
	struct buf b;

	if (name.n == 0) {
		conf_value_error(f, v, "is not the name of a header field");
		return NULL;
	}
	if (name.n > FIELD_NAME_MAX || !span_all(name, ascii_is_ftext)) {
		conf_value_error(f, v,
		    "is not the name of a header field: at most %d letters, "
		    "digits and hyphens",
		    FIELD_NAME_MAX);
		return NULL;
	}
	if (span_is_nocase(name, "authentication-results")) {
		conf_value_error(f, v, "is a field that avouch already writes");
		return NULL;
	}
	b = buf_alloc(f->a, name.n + 1);
	buf_span(&b, name);
	if (b.full)
		conf_no_memory(f);
	return b.p;
}

static char *
name_word(const struct conf_field *f, const struct conf_value *v)
{
	if (f->o->type == CONF_DOMAINS)
		return domain_word(f, v);
	return f->o->type == CONF_FIELDS ? field_word(f, v)
					 : pattern_word(f, v);
}

bool
conf_read_names(const struct conf_field *f)
{
	size_t n = count_values(f->values), i = 0;
	char **names = NULL;
	bool good = true;

	if (n > 0) {
		names = arena_array(f->a, n + 1, sizeof(*names));
		if (names == NULL)
			return conf_no_memory(f);
	}
	for (const struct conf_value *v = f->values; i < n; v = v->next) {
		names[i] = name_word(f, v);
		good = names[i++] != NULL && good;
	}
	return good && conf_set(f->value, &names, sizeof(names));
}

/* ---- writing values ---- */

static const void *
at(const void *base, size_t offset)
{
	return (const char *)base + offset;
}

static void
put_network(struct buf *b, const struct ip_net *net)
{
	ip_put(b, &net->ip);
	buf_byte(b, '/');
	buf_number(b, net->bits);
}

void
conf_put_networks(struct buf *b, const struct conf_option *o, const void *base)
{
	const struct ip_net *nets =
	    *(struct ip_net *const *)at(base, o->offset);
	size_t n = *(const size_t *)at(base, o->count);

	buf_byte(b, '{');
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i > 0 ? ", \"" : "\"");
		put_network(b, &nets[i]);
		buf_byte(b, '"');
	}
	buf_byte(b, '}');
}

void
conf_put_mtas(struct buf *b, const struct conf_option *o, const void *base)
{
	const struct conf_mta *mtas =
	    *(struct conf_mta *const *)at(base, o->offset);
	size_t n = *(const size_t *)at(base, o->count);

	buf_byte(b, '{');
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i > 0 ? ", \"" : "\"");
		put_network(b, &mtas[i].net);
		if (mtas[i].port > 0)
			buf_printf(b, "@%u", (unsigned)mtas[i].port);
		buf_byte(b, '"');
	}
	buf_byte(b, '}');
}

void
conf_put_servers(struct buf *b, const struct conf_option *o, const void *base)
{
	const struct server_address *servers = at(base, o->offset);
	size_t n = *(const size_t *)at(base, o->count);
	const struct conf *c = base;

	buf_byte(b, '{');
	if (c->zone != NULL) {
		buf_text(b, "\"zone:");
		buf_text(b, c->zone);
		buf_byte(b, '"');
	}
	for (size_t i = 0; i < n; i++) {
		buf_text(b, i > 0 ? ", \"" : "\"");
		server_address_put(b, &servers[i]);
		buf_byte(b, '"');
	}
	buf_byte(b, '}');
}

void
conf_put_names(struct buf *b, const struct conf_option *o, const void *base)
{
	char *const *names = *(char *const *const *)at(base, o->offset);

	buf_byte(b, '{');
	for (size_t i = 0; names != NULL && names[i] != NULL; i++) {
		if (i > 0)
			buf_text(b, ", ");
		conf_put_quoted(b, names[i]);
	}
	buf_byte(b, '}');
}
