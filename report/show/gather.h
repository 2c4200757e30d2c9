/*
 * gather.h - used by summary.c only: gathers the rows of one domain into
 * senders and their sources, in bounded memory.
 */
#ifndef AVOUCH_REPORT_SHOW_GATHER_H
#define AVOUCH_REPORT_SHOW_GATHER_H

#include "report/show/summary.h"

struct gather;

/* Memory of all domains, in `a`.  NULL: out of memory. */
struct gather *gather_new(struct arena *a, const struct view_want *want,
    const struct view_visitor *visitor);

/* What belongs to one domain is in `work`. */
void gather_begin(struct gather *g, struct arena *work, struct view_domain *d);

/* For ledger_each_received_use(). */
bool gather_use(void *arg, const struct ledger_received_use *u);

/* Completes d->senders and their sums.  False: out of memory, or the visitor
 * has stopped it (gather_stopped()). */
bool gather_end(struct gather *g);
bool gather_stopped(const struct gather *g);

#endif
