#include "conf/parse.h"

#include <string.h>

#include "conf/lex.h"
#include "conf/names.h"

/* Sections do not nest, so the parser is not recursive. */
struct conf_parser {
	struct conf_lexer l;
	struct conf_errors *errors;
	struct conf_section *sections,
	    *section; /* NULL: an unknown section, whose contents are ignored */
	unsigned
	    opened; /* line where the section begins; 0: before all sections */
	size_t closed_early; /* number of "}" that were reported as missing */
	size_t n_overrides;
	unsigned value_line; /* line of the last assignment */
};

/* Skips the rest of the line, so that one mistake causes only one error. */
static void
skip_line(struct conf_parser *p, unsigned line)
{
	while (p->l.next.line == line && p->l.next.kind != CONF_TOKEN_END &&
	    p->l.next.kind != CONF_TOKEN_CLOSE)
		conf_lex(&p->l, false);
}

/* ---- values ---- */

static void
add_value(struct conf_parser *p, struct conf_assignment *a)
{
	const char *text = conf_lex_text(&p->l);
	struct conf_value *v;

	if (a == NULL || a->n_values > CONF_VALUES_MAX)
		return;
	if (++a->n_values > CONF_VALUES_MAX) {
		conf_error_add(p->errors, p->l.next.line,
		    "%s: has more than %d values", a->option->name,
		    CONF_VALUES_MAX);
		return;
	}
	v = arena_alloc(p->errors->arena, sizeof(*v));
	if (v == NULL)
		return;
	*v = (struct conf_value){ NULL, text, p->l.next.line };
	*(a->last != NULL ? &a->last->next : &a->values) = v;
	a->last = v;
}

/* Whether the value is missing: the next token cannot be a value, or is the
 * name of the next assignment or section. */
static bool
is_beyond_value(const struct conf_parser *p)
{
	enum conf_token_kind after = conf_lex_ahead(&p->l);

	if (p->l.next.kind != CONF_TOKEN_WORD)
		return !conf_lex_has_text(&p->l);
	return after == CONF_TOKEN_SET || after == CONF_TOKEN_ADD ||
	    ((after == CONF_TOKEN_OPEN || after == CONF_TOKEN_QUOTED) &&
		conf_is_section(conf_lex_text(&p->l)));
}

static void
parse_list(struct conf_parser *p, const char *name, struct conf_assignment *a)
{
	unsigned line = p->l.next.line;

	conf_lex(&p->l, true);
	while (p->l.next.kind != CONF_TOKEN_CLOSE) {
		if (p->l.next.kind != CONF_TOKEN_COMMA && is_beyond_value(p)) {
			conf_error_add(p->errors, line,
			    "%s: the list that begins here has no \"}\"", name);
			return;
		}
		if (p->l.next.kind != CONF_TOKEN_COMMA)
			add_value(p, a);
		conf_lex(&p->l, true);
	}
	conf_lex(&p->l, false);
}

/* Whether the next token on the same line is another value of a list without
 * braces. */
static bool
is_another_value(struct conf_parser *p, unsigned line)
{
	return p->l.next.line == line && conf_lex_has_text(&p->l) &&
	    !is_beyond_value(p);
}

static void
parse_value(struct conf_parser *p, const char *name, unsigned line,
    struct conf_assignment *a)
{
	const char *text = conf_lex_text(&p->l);

	if (is_beyond_value(p)) {
		conf_error_add(p->errors, line, "%s: has no value", name);
		return;
	}
	add_value(p, a);
	conf_lex(&p->l, false);
	if (p->l.next.kind != CONF_TOKEN_COMMA &&
	    !(a != NULL && conf_type_is_list(a->option->type) &&
		is_another_value(p, line)))
		return;
	if (a != NULL && conf_type_is_list(a->option->type))
		conf_error_add(p->errors, line,
		    "%s: put the list in braces: %s = {%.60s, ...}", name, name,
		    text);
	else
		conf_error_add(p->errors, line,
		    "%s: accepts only one value; put a value that contains a "
		    "comma in quotes",
		    name);
	skip_line(p, p->l.next.line);
}

struct conf_value *
conf_parse_default(const struct conf_option *o, struct conf_errors *errors)
{
	struct conf_assignment a = { .option = o };
	struct conf_parser p = { .errors = errors,
		.l = { .s = scan_of(span_str(o->default_text)),
		    .errors = errors } };

	conf_lex(&p.l, true);
	if (p.l.next.kind == CONF_TOKEN_OPEN)
		parse_list(&p, o->name, &a);
	else if (p.l.next.kind == CONF_TOKEN_WORD)
		add_value(&p, &a);
	return a.values;
}

/* ---- assignments ---- */

/* Returns the assignment for the values of `o`, or NULL if memory ran out. */
static struct conf_assignment *
assign(struct conf_parser *p, const struct conf_option *o, unsigned line,
    bool adds)
{
	struct conf_assignment *a = p->section->assignments;

	while (a != NULL && a->option != o)
		a = a->next;
	if (adds && !conf_type_is_list(o->type))
		conf_error_add(p->errors, line,
		    "%s: is not a list; write = instead of +=", o->name);
	else if (a != NULL && !adds)
		conf_error_add(p->errors, line,
		    "%s: is already set on line %u; keep one of them", o->name,
		    a->line);
	if (a != NULL && !adds) { /* discard the old values, so that the new
		                     ones are checked too */
		a->values = a->last = NULL;
		a->n_values = 0;
	}
	if (a != NULL)
		return a;
	a = arena_alloc(p->errors->arena, sizeof(*a));
	if (a == NULL)
		return NULL;
	*a = (struct conf_assignment){ .next = p->section->assignments,
		.option = o,
		.line = line,
		.adds = adds };
	p->section->assignments = a;
	return a;
}

