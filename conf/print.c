#include "conf/conf.h"

#include <stdlib.h>
#include <string.h>

#include "conf/snapshot.h"
#include "conf/options.h"
#include "conf/value.h"

enum {
	SHOWN_FIRST = 4096
}; /* initial size of the buffer for a value, in bytes; doubled as needed */

struct showing {
	const struct conf *conf;
	void (*each)(void *arg, const struct conf_setting *s);
	void *arg;
	char *memory;
	size_t size;
};

static void
show_option(struct showing *w, const struct conf_option *o, const void *base,
    const char *override, const struct conf_source *source)
{
	struct buf b = buf_wrap(w->memory, w->size);
	struct conf_setting s = { .section = o->section,
		.override = override,
		.name = o->name,
		.help = o->help };

	for (conf_value_put(&b, o, base); b.full; conf_value_put(&b, o, base)) {
		char *more = realloc(w->memory, w->size * 2);

		if (more == NULL)
			return;
		w->memory = more;
		w->size *= 2;
		b = buf_wrap(w->memory, w->size);
	}
	s.value = b.p;
	if (source != NULL && source->is_set) {
		s.file = w->conf->snapshot->file;
		s.line = source->line;
	}
	w->each(w->arg, &s);
}

void
conf_each(const struct conf *c,
    void (*each)(void *arg, const struct conf_setting *s), void *arg)
{
	const struct conf_snapshot *s = c->snapshot;
	struct showing w = { c, each, arg, malloc(SHOWN_FIRST), SHOWN_FIRST };

	if (w.memory == NULL)
		return;
	for (size_t i = 0; i < conf_n_options; i++)
		if (strcmp(conf_options[i].section, CONF_SECTION_OVERRIDE) != 0)
			show_option(&w, &conf_options[i], c, NULL,
			    s != NULL ? &s->options[i] : NULL);
	for (size_t i = 0; s != NULL && i < c->n_overrides; i++)
		for (size_t j = 0; j < conf_n_options; j++)
			if (s->overrides[i][j].is_set)
				show_option(&w, &conf_options[j],
				    &c->overrides[i], c->overrides[i].name,
				    &s->overrides[i][j]);
	free(w.memory);
}

struct page {
	FILE *out;
	const char *section;
	const char *override;
};

static void
end_section(struct page *p)
{
	if (p->section != NULL && p->section[0] != '\0')
		fputs("}\n", p->out);
}

static void
begin_section(struct page *p, const struct conf_setting *s)
{
	end_section(p);
	p->section = s->section;
	p->override = s->override;
	if (s->override != NULL) {
		fprintf(p->out, "\n%s \"", s->section);
		for (const char *c = s->override; *c != '\0'; c++)
			fprintf(p->out, *c == '"' || *c == '\\' ? "\\%c" : "%c",
			    *c);
		fputs("\" {\n", p->out);
	} else if (s->section[0] != '\0') {
		fprintf(p->out, "\n%s {\n", s->section);
	}
}

static void
show_setting(void *arg, const struct conf_setting *s)
{
	struct page *p = arg;
	const char *indent = s->section[0] != '\0' ? "\t" : "";

	if (p->section == NULL || strcmp(p->section, s->section) != 0 ||
	    p->override != s->override)
		begin_section(p, s);
	fprintf(p->out, "%s%s = %s", indent, s->name, s->value);
	if (s->file == NULL)
		fputs("  # default\n", p->out);
	else if (s->line == 0)
		fprintf(p->out, "  # %s\n", s->file);
	else
		fprintf(p->out, "  # %s:%u\n", s->file, s->line);
}

void
conf_show(const struct conf *c, FILE *out)
{
	struct page p = { out, NULL, NULL };

	conf_each(c, show_setting, &p);
	end_section(&p);
}
