/*
 * parse.h - the text of a configuration file as sections of assignments.
 *
 *	file       = *(assignment / section)
 *	section    = name [title] "{" *assignment "}"
 *	assignment = name ("=" / "+=") (value / list)
 *	list       = "{" *(value / ",") "}"
 *	value      = word / DQUOTE *char DQUOTE / "'" *char "'"
 *
 * A word ends at white space, "," or "}", and cannot hold = { " ' or what
 *begins a comment.  Line ends are white space, so one line can hold several
 * assignments; but a quoted text ends on its line, and a title is on the line
 *of its section's name.  In double quotes a backslash before a punctuation mark
 * stands for that mark; in single quotes only \' and \\ are special.  Comments
 * are # and // up to the end of the line, and slash-star up to star-slash.
 * CR LF is a line end; a byte order mark is skipped.
 *
 * Nothing is known here about the meaning of a value: see value.h.
 */
#ifndef AVOUCH_CONF_PARSE_H
#define AVOUCH_CONF_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"
#include "conf/errors.h"
#include "conf/options.h"

enum {
	CONF_OVERRIDES_MAX = 1000, /* override sections; each costs a match per
	                              message */
	CONF_VALUES_MAX = 10000,   /* of a list; the same */
};

struct conf_value { /* as written, without its quotes */
	struct conf_value *next;
	const char *text;
	unsigned line; /* 0: a value of the default */
};

struct conf_assignment { /* an option that the file sets */
	struct conf_assignment *next;
	const struct conf_option *option;
	unsigned line; /* of its name, where it is set first */
	bool adds;     /* "+=": to the values of the default */
	struct conf_value *values, *last; /* one at most, unless it is a list */
	size_t n_values;
};

struct conf_section {
	struct conf_section *next;
	const char *name;  /* "": before all sections */
	const char *title; /* NULL: it has none */
	unsigned line;
	struct conf_assignment *assignments;
};

/*
 * Appends the errors of the text to `errors`, and continues after each. Returns
 * the sections in the order of the file, the first is "" (an untitled section
 * that appears twice is one); NULL: no memory. All memory comes from
 * errors->arena.
 */
struct conf_section *conf_parse(struct span text, struct conf_errors *errors);

/* The values of the option's default; NULL: none, an empty list, no memory. */
struct conf_value *conf_parse_default(
    const struct conf_option *o, struct conf_errors *errors);

#endif
