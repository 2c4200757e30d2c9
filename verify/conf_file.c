#include "verify/conf_file.h"

#include <confuse.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

/* Stands behind the text, to see whether the scanner gets there. */
#define END_NAME "__end_of_file__"

/* What libconfuse calls all that stands before and around the sections. */
#define ROOT_NAME "root"

enum { SECTIONS_MAX = 16 };

/* ---- what libconfuse calls ---- */

enum unknown_form { UNKNOWN_VALUE, UNKNOWN_SECTION, UNKNOWN_TITLED };

struct unknown { /* a name of no option, read past */
	const char *section;
	const char *name;
	enum unknown_form form;
};

struct reader {
	struct conf_faults *faults;
	struct conf_file *out;
	struct conf_entry **last;
	struct conf_title **last_title;
	cfg_t *root; /* its line stands still while a section is read */
	struct unknown unknown[CONF_UNKNOWN_MAX];
	size_t n_unknown;
	bool again;   /* one more was learned: read from the start */
	bool reached; /* END_NAME was met */
	bool failed;
};

/*
 * libconfuse has one scanner in the process and hands its callbacks no argument
 * of ours: who reads holds the lock, and is the reader.
 */
static pthread_mutex_t scanner_lock = PTHREAD_MUTEX_INITIALIZER;
static struct reader *reader;

static unsigned
line_of(const cfg_t *cfg)
{
	return cfg->line > 0 ? (unsigned)cfg->line : 0;
}

/* The table's name of a section. */
static const char *
section_of(const cfg_t *cfg)
{
	return strcmp(cfg->name, ROOT_NAME) == 0 ? "" : cfg->name;
}

static const char *
keep(const char *text)
{
	struct span copy = arena_copy(reader->faults->arena, span_str(text));

	if (copy.p == NULL)
		reader->faults->lost = true;
	return copy.p;
}

static const char *
keep_title(const char *title, unsigned line)
{
	struct conf_title *t = reader->out->titles;

	for (; t != NULL; t = t->next)
		if (strcmp(t->name, title) == 0)
			return t->name;
	if (reader->out->n_titles == CONF_OVERRIDES_MAX) {
		conf_fault(reader->faults, line,
		    "override: more than %d sections", CONF_OVERRIDES_MAX);
		return NULL;
	}
	t = arena_alloc(reader->faults->arena, sizeof(*t));
	if (t != NULL)
		*t = (struct conf_title){ NULL, keep(title), line };
	if (t == NULL || t->name == NULL) {
		reader->faults->lost = true;
		return NULL;
	}
	*reader->last_title = t;
	reader->last_title = &t->next;
	reader->out->n_titles++;
	return t->name;
}

static struct conf_entry *
find_entry(const struct conf_option *o, const char *title)
{
	for (struct conf_entry *e = reader->out->entries; e; e = e->next)
		if (e->option == o &&
		    (title == NULL || strcmp(e->title, title) == 0))
			return e;
	return NULL;
}

static struct conf_entry *
new_entry(const struct conf_option *o, const char *title)
{
	struct conf_entry *e = arena_alloc(reader->faults->arena, sizeof(*e));

	if (e == NULL) {
		reader->faults->lost = true;
		return NULL;
	}
	*e = (struct conf_entry){ .option = o, .title = title };
	*reader->last = e;
	reader->last = &e->next;
	return e;
}

static void
add_word(struct conf_entry *e, const char *value, unsigned line)
{
	struct conf_word *w = arena_alloc(reader->faults->arena, sizeof(*w));

	if (e->n_words == CONF_WORDS_MAX) {
		conf_fault(reader->faults, line, "%s: more than %d values",
		    e->option->name, CONF_WORDS_MAX);
		return;
	}
	if (w != NULL)
		*w = (struct conf_word){ NULL, keep(value), line };
	if (w == NULL || w->text == NULL) {
		reader->faults->lost = true;
		return;
	}
	if (e->last != NULL)
		e->last->next = w;
	else
		e->words = w;
	e->last = w;
	e->n_words++;
}

static void
forget_words(struct conf_entry *e)
{
	e->words = NULL;
	e->last = NULL;
	e->n_words = 0;
}

