/*
 * consent.h - whereto reports may be sent: the addresses of a rua= or ruf=
 * list, those outside of the domain only where their host agrees.  (RFC 9990
 * section 4; RFC 9991 section 4 has the same for ruf)
 *
 * A pure core: DNS is asked through the talk and never waited for.
 */
#ifndef AVOUCH_REPORT_CONSENT_H
#define AVOUCH_REPORT_CONSENT_H

#include <stdbool.h>
#include <stddef.h>

#include "dmarc/record.h"
#include "dns/talk.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/step.h"

enum {
	DESTINATION_ADDRESSES_MAX = 10, /* of one report; RFC 9990 section 3.5:
	                               up to the receiver's limit */
	DESTINATION_QUESTIONS =
	    8 * (2 + DMARC_URIS_MAX) + DMARC_URIS_MAX, /* DNS */
	DESTINATION_MEMORY = 2
	    << 20, /* bytes of arena that are always enough */
};

enum destination_kind { DESTINATION_RUA, DESTINATION_RUF };

enum destination_code {
	DESTINATION_INSIDE,  /* of the domain's own organization */
	DESTINATION_GIVEN,   /* outside; its host agrees */
	DESTINATION_REFUSED, /* outside; no word of its host */
	DESTINATION_MISUSED, /* its host sends on to yet another host: no report
	                    to either (section 4, last rule) */
	DESTINATION_BAD_URI, /* no mail address that reports are sent to */
	DESTINATION_TEMPERROR, /* DNS gave no answer: worth another try */
};

struct destination_query {
	struct span policy_domain; /* where the record was found, normal form
	                            */
	const struct span *uris;   /* of the record, in their order */
	size_t n_uris;
	enum destination_kind kind;
};

struct destination_finding { /* about one URI */
	struct span uri;
	struct span host; /* normal form; absent: none */
	enum destination_code code;
};

struct destination_result {
	struct span
	    addresses[DESTINATION_ADDRESSES_MAX]; /* to send to, distinct,
	                                         domains in lower case */
	size_t n_addresses;
	struct destination_finding findings[DMARC_URIS_MAX];
	size_t n_findings;
	bool temperror; /* some URI is DESTINATION_TEMPERROR, or no memory */
};

/* "inside", "given", "refused", ... */
const char *destination_code_name(enum destination_code code);

/* Texts in `out` live in `a` or point into `q`.  An exhausted arena sets
 * `temperror`. */
enum step destination_check(const struct destination_query *q,
    struct dns_talk *talk, struct arena *a, struct destination_result *out);

/*
 * The address of a "mailto:" URI (RFC 6068 section 2), percent-decoded; absent
 * for other schemes and for addresses that we do not send to: only a local part
 * that is a dot-atom (RFC 5322 section 3.2.3) of ASCII with none of "!%/|`" and
 * no "-" in front, and a host name, are taken, for mail systems give a meaning
 * of their own to others.
 */
struct span destination_address(struct arena *a, struct span uri);

#endif
