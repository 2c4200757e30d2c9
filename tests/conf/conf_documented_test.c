/*
 * conf_documented_test.c - tests that the table of options, etc/avouch.conf
 * and avouch.conf(5) agree: both files have each option in the table's order,
 * with its help sentence, default, choices and range.
 *
 * Run from the root of the tree.
 */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/scan.h"
#include "conf/options.h"
#include "conf/value.h"

enum { FILE_MAX = 1 << 18, ITEM_MAX = 4096 };

static const char conf_file[] = "etc/avouch.conf";
static const char man_page[] = "etc/avouch.conf.5";

/* Options that the shipped file sets, because their defaults do not suit a
 * trial installation. */
static const struct {
	const char *section, *name;
} shipped[] = {
	{ "", "socket" },
	{ "", "user" },
	{ "", "mode" },
	{ "metrics", "listen" },
};

static char *
read_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, FILE_MAX);

	if (f == NULL)
		fail_msg("%s: not found (run this from the root)", path);
	assert_non_null(text);
	assert_true(fread(text, 1, FILE_MAX - 1, f) < FILE_MAX - 1);
	fclose(f);
	return text;
}

static bool
is_name(unsigned char c)
{
	return ascii_is_tag(c);
}

static bool
next_line(struct scan *s, struct span *line)
{
	if (scan_done(s))
		return false;
	*line = scan_until(s, '\n');
	scan_byte(s, '\n');
	return true;
}

static bool
is_shipped(const struct conf_option *o)
{
	for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
		if (strcmp(o->section, shipped[i].section) == 0 &&
		    strcmp(o->name, shipped[i].name) == 0)
			return true;
	return false;
}

/* ---- the description of an option ---- */

static void
put_limit(struct buf *b, const struct conf_option *o, uint64_t value)
{
	max_align_t base[sizeof(struct conf) / sizeof(max_align_t) + 1];
	char *field = (char *)base + o->offset;
	unsigned narrow = (unsigned)value;
	size_t wide = value;

	if (o->type == CONF_SIZE)
		memcpy(field, &wide, sizeof(wide));
	else
		memcpy(field, &narrow, sizeof(narrow));
	conf_value_put(b, o, base);
}

static void
put_default(struct buf *b, const struct conf_option *o)
{
	bool is_text = o->type <= CONF_URL;

	buf_text(b, is_text ? "\"" : "");
	buf_text(b, o->default_text);
	buf_text(b, is_text ? "\"" : "");
}

/* Checks the description `said`, a single line with one space between words. */
static void
check_said(const char *path, const struct conf_option *o, const char *said)
{
	char range[100];
	struct buf b = buf_wrap(range, sizeof(range));

	if (strncmp(said, o->help, strlen(o->help)) != 0)
		fail_msg("%s: %s.%s: does not begin with \"%s\" but \"%s\"",
		    path, o->section, o->name, o->help, said);
	if (o->max == 0)
		return;
	buf_text(&b, "Range: ");
	put_limit(&b, o, o->min);
	buf_text(&b, " to ");
	put_limit(&b, o, o->max);
	buf_byte(&b, '.');
	if (strstr(said, range) == NULL)
		fail_msg("%s: %s.%s: lacks \"%s\"", path, o->section, o->name,
		    range);
}

static void
check_choices(const char *path, const struct conf_option *o, const char *said)
{
	char list[200];
	struct buf b = buf_wrap(list, sizeof(list));

	if (o->n_choices == 0 || o->n_choices == 5)
		return; /* the actions are described only once */
	buf_text(&b, "One of ");
	for (size_t i = 0; i < o->n_choices; i++) {
		buf_text(&b, i > 0 ? ", " : "");
		buf_text(&b, o->choices[i].name);
	}
	buf_byte(&b, '.');
	if (strstr(said, list) == NULL)
		fail_msg("%s: %s: lacks \"%s\"", path, o->name, list);
}

/* Checks that if the file sets an option, its comment shows the default. */
static void
check_shipped(const char *path, const struct conf_option *o, const char *said)
{
	char text[200];
	struct buf b = buf_wrap(text, sizeof(text));
	const char *at;

	buf_text(&b, " Default: ");
	put_default(&b, o);
	at = strstr(said, text);
	if (at == NULL || at[b.n] != '\0')
		fail_msg("%s: %s: does not end with \"%s\"", path, o->name,
		    text + 1);
}

/* Returns the next option of the table, which must be `name`: the files have
 * the options in the same order. */
