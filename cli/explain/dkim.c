#include <string.h>

#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "audit/dkim_explain.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/scan.h"
#include "lib/enum_names.h"

enum {
	INDENT = 6,
	BODY_MAX = 16 << 20, /* bytes; larger bodies are not searched for
	                        changes, because that takes a hash per line */
	HASH_TEXT_MAX = 64,  /* bytes of a hash in base64 */
	SENTENCE_MAX = 1024,
};

/* One signature, its result, and the details behind it. */
struct signature_details {
	const struct dkim_result *r;
	bool is_explained; /* `e` is valid */
	struct explain_signature e;
	bool body_differs;
	bool body_searched; /* `body` is valid */
	struct explain_body body;
};

static void
signature_details_read(struct signature_details *details, const struct dkim *d,
    size_t i, struct span body, struct arena *a)
{
	struct span bh;
	size_t n;

	*details = (struct signature_details){ .r = &dkim_results(d, &n)[i] };
	details->is_explained = dkim_explain(d, i, a, &details->e);
	if (!details->is_explained || details->e.body_hash == NULL)
		return;
	bh = details->e.sig->bh;
	details->body_differs = bh.n != CRYPTO_HASH_SIZE ||
	    memcmp(bh.p, details->e.body_hash, CRYPTO_HASH_SIZE) != 0;
	details->body_searched = details->body_differs &&
	    bh.n == CRYPTO_HASH_SIZE && body.n <= BODY_MAX;
	if (details->body_searched)
		dkim_explain_body(details->e.sig, body, &details->body);
}

static const char *
canon_name(enum canon canon)
{
	return canon == CANON_SIMPLE ? "simple" : "relaxed";
}

static const char *
key_type_name(enum key_type type)
{
	return type == KEY_RSA ? "rsa" : "ed25519";
}

static const struct enum_token body_names[] = {
	{ "unknown", BODY_UNKNOWN },
	{ "same", BODY_SAME },
	{ "other", BODY_OTHER },
	{ "appended", BODY_APPENDED },
	{ "no memory", BODY_NO_MEMORY },
};

static struct span
hash_text(struct buf *b, const void *hash, size_t n)
{
	buf_cut(b, 0);
	base64_encode(b, span_of(hash, n));
	return buf_view(b);
}

/* ---- JSON ---- */

