/*
 * robot.h - which messages the robot of `avouch audit --answer` answers, and
 * how many (RFC 3834).  Pure.
 *
 * An answer to a forged message would go to somebody who did not write it, and
 * an answer to an automatic message could be answered again.  So only authors
 * that pass DMARC get one.
 */
#ifndef AVOUCH_AUDIT_MESSAGE_ROBOT_H
#define AVOUCH_AUDIT_MESSAGE_ROBOT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"
#include "verify/verify.h"

enum { /* answers in 24 hours */
	ROBOT_PER_ADDRESS = 5,
	ROBOT_PER_DOMAIN = 20, /* organizational */
	ROBOT_PER_DAY = 200,
	ROBOT_LINE_MAX = 700, /* bytes of a line of the log: a number, a domain,
	                         an address */
	ROBOT_LOG_MAX = ROBOT_PER_DAY * ROBOT_LINE_MAX,
};

enum robot_code {
	ROBOT_ANSWER,
	ROBOT_NULL_SENDER, /* a bounce, or MAILER-DAEMON */
	ROBOT_AUTOMATIC,
	ROBOT_LIST,
	ROBOT_ADDRESS, /* From is not one address that can be answered */
	ROBOT_UNKNOWN, /* DNS did not answer */
	ROBOT_NOT_AUTHENTIC,
	ROBOT_TOO_MANY,
};

/* Why there is no answer, as a sentence without its end. */
const char *robot_code_text(enum robot_code code);

struct robot_request {
	const struct verdict *verdict;
	struct span to;  /* the author's address; absent: not one that mail is
	                    sent to */
	struct span own; /* address of the robot */
};

enum robot_code robot_check(const struct robot_request *r, struct arena *a);

/*
 * Adds an answer to the log of answers: lines of a time, a domain and an
 * address.  Writes to `out` the lines of the last 24 hours and the new one.
 * False: a limit is reached, and `out` is not to be used.
 */
bool robot_count(struct span log, int64_t now, struct span domain,
    struct span to, struct buf *out);

#endif
