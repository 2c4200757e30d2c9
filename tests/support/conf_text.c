#include "tests/support/conf_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

const struct conf *
conf_text_read(const char *text, char **errors)
{
	size_t size;
	FILE *f = open_memstream(errors, &size);
	const struct conf *c;

	assert_non_null(f);
	c = conf_read_text(span_str(text), "f", f);
	fclose(f);
	return c;
}

const struct conf *
conf_text_good(const char *text)
{
	char *errors;
	const struct conf *c = conf_text_read(text, &errors);

	if (c == NULL || errors[0] != '\0')
		fail_msg("%s\nis rejected: %s", text, errors);
	free(errors);
	return c;
}

char *
conf_text_shown(const struct conf *c)
{
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	conf_show(c, f);
	fclose(f);
	return text;
}

char *
conf_text_repeated(
    const char *before, const char *each, size_t n, const char *after)
{
	size_t at = strcspn(each, "@"), size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	fputs(before, f);
	for (size_t i = 0; i < n; i++) {
		fprintf(f, "%.*s", (int)at, each);
		if (each[at] == '@')
			fprintf(f, "%08zu%s", i, each + at + 1);
	}
	fputs(after, f);
	fclose(f);
	return text;
}

void
conf_text_errors(const char *text, const char *want)
{
	char *errors;
	const struct conf *c = conf_text_read(text, &errors);

	if (strcmp(errors, want) != 0)
		fail_msg("%s\ngot:\n%swant:\n%s", text, errors, want);
	if (c != NULL)
		fail_msg("%s: is valid", text);
	free(errors);
}

void
conf_text_each_error(const struct conf_error_vector *v, size_t n)
{
	for (; n > 0; n--, v++)
		conf_text_errors(v->text, v->want);
}
