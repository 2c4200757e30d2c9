#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/utf8.h"

enum {
	LABEL_COLUMNS = 22,
	PROSE_COLUMNS = 80,
	ENTRY_INDENT = 2,
};

/* ---- JSON ---- */

/* If memory runs out, exits before anything is printed, because a partial JSON
 * object could be mistaken for a complete one. */
static void *
memory_or_exit(size_t size)
{
	void *p = malloc(size);

	if (p == NULL) {
		fputs("avouch: out of memory\n", stderr);
		exit(EX_TEMPFAIL);
	}
	return p;
}

void
cli_json_setup(void)
{
	json_set_alloc_funcs(memory_or_exit, free);
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
	text = memory_or_exit(s.n * (sizeof(replacement) - 1) + 1);
	while (s.n > 0) {
		size_t size = utf8_size(s);

		if (size > 0) {
			memcpy(text + n, s.p, size);
			n += size;
		} else {
			memcpy(text + n, replacement, sizeof(replacement) - 1);
			n += sizeof(replacement) - 1;
			size = 1;
		}
		s = span_skip(s, size);
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

/* Callback of json_dump_callback().  Also escapes DEL, unlike jansson. */
static int
json_write(const char *p, size_t n, void *out)
{
	struct span s = span_of(p, n);

	while (s.n > 0) {
		size_t run = span_index(s, '\177');

		fwrite(s.p, 1, run, out);
		if (run < s.n)
			fputs("\\u007f", out);
		s = span_skip(s, run + 1);
	}
	return 0;
}

void
cli_put_json(json_t *value)
{
	json_dump_callback(value, json_write, stdout,
	    JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ENCODE_ANY);
	json_decref(value);
}

int
cli_print_json(json_t *object)
{
	cli_put_json(object);
	putchar('\n');
	return EX_OK;
}

/* ---- text ---- */

void
cli_put_to(FILE *out, struct span s)
{
	while (s.n > 0) {
		size_t size = utf8_plain(s);

		if (size > 0)
			fwrite(s.p, 1, size, out);
		else
			fputc('?', out);
		s = span_skip(s, size > 0 ? size : 1);
	}
}

void
cli_put(struct span s)
{
	cli_put_to(stdout, s);
}

void
cli_put_lines(FILE *out, struct span s)
{
	struct scan lines = scan_of(s);

	while (!scan_done(&lines)) {
		cli_put_to(out, scan_until(&lines, '\n'));
		scan_byte(&lines, '\n');
		fputc('\n', out);
	}
}

void
cli_line(const char *label, struct span value)
{
	if (value.p == NULL)
		return;
	printf("%-*s ", LABEL_COLUMNS, label);
	cli_put(value);
	putchar('\n');
}

void
cli_line_text(const char *label, const char *value)
{
	cli_line(label, span_str(value));
}

/* Returns the number of characters; each counts as one column. */
static unsigned
utf8_columns(struct span s)
{
	unsigned n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
	return n;
}

/* Returns the text before the first space, tab or newline. */
static struct span
prose_first_word(struct span text)
{
	size_t n = 0;

	while (n < text.n && !ascii_is_space((unsigned char)text.p[n]))
		n++;
	return span_first(text, n);
}

void
cli_prose_at(unsigned at, unsigned indent, struct span text)
{
	bool begins = true;

	while (text.n > 0) {
		struct span word = prose_first_word(text);
		unsigned width = utf8_columns(word);

		text = span_skip(text, word.n + 1);
		if (word.n == 0)
			continue;
		if (!begins && at + 1 + width >= PROSE_COLUMNS) {
			printf("\n%*s", (int)indent, "");
			at = indent;
		} else if (!begins) {
			putchar(' ');
			at++;
		}
		cli_put(word);
		at += width;
		begins = false;
	}
	putchar('\n');
}

void
cli_prose(unsigned indent, struct span text)
{
	printf("%*s", (int)indent, "");
	cli_prose_at(indent, indent, text);
}

void
cli_prose_text(unsigned indent, const char *text)
{
	cli_prose(indent, span_str(text));
}

void
cli_entry(struct span label, unsigned indent, struct span text)
{
	unsigned at = ENTRY_INDENT + utf8_columns(label);

	printf("%*s", ENTRY_INDENT, "");
	cli_put(label);
	if (at >= indent) {
		putchar('\n');
		at = 0;
	}
	printf("%*s", (int)(indent - at), "");
	cli_prose_at(indent, indent, text);
}
