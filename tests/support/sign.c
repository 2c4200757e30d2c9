#include "tests/support/sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

enum { KEYS_MAX = 64 };

struct test_key {
	EVP_PKEY *pkey;
	bool is_rsa;
	unsigned bits, nth;
};

static struct test_key keys[KEYS_MAX];
static size_t n_keys;

/* ---- growing strings ---- */

struct sign_text {
	char *p;
	size_t n, room;
};

static void
put(struct sign_text *t, const char *p, size_t n)
{
	if (t->room - t->n <= n) {
		t->room = 2 * (t->n + n + 1);
		t->p = realloc(t->p, t->room);
	}
	assert_non_null(t->p);
	if (n > 0)
		memcpy(t->p + t->n, p, n);
	t->n += n;
	t->p[t->n] = '\0';
}

static void
puts_text(struct sign_text *t, const char *text)
{
	put(t, text, strlen(text));
}

static char *
base64(const unsigned char *bytes, size_t n)
{
	char *out = malloc(n * 2 + 8);

	assert_non_null(out);
	EVP_EncodeBlock((unsigned char *)out, bytes, (int)n);
	return out;
}

/* ---- keys ---- */

static struct test_key *
key(bool is_rsa, unsigned bits, unsigned nth)
{
	struct test_key *k;

	for (size_t i = 0; i < n_keys; i++)
		if (keys[i].is_rsa == is_rsa && keys[i].bits == bits &&
		    keys[i].nth == nth)
			return &keys[i];
	assert_true(n_keys < KEYS_MAX);
	k = &keys[n_keys++];
	*k = (struct test_key){ .is_rsa = is_rsa, .bits = bits, .nth = nth };
	k->pkey = is_rsa ? EVP_RSA_gen(bits)
			 : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	assert_non_null(k->pkey);
	return k;
}

struct test_key *
sign_rsa(unsigned bits, unsigned nth)
{
	return key(true, bits, nth);
}

struct test_key *
sign_ed25519(unsigned nth)
{
	return key(false, 256, nth);
}

int
sign_teardown(void **state)
{
	(void)state;
	while (n_keys > 0)
		EVP_PKEY_free(keys[--n_keys].pkey);
	return 0;
}

static size_t
der_header(unsigned char *to, unsigned tag, size_t n)
{
	size_t at = 0;

	to[at++] = (unsigned char)tag;
	if (n >= 0x100)
		to[at++] = 0x82;
	else if (n >= 0x80)
		to[at++] = 0x81;
	if (n >= 0x100)
		to[at++] = (unsigned char)(n >> 8);
	to[at++] = (unsigned char)n;
	return at;
}

/* Encodes RSAPublicKey (RFC 8017 appendix A.1.1).  The top bit of n must be
 * set. */
static char *
bare_rsa(const struct test_key *k)
{
	BIGNUM *n = NULL, *e = NULL;
	unsigned char der[4096], body[4096];
	size_t at = 0, head;

	assert_int_equal(EVP_PKEY_get_bn_param(k->pkey, "n", &n), 1);
	assert_int_equal(EVP_PKEY_get_bn_param(k->pkey, "e", &e), 1);
	assert_int_equal(BN_num_bits(n) % 8, 0);
	at += der_header(body, 0x02, (size_t)BN_num_bytes(n) + 1);
	body[at++] = 0;
	at += (size_t)BN_bn2bin(n, body + at);
	body[at++] = 0x02;
	body[at++] = (unsigned char)BN_num_bytes(e);
	at += (size_t)BN_bn2bin(e, body + at);
	head = der_header(der, 0x30, at);
	memcpy(der + head, body, at);
	BN_free(n);
	BN_free(e);
	return base64(der, head + at);
}

char *
sign_public(const struct test_key *k, bool bare)
{
	unsigned char raw[32], *der = NULL;
	size_t n = sizeof(raw);
	char *text;
	int size;

	if (!k->is_rsa) {
		assert_int_equal(
		    EVP_PKEY_get_raw_public_key(k->pkey, raw, &n), 1);
		return base64(raw, n);
	}
	if (bare)
		return bare_rsa(k);
	size = i2d_PUBKEY(k->pkey, &der);
	assert_true(size > 0);
	text = base64(der, (size_t)size);
	OPENSSL_free(der);
	return text;
}

