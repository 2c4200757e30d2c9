/*
 * counters.h - what has been counted since the start, and its text in the
 * exposition format of Prometheus, version 0.0.4.
 */
#ifndef AVOUCH_MILTER_COUNTERS_H
#define AVOUCH_MILTER_COUNTERS_H

#include <stdbool.h>
#include <stdio.h>

#include "verify/verify.h"

/* A message and what became of it; NULL: it could not be checked.  Any thread.
 */
void counters_message(const struct verdict *v);

/* All counters: these, the service's, the name servers', the store's. */
void counters_put(FILE *out);

#endif
