/*
 * domain.h - domain names as text: labels, comparison, A-labels.
 *
 * Names are spans, compared without regard to ASCII case; one final dot is
 * allowed and ignored.  Unless stated otherwise labels may hold any byte except
 * the dot; underscores are ordinary characters.  Limits: RFC 1035
 * section 2.3.4.
 */
#ifndef AVOUCH_LIB_DOMAIN_H
#define AVOUCH_LIB_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"

enum {
	DOMAIN_MAX = 253,      /* bytes of text without the final dot */
	DOMAIN_LABEL_MAX = 63, /* bytes */
	DOMAIN_LABELS_MAX = 127,
};

/* At least one label, labels of 1 to 63 bytes, DOMAIN_MAX bytes in all. */
bool domain_is_valid(struct span name);

/* In addition only letters, digits, underscores, and hyphens not at the ends of
 * a label. */
bool domain_is_hostname(struct span name);

/* In addition at least two labels, and a last one that is not all digits: RFC
 * 7208 section 4.3 calls others malformed or not fully qualified. */
bool domain_is_fqdn(struct span name);

size_t domain_labels(struct span name);

/* The last `labels` labels, no final dot; all of them if it has no more. */
struct span domain_suffix(struct span name, size_t labels);

/* Without the leftmost label and the final dot; empty for a single label. */
struct span domain_parent(struct span name);

/* False for an empty name, which is aligned with nothing; so is the next. */
bool domain_equal(struct span a, struct span b);

/* `name` is `ancestor` or below it. */
bool domain_is_under(struct span name, struct span ancestor);

/*
 * The normal form, in which names are compared, asked, printed and stored:
 * lower case, U-labels as A-labels (IDNA2008 by libidn2, RFC 8616), no final
 * dot. Absent if `name` is not a domain name (over a limit, a control byte,
 * invalid UTF-8, a U-label without an A-label), or if `a` has no room (check
 * arena_has_failed()).
 */
struct span domain_normal(struct arena *a, struct span name);

#endif
