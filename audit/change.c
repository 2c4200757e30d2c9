#include "audit/change.h"

#include "lib/ascii.h"

enum {
	STRING_MAX = 255, /* maximum size of a string, RFC 1035 section 3.3 */
	ESCAPED = 5,      /* bytes per escaped byte, with its share of quotes */
};

struct audit_change *
audit_change_new(struct arena *a)
{
	struct audit_change *c = arena_alloc(a, sizeof(*c));

	if (c != NULL)
		c->arena = a;
	return c;
}

/* RFC 1035 section 5.1 */
static void
put_escaped(struct buf *b, unsigned char c, bool plain)
{
	if (plain)
		buf_byte(b, (char)c);
	else
		buf_printf(b, "\\%03u", c);
}

void
audit_change_put_name(struct buf *b, struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		put_escaped(b, c,
		    ascii_is_alnum(c) || c == '.' || c == '-' || c == '_');
	}
	buf_byte(b, '.');
}

static void
put_strings(struct buf *b, struct span text)
{
	do {
		struct span string = span_first(text, STRING_MAX);

		buf_text(b, " \"");
		for (size_t i = 0; i < string.n; i++) {
			unsigned char c = (unsigned char)string.p[i];

			put_escaped(
			    b, c, ascii_is_print(c) && c != '"' && c != '\\');
		}
		buf_byte(b, '"');
		text = span_skip(text, string.n);
	} while (text.n > 0);
}

static void
add_line(struct audit_change *c, struct span *list, size_t *n, struct span name,
    const char *type, struct span data)
{
	bool is_txt = type == NULL;
	struct buf b;

	if (*n == AUDIT_CHANGES_MAX || name.n + data.n > AUDIT_CHANGE_DATA_MAX)
		return;
	b = buf_alloc(c->arena, (name.n + data.n) * ESCAPED + 64);
	audit_change_put_name(&b, name);
	buf_text(&b, " IN ");
	buf_text(&b, is_txt ? "TXT" : type);
	if (is_txt) {
		put_strings(&b, data);
	} else {
		buf_byte(&b, ' ');
		buf_printable(&b, data, data.n);
	}
	if (!b.full)
		list[(*n)++] = buf_view(&b);
}

void
audit_change_remove_txt(
    struct audit_change *c, struct span name, struct span text)
{
	if (c != NULL)
		add_line(c, c->remove, &c->n_remove, name, NULL, text);
}

void
audit_change_publish_txt(
    struct audit_change *c, struct span name, struct span text)
{
	if (c != NULL)
		add_line(c, c->publish, &c->n_publish, name, NULL, text);
}

void
audit_change_remove(struct audit_change *c, struct span name, const char *type,
    struct span data)
{
	if (c != NULL)
		add_line(c, c->remove, &c->n_remove, name, type, data);
}

void
audit_change_publish(struct audit_change *c, struct span name, const char *type,
    struct span data)
{
	if (c != NULL)
		add_line(c, c->publish, &c->n_publish, name, type, data);
}
