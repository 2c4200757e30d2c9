#include "lib/domain.h"

#include <idn2.h>
#include <stdint.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "lib/scan.h"

/* A U-label in UTF-8 may be longer than its A-label, but at most 4 times as
 * long. */
enum { DOMAIN_UTF8_MAX = 4 * DOMAIN_MAX };

static struct span
without_dot(struct span name)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	return name;
}

/* Removes the leftmost label and its dot from `name`, and returns the label. */
static struct span
take_label(struct span *name)
{
	struct span label = span_first(*name, span_index(*name, '.'));

	*name = span_skip(*name, label.n + 1);
	return label;
}

/* RFC 1035 section 2.3.4 */
bool
domain_is_valid(struct span name)
{
	name = without_dot(name);
	if (name.n == 0 || name.n > DOMAIN_MAX || name.p[name.n - 1] == '.')
		return false;
	while (name.n > 0) {
		struct span label = take_label(&name);

		if (label.n == 0 || label.n > DOMAIN_LABEL_MAX)
			return false;
	}
	return true;
}

static bool
is_ldh(unsigned char c)
{
	return ascii_is_tag(c) || c == '-';
}

/* The letters, digits and hyphens of RFC 1035 section 2.3.1, and underscores.
 */
bool
domain_is_hostname(struct span name)
{
	if (!domain_is_valid(name))
		return false;
	name = without_dot(name);
	while (name.n > 0) {
		struct span label = take_label(&name);

		if (!span_all(label, is_ldh) || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
	}
	return true;
}

bool
domain_is_fqdn(struct span name)
{
	if (!domain_is_hostname(name) || !span_has(without_dot(name), '.'))
		return false;
	/* toplabel, RFC 7208 section 7.1 */
	return !span_all(domain_suffix(name, 1), ascii_is_digit);
}

size_t
domain_labels(struct span name)
{
	name = without_dot(name);
	size_t n = name.n > 0 ? 1 : 0;

	for (size_t i = 0; i < name.n; i++)
		n += name.p[i] == '.';
	return n;
}

struct span
domain_suffix(struct span name, size_t labels)
{
	name = without_dot(name);
	size_t at = name.n;

	for (; labels > 0 && at > 0; labels--) {
		size_t dot = span_rindex(span_first(name, at), '.');

		if (dot == at)
			return name;
		if (labels == 1)
			return span_skip(name, dot + 1);
		at = dot;
	}
	return span_skip(name, at);
}

/* Labels such as "co" in "co.uk": registries register names below them. */
static bool
is_second_level(struct span label)
{
	static const char *const labels[] = { "ac", "asso", "co", "com", "ed",
		"edu", "go", "gob", "gov", "gouv", "gub", "gv", "id", "info",
		"ltd", "me", "mil", "muni", "ne", "net", "nom", "or", "org",
		"plc", "sch" };

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
		if (span_is_nocase(label, labels[i]))
			return true;
	return false;
}

struct span
domain_registrable(struct span name)
{
	struct span two = domain_suffix(name, 2);
	struct span second = span_first(two, span_index(two, '.'));
	bool is_country = two.n - second.n == 3; /* ".uk" */

	return domain_suffix(
	    name, is_country && is_second_level(second) ? 3 : 2);
}

struct span
domain_parent(struct span name)
{
	name = without_dot(name);
	take_label(&name);
	return name;
}

bool
domain_equal(struct span a, struct span b)
{
	a = without_dot(a);
	return a.n > 0 && span_equal_nocase(a, without_dot(b));
}

bool
domain_is_under(struct span name, struct span ancestor)
{
	name = without_dot(name);
	ancestor = without_dot(ancestor);
	if (ancestor.n == 0 || name.n < ancestor.n)
		return false;
	size_t above = name.n - ancestor.n;

	return (above == 0 || name.p[above - 1] == '.') &&
	    span_equal_nocase(span_skip(name, above), ancestor);
}

static bool
is_not_control(unsigned char c)
{
	return c >= 0x20 && c != 0x7f;
}

/* Reports to the caller, as an arena failure, that libidn2 ran out of
 * memory. */
static void
mark_failed(struct arena *a)
{
	arena_alloc(a, SIZE_MAX);
}

/*
 * Writes the A-label of one non-ASCII label (RFC 5890 section 2.3.2.1), with
 * the non-transitional mapping of UTS 46.  This folds case and width as mail
 * programs do before they show or look up a name.  Plain IDNA2008 would
 * reject upper-case and full-width letters, and such a name would not be
 * checked.
 */
static bool
put_alabel(struct buf *b, struct arena *a, struct span label)
{
	char text[DOMAIN_UTF8_MAX + 1];
	uint8_t *found = NULL;
	int code;

	memcpy(text, label.p, label.n);
	text[label.n] = '\0';
	code =
	    idn2_lookup_u8((const uint8_t *)text, &found, IDN2_NONTRANSITIONAL);
	if (code == IDN2_OK)
		buf_text(b, (const char *)found);
	else if (code == IDN2_MALLOC)
		mark_failed(a);
	idn2_free(found);
	return code == IDN2_OK;
}

/*
 * Returns the normal form of a `name` that has U-labels.  The mapping can
 * produce dots and other ASCII characters that the name does not contain, so
 * the result must be a hostname.
 */
static struct span
normal_of_unicode(struct arena *a, struct span name)
{
	char text[DOMAIN_MAX + 2]; /* room for a final dot and the NUL */
	struct buf b = buf_wrap(text, sizeof(text));
	struct scan s = scan_of(name);

	while (!scan_done(&s)) {
		struct span label = scan_until(&s, '.');

		if (span_all(label, ascii_is_ascii))
			buf_span(&b, label);
		else if (!put_alabel(&b, a, label))
			return SPAN_NONE;
		if (scan_byte(&s, '.'))
			buf_byte(&b, '.');
	}
	if (b.full || !domain_is_hostname(buf_view(&b)))
		return SPAN_NONE;
	return domain_normal(a, buf_view(&b));
}

struct span
domain_normal(struct arena *a, struct span name)
{
	if (name.n > DOMAIN_UTF8_MAX || !span_all(name, is_not_control))
		return SPAN_NONE;
	if (!span_all(name, ascii_is_ascii))
		return normal_of_unicode(a, name);
	if (!domain_is_valid(name))
		return SPAN_NONE;
	name = without_dot(name);
	char *p = arena_alloc(a, name.n + 1);

	if (p == NULL)
		return SPAN_NONE;
	for (size_t i = 0; i < name.n; i++)
		p[i] = (char)ascii_lower((unsigned char)name.p[i]);
	return span_of(p, name.n);
}
