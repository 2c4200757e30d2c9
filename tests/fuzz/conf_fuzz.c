/*
 * conf_fuzz.c - any bytes as a configuration file: refused with a reason, or
 * taken; what is shown of it is taken as well and shows the same
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "verify/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
	char *p;
	size_t n;
	FILE *f;
};

static void
begin(struct text *t)
{
	t->f = open_memstream(&t->p, &t->n);
	assert(t->f != NULL);
}

static void
put_setting(void *arg, const struct conf_setting *s)
{
	fprintf(arg, "%s|%s|%s=%s\n", s->section,
	    s->override != NULL ? s->override : "", s->name, s->value);
}

/* Each line of what is told is "FILE:LINE: text" or "FILE: text", printable. */
static void
check_faults(const struct text *errors)
{
	struct span rest = span_of(errors->p, errors->n);

	while (rest.n > 0) {
		size_t n = span_index(rest, '\n');

		assert(n < rest.n);
		assert(span_starts_nocase(rest, "fuzz:"));
		assert(span_all(span_first(rest, n), ascii_is_print));
		rest = span_skip(rest, n + 1);
	}
}

static void
check_shown(const struct conf *c)
{
	struct text shown, first, second;
	const struct conf *again;

	begin(&shown);
	begin(&first);
	begin(&second);
	conf_show(c, shown.f);
	fclose(shown.f);
	conf_each(c, put_setting, first.f);
	fclose(first.f);
	again = conf_read_text(span_of(shown.p, shown.n), "shown", stderr);
	if (again == NULL && shown.n > CONF_FILE_MAX)
		again = conf_ref(c);
	assert(again != NULL);
	conf_each(again, put_setting, second.f);
	fclose(second.f);
	assert(strcmp(first.p, second.p) == 0);
	conf_unref(again);
	free(shown.p);
	free(first.p);
	free(second.p);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text errors;
	const struct conf *c;

	begin(&errors);
	c = conf_read_text(span_of((const char *)data, size), "fuzz", errors.f);
	fclose(errors.f);
	assert((c == NULL) == (errors.n > 0));
	check_faults(&errors);
	if (c != NULL)
		check_shown(c);
	conf_unref(c);
	free(errors.p);
	return 0;
}
