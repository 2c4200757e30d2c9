/*
 * spf_vectors.h - vectors for check_host() of RFC 7208 with
 * tests/zones/spf.zone.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SPF_VECTORS_H
#define AVOUCH_TESTS_SUPPORT_SPF_VECTORS_H

#include "dns/source.h"
#include "spf/spf.h"

#define V4 "192.0.2.10"
#define V6 "2001:db8::10"

struct spf_vector {
	const char *what;
	const char *ip;
	const char *sender; /* NULL: HELO is the identity */
	enum spf_code code;
	const char *helo; /* NULL: mail.s23.example */
};

extern struct dns_source *spf_zone;

/* Set up and tear down a group of tests. */
int spf_zone_open(void **state);
int spf_zone_close(void **state);

/* Checks each vector, and repeats it with a trace and late answers, and with
 * failing allocations. */
void spf_vectors_check(const struct spf_vector *v, size_t n);

#define GIVE(vectors) spf_vectors_check(vectors, ARRAY_SIZE(vectors))

#endif
