/*
 * domain.h - domain names as text: labels, comparison, A-labels.
 *
 * Names are spans, compared without regard to ASCII case; one final dot is
 * allowed and ignored.  Unless stated otherwise, labels may contain any byte
 * except the dot; underscores are ordinary characters.  Limits: RFC 1035
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

/* Whether `name` has at least one label, each label has 1 to 63 bytes, and the
 * name has at most DOMAIN_MAX bytes. */
bool domain_is_valid(struct span name);

/* Whether `name` is valid and its labels contain only letters, digits,
 * underscores, and hyphens that are not the first or last byte of a label. */
bool domain_is_hostname(struct span name);

/*
 * Whether `name` is a hostname of at least two labels whose last label is not
 * all digits.  RFC 7208 section 4.3 calls other names malformed or not fully
 * qualified.
 */
bool domain_is_fqdn(struct span name);

size_t domain_labels(struct span name);

/* Returns the last `labels` labels without the final dot, or all of them if
 * there are fewer. */
struct span domain_suffix(struct span name, size_t labels);

/*
 * Returns the part of a name that its owner registered: "outlook.com",
 * "example.co.uk".  This is a guess, made without the public suffix list.  It
 * is good enough to group names, but not to evaluate mail.
 */
struct span domain_registrable(struct span name);

/* Returns `name` without its leftmost label and final dot; empty if it has only
 * one label. */
struct span domain_parent(struct span name);

/* domain_equal() and domain_is_under() return false for an empty name, which is
 * not aligned with any name. */
bool domain_equal(struct span a, struct span b);

/* Whether `name` is `ancestor` or below it. */
bool domain_is_under(struct span name, struct span ancestor);

/*
 * Returns the normal form, in which names are compared, queried, printed and
 * stored: lower case, U-labels as A-labels (IDNA2008 by libidn2, RFC 8616), no
 * final dot.  The result is absent if `name` is not a domain name (it exceeds a
 * limit, or contains a control byte, invalid UTF-8 or a U-label without an
 * A-label), or if `a` is full (check arena_has_failed()).
 */
struct span domain_normal(struct arena *a, struct span name);

#endif
