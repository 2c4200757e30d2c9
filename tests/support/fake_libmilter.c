#include "tests/support/fake_libmilter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/span.h"
#include "lib/utf8.h"

enum {
	LINE_MAX_RFC5322 = 998, /* RFC 5322 section 2.1.1 */
	VALUE_MAX = 32 * 1024,  /* longer than any of our fields */
	GROW = 64,
};

static struct smfiDesc milter;

const struct smfiDesc *
mta_milter(void)
{
	return &milter;
}

/* Makes room for one more element.  Aborts the test if memory ran out. */
static void *
grown(void *old, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return old;
	*room += *room + GROW;
	old = realloc(old, *room * size);
	assert(old != NULL);
	return old;
}

/* Returns NULL for NULL. */
static char *
copied(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	assert(text == NULL || copy != NULL);
	return copy;
}

static void
field_free(struct mta_field *f)
{
	free(f->name);
	free(f->value);
	*f = (struct mta_field){ NULL, NULL };
}

void
mta_set_macro(SMFICTX *m, const char *name, const char *value)
{
	for (size_t i = 0; i < MTA_MACROS_MAX; i++) {
		struct mta_field *f = &m->macros[i];

		if (f->name != NULL && strcmp(f->name, name) != 0)
			continue;
		field_free(f);
		*f = (struct mta_field){ copied(name), copied(value) };
		return;
	}
}

void
mta_field(SMFICTX *m, const char *name, const char *value)
{
	m->fields =
	    grown(m->fields, m->n_fields, &m->fields_room, sizeof(*m->fields));
	m->fields[m->n_fields++] =
	    (struct mta_field){ copied(name), copied(value) };
}

void
mta_begin(SMFICTX *m, bool ending)
{
	for (size_t i = 0; i < m->n_changes; i++) {
		free(m->changes[i].name);
		free(m->changes[i].value);
	}
	m->n_changes = 0;
	m->n_replies = 0;
	m->ending = ending;
	m->refused = false;
	m->held = false;
}

void
mta_forget(SMFICTX *m)
{
	while (m->n_fields > 0)
		field_free(&m->fields[--m->n_fields]);
}

void
mta_end(SMFICTX *m)
{
	mta_begin(m, false);
	mta_forget(m);
	for (size_t i = 0; i < MTA_MACROS_MAX; i++)
		field_free(&m->macros[i]);
	free(m->changes);
	free(m->fields);
	*m = (struct smfi_str){ .private = NULL };
}

/* ---- checks of the milter's requests ---- */

/* RFC 5322 section 3.6.8 */
static bool
is_field_name(const char *name)
{
	struct span s = span_str(name);

	return s.n > 0 && span_all(s, ascii_is_ftext);
}

/*
 * Checks the body of a field (RFC 5322 section 2.2, RFC 6532 section 3.1):
 * lines are neither too long nor blank, continuation lines begin with white
 * space, and there are no control characters, no invalid UTF-8, and no
 * characters that change the writing direction.
 */
static void
check_milter_value(const char *value)
{
	struct span rest = span_str(value);
	size_t column = 0;
	bool blank = true;

	assert(rest.n <= VALUE_MAX);
	while (rest.n > 0) {
		size_t n = utf8_plain(rest);
		char c = rest.p[0];

		if (c == '\n') {
			assert(!blank && column <= LINE_MAX_RFC5322);
			assert(rest.n > 1);
			assert(rest.p[1] == '\t' || rest.p[1] == ' ');
			column = 0;
			blank = true;
		} else {
			assert(n > 0 || c == '\t');
			blank = blank && (c == ' ' || c == '\t');
			column += n > 0 ? n : 1;
		}
		rest = span_skip(rest, n > 0 ? n : 1);
	}
	assert(!blank && column <= LINE_MAX_RFC5322);
}

static bool
is_text(const char *text, size_t most)
{
	struct span s = span_str(text);

	return s.n > 0 && s.n <= most && span_all(s, ascii_is_print);
}