/* A value of one of our options, the `nth` since its last "=". */
static void
take_value(
    cfg_t *cfg, const struct conf_option *o, const char *value, unsigned nth)
{
	unsigned line = line_of(cfg);
	const char *title = NULL;

	if (cfg->title != NULL) {
		title = keep_title(cfg->title, line_of(reader->root));
		if (title == NULL)
			return;
	}

	struct conf_entry *e = find_entry(o, title);

	if (e != NULL && nth == 1 && e->line != 0)
		conf_fault(reader->faults, line,
		    "%s: is already set on line %u; keep one of them", o->name,
		    e->line);
	if (e == NULL)
		e = new_entry(o, title);
	if (e == NULL)
		return;
	if (nth == 1) {
		forget_words(e);
		e->line = line;
	} else if (e->is_default) { /* "+=" onto the defaults */
		e->line = line;
	}
	e->is_default = line == 0;
	add_word(e, value, line);
}

/* cfg_callback_t: never fails, so that libconfuse goes on to the next value. */
static int
take(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	const struct conf_option *o;

	*(const char **)result = value;
	if (strcmp(opt->name, END_NAME) == 0) {
		reader->reached = true;
		return 0;
	}
	o = conf_option_find(section_of(cfg), opt->name);
	if (o != NULL)
		take_value(cfg, o, value, opt->nvalues);
	else /* libconfuse takes "section|name" as well */
		conf_fault(reader->faults, line_of(cfg),
		    "%s: can only be set within the braces of its section",
		    opt->name);
	return 0;
}

/* Of a name that was told to be unknown. */
static int
pass_over(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)cfg;
	(void)opt;
	*(const char **)result = value;
	return 0;
}

static struct unknown *
find_unknown(const char *section, const char *name)
{
	for (size_t i = 0; i < reader->n_unknown; i++)
		if (strcmp(reader->unknown[i].section, section) == 0 &&
		    strcmp(reader->unknown[i].name, name) == 0)
			return &reader->unknown[i];
	return NULL;
}

/* Learns a name, to read past it from now on. */
static bool
learn(const char *section, const char *name)
{
	struct unknown *u = &reader->unknown[reader->n_unknown];

	if (reader->n_unknown == CONF_UNKNOWN_MAX || name[0] == '\0' ||
	    strcmp(name, ROOT_NAME) == 0 || find_unknown(section, name) != NULL)
		return false;
	*u = (struct unknown){ keep(section), keep(name), UNKNOWN_VALUE };
	if (u->section == NULL || u->name == NULL)
		return false;
	reader->n_unknown++;
	return true;
}

static bool
is_our_section(const char *section)
{
	for (size_t i = 0; i < conf_n_options; i++)
		if (strcmp(conf_options[i].section, section) == 0)
			return true;
	return false;
}

static void
tell_unknown(const char *section, const char *name, unsigned line)
{
	const char *where = section[0] == '\0' ? "" : " in section ";
	const char *other = conf_option_elsewhere(section, name);
	const char *near = conf_option_nearest(section, name);

	if (!is_our_section(section))
		return; /* the section's name was told already */
	if (section[0] != '\0' && is_our_section(name))
		conf_fault(reader->faults, line,
		    "%s: a section cannot stand within section %s; is the "
		    "\"}\" of that one missing?",
		    name, section);
	else if (other != NULL && other[0] != '\0')
		conf_fault(reader->faults, line,
		    "%s: there is no such option%s%s; section %s has it", name,
		    where, section, other);
	else if (other != NULL)
		conf_fault(reader->faults, line,
		    "%s: there is no such option%s%s; it stands before all "
		    "sections",
		    name, where, section);
	else if (near != NULL)
		conf_fault(reader->faults, line,
		    "%s: there is no such option%s%s; did you mean %s?", name,
		    where, section, near);
	else
		conf_fault(reader->faults, line,
		    "%s: there is no such option%s%s; avouch.conf(5) lists all",
		    name, where, section);
}

static void
meet_unknown(const cfg_t *cfg, const char *name)
{
	const char *section = section_of(cfg);

	tell_unknown(section, name, line_of(cfg));
	if (learn(section, name))
		reader->again = true;
}

/* "missing ... after `name`": an unknown name turns out to be a section's. */
static bool
meet_section(const cfg_t *cfg, const char *name, enum unknown_form form)
{
	struct unknown *u = find_unknown(section_of(cfg), name);

	/* sections of ours do not nest, so those we read past need not */
	if (u == NULL || u->form >= form || u->section[0] != '\0')
		return false;
	u->form = form;
	reader->again = true;
	return true;
}

