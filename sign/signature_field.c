#include "sign/signature_field.h"

#include <string.h>

#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/enum_names.h"

enum {
	LINE_MAX_COLUMN = 76, /* RFC 5322 section 2.1.1 recommends 78 */
	TAGS_MAX = 400,   /* bytes of all tags except d=, s=, h=, bh= and b= */
	BASE64_HASH = 44, /* bytes of bh= */
};

/* how many more times h= lists a name than there are such fields */
enum oversigning {
	OVER_NEVER,
	OVER_PRESENT, /* once, if the field is present */
	OVER_ALWAYS,  /* once, even if the field is absent */
};

/*
 * Names of fields to sign.  The list omits fields that change in transit or
 * that others add: Received, Return-Path, Bcc, Sender, Comments, Keywords, and
 * all trace and result fields (RFC 6376 section 5.4.1).  Mailing lists add
 * List-* and Resent-* fields, so these are never oversigned.
 */
static const struct signed_name {
	const char *name;
	enum oversigning full, lists;
} signed_names[] = {
	{ "From", OVER_ALWAYS, OVER_PRESENT },
	{ "Reply-To", OVER_ALWAYS, OVER_NEVER },
	{ "To", OVER_ALWAYS, OVER_PRESENT },
	{ "Cc", OVER_ALWAYS, OVER_NEVER },
	{ "Subject", OVER_ALWAYS, OVER_PRESENT },
	{ "Date", OVER_PRESENT, OVER_PRESENT },
	{ "Message-ID", OVER_PRESENT, OVER_PRESENT },
	{ "MIME-Version", OVER_PRESENT, OVER_PRESENT },
	{ "Content-Type", OVER_PRESENT, OVER_PRESENT },
	{ "Content-Transfer-Encoding", OVER_PRESENT, OVER_PRESENT },
	{ "In-Reply-To", OVER_PRESENT, OVER_PRESENT },
	{ "References", OVER_PRESENT, OVER_PRESENT },
	{ "Autocrypt", OVER_PRESENT, OVER_PRESENT },
	{ "OpenPGP", OVER_PRESENT, OVER_PRESENT },
	{ "Resent-Date", OVER_NEVER, OVER_NEVER },
	{ "Resent-From", OVER_NEVER, OVER_NEVER },
	{ "Resent-To", OVER_NEVER, OVER_NEVER },
	{ "Resent-Cc", OVER_NEVER, OVER_NEVER },
	{ "Resent-Message-ID", OVER_NEVER, OVER_NEVER },
	{ "List-Id", OVER_NEVER, OVER_NEVER },
	{ "List-Help", OVER_NEVER, OVER_NEVER },
	{ "List-Unsubscribe", OVER_NEVER, OVER_NEVER },
	{ "List-Unsubscribe-Post", OVER_NEVER, OVER_NEVER },
	{ "List-Subscribe", OVER_NEVER, OVER_NEVER },
	{ "List-Post", OVER_NEVER, OVER_NEVER },
	{ "List-Owner", OVER_NEVER, OVER_NEVER },
	{ "List-Archive", OVER_NEVER, OVER_NEVER },
};

static bool
is_omitted(const char *name, char *const *omit)
{
	for (; omit != NULL && *omit != NULL; omit++)
		if (span_is_nocase(span_str(name), *omit))
			return true;
	return false;
}

/* Returns how many times h= lists the name `s` if `present` fields have it. */
static size_t
times_named(
    const struct signed_name *s, enum conf_oversign preset, size_t present)
{
	enum oversigning over = preset == CONF_OVERSIGN_FULL ? s->full
	    : preset == CONF_OVERSIGN_LISTS                  ? s->lists
							     : OVER_NEVER;

	if (present > SIGNATURE_SAME_NAME_MAX)
		return SIGNATURE_SAME_NAME_MAX;
	return present +
	    (over == OVER_ALWAYS || (over == OVER_PRESENT && present > 0));
}