static void
parse_assignment(struct conf_parser *p, const char *name, unsigned line)
{
	bool adds = p->l.next.kind == CONF_TOKEN_ADD;
	const struct conf_option *o = NULL;
	struct conf_assignment *a = NULL;

	if (p->section != NULL)
		o = conf_name_find(p->section->name, name, line, p->errors);
	if (o != NULL)
		a = assign(p, o, line, adds);
	conf_lex(&p->l, true);
	if (p->l.next.kind != CONF_TOKEN_OPEN) {
		parse_value(p, name, line, a);
	} else {
		if (o != NULL && !conf_type_is_list(o->type))
			conf_error_add(p->errors, line,
			    "%s: accepts only one value, without braces", name);
		parse_list(p, name, a);
	}
	p->value_line = line;
}

/* ---- sections ---- */

/* Finds or adds a section.  Returns NULL if memory ran out or there are too
 * many. */
static struct conf_section *
section_of(
    struct conf_parser *p, const char *name, const char *title, unsigned line)
{
	struct conf_section **link = &p->sections, *s;
	const struct conf_section *same = NULL;

	for (; (s = *link) != NULL; link = &s->next) {
		if (title == NULL && strcmp(s->name, name) == 0)
			return s;
		if (title != NULL && s->title != NULL && same == NULL &&
		    strcmp(s->title, title) == 0)
			same = s;
	}
	if (same != NULL)
		conf_error_add(p->errors, line,
		    "override \"%.60s\": is already defined on line %u; give "
		    "each override a different name",
		    title, same->line);
	if (title != NULL && ++p->n_overrides > CONF_OVERRIDES_MAX) {
		if (p->n_overrides == CONF_OVERRIDES_MAX + 1)
			conf_error_add(p->errors, line,
			    "override: has more than %d sections",
			    CONF_OVERRIDES_MAX);
		return NULL;
	}
	s = *link = arena_alloc(p->errors->arena, sizeof(*s));
	if (s != NULL)
		*s = (struct conf_section){ NULL, name, title, line, NULL };
	return s;
}

static void
open_section(
    struct conf_parser *p, const char *name, const char *title, unsigned line)
{
	bool takes_title = strcmp(name, CONF_SECTION_OVERRIDE) == 0;
	bool is_ignored = p->section == NULL;

	if (p->opened != 0)
		p->closed_early++;
	if (p->opened != 0 && !is_ignored)
		conf_error_add(p->errors, line,
		    "%s: cannot be inside the section that begins on line %u; "
		    "is its \"}\" missing?",
		    name, p->opened);
	else if (!is_ignored && !conf_is_section(name))
		conf_name_error("", name, line, p->errors);
	else if (!is_ignored && takes_title != (title != NULL))
		conf_error_add(p->errors, line, "%s: %s", name,
		    takes_title ? "needs a name, as in override \"a partner\" {"
				: "has no name; write \"{\" directly after it");
	p->opened = line;
	p->section = NULL;
	if (!is_ignored && conf_is_section(name) &&
	    takes_title == (title != NULL))
		p->section = section_of(p, name, title, line);
}

static void
close_section(struct conf_parser *p)
{
	if (p->opened == 0 && p->closed_early == 0)
		conf_error_add(
		    p->errors, p->l.next.line, "\"}\" without an open section");
	else if (p->opened == 0)
		p->closed_early--;
	p->opened = 0;
	p->section = p->sections;
}

/* ---- the file ---- */

static void
parse_item(struct conf_parser *p)
{
	const char *name = conf_lex_text(&p->l), *title = NULL;
	unsigned line = p->l.next.line;

	if (!conf_lex_has_text(&p->l)) {
		conf_error_add(p->errors, line,
		    "the name of an option is missing before \"%s\"", name);
		skip_line(p, line);
		return;
	}
	conf_lex(&p->l, false);
	if (conf_lex_has_text(&p->l) && p->l.next.line == line &&
	    conf_lex_ahead(&p->l) == CONF_TOKEN_OPEN) {
		title = conf_lex_text(&p->l);
		conf_lex(&p->l, false);
	}
	if (p->l.next.kind == CONF_TOKEN_OPEN) {
		open_section(p, name, title, line);
		conf_lex(&p->l, false);
	} else if (p->l.next.kind == CONF_TOKEN_SET ||
	    p->l.next.kind == CONF_TOKEN_ADD) {
		parse_assignment(p, name, line);
	} else {
		if (p->section != NULL && line == p->value_line)
			conf_error_add(p->errors, line,
			    "\"%.60s\" has no \"=\"; a value with spaces must "
			    "be in quotes",
			    name);
		else if (p->section != NULL)
			conf_name_error(
			    p->section->name, name, line, p->errors);
		skip_line(p, line);
	}
}

struct conf_section *
conf_parse(struct span text, struct conf_errors *errors)
{
	static const char mark[] = "\xef\xbb\xbf"; /* U+FEFF in UTF-8 */
	struct conf_parser p = { .errors = errors,
		.l = { .s = scan_of(text), .line = 1, .errors = errors } };

	scan_text_nocase(&p.l.s, mark);
	p.section = section_of(&p, "", NULL, 0);
	if (p.section == NULL)
		return NULL;
	conf_lex(&p.l, false);
	while (p.l.next.kind != CONF_TOKEN_END) {
		if (p.l.next.kind == CONF_TOKEN_CLOSE) {
			close_section(&p);
			conf_lex(&p.l, false);
		} else {
			parse_item(&p);
		}
	}
	if (p.opened != 0)
		conf_error_add(errors, p.opened,
		    "the section that begins here has no \"}\"");
	return p.sections;
}
