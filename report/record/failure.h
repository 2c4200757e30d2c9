/*
 * failure.h - decides whether to report the failure of a message, and writes
 * the contents of the report (RFC 9991, RFC 6591; RFC 9989 section 4.7, fo and
 * ruf).
 *
 * The contents are written immediately, with private data already removed
 * (redact.h); nothing else of the message is stored.  A report never contains
 * the body, and of the header it contains only the fields that the
 * configuration names.  So it contains a recipient only if the To field is
 * named.
 *
 * All functions are pure functions of the verdict.
 */
#ifndef AVOUCH_REPORT_RECORD_FAILURE_H
#define AVOUCH_REPORT_RECORD_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/hash.h"
#include "lib/span.h"
#include "conf/conf.h"
#include "verify/verify.h"

enum {
	FAILURE_HEADER_MAX = 12 << 10,   /* bytes of header fields; those that
	                                    do not fit are left out */
	FAILURE_FEEDBACK_MAX = 12 << 10, /* bytes of the machine-readable
	                                    part */
	FAILURE_SUBJECT_MAX = 150,       /* bytes */
	FAILURE_LIKENESS_MAX = 2048,     /* bytes */
	FAILURE_FIELDS_MAX = 50,         /* header fields in a report */
	FAILURE_SIGNATURES_MAX = 10,     /* signatures in the results */
	FAILURE_MAX = FAILURE_HEADER_MAX + FAILURE_FEEDBACK_MAX +
	    FAILURE_LIKENESS_MAX + DMARC_RECORD_MAX + 2048,
};

enum failure_kind {
	FAILURE_NONE,  /* no report is due */
	FAILURE_DMARC, /* fo=0, fo=1 */
	FAILURE_DKIM,  /* fo=d */
	FAILURE_SPF,   /* fo=s */
};

/*
 * Returns which report to make.  If fo requests several, returns the first in
 * the order above, because there is one report per message (RFC 9991 section 3
 * leaves the choice to us).  Only the policy record for the author domain is
 * considered, and only if it has ruf and does not have psd=y.
 */
enum failure_kind failure_kind_of(const struct verdict *v);

struct failure { /* all printable ASCII; each string ends with a NUL */
	int64_t when;
	struct span likeness;     /* equal for failures with the same cause */
	struct span organization; /* organizational domain of the author
	                             domain */
	struct span domain;       /* domain of the record */
	struct span record;
	struct span author;   /* author domain */
	struct span source;   /* address of the client */
	struct span subject;  /* empty if it must not be reported */
	struct span feedback; /* fields of RFC 5965 section 3; lines end with
	                         LF */
	struct span header;   /* fields of the message; lines end with LF */
};

struct failure_draft {
	struct failure failure;
	char memory[FAILURE_MAX];
};

/* Returns false if no report is due or memory ran out. */
bool failure_of(const struct verdict *v, const struct conf *conf,
    struct hash_secret key, struct span queue_id, int64_t now,
    struct failure_draft *out);

/* Makes a copy in one allocation, to be freed with free().  Returns NULL if
 * memory ran out. */
struct failure *failure_copy(const struct failure *f);

/* Returns the memory that a copy needs, in bytes. */
size_t failure_size(const struct failure *f);

#endif
