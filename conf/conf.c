#include "conf/conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/ascii.h"
#include "lib/pg_url.h"
#include "conf/snapshot.h"
#include "conf/parse.h"
#include "conf/options.h"
#include "conf/value.h"

enum {
	SNAPSHOT_MEMORY = 16 << 20, /* bytes of memory for one configuration */
	READING_MEMORY = 64 << 20,  /* bytes of memory used to read it */
};

/* ---- building a snapshot ---- */

struct conf_builder {
	struct conf *conf;
	struct conf_snapshot *snapshot;
	struct arena *a;
	struct conf_errors *errors;
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

static void
set_defaults(struct conf_builder *b)
{
	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];

		if (!is_override(o))
			conf_value_read(o, conf_parse_default(o, b->errors),
			    b->conf, b->a, b->errors);
	}
}

/* Returns the values of an assignment; "+=" appends them to the default. */
static const struct conf_value *
values_of(const struct conf_builder *b, const struct conf_assignment *a)
{
	struct conf_value *first, *last;

	if (!a->adds)
		return a->values;
	first = conf_parse_default(a->option, b->errors);
	if (first == NULL)
		return a->values;
	for (last = first; last->next != NULL; last = last->next)
		;
	last->next = a->values;
	return first;
}

static void
set_section(struct conf_builder *b, const struct conf_section *section,
    void *base, struct conf_source *sources)
{
	const struct conf_assignment *a = section->assignments;

	for (; a != NULL; a = a->next) {
		conf_value_read(
		    a->option, values_of(b, a), base, b->a, b->errors);
		sources[index_of(a->option)] =
		    (struct conf_source){ a->line, true };
		if (section->title != NULL && a->values == NULL &&
		    conf_type_is_list(a->option->type))
			conf_error_add(b->errors, a->line,
			    "%s: an empty list matches nothing; delete the "
			    "line to match all",
			    a->option->name);
	}
}

/* ---- overrides ---- */

static bool
has_condition(const struct conf_source *sources)
{
	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];

		if (is_override(o) && conf_type_is_list(o->type) &&
		    sources[i].is_set)
			return true;
	}
	return false;
}

static void
check_override(const struct conf_builder *b, const struct conf_override *o,
    const struct conf_source *sources)
{
	const struct conf_option *action =
	    conf_option_find(CONF_SECTION_OVERRIDE, "action");
	struct span name = span_str(o->name);

	if (name.n == 0 || name.n > CONF_OVERRIDE_NAME_MAX ||
	    !span_all(name, ascii_is_print))
		conf_error_add(b->errors, o->line,
		    "override \"%.60s\": needs a name of 1 to %d printable "
		    "ASCII characters",
		    o->name, CONF_OVERRIDE_NAME_MAX);
	if (!sources[index_of(action)].is_set)
		conf_error_add(b->errors, o->line,
		    "override \"%.60s\": has no action; add one, such as "
		    "action = accept",
		    o->name);
	if (!has_condition(sources))
		conf_error_add(b->errors, o->line,
		    "override \"%.60s\": has no condition and would match all "
		    "mail; add one, such as from_domain = example.net",
		    o->name);
}

static void
set_override(struct conf_builder *b, const struct conf_section *section)
{
	struct conf_override *o = &b->conf->overrides[b->conf->n_overrides];
	struct conf_source *sources =
	    arena_array(b->a, conf_n_options, sizeof(*sources));
	struct span name = arena_copy(b->a, span_str(section->title));

	if (sources == NULL || name.p == NULL)
		return;
	memcpy(&o->name, &name.p, sizeof(o->name));
	o->line = section->line;
	b->snapshot->overrides[b->conf->n_overrides++] = sources;
	set_section(b, section, o, sources);
	check_override(b, o, sources);
}

static void
set_sections(struct conf_builder *b, const struct conf_section *sections)
{
	size_t n = 0;

	for (const struct conf_section *s = sections; s != NULL; s = s->next)
		n += s->title != NULL;
	b->conf->overrides =
	    arena_array(b->a, n + 1, sizeof(struct conf_override));
	b->snapshot->overrides =
	    arena_array(b->a, n + 1, sizeof(*b->snapshot->overrides));
	if (b->conf->overrides == NULL || b->snapshot->overrides == NULL)
		return;
	for (const struct conf_section *s = sections; s != NULL; s = s->next)
		if (s->title != NULL)
			set_override(b, s);
		else
			set_section(b, s, b->conf, b->snapshot->options);
}

