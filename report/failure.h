/*
 * failure.h - whether a failure of this message is to be reported, and what of
 * it may be told (RFC 9991, RFC 6591; RFC 9989 section 4.7, fo and ruf).
 *
 * What is told is written down at once, with all that is private taken out
 * (redact.h): nothing else is ever kept of the message for this.  No header
 * field leaves that the configuration does not name, no body, and no recipient
 * unless the To field is named.
 *
 * A pure function of the verdict.
 */
#ifndef AVOUCH_REPORT_FAILURE_H
#define AVOUCH_REPORT_FAILURE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/hash.h"
#include "lib/span.h"
#include "verify/conf.h"
#include "verify/verify.h"

enum {
	FAILURE_HEADER_MAX = 12 << 10,   /* bytes of fields; what does not fit
	                                    is left out */
	FAILURE_FEEDBACK_MAX = 12 << 10, /* bytes of the machine's part */
	FAILURE_SUBJECT_MAX = 150,       /* bytes */
	FAILURE_LIKENESS_MAX = 2048,     /* bytes */
	FAILURE_FIELDS_MAX = 50,         /* fields told */
	FAILURE_SIGNATURES_MAX = 10,     /* told in the results */
	FAILURE_MAX = FAILURE_HEADER_MAX + FAILURE_FEEDBACK_MAX +
	    FAILURE_LIKENESS_MAX + DMARC_RECORD_MAX + 2048,
};

enum failure_kind {
	FAILURE_NONE,  /* nobody asks for a report */
	FAILURE_DMARC, /* fo=0, fo=1 */
	FAILURE_DKIM,  /* fo=d */
	FAILURE_SPF,   /* fo=s */
};

/*
 * Of the reports that fo asks for the first in the order above: one message
 * makes one report (RFC 9991 section 3 leaves that to us).  The record is that
 * of the author domain's policy, with ruf and without psd=y.
 */
enum failure_kind failure_kind_of(const struct verdict *v);

struct failure { /* printable ASCII; texts end with a NUL */
	int64_t when;
	struct span likeness;     /* the same for failures of one cause */
	struct span organization; /* that the author domain belongs to */
	struct span domain;       /* where the record is */
	struct span record;
	struct span author;   /* domain */
	struct span source;   /* address */
	struct span subject;  /* empty: not to be told */
	struct span feedback; /* fields of RFC 5965 section 3, by LF */
	struct span header;   /* fields of the message, by LF */
};

struct failure_draft {
	struct failure failure;
	char memory[FAILURE_MAX];
};

/* False: none is due, or there is no memory for it. */
bool failure_of(const struct verdict *v, const struct conf *conf,
    struct hash_secret key, struct span queue_id, int64_t now,
    struct failure_draft *out);

/* In one piece of memory, which free() lets go; NULL: no memory. */
struct failure *failure_copy(const struct failure *f);

/* Bytes a copy takes. */
size_t failure_size(const struct failure *f);

#endif
