/*
 * conf_value.h - the values of options: from the file's words to fields, and
 * back.
 */
#ifndef AVOUCH_VERIFY_CONF_VALUE_H
#define AVOUCH_VERIFY_CONF_VALUE_H

#include <stdbool.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "verify/conf_file.h"
#include "verify/conf_table.h"

/*
 * Sets the field of `o` in `base` (a struct conf, or a struct conf_override)
 * from `words`; one word at most unless it is a list.  What it points to lives
 * in `a`.  On a fault, which is told with what would be right, the field stays
 * as it is; false.
 */
bool conf_value_read(const struct conf_option *o, const struct conf_word *words,
    void *base, struct arena *a, struct conf_faults *faults);

/* As the file would say it: what conf_value_read() reads to the same value. */
void conf_value_put(
    struct buf *b, const struct conf_option *o, const void *base);

#endif
