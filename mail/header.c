#include "mail/header.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/scan.h"

enum { FIELDS_FIRST = 32 }; /* enough for ordinary mail; doubled as needed */

static bool
cut(struct mail_header *h)
{
	h->cut = true;
	return false;
}

static bool
make_room(struct mail_header *h, struct arena *a)
{
	size_t room = h->room > 0 ? h->room * 2 : FIELDS_FIRST;
	struct mail_field *fields;

	if (h->n < h->room)
		return true;
	fields = arena_array(a, room, sizeof(*fields));
	if (fields == NULL)
		return false;
	if (h->n > 0)
		memcpy(fields, h->fields, h->n * sizeof(*fields));
	h->fields = fields;
	h->room = room;
	return true;
}

/* RFC 5322 section 2.2.3: the line end after a field is not part of it. */
static struct span
without_line_end(struct span value)
{
	if (value.n > 0 && value.p[value.n - 1] == '\n') {
		value.n--;
		if (value.n > 0 && value.p[value.n - 1] == '\r')
			value.n--;
	}
	return value;
}

/* Returns the index of the next bare LF at or after `at`; s.n if there is
 * none. */
static size_t
next_bare_lf(struct span s, size_t at)
{
	for (; at < s.n; at++) {
		at += span_index(span_skip(s, at), '\n');
		if (at == 0 || s.p[at - 1] != '\r')
			break;
	}
	return at < s.n ? at : s.n;
}

static size_t
count_bare_lf(struct span s)
{
	size_t count = 0;

	for (size_t i = next_bare_lf(s, 0); i < s.n; i = next_bare_lf(s, i + 1))
		count++;
	return count;
}

/* Writes `value` with CRLF for every bare LF; returns the end. */
static char *
copy_value(char *to, struct span value)
{
	size_t done = 0;

	for (size_t i = next_bare_lf(value, 0); i < value.n;
	     i = next_bare_lf(value, i + 1)) {
		memcpy(to, value.p + done, i - done);
		to += i - done;
		*to++ = '\r';
		done = i;
	}
	if (value.n > done)
		memcpy(to, value.p + done, value.n - done);
	return to + (value.n - done);
}

static struct span
without_trailing_space(struct span name)
{
	while (name.n > 0 && ascii_is_wsp((unsigned char)name.p[name.n - 1]))
		name.n--;
	return name;
}

/* Returns the number of bytes left for a field with this name.  Some are
 * reserved for From, so that a sender cannot hide it by exceeding our
 * limits. */
static size_t
bytes_left(const struct mail_header *h, struct span name)
{
	bool author = span_is_nocase(without_trailing_space(name), "From");
	size_t fields = MAIL_FIELDS_MAX + (author ? MAIL_AUTHOR_FIELDS : 0);
	size_t bytes = MAIL_HEADER_MAX + (author ? MAIL_AUTHOR_BYTES : 0);

	return h->n < fields && h->bytes < bytes ? bytes - h->bytes : 0;
}

bool
mail_header_add(
    struct mail_header *h, struct arena *a, struct span name, struct span value)
{
	size_t left = bytes_left(h, name);
	struct mail_field *f;
	size_t size;
	char *p, *end;

	value = without_line_end(value);
	if (name.n >= left || value.n >= left)
		return cut(h);
	size = name.n + 1 + value.n + count_bare_lf(value);
	if (size > left || !make_room(h, a))
		return cut(h);
	p = arena_alloc(a, size);
	if (p == NULL)
		return cut(h);
	if (name.n > 0)
		memcpy(p, name.p, name.n);
	p[name.n] = ':';
	end = copy_value(p + name.n + 1, value);
	f = &h->fields[h->n++];
	f->raw = span_between(p, end);
	f->name = without_trailing_space(span_of(p, name.n));
	f->value = span_skip(f->raw, name.n + 1);
	h->bytes += f->raw.n;
	h->nul = h->nul || span_has(f->raw, '\0');
	return true;
}

/* Reads the rest of a line, including its LF. */
static struct span
take_line(struct scan *s)
{
	const char *from = s->p;

	scan_until(s, '\n');
	scan_byte(s, '\n');
	return span_between(from, s->p);
}

static bool
take_empty_line(struct scan *s)
{
	struct scan at = *s;

	scan_byte(&at, '\r');
	if (!scan_byte(&at, '\n'))
		return false;
	*s = at;
	return true;
}

/* Reads the name of a field and its colon.  RFC 5322 section 4.5 allows white
 * space before the colon.  Returns false if no field begins here. */
static bool
take_name(struct scan *s, struct span *name)
{
	struct scan at = *s;

	if (scan_while(&at, ascii_is_ftext).n == 0)
		return false;
	scan_while(&at, ascii_is_wsp);
	*name = span_between(s->p, at.p);
	if (!scan_byte(&at, ':'))
		return false;
	*s = at;
	return true;
}

/* Reads the value with its continuation lines (RFC 5322 section 2.2.3). */
static struct span
take_value(struct scan *s)
{
	const char *from = s->p;

	do
		take_line(s);
	while (!scan_done(s) && ascii_is_wsp((unsigned char)*s->p));
	return span_between(from, s->p);
}

struct scan
mail_header_open(struct span text)
{
	struct scan s = scan_of(text);
	struct span name;

	/* "From : a@b" is an obsolete form of a field; "From a@b Mon" is not a
	 * field */
	if (span_equal(span_first(text, 5), SPAN("From ")) &&
	    !take_name(&(struct scan){ s.p, s.end }, &name))
		take_line(&s);
	return s;
}

bool
mail_header_next(struct scan *s, struct span *name, struct span *value)
{
	if (take_empty_line(s) || !take_name(s, name))
		return false;
	*value = take_value(s);
	return true;
}

size_t
mail_header_read(struct mail_header *h, struct arena *a, struct span text)
{
	struct scan s = mail_header_open(text);
	struct span name, value;

	while (mail_header_next(&s, &name, &value))
		mail_header_add(h, a, name, value);
	return text.n - scan_rest(&s).n;
}

size_t
mail_header_find(const struct mail_header *h, const char *name, size_t from)
{
	for (size_t i = from; i < h->n; i++)
		if (span_is_nocase(h->fields[i].name, name))
			return i;
	return h->n;
}

size_t
mail_header_count(const struct mail_header *h, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < h->n; i++)
		count += span_is_nocase(h->fields[i].name, name);
	return count;
}
