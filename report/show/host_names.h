/*
 * host_names.h - the host names of sources: PTR records whose name resolves
 * back to the address.  Other PTR records are ignored, because the owner of an
 * address can put any name there.
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
	HOST_NAMES_MAX = 2000, /* sources to look up */
	HOST_NAMES_WAVE = 500, /* sources to look up at the same time */
	HOST_NAMES_WAVE_MS =
	    2500, /* milliseconds per wave; 10 s for all waves */
};

struct host_names;

/*
 * Looks up the host names of the busiest sources in the range.  A source whose
 * name servers do not answer in time has no name.  Returns NULL if memory ran
 * out or the store failed (ledger_sql_fault()).
 */
struct host_names *host_names_look_up(
    struct ledger *l, const struct ledger_range *range, struct dns_source *dns);
void host_names_free(struct host_names *names); /* accepts NULL */

/* Returns the name of a source, or an empty span if it has none or `names` is
 * NULL. */
struct span host_names_get(
    const struct host_names *names, const struct ip *source);

#endif
