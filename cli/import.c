#include "cli/import.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/import_internal.h"
#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "conf/conf.h"
#include "conf/options.h"

/* Values from etc/avouch.conf. */
#define IMPORT_SOCKET "inet:8894@127.0.0.1"
#define IMPORT_MILTER "inet:127.0.0.1:8894" /* in Postfix syntax */
#define IMPORT_USER "avouch"
#define IMPORT_METRICS "unix:/run/avouch/metrics.sock"

enum {
	NOTE_MAX = 400,        /* bytes of a note */
	SHOWN_MAX = 100,       /* bytes of an imported line that are shown */
	NAMED_PATH_MAX = 1000, /* bytes of a path in another program's file */
	ELEMENT_MAX = 300,     /* bytes of a quoted list element */
};

struct element {
	struct element *next;
	const char *text; /* quoted */
};

struct source { /* the origin of a setting */
	struct source *next;
	const struct import_entry *entry;
};

struct setting {
	struct setting *next;
	const struct conf_option *option;
	const char *comment;      /* printed above an option without a
	                             counterpart; otherwise NULL */
	const char *value;        /* NULL for a list or a rejected value */
	struct element *elements; /* elements of a list */
	struct source *sources;
};

struct note {
	struct note *next;
	const struct import_entry *entry;
	const char *text;
	bool is_printed;
};

struct notes {
	struct note *first, **last;
};

struct import {
	struct arena *a;
	import_read *read;
	void *arg;
	struct import_file *files, **last_file;
	struct setting *settings;
	struct notes notes[IMPORT_NOTE_KINDS];
};

static const struct enum_token programs[] = {
	{ "unknown", IMPORT_UNKNOWN },
	{ "opendkim", IMPORT_OPENDKIM },
	{ "opendmarc", IMPORT_OPENDMARC },
	{ "policyd-spf", IMPORT_POLICYD_SPF },
};

const char *
import_program_name(enum import_program program)
{
	return enum_name(programs, ARRAY_SIZE(programs), (int)program);
}

struct import *
import_new(struct arena *a, import_read *read, void *arg)
{
	struct import *im = arena_alloc(a, sizeof(*im));

	if (im == NULL)
		return NULL;
	*im = (struct import){
		.a = a, .read = read, .arg = arg, .last_file = &im->files
	};
	for (size_t i = 0; i < IMPORT_NOTE_KINDS; i++)
		im->notes[i].last = &im->notes[i].first;
	return im;
}

/* ---- files of the other programs ---- */

static bool
is_name_end(int c)
{
	return c < 0 || c == '=' || ascii_is_wsp((unsigned char)c);
}

/* Parses "Name value" or "name = value".  Returns false if the line is
 * empty. */
static bool
read_line(struct span line, struct import_entry *e)
{
	struct scan s =
	    scan_of(span_trim(span_first(line, span_index(line, '#'))));
	const char *start = s.p;

	if (scan_done(&s))
		return false;
	while (!is_name_end(scan_peek(&s)))
		scan_next(&s);
	e->name = span_between(start, s.p);
	scan_fws(&s);
	if (scan_byte(&s, '='))
		scan_fws(&s);
	e->value = span_trim(scan_rest(&s));
	return true;
}

static enum import_program
program_of_path(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;

	if (strstr(name, "opendkim") != NULL)
		return IMPORT_OPENDKIM;
	if (strstr(name, "opendmarc") != NULL)
		return IMPORT_OPENDMARC;
	if (strstr(name, "spf") != NULL)
		return IMPORT_POLICYD_SPF;
	return IMPORT_UNKNOWN;
}

/* Returns the program that recognizes the largest number of these names, or
 * IMPORT_UNKNOWN if none recognizes any. */
static enum import_program
program_of_entries(const struct import_entry *e)
{
	size_t known[IMPORT_POLICYD_SPF + 1] = { 0 };
	enum import_program best = IMPORT_UNKNOWN;

	for (; e != NULL; e = e->next)
		for (int p = IMPORT_OPENDKIM; p <= IMPORT_POLICYD_SPF; p++)
			known[p] += import_rule_find((enum import_program)p,
					e->name) != NULL;
	for (int p = IMPORT_OPENDKIM; p <= IMPORT_POLICYD_SPF; p++)
		if (known[p] > known[best])
			best = (enum import_program)p;
	return best;
}

