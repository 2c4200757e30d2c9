#include "lib/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/ascii.h"
#include "lib/scan.h"

enum {
	V4_BITS = 32,
	V6_BITS = 128,
	MAPPED_BITS = 96, /* length of the prefix ::ffff:0:0/96 */
};

static const uint8_t mapped_prefix[12] = { [10] = 0xff, [11] = 0xff };

static unsigned
family_bits(enum ip_family family)
{
	switch (family) {
	case IP_NONE:
		break;
	case IP_V4:
		return V4_BITS;
	case IP_V6:
		return V6_BITS;
	}
	return 0;
}

/* RFC 4291 section 2.5.5.2 */
static bool
is_mapped(const struct ip *ip)
{
	return ip->family == IP_V6 &&
	    memcmp(ip->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

static struct ip
unmapped(struct ip ip)
{
	struct ip v4 = { .family = IP_V4 };

	if (!is_mapped(&ip))
		return ip;
	memcpy(v4.bytes, ip.bytes + sizeof(mapped_prefix), 4);
	return v4;
}

/* Like inet_pton(), but for a span, which may contain a NUL and need not end
 * with one. */
static bool
parse_as(int af, enum ip_family family, struct span text, struct ip *out)
{
	struct ip ip = { .family = family };
	char copy[IP_TEXT_MAX];

	*out = (struct ip){ .family = IP_NONE };
	if (text.n == 0 || text.n >= sizeof(copy) || span_has(text, '\0'))
		return false;
	memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';
	if (inet_pton(af, copy, ip.bytes) != 1)
		return false;
	*out = ip;
	return true;
}

bool
ip_parse_v4(struct span text, struct ip *out)
{
	return parse_as(AF_INET, IP_V4, text, out);
}

bool
ip_parse_v6(struct span text, struct ip *out)
{
	return parse_as(AF_INET6, IP_V6, text, out);
}

bool
ip_parse(struct span text, struct ip *out)
{
	if (!span_has(text, ':'))
		return ip_parse_v4(text, out);
	if (!ip_parse_v6(text, out))
		return false;
	*out = unmapped(*out);
	return true;
}

/* Clears the bits after the prefix.  Returns whether any of them was set. */
static bool
cut_host_bits(struct ip_net *net)
{
	bool found = false;

	for (unsigned i = 0; i < sizeof(net->ip.bytes); i++) {
		unsigned kept = net->bits > i * 8 ? net->bits - i * 8 : 0;
		unsigned mask = kept >= 8 ? 0 : 0xffU >> kept;

		found |= (net->ip.bytes[i] & mask) != 0;
		net->ip.bytes[i] = (uint8_t)(net->ip.bytes[i] & ~mask);
	}
	return found;
}

/* RFC 7208 section 5.6: "0", or digits without a leading zero. */
bool
ip_prefix_parse(struct span text, unsigned max, unsigned *bits)
{
	struct scan s = scan_of(text);
	uint64_t value;

	if (text.n > 1 && scan_peek(&s) == '0')
		return false;
	if (!scan_number(&s, max, &value) || !scan_done(&s))
		return false;
	*bits = (unsigned)value;
	return true;
}

enum ip_net_error
ip_net_parse(struct span text, struct ip_net *out)
{
	size_t slash = span_index(text, '/');
	struct span address = span_first(text, slash);
	struct ip_net net = { .bits = 0 };

	*out = net;
	if (!ip_parse_v4(address, &net.ip) && !ip_parse_v6(address, &net.ip))
		return IP_NET_NO_ADDRESS;
	net.bits = family_bits(net.ip.family);
	if (slash < text.n &&
	    !ip_prefix_parse(span_skip(text, slash + 1), net.bits, &net.bits))
		return IP_NET_NO_PREFIX;
	if (is_mapped(&net.ip) && net.bits >= MAPPED_BITS) {
		net.ip = unmapped(net.ip);
		net.bits -= MAPPED_BITS;
	}
	bool had_host_bits = cut_host_bits(&net);

	*out = net;
	return had_host_bits ? IP_NET_HOST_BITS : IP_NET_OK;
}

struct ip
ip_from_sockaddr(const struct sockaddr *sa)
{
	struct ip ip = { .family = IP_NONE };
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa == NULL)
		return ip;
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
		ip.family = IP_V4;
		memcpy(ip.bytes, &in.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		ip.family = IP_V6;
		memcpy(ip.bytes, &in6.sin6_addr, 16);
	}
	return unmapped(ip);
}

uint16_t
ip_port_from_sockaddr(const struct sockaddr *sa)
{
	struct sockaddr_in in = { .sin_port = 0 };
	struct sockaddr_in6 in6;

	if (sa != NULL && sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof(in));
	} else if (sa != NULL && sa->sa_family == AF_INET6) {
		memcpy(&in6, sa, sizeof(in6));
		in.sin_port = in6.sin6_port;
	}
	return ntohs(in.sin_port);
}

