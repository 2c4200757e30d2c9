/*
 * rerecord.h - for fuzz targets: checks that an answer is unchanged after being
 * recorded and replayed.
 */
#ifndef AVOUCH_TESTS_SUPPORT_RERECORD_H
#define AVOUCH_TESTS_SUPPORT_RERECORD_H

#include "dns/source.h"

/* Aborts if the answer differs. */
void rerecord(struct dns_source *source, struct span name, enum dns_type type);

#endif
