#include "dkim/signature.h"

#include <string.h>

#include "dkim/arc.h"
#include "lib/ascii.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/taglist.h"
#include "mail/lex.h"

struct signature_reader {
	struct arena *a;
	enum signature_kind kind;
	struct span field; /* the field that contains b= */
	struct signature *sig;
};

/* Returns why the tag is invalid, or NULL if it is valid or `a` is full. */
typedef const char *read_tag(struct signature_reader *r, struct span value);

/* ---- individual tags ---- */

static const char *
read_version(struct signature_reader *r, struct span value)
{
	(void)r;
	/* RFC 6376 section 3.5; section 6.1.1: incompatible version */
	return span_is(value, "1") ? NULL : "v= is not 1";
}

static const char *
read_algorithm(struct signature_reader *r, struct span value)
{
	/* RFC 6376 section 3.3, RFC 8463 section 3; case-sensitive (RFC 6376
	 * section 3.2) */
	static const struct enum_token algorithms[] = {
		{ "rsa-sha256", SIGNATURE_RSA_SHA256 },
		{ "ed25519-sha256", SIGNATURE_ED25519_SHA256 },
		{ "rsa-sha1", SIGNATURE_RSA_SHA1 },
	};

	r->sig->algorithm_text = value;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		if (span_is(value, algorithms[i].name)) {
			r->sig->algorithm =
			    (enum signature_algorithm)algorithms[i].value;
			return NULL;
		}
	}
	/* RFC 6376 section 3.3.4 */
	return "unknown algorithm in a=";
}

/* Returns everything from "b=" to the next ";" or the end of the field: the
 * value "with all surrounding whitespace" (RFC 6376 section 3.7). */
static struct span
whole_value(struct span field, struct span value)
{
	const char *from = value.p, *to = value.p + value.n;

	while (from > field.p && ascii_is_space((unsigned char)from[-1]))
		from--;
	while (to < field.p + field.n && ascii_is_space((unsigned char)*to))
		to++;
	return span_between(from, to);
}

bool
signature_base64(struct arena *a, struct span text, struct span *out)
{
	size_t letters = 0;
	struct buf padded;

	if (base64_decode(a, text, out))
		return true;
	if (arena_has_failed(a) || span_has(text, '='))
		return false;
	for (size_t i = 0; i < text.n; i++)
		letters += !ascii_is_space((unsigned char)text.p[i]);
	padded = buf_alloc(a, text.n + 3);
	buf_span(&padded, text);
	for (size_t i = letters % 4; i >= 2 && i < 4; i++)
		buf_byte(&padded, '=');
	return !padded.full && base64_decode(a, buf_view(&padded), out);
}

static const char *
read_signature(struct signature_reader *r, struct span value)
{
	r->sig->b_text = value;
	if (value.n == 0)
		return "b= is empty";
	r->sig->b_cut = whole_value(r->field, value);
	return signature_base64(r->a, value, &r->sig->b) ? NULL
							 : "b= is not base64";
}

static const char *
read_body_hash(struct signature_reader *r, struct span value)
{
	if (!signature_base64(r->a, value, &r->sig->bh))
		return "bh= is not base64";
	/* All supported algorithms use SHA-256. */
	return r->sig->bh.n == BODY_HASH_SIZE
	    ? NULL
	    : "bh= does not have the length of a SHA-256 hash";
}

static bool
canon_named(struct span text, enum canon *out)
{
	if (!span_is(text, "relaxed") && !span_is(text, "simple"))
		return false;
	*out = span_is(text, "relaxed") ? CANON_RELAXED : CANON_SIMPLE;
	return true;
}

static const char *
read_canon(struct signature_reader *r, struct span value)
{
	struct span header = span_first(value, span_index(value, '/'));

	r->sig->has_canon = true;
	/* RFC 6376 section 3.5: a single name applies to the header.
	 * Section 3.4: an unknown one makes the signature unusable. */
	if (!canon_named(header, &r->sig->header))
		return "unknown canonicalization in c=";
	if (header.n < value.n &&
	    !canon_named(span_skip(value, header.n + 1), &r->sig->body))
		return "unknown canonicalization in c=";
	return NULL;
}

/* RFC 5321's Domain, used for d=, s= and i=, has no final dot. */
static bool
has_final_dot(struct span name)
{
	return name.n > 0 && name.p[name.n - 1] == '.';
}

