/*
 * ip.h - addresses and networks, as SPF, the configuration and reports need
 * them.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is read as the IPv4 address it
 * contains (RFC 7208 section 5).
 */
#ifndef AVOUCH_LIB_IP_H
#define AVOUCH_LIB_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

struct sockaddr;
struct sockaddr_storage;

enum ip_family { IP_NONE, IP_V4, IP_V6 };

struct ip {
	enum ip_family family;
	uint8_t bytes[16]; /* network order; 4 for IPv4, the rest zero */
};

struct ip_net {
	struct ip ip;
	unsigned bits; /* length of the prefix: 0..32 or 0..128 */
};

enum ip_net_error {
	IP_NET_OK,
	IP_NET_NO_ADDRESS, /* not an address at all */
	IP_NET_NO_PREFIX,  /* the part after "/" is not a prefix length */
	IP_NET_HOST_BITS,  /* bits after the prefix are set; cleared in `out` */
};

enum { IP_TEXT_MAX = 46 }; /* longest text, including the NUL */

/* Exactly one address, without brackets, zone id or anything else; otherwise
 * `out` is IP_NONE.  ip_parse_v6() keeps an IPv4-mapped address as IPv6: an ip6
 * mechanism never matches an IPv4 client (RFC 7208 section 5). */
bool ip_parse(struct span text, struct ip *out);
bool ip_parse_v4(struct span text, struct ip *out);
bool ip_parse_v6(struct span text, struct ip *out);

/* A prefix length of at most `max`: "0", or digits without a leading zero (RFC
 * 7208 section 5.6). */
bool ip_prefix_parse(struct span text, unsigned max, unsigned *bits);

/* "192.0.2.0/24", "2001:db8::/32", or a single address; else `out` is IP_NONE.
 * "::ffff:192.0.2.0/120" is read as 192.0.2.0/24. */
enum ip_net_error ip_net_parse(struct span text, struct ip_net *out);

/* IP_NONE, and port 0, for NULL and for other families (AF_UNIX). */
struct ip ip_from_sockaddr(const struct sockaddr *sa);
uint16_t ip_port_from_sockaddr(const struct sockaddr *sa);

/* Sets all of `out` and returns its size; IP_NONE counts as IPv4. */
size_t ip_to_sockaddr(
    const struct ip *ip, uint16_t port, struct sockaddr_storage *out);

/* RFC 5952 text; "unknown" for IP_NONE. */
void ip_put(struct buf *b, const struct ip *ip);

bool ip_equal(const struct ip *a, const struct ip *b);

/* The first `bits` bits of both are equal; false if the families differ. */
bool ip_in(const struct ip *ip, const struct ip *net, unsigned bits);

/* The name of the PTR record: under in-addr.arpa or ip6.arpa, no final dot.
 * Writes nothing for IP_NONE. */
void ip_put_reverse(struct buf *b, const struct ip *ip);

#endif
