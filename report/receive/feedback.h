/*
 * feedback.h - parses the message/feedback-report part of a received failure
 * report: RFC 5965 section 3, RFC 6591 section 3.1, RFC 9991 section 3.
 *
 * Only the domain of an address is stored, and no part of the failing message:
 * its header and body remain only in the file that was read.
 */
#ifndef AVOUCH_REPORT_RECEIVE_FEEDBACK_H
#define AVOUCH_REPORT_RECEIVE_FEEDBACK_H

#include "lib/arena.h"
#include "lib/span.h"
#include "report/store/query.h"

enum {
	FEEDBACK_BYTES_MAX = 64 << 10, /* bytes read from a part */
	FEEDBACK_TEXT_MAX = 255,       /* bytes stored per value */
	FEEDBACK_RESULTS_MAX =
	    1000, /* bytes of Authentication-Results to store */
	FEEDBACK_MEMORY = 16 << 10, /* maximum arena bytes for one report */
};

enum feedback_end {
	FEEDBACK_DONE,
	FEEDBACK_OTHER,   /* another type of feedback, such as abuse */
	FEEDBACK_REFUSED, /* see `reason` */
	FEEDBACK_MEMORY_LACKS,
};

/*
 * `now` is used if the report does not say when the message arrived, or gives a
 * later time.  `sender` is the domain that sent the report, or empty.  Strings
 * in `out` are in `a`; the key, file and read time of `out` are not set.
 */
enum feedback_end feedback_read(struct span part, struct span sender,
    int64_t now, struct arena *a, struct ledger_incident *out,
    const char **reason);

#endif