static const char *
read_domain(struct signature_reader *r, struct span value)
{
	/* RFC 8616 section 5: U-labels are allowed. */
	struct span domain = domain_normal(r->a, value);

	if (!domain_is_hostname(domain) || has_final_dot(value))
		return "d= is not a domain name";
	r->sig->domain = domain;
	/* RFC 6376 section 3.5: domain-name has at least two labels; section
	 * 6.1.1: signatures of domains such as "com" may be ignored. */
	if (!domain_is_fqdn(domain))
		return "d= is not a fully qualified domain name";
	return NULL;
}

static const char *
read_selector(struct signature_reader *r, struct span value)
{
	struct span selector = domain_normal(r->a, value);

	if (!domain_is_hostname(selector) || has_final_dot(value))
		return "s= is not a valid selector";
	r->sig->selector = selector;
	return NULL;
}

/* RFC 6376 section 3.5, h=: names separated by colons, with optional white
 * space around them. */
static const char *
read_names(struct signature_reader *r, struct span value)
{
	size_t room = 1;
	struct span *names;
	size_t n = 0;

	for (size_t i = 0; i < value.n; i++)
		room += value.p[i] == ':';
	if (room > SIGNATURE_NAMES_MAX)
		return "h= has too many names";
	names = arena_array(r->a, room, sizeof(*names));
	if (names == NULL)
		return NULL;
	for (bool more = true; more;) {
		struct span part = span_first(value, span_index(value, ':'));
		struct span name = span_trim(part);

		more = part.n < value.n;
		value = span_skip(value, part.n + 1);
		/* The grammar does not allow an empty name, but some ARC
		 * sealers write one; it refers to no field. */
		if (name.n == 0 && r->kind == SIGNATURE_AMS)
			continue;
		if (name.n == 0 || !span_all(name, ascii_is_ftext))
			return "h= is not a list of field names";
		/* RFC 8617 section 4.1.2.  AMS and AAR are tolerated: some
		 * sealers sign them, and the seals cover them anyway. */
		if (r->kind == SIGNATURE_AMS &&
		    span_is_nocase(name, "arc-seal"))
			return "h= names ARC-Seal";
		r->sig->n_from += span_is_nocase(name, "from");
		names[n++] = name;
	}
	r->sig->names = names;
	r->sig->n_names = n;
	return NULL;
}

/* RFC 6376 section 2.11: no lower-case letters */
static int
hex_digit(char c)
{
	return c >= 'a' ? -1 : ascii_hex_digit((unsigned char)c);
}

struct span
signature_unquote(struct arena *a, struct span text)
{
	char *to = arena_alloc(a, text.n + 1);
	size_t n = 0;

	if (to == NULL)
		return SPAN_NONE;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (ascii_is_space((unsigned char)c))
			continue;
		if (c == '=') {
			int high =
			    text.n - i > 2 ? hex_digit(text.p[i + 1]) : -1;
			int low =
			    text.n - i > 2 ? hex_digit(text.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return SPAN_NONE;
			c = (char)(high * 16 + low);
			i += 2;
		}
		to[n++] = c;
	}
	return span_of(to, n);
}

static const char *
read_identity(struct signature_reader *r, struct span value)
{
	struct span whole = signature_unquote(r->a, value);
	size_t at = span_rindex(whole, '@');
	struct span domain, normal;

	if (whole.p == NULL || at == whole.n)
		return "malformed i=";
	domain = span_skip(whole, at + 1);
	normal = domain_normal(r->a, domain);
	if (!domain_is_hostname(normal) || has_final_dot(domain))
		return "i= has no domain name";
	r->sig->identity = whole;
	r->sig->identity_domain = normal;
	return NULL;
}

/* RFC 6376 section 3.5: up to `digits` decimal digits; larger values saturate
 * at `max`. */
static bool
read_digits(struct span value, size_t digits, uint64_t max, uint64_t *out)
{
	struct scan s = scan_of(value);

	if (value.n == 0 || value.n > digits ||
	    !span_all(value, ascii_is_digit))
		return false;
	if (!scan_number(&s, max, out))
		*out = max;
	return true;
}

static const char *
read_length(struct signature_reader *r, struct span value)
{
	return read_digits(value, SIGNATURE_LENGTH_DIGITS, BODY_WHOLE - 1,
		   &r->sig->limit)
	    ? NULL
	    : "l= is not a number";
}

static const char *
read_timestamp(struct signature_reader *r, struct span value)
{
	r->sig->has_timestamp = read_digits(
	    value, SIGNATURE_TIME_DIGITS, UINT64_MAX, &r->sig->timestamp);
	return r->sig->has_timestamp ? NULL : "t= is not a number";
}

