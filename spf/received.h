/*
 * received.h - the Received-SPF field (RFC 7208 section 9.1), an option beside
 * Authentication-Results.
 */
#ifndef AVOUCH_SPF_RECEIVED_H
#define AVOUCH_SPF_RECEIVED_H

#include "lib/arena.h"
#include "lib/span.h"
#include "spf/spf.h"

enum { SPF_RECEIVED_MAX = 4096 }; /* bytes of the value; it is never cut */

/*
 * The value of the field: result, comment, key-value pairs; folded with LF TAB.
 * Safe for any bytes in `r` and `q`. Absent: `a` has no room.
 */
struct span spf_received(
    const struct spf_result *r, const struct spf_query *q, struct arena *a);

#endif