/* libconfuse's own words, as the library of 3.3 has them; cfg_errfunc_t. */
static void __attribute__((format(printf, 2, 0)))
fail(cfg_t *cfg, const char *format, va_list ap)
{
	static const char no_option[] = "no such option '%s'";
	static const char no_equal[] = "missing equal sign after option '%s'";
	static const char no_brace[] = "missing opening brace for section '%s'";
	static const char duplicate[] = "found duplicate title '%s'";
	static const char no_title[] = "missing title for section '%s'";

	reader->failed = true;
	if (strcmp(format, no_option) == 0) {
		meet_unknown(cfg, va_arg(ap, const char *));
	} else if (strcmp(format, no_equal) == 0) {
		const char *name = va_arg(ap, const char *);

		if (!meet_section(cfg, name, UNKNOWN_SECTION) &&
		    find_unknown(section_of(cfg), name) == NULL)
			conf_fault(reader->faults, line_of(cfg),
			    "%s: an equal sign and a value must follow", name);
	} else if (strcmp(format, no_brace) == 0) {
		const char *name = va_arg(ap, const char *);

		if (!meet_section(cfg, name, UNKNOWN_TITLED))
			conf_fault(reader->faults, line_of(cfg),
			    "%s: a section in braces must follow", name);
	} else if (strcmp(format, duplicate) == 0) {
		conf_fault(reader->faults, line_of(cfg),
		    "override \"%s\": stands twice; give each its own name",
		    va_arg(ap, const char *));
	} else if (strcmp(format, no_title) == 0) {
		const char *name = va_arg(ap, const char *);

		conf_fault(reader->faults, line_of(cfg),
		    "%s: a name must follow, such as %s \"a partner\" {", name,
		    name);
	} else {
		conf_fault_list(reader->faults, line_of(cfg), format, ap);
	}
}

/* ---- the table as libconfuse wants it ---- */

static cfg_opt_t
option_of(const struct conf_option *o)
{
	if (!conf_type_is_list(o->type))
		return (cfg_opt_t)CFG_STR_CB(o->name, 0, CFGF_NODEFAULT, take);

	/* with "{}" the list would count as set */
	struct span standard = { NULL, 0 };

	if (strcmp(o->standard, "{}") != 0) {
		standard =
		    arena_copy(reader->faults->arena, span_str(o->standard));
		if (standard.p == NULL)
			reader->faults->lost = true;
	}

	cfg_opt_t opt = CFG_STR_LIST_CB(o->name, 0, CFGF_NONE, take);

	/* the copy is ours to hand over, whatever the type of `p` says */
	memcpy(&opt.def.parsed, &standard.p, sizeof(opt.def.parsed));
	return opt;
}

static cfg_opt_t *options_of(const char *section);

static cfg_opt_t
unknown_of(const struct unknown *u)
{
	cfg_flag_t flags =
	    u->form == UNKNOWN_TITLED ? CFGF_MULTI | CFGF_TITLE : CFGF_MULTI;

	if (u->form == UNKNOWN_VALUE)
		return (cfg_opt_t)CFG_STR_LIST_CB(
		    u->name, 0, CFGF_NONE, pass_over);
	return (cfg_opt_t)CFG_SEC(u->name, options_of(u->name), flags);
}

static cfg_opt_t
section_opt(const char *name)
{
	cfg_flag_t flags = strcmp(name, CONF_SECTION_OVERRIDE) == 0
	    ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
	    : CFGF_NONE;

	return (cfg_opt_t)CFG_SEC(name, options_of(name), flags);
}

/* An array for cfg_init() or CFG_SEC(), in the arena; NULL: no memory. */
static cfg_opt_t *
options_of(const char *section)
{
	size_t max = conf_n_options + SECTIONS_MAX + reader->n_unknown + 2;
	cfg_opt_t *opts =
	    arena_array(reader->faults->arena, max, sizeof(*opts));
	size_t n = 0;

	if (opts == NULL) {
		reader->faults->lost = true;
		return NULL;
	}
	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];

		if (strcmp(o->section, section) == 0)
			opts[n++] = option_of(o);
		else if (section[0] == '\0' &&
		    strcmp(o->section, o[-1].section) != 0)
			opts[n++] = section_opt(o->section);
	}
	for (size_t i = 0; i < reader->n_unknown; i++)
		if (strcmp(reader->unknown[i].section, section) == 0)
			opts[n++] = unknown_of(&reader->unknown[i]);
	if (section[0] == '\0')
		opts[n++] =
		    (cfg_opt_t)CFG_STR_CB(END_NAME, 0, CFGF_NODEFAULT, take);
	opts[n] = (cfg_opt_t)CFG_END();
	return opts;
}