char *
sign_record(const struct test_key *k)
{
	char *p = sign_public(k, false);
	struct sign_text t = { NULL, 0, 0 };

	puts_text(&t, "v=DKIM1; k=");
	puts_text(&t, k->is_rsa ? "rsa; p=" : "ed25519; p=");
	puts_text(&t, p);
	free(p);
	return t.p;
}

char *
sign_zone_line(const char *name, const char *text)
{
	struct sign_text t = { NULL, 0, 0 };
	size_t n = strlen(text);

	puts_text(&t, name);
	puts_text(&t, ". IN TXT");
	do {
		size_t part = n < 200 ? n : 200;

		puts_text(&t, " \"");
		put(&t, text, part);
		puts_text(&t, "\"");
		text += part;
		n -= part;
	} while (n > 0);
	puts_text(&t, "\n");
	return t.p;
}

/* ---- canonicalization ---- */

static bool
is_wsp(char c)
{
	return c == ' ' || c == '\t';
}

/* Writes a line without its line end.  Reduces each run of white space to one
 * space, and removes white space at the end of the line. */
static void
put_reduced(struct sign_text *t, const char *p, size_t n)
{
	while (n > 0 && is_wsp(p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (!is_wsp(p[i]))
			put(t, p + i, 1);
		else if (!is_wsp(p[i + 1]))
			put(t, " ", 1);
	}
}

char *
sign_body(bool relaxed, struct span body, long limit, size_t *n)
{
	struct sign_text t = { NULL, 0, 0 };
	size_t at = 0;

	put(&t, "", 0);
	while (at < body.n) {
		const char *line = body.p + at;
		const char *lf = memchr(line, '\n', body.n - at);
		size_t length = lf != NULL ? (size_t)(lf - line) : body.n - at;

		at += length + 1;
		if (lf != NULL && length > 0 && line[length - 1] == '\r')
			length--;
		if (relaxed)
			put_reduced(&t, line, length);
		else
			put(&t, line, length);
		puts_text(&t, "\r\n");
	}
	while (t.n >= 4 && memcmp(t.p + t.n - 4, "\r\n\r\n", 4) == 0)
		t.n -= 2;
	if (t.n == 2 && relaxed && memcmp(t.p, "\r\n", 2) == 0)
		t.n = 0;
	if (t.n == 0 && !relaxed)
		puts_text(&t, "\r\n");
	if (limit >= 0 && (size_t)limit < t.n)
		t.n = (size_t)limit;
	t.p[t.n] = '\0';
	*n = t.n;
	return t.p;
}

char *
sign_header_field(bool relaxed, struct span field)
{
	struct sign_text unfolded = { NULL, 0, 0 }, t = { NULL, 0, 0 };
	size_t colon, from;

	put(&t, "", 0);
	if (!relaxed) {
		put(&t, field.p, field.n);
		return t.p;
	}
	put(&unfolded, "", 0);
	for (size_t i = 0; i < field.n; i++) {
		if (field.n - i >= 2 && memcmp(field.p + i, "\r\n", 2) == 0)
			i++;
		else
			put(&unfolded, field.p + i, 1);
	}
	colon = strcspn(unfolded.p, ":");
	for (size_t i = 0; i < colon; i++) {
		char c = unfolded.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (!is_wsp(c))
			put(&t, &c, 1);
	}
	puts_text(&t, ":");
	for (from = colon + 1; from < unfolded.n && is_wsp(unfolded.p[from]);)
		from++;
	if (from < unfolded.n)
		put_reduced(&t, unfolded.p + from, unfolded.n - from);
	free(unfolded.p);
	return t.p;
}

/* ---- fields of a header ---- */

/* Returns the field that starts at `p`, without its last CRLF. */
static struct span
field_at(const char *p)
{
	const char *end = p;

	do {
		/* under a sanitizer, strstr() would measure the whole remaining
		 * text for each line */
		while (end[0] != '\r' || end[1] != '\n')
			assert_true(*end++ != '\0');
		end += 2;
	} while (is_wsp(*end));
	return span_of(p, (size_t)(end - p) - 2);
}

static bool
has_name(struct span field, const char *name, size_t n)
{
	size_t colon = span_index(field, ':');

	while (colon > 0 && is_wsp(field.p[colon - 1]))
		colon--;
	return colon == n && strncasecmp(field.p, name, n) == 0;
}

/* Returns the `nth` field of that name from the bottom, counted from 0, or
 * SPAN_NONE. */
static struct span
field_from_bottom(const char *header, const char *name, size_t n, size_t nth)
{
	struct span found[256];
	size_t count = 0;

	while (*header != '\0' && *header != '\r') {
		struct span field = field_at(header);

		if (has_name(field, name, n)) {
			assert_true(count < 256);
			found[count++] = field;
		}
		header = field.p + field.n + 2;
	}
	return nth < count ? found[count - 1 - nth] : SPAN_NONE;
}

/* ---- signing ---- */

static char *
sign_data(const struct test_key *k, const char *data, size_t n)
{
	unsigned char hash[32], signature[4096];
	size_t size = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	assert_non_null(ctx);
	if (k->is_rsa) {
		assert_int_equal(
		    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, k->pkey),
		    1);
		assert_int_equal(EVP_DigestSign(ctx, signature, &size,
				     (const unsigned char *)data, n),
		    1);
	} else {
		EVP_Digest(data, n, hash, NULL, EVP_sha256(), NULL);
		assert_int_equal(
		    EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey), 1);
		assert_int_equal(
		    EVP_DigestSign(ctx, signature, &size, hash, 32), 1);
	}
	EVP_MD_CTX_free(ctx);
	return base64(signature, size);
}

