/*
 * value_field.h - readers and writers for each kind of value.  Used by value.c
 * and the files that implement them.
 */
#ifndef AVOUCH_CONF_VALUE_FIELD_H
#define AVOUCH_CONF_VALUE_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "conf/parse.h"
#include "conf/options.h"

struct conf_field { /* the field that a reader sets */
	const struct conf_option *o;
	const struct conf_value
	    *values; /* only one, unless the option is a list */
	void *base;  /* a struct conf or a struct conf_override */
	void *value; /* the member of `base` to set */
	void *count; /* the member with a list's length; NULL: none */
	struct arena *a;
	struct conf_errors *errors;
};

/* Adds the error `OPTION: "VALUE" ...` at the value's line; returns false. */
bool conf_value_error(const struct conf_field *f, const struct conf_value *v,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Records that memory ran out; returns false. */
bool conf_no_memory(const struct conf_field *f);

/* Copies `size` bytes to the value, whatever its type; returns true. */
bool conf_set(void *value, const void *from, size_t size);

/*
 * A reader that has called conf_value_error() returns false and leaves the
 * value unchanged.  A writer prints text that the reader reads back as the
 * same value.
 */
typedef bool conf_reader(const struct conf_field *f);
typedef void conf_writer(
    struct buf *b, const struct conf_option *o, const void *base);

conf_reader conf_read_plain_text, conf_read_host, conf_read_path,
    conf_read_store, conf_read_address, conf_read_template, conf_read_socket;
conf_writer conf_put_text;
conf_writer conf_put_store; /* omits the password */

conf_reader conf_read_bool, conf_read_choice, conf_read_number, conf_read_octal,
    conf_read_percent, conf_read_date;
conf_writer conf_put_bool, conf_put_choice, conf_put_number, conf_put_octal,
    conf_put_percent, conf_put_date;

conf_reader conf_read_networks, conf_read_mtas, conf_read_servers,
    conf_read_names;
conf_writer conf_put_networks, conf_put_mtas, conf_put_servers, conf_put_names;

/* Writes `text` in double quotes, with escapes. */
void conf_put_quoted(struct buf *b, const char *text);

#endif
