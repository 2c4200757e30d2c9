#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* Length of the UTF-8 sequence at the start of `s` (RFC 3629 section 4); 0
 * where there is none. */
static size_t
utf8_length(struct span s)
{
	unsigned char c = (unsigned char)s.p[0];
	unsigned char second = s.n > 1 ? (unsigned char)s.p[1] : 0;
	size_t n = 4;

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	if (c < 0xf0)
		n = c < 0xe0 ? 2 : 3;
	if (n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s.p[i] & 0xc0) != 0x80)
			return 0;
	if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
	    (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
		return 0;
	return n;
}

json_t *
cli_json(struct span s)
{
	static const char replacement[] = "\xef\xbf\xbd";
	char *text;
	size_t n = 0;
	json_t *j;

	if (s.p == NULL)
		return json_null();
	text = malloc(s.n * 3 + 1);
	if (text == NULL)
		return NULL;
	while (s.n > 0) {
		size_t size = utf8_length(s);

		memcpy(text + n, size > 0 ? s.p : replacement,
		    size > 0 ? size : 3);
		n += size > 0 ? size : 3;
		s = span_skip(s, size > 0 ? size : 1);
	}
	j = json_stringn(text, n);
	free(text);
	return j;
}

void
cli_set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

void
cli_set_span(json_t *object, const char *key, struct span value)
{
	cli_set(object, key, cli_json(value));
}

void
cli_set_text(json_t *object, const char *key, const char *value)
{
	cli_set(object, key, cli_json(span_str(value)));
}

void
cli_set_number(json_t *object, const char *key, int64_t value)
{
	cli_set(object, key, json_integer(value));
}

void
cli_set_bool(json_t *object, const char *key, bool value)
{
	cli_set(object, key, json_boolean(value));
}

int
cli_print_json(json_t *object)
{
	bool ok = json_dumpf(object, stdout, JSON_COMPACT) == 0 &&
	    putchar('\n') != EOF && fflush(stdout) == 0;

	json_decref(object);
	return ok ? EX_OK : EX_IOERR;
}

void
cli_put(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		putchar(c < 0x20 || c == 0x7f ? '?' : c);
	}
}

void
cli_line(const char *label, struct span value)
{
	if (value.p == NULL)
		return;
	printf("%-22s ", label);
	cli_put(value);
	putchar('\n');
}

void
cli_line_text(const char *label, const char *value)
{
	cli_line(label, span_str(value));
}