static bool
read_entries(struct import *im, struct import_file *file, struct span text)
{
	struct import_entry **last = &file->entries;
	struct scan s = scan_of(text);
	size_t n = 0;

	for (unsigned line = 1; !scan_done(&s); line++) {
		struct import_entry e = { .file = file, .line = line };
		struct span one = scan_until(&s, '\n');

		scan_byte(&s, '\n');
		if (!read_line(one, &e))
			continue;
		if (n++ == IMPORT_SETTINGS_MAX)
			return false;
		*last = arena_alloc(im->a, sizeof(**last));
		if (*last == NULL)
			return false;
		**last = e;
		last = &(*last)->next;
	}
	return true;
}

static void
convert_entries(struct import *im, const struct import_file *file)
{
	for (const struct import_entry *e = file->entries; e; e = e->next) {
		const struct import_rule *r =
		    import_rule_find(file->program, e->name);
		char name[60];
		struct buf b = buf_wrap(name, sizeof(name));

		buf_span(&b, e->name);
		if (r == NULL)
			import_note(im, e, IMPORT_CHANGES,
			    "not a known option of %s",
			    import_program_name(file->program));
		else if (import_entry_find(file, name) != e)
			import_note(
			    im, e, IMPORT_MOOT, "it is set again further down");
		else if (r->convert != NULL)
			r->convert(im, e);
		else
			import_note(im, e, r->kind, "%s", r->why);
	}
}

/* Converts the other program's defaults that treat mail differently from
 * ours. */
static bool
convert_defaults(struct import *im, const struct import_file *file)
{
	for (size_t i = 0; i < import_n_rules; i++) {
		const struct import_rule *r = &import_rules[i];
		struct import_entry *e;

		if (r->standard == NULL ||
		    (r->programs & 1U << file->program) == 0 ||
		    import_entry_find(file, r->name) != NULL ||
		    (r->otherwise != NULL &&
			import_entry_find(file, r->otherwise) != NULL))
			continue;
		e = arena_alloc(im->a, sizeof(*e));
		if (e == NULL)
			return false;
		*e = (struct import_entry){ .file = file,
			.name = span_str(r->name),
			.value = span_str(r->standard) };
		r->convert(im, e);
	}
	return true;
}

/* Whether this opendkim only signs.  If so, avouch does not replace it. */
static bool
only_signs(struct import *im, const struct import_file *file)
{
	const struct import_entry *mode = file->program == IMPORT_OPENDKIM
	    ? import_entry_find(file, "Mode")
	    : NULL;

	if (mode == NULL || span_has(mode->value, 'v') ||
	    !span_has(mode->value, 's'))
		return false;
	import_note(im, mode, IMPORT_MOOT,
	    "this opendkim only signs, and stays in use: nothing in this file "
	    "is imported; `avouch key import` imports its keys");
	return true;
}

bool
import_add(struct import *im, const char *path, struct span text)
{
	struct import_file *file = arena_alloc(im->a, sizeof(*file));
	struct buf shown = buf_alloc(im->a, NAMED_PATH_MAX + 1);

	if (file == NULL || shown.p == NULL)
		return false;
	/* the path is printed in a comment, so it must not contain a newline */
	buf_printable(&shown, span_str(path), NAMED_PATH_MAX);
	*file = (struct import_file){ .program = program_of_path(path),
		.path = shown.p };
	if (!read_entries(im, file, text))
		return false;
	if (file->program == IMPORT_UNKNOWN)
		file->program = program_of_entries(file->entries);
	if (file->program == IMPORT_UNKNOWN)
		return false;
	*im->last_file = file;
	im->last_file = &file->next;
	if (only_signs(im, file))
		return !arena_has_failed(im->a);
	convert_entries(im, file);
	return convert_defaults(im, file) && !arena_has_failed(im->a);
}

const struct import_entry *
import_entry_find(const struct import_file *file, const char *name)
{
	const struct import_entry *found = NULL;

	for (const struct import_entry *e = file->entries; e; e = e->next)
		if (span_is_nocase(e->name, name))
			found = e;
	return found;
}

