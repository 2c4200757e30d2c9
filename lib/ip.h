/*
 * ip.h - addresses and networks, for SPF, the configuration and reports.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is read as the IPv4 address
 * that it contains (RFC 7208 section 5).
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
	uint8_t bytes[16]; /* network order; IPv4 uses the first 4, and the rest
	                      are zero */
};

struct ip_net {
	struct ip ip;
	unsigned bits; /* length of the prefix: 0..32 or 0..128 */
};

enum ip_net_error {
	IP_NET_OK,
	IP_NET_NO_ADDRESS, /* not an address */
	IP_NET_NO_PREFIX,  /* the part after "/" is not a prefix length */
	IP_NET_HOST_BITS,  /* bits after the prefix are set; they are cleared in
	                      `out` */
};

enum { IP_TEXT_MAX = 46 }; /* longest text form, including the NUL */

/*
 * Read exactly one address, without brackets, a zone id or anything else.  For
 * any other text, return false and set `out` to IP_NONE.  ip_parse_v6() keeps
 * an IPv4-mapped address as IPv6, because an ip6 mechanism never matches an
 * IPv4 client (RFC 7208 section 5).
 */
bool ip_parse(struct span text, struct ip *out);
bool ip_parse_v4(struct span text, struct ip *out);
bool ip_parse_v6(struct span text, struct ip *out);

/* Reads a prefix length of at most `max`: "0", or digits without a leading zero
 * (RFC 7208 section 5.6). */
bool ip_prefix_parse(struct span text, unsigned max, unsigned *bits);

/* Reads "192.0.2.0/24", "2001:db8::/32", or one address; `out` is IP_NONE if
 * `text` is none of these.  "::ffff:192.0.2.0/120" is read as 192.0.2.0/24. */
enum ip_net_error ip_net_parse(struct span text, struct ip_net *out);

/* Return IP_NONE and port 0 for NULL and for other families, such as
 * AF_UNIX. */
struct ip ip_from_sockaddr(const struct sockaddr *sa);
uint16_t ip_port_from_sockaddr(const struct sockaddr *sa);

/* Fills in `out` and returns the size of the address.  IP_NONE is treated as
 * IPv4. */
size_t ip_to_sockaddr(
    const struct ip *ip, uint16_t port, struct sockaddr_storage *out);

/* Writes the address as in RFC 5952, and "unknown" for IP_NONE. */
void ip_put(struct buf *b, const struct ip *ip);

bool ip_equal(const struct ip *a, const struct ip *b);

/* Whether the first `bits` bits are equal; false if the families differ. */
bool ip_in(const struct ip *ip, const struct ip *net, unsigned bits);

/* Whether a network contains addresses of hosts on the Internet: it is not part
 * of a private, loopback or other special network (RFC 6890). */
bool ip_net_is_public(const struct ip *net, unsigned bits);

/* Writes the name of the PTR record, under in-addr.arpa or ip6.arpa, without a
 * final dot.  Writes nothing for IP_NONE. */
void ip_put_reverse(struct buf *b, const struct ip *ip);

#endif
