/*
 * reported_value.h - the values of an aggregate report, as reporters write
 * them: RFC 9990 section 3.1.1, RFC 7489 appendix C, and common deviations.
 *
 * Results are in the arena or are constants.  Input may contain any bytes; its
 * length is limited by aggregate_xml.h.
 */
#ifndef AVOUCH_REPORT_RECEIVE_REPORTED_VALUE_H
#define AVOUCH_REPORT_RECEIVE_REPORTED_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"

/* Returns one line of printable UTF-8; each run of white space becomes one
 * space. */
struct span reported_line(struct arena *a, struct span text);

/* Returns a token in lower case, without white space. */
struct span reported_token(struct arena *a, struct span text);

/* Returns a domain; some reporters write an address or "<>" instead. */
struct span reported_domain(struct arena *a, struct span text);

/* Maps what reporters write to the tokens of RFC 8601 section 2.7. */
struct span reported_result(struct arena *a, struct span text);

/* Returns one of the values in RFC 9990 section 3.1.1.8; any other text is
 * mapped to "none". */
struct span reported_disposition(struct arena *a, struct span text);

/* Parses an IP address, which may be in brackets or have a zone. */
struct ip reported_source(struct span text);

/*
 * Reads a time into seconds since 1970, at most DATE_LAST.  Reporters write a
 * number of seconds, milliseconds or smaller units, with or without a fraction,
 * or a date and time as in RFC 3339.
 */
bool reported_time(struct span text, int64_t *out);

/*
 * Reads a number of messages, such as "1234", "1,234" or "1234.0"; a missing
 * number counts as 1, and one that is too large counts as INT64_MAX.  Returns
 * false for anything else.
 */
bool reported_count(struct span text, int64_t *out);

#endif
