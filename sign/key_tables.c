#include "sign/key_tables.h"

#include <search.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "sign/key_folder.h"

enum { TABLES_MEMORY = 256 << 20, SHOWN_MAX = 100 };

enum table_kind {
	TABLE_KEY,  /* NAME DOMAIN:SELECTOR:KEY */
	TABLE_PATH, /* DOMAIN /PATH */
	TABLE_NAME, /* PATTERN NAME, or DOMAIN SELECTOR */
};

struct table_row {
	enum table_kind kind;
	struct span first, value;          /* the first two words of the line */
	struct span domain, selector, key; /* TABLE_KEY */
	const char *file;
	unsigned line;
	bool is_used;
	struct table_row *next;
};

struct key_tables {
	struct arena *arena;
	struct table_row *rows, **end;
	size_t n;
	size_t n_of[TABLE_NAME + 1];
	struct key_table_key *keys, **keys_end;
	void *row_tree, *key_tree; /* tsearch(3) */
};

static int
compare_text(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n > 0 ? strncasecmp(a.p, b.p, n) : 0;

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int
compare_rows(const void *one, const void *other)
{
	const struct table_row *a = one, *b = other;

	return a->kind != b->kind ? (int)a->kind - (int)b->kind
				  : compare_text(a->first, b->first);
}

static int
compare_table_keys(const void *one, const void *other)
{
	const struct key_table_key *a = one, *b = other;

	return strcmp(a->domain, b->domain);
}

static void
keep_node(void *node)
{
	(void)node; /* allocated in the arena */
}

struct key_tables *
key_tables_new(void)
{
	struct key_tables *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->arena = arena_new(TABLES_MEMORY);
	t->end = &t->rows;
	t->keys_end = &t->keys;
	if (t->arena != NULL)
		return t;
	free(t);
	return NULL;
}

void
key_tables_free(struct key_tables *t)
{
	if (t == NULL)
		return;
	tdestroy(t->row_tree, keep_node);
	tdestroy(t->key_tree, keep_node);
	arena_free(t->arena);
	free(t);
}

static bool __attribute__((format(printf, 4, 5))) table_message(FILE *out,
    const struct table_row *row, struct span what, const char *format, ...)
{
	char shown[SHOWN_MAX];
	struct buf b = buf_wrap(shown, sizeof(shown));
	va_list args;

	buf_printable(&b, what, SHOWN_MAX - 1);
	fprintf(out, "%s:%u: %s%s", row->file, row->line, shown,
	    what.n > 0 ? ": " : "");
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fputc('\n', out);
	return false;
}

/* ---- lines ---- */

static bool
is_not_space(unsigned char c)
{
	return !ascii_is_space(c);
}

static struct span
next_word(struct scan *s)
{
	(void)scan_while(s, ascii_is_space);
	return scan_while(s, is_not_space);
}

/* Splits DOMAIN:SELECTOR:KEY.  Returns false if it does not have this form. */
static bool
split_key(struct table_row *row)
{
	struct scan s = scan_of(row->value);

	row->domain = scan_until(&s, ':');
	if (!scan_byte(&s, ':'))
		return false;
	row->selector = scan_until(&s, ':');
	if (!scan_byte(&s, ':'))
		return false;
	row->key = scan_rest(&s);
	return row->domain.n > 0 && row->selector.n > 0 && row->key.n > 0;
}

static bool
row_read(struct table_row *row, struct span line, FILE *errors)
{
	struct scan s = scan_of(line);

	if (line.n > KEY_TABLE_LINE_MAX)
		return table_message(errors, row, SPAN_NONE,
		    "the line is longer than %d bytes", KEY_TABLE_LINE_MAX);
	row->first = next_word(&s);
	row->value = next_word(&s);
	if (row->value.n == 0)
		return table_message(errors, row, row->first,
		    "a line needs two words; is this a KeyTable, a "
		    "SigningTable or an rspamd map?");
	if (row->value.p[0] == '/')
		row->kind = TABLE_PATH;
	else if (!span_has(row->value, ':'))
		row->kind = TABLE_NAME;
	else if (split_key(row))
		row->kind = TABLE_KEY;
	else
		return table_message(errors, row, row->value,
		    "must be DOMAIN:SELECTOR:PATH, as in an opendkim KeyTable");
	return true;
}

static bool
row_add(struct key_tables *t, const struct table_row *row)
{
	struct table_row *copy = arena_alloc(t->arena, sizeof(*copy));

	if (copy == NULL || t->n == KEY_TABLE_ROWS_MAX)
		return false;
	*copy = *row;
	if (tsearch(copy, &t->row_tree, compare_rows) == NULL)
		return false;
	*t->end = copy;
	t->end = &copy->next;
	t->n++;
	t->n_of[row->kind]++;
	return true;
}

bool
key_tables_read(
    struct key_tables *t, const char *name, struct span text, FILE *errors)
{
	struct span file = arena_copy(t->arena, span_str(name));
	struct span copy = arena_copy(t->arena, text);
	struct scan all = scan_of(copy);
	struct table_row row = { .file = file.p };
	bool ok = file.p != NULL && copy.p != NULL;

	if (!ok)
		fprintf(errors, "%s: out of memory\n", name);
	while (ok && !scan_done(&all)) {
		struct span line = span_trim(scan_until(&all, '\n'));

		(void)scan_byte(&all, '\n');
		row =
		    (struct table_row){ .file = file.p, .line = row.line + 1 };
		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!row_read(&row, line, errors)) {
			ok = false;
		} else if (!row_add(t, &row)) {
			return table_message(errors, &row, SPAN_NONE,
			    "more than %d lines, or out of memory",
			    KEY_TABLE_ROWS_MAX);
		}
	}
	return ok;
}