/* ---- options that depend on each other ---- */

static void __attribute__((format(printf, 4, 5)))
option_error(const struct conf_builder *b, const char *section,
    const char *name, const char *format, ...)
{
	char text[CONF_ERROR_TEXT_MAX];
	const struct conf_option *o = conf_option_find(section, name);
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	conf_error_add(b->errors, b->snapshot->options[index_of(o)].line,
	    "%s%s%s: %s", section, section[0] != '\0' ? "." : "", name, text);
}

static void
check_sign_socket(const struct conf_builder *b)
{
	const struct conf_option *o = conf_option_find("sign", "socket");
	struct span socket = span_str(b->conf->sign.socket);
	struct span host = span_skip(socket, span_index(socket, '@') + 1);
	struct ip ip;

	if (span_starts_nocase(socket, "inet") && ip_parse(host, &ip) &&
	    (span_is(host, "0.0.0.0") ||
		ip_net_is_public(&ip, ip.family == IP_V4 ? 32 : 128)))
		conf_warning_add(b->errors,
		    b->snapshot->options[index_of(o)].line,
		    "sign.socket: \"%s\" can be reached from other hosts, and "
		    "anyone who connects gets your signatures; use a loopback "
		    "address or a unix socket, or allow only your MTA in a "
		    "firewall",
		    b->conf->sign.socket);
}

static void
check_sockets(const struct conf_builder *b)
{
	const struct conf *c = b->conf;

	const struct conf_option *o = conf_option_find("", "socket");

	if (b->snapshot->options[index_of(o)].is_set && c->socket == NULL &&
	    c->sign.socket == NULL)
		option_error(b, "", "socket",
		    "is empty; set it, or sign.socket, or both");
	else if (c->socket != NULL && c->sign.socket != NULL &&
	    strcmp(c->socket, c->sign.socket) == 0)
		option_error(b, "sign", "socket",
		    "is the same as socket; mail on socket is verified and "
		    "mail on sign.socket is signed, so they must differ");
}

static void
check_sign(const struct conf_builder *b)
{
	const struct conf *c = b->conf;

	if (c->sign.expire > 0 && c->sign.expire < CONF_EXPIRE_MIN &&
	    !c->sign.short_expire)
		option_error(b, "sign", "expire",
		    "is less than 6d: mail that waits in a queue would arrive "
		    "with an expired signature; if you want that, set "
		    "short_expire = true");
	for (char **name = c->sign.omit; name != NULL && *name != NULL; name++)
		if (span_is_nocase(span_str(*name), "From"))
			option_error(b, "sign", "omit",
			    "From must be signed (RFC 6376 section 5.4)");
	if (c->sign.author == CONF_AUTHOR_ANY &&
	    c->sign.on_author_mismatch == CONF_REJECT)
		option_error(b, "sign", "on_author_mismatch",
		    "needs author = envelope or author = login");
	if (c->sign.n_outgoing > CONF_OUTGOING_MAX)
		option_error(b, "sign", "outgoing",
		    "has more than %d addresses", CONF_OUTGOING_MAX);
	for (size_t i = 0; i < c->sign.n_outgoing; i++)
		if (c->sign.outgoing[i].bits !=
		    (c->sign.outgoing[i].ip.family == IP_V4 ? 32u : 128u))
			option_error(b, "sign", "outgoing",
			    "must be addresses, not networks");
}

/* ---- reading ---- */

static struct conf_snapshot *
snapshot_new(struct arena *a, const char *file)
{
	struct conf_snapshot *s = arena_alloc(a, sizeof(*s));
	struct span name = arena_copy(a, span_str(file));

	if (s == NULL || name.p == NULL)
		return NULL;
	s->arena = a;
	s->conf = arena_alloc(a, sizeof(*s->conf));
	s->options = arena_array(a, conf_n_options, sizeof(*s->options));
	s->file = name.p;
	atomic_init(&s->refs, 1);
	if (s->conf == NULL || s->options == NULL)
		return NULL;
	s->conf->snapshot = s;
	return s;
}

