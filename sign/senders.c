#include "sign/senders.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/arena.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"

enum { SENDERS_MEMORY = 512 << 20 }; /* bytes; enough for the largest file */

struct senders_entry {
	struct span address; /* local@domain or @domain, lower case */
	struct span logins;  /* as written */
};

struct senders {
	struct arena *arena;
	struct senders_entry *entries; /* sorted by address */
	size_t n, room;
};

struct senders_reader {
	struct senders *to;
	const char *name;
	FILE *errors;
	unsigned n_errors;
};

static void
report_line(struct senders_reader *r, unsigned line, const char *what)
{
	if (r->n_errors++ < SENDERS_ERRORS_MAX)
		fprintf(r->errors, "%s:%u: %s\n", r->name, line, what);
}

static bool
is_not_space(unsigned char c)
{
	return !ascii_is_space(c);
}

static bool
is_between_logins(unsigned char c)
{
	return ascii_is_space(c) || c == ',';
}

static bool
is_of_login(unsigned char c)
{
	return !is_between_logins(c);
}

static bool
is_blank_or_comment(struct span line)
{
	struct span text = span_trim(line);

	return text.n == 0 || text.p[0] == '#';
}

/* Returns "LOCAL@DOMAIN" in lower case, or an absent span if `domain` is not
 * valid or memory ran out. */
static struct span
address_key(struct arena *a, struct span local, struct span domain)
{
	struct span name = domain_normal(a, domain);
	struct buf b;

	if (name.p == NULL)
		return SPAN_NONE;
	b = buf_alloc(a, local.n + name.n + 2);
	for (size_t i = 0; i < local.n; i++)
		buf_byte(&b, (char)ascii_lower((unsigned char)local.p[i]));
	buf_byte(&b, '@');
	buf_span(&b, name);
	return b.full ? SPAN_NONE : buf_view(&b);
}

static bool
entry_add(struct senders *s, struct span address, struct span logins)
{
	if (s->n == s->room) {
		size_t room = s->room > 0 ? 2 * s->room : 64;
		struct senders_entry *more =
		    arena_array(s->arena, room, sizeof(*more));

		if (more == NULL)
			return false;
		if (s->n > 0)
			memcpy(more, s->entries, s->n * sizeof(*more));
		s->entries = more;
		s->room = room;
	}
	s->entries[s->n++] = (struct senders_entry){ address, logins };
	return true;
}

/* Parses one line with its continuation lines, starting at line `number`. */
static void
entry_read(struct senders_reader *r, struct span text, unsigned number)
{
	struct scan s = scan_of(text);
	struct span pattern = scan_while(&s, is_not_space);
	struct span logins = span_trim(scan_rest(&s)), address;
	size_t at = span_rindex(pattern, '@');

	if (text.n > SENDERS_LINE_MAX) {
		report_line(r, number, "the line is longer than 4096 bytes");
		return;
	}
	if (span_starts_nocase(pattern, "/")) {
		report_line(r, number,
		    "this looks like a table of regular expressions; write "
		    "addresses, or @domain for a whole domain");
		return;
	}
	if (at == pattern.n) {
		report_line(r, number,
		    "the address has no \"@\"; write user@domain, or "
		    "@domain for a whole domain");
		return;
	}
	address = address_key(
	    r->to->arena, span_first(pattern, at), span_skip(pattern, at + 1));
	if (address.p == NULL && !arena_has_failed(r->to->arena))
		report_line(
		    r, number, "the domain of the address is not valid");
	else if (span_all(logins, is_between_logins) ||
	    is_blank_or_comment(span_first(logins, 1)))
		report_line(r, number,
		    "the line names no login; write the logins after the "
		    "address, separated by commas");
	else if (address.p != NULL)
		(void)entry_add(r->to, address, logins);
}

/*
 * Reads a line with its continuation lines.  As in Postfix's tables, comments
 * and empty lines do not end it.
 */
static struct span
logical_line(struct scan *s, unsigned *lines)
{
	const char *from = s->p;
	const char *end;
	struct scan ahead;

	scan_until(s, '\n');
	scan_byte(s, '\n');
	*lines = 1;
	end = s->p;
	ahead = *s;
	for (unsigned n = 1; !scan_done(&ahead);) {
		bool continues = ascii_is_wsp((unsigned char)*ahead.p);
		struct span line = scan_until(&ahead, '\n');

		scan_byte(&ahead, '\n');
		n++;
		if (is_blank_or_comment(line))
			continue;
		if (!continues)
			break;
		*s = ahead;
		*lines = n;
		end = ahead.p;
	}
	return span_between(from, end);
}