static json_t *
signed_fields_json(const struct explain_signature *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_names; i++) {
		const struct explain_name *name = &e->names[i];
		json_t *o = json_object();

		cli_set_span(o, "name", name->name);
		cli_set(o, "field",
		    name->field == EXPLAIN_NO_FIELD
			? json_null()
			: json_integer((json_int_t)name->field));
		cli_set_bool(o, "changed", name->is_changed);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *
explain_key_json(const struct key *k)
{
	json_t *o = json_object();

	cli_set_text(o, "type", key_type_name(k->type));
	cli_set_number(o, "bits", k->bits);
	cli_set_text(o, "fault", k->fault);
	cli_set_bool(o, "revoked", k->is_revoked);
	cli_set_bool(o, "testing", k->testing);
	cli_set_bool(o, "strict", k->strict);
	return o;
}

static json_t *
keys_json(const struct key_list *keys)
{
	json_t *list = json_array();

	for (size_t i = 0; keys != NULL && i < keys->n; i++)
		json_array_append_new(list, explain_key_json(&keys->keys[i]));
	return list;
}

static json_t *
signed_body_json(const struct signature_details *details)
{
	const struct explain_signature *e = &details->e;
	char memory[HASH_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	json_t *o = json_object();

	cli_set_text(o, "canonicalization", canon_name(e->sig->body));
	cli_set_number(o, "length", (int64_t)e->body_length);
	cli_set_number(o, "signed_length", (int64_t)e->signed_length);
	cli_set_span(o, "hash",
	    e->body_hash != NULL ? hash_text(&b, e->body_hash, CRYPTO_HASH_SIZE)
				 : SPAN_NONE);
	cli_set_span(
	    o, "signed_hash", hash_text(&b, e->sig->bh.p, e->sig->bh.n));
	cli_set_bool(o, "differs", details->body_differs);
	if (!details->body_searched)
		return o;
	cli_set_text(o, "found",
	    enum_name(
		body_names, ARRAY_SIZE(body_names), (int)details->body.code));
	cli_set_number(o, "found_length", (int64_t)details->body.length);
	cli_set_number(o, "found_lines", (int64_t)details->body.lines);
	cli_set_number(o, "appended", (int64_t)details->body.appended);
	return o;
}

static json_t *
number_or_null(bool has, uint64_t value)
{
	return has ? json_integer((json_int_t)value) : json_null();
}

static json_t *
signature_json(const struct signature_details *details)
{
	const struct explain_signature *e = &details->e;
	char memory[HASH_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	json_t *o = json_object();

	cli_set_number(o, "field", (int64_t)details->r->field);
	cli_set_bool(o, "verified", details->r->verified);
	if (!details->is_explained)
		return o;
	cli_set_span(o, "key_name", e->key_name);
	cli_set(o, "keys", keys_json(e->keys));
	cli_set_text(o, "header_canonicalization", canon_name(e->sig->header));
	cli_set(o, "signed_fields", signed_fields_json(e));
	cli_set_span(o, "header", e->header);
	cli_set_span(
	    o, "header_hash", hash_text(&b, e->header_hash, CRYPTO_HASH_SIZE));
	cli_set(o, "body", signed_body_json(details));
	cli_set(o, "timestamp",
	    number_or_null(e->sig->has_timestamp, e->sig->timestamp));
	cli_set(o, "expiration",
	    number_or_null(e->sig->has_expiration, e->sig->expiration));
	return o;
}

json_t *
explain_dkim_json(const struct dkim *d, struct span body, struct arena *a)
{
	json_t *list = json_array();
	size_t n = 0;
	struct signature_details details;

	if (d != NULL)
		(void)dkim_results(d, &n);
	for (size_t i = 0; i < n; i++) {
		signature_details_read(&details, d, i, body, a);
		json_array_append_new(list, signature_json(&details));
	}
	return list;
}

/* ---- text ---- */

void
explain_key(struct buf *b, const struct key *k)
{
	buf_text(b, key_type_name(k->type));
	if (k->bits > 0)
		buf_printf(b, ", %u bits", k->bits);
	if (k->testing)
		buf_text(b, ", t=y (testing)");
	if (k->strict)
		buf_text(b, ", t=s (the domain of i= must equal d=)");
	if (k->fault != NULL)
		buf_printf(b, "; not usable: %s", k->fault);
}

static void
print_signature_keys(const struct explain_signature *e)
{
	char memory[SENTENCE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	size_t n = e->keys != NULL ? e->keys->n : 0;

	cli_line("    key at", e->key_name);
	if (n == 0)
		cli_prose_text(INDENT, "no key record found");
	for (size_t i = 0; i < n; i++) {
		buf_cut(&b, 0);
		explain_key(&b, &e->keys->keys[i]);
		cli_prose(INDENT, buf_view(&b));
	}
}

static void
print_signed_fields(const struct explain_signature *e)
{
	puts("    signed fields");
	for (size_t i = 0; i < e->n_names; i++) {
		const struct explain_name *name = &e->names[i];

		printf("%*s", INDENT, "");
		cli_put(name->name);
		if (name->field == EXPLAIN_NO_FIELD)
			fputs(": absent; adding one breaks the signature",
			    stdout);
		else
			printf(": field %zu of the header", name->field + 1);
		if (name->is_changed)
			fputs(", CHANGED since it was signed (differs from "
			      "z=)",
			    stdout);
		putchar('\n');
	}
}

static void
print_signed_header(const struct explain_signature *e)
{
	char memory[HASH_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct scan s = scan_of(e->header);

	printf("    header as hashed (%s, RFC 6376 section 3.7)\n",
	    canon_name(e->sig->header));
	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		scan_byte(&s, '\n');
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		printf("%*s|", INDENT, "");
		cli_put(line);
		putchar('\n');
	}
	cli_line(
	    "      SHA-256", hash_text(&b, e->header_hash, CRYPTO_HASH_SIZE));
}

/* Prints what the hashes show about where the body was changed. */
static void
print_body_difference(const struct signature_details *details)
{
	const struct explain_body *body = &details->body;
	char memory[SENTENCE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (!details->body_searched) {
		cli_prose_text(
		    INDENT, "The body is too large to search for the change.");
		return;
	}
	switch (body->code) {
	case BODY_SAME:
		return;
	case BODY_UNKNOWN:
		buf_text(&b,
		    "No leading part of the body matches the signed hash: a "
		    "line was changed or removed, possibly the first one.");
		break;
	case BODY_OTHER:
		buf_printf(&b,
		    "With %s canonicalization the body matches the signed "
		    "hash: only white space was changed, or the signer gave "
		    "the wrong c=.",
		    canon_name(details->e.sig->body == CANON_SIMPLE
			    ? CANON_RELAXED
			    : CANON_SIMPLE));
		break;
	case BODY_APPENDED:
		buf_printf(&b,
		    "The signed hash matches the beginning of the body "
		    "(lines: %zu, bytes: %llu).  Bytes added after it: %llu.",
		    body->lines, (unsigned long long)body->length,
		    (unsigned long long)body->appended);
		break;
	case BODY_NO_MEMORY:
		buf_text(&b, "Out of memory.");
		break;
	}
	cli_prose(INDENT, buf_view(&b));
}

static void
print_signed_body(const struct signature_details *details)
{
	const struct explain_signature *e = &details->e;
	char memory[HASH_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	printf("    body as hashed (%s): %llu bytes", canon_name(e->sig->body),
	    (unsigned long long)e->body_length);
	if (e->sig->limit != BODY_WHOLE)
		printf("; the first %llu are signed (l=%llu)",
		    (unsigned long long)e->signed_length,
		    (unsigned long long)e->sig->limit);
	putchar('\n');
	if (e->body_hash != NULL)
		cli_line("      SHA-256",
		    hash_text(&b, e->body_hash, CRYPTO_HASH_SIZE));
	cli_line("      bh=", hash_text(&b, e->sig->bh.p, e->sig->bh.n));
	if (details->body_differs)
		print_body_difference(details);
}

static void
print_signature_time(const char *label, bool has, uint64_t seconds)
{
	char text[DATE_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	if (!has)
		return;
	date_put_time(&b, (int64_t)seconds);
	printf("%-22s %llu, %s\n", label, (unsigned long long)seconds, text);
}

static void
print_signature(const struct signature_details *details, size_t number)
{
	const struct dkim_result *r = details->r;

	printf("  Signature %zu, field %zu of the header, d=", number,
	    r->field + 1);
	cli_put(r->domain.p != NULL ? r->domain : SPAN("?"));
	printf(": %s: ", dkim_code_name(r->code));
	cli_put(r->reason);
	putchar('\n');
	if (!details->is_explained)
		return;
	print_signature_keys(&details->e);
	print_signature_time("    signed at", details->e.sig->has_timestamp,
	    details->e.sig->timestamp);
	print_signature_time("    expires at", details->e.sig->has_expiration,
	    details->e.sig->expiration);
	print_signed_body(details);
	print_signed_fields(&details->e);
	print_signed_header(&details->e);
}

void
explain_dkim(const struct dkim *d, struct span body, struct arena *a)
{
	size_t n = 0;
	struct signature_details details;

	if (d != NULL)
		(void)dkim_results(d, &n);
	if (n == 0)
		cli_prose_text(2, "The message has no DKIM signature.");
	for (size_t i = 0; i < n; i++) {
		signature_details_read(&details, d, i, body, a);
		print_signature(&details, i + 1);
	}
	if (n > 0 && dkim_unlisted(d) > 0)
		printf("  %zu more signatures were not checked\n",
		    dkim_unlisted(d));
}