/* Copies the warnings to the snapshot, which outlives `errors`. */
static void
copy_warnings(struct conf_builder *b)
{
	struct conf_errors to = { .arena = b->a };
	const struct conf_error *w = b->errors->warnings.first;

	for (; w != NULL; w = w->next)
		conf_warning_add(&to, w->line, "%s", w->text);
	to.warnings.is_cut = b->errors->warnings.is_cut;
	b->snapshot->warnings = to.warnings;
}

/* Without defaults, the snapshot is only useful for finding errors. */
static const struct conf *
build_snapshot(struct span text, const char *name, struct arena *snapshot,
    struct conf_errors *errors, bool has_defaults)
{
	struct conf_builder b = { .a = snapshot, .errors = errors };

	if (snapshot != NULL)
		b.snapshot = snapshot_new(snapshot, name);
	if (b.snapshot == NULL) {
		errors->no_memory = true;
		arena_free(snapshot);
		return NULL;
	}
	b.conf = b.snapshot->conf;
	if (has_defaults)
		set_defaults(&b);
	set_sections(&b, conf_parse(text, errors));
	if (!arena_has_failed(b.a)) {
		check_sockets(&b);
		check_sign_socket(&b);
		check_sign(&b);
	}
	copy_warnings(&b);
	if (arena_has_failed(b.a) || arena_has_failed(errors->arena))
		errors->no_memory = true;
	if (errors->errors.n > 0 || errors->no_memory) {
		arena_free(snapshot);
		return NULL;
	}
	return b.conf;
}

const struct conf *
conf_build(struct span text, const char *name, struct arena *snapshot,
    struct conf_errors *errors)
{
	return build_snapshot(text, name, snapshot, errors, true);
}

/* Whether `text` is a text file: it must not contain a NUL, or a CR without LF.
 * Adds an error if not. */
static bool
is_text(struct span text, struct conf_errors *errors)
{
	unsigned line = 1;

	for (size_t i = 0; i < text.n; i++) {
		char next = i + 1 < text.n ? text.p[i + 1] : '\0';

		line += text.p[i] == '\n';
		if (text.p[i] != '\0' && (text.p[i] != '\r' || next == '\n'))
			continue;
		conf_error_add(errors, line,
		    text.p[i] == '\0' ? "contains a NUL byte; save the file as "
					"plain text (UTF-8)"
				      : "contains a CR without LF; save the "
					"file with Unix line endings");
		return false;
	}
	return true;
}

static const struct conf *
read_text(struct span text, const char *name, FILE *errors, bool has_defaults)
{
	struct arena *a = arena_new(READING_MEMORY);
	struct conf_errors found = { .arena = a, .no_memory = a == NULL };
	const struct conf *c = NULL;

	if (a != NULL && is_text(text, &found))
		c = build_snapshot(text, name, arena_new(SNAPSHOT_MEMORY),
		    &found, has_defaults);
	conf_errors_print(&found, name, errors);
	arena_free(a);
	return c;
}

const struct conf *
conf_read_text(struct span text, const char *name, FILE *errors)
{
	return read_text(text, name, errors, true);
}

bool
conf_check_text(struct span text, const char *name, FILE *errors)
{
	const struct conf *c = read_text(text, name, errors, false);

	conf_unref(c);
	return c != NULL;
}

const struct conf *
conf_read(const char *path, FILE *errors)
{
	const struct conf *c = NULL;
	size_t n;
	char *text = file_read(path, CONF_FILE_MAX, errors, &n);

	if (text != NULL)
		c = conf_read_text(span_of(text, n), path, errors);
	free(text);
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
	if (c != NULL && c->snapshot != NULL)
		atomic_fetch_add(&c->snapshot->refs, 1);
	return c;
}

void
conf_unref(const struct conf *c)
{
	if (c != NULL && c->snapshot != NULL &&
	    atomic_fetch_sub(&c->snapshot->refs, 1) == 1)
		arena_free(c->snapshot->arena);
}

void
conf_print_warnings(const struct conf *c, FILE *out)
{
	if (c->snapshot != NULL)
		conf_error_list_print(
		    &c->snapshot->warnings, c->snapshot->file, out);
}

const char *
conf_store_file(const struct conf *c)
{
	const char *store = c->report.store;

	return store != NULL && pg_url_matches(span_str(store))
	    ? c->report.local_store
	    : store;
}

bool
conf_override_expired(const struct conf_override *o, int64_t now)
{
	return o->expires != 0 && now >= o->expires;
}
