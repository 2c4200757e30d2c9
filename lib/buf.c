#include "lib/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/ascii.h"

struct buf
buf_wrap(char *memory, size_t cap)
{
	struct buf b = { .p = memory, .cap = cap, .full = cap == 0 };

	if (cap == 0)
		b.p = NULL;
	else
		memory[0] = '\0';
	return b;
}

struct buf
buf_alloc(struct arena *a, size_t cap)
{
	char *memory = arena_raw(a, cap);

	return buf_wrap(memory, memory != NULL ? cap : 0);
}

void
buf_span(struct buf *b, struct span s)
{
	size_t room = b->p != NULL ? b->cap - 1 - b->n : 0;

	if (s.n > room) {
		b->full = true;
		s.n = room;
	}
	if (s.n == 0)
		return;
	memcpy(b->p + b->n, s.p, s.n);
	b->n += s.n;
	b->p[b->n] = '\0';
}

void
buf_byte(struct buf *b, char c)
{
	if (b->p == NULL || b->n + 1 >= b->cap) {
		b->full = true;
		return;
	}
	b->p[b->n++] = c;
	b->p[b->n] = '\0';
}

void
buf_text(struct buf *b, const char *text)
{
	buf_span(b, span_str(text));
}

void
buf_number(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_span(b, span_of(digits + at, sizeof(digits) - at));
}

void
buf_printf(struct buf *b, const char *format, ...)
{
	size_t room = b->p != NULL ? b->cap - b->n : 0;
	va_list args;
	int n;

	if (room == 0) {
		b->full = true;
		return;
	}
	va_start(args, format);
	n = vsnprintf(b->p + b->n, room, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room) {
		b->full = true;
		b->n += n < 0 ? 0 : room - 1;
		b->p[b->n] = '\0';
	} else {
		b->n += (size_t)n;
	}
}

void
buf_printable(struct buf *b, struct span s, size_t max)
{
	s = span_first(s, max);
	for (size_t i = 0; i < s.n; i++)
		buf_byte(
		    b, ascii_is_print((unsigned char)s.p[i]) ? s.p[i] : '?');
}

static char
safe_byte(char c)
{
	switch (c) {
	case ';':
		return ',';
	case '=':
		return ' ';
	case '"':
		return '\'';
	case '(':
	case '<':
		return '[';
	case ')':
	case '>':
		return ']';
	case '\\':
		return '/';
	default:
		return ascii_is_print((unsigned char)c) ? c : '?';
	}
}

bool
buf_is_safe(unsigned char c)
{
	return safe_byte((char)c) == (char)c;
}

void
buf_safe(struct buf *b, struct span s, size_t max)
{
	static const char dots[] = "...";
	size_t start = b->n;
	bool space = false; /* write a space before the next byte */

	for (size_t i = 0; i < s.n; i++) {
		char c = safe_byte(s.p[i]);

		if (c == ' ') {
			space = b->n > start;
			continue;
		}
		if (b->n - start + space >= max) {
			buf_cut(b, start + max - strlen(dots));
			buf_text(b, dots);
			return;
		}
		if (space)
			buf_byte(b, ' ');
		buf_byte(b, c);
		space = false;
	}
}

void
buf_cut(struct buf *b, size_t n)
{
	if (b->p != NULL && n < b->n) {
		b->n = n;
		b->p[n] = '\0';
	}
}

struct span
buf_view(const struct buf *b)
{
	return b->p != NULL ? span_of(b->p, b->n) : SPAN("");
}