static const char *
read_expiration(struct signature_reader *r, struct span value)
{
	r->sig->has_expiration = read_digits(
	    value, SIGNATURE_TIME_DIGITS, UINT64_MAX, &r->sig->expiration);
	return r->sig->has_expiration ? NULL : "x= is not a number";
}

static const char *
read_query(struct signature_reader *r, struct span value)
{
	(void)r;
	/* RFC 6376 section 3.5: unknown methods are ignored, but at least one
	 * must be known */
	for (bool more = true; more;) {
		struct span method = span_first(value, span_index(value, ':'));

		more = method.n < value.n;
		value = span_skip(value, method.n + 1);
		if (span_is(span_trim(method), "dns/txt"))
			return NULL;
	}
	return "q= has no supported query method";
}

static const char *
read_instance(struct signature_reader *r, struct span value)
{
	uint64_t instance = 0;

	/* RFC 8617 section 4.2.1 */
	if (!read_digits(
		value, SIGNATURE_INSTANCE_DIGITS, UINT64_MAX, &instance) ||
	    instance < 1 || instance > ARC_INSTANCES_MAX)
		return "i= is not from 1 to 50";
	r->sig->instance = (unsigned)instance;
	return NULL;
}

static const char *
read_chain(struct signature_reader *r, struct span value)
{
	static const struct enum_token states[] = {
		/* RFC 8617 section 3.9; ABNF strings are case-insensitive */
		{ "none", CHAIN_NONE },
		{ "fail", CHAIN_FAIL },
		{ "pass", CHAIN_PASS },
	};
	int state;

	if (!enum_value(states, ARRAY_SIZE(states), value, &state))
		return "cv= is not none, fail or pass";
	r->sig->chain = (enum signature_chain)state;
	return NULL;
}

static const char *
read_forbidden(struct signature_reader *r, struct span value)
{
	(void)r;
	(void)value;
	/* RFC 8617 section 4.1.3 */
	return "h= is not allowed in an ARC-Seal";
}

/* ---- tags of each field ---- */

struct signature_rule {
	const char *name;
	read_tag *read;
	const char *missing; /* the error if the tag is absent; NULL:
	                        optional */
};

enum { RULES_MAX = 13 };

/* Unknown tags are ignored (RFC 6376 section 3.2).  So is z=: its copies are
 * for diagnosis only (RFC 6376 section 3.5). */
static const struct signature_rule rules[][RULES_MAX + 1] = {
	[SIGNATURE_DKIM] = {
	    { "v", read_version, "v= is missing" },
	    { "a", read_algorithm, "a= is missing" },
	    { "b", read_signature, "b= is missing" },
	    { "bh", read_body_hash, "bh= is missing" },
	    { "c", read_canon, NULL },
	    { "d", read_domain, "d= is missing" },
	    { "h", read_names, "h= is missing" },
	    { "i", read_identity, NULL },
	    { "l", read_length, NULL },
	    { "q", read_query, NULL },
	    { "s", read_selector, "s= is missing" },
	    { "t", read_timestamp, NULL },
	    { "x", read_expiration, NULL },
	    { NULL, NULL, NULL },
	},
	[SIGNATURE_AMS] = { /* RFC 8617 section 4.1.2: no v= */
	    { "i", read_instance, "i= is missing" },
	    { "a", read_algorithm, "a= is missing" },
	    { "b", read_signature, "b= is missing" },
	    { "bh", read_body_hash, "bh= is missing" },
	    { "c", read_canon, NULL },
	    { "d", read_domain, "d= is missing" },
	    { "h", read_names, "h= is missing" },
	    { "l", read_length, NULL },
	    { "q", read_query, NULL },
	    { "s", read_selector, "s= is missing" },
	    { "t", read_timestamp, NULL },
	    { "x", read_expiration, NULL },
	    { NULL, NULL, NULL },
	},
	[SIGNATURE_SEAL] = { /* RFC 8617 section 4.1.3 */
	    { "i", read_instance, "i= is missing" },
	    { "cv", read_chain, "cv= is missing" },
	    { "a", read_algorithm, "a= is missing" },
	    { "b", read_signature, "b= is missing" },
	    { "d", read_domain, "d= is missing" },
	    { "h", read_forbidden, NULL },
	    { "s", read_selector, "s= is missing" },
	    { "t", read_timestamp, NULL },
	    { NULL, NULL, NULL },
	},
};

