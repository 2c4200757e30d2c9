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

/*
 * All answers so far, sorted by name and type: records, NODATA names as such,
 * NXDOMAIN names as comments, failures as zone.h reads them.  False: a write
 * failed.
 */
bool dns_recorder_write(struct dns_source *recorder, FILE *out);

#endif
