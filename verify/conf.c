#include "verify/conf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/url.h"
#include "verify/conf_build.h"
#include "verify/conf_file.h"
#include "verify/conf_form.h"
#include "verify/conf_table.h"
#include "verify/conf_value.h"

enum {
	SNAPSHOT_MEMORY = 16 << 20, /* bytes one configuration may take */
	READING_MEMORY = 64 << 20,  /* and its reading */
};

/* ---- building a snapshot ---- */

struct building {
	struct conf *conf;
	struct conf_origins *origins;
	struct arena *a;
	struct conf_faults *faults;
	const struct conf_file *file;
};

static size_t
index_of(const struct conf_option *o)
{
	return (size_t)(o - conf_options);
}

static bool
is_override(const struct conf_option *o)
{
	return strcmp(o->section, CONF_SECTION_OVERRIDE) == 0;
}

/* A default that the file would have to say; never a fault. */
static void
set_standard(struct building *b, const struct conf_option *o, void *base)
{
	const struct conf_word word = { NULL, o->standard, 0 };

	if (!conf_type_is_list(o->type) && o->standard[0] != '\0')
		conf_value_read(o, &word, base, b->a, b->faults);
}

static size_t
override_index(const struct building *b, const char *title)
{
	size_t i = 0;

	for (const struct conf_title *t = b->file->titles; t != NULL;
	     t = t->next, i++)
		if (strcmp(t->name, title) == 0)
			break;
	return i;
}

static bool
make_overrides(struct building *b)
{
	size_t n = b->file->n_titles, i = 0;

	if (n == 0)
		return true;
	b->conf->overrides = arena_array(b->a, n, sizeof(*b->conf->overrides));
	b->origins->overrides =
	    arena_array(b->a, n, sizeof(*b->origins->overrides));
	if (b->conf->overrides == NULL || b->origins->overrides == NULL)
		return false;
	for (const struct conf_title *t = b->file->titles; t != NULL;
	     t = t->next, i++) {
		struct conf_override *o = &b->conf->overrides[i];

		o->line = t->line;
		b->origins->overrides[i] = arena_array(
		    b->a, conf_n_options, sizeof(struct conf_origin));
		if (b->origins->overrides[i] == NULL)
			return false;

		struct span name = arena_copy(b->a, span_str(t->name));

		if (name.p == NULL)
			return false;
		memcpy(&o->name, &name.p, sizeof(o->name));
	}
	b->conf->n_overrides = n;
	return true;
}

static void
set_entry(struct building *b, const struct conf_entry *e)
{
	const struct conf_option *o = e->option;
	struct conf_origin *origin = &b->origins->options[index_of(o)];
	void *base = b->conf;

	if (e->title != NULL) {
		size_t i = override_index(b, e->title);

		origin = &b->origins->overrides[i][index_of(o)];
		base = &b->conf->overrides[i];
	}
	conf_value_read(o, e->words, base, b->a, b->faults);
	if (!e->is_default)
		*origin = (struct conf_origin){ e->line, true };
}

/* ---- what no single value shows ---- */

static unsigned
line_of(const struct building *b, const char *section, const char *name)
{
	const struct conf_option *o = conf_option_find(section, name);

	return o != NULL ? b->origins->options[index_of(o)].line : 0;
}

static bool
has_condition(const struct conf_origin *set)
{
	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];

		if (is_override(o) && conf_type_is_list(o->type) &&
		    set[i].is_set)
			return true;
	}
	return false;
}

static void
check_override(struct building *b, size_t i)
{
	const struct conf_override *o = &b->conf->overrides[i];
	const struct conf_origin *set = b->origins->overrides[i];
	const struct conf_option *action =
	    conf_option_find(CONF_SECTION_OVERRIDE, "action");
	struct span name = span_str(o->name);
	bool printable = span_all(name, ascii_is_print);

	if (name.n == 0 || name.n > CONF_OVERRIDE_NAME_MAX || !printable)
		conf_fault(b->faults, o->line,
		    "override \"%.60s\": needs a name of 1 to %d printable "
		    "ASCII characters",
		    o->name, CONF_OVERRIDE_NAME_MAX);
	if (!set[index_of(action)].is_set)
		conf_fault(b->faults, o->line,
		    "override \"%.60s\": says no action; add one, such as "
		    "action = accept",
		    o->name);
	if (!has_condition(set))
		conf_fault(b->faults, o->line,
		    "override \"%.60s\": has no condition and would decide "
		    "about all mail; add one, such as from_domain",
		    o->name);
	for (size_t j = 0; j < conf_n_options; j++) {
		const struct conf_entry *e = b->file->entries;

		if (!is_override(&conf_options[j]) || !set[j].is_set ||
		    !conf_type_is_list(conf_options[j].type))
			continue;
		while (e != NULL &&
		    (e->option != &conf_options[j] ||
			strcmp(e->title, o->name) != 0))
			e = e->next;
		if (e != NULL && e->words == NULL)
			conf_fault(b->faults, o->line,
			    "override \"%.60s\": %s is empty and matches "
			    "nothing; leave it out to match all",
			    o->name, conf_options[j].name);
	}
}