static struct span
read_named(struct import *im, struct span path)
{
	struct span name = arena_copy(im->a, path);

	if (name.p == NULL || path.n > NAMED_PATH_MAX)
		return SPAN_NONE;
	return im->read(im->arg, name.p, im->a);
}

/* ---- lists in their settings ---- */

static bool
is_separator(unsigned char c)
{
	return c == ',' || ascii_is_space(c);
}

static bool
is_no_separator(unsigned char c)
{
	return !is_separator(c);
}

bool
import_list_open(struct import *im, const struct import_entry *e,
    struct scan *s, bool *is_file)
{
	struct span value = e->value;

	*is_file = false;
	if (span_starts_nocase(value, "csl:"))
		value = span_skip(value, 4);
	else if (span_starts_nocase(value, "file:"))
		*is_file = true, value = span_skip(value, 5);
	else if (span_starts_nocase(value, "refile:"))
		*is_file = true, value = span_skip(value, 7);
	else if (span_starts_nocase(value, "/"))
		*is_file = true;
	else if (span_has(value, ':') && span_index(value, ':') + 1 < value.n &&
	    value.p[span_index(value, ':') + 1] == '/') {
		import_note(im, e, IMPORT_CHANGES,
		    "this type of data set cannot be read");
		return false;
	}
	if (*is_file) {
		struct span text = read_named(im, value);

		if (text.p == NULL) {
			import_note(
			    im, e, IMPORT_CHANGES, "the file cannot be read");
			return false;
		}
		value = text;
	}
	*s = scan_of(value);
	return true;
}

bool
import_list_next(struct scan *s, bool is_file, struct span *element)
{
	for (;;) {
		scan_while(s, is_separator);
		if (scan_done(s))
			return false;
		if (!is_file || scan_peek(s) != '#')
			break;
		scan_until(s, '\n');
	}
	*element = scan_while(s, is_no_separator);
	return true;
}

/* ---- our settings ---- */

void
import_put_quoted(struct buf *b, struct span text)
{
	buf_byte(b, '"');
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '"' || text.p[i] == '\\' || text.p[i] == '$')
			buf_byte(b, '\\');
		buf_byte(b, text.p[i]);
	}
	buf_byte(b, '"');
}

void
import_note(struct import *im, const struct import_entry *e,
    enum import_note_kind kind, const char *format, ...)
{
	struct note *n = arena_alloc(im->a, sizeof(*n));
	char text[NOTE_MAX];
	struct buf b = buf_alloc(im->a, NOTE_MAX);
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	buf_printable(&b, span_str(text), NOTE_MAX);
	if (n == NULL || b.p == NULL)
		return;
	*n = (struct note){ .entry = e, .text = b.p };
	*im->notes[kind].last = n;
	im->notes[kind].last = &n->next;
}

static struct setting *
find_setting(struct import *im, const struct conf_option *o)
{
	struct setting *s = im->settings;

	while (s != NULL && s->option != o)
		s = s->next;
	if (s != NULL)
		return s;
	s = arena_alloc(im->a, sizeof(*s));
	if (s == NULL)
		return NULL;
	*s = (struct setting){ .next = im->settings, .option = o };
	im->settings = s;
	return s;
}

static bool
add_source(struct import *im, struct setting *s, const struct import_entry *e)
{
	struct source **last = &s->sources;

	for (; *last != NULL; last = &(*last)->next)
		if ((*last)->entry == e)
			return true;
	*last = arena_alloc(im->a, sizeof(**last));
	if (*last == NULL)
		return false;
	**last = (struct source){ NULL, e };
	return true;
}

/* Whether our own parser accepts `name = value`.  If not, adds the parser's
 * message as a note. */
