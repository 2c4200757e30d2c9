/*
 * domain.h - domain names as text: labels, comparison, A-labels.
 *
 * Names are spans without regard to ASCII case; one dot at the end is allowed
 * and means nothing.  Labels may hold any byte but the dot unless said
 * otherwise: underscores are ordinary here.  Limits are RFC 1035 section 2.3.4.
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

/* Labels of 1 to 63 bytes, DOMAIN_MAX in all, at least one label. */
bool domain_is_valid(struct span name);

/* Also letters, digits, hyphens (not at a label's ends) and underscores only.
 */
bool domain_is_hostname(struct span name);

/* Also at least two labels and a last one that is not all digits: RFC 7208
 * section 4.3 calls the others malformed or no FQDN. */
bool domain_is_fqdn(struct span name);

size_t domain_labels(struct span name);

/* The last `labels` labels, no final dot; all of them if it has no more. */
struct span domain_suffix(struct span name, size_t labels);

/* Without the leftmost label and the final dot; empty for a single label. */
struct span domain_parent(struct span name);

/* Both are false for an empty name: nothing is aligned with it. */
bool domain_equal(struct span a, struct span b);

/* `name` is `ancestor` or below it. */
bool domain_is_under(struct span name, struct span ancestor);

/*
 * The one form that is compared, asked, printed and stored: lower case,
 * U-labels as A-labels (IDNA2008 by libidn2, RFC 8616), no final dot.  Absent
 * where `name` has no such form (then it is not a domain name: a limit, a
 * control byte, bytes that are not UTF-8, a U-label without A-label) or `a` no
 * room (arena_has_failed() tells).
 */
struct span domain_normal(struct arena *a, struct span name);

/* The Unicode form for people; `name` itself where there is none. */
struct span domain_display(struct arena *a, struct span name);

#endif