static int
compare_texts(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* Sorts by address; equal addresses stay in file order. */
static int
compare_addresses(const void *left, const void *right)
{
	const struct senders_entry *a = left, *b = right;
	int order = compare_texts(a->address, b->address);

	return order != 0
	    ? order
	    : (a->logins.p > b->logins.p) - (a->logins.p < b->logins.p);
}

static void
entries_read(struct senders_reader *r, struct span text)
{
	struct scan s = scan_of(text);
	unsigned number = 1, lines;

	while (!scan_done(&s)) {
		struct span line;

		line = logical_line(&s, &lines);
		if (!is_blank_or_comment(
			span_first(line, span_index(line, '\n'))))
			entry_read(r, span_trim(line), number);
		number += lines;
	}
	if (r->to->n > 0)
		qsort(r->to->entries, r->to->n, sizeof(*r->to->entries),
		    compare_addresses);
}

struct senders *
senders_read_text(struct span text, const char *name, FILE *errors)
{
	struct arena *a = arena_new(SENDERS_MEMORY);
	struct senders *s = a != NULL ? arena_alloc(a, sizeof(*s)) : NULL;
	struct senders_reader r = { .to = s, .name = name, .errors = errors };
	struct span copy = a != NULL ? arena_copy(a, text) : SPAN_NONE;

	if (s != NULL && copy.p != NULL) {
		s->arena = a;
		entries_read(&r, copy);
	}
	if (a == NULL || arena_has_failed(a)) {
		fprintf(errors, "%s: out of memory\n", name);
		r.n_errors++;
	}
	if (r.n_errors > 0) {
		arena_free(a);
		return NULL;
	}
	return s;
}

struct senders *
senders_read(const char *path, FILE *errors)
{
	struct senders *s = NULL;
	size_t n;
	char *text = file_read(path, SENDERS_FILE_MAX, errors, &n);

	if (text != NULL)
		s = senders_read_text(span_of(text, n), path, errors);
	free(text);
	return s;
}

void
senders_free(struct senders *s)
{
	if (s != NULL)
		arena_free(s->arena);
}

/* ---- lookup ---- */

/* Returns the first entry for an address, or NULL. */
static const struct senders_entry *
entry_find(const struct senders *s, struct span address)
{
	size_t low = 0, high = s->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_texts(s->entries[middle].address, address) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->n && span_equal(s->entries[low].address, address)
	    ? &s->entries[low]
	    : NULL;
}

static bool
line_has_login(struct span line, struct span login)
{
	struct scan s = scan_of(line);

	while (!scan_done(&s)) {
		scan_while(&s, is_between_logins);
		if (span_equal_nocase(scan_while(&s, is_of_login), login))
			return login.n > 0;
	}
	return false;
}

/* Whether `logins`, which may contain comment lines, has `login`. */
static bool
has_login(struct span logins, struct span login)
{
	struct scan s = scan_of(logins);

	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		scan_byte(&s, '\n');
		if (!is_blank_or_comment(line) && line_has_login(line, login))
			return true;
	}
	return false;
}

/* Whether the address has an entry; sets `allowed` to whether `login` is in
 * it. */
static bool
address_decides(const struct senders *s, struct span local, struct span domain,
    struct span login, bool *allowed)
{
	char memory[SENDERS_LINE_MAX + DOMAIN_MAX + 2];
	struct buf b = buf_wrap(memory, sizeof(memory));
	const struct senders_entry *e;

	for (size_t i = 0; i < local.n; i++)
		buf_byte(&b, (char)ascii_lower((unsigned char)local.p[i]));
	buf_byte(&b, '@');
	buf_span(&b, domain);
	e = b.full ? NULL : entry_find(s, buf_view(&b));
	*allowed = e != NULL && has_login(e->logins, login);
	return e != NULL;
}

bool
senders_allow(const struct senders *s, struct span local, struct span domain,
    struct span login)
{
	size_t plus = span_index(local, '+');
	bool allowed;

	if (!address_decides(s, local, domain, login, &allowed) &&
	    !(plus > 0 && plus < local.n &&
		address_decides(
		    s, span_first(local, plus), domain, login, &allowed)))
		(void)address_decides(s, SPAN(""), domain, login, &allowed);
	return allowed;
}
