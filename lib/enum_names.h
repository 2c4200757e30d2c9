/*
 * enum_names.h - enum <-> name, for the tokens of the RFCs and of the
 * configuration.
 */
#ifndef AVOUCH_LIB_ENUM_NAMES_H
#define AVOUCH_LIB_ENUM_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct enum_token {
	const char *name; /* lower case */
	int value;
};

/* The name of `value`; "?" if the table has none. */
const char *enum_name(const struct enum_token *table, size_t n, int value);

/* Finds `name` in any case; false if the table does not have it. */
bool enum_value(
    const struct enum_token *table, size_t n, struct span name, int *value);

#define ARRAY_SIZE(t) (sizeof(t) / sizeof((t)[0]))

#endif
