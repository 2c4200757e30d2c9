/*
 * recorder.h - a source that records the answers of another source and writes
 * them as a master file, which zone.h replays to get the same verdict.
 */
#ifndef AVOUCH_DNS_RECORDER_H
#define AVOUCH_DNS_RECORDER_H

#include <stdbool.h>
#include <stdio.h>

#include "dns/source.h"

/* Returns NULL if memory ran out.  The recorder does not own `below`. */
struct dns_source *dns_recorder_open(struct dns_source *below);

enum { DNS_RECORDER_MAX = 65536 }; /* maximum number of recorded questions */

/*
 * Writes all answers so far, sorted by name and type: records under the name
 * that was asked for, and everything else (NXDOMAIN, NODATA, failures, aliases)
 * as the comments that zone.h reads.  If a question was asked twice, its first
 * answer is written.  A question without an answer is written as
 * DNS_ERROR_TIMEOUT, because the message was no longer waiting for it.  Returns
 * false if a write failed or not all answers could be recorded.
 */
bool dns_recorder_write(struct dns_source *recorder, FILE *out);

#endif
