/*
 * aggregate.h - writes the XML of an aggregate report (RFC 9990 section 3.1.1
 * and appendix A), row by row: nothing is held but the row at hand.
 *
 * Both forms are valid against the schema of RFC 9990.  BROAD is what consumers
 * of RFC 7489 read as well; STRICT is RFC 9990 to the letter.  They differ in
 *
 *	                BROAD                        STRICT
 *	disposition     none also when DMARC passes  pass, where the policy
 *	                                             asks for more than none
 *	spf             always one, with its scope   only if SPF was checked
 *	reason type     those both RFCs have;        those of RFC 9990
 *	                policy_test_mode is other
 *	policy          np, testing where they say   all, and discovery_method
 *	                something
 *	result policy   neutral, for SPF             policy
 *
 * Texts may hold anything: what XML 1.0 cannot say becomes "?".
 */
#ifndef AVOUCH_REPORT_AGGREGATE_H
#define AVOUCH_REPORT_AGGREGATE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/row.h"

#define AGGREGATE_NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"

enum aggregate_compat { AGGREGATE_BROAD, AGGREGATE_STRICT };

struct aggregate_info {
	enum aggregate_compat compat;
	struct span org_name, email;
	struct span contact;   /* extra_contact_info; empty: none */
	struct span report_id; /* without "<>" */
	int64_t begin, end;    /* seconds since 1970, both in the period */
	struct span error;     /* empty: none */
	struct span generator; /* name and version of the program */
	struct span domain;    /* the policy domain */
	struct span record;    /* its DMARC record */
};

/* Takes what is written; false: it can't. */
typedef bool aggregate_put(void *arg, struct span bytes);

struct aggregate;

/* All but `put` and `arg` is needed only during the call.  NULL: no memory, or
 * `put` failed. */
struct aggregate *aggregate_open(
    const struct aggregate_info *info, aggregate_put *put, void *arg);

/* One record.  Of `r`, `when`, `policy_domain`, `record` and `automatic` are
 * not looked at. */
bool aggregate_row(struct aggregate *a, const struct report_row *r);

/* Ends the document and frees; false: something of it failed.  Takes NULL,
 * which is a failure. */
bool aggregate_close(struct aggregate *a);

#endif
