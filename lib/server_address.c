#include "lib/server_address.h"

#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "lib/scan.h"

enum { PORT_DOMAIN = 53 };

_Static_assert(SERVER_INTERFACE_MAX == IF_NAMESIZE, "the name of an interface");

static bool
is_link_local(const struct ip *ip) /* RFC 4291 section 2.5.6 */
{
	return ip->family == IP_V6 && ip->bytes[0] == 0xfe &&
	    (ip->bytes[1] & 0xc0) == 0x80;
}

/* Quotes and backslashes are excluded because addresses are also used as metric
 * labels. */
static bool
is_of_interface(unsigned char c)
{
	return c > ' ' && c != '@' && c != '%' && c != '/' && c != '"' &&
	    c != '\\';
}

/* Reads "%" and the name or number of an interface (RFC 4007 section 11). */
static const char *
interface_parse(struct scan *s, struct server_address *out)
{
	struct span name;

	if (!scan_byte(s, '%'))
		return is_link_local(&out->ip)
		    ? "is a link-local address, which needs an interface name; "
		      "write fe80::1%eth0"
		    : NULL;
	if (!is_link_local(&out->ip))
		return "is not a link-local address; leave out the interface";
	name = scan_while(s, is_of_interface);
	if (name.n == 0 || name.n >= sizeof(out->interface))
		return "has no valid interface name; write fe80::1%eth0";
	memcpy(out->interface, name.p, name.n);
	return NULL;
}

static bool
is_of_address(unsigned char c)
{
	return c > ' ' && c != '@' && c != '%';
}

const char *
server_address_parse(struct span text, struct server_address *out)
{
	struct scan s = scan_of(text);
	uint64_t port = PORT_DOMAIN;
	const char *why;

	*out = (struct server_address){ 0 };
	if (!ip_parse(scan_while(&s, is_of_address), &out->ip))
		return "is not an address; write 192.0.2.1 or 192.0.2.1@53";
	why = interface_parse(&s, out);
	if (why != NULL)
		return why;
	if ((scan_byte(&s, '@') && !scan_number(&s, UINT16_MAX, &port)) ||
	    !scan_done(&s) || port == 0)
		return "has no valid port; write 192.0.2.1@53";
	out->port = (uint16_t)port;
	return NULL;
}

void
server_address_put(struct buf *b, const struct server_address *server)
{
	ip_put(b, &server->ip);
	if (server->interface[0] != '\0') {
		buf_byte(b, '%');
		buf_text(b, server->interface);
	}
	buf_byte(b, '@');
	buf_number(b, server->port);
}

bool
server_address_equal(
    const struct server_address *a, const struct server_address *b)
{
	return ip_equal(&a->ip, &b->ip) && a->port == b->port &&
	    strcmp(a->interface, b->interface) == 0;
}

unsigned
server_address_interface_index(const struct server_address *server)
{
	struct scan s = scan_of(span_str(server->interface));
	uint64_t number;

	if (scan_number(&s, UINT_MAX, &number) && scan_done(&s))
		return (unsigned)number;
	return if_nametoindex(server->interface);
}
