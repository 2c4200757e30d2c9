/*
 * feedback.h - parses the message/feedback-report part of a failure report from
 * others: RFC 5965 section 3, RFC 6591 section 3.1, RFC 9991 section 3.
 *
 * Of addresses only the domain is kept, and nothing of the mail that failed:
 * its text and its header stay in the file that was read.
 */
#ifndef AVOUCH_REPORT_RECEIVE_FEEDBACK_H
#define AVOUCH_REPORT_RECEIVE_FEEDBACK_H

#include "lib/arena.h"
#include "lib/span.h"
#include "report/store/query.h"

enum {
	FEEDBACK_BYTES_MAX = 64 << 10, /* read of a part */
	FEEDBACK_TEXT_MAX = 255,       /* bytes stored of a value */
	FEEDBACK_RESULTS_MAX = 1000,   /* of Authentication-Results */
	FEEDBACK_MEMORY = 16 << 10, /* bytes of arena that one report needs at
	                               most */
};

enum feedback_end {
	FEEDBACK_DONE,
	FEEDBACK_OTHER,   /* another type, such as abuse */
	FEEDBACK_REFUSED, /* see `reason` */
	FEEDBACK_MEMORY_LACKS,
};

/*
 * `now` is the time of a report that does not say when the mail arrived, and
 * the latest possible; `sender` the domain that sent the report, or empty.
 * Texts of `out` are in `a`; its key, file and time of reading are not set.
 */
enum feedback_end feedback_read(struct span part, struct span sender,
    int64_t now, struct arena *a, struct ledger_incident *out,
    const char **reason);

#endif
