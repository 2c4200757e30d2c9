/*
 * received.c - writes the Received-SPF field (RFC 7208 section 9.1).
 *
 * Programs search it for "identity=" and the like without parsing quotes, so
 * untrusted strings are cleaned as in Authentication-Results, and a local part
 * that cleaning would change is left out.
 */
#include "spf/received.h"

#include "lib/ascii.h"
#include "lib/buf.h"

enum {
	/* Bytes of one value.  Each pair has its own line, which stays below
	 * the 998 bytes of RFC 5322 section 2.1.1. */
	VALUE_MAX = 320,
	COMMENT_NAME_MAX = 128, /* bytes of a name in the comment */
};

/* dot-atom-text of RFC 5322 section 3.2.3, ASCII only, so that readers need not
 * support RFC 6532. */
static bool
is_dot_atom(struct span s)
{
	bool after_dot = true;

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '.' ? after_dot
			     : c >= 0x80 || c == '=' || !ascii_is_atext(c))
			return false;
		after_dot = c == '.';
	}
	return !after_dot;
}

/* Returns the whole address if cleaning does not change it, else its domain. */
static struct span
safe_sender(const struct spf_query *q, const struct spf_result *r)
{
	char memory[VALUE_MAX + 1];
	struct buf safe = buf_wrap(memory, sizeof(memory));

	buf_safe(&safe, q->sender, VALUE_MAX);
	return span_equal(buf_view(&safe), q->sender) ? q->sender : r->domain;
}

static void
put_name(struct buf *b, struct span s)
{
	buf_safe(b, s, COMMENT_NAME_MAX);
}

/* Writes a key-value-pair of RFC 7208 section 9.1 on its own line. */
static void
put_pair(struct buf *b, const char *key, struct span value)
{
	buf_text(b, "\n\t");
	buf_text(b, key);
	buf_byte(b, '=');
	if (value.n <= VALUE_MAX && is_dot_atom(value)) {
		buf_span(b, value);
	} else {
		buf_byte(b, '"');
		buf_safe(b, value, VALUE_MAX);
		buf_byte(b, '"');
	}
	buf_byte(b, ';');
}

/* Returns the words of the comment between the domain and the address. */
static const char *
claim(enum spf_code code)
{
	switch (code) {
	case SPF_NONE:
		return " says nothing about ";
	case SPF_NEUTRAL:
		return " neither permits nor denies ";
	case SPF_PASS:
		return " designates ";
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		return " does not designate ";
	case SPF_TEMPERROR:
	case SPF_PERMERROR:
		break;
	}
	return " could not be checked for ";
}

static void
put_comment(
    struct buf *b, const struct spf_result *r, const struct spf_query *q)
{
	buf_text(b, " (");
	put_name(b, q->receiver.n > 0 ? q->receiver : SPAN("unknown"));
	buf_text(b, ":\n\t");
	buf_text(b,
	    r->code == SPF_SOFTFAIL ? "transitioning domain of "
				    : "domain of ");
	if (r->identity == SPF_IDENTITY_MAILFROM && q->sender.n > 0) {
		put_name(b, safe_sender(q, r));
	} else {
		buf_text(b, "postmaster@");
		put_name(b, q->helo);
	}
	buf_text(b, claim(r->code));
	ip_put(b, &q->ip);
	buf_text(b,
	    r->code == SPF_PASS || r->code == SPF_FAIL ||
		    r->code == SPF_SOFTFAIL
		? " as permitted sender)"
		: ")");
}

static bool
is_error(enum spf_code code)
{
	return code == SPF_TEMPERROR || code == SPF_PERMERROR;
}

static void
put_pairs(struct buf *b, const struct spf_result *r, const struct spf_query *q)
{
	char memory[IP_TEXT_MAX];
	struct buf ip = buf_wrap(memory, sizeof(memory));

	ip_put(&ip, &q->ip);
	put_pair(b, "client-ip", buf_view(&ip));
	if (r->identity == SPF_IDENTITY_MAILFROM)
		put_pair(b, "envelope-from", safe_sender(q, r));
	put_pair(b, "helo", q->helo);
	if (q->receiver.n > 0)
		put_pair(b, "receiver", q->receiver);
	put_pair(b, "identity", span_str(spf_identity_name(r->identity)));
	if (r->mechanism.n > 0)
		put_pair(b, "mechanism", r->mechanism);
	else if (!is_error(r->code) && r->code != SPF_NONE)
		put_pair(b, "mechanism", SPAN("default"));
	if (is_error(r->code))
		put_pair(b, "problem", r->reason);
}

struct span
spf_received(
    const struct spf_result *r, const struct spf_query *q, struct arena *a)
{
	struct buf b = buf_alloc(a, SPF_RECEIVED_MAX + 1);

	if (b.p == NULL)
		return SPAN_NONE;
	buf_text(&b, spf_code_name(r->code));
	put_comment(&b, r, q);
	put_pairs(&b, r, q);
	return buf_view(&b);
}
