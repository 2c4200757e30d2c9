/*
 * aggregate_xml.h - writes the XML of an aggregate report (RFC 9990 section
 * 3.1.1 and appendix A) row by row; only the current row is in memory.
 *
 * BROAD can also be read by programs written for RFC 7489, some of which reject
 * a document with a namespace; STRICT follows RFC 9990 to the letter.  Apart
 * from the namespace, both are valid under the schema of RFC 9990.  Their
 * differences:
 *
 *	                BROAD                        STRICT
 *	namespace       none                         AGGREGATE_NAMESPACE
 *	disposition     none, even if DMARC passes   pass if the policy
 *	                                             requests more than none
 *	spf             always, with its scope       only if SPF was checked
 *	reason type     those of both RFCs;          those of RFC 9990
 *	                policy_test_mode becomes other
 *	policy          np and testing only if set   all, and discovery_method
 *	result policy   neutral, for SPF             policy
 *
 * Strings may contain any bytes: those that XML 1.0 does not allow become "?".
 */
#ifndef AVOUCH_REPORT_WRITE_AGGREGATE_XML_H
#define AVOUCH_REPORT_WRITE_AGGREGATE_XML_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/record/row.h"

#define AGGREGATE_NAMESPACE "urn:ietf:params:xml:ns:dmarc-2.0"

enum aggregate_compat { AGGREGATE_BROAD, AGGREGATE_STRICT };

struct aggregate_info {
	enum aggregate_compat compat;
	struct span org_name, email;
	struct span report_id; /* without "<>" */
	int64_t begin,
	    end; /* seconds since 1970: first and last second of the period */
	struct span error;     /* empty: none */
	struct span generator; /* name and version of the program */
	struct span domain;    /* the policy domain */
	struct span record;    /* its DMARC record */
};

/* Receives the bytes that are written.  Returns false if it fails. */
typedef bool aggregate_put(void *arg, struct span bytes);

struct aggregate;

/* Writes the start of the document.  Only `put` and `arg` are needed after the
 * call.  Returns NULL if memory ran out or `put` failed. */
struct aggregate *aggregate_open(
    const struct aggregate_info *info, aggregate_put *put, void *arg);

/* Writes one record.  Ignores `when`, `policy_domain`, `record` and
 * `automatic` of `r`. */
bool aggregate_row(struct aggregate *a, const struct report_row *r);

/* Ends the document and frees `a`.  Returns false if any write failed.  Accepts
 * NULL and returns false for it. */
bool aggregate_close(struct aggregate *a);

#endif