/* ---- combining the tables ---- */

struct resolve {
	struct key_tables *t;
	FILE *errors, *notes;
	bool ok;
};

static void __attribute__((format(printf, 4, 5)))
resolve_error(struct resolve *r, const struct table_row *row, struct span what,
    const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->ok = table_message(r->errors, row, what, "%s", text);
}

/* Returns `text` with each `token` replaced by `by`; absent if memory ran
 * out. */
static struct span
replace_token(
    struct arena *a, struct span text, const char *token, struct span by)
{
	struct buf b = buf_alloc(a, text.n * (by.n + 1) + 1);
	size_t n = strlen(token);

	while (text.n > 0) {
		if (text.n >= n && memcmp(text.p, token, n) == 0) {
			buf_span(&b, by);
			text = span_skip(text, n);
		} else {
			buf_byte(&b, text.p[0]);
			text = span_skip(text, 1);
		}
	}
	return b.full ? SPAN_NONE : buf_view(&b);
}

static const struct key_table_key *
find_key(const struct key_tables *t, struct span domain)
{
	const struct key_table_key wanted = { .domain = domain.p };
	void *const *node = tfind(&wanted, &t->key_tree, compare_table_keys);

	return node != NULL ? *node : NULL;
}

static struct span
lower_selector(struct arena *a, struct span selector)
{
	struct buf b = buf_alloc(a, selector.n + 1);

	for (size_t i = 0; i < selector.n; i++)
		buf_byte(&b, (char)ascii_lower((unsigned char)selector.p[i]));
	return buf_view(&b);
}

/* Adds a key; `domain` is in normal form.  A second line for the same key is
 * ignored. */
static void
add_key(struct resolve *r, const struct table_row *row, struct span domain,
    struct span selector, struct span path)
{
	struct key_tables *t = r->t;
	struct span name = lower_selector(t->arena, selector);
	const struct key_table_key *before = find_key(t, domain);
	struct span where = arena_copy(t->arena, path);
	struct key_table_key *key = arena_alloc(t->arena, sizeof(*key));

