/*
 * gather.h - groups the rows of one domain by sender and source, in bounded
 * memory; used only by summary.c.
 */
#ifndef AVOUCH_REPORT_SHOW_GATHER_H
#define AVOUCH_REPORT_SHOW_GATHER_H

#include "report/show/summary.h"

struct gather;

/* Allocates in `a` the memory that all domains share.  Returns NULL if memory
 * ran out. */
struct gather *gather_new(struct arena *a, const struct view_want *want,
    const struct view_visitor *visitor);

/* Begins the next domain, whose data is allocated in `work`. */
void gather_begin(struct gather *g, struct arena *work, struct view_domain *d);

/* The callback for ledger_each_received_use(). */
bool gather_use(void *arg, const struct ledger_received_use *u);

/* Completes d->senders and their sums.  Returns false if memory ran out, or if
 * the visitor asked to stop (see gather_stopped()). */
bool gather_end(struct gather *g);
bool gather_stopped(const struct gather *g);

#endif
