/*
 * host_names.h - the host names of sources: PTR records that the address of the
 * name confirms.  A name without confirmation is ignored: its owner is free to
 * write any name.
 */
#ifndef AVOUCH_REPORT_SHOW_HOST_NAMES_H
#define AVOUCH_REPORT_SHOW_HOST_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "dns/source.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "report/store/query.h"

enum {
	HOST_NAMES_MAX = 2000,     /* sources that are looked up */
	HOST_NAMES_WAVE = 500,     /* sources at the same time */
	HOST_NAMES_WAVE_MS = 2500, /* for them; 10 s for all */
};

struct host_names;

/*
 * Looks up the busiest sources of each domain of the range.  A source whose
 * servers do not answer in time stays without a name.  NULL: out of memory, or
 * an error of the store (ledger_sql_fault()).
 */
struct host_names *host_names_look_up(
    struct ledger *l, const struct ledger_range *range, struct dns_source *dns);
void host_names_free(struct host_names *names); /* takes NULL */

/* The name of a source; empty: none, or `names` is NULL. */
struct span host_names_get(
    const struct host_names *names, const struct ip *source);

#endif