/* Whether `code` is an enhanced status code of this class (RFC 3463 section
 * 2). */
static bool
is_enhanced(const char *code, char class)
{
	struct span s = span_str(code);
	size_t parts = 1, digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && digits > 0) {
			parts++;
			digits = 0;
		} else if (!ascii_is_digit((unsigned char)s.p[i]) ||
		    ++digits > 3) {
			return false;
		}
	}
	return parts == 3 && digits > 0 && s.p[0] == class && s.p[1] == '.';
}

/* libmilter uses the text of a reply as a format string, so "%" must be
 * doubled. */
static bool
percents_are_doubled(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text == '%' && *++text != '%')
			return false;
	return true;
}

/* ---- libmilter ---- */

int
smfi_register(struct smfiDesc d)
{
	milter = d;
	return MI_SUCCESS;
}

size_t
smfi_setmaxdatasize(size_t size)
{
	return size;
}

int
smfi_setsymlist(SMFICTX *m, int where, char *names)
{
	(void)m;
	assert(where >= SMFIM_FIRST && where <= SMFIM_LAST && names != NULL);
	return MI_SUCCESS;
}

int
smfi_setpriv(SMFICTX *m, void *private)
{
	m->private = private;
	return MI_SUCCESS;
}

void *
smfi_getpriv(SMFICTX *m)
{
	return m->private;
}

char *
smfi_getsymval(SMFICTX *m, char *name)
{
	for (size_t i = 0; i < MTA_MACROS_MAX; i++)
		if (m->macros[i].name != NULL &&
		    strcmp(m->macros[i].name, name) == 0)
			return m->macros[i].value;
	return NULL;
}

int
smfi_setreply(SMFICTX *m, char *code, char *enhanced, char *text)
{
	assert(strlen(code) == 3 && (code[0] == '4' || code[0] == '5'));
	assert(ascii_is_digit((unsigned char)code[1]));
	assert(ascii_is_digit((unsigned char)code[2]));
	assert(is_enhanced(enhanced, code[0]));
	assert(is_text(text, MTA_TEXT_MAX));
	assert(percents_are_doubled(text));
	m->n_replies++;
	m->code = code[0];
	return MI_SUCCESS;
}

/* Whether a change is accepted.  Changes are only allowed at the end of the
 * message, and any of them may be refused. */
static bool
is_taken(SMFICTX *m)
{
	assert(m->ending);
	if (m->refuse_at > 1)
		m->refuse_at--;
	else if (m->refuse_at == 1)
		m->refused = true;
	return !m->refused;
}

static int
change(SMFICTX *m, struct mta_change c)
{
	if (!is_taken(m))
		return MI_FAILURE;
	c.name = copied(c.name);
	c.value = copied(c.value);
	m->changes = grown(
	    m->changes, m->n_changes, &m->changes_room, sizeof(*m->changes));
	m->changes[m->n_changes++] = c;
	return MI_SUCCESS;
}

int
smfi_chgheader(SMFICTX *m, char *name, int number, char *value)
{
	assert(is_field_name(name));
	assert(number >= 1);
	assert(value[0] == '\0'); /* fields are removed, never rewritten */
	return change(m,
	    (struct mta_change){
		.number = (size_t)number,
		.name = name,
		.value = value,
	    });
}

int
smfi_insheader(SMFICTX *m, int at, char *name, char *value)
{
	assert(at == 0);
	assert(is_field_name(name));
	assert((value[0] == ' ') == m->leading_space);
	check_milter_value(value);
	return change(m,
	    (struct mta_change){
		.insert = true, .name = name, .value = value });
}

int
smfi_quarantine(SMFICTX *m, char *reason)
{
	assert(is_text(reason, MTA_TEXT_MAX));
	m->held = is_taken(m);
	return m->held ? MI_SUCCESS : MI_FAILURE;
}
