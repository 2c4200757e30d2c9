#include "tests/support/mail_assert.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dkim/signature.h"
#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/author.h"
#include "mail/authres.h"
#include "tests/support/plainfield.h"

enum { PARSE_MEMORY = 1 << 20, AUTHOR_MEMORY = 64 << 20 };

#define AUTHRES "Authentication-Results"

/* Whether any reader would attribute the field to `id`.  Obfuscated forms
 * are covered by the tests of mail/authres. */
static bool
is_plainly_of(const char *value, struct span id)
{
	struct span v = span_trim(span_str(value));

	return id.n > 0 && span_equal_nocase(span_first(v, id.n), id) &&
	    (v.n == id.n || v.p[id.n] == ';' || v.p[id.n] == ' ');
}

static bool
is_named(const struct mta_field *f, const char *name)
{
	return span_is_nocase(span_trim(span_str(f->name)), name);
}

/* Checks that fields called `name` were removed, the last one first: those with
 * the authserv-id `id`, or all of them if `all` is set. */
static void
check_removed(const SMFICTX *m, const char *name, struct span id, bool all)
{
	size_t n = 0, last = SIZE_MAX;
	bool *removed;

	for (size_t i = 0; i < m->n_fields; i++)
		n += is_named(&m->fields[i], name);
	removed = calloc(n + 1, sizeof(*removed));
	assert(removed != NULL);
	for (size_t i = 0; i < m->n_changes; i++) {
		const struct mta_change *c = &m->changes[i];

		if (c->insert || !span_is_nocase(span_str(c->name), name))
			continue;
		assert(c->number <= n && c->number < last);
		last = c->number;
		removed[last] = true;
	}
	n = 0;
	for (size_t i = 0; i < m->n_fields; i++) {
		n += is_named(&m->fields[i], name);
		if (is_named(&m->fields[i], name) &&
		    (all || is_plainly_of(m->fields[i].value, id)))
			assert(removed[n]);
	}
	free(removed);
}

static bool
is_below(struct span value, const char *locked)
{
	struct span name = span_str(locked);
	struct span last = span_last(value, name.n);
	struct span rest = span_first(value, value.n - last.n);

	return span_equal_nocase(last, name) &&
	    (rest.n == 0 || rest.p[rest.n - 1] == '@' ||
		rest.p[rest.n - 1] == '.');
}

static void
check_passes(
    const struct authres_result *r, struct arena *a, const char *locked)
{
	static const struct {
		const char *ptype, *property;
	} names[] = {
		{ "header", "from" },
		{ "header", "d" },
		{ "smtp", "mailfrom" },
		{ "smtp", "helo" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert(!is_below(
		    authres_property(r, a, names[i].ptype, names[i].property),
		    locked));
}

static void
check_results(const char *value, struct span id, const char *locked)
{
	static const char *const methods[] = { "spf", "dkim", "arc", "dmarc",
		"iprev", "auth" };
	struct arena *a = arena_new(PARSE_MEMORY);
	struct scan s = scan_of(span_str(value));
	struct authres_result r;
	struct span found;
	enum authres_status step;

	plainfield_check(span_str(value));
	assert(a != NULL && authres_open(&s, a, &found));
	assert(id.n == 0 || span_equal_nocase(found, id));
	while ((step = authres_next(&s, a, &r)) == AUTHRES_ONE) {
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
			known = known || span_is(r.method, methods[i]);
		assert(known);
		if (span_is(r.result, "pass") && !span_is(r.method, "auth"))
			check_passes(&r, a, locked);
	}
	assert(step == AUTHRES_END);
	arena_free(a);
}

void
delivered_check(const SMFICTX *m, struct span id, const char *locked)
{
	const struct mta_change *last;
	bool inserting = false;
	size_t ours = 0;

	assert(m->n_changes > 0 && m->n_replies == 0);
	for (size_t i = 0; i < m->n_changes; i++) {
		const struct mta_change *c = &m->changes[i];

		assert(c->insert || !inserting);
		inserting = c->insert;
		ours += inserting && strcmp(c->name, AUTHRES) == 0;
	}
	last = &m->changes[m->n_changes - 1];
	assert(ours == 1 && strcmp(last->name, AUTHRES) == 0);
	check_results(last->value, id, locked);
	check_removed(m, AUTHRES, id, false);
}

void
delivered_without(const SMFICTX *m, const char *name)
{
	check_removed(m, name, SPAN_NONE, true);
}

/* ---- our signatures ---- */

#define SIGNATURE "DKIM-Signature"

static bool
is_signature(const struct mta_change *c)
{
	return c->insert && strcmp(c->name, SIGNATURE) == 0;
}

/* Checks that there is only one author, whose domain is `domain` or below
 * it. */
static void
check_author(const SMFICTX *m, struct span domain)
{
	struct arena *a = arena_new(AUTHOR_MEMORY);
	struct mail_header h = { .n = 0 };
	struct mail_from from;

	assert(a != NULL);
	for (size_t i = 0; i < m->n_fields; i++)
		(void)mail_header_add(&h, a, span_str(m->fields[i].name),
		    span_str(m->fields[i].value));
	mail_from_read(&h, a, &from);
	assert(from.n_fields == 1 && from.n_domains == 1);
	assert(domain_equal(from.domains[0], domain) ||
	    domain_is_under(from.domains[0], domain));
	arena_free(a);
}

size_t
signed_check(const SMFICTX *m, bool by_list)
{
	struct signature_peek tags;
	size_t n = 0;

	for (size_t i = 0; i < m->n_changes; i++) {
		const struct mta_change *c = &m->changes[i];
		struct span value = span_str(c->value);

		if (!is_signature(c))
			continue;
		n++;
		for (size_t k = 0; k < value.n; k++)
			assert(ascii_is_print((unsigned char)value.p[k]) ||
			    value.p[k] == '\t' || value.p[k] == '\n');
		signature_peek(value, &tags);
		assert(span_is(tags.domain, "good.example") ||
		    span_is(tags.domain, "open.example"));
		if (!by_list)
			check_author(m, tags.domain);
	}
	return n;
}

void
signed_only_check(const SMFICTX *m, struct span id)
{
	assert(m->n_replies == 0);
	for (size_t i = 0; i < m->n_changes; i++)
		assert(!m->changes[i].insert || is_signature(&m->changes[i]));
	check_removed(m, AUTHRES, id, false);
}
