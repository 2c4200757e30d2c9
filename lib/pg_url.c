#include "lib/pg_url.h"

#include <stddef.h>

#include "lib/scan.h"
#include "lib/enum_names.h"

static const char *const schemes[] = { "postgresql://", "postgres://" };

static const char hidden[] = "***";

/* Parameters whose values are not secret; all others are hidden. */
static const char *const harmless[] = { "application_name", "connect_timeout",
	"dbname", "host", "hostaddr", "keepalives_idle", "passfile", "port",
	"service", "sslcert", "sslkey", "sslmode", "sslrootcert",
	"target_session_attrs", "tcp_user_timeout", "user" };

bool
pg_url_matches(struct span s)
{
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		struct span scheme = span_str(schemes[i]);

		if (span_equal(span_first(s, scheme.n), scheme))
			return true;
	}
	return false;
}

/* Returns the length of the scheme, or 0 if there is none.  Any scheme is
 * recognized because a URL with a mistyped one may contain a password too. */
static size_t
scheme_size(struct span s)
{
	size_t colon = span_index(s, ':');

	return span_equal(span_first(span_skip(s, colon), 3), SPAN("://"))
	    ? colon + 3
	    : 0;
}

static bool
is_harmless(struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (span_is(name, harmless[i]))
			return true;
	return false;
}

/* "name=value&name=value" */
static void
put_parameters(struct buf *b, struct span text)
{
	struct scan s = scan_of(text);

	while (!scan_done(&s)) {
		struct span one = scan_until(&s, '&');
		struct span name = span_first(one, span_index(one, '='));

		buf_span(b, is_harmless(name) ? one : name);
		if (!is_harmless(name)) {
			buf_byte(b, '=');
			buf_text(b, hidden);
		}
		if (scan_byte(&s, '&'))
			buf_byte(b, '&');
	}
}

/* A password may contain bytes that should have been percent-encoded, so it is
 * assumed to end at the last "@". */
void
pg_url_put_redacted(struct buf *b, struct span url)
{
	size_t scheme = scheme_size(url), at, colon, question;
	struct span rest = span_skip(url, scheme);

	if (scheme == 0) {
		buf_span(b, url);
		return;
	}
	buf_span(b, span_first(url, scheme));
	at = span_rindex(rest, '@');
	colon = span_index(rest, ':');
	if (at < rest.n && colon < at) {
		buf_span(b, span_first(rest, colon + 1));
		buf_text(b, hidden);
		rest = span_skip(rest, at);
	}
	question = span_index(rest, '?');
	buf_span(b, span_first(rest, question + 1));
	put_parameters(b, span_skip(rest, question + 1));
}