/* ---- one reading ---- */

/* "name = {}" calls nobody back, but leaves its mark. */
static void
take_empty_lists(const cfg_t *cfg, const char *section, const char *title)
{
	for (const cfg_opt_t *opt = cfg->opts; opt->name != NULL; opt++) {
		const struct conf_option *o =
		    conf_option_find(section, opt->name);

		if (o == NULL || opt->nvalues != 0 ||
		    (opt->flags & (CFGF_RESET | CFGF_LIST)) !=
			(CFGF_RESET | CFGF_LIST))
			continue;

		struct conf_entry *e = find_entry(o, title);

		if (e == NULL)
			e = new_entry(o, title);
		if (e == NULL)
			return;
		forget_words(e);
		e->line = 0;
		e->is_default = false;
	}
}

static void
take_rest(cfg_t *root)
{
	take_empty_lists(root, "", NULL);
	for (const cfg_opt_t *opt = root->opts; opt->name != NULL; opt++) {
		if (opt->type != CFGT_SEC || !is_our_section(opt->name))
			continue;
		for (unsigned i = 0; i < opt->nvalues; i++) {
			const cfg_t *sec = opt->values[i]->section;
			const char *title = NULL;

			if (sec->title != NULL) {
				title = keep_title(sec->title, line_of(sec));
				if (title == NULL)
					return;
			}
			take_empty_lists(sec, opt->name, title);
		}
	}
}

/* True: the text was read to what libconfuse takes for its end. */
static bool
read_once(const char *text)
{
	bool good = false;

	*reader->out = (struct conf_file){ .complete = false };
	reader->last = &reader->out->entries;
	reader->last_title = &reader->out->titles;
	reader->again = false;
	reader->failed = false;
	reader->root = NULL;

	cfg_opt_t *opts = options_of("");

	if (opts == NULL || reader->faults->lost)
		return false;

	cfg_t *cfg = cfg_init(opts, CFGF_NONE);

	if (cfg == NULL) {
		reader->faults->lost = true;
		return false;
	}
	reader->root = cfg;
	cfg_set_error_function(cfg, fail);
	good = cfg_parse_buf(cfg, text) == CFG_SUCCESS && !reader->failed;
	if (good)
		take_rest(cfg);
	else if (!reader->failed) /* it keeps silent about an empty name */
		conf_fault(reader->faults, line_of(cfg),
		    "cannot be read; is a name missing?");
	reader->root = NULL;
	cfg_free(cfg);
	return good;
}

/*
 * libconfuse takes what is open at the end for closed: what stands behind it
 * would silently not count.  conf_form_check() tells where; here it is made
 * sure, whatever a version of the library takes for a comment.
 */
static void
check_end(const char *text, struct conf_file *out)
{
	struct conf_file scrap;
	size_t n = strlen(text);
	struct buf b =
	    buf_in(reader->faults->arena, n + sizeof("\n" END_NAME " = x\n"));

	buf_text(&b, text);
	buf_text(&b, "\n" END_NAME " = x\n");
	if (b.full) {
		reader->faults->lost = true;
		return;
	}
	reader->out = &scrap;
	reader->faults->muted = true;
	read_once(b.p);
	reader->faults->muted = false;
	reader->out = out;
	out->complete = reader->reached;
}

void
conf_file_parse(
    const char *text, struct conf_faults *faults, struct conf_file *out)
{
	struct reader r = { .faults = faults, .out = out };
	bool good;

	pthread_mutex_lock(&scanner_lock);
	reader = &r;
	/* each reading learns a name, or that it is a section's: it ends */
	do {
		good = read_once(text);
	} while (r.again);
	if (good)
		check_end(text, out);
	reader = NULL;
	pthread_mutex_unlock(&scanner_lock);
}
