/*
 * server_address.h - a DNS server's address as text and as numbers, with the
 * interface for a link-local address (RFC 4007 section 11).
 */
#ifndef AVOUCH_LIB_SERVER_ADDRESS_H
#define AVOUCH_LIB_SERVER_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/buf.h"
#include "lib/ip.h"
#include "lib/span.h"

enum { SERVER_INTERFACE_MAX = 16 }; /* IF_NAMESIZE */

struct server_address {
	struct ip ip;
	uint16_t port;                        /* host order */
	char interface[SERVER_INTERFACE_MAX]; /* name or number, for a
	                                         link-local address; otherwise
	                                         empty */
};

/*
 * Reads "ADDR", "ADDR@PORT", "fe80::1%eth0" or "fe80::1%eth0@PORT".  Returns
 * NULL, or an error that says what is wrong and how to fix it.  The error
 * continues a sentence that begins with `text`: "is not an address; write
 * ...".
 */
const char *server_address_parse(struct span text, struct server_address *out);

/* Writes the form that server_address_parse() reads, always with the port. */
void server_address_put(struct buf *b, const struct server_address *server);

bool server_address_equal(
    const struct server_address *a, const struct server_address *b);

/* Returns the index of the server's interface; 0 if the address names none, or
 * one that this host does not have. */
unsigned server_address_interface_index(const struct server_address *server);

#endif
