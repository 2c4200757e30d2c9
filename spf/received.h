/*
 * received.h - writes the Received-SPF field (RFC 7208 section 9.1), an
 * optional addition to Authentication-Results.
 */
#ifndef AVOUCH_SPF_RECEIVED_H
#define AVOUCH_SPF_RECEIVED_H

#include "lib/arena.h"
#include "lib/span.h"
#include "spf/spf.h"

enum { SPF_RECEIVED_MAX = 4096 }; /* bytes of the value; never truncated */

/* Returns the value of the field: result, comment and key-value pairs, folded
 * with LF TAB.  `r` and `q` may contain any bytes.  Absent if `a` is full. */
struct span spf_received(
    const struct spf_result *r, const struct spf_query *q, struct arena *a);

#endif
