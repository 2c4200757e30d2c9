/*
 * names.h - what a name in a configuration file means.
 */
#ifndef AVOUCH_CONF_NAMES_H
#define AVOUCH_CONF_NAMES_H

#include <stdbool.h>

#include "conf/errors.h"
#include "conf/options.h"

/* A section's name, also that of an earlier version. */
bool conf_is_section(const char *name);

/*
 * The option `name` of a section ("": before all sections). A name of an
 * earlier version gives a warning. NULL: the option was removed since, or there
 * is none of that name, which gives an error with the most similar name.
 */
const struct conf_option *conf_name_find(const char *section, const char *name,
    unsigned line, struct conf_errors *errors);

/* The present name of a value that an earlier version had, or NULL. */
const char *conf_new_value(struct span value);

/* Adds the error for a name that is not allowed there. */
void conf_name_error(const char *section, const char *name, unsigned line,
    struct conf_errors *errors);

#endif
