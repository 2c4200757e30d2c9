/*
 * robot.h - decides which messages `avouch audit --answer` answers, and limits
 * the number of answers (RFC 3834).  Pure.
 *
 * An answer to a forged message would go to someone who did not write it, so
 * only messages that pass DMARC are answered.  Automatic messages are not
 * answered either, to avoid loops.
 */
#ifndef AVOUCH_AUDIT_MESSAGE_ROBOT_H
#define AVOUCH_AUDIT_MESSAGE_ROBOT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"
#include "verify/verify.h"

enum { /* limits per 24 hours */
	ROBOT_PER_ADDRESS = 5,
	ROBOT_PER_DOMAIN = 20, /* per organizational domain */
	ROBOT_PER_DAY = 200,
	ROBOT_LINE_MAX = 700, /* bytes of a log line: time, domain, address */
	ROBOT_LOG_MAX = ROBOT_PER_DAY * ROBOT_LINE_MAX,
};

enum robot_code {
	ROBOT_ANSWER,
	ROBOT_NULL_SENDER, /* a bounce, or MAILER-DAEMON */
	ROBOT_AUTOMATIC,
	ROBOT_LIST,
	ROBOT_ADDRESS, /* From does not contain exactly one usable address */
	ROBOT_UNKNOWN, /* DNS did not answer */
	ROBOT_NOT_AUTHENTIC,
	ROBOT_TOO_MANY,
};

/* Returns the reason for not answering, as a clause without a full stop. */
const char *robot_code_text(enum robot_code code);

struct robot_request {
	const struct verdict *verdict;
	struct span to;  /* the author's address; absent if it is not usable */
	struct span own; /* the robot's address */
};

enum robot_code robot_check(const struct robot_request *r, struct arena *a);

/*
 * Records an answer: writes the lines of `log` from the last 24 hours to `out`,
 * and adds a line with the time, domain and address.  Returns false if a limit
 * is reached or `out` is full; `out` must then not be used.
 */
bool robot_count(struct span log, int64_t now, struct span domain,
    struct span to, struct buf *out);

#endif
