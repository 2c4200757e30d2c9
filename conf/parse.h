/*
 * parse.h - parses a configuration file into sections of assignments.
 *
 *	file       = *(assignment / section)
 *	section    = name [title] "{" *assignment "}"
 *	assignment = name ("=" / "+=") (value / list)
 *	list       = "{" *(value / ",") "}"
 *	value      = word / DQUOTE *char DQUOTE / "'" *char "'"
 *
 * A word ends at white space, "," or "}", and cannot contain = { " ' or the
 * start of a comment.  Line ends are white space, so one line can have several
 * assignments; but a quoted string ends on the line where it begins, and a
 * title is on the same line as its section's name.  In double quotes a
 * backslash escapes the punctuation mark after it; in single quotes only \' and
 * \\ are special.  Comments are # and // up to the end of the line, and
 * slash-star up to star-slash.  CR LF is a line end; a byte order mark is
 * skipped.
 *
 * The values are interpreted elsewhere: see value.h.
 */
#ifndef AVOUCH_CONF_PARSE_H
#define AVOUCH_CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"
#include "conf/errors.h"
#include "conf/options.h"

enum {
	CONF_OVERRIDES_MAX =
	    1000, /* override sections; each is matched against every message */
	CONF_VALUES_MAX = 10000, /* values of a list; each may be matched
	                            against every message */
};

struct conf_value { /* as written, but without its quotes */
	struct conf_value *next;
	const char *text;
	unsigned line; /* 0: from the default */
};

struct conf_assignment { /* an option that is set in the file */
	struct conf_assignment *next;
	const struct conf_option *option;
	unsigned line; /* line in which the option is first set */
	bool adds;     /* "+=": keeps the values of the default */
	struct conf_value *values,
	    *last; /* at most one, unless the option is a list */
	size_t n_values;
};

struct conf_section {
	struct conf_section *next;
	const char *name;  /* "": before all sections */
	const char *title; /* NULL: none */
	unsigned line;
	struct conf_assignment *assignments;
};

/*
 * Parses `text`; adds its errors to `errors`, and continues after each one.
 * Returns the sections in the order of the file.  The first one, named "", has
 * the assignments before any section; an untitled section that appears twice is
 * returned once.  Returns NULL if memory ran out.  All memory comes from
 * errors->arena.
 */
struct conf_section *conf_parse(struct span text, struct conf_errors *errors);

/* Returns the values of the option's default.  Returns NULL if there is no
 * default, if it is an empty list, or if memory ran out. */
struct conf_value *conf_parse_default(
    const struct conf_option *o, struct conf_errors *errors);

#endif