static const struct conf_option *
take_option(
    const char *path, struct span section, struct span name, size_t *next)
{
	const struct conf_option *o = &conf_options[*next];

	if (*next == conf_n_options || !span_is(section, o->section) ||
	    !span_is(name, o->name))
		fail_msg("%s: %.*s.%.*s: unknown, duplicate or out of order; "
			 "expected %s.%s",
		    path, SPAN_FMT(section), SPAN_FMT(name),
		    *next < conf_n_options ? o->section : "",
		    *next < conf_n_options ? o->name : "none");
	(*next)++;
	return o;
}

/* ---- etc/avouch.conf ---- */

struct documented_place {
	struct span section;
	char said[ITEM_MAX]; /* the comment read so far */
	struct buf comment;
	size_t next;
};

static void
add_words(struct buf *b, struct span words)
{
	if (b->n > 0)
		buf_byte(b, ' ');
	buf_span(b, words);
	assert_false(b->full);
}

static void
see_option(struct documented_place *p, struct span name, struct span value,
    bool is_set)
{
	const struct conf_option *o =
	    take_option(conf_file, p->section, name, &p->next);
	bool is_override = strcmp(o->section, "override") == 0;
	char text[200];
	struct buf standard = buf_wrap(text, sizeof(text));

	check_said(conf_file, o, p->said);
	check_choices(conf_file, o, p->said);
	if (is_set && !is_override)
		check_shipped(conf_file, o, p->said);
	buf_cut(&p->comment, 0);
	p->said[0] = '\0';
	if (is_override)
		return; /* an example */
	put_default(&standard, o);
	if (is_set != is_shipped(o))
		fail_msg("%s: %s is %sset", conf_file, o->name,
		    is_set ? "" : "not ");
	if (!is_set && !span_equal(value, buf_view(&standard)))
		fail_msg("%s: %s.%s = %.*s, want %s", conf_file, o->section,
		    o->name, SPAN_FMT(value), text);
}

static void
see_line(struct documented_place *p, struct span line)
{
	bool in_override = span_is(p->section, "override");
	struct scan s;
	struct span name;
	bool is_set;

	if (in_override && line.n > 0 && line.p[0] == '#')
		line = span_skip(line, 1);
	line = span_trim(line);
	if (span_starts_nocase(line, "#override \""))
		p->section = SPAN("override");
	if (span_starts_nocase(line, "# ")) {
		add_words(&p->comment, span_skip(line, 2));
		return;
	}
	s = scan_of(line);
	is_set = !scan_byte(&s, '#');
	name = scan_while(&s, is_name);
	if (name.n > 0 && scan_byte(&s, ' ') && scan_byte(&s, '=')) {
		scan_byte(&s, ' ');
		see_option(p, name, scan_rest(&s), is_set);
	} else {
		if (name.n > 0 && span_is(span_trim(scan_rest(&s)), "{"))
			p->section = name;
		buf_cut(&p->comment, 0);
	}
}

static void
file_has_each_option(void **state)
{
	char *text = read_file(conf_file);
	struct scan s = scan_of(span_str(text));
	struct documented_place p = { .section = SPAN("") };
	struct span line;

	(void)state;
	p.comment = buf_wrap(p.said, sizeof(p.said));
	while (next_line(&s, &line))
		see_line(&p, line);
	if (p.next != conf_n_options)
		fail_msg("%s: lacks %s.%s", conf_file,
		    conf_options[p.next].section, conf_options[p.next].name);
	free(text);
}

static void
find_set(void *arg, const struct conf_setting *s)
{
	size_t *n = arg;
	const struct conf_option *o = conf_option_find(s->section, s->name);

	assert_non_null(o);
	if (s->file == NULL)
		return;
	(*n)++;
	if (!is_shipped(o))
		fail_msg("%s: sets %s", conf_file, s->name);
}

static void
file_is_read(void **state)
{
	const struct conf *c = conf_read(conf_file, stderr);
	size_t n = 0;

	(void)state;
	assert_non_null(c);
	assert_int_equal(c->mode, CONF_MONITOR);
	assert_int_equal(c->n_overrides, 0);
	conf_each(c, find_set, &n);
	assert_int_equal(n, ARRAY_SIZE(shipped));
	conf_unref(c);
}

struct compared {
	const struct conf *defaults;
	size_t n;
	const struct conf_setting *with;
};

static void
compare_one(void *arg, const struct conf_setting *s)
{
	const struct conf_setting *with = arg;

	if (s->override == NULL && strcmp(s->section, with->section) == 0 &&
	    strcmp(s->name, with->name) == 0 &&
	    strcmp(s->value, with->value) != 0)
		fail_msg("%s: %s.%s = %s, the default is %s", conf_file,
		    s->section, s->name, with->value, s->value);
}

