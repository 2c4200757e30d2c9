/*
 * external_destination.h - the addresses in a rua= or ruf= list that reports
 * may be sent to.  An address outside the domain's organization is used only if
 * its host authorizes it (RFC 9990 section 4; RFC 9991 section 4 says the same
 * for ruf).
 *
 * A pure core: it adds DNS lookups to `questions` and never waits.
 */
#ifndef AVOUCH_REPORT_SEND_EXTERNAL_DESTINATION_H
#define AVOUCH_REPORT_SEND_EXTERNAL_DESTINATION_H

#include <stdbool.h>
#include <stddef.h>

#include "dmarc/record.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum {
	DESTINATION_ADDRESSES_MAX =
	    10, /* addresses per report; RFC 9990 section 3.5 leaves the limit
	           to the receiver */
	DESTINATION_QUESTIONS =
	    8 * (2 + DMARC_URIS_MAX) + DMARC_URIS_MAX, /* DNS questions */
	DESTINATION_MEMORY = 2 << 20, /* arena bytes; always enough */
};

enum destination_kind { DESTINATION_RUA, DESTINATION_RUF };

enum destination_code {
	DESTINATION_INSIDE,    /* in the domain's own organization */
	DESTINATION_GIVEN,     /* external, authorized by its host */
	DESTINATION_REFUSED,   /* external, not authorized */
	DESTINATION_MISUSED,   /* its host overrides it with an address at a
	                          different host: neither address gets a report
	                          (section 4, last rule) */
	DESTINATION_BAD_URI,   /* not a mail address that we are willing to send
	                          to */
	DESTINATION_TEMPERROR, /* DNS did not answer: try again later */
};

struct destination_query {
	struct span policy_domain; /* domain of the record, in normal form */
	const struct span *uris; /* the record's rua= or ruf= list, in the same
	                            order */
	size_t n_uris;
	enum destination_kind kind;
};

struct destination_finding { /* the result for one URI */
	struct span uri;
	struct span host; /* in normal form; absent if none */
	enum destination_code code;
};

struct destination_result {
	struct span
	    addresses[DESTINATION_ADDRESSES_MAX]; /* addresses to send to: no
	                                             duplicates, domains in
	                                             lower case */
	size_t n_addresses;
	struct destination_finding findings[DMARC_URIS_MAX];
	size_t n_findings;
	bool temperror; /* a URI is DESTINATION_TEMPERROR, or memory ran out */
};

/* "inside", "given", "refused", ... */
const char *destination_code_name(enum destination_code code);

/* Finds the addresses to send to.  Strings in `out` are in `a` or point into
 * `q`.  An exhausted arena sets `temperror`. */
enum core_status destination_check(const struct destination_query *q,
    struct dns_questions *questions, struct arena *a,
    struct destination_result *out);

/*
 * Returns the address in a "mailto:" URI (RFC 6068 section 2), percent-decoded.
 * Returns an absent span for other schemes and for addresses that we do not
 * send to: the local part must be an ASCII dot-atom (RFC 5322 section 3.2.3)
 * without "!%/|`" and without a leading "-", and the domain must be a host
 * name, because mail systems give other characters a special meaning.
 */
struct span destination_address(struct arena *a, struct span uri);

/* Like destination_address(), for a plain address; converts the domain to lower
 * case. */
struct span destination_plain_address(struct arena *a, struct span address);

#endif
