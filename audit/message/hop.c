/* hop.c - parses the topmost Received field (RFC 5321 section 4.4, RFC 3848) */
#include "audit/message/message.h"
#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/scan.h"

enum { COMMENT_DEPTH_MAX = 8 };

/* Reads a comment including its parentheses; comments may be nested. */
static struct span
take_comment(struct scan *s)
{
	const char *begin = s->p;
	unsigned depth = 0;

	do {
		int c = scan_next(s);

		if (c == '\\')
			(void)scan_next(s);
		depth += c == '(';
		depth -= c == ')';
	} while (depth > 0 && depth <= COMMENT_DEPTH_MAX && !scan_done(s));
	return span_between(begin, s->p);
}

static bool
is_word_byte(unsigned char c)
{
	return !ascii_is_space(c) && c != '(' && c != ';';
}

/* Finds an address in brackets: "[192.0.2.1]", "[IPv6:2001:db8::1]". */
static bool
find_address(struct span text, struct ip *ip)
{
	size_t begin = span_index(text, '[');
	struct span inner = span_skip(text, begin + 1);

	inner = span_first(inner, span_index(inner, ']'));
	if (span_starts_nocase(inner, "IPv6:"))
		inner = span_skip(inner, 5);
	return ip_parse(inner, ip);
}

static bool
has_part(struct span text, const char *part)
{
	for (; text.n > 0; text = span_skip(text, 1))
		if (span_starts_nocase(text, part))
			return true;
	return false;
}

/* RFC 3848: an S in the protocol, as in ESMTPS or LMTPSA, means TLS. */
static enum audit_answer
tls_of_protocol(struct span protocol)
{
	size_t at;

	if (!has_part(protocol, "MTP"))
		return AUDIT_UNKNOWN;
	for (at = protocol.n; at > 0; at--)
		if (protocol.p[at - 1] == 'P' || protocol.p[at - 1] == 'p')
			break;
	return has_part(span_skip(protocol, at), "S") ? AUDIT_YES : AUDIT_NO;
}

static void
read_word(struct span word, struct span before, struct audit_hop *out)
{
	if (span_is_nocase(before, "from") && out->helo.p == NULL)
		out->helo = word;
	else if (span_is_nocase(before, "with") && out->tls != AUDIT_YES)
		out->tls = tls_of_protocol(word);
}

void
audit_hop_read(struct span value, struct audit_hop *out)
{
	struct scan s = scan_of(value);
	struct span before = SPAN_NONE;
	bool is_from = true;

	*out = (struct audit_hop){ .helo = SPAN_NONE };
	while (!scan_done(&s)) {
		struct span word;

		if (scan_byte(&s, ';')) {
			(void)date_read_mail(&s, &out->when);
			return;
		}
		if (scan_peek(&s) == '(') {
			struct span comment = take_comment(&s);

			if (is_from && out->client.family == IP_NONE)
				find_address(comment, &out->client);
			/* some servers put the protocol in a comment */
			if (has_part(comment, "TLSv1") ||
			    has_part(comment, "version=TLS"))
				out->tls = AUDIT_YES;
			continue;
		}
		word = scan_while(&s, is_word_byte);
		if (word.n == 0) {
			(void)scan_next(&s);
			continue;
		}
		is_from = is_from && !span_is_nocase(word, "by");
		if (is_from && out->client.family == IP_NONE &&
		    word.p[0] == '[')
			find_address(word, &out->client);
		read_word(word, before, out);
		before = word;
	}
}
