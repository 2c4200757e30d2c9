/*
 * part_field.h - reads the fields of a machine-readable part of a report: a
 * returned header (RFC 6522 section 4), a delivery status (RFC 3464 section
 * 2.1), or a feedback report (RFC 5965 section 3).
 */
#ifndef AVOUCH_REPORT_RECEIVE_PART_FIELD_H
#define AVOUCH_REPORT_RECEIVE_PART_FIELD_H

#include <stdbool.h>

#include "lib/scan.h"
#include "lib/span.h"

/* Reads a field, or an empty line.  The value may be folded and contain
 * comments.  Returns false at an empty line or at the end. */
bool part_field_next(struct scan *s, struct span *name, struct span *value);

#endif