/* Returns an error that involves several tags, or NULL. */
static const char *
compare_tags(struct signature_reader *r)
{
	struct signature *sig = r->sig;

	if (sig->identity_domain.p == NULL)
		sig->identity_domain = sig->domain;
	/* RFC 6376 section 3.5, i=; section 6.1.1: domain mismatch */
	if (!domain_is_under(sig->identity_domain, sig->domain))
		return "the domain of i= is neither d= nor below it";
	/* RFC 6376 section 3.5, x= */
	if (sig->has_timestamp && sig->has_expiration &&
	    sig->expiration <= sig->timestamp)
		return "x= is not later than t=";
	/* RFC 6376 section 6.1.1: From field not signed */
	if (r->kind != SIGNATURE_SEAL && sig->n_from == 0)
		return "From is not signed";
	return NULL;
}

/* Parses all tags even if one is invalid, so that reports can name
 * the domain. */
static const char *
read_tags(struct signature_reader *r, const struct tag *tags, size_t n)
{
	const char *fault = NULL;

	for (const struct signature_rule *rule = rules[r->kind];
	     rule->name != NULL; rule++) {
		const char *wrong = rule->missing;
		struct span value;

		if (taglist_find(tags, n, rule->name, &value))
			wrong = rule->read(r, value);
		if (fault == NULL)
			fault = wrong;
	}
	return fault != NULL ? fault : compare_tags(r);
}

/* Reads "i=N" and the ";" after it, with comments in between, and sets `digits`
 * to N.  If `value` does not begin like this, returns false and leaves it
 * unchanged. */
static bool
take_instance(struct span *value, struct span *digits)
{
	struct scan s = scan_of(*value);

	if (!mail_skip_cfws(&s) || !scan_byte(&s, 'i') || !mail_skip_cfws(&s) ||
	    !scan_byte(&s, '=') || !mail_skip_cfws(&s))
		return false;
	*digits = scan_while(&s, ascii_is_digit);
	if (digits->n == 0 || !mail_skip_cfws(&s) || !scan_byte(&s, ';'))
		return false;
	*value = scan_rest(&s);
	return true;
}

unsigned
signature_instance(struct span *value)
{
	struct signature sig = { .instance = 0 };
	struct signature_reader r = { .sig = &sig };
	struct span rest = *value, digits;

	if (take_instance(&rest, &digits) && read_instance(&r, digits) == NULL)
		*value = rest;
	return sig.instance;
}

bool
signature_read(struct span value, enum signature_kind kind, struct arena *a,
    struct signature *out)
{
	struct signature_reader r = {
		.a = a, .kind = kind, .field = value, .sig = out
	};
	struct tag tags[TAGLIST_MAX + 1];
	struct tag instance = { .name = SPAN("i") };
	struct span again;
	const char *fault = NULL;
	size_t n = 0;

	*out = (struct signature){ .limit = BODY_WHOLE };
	/* At the beginning, i= may have comments around it; some sealers write
	 * it later, among the DKIM tags. */
	bool in_front =
	    kind != SIGNATURE_DKIM && take_instance(&value, &instance.value);

	if (!taglist_read(value, tags, &n, &fault)) {
		if (in_front)
			read_instance(&r, instance.value);
		out->fault = fault;
		return true;
	}
	if (in_front) {
		if (taglist_find(tags, n, "i", &again))
			fault = "a tag is given twice";
		tags[n++] = instance;
	}
	out->fault = read_tags(&r, tags, n);
	if (fault != NULL)
		out->fault = fault;
	return !arena_has_failed(a);
}

/* Written for speed: a function call for each byte would dominate the cost. */
static inline size_t
skip_space(const char *p, size_t at, size_t n)
{
	while (at < n &&
	    (p[at] == ' ' || p[at] == '\t' || p[at] == '\r' || p[at] == '\n'))
		at++;
	return at;
}

/* Returns the value of the first tag `name`, without any other checks. */
static struct span
find_tag(struct span list, char name)
{
	while (list.n > 0) {
		size_t at = skip_space(list.p, 0, list.n);

		if (at < list.n && list.p[at] == name) {
			struct span tag =
			    span_first(list, span_index(list, ';'));

			at = skip_space(tag.p, at + 1, tag.n);
			if (at < tag.n && tag.p[at] == '=')
				return span_trim(span_skip(tag, at + 1));
		}
		list = span_skip(list, span_index(list, ';') + 1);
	}
	return SPAN_NONE;
}

void
signature_peek(struct span value, struct signature_peek *out)
{
	out->domain = find_tag(value, 'd');
	out->selector = find_tag(value, 's');
	out->algorithm = find_tag(value, 'a');
	out->b = find_tag(value, 'b');
}

struct span
signature_domain(struct span value)
{
	return find_tag(value, 'd');
}
