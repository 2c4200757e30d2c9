#include "conf/errors.h"

#include <stdarg.h>

#include "lib/buf.h"
#include "lib/span.h"

static void
list_add(struct conf_errors *errors, struct conf_error_list *list,
    unsigned line, struct span text)
{
	struct conf_error **link = &list->first;
	struct conf_error *e;
	struct span copy;

	for (; *link != NULL && (*link)->line <= line; link = &(*link)->next)
		if ((*link)->line == line && span_is(text, (*link)->text))
			return;
	if (list->n == CONF_ERRORS_MAX) {
		list->is_cut = true;
		return;
	}
	e = arena_alloc(errors->arena, sizeof(*e));
	copy = arena_copy(errors->arena, text);
	if (e == NULL || copy.p == NULL) {
		errors->no_memory = true;
		return;
	}
	*e = (struct conf_error){ *link, line, copy.p };
	*link = e;
	list->n++;
}

static void __attribute__((format(printf, 4, 0)))
format_and_add(struct conf_errors *errors, struct conf_error_list *list,
    unsigned line, const char *format, va_list ap)
{
	char raw[CONF_ERROR_TEXT_MAX], clean[CONF_ERROR_TEXT_MAX];
	struct buf b = buf_wrap(clean, sizeof(clean));

	vsnprintf(raw, sizeof(raw), format, ap);
	buf_printable(&b, span_str(raw), sizeof(clean) - 1);
	list_add(errors, list, line, buf_view(&b));
}

void
conf_error_add(
    struct conf_errors *errors, unsigned line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	format_and_add(errors, &errors->errors, line, format, ap);
	va_end(ap);
}

void
conf_warning_add(
    struct conf_errors *errors, unsigned line, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	format_and_add(errors, &errors->warnings, line, format, ap);
	va_end(ap);
}

void
conf_error_list_print(
    const struct conf_error_list *list, const char *file, FILE *out)
{
	for (const struct conf_error *e = list->first; e; e = e->next) {
		if (e->line != 0)
			fprintf(out, "%s:%u: %s\n", file, e->line, e->text);
		else
			fprintf(out, "%s: %s\n", file, e->text);
	}
	if (list->is_cut)
		fprintf(out, "%s: only the first %d are shown\n", file,
		    CONF_ERRORS_MAX);
}

void
conf_errors_print(const struct conf_errors *errors, const char *file, FILE *out)
{
	conf_error_list_print(&errors->errors, file, out);
	if (errors->no_memory)
		fprintf(out, "%s: out of memory\n", file);
}
