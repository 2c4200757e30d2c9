/*
 * ptr.h - recognizes the generic names that networks assign to their clients.
 */
#ifndef AVOUCH_AUDIT_PTR_H
#define AVOUCH_AUDIT_PTR_H

#include <stdbool.h>

#include "lib/ip.h"
#include "lib/span.h"

/* Whether the name contains the last three numbers of the address in either
 * order, as generic names do: "0-2-1" or "1-2-0" for 192.0.2.1.  Returns false
 * for IPv6. */
bool ptr_is_generic(struct span name, const struct ip *ip);

#endif
