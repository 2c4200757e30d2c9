/*
 * value.h - reads and writes option values in the syntax of a configuration
 * file.
 */
#ifndef AVOUCH_CONF_VALUE_H
#define AVOUCH_CONF_VALUE_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "conf/parse.h"
#include "conf/options.h"

/*
 * Sets the member for `o` in `base` (a struct conf or a struct conf_override)
 * from `values`.  Uses only the first value unless the option is a list.
 * Allocates memory from `a`.  On failure, adds an error to `errors`, leaves the
 * member unchanged and returns false.
 */
bool conf_value_read(const struct conf_option *o,
    const struct conf_value *values, void *base, struct arena *a,
    struct conf_errors *errors);

/* Writes the value in a form that conf_value_read() reads back unchanged. */
void conf_value_put(
    struct buf *b, const struct conf_option *o, const void *base);

#endif