	if (!key_selector_is_valid(name)) {
		resolve_error(r, row, selector,
		    "this selector cannot be imported: it is not valid in "
		    "avouch; make a new key with `avouch key new`");
	} else if (key == NULL || where.p == NULL || name.p == NULL) {
		resolve_error(r, row, SPAN_NONE, "out of memory");
	} else if (before != NULL && !span_is(name, before->selector)) {
		resolve_error(r, row, name,
		    "%s already signs with %s (line %u of %s), and a domain "
		    "can use only one selector; remove one of the lines",
		    before->domain, before->selector, before->line,
		    before->file);
	} else if (before == NULL) {
		*key = (struct key_table_key){ .domain = domain.p,
			.selector = name.p,
			.path = where.p,
			.file = row->file,
			.line = row->line };
		if (tsearch(key, &t->key_tree, compare_table_keys) == NULL) {
			resolve_error(r, row, SPAN_NONE, "out of memory");
			return;
		}
		*t->keys_end = key;
		t->keys_end = &key->next;
	}
}

static struct span
normal_copy(struct resolve *r, struct span domain)
{
	struct span normal = domain_normal(r->t->arena, domain);

	return normal.p != NULL ? arena_copy(r->t->arena, normal) : normal;
}

/* ---- opendkim ---- */

/* Whether `key` is the path of a key file, which can be imported, rather than
 * the key itself. */
static bool
is_path(struct span key)
{
	return key.p[0] == '/' || span_starts_nocase(key, "./") ||
	    span_starts_nocase(key, "../");
}

/* Adds the key of `row` for mail from `author`, after checking both. */
static void
add_opendkim(struct resolve *r, const struct table_row *line,
    struct table_row *row, struct span author)
{
	struct arena *a = r->t->arena;
	struct span domain =
	    span_is(row->domain, "%") ? author : normal_copy(r, row->domain);

	row->is_used = true;
	if (domain.p == NULL || !domain_is_fqdn(domain)) {
		resolve_error(r, row, row->domain, "not a domain name");
	} else if (!is_path(row->key)) {
		resolve_error(r, row, row->first,
		    "the key is in the table itself; put it into a file and "
		    "name the file");
	} else if (!domain_is_under(author, domain)) {
		resolve_error(r, line, line->first,
		    "signed with d=%.*s, a different domain, which does not "
		    "count for DMARC; avouch signs with the key of the From "
		    "domain, so make one with `avouch key new %.*s`",
		    SPAN_FMT(domain), SPAN_FMT(author));
	} else {
		add_key(r, line, domain, row->selector,
		    replace_token(a, row->key, "%", author));
	}
}

/* Returns the first row with this name. */
static struct table_row *
find_row(const struct resolve *r, enum table_kind kind, struct span name)
{
	const struct table_row wanted = { .kind = kind, .first = name };
	void *const *node = tfind(&wanted, &r->t->row_tree, compare_rows);

	return node != NULL ? *node : NULL;
}

/* Handles "* %": each domain in the KeyTable signs with its own key. */
static void
add_own_keys(struct resolve *r, const struct table_row *line)
{
	for (struct table_row *row = r->t->rows; row != NULL; row = row->next) {
		struct span author;

		if (row->kind != TABLE_KEY)
			continue;
		author = normal_copy(r, row->first);
		if (author.p != NULL && domain_is_fqdn(author))
			add_opendkim(r, line, row, author);
	}
}

/* Returns the domain of a pattern: *@DOMAIN, USER@DOMAIN, DOMAIN, .DOMAIN,
 * *.DOMAIN or *@*.DOMAIN.  An empty result means all domains.
 * Sets `is_narrow` to whether the pattern is for one user. */
static struct span
pattern_domain(struct span pattern, bool *is_narrow)
{
	size_t at = span_rindex(pattern, '@');
	struct span domain =
	    at < pattern.n ? span_skip(pattern, at + 1) : pattern;

	*is_narrow = at < pattern.n && !span_is(span_first(pattern, at), "*");
	if (span_is(domain, "*"))
		return SPAN("");
	if (span_starts_nocase(domain, "*."))
		return span_skip(domain, 2);
	return span_starts_nocase(domain, ".") ? span_skip(domain, 1) : domain;
}