/* Copies the value of the tag `name`; "" if it is missing. */
static void
tag_value(const char *tags, const char *name, char *out, size_t size)
{
	size_t n = strlen(name);

	out[0] = '\0';
	for (const char *p = tags; p != NULL && *p != '\0';) {
		size_t spec;

		p += strspn(p, " \t\r\n;");
		spec = strcspn(p, ";");
		if (strncmp(p, name, n) == 0 &&
		    p[n + strspn(p + n, " \t\r\n")] == '=') {
			const char *value = strchr(p, '=') + 1;

			snprintf(
			    out, size, "%.*s", (int)(p + spec - value), value);
		}
		p += spec;
	}
}

/* Writes the fields of `header` that are listed in h=, canonicalized, each with
 * CRLF. */
static void
put_signed_fields(
    struct sign_text *data, bool relaxed, const char *names, const char *header)
{
	char seen[64][64];
	size_t n_seen = 0;

	while (*names != '\0') {
		size_t n, nth = 0;

		names += strspn(names, " \t\r\n:");
		n = strcspn(names, " \t\r\n:");
		if (n == 0)
			break;
		assert_true(n < 64 && n_seen < 64);
		for (size_t i = 0; i < n_seen; i++)
			nth += strlen(seen[i]) == n &&
			    strncasecmp(seen[i], names, n) == 0;
		memcpy(seen[n_seen], names, n);
		seen[n_seen++][n] = '\0';

		struct span field = field_from_bottom(header, names, n, nth);

		if (field.p != NULL) {
			char *canonical = sign_header_field(relaxed, field);

			puts_text(data, canonical);
			puts_text(data, "\r\n");
			free(canonical);
		}
		names += n;
	}
}

static void
put_body_hash(
    struct sign_text *field, const char *tags, bool relaxed, struct span body)
{
	unsigned char hash[32];
	char l[100];
	char *canonical, *text;
	size_t n;

	tag_value(tags, "l", l, sizeof(l));
	canonical = sign_body(
	    relaxed, body, l[0] != '\0' ? strtol(l, NULL, 10) : -1, &n);
	EVP_Digest(canonical, n, hash, NULL, EVP_sha256(), NULL);
	text = base64(hash, sizeof(hash));
	puts_text(field, "; bh=");
	puts_text(field, text);
	free(text);
	free(canonical);
}

/* Signs `data` followed by the field itself, and adds b= and CRLF to the
 * field. */
static void
finish_field(const struct test_key *k, struct sign_text *field, bool relaxed,
    struct sign_text *data)
{
	char *canonical, *b;

	puts_text(field, "; b=");
	canonical = sign_header_field(relaxed, span_of(field->p, field->n));
	puts_text(data, canonical);
	b = sign_data(k, data->p, data->n);
	puts_text(field, b);
	puts_text(field, "\r\n");
	free(b);
	free(canonical);
	free(data->p);
}