static void
compare_setting(void *arg, const struct conf_setting *s)
{
	struct compared *p = arg;
	const struct conf_option *o = conf_option_find(s->section, s->name);
	struct conf_setting with = *s;

	if (s->file == NULL)
		fail_msg(
		    "%s: %s.%s: is not read", conf_file, s->section, s->name);
	p->n++;
	if (!is_shipped(o) && s->override == NULL)
		conf_each(p->defaults, compare_one, &with);
}

/* The file is still valid if the "#" before each option is removed. */
static void
file_is_read_without_its_comment_signs(void **state)
{
	char *text = read_file(conf_file), *to = text;
	bool in_override = false;
	struct compared p = { .defaults = conf_defaults() };
	const struct conf *c;

	(void)state;
	for (const char *from = text; *from != '\0';) {
		size_t n = strcspn(from, "\n") + 1;
		size_t tabs = strspn(from, "\t");
		unsigned char next = 0;

		in_override = in_override || strncmp(from, "#override", 9) == 0;
		if (from[tabs] == '#')
			next = (unsigned char)from[tabs + 1];
		memmove(to, from, tabs);
		to += tabs;
		from += tabs;
		n -= tabs;
		if (ascii_is_alpha(next) || (in_override && next != ' ')) {
			from++;
			n--;
		}
		memmove(to, from, n);
		to += n;
		from += n;
	}
	*to = '\0';
	c = conf_read_text(span_str(text), conf_file, stderr);
	assert_non_null(c);
	assert_int_equal(c->n_overrides, 1);
	conf_each(c, compare_setting, &p);
	assert_int_equal(p.n, conf_n_options);
	conf_unref(c);
	conf_unref(p.defaults);
	free(text);
}

/* ---- avouch.conf(5) ---- */

static void
put_item(struct buf *b, const struct conf_option *o)
{
	bool in_override = strcmp(o->section, "override") == 0;

	buf_text(b, ".It Cm ");
	buf_text(b, o->name);
	buf_text(b, " = Ar ");
	if (o->n_choices == 0)
		buf_text(b, conf_type_name(o->type));
	else if (o->n_choices == 5)
		buf_text(b, "action");
	for (size_t i = 0; i < o->n_choices && o->n_choices < 5; i++) {
		buf_text(b, i > 0 ? " | " : "");
		buf_text(b, o->choices[i].name);
	}
	buf_text(b, " Pq ");
	if (in_override && strcmp(o->name, "action") == 0) {
		buf_text(b, "required");
	} else if (o->default_text[0] == '\0' ||
	    (in_override && strcmp(o->default_text, "{}") == 0)) {
		buf_text(b, "none");
	} else {
		buf_text(b, "Li ");
		for (const char *p = o->default_text; *p != '\0'; p++)
			if (*p != '"')
				buf_byte(b, *p);
	}
	assert_false(b->full);
}

/* Reads the text up to the next item, including the arguments of macros. */
static void
read_item(struct scan *s, struct buf *said)
{
	struct scan ahead = *s;
	struct span line;

	while (next_line(&ahead, &line) && !span_starts_nocase(line, ".It ") &&
	    !span_starts_nocase(line, ".El")) {
		*s = ahead;
		if (span_starts_nocase(line, "\\&"))
			line = span_skip(line, 2);
		add_words(said, line);
	}
}

static void
page_has_each_option(void **state)
{
	char *text = read_file(man_page);
	struct scan s = scan_of(span_str(text));
	struct span section = SPAN_NONE, line;
	size_t next = 0;

	(void)state;
	while (next_line(&s, &line)) {
		char want[300], said[ITEM_MAX];
		struct buf item = buf_wrap(want, sizeof(want));
		struct buf b = buf_wrap(said, sizeof(said));
		struct scan rest;
		const struct conf_option *o;

		if (span_starts_nocase(line, ".Ss "))
			section = span_skip(line, 4);
		if (span_is(section, "Before all sections"))
			section = SPAN("");
		if (!span_starts_nocase(line, ".It Cm "))
			continue;
		rest = scan_of(span_skip(line, 7));
		o = take_option(
		    man_page, section, scan_while(&rest, is_name), &next);
		put_item(&item, o);
		if (!span_is(line, want))
			fail_msg("%s: \"%.*s\", want \"%s\"", man_page,
			    SPAN_FMT(line), want);
		read_item(&s, &b);
		check_said(man_page, o, said);
	}
	if (next != conf_n_options)
		fail_msg("%s: lacks %s.%s", man_page,
		    conf_options[next].section, conf_options[next].name);
	free(text);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_has_each_option),
		cmocka_unit_test(file_is_read),
		cmocka_unit_test(file_is_read_without_its_comment_signs),
		cmocka_unit_test(page_has_each_option),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
