#include "tests/support/plainfield.h"

#include <assert.h>
#include <stdbool.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"

enum { LINE_MAX_BYTES = 998 }; /* RFC 5322 section 2.1.1 */

static void
check_lines(struct span value)
{
	size_t line = 0;

	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		assert(ascii_is_print(c) || c == '\n' ||
		    (c == '\t' && i > 0 && value.p[i - 1] == '\n'));
		if (c == '\n') {
			assert(i > 0 && line > 0);
			assert(i + 2 < value.n && value.p[i + 1] == '\t');
			line = 0;
		} else if (c != '\t') {
			line++;
		}
		assert(line < LINE_MAX_BYTES);
	}
}

static bool
is_after(struct span before, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_ends_nocase(before, words[i]))
			return true;
	return false;
}

/* Whether the "=" that follows `before` is one that we write. */
static bool
is_ours(struct span before, bool comment)
{
	static const char *const commented[] = { "(p", "(sp", "(np", " dis",
		"\tdis", "(i" };
	static const char *const methods[] = { "\n\tauth", "\n\tiprev",
		"\n\tspf", "\n\tdkim", "\n\tarc", "\n\tdmarc" };
	static const char *const names[] = { "reason", "smtp.auth",
		"policy.iprev", "smtp.helo", "smtp.mailfrom", "header.d",
		"header.i", "header.s", "header.a", "header.b", "header.from",
		"header.oldest-pass", "smtp.remote-ip", "policy.dmarc" };

	if (comment)
		return is_after(before, commented, ARRAY_SIZE(commented));
	if (is_after(before, methods, ARRAY_SIZE(methods)))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct span name = span_str(names[i]);

		if (span_ends_nocase(before, names[i]) && before.n > name.n &&
		    ascii_is_space(
			(unsigned char)before.p[before.n - name.n - 1]))
			return true;
	}
	return false;
}

size_t
plainfield_check(struct span value)
{
	bool quoted = false, comment = false, beside = false;
	size_t results = 0;

	check_lines(value);
	for (size_t i = 0; i < value.n; i++) {
		char c = value.p[i];

		assert(c != '\\');
		assert(!comment || (c != '(' && c != '"' && c != ';'));
		assert(
		    !quoted || (c != '(' && c != ')' && c != ';' && c != '='));
		assert(c != ')' || comment);
		assert(c != '(' || !beside);
		assert(c != '=' || is_ours(span_first(value, i), comment));
		if (c == '"')
			quoted = !quoted;
		if (c == '(' || c == ')')
			comment = c == '(';
		if (!ascii_is_space((unsigned char)c))
			beside = c == ')';
		results += c == ';';
	}
	assert(!quoted && !comment);
	return results;
}