char *
sign_field(const struct test_key *k, const char *name, const char *tags,
    const char *header, struct span body)
{
	struct sign_text field = { NULL, 0, 0 }, data = { NULL, 0, 0 };
	char c[100], h[2000], bh[100];
	bool silent = tags[0] == '~';
	bool relaxed;

	tags += silent;
	tag_value(tags, "c", c, sizeof(c));
	if (silent)
		snprintf(c, sizeof(c), "relaxed/relaxed");
	tag_value(tags, "h", h, sizeof(h));
	tag_value(tags, "bh", bh, sizeof(bh));
	relaxed = strncmp(c, "relaxed", 7) == 0;
	puts_text(&field, name);
	puts_text(&field, ": ");
	puts_text(&field, tags);
	if (body.p != NULL && bh[0] == '\0')
		put_body_hash(
		    &field, tags, strstr(c, "/relaxed") != NULL, body);
	put(&data, "", 0);
	put_signed_fields(&data, relaxed, h, header);
	finish_field(k, &field, relaxed, &data);
	return field.p;
}

char *
sign_message(const struct test_key *k, const char *tags, const char *header,
    const char *body)
{
	struct sign_text message = { NULL, 0, 0 };
	char *field =
	    sign_field(k, "DKIM-Signature", tags, header, span_str(body));

	puts_text(&message, field);
	puts_text(&message, header);
	puts_text(&message, "\r\n");
	puts_text(&message, body);
	free(field);
	return message.p;
}

char *
sign_change(char *message, const char *from, const char *to)
{
	char *at = strstr(message, from);
	struct sign_text changed = { NULL, 0, 0 };

	if (at == NULL)
		fail_msg("no \"%s\" in the message", from);
	put(&changed, message, (size_t)(at - message));
	puts_text(&changed, to);
	puts_text(&changed, at + strlen(from));
	free(message);
	return changed.p;
}

/* Whether the field is `name` of the ARC set that `want` ("i=N;") selects. */
static bool
is_of_set(struct span field, const char *name, const char *want)
{
	struct span value = span_skip(field, span_index(field, ':') + 1);

	return has_name(field, name, strlen(name)) &&
	    span_starts_nocase(span_trim(value), want);
}

/* Writes AAR, AMS and AS of the sets `from` to `to` (RFC 8617 section
 * 5.1.1). */
static void
put_sets(struct sign_text *data, unsigned from, unsigned to, const char *header)
{
	static const char *const names[] = { "ARC-Authentication-Results",
		"ARC-Message-Signature", "ARC-Seal" };

	for (unsigned i = from; i <= to; i++) {
		char want[20];

		snprintf(want, sizeof(want), "i=%u;", i);
		for (size_t k = 0; k < 3; k++) {
			const char *p = header;

			while (*p != '\0' && *p != '\r') {
				struct span field = field_at(p);
				char *canonical;

				p = field.p + field.n + 2;
				if (!is_of_set(field, names[k], want))
					continue;
				canonical = sign_header_field(true, field);
				puts_text(data, canonical);
				puts_text(data, "\r\n");
				free(canonical);
			}
		}
	}
}

char *
sign_arc(const struct test_key *k, unsigned instance, const char *cv,
    const char *domain, const char *results, const char *ams,
    const char *message)
{
	const char *algorithm = k->is_rsa ? "rsa-sha256" : "ed25519-sha256";
	const char *end = strstr(message, "\r\n\r\n");
	struct sign_text header = { NULL, 0, 0 }, set = { NULL, 0, 0 };
	struct sign_text seal = { NULL, 0, 0 }, data = { NULL, 0, 0 };
	char tags[4000];
	char *field;

	assert_non_null(end);
	put(&header, message, (size_t)(end - message) + 2);
	snprintf(tags, sizeof(tags), "%si=%u; a=%s; d=%s; s=arc; %s",
	    ams[0] == '~' ? "~" : "", instance, algorithm, domain,
	    ams + (ams[0] == '~'));
	field = sign_field(
	    k, "ARC-Message-Signature", tags, header.p, span_str(end + 4));
	puts_text(&set, field);
	free(field);
	snprintf(tags, sizeof(tags),
	    "ARC-Authentication-Results: i=%u; %s; %s\r\n", instance, domain,
	    results);
	puts_text(&set, tags);
	puts_text(&set, header.p);

	snprintf(tags, sizeof(tags), "ARC-Seal: i=%u; a=%s; d=%s; s=arc; cv=%s",
	    instance, algorithm, domain, cv);
	puts_text(&seal, tags);
	put(&data, "", 0);
	/* the seal of a failed chain covers only its own set (RFC 8617 section
	 * 5.1.2) */
	put_sets(
	    &data, strcmp(cv, "fail") == 0 ? instance : 1, instance, set.p);
	finish_field(k, &seal, true, &data);
	puts_text(&seal, set.p);
	puts_text(&seal, end + 2);
	free(header.p);
	free(set.p);
	return seal.p;
}
