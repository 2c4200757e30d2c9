/*
 * rerecord.h - for fuzz targets: an answer, recorded and replayed, is the same
 * answer.
 */
#ifndef AVOUCH_TESTS_SUPPORT_RERECORD_H
#define AVOUCH_TESTS_SUPPORT_RERECORD_H

#include "dns/source.h"

/* Aborts where it is not. */
void rerecord(struct dns_source *source, struct span name, enum dns_type type);

#endif
