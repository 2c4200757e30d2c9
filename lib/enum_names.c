#include "lib/enum_names.h"

const char *
enum_name(const struct enum_token *table, size_t n, int value)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].value == value)
			return table[i].name;
	return "?";
}

bool
enum_value(
    const struct enum_token *table, size_t n, struct span name, int *value)
{
	for (size_t i = 0; i < n; i++) {
		if (span_is_nocase(name, table[i].name)) {
			*value = table[i].value;
			return true;
		}
	}
	return false;
}
