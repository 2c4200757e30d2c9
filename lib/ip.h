/*
 * ip.h - addresses and networks, as SPF, the configuration and reports need
 * them.
 *
 * An IPv4-mapped IPv6 address (::ffff:192.0.2.1) is read as the IPv4 address it
 * stands for (RFC 7208 section 5).
 */
#ifndef AVOUCH_LIB_IP_H
#define AVOUCH_LIB_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/span.h"

struct sockaddr;

enum ip_family { IP_NONE, IP_V4, IP_V6 };

struct ip {
	enum ip_family family;
	uint8_t bytes[16]; /* network order; 4 for IPv4, the rest zero */
};

struct ip_net {
	struct ip ip;
	unsigned bits; /* length of the prefix: 0..32 or 0..128 */
};

enum ip_net_fault {
	IP_NET_OK,
	IP_NET_NO_ADDRESS, /* not an address at all */
	IP_NET_NO_PREFIX,  /* the part behind "/" is no length of a prefix */
	IP_NET_HOST_BITS,  /* bits behind the prefix are set; `out` has them cut
	                    */
};

enum { IP_TEXT_MAX = 46 }; /* longest text, with the NUL */

/* Exactly one address, no brackets, no zone id, nothing else around it; else
 * `out` is IP_NONE.  ip_parse_v6() leaves an IPv4-mapped address IPv6: what an
 * SPF record lists under ip6 is never an IPv4 client (RFC 7208 section 5). */
bool ip_parse(struct span text, struct ip *out);
bool ip_parse_v4(struct span text, struct ip *out);
bool ip_parse_v6(struct span text, struct ip *out);

/* The length of a prefix: "0", or digits that do not begin with it (RFC 7208
 * section 5.6), at most `max`. */
bool ip_prefix_parse(struct span text, unsigned max, unsigned *bits);

/* "192.0.2.0/24", "2001:db8::/32", or an address alone.  `out` is IP_NONE where
 * it is neither, "::ffff:192.0.2.0/120" the first. */
enum ip_net_fault ip_net_parse(struct span text, struct ip_net *out);

/* IP_NONE for NULL and for other families (AF_UNIX); the port then is 0. */
struct ip ip_from_sockaddr(const struct sockaddr *sa);
uint16_t ip_port_from_sockaddr(const struct sockaddr *sa);

/* RFC 5952 text; "unknown" for IP_NONE. */
void ip_put(struct buf *b, const struct ip *ip);

bool ip_equal(const struct ip *a, const struct ip *b);

/* `ip` lies in the first `bits` bits of `net`; never across families. */
bool ip_in(const struct ip *ip, const struct ip *net, unsigned bits);

/* The name asked for PTR: under in-addr.arpa or ip6.arpa, no final dot;
 * nothing for IP_NONE. */
void ip_put_reverse(struct buf *b, const struct ip *ip);

#endif