static void
check_together(struct building *b)
{
	const struct conf *c = b->conf;

	for (size_t i = 0; i < c->n_overrides; i++)
		check_override(b, i);
	if (c->dkim.min_rsa_bits > c->dkim.max_rsa_bits)
		conf_fault(b->faults, line_of(b, "dkim", "min_rsa_bits"),
		    "min_rsa_bits: %u is more than max_rsa_bits, which is %u",
		    c->dkim.min_rsa_bits, c->dkim.max_rsa_bits);
	if (c->dns.first_ms > c->dns.total_ms)
		conf_fault(b->faults, line_of(b, "dns", "first_timeout"),
		    "first_timeout: is longer than the timeout of section dns");
}

/* ---- reading ---- */

static struct conf_origins *
snapshot_new(struct arena *a, const char *file)
{
	struct conf_origins *s = arena_alloc(a, sizeof(*s));
	struct span name = arena_copy(a, span_str(file));

	if (s == NULL || name.p == NULL)
		return NULL;
	s->arena = a;
	s->conf = arena_alloc(a, sizeof(*s->conf));
	s->options = arena_array(a, conf_n_options, sizeof(*s->options));
	s->file = name.p;
	atomic_init(&s->holders, 1);
	if (s->conf == NULL || s->options == NULL)
		return NULL;
	s->conf->origins = s;
	return s;
}

const struct conf *
conf_build(const char *text, const char *name, struct arena *snapshot,
    struct conf_faults *faults)
{
	struct conf_origins *s = NULL;
	struct conf_file file;
	struct building b = { .faults = faults, .file = &file };

	if (snapshot != NULL)
		s = snapshot_new(snapshot, name);
	if (s == NULL) {
		faults->lost = true;
		arena_free(snapshot);
		return NULL;
	}
	b.conf = s->conf;
	b.origins = s;
	b.a = snapshot;
	conf_file_parse(text, faults, &file);
	for (size_t i = 0; i < conf_n_options; i++)
		if (!is_override(&conf_options[i]))
			set_standard(&b, &conf_options[i], s->conf);
	if (make_overrides(&b)) {
		for (struct conf_entry *e = file.entries; e; e = e->next)
			set_entry(&b, e);
		if (file.complete)
			check_together(&b);
	}
	if (arena_has_failed(b.a))
		faults->lost = true;
	if (faults->n == 0 && !faults->lost && !file.complete)
		conf_fault(faults, 0, "cannot be read to its end");
	if (faults->n > 0 || faults->lost) {
		arena_free(snapshot);
		return NULL;
	}
	return s->conf;
}

/* A NUL would hide all that stands behind it. */
static bool
has_nul(struct span text, struct conf_faults *faults)
{
	unsigned line = 1;

	for (size_t i = 0; i < text.n && text.p[i] != '\0'; i++)
		line += text.p[i] == '\n';
	if (!span_has(text, '\0'))
		return false;
	conf_fault(faults, line, "holds a NUL byte");
	return true;
}

const struct conf *
conf_read_text(struct span text, const char *name, FILE *errors)
{
	struct arena *a = arena_new(READING_MEMORY);
	struct conf_faults faults = { .arena = a };
	const struct conf *c = NULL;
	struct buf copy = { .full = true };

	if (a != NULL)
		copy = buf_in(a, text.n + 1);
	buf_span(&copy, text);
	if (copy.full)
		faults.lost = true;
	else if (!has_nul(text, &faults) && conf_form_clean(copy.p, &faults))
		c = conf_build(
		    copy.p, name, arena_new(SNAPSHOT_MEMORY), &faults);
	conf_faults_print(&faults, name, errors);
	arena_free(a);
	return c;
}

const struct conf *
conf_read(const char *path, FILE *errors)
{
	FILE *f = fopen(path, "re");
	char *text = malloc(CONF_FILE_MAX + 1);
	const struct conf *c = NULL;
	size_t n = 0;

	if (f == NULL)
		fprintf(errors, "%s: %s\n", path, strerror(errno));
	else if (text == NULL)
		fprintf(errors, "%s: out of memory\n", path);
	else
		n = fread(text, 1, CONF_FILE_MAX + 1, f);
	if (f != NULL && text != NULL) {
		if (ferror(f))
			fprintf(errors, "%s: %s\n", path, strerror(errno));
		else if (n > CONF_FILE_MAX)
			fprintf(errors, "%s: is larger than %d bytes\n", path,
			    CONF_FILE_MAX);
		else
			c = conf_read_text(span_of(text, n), path, errors);
	}
	free(text);
	if (f != NULL)
		fclose(f);
	return c;
}

const struct conf *
conf_defaults(void)
{
	return conf_read_text(SPAN(""), "defaults", stderr);
}

const struct conf *
conf_ref(const struct conf *c)
{
	if (c != NULL && c->origins != NULL)
		atomic_fetch_add(&c->origins->holders, 1);
	return c;
}

void
conf_unref(const struct conf *c)
{
	if (c != NULL && c->origins != NULL &&
	    atomic_fetch_sub(&c->origins->holders, 1) == 1)
		arena_free(c->origins->arena);
}

const char *
conf_store_file(const struct conf *c)
{
	const char *store = c->report.store;

	return store != NULL && url_is_database(span_str(store))
	    ? c->report.local_store
	    : store;
}

bool
conf_override_expired(const struct conf_override *o, int64_t now)
{
	return o->expires != 0 && now >= o->expires;
}
