#include "verify/conf_form.h"

#include "lib/ascii.h"
#include "lib/scan.h"

enum { DEPTH_MAX = 8 }; /* open braces whose lines are kept */

struct walk {
	struct scan s;
	char *text; /* that `s` walks over */
	unsigned line;
	struct conf_faults *faults;
	unsigned open[DEPTH_MAX]; /* line of each "{" */
	size_t depth;
	bool found; /* something it would read otherwise than it looks */
};

static int
next(struct walk *w)
{
	int c = scan_next(&w->s);

	if (c == '\n')
		w->line++;
	return c;
}

static bool
is_ahead(const struct walk *w, const char *two)
{
	struct span rest = scan_rest(&w->s);

	return rest.n >= 2 && rest.p[0] == two[0] && rest.p[1] == two[1];
}

/* One byte of a comment; libconfuse will not see it. */
static void
blank(struct walk *w)
{
	size_t at = (size_t)(w->s.p - w->text);

	if (next(w) != '\n')
		w->text[at] = ' ';
}

static void
pass_line_comment(struct walk *w)
{
	while (!scan_done(&w->s) && scan_peek(&w->s) != '\n')
		blank(w);
}

static bool
pass_comment(struct walk *w)
{
	unsigned line = w->line;

	blank(w);
	blank(w);
	while (!scan_done(&w->s)) {
		bool is_end = is_ahead(w, "*/");

		blank(w);
		if (is_end) {
			blank(w);
			return true;
		}
	}
	conf_fault(w->faults, line, "this comment is not closed by \"*/\"");
	return false;
}

/* A string in double or single quotes; only in double ones "$" is special. */
static bool
pass_string(struct walk *w)
{
	unsigned line = w->line;
	int quote = next(w);

	while (!scan_done(&w->s)) {
		if (quote == '"' && is_ahead(w, "${")) {
			w->found = true;
			conf_fault(w->faults, w->line,
			    "${...} would be a variable of the environment, "
			    "which is not taken; for the text itself write "
			    "\\${");
		}

		int c = next(w);

		if (c == quote)
			return true;
		if (c == '\\')
			next(w);
	}
	conf_fault(w->faults, line, "this text is not closed by %c", quote);
	return false;
}

static bool
is_word(unsigned char c)
{
	static const struct span others = { " \t\r\n\"'#={}()+,*$/", 17 };

	return !span_has(others, (char)c);
}

/* Bytes of a word that libconfuse would drop, or take for a comment's. */
static void
pass_word(struct walk *w)
{
	unsigned line = w->line;
	bool odd = false;

	while (!scan_done(&w->s)) {
		int c = scan_peek(&w->s);

		if (c == '*' || c == '$' || c == '#' || is_ahead(w, "//") ||
		    (c == '+' && !is_ahead(w, "+=")))
			odd = true;
		else if (c != '/' && !is_word((unsigned char)c))
			break;
		next(w);
	}
	if (!odd)
		return;
	w->found = true;
	conf_fault(w->faults, line,
	    "a value with *, +, $, # or // must stand in quotes");
}

static bool
pass_one(struct walk *w)
{
	int c = scan_peek(&w->s);

	if (c == '#' || is_ahead(w, "//")) {
		pass_line_comment(w);
	} else if (is_ahead(w, "/*")) {
		return pass_comment(w);
	} else if (c == '"' || c == '\'') {
		return pass_string(w);
	} else if (c == '{') {
		if (w->depth < DEPTH_MAX)
			w->open[w->depth] = w->line;
		w->depth++;
		next(w);
	} else if (c == '}') {
		if (w->depth > 0)
			w->depth--;
		next(w);
	} else if (ascii_is_space((unsigned char)c) || c == '=' || c == ',' ||
	    c == '(' || c == ')' || is_ahead(w, "+=")) {
		next(w);
		if (c == '+')
			next(w);
	} else {
		pass_word(w);
	}
	return true;
}

bool
conf_form_clean(char *text, struct conf_faults *faults)
{
	struct walk w = { .s = scan_of(span_str(text)),
		.text = text,
		.line = 1,
		.faults = faults };

	while (!scan_done(&w.s))
		if (!pass_one(&w))
			return false;
	if (w.depth == 0)
		return !w.found;
	conf_fault(faults, w.depth <= DEPTH_MAX ? w.open[w.depth - 1] : 0,
	    "this \"{\" is not closed by \"}\"");
	return false;
}
