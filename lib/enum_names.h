/*
 * enum_names.h - enum <-> name, for the tokens of the RFCs and of the
 * configuration.
 */
#ifndef AVOUCH_LIB_ENUM_NAMES_H
#define AVOUCH_LIB_ENUM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct name {
	const char *name; /* lower case */
	int value;
};

/* The name of `value`; "?" if the table has none. */
const char *table_name(const struct name *table, size_t n, int value);

/* Finds `name` in any case; false if the table does not have it. */
bool table_value(
    const struct name *table, size_t n, struct span name, int *value);

#define TABLE_SIZE(t) (sizeof(t) / sizeof((t)[0]))

#endif
