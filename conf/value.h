/*
 * value.h - the values of options: from the text of a file to fields, and
 * back.
 */
#ifndef AVOUCH_CONF_VALUE_H
#define AVOUCH_CONF_VALUE_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "conf/parse.h"
#include "conf/options.h"

/*
 * Sets the field of `o` in `base` (a struct conf, or a struct conf_override)
 * from `values`; only the first counts unless it is a list.  What it points to
 * lives in `a`.  False, with the field as it was, if an error was added.
 */
bool conf_value_read(const struct conf_option *o,
    const struct conf_value *values, void *base, struct arena *a,
    struct conf_errors *errors);

/* As the file would say it: what conf_value_read() reads to the same value. */
void conf_value_put(
    struct buf *b, const struct conf_option *o, const void *base);

#endif