static bool
is_taken(struct import *im, const struct import_entry *e,
    const struct conf_option *o, const char *value)
{
	char *text = NULL, *message = NULL;
	size_t text_size, message_size;
	FILE *t = open_memstream(&text, &text_size);
	FILE *f = open_memstream(&message, &message_size);
	bool ok = false;

	if (t != NULL && f != NULL) {
		if (o->section[0] != '\0')
			fprintf(
			    t, "%s { %s = %s }", o->section, o->name, value);
		else
			fprintf(t, "%s = %s", o->name, value);
		fflush(t);
		ok = conf_check_text(span_of(text, text_size), "", f);
		fflush(f);
		if (!ok && strncmp(message, ":1: ", 4) == 0)
			import_note(im, e, IMPORT_CHANGES,
			    "not valid in avouch: %.*s",
			    (int)strcspn(message + 4, "\n"), message + 4);
	}
	if (t != NULL)
		fclose(t);
	if (f != NULL)
		fclose(f);
	free(text);
	free(message);
	return ok;
}

void
import_set(struct import *im, const struct import_entry *e, const char *section,
    const char *name, const char *value)
{
	const struct conf_option *o = conf_option_find(section, name);
	struct setting *s = find_setting(im, o);
	const struct import_entry *first;

	if (s == NULL || !is_taken(im, e, o, value))
		return;
	if (s->value == NULL) {
		if (add_source(im, s, e))
			s->value = arena_copy(im->a, span_str(value)).p;
		return;
	}
	first = s->sources->entry;
	if (strcmp(s->value, value) == 0)
		add_source(im, s, e);
	else
		import_note(im, e, IMPORT_CHANGES,
		    "%s is already %s, set by %s:%u", name, s->value,
		    first->file->path, first->line);
}

void
import_list(struct import *im, const struct import_entry *e,
    const char *section, const char *name, struct span element)
{
	const struct conf_option *o = conf_option_find(section, name);
	struct setting *s = find_setting(im, o);
	struct element **last;
	char text[ELEMENT_MAX + 1];
	struct buf b = buf_wrap(text, sizeof(text));

	import_put_quoted(&b, element);
	if (s == NULL || !is_taken(im, e, o, text) || !add_source(im, s, e))
		return;
	for (last = &s->elements; *last != NULL; last = &(*last)->next)
		if (strcmp((*last)->text, text) == 0)
			return;

	struct element *one = arena_alloc(im->a, sizeof(*one));
	struct span copy = arena_copy(im->a, buf_view(&b));

	if (one == NULL || copy.p == NULL)
		return; /* import_print() reports it */
	one->text = copy.p;
	*last = one;
}

/* ---- output ---- */

static void
print_entry(const struct import_entry *e, const char *indent, FILE *out)
{
	char value[SHOWN_MAX + 4];
	struct buf b = buf_wrap(value, sizeof(value));

	buf_printable(&b, e->name, SHOWN_MAX);
	buf_byte(&b, ' ');
	buf_printable(&b, e->value, SHOWN_MAX - b.n);
	if (e->line != 0)
		fprintf(out, "%s# %s:%u: %s\n", indent, e->file->path, e->line,
		    value);
	else
		fprintf(out, "%s# %s: %s (not set: the default of %s)\n",
		    indent, e->file->path, value,
		    import_program_name(e->file->program));
}

static void
print_setting(const struct setting *s, const char *indent, FILE *out)
{
	const char *comma = "";

	if (s->comment != NULL)
		fprintf(out, "%s# %s\n", indent, s->comment);
	for (const struct source *w = s->sources; w != NULL; w = w->next)
		print_entry(w->entry, indent, out);
	if (s->value != NULL) {
		fprintf(out, "%s%s = %s\n", indent, s->option->name, s->value);
		return;
	}
	fprintf(out, "%s%s %s {", indent, s->option->name,
	    strcmp(s->option->default_text, "{}") == 0 ? "=" : "+=");
	for (const struct element *e = s->elements; e != NULL; e = e->next) {
		fprintf(out, "%s\n%s\t%s", comma, indent, e->text);
		comma = ",";
	}
	fprintf(out, "\n%s}\n", indent);
}

static void
print_section(const struct import *im, const char *section, FILE *out)
{
	const char *indent = section[0] != '\0' ? "\t" : "";
	bool open = false;

	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];
		const struct setting *s = im->settings;

		while (s != NULL && s->option != o)
			s = s->next;
		if (s == NULL || strcmp(o->section, section) != 0 ||
		    (s->value == NULL && s->elements == NULL))
			continue;
		if (!open && section[0] != '\0')
			fprintf(out, "\n%s {\n", section);
		else if (section[0] == '\0')
			fputc('\n', out);
		open = true;
		print_setting(s, indent, out);
	}
	if (open && section[0] != '\0')
		fputs("}\n", out);
}