static void
add_signing_line(struct resolve *r, struct table_row *line)
{
	bool is_narrow;
	struct span domain = pattern_domain(line->first, &is_narrow), author;
	struct span name = line->value;
	struct table_row *row;

	if (domain.n == 0 && span_is(name, "%")) {
		add_own_keys(r, line);
		return;
	}
	if (domain.n == 0 || span_has(domain, '*')) {
		resolve_error(r, line, line->first,
		    "this line signs mail from many domains with one key; "
		    "receivers do not accept that for domains other than the "
		    "key's; name each domain instead");
		return;
	}
	author = normal_copy(r, domain);
	if (author.p == NULL || !domain_is_fqdn(author)) {
		resolve_error(r, line, line->first,
		    "not a pattern with a domain, such as *@example.org");
		return;
	}
	row = find_row(r, TABLE_KEY, span_is(name, "%") ? author : name);
	if (row == NULL) {
		resolve_error(r, line, name,
		    "the KeyTable has no key of this name; pass the KeyTable "
		    "too, or correct the name");
		return;
	}
	if (is_narrow)
		(void)table_message(r->notes, line, line->first,
		    "note: avouch signs all mail from %.*s, not only from this "
		    "address",
		    SPAN_FMT(author));
	add_opendkim(r, line, row, author);
}

static void
resolve_opendkim(struct resolve *r)
{
	bool has_lines = r->t->n_of[TABLE_NAME] > 0;

	for (struct table_row *row = r->t->rows; row != NULL; row = row->next)
		if (row->kind == TABLE_NAME)
			add_signing_line(r, row);
	for (struct table_row *row = r->t->rows; row != NULL; row = row->next) {
		struct span domain;

		if (row->kind != TABLE_KEY || row->is_used)
			continue;
		domain = span_is(row->domain, "%")
		    ? normal_copy(r, row->first)
		    : normal_copy(r, row->domain);
		if (has_lines)
			(void)table_message(r->notes, row, row->first,
			    "note: not imported, because no line of the "
			    "SigningTable uses it");
		else if (domain.p != NULL)
			add_opendkim(r, row, row, domain);
		else
			resolve_error(r, row, row->domain, "not a domain name");
	}
}

/* ---- rspamd ---- */

static void
add_map_line(struct resolve *r, const struct table_row *line)
{
	struct arena *a = r->t->arena;
	struct span domain = normal_copy(r, line->first);
	const struct table_row *selector = find_row(r, TABLE_NAME, line->first);

	if (span_has(line->first, '*'))
		resolve_error(r, line, line->first,
		    "this line signs mail from all domains with one key; name "
		    "each domain instead");
	else if (domain.p == NULL || !domain_is_fqdn(domain))
		resolve_error(r, line, line->first, "not a domain name");
	else if (selector == NULL)
		resolve_error(r, line, line->first,
		    "this domain has no selector; pass the map of selectors "
		    "too");
	else
		add_key(r, line, domain, selector->value,
		    replace_token(a,
			replace_token(a, line->value, "$domain", domain),
			"$selector", selector->value));
}

struct key_table_key *
key_tables_resolve(struct key_tables *t, FILE *errors, FILE *notes, bool *ok)
{
	struct resolve r = {
		.t = t, .errors = errors, .notes = notes, .ok = true
	};

	if (t->n_of[TABLE_KEY] > 0)
		resolve_opendkim(&r);
	for (struct table_row *row = t->rows; row != NULL; row = row->next)
		if (row->kind == TABLE_PATH)
			add_map_line(&r, row);
	if (t->rows != NULL && t->n_of[TABLE_KEY] + t->n_of[TABLE_PATH] == 0)
		resolve_error(&r, t->rows, SPAN_NONE,
		    "this is a SigningTable or a map of selectors; pass the "
		    "KeyTable or the map of paths too");
	*ok = r.ok;
	return t->keys;
}

/* ---- opendkim.conf ---- */

struct span
key_tables_opendkim_option(struct span text, const char *name)
{
	static const char *const prefixes[] = { "refile:", "file:" };
	struct scan all = scan_of(text);
	struct span found = SPAN_NONE;

	while (!scan_done(&all)) {
		struct scan s = scan_of(scan_until(&all, '\n'));
		struct span option = next_word(&s);

		(void)scan_byte(&all, '\n');
		if (span_is_nocase(option, name))
			found = next_word(&s);
	}
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (span_starts_nocase(found, prefixes[i]))
			return span_skip(found, strlen(prefixes[i]));
	return found;
}
