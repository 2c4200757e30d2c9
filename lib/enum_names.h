/*
 * enum_names.h - converts between enums and their names, which are tokens from
 * RFCs and the configuration.
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

/* Returns the name of `value`, or "?" if it is not in the table. */
const char *enum_name(const struct enum_token *table, size_t n, int value);

/* Finds `name` in any case.  Returns false if it is not in the table. */
bool enum_value(
    const struct enum_token *table, size_t n, struct span name, int *value);

#define ARRAY_SIZE(t) (sizeof(t) / sizeof((t)[0]))

#endif
