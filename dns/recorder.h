/*
 * recorder.h - a source over a source that remembers what was answered, to be
 * written as a master file that zone.h replays to the same verdict.
 */
#ifndef AVOUCH_DNS_RECORDER_H
#define AVOUCH_DNS_RECORDER_H

#include <stdbool.h>
#include <stdio.h>

#include "dns/source.h"

/* NULL: no memory.  `below` is not owned. */
struct dns_source *dns_recorder_open(struct dns_source *below);

enum { DNS_RECORDER_MAX = 65536 }; /* questions that are remembered */

/*
 * All answers so far, sorted by name and type: records under the name that was
 * asked for, and what else there was (NXDOMAIN, NODATA, failures, aliases) as
 * the comments that zone.h reads.  Of a question asked twice it is the first
 * answer; one that has none by now is a failure (DNS_ERROR_BUDGET), as whoever
 * asked did not wait any longer.  False: a write failed, or not all could be
 * remembered.
 */
bool dns_recorder_write(struct dns_source *recorder, FILE *out);

#endif
