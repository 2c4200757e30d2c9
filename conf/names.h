/*
 * names.h - looks up the names in a configuration file.
 */
#ifndef AVOUCH_CONF_NAMES_H
#define AVOUCH_CONF_NAMES_H

#include <stdbool.h>

#include "conf/errors.h"
#include "conf/options.h"

/* Whether `name` is the name of a section in this or an earlier version. */
bool conf_is_section(const char *name);

/*
 * Finds the option `name` of a section ("": before all sections).  Adds a
 * warning for a name from an earlier version.  Returns NULL if the option was
 * removed.  If the name is unknown, returns NULL and adds an error that
 * suggests the most similar name.
 */
const struct conf_option *conf_name_find(const char *section, const char *name,
    unsigned line, struct conf_errors *errors);

/* Returns the new name of a value that was renamed since an earlier version, or
 * NULL. */
const char *conf_new_value(struct span value);

/* Adds the error for a name that is not allowed in this section. */
void conf_name_error(const char *section, const char *name, unsigned line,
    struct conf_errors *errors);

#endif
