/*
 * ptr.h - host names of mail servers, as PTR records give them.
 */
#ifndef AVOUCH_AUDIT_PTR_H
#define AVOUCH_AUDIT_PTR_H

#include <stdbool.h>

#include "lib/ip.h"
#include "lib/span.h"

/* The name has the last three numbers of the address in a row, as networks name
 * their clients: 0-2-1, or backward.  False for IPv6. */
bool ptr_is_generic(struct span name, const struct ip *ip);

#endif
