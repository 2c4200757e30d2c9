#include "conf/value.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "conf/value_field.h"

enum { VALUE_SHOWN_MAX = 60 }; /* bytes of a value shown in an error */

bool
conf_value_error(const struct conf_field *f, const struct conf_value *v,
    const char *format, ...)
{
	char text[CONF_ERROR_TEXT_MAX];
	va_list ap;

	if (arena_has_failed(
		f->a)) /* the reason is lack of memory, not the value */
		return conf_no_memory(f);
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	conf_error_add(f->errors, v->line, "%s%s%s: \"%.*s%s\" %s",
	    f->o->section, f->o->section[0] != '\0' ? "." : "", f->o->name,
	    VALUE_SHOWN_MAX, v->text,
	    strlen(v->text) > VALUE_SHOWN_MAX ? "..." : "", text);
	return false;
}

bool
conf_no_memory(const struct conf_field *f)
{
	f->errors->no_memory = true;
	return false;
}

bool
conf_set(void *value, const void *from, size_t size)
{
	memcpy(value, from, size);
	return true;
}

/* clang-format off */
static const struct conf_kind {
	const char *name;
	conf_reader *read;
	conf_writer *put;
} kinds[] = {
	[CONF_TEXT] = { "text", conf_read_plain_text, conf_put_text },
	[CONF_HOST] = { "host name", conf_read_host, conf_put_text },
	[CONF_PATH] = { "path", conf_read_path, conf_put_text },
	[CONF_STORE] = { "path or URL", conf_read_store, conf_put_store },
	[CONF_SOCKET] = { "socket", conf_read_socket, conf_put_text },
	[CONF_SOCKET_LOCAL] = { "local socket", conf_read_socket,
	    conf_put_text },
	[CONF_ADDRESS] = { "mail address", conf_read_address, conf_put_text },
	[CONF_TEMPLATE] = { "template", conf_read_template, conf_put_text },
	[CONF_URL] = { "link", conf_read_template, conf_put_text },
	[CONF_BOOL] = { "boolean", conf_read_bool, conf_put_bool },
	[CONF_CHOICE] = { "choice", conf_read_choice, conf_put_choice },
	[CONF_NUMBER] = { "number", conf_read_number, conf_put_number },
	[CONF_OCTAL] = { "octal number", conf_read_octal, conf_put_octal },
	[CONF_SECONDS] = { "duration", conf_read_number, conf_put_number },
	[CONF_MILLISECONDS] = { "duration", conf_read_number,
	    conf_put_number },
	[CONF_SIZE] = { "size", conf_read_number, conf_put_number },
	[CONF_PERCENT] = { "percentage", conf_read_percent, conf_put_percent },
	[CONF_DATE] = { "date", conf_read_date, conf_put_date },
	[CONF_NETWORKS] = { "networks", conf_read_networks,
	    conf_put_networks },
	[CONF_MTAS] = { "MTAs", conf_read_mtas, conf_put_mtas },
	[CONF_SERVERS] = { "resolvers", conf_read_servers, conf_put_servers },
	[CONF_DOMAINS] = { "domains", conf_read_names, conf_put_names },
	[CONF_PATTERNS] = { "domain patterns", conf_read_names,
	    conf_put_names },
	[CONF_FIELDS] = { "field names", conf_read_names, conf_put_names },
};
/* clang-format on */

const char *
conf_type_name(enum conf_type type)
{
	return kinds[type].name;
}

bool
conf_value_read(const struct conf_option *o, const struct conf_value *values,
    void *base, struct arena *a, struct conf_errors *errors)
{
	char *bytes = base;
	struct conf_field f = { .o = o,
		.values = values,
		.base = base,
		.value = bytes + o->offset,
		.count = o->count > 0 ? bytes + o->count : NULL,
		.a = a,
		.errors = errors };

	if (values == NULL && !conf_type_is_list(o->type))
		return false;
	return kinds[o->type].read(&f);
}

void
conf_value_put(struct buf *b, const struct conf_option *o, const void *base)
{
	kinds[o->type].put(b, o, base);
}
