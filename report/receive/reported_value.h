/*
 * reported_value.h - the values of an aggregate report, as reporters write
 * them: RFC 9990 section 3.1.1, RFC 7489 appendix C, and common deviations.
 *
 * Results are in the arena or constant.  Input may have any bytes and any
 * length; aggregate_xml.h limits it.
 */
#ifndef AVOUCH_REPORT_RECEIVE_REPORTED_VALUE_H
#define AVOUCH_REPORT_RECEIVE_REPORTED_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"

/* One line of printable UTF-8; each run of white space becomes one space. */
struct span reported_line(struct arena *a, struct span text);

/* A token in lower case, without white space. */
struct span reported_token(struct arena *a, struct span text);

/* A domain; some reporters write an address or "<>" instead. */
struct span reported_domain(struct arena *a, struct span text);

/* Maps what reporters write to the tokens of RFC 8601 section 2.7. */
struct span reported_result(struct arena *a, struct span text);

/* RFC 9990 section 3.1.1.8; any other value counts as none. */
struct span reported_disposition(struct arena *a, struct span text);

/* An address, also in brackets or with a zone. */
struct ip reported_source(struct span text);

/*
 * Seconds since 1970 from a number as reporters write it: seconds,
 * milliseconds or smaller units, with or without a fraction; or from a date
 * and time of RFC 3339, which some reporters write.  At most DATE_LAST.
 */
bool reported_time(struct span text, int64_t *out);

/* A number of messages, as "1234", "1,234" or "1234.0"; a missing one is 1.
 * False: it is something else. */
bool reported_count(struct span text, int64_t *out);

#endif