bool
signature_names_choose(const struct header_index *x,
    enum conf_oversign oversign, char *const *omit, struct arena *a,
    struct signature_names *out)
{
	out->n = 0;
	out->names =
	    arena_array(a, ARRAY_SIZE(signed_names) * SIGNATURE_SAME_NAME_MAX,
		sizeof(*out->names));
	if (out->names == NULL)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(signed_names); i++) {
		const struct signed_name *s = &signed_names[i];
		struct span name = span_str(s->name);
		size_t times = is_omitted(s->name, omit)
		    ? 0
		    : times_named(s, oversign, header_index_count(x, name));

		while (times-- > 0)
			out->names[out->n++] = name;
	}
	return true;
}

/* ---- writing the field ---- */

/* Writes names separated by colons, with line breaks after colons: some
 * verifiers allow no white space before a colon. */
static void
put_names(struct buf *b, const struct signature_names *names)
{
	size_t column = sizeof("\th=");

	for (size_t i = 0; i < names->n; i++) {
		size_t n = names->names[i].n;

		if (i > 0)
			buf_byte(b, ':');
		if (column + n + 1 > LINE_MAX_COLUMN) {
			buf_text(b, "\r\n\t");
			column = 1;
		}
		buf_span(b, names->names[i]);
		column += n + 1;
	}
}

static void
put_hash_base64(struct buf *b, const uint8_t hash[CRYPTO_HASH_SIZE])
{
	base64_encode(b, span_of((const char *)hash, CRYPTO_HASH_SIZE));
}

static size_t
names_size(const struct signature_names *names)
{
	size_t size = 0;

	for (size_t i = 0; i < names->n; i++)
		size += names->names[i].n + sizeof(":\r\n\t");
	return size;
}

/* Writes the field up to and including "b=". */
static void
put_unsigned(struct buf *b, const struct signature_request *r)
{
	uint64_t now = r->now > 0 ? (uint64_t)r->now : 0;

	buf_text(b, SIGNATURE_FIELD_NAME ": v=1; a=");
	buf_text(b, crypto_key_is_ed25519(r->key) ? "ed25519" : "rsa");
	buf_text(b, "-sha256; c=relaxed/relaxed;\r\n\td=");
	buf_span(b, r->domain);
	buf_text(b,
	    r->domain.n + r->selector.n > LINE_MAX_COLUMN / 2 ? ";\r\n\ts="
							      : "; s=");
	buf_span(b, r->selector);
	buf_text(b, "; t=");
	buf_number(b, now);
	if (r->expire > 0) {
		buf_text(b, "; x=");
		buf_number(b, now + r->expire);
	}
	buf_text(b, ";\r\n\th=");
	put_names(b, r->names);
	buf_text(b, ";\r\n\tbh=");
	put_hash_base64(b, r->body_hash);
	buf_text(b, ";\r\n\tb=");
}

/* Writes the value of b=, folded. */
static void
put_signature(struct buf *b, const uint8_t *signature, size_t size)
{
	char text[CRYPTO_SIGNATURE_MAX * 4 / 3 + 8];
	struct buf whole = buf_wrap(text, sizeof(text));
	struct span rest;

	base64_encode(&whole, span_of((const char *)signature, size));
	rest = buf_view(&whole);
	while (rest.n > 0) {
		buf_span(b, span_first(rest, LINE_MAX_COLUMN - 4));
		rest = span_skip(rest, LINE_MAX_COLUMN - 4);
		if (rest.n > 0)
			buf_text(b, "\r\n\t");
	}
	if (whole.full)
		b->full = true;
}

struct span
signature_field_make(const struct signature_request *r, struct arena *a)
{
	struct buf b = buf_alloc(a,
	    TAGS_MAX + BASE64_HASH + r->domain.n + r->selector.n +
		names_size(r->names) + 2 * CRYPTO_SIGNATURE_MAX);
	struct signature sig = {
		.header = CANON_RELAXED,
		.names = r->names->names,
		.n_names = r->names->n,
	};
	uint8_t hash[CRYPTO_HASH_SIZE], signature[CRYPTO_SIGNATURE_MAX];
	size_t size;

	put_unsigned(&b, r);
	if (b.full ||
	    !header_hash_to_sign(r->index, &sig, buf_view(&b), hash) ||
	    !crypto_sign(r->key, hash, signature, &size))
		return SPAN_NONE;
	put_signature(&b, signature, size);
	if (b.full)
		return SPAN_NONE;
	return span_skip(buf_view(&b), sizeof(SIGNATURE_FIELD_NAME));
}