/* Prints a note once, after all entries of the file that have the same note. */
static void
print_note(struct note *n, FILE *out)
{
	const struct import_file *file = n->entry->file;

	if (n->is_printed)
		return;
	fputs("#\n", out);
	for (struct note *o = n; o != NULL && o->entry->file == file;
	     o = o->next) {
		if (strcmp(o->text, n->text) != 0)
			continue;
		print_entry(o->entry, "", out);
		o->is_printed = true;
	}
	fprintf(out, "#\t%s\n", n->text);
}

static void
print_notes(
    struct import *im, enum import_note_kind kind, const char *title, FILE *out)
{
	if (im->notes[kind].first != NULL && title != NULL)
		fprintf(out, "\n# %s\n", title);
	for (struct note *n = im->notes[kind].first; n != NULL; n = n->next)
		print_note(n, out);
}

static bool
has_program(const struct import *im, enum import_program program)
{
	for (const struct import_file *f = im->files; f != NULL; f = f->next)
		if (f->program == program)
			return true;
	return false;
}

static void
print_todo(struct import *im, FILE *out)
{
	fputs("#\n# What to do now; MIGRATING.md has the details:\n#\n"
	      "# 1. Save this as " CONF_DEFAULT_FILE
	      ", run `avouch config check`, and\n"
	      "#    `systemctl restart avouch-milter`.\n"
	      "# 2. In /etc/postfix/main.cf put avouch before the other "
	      "milters.  Keep\n#    those for now, so that nothing changes "
	      "yet:\n"
	      "#    smtpd_milters = { " IMPORT_MILTER
	      ", default_action=accept }, ...\n"
	      "# 3. Watch `avouch status` and the log for some days.\n"
	      "# 4. Then set mode = enforce, and remove what avouch replaces:"
	      "\n",
	    out);
	if (has_program(im, IMPORT_OPENDMARC))
		fputs("#    opendmarc, from smtpd_milters and "
		      "non_smtpd_milters;\n",
		    out);
	if (has_program(im, IMPORT_POLICYD_SPF))
		fputs("#    the check_policy_service of policyd-spf, from "
		      "smtpd_*_restrictions;\n",
		    out);
	if (has_program(im, IMPORT_OPENDKIM))
		fputs("#    opendkim, unless it signs.\n", out);
	print_notes(im, IMPORT_TODO, NULL, out);
}

/* Sets the options that have no counterpart in the imported files to the values
 * in etc/avouch.conf. */
static void
set_own(struct import *im)
{
	static const struct {
		const char *section, *name, *value, *comment;
	} own[] = {
		{ "", "socket", "\"" IMPORT_SOCKET "\"",
		    "avouch's own socket: the other programs keep theirs" },
		{ "", "user", "\"" IMPORT_USER "\"", "avouch's own user" },
		{ "", "mode", "monitor",
		    "until this is set to enforce, nothing is refused, held or "
		    "marked as spam" },
		{ "metrics", "listen", "\"" IMPORT_METRICS "\"",
		    "for `avouch status`" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
		struct setting *s = find_setting(
		    im, conf_option_find(own[i].section, own[i].name));

		if (s == NULL)
			return; /* import_print() reports it */
		s->value = own[i].value;
		s->comment = own[i].comment;
	}
}

bool
import_print(struct import *im, FILE *out)
{
	const char *section = NULL;

	set_own(im);
	fputs("# Made by `avouch config import` from:\n", out);
	for (const struct import_file *f = im->files; f != NULL; f = f->next)
		fprintf(out, "#\t%s (%s)\n", f->path,
		    import_program_name(f->program));
	print_todo(im, out);
	for (size_t i = 0; i < conf_n_options; i++) {
		if (section != NULL &&
		    strcmp(section, conf_options[i].section) == 0)
			continue;
		section = conf_options[i].section;
		print_section(im, section, out);
	}
	print_notes(im, IMPORT_CHANGES, "What changes:", out);
	print_notes(im, IMPORT_MOOT, "What avouch does not need:", out);
	return !arena_has_failed(im->a) && !ferror(out);
}