size_t
ip_to_sockaddr(const struct ip *ip, uint16_t port, struct sockaddr_storage *out)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port) };

	memset(out, 0, sizeof(*out));
	if (ip->family == IP_V6) {
		memcpy(&in6.sin6_addr, ip->bytes, sizeof(in6.sin6_addr));
		memcpy(out, &in6, sizeof(in6));
		return sizeof(in6);
	}
	memcpy(&in.sin_addr, ip->bytes, sizeof(in.sin_addr));
	memcpy(out, &in, sizeof(in));
	return sizeof(in);
}

void
ip_put(struct buf *b, const struct ip *ip)
{
	char text[IP_TEXT_MAX];
	int af = ip->family == IP_V4 ? AF_INET : AF_INET6;

	if (ip->family == IP_NONE ||
	    inet_ntop(af, ip->bytes, text, sizeof(text)) == NULL)
		buf_text(b, "unknown");
	else
		buf_text(b, text);
}

bool
ip_equal(const struct ip *a, const struct ip *b)
{
	return a->family == b->family && ip_in(a, b, family_bits(a->family));
}

bool
ip_in(const struct ip *ip, const struct ip *net, unsigned bits)
{
	if (ip->family != net->family || ip->family == IP_NONE ||
	    bits > family_bits(ip->family))
		return false;
	size_t whole = bits / 8;
	unsigned rest = bits % 8;

	if (memcmp(ip->bytes, net->bytes, whole) != 0)
		return false;
	return rest == 0 ||
	    (ip->bytes[whole] ^ net->bytes[whole]) >> (8 - rest) == 0;
}

void
ip_put_reverse(struct buf *b, const struct ip *ip)
{
	static const char hex[] = "0123456789abcdef";

	switch (ip->family) {
	case IP_NONE:
		break;
	case IP_V4: /* RFC 1035 section 3.5 */
		for (size_t i = 4; i > 0; i--) {
			buf_number(b, ip->bytes[i - 1]);
			buf_byte(b, '.');
		}
		buf_text(b, "in-addr.arpa");
		break;
	case IP_V6: /* RFC 3596 section 2.5 */
		for (size_t i = 16; i > 0; i--) {
			buf_byte(b, hex[ip->bytes[i - 1] & 0xf]);
			buf_byte(b, '.');
			buf_byte(b, hex[ip->bytes[i - 1] >> 4]);
			buf_byte(b, '.');
		}
		buf_text(b, "ip6.arpa");
		break;
	}
}

bool
ip_net_is_public(const struct ip *net, unsigned bits)
{
	static const char *const not_public[] = {
		"0.0.0.0/8",
		"10.0.0.0/8",
		"100.64.0.0/10",
		"127.0.0.0/8",
		"169.254.0.0/16",
		"172.16.0.0/12",
		"192.168.0.0/16",
		"224.0.0.0/3",
		"::1/128",
		"fc00::/7",
		"fe80::/10",
		"ff00::/8",
	};

	for (size_t i = 0; i < sizeof(not_public) / sizeof(*not_public); i++) {
		struct ip_net special;

		if (ip_net_parse(span_str(not_public[i]), &special) ==
			IP_NET_OK &&
		    bits >= special.bits &&
		    ip_in(net, &special.ip, special.bits))
			return false;
	}
	return true;
}
