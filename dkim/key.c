#include "dkim/key.h"

#include <stdlib.h>

#include "dkim/signature.h"
#include "lib/arena.h"
#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/taglist.h"

/* ---- the part of DER that public keys need ---- */

enum { /* ITU-T X.690 */
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_SEQUENCE = 0x30,
};

/* The AlgorithmIdentifier for rsaEncryption (RFC 3279 section 2.3.1) with its
 * NULL, which some keys lack, and without the surrounding SEQUENCE. */
static const char rsa_oid[] =
    "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
enum { RSA_OID_SIZE = sizeof(rsa_oid) - 1, DER_NULL_SIZE = 2 };

/* Reads the length after a tag.  In DER, the length is definite and encoded in
 * as few bytes as possible. */
static bool
der_length(struct scan *s, size_t *out)
{
	int first = scan_next(s);
	size_t n = 0;

	if (first < 0x80) {
		*out = first < 0 ? 0 : (size_t)first;
		return first >= 0;
	}
	if (first != 0x81 && first != 0x82)
		return false; /* no key is that long */
	for (int bytes = first - 0x80; bytes > 0; bytes--) {
		int next = scan_next(s);

		if (next < 0)
			return false;
		n = n << 8 | (size_t)next;
	}
	*out = n;
	return n >= (first == 0x81 ? 0x80U : 0x100U);
}

/* Reads one value of type `tag`. */
static bool
der_take(struct scan *s, int tag, struct span *out)
{
	size_t n;

	if (scan_next(s) != tag || !der_length(s, &n) || n > scan_rest(s).n)
		return false;
	*out = span_first(scan_rest(s), n);
	s->p += n;
	return true;
}

/* Reads a positive INTEGER, and drops the leading zero byte that only marks it
 * as positive. */
static bool
der_positive(struct scan *s, struct span *out)
{
	if (!der_take(s, DER_INTEGER, out) || out->n == 0 ||
	    (unsigned char)out->p[0] >= 0x80)
		return false;
	if (out->p[0] == 0 && out->n > 1) {
		*out = span_skip(*out, 1);
		/* DER does not allow superfluous zeros */
		return (unsigned char)out->p[0] >= 0x80;
	}
	return out->p[0] != 0;
}

/* Parses an RSAPublicKey (RFC 8017 appendix A.1.1), which must fill `der`. */
static bool
rsa_public_key(struct span der, struct span *n, struct span *e)
{
	struct scan s = scan_of(der);
	struct span sequence;

	if (!der_take(&s, DER_SEQUENCE, &sequence) || !scan_done(&s))
		return false;
	s = scan_of(sequence);
	return der_positive(&s, n) && der_positive(&s, e) && scan_done(&s);
}

/*
 * Parses an RSAPublicKey inside a SubjectPublicKeyInfo (RFC 5280 section 4.1).
 * RFC 6376 section 3.6.1 specifies an RSAPublicKey, but its examples and nearly
 * all published keys have this form.
 */
static bool
subject_public_key(struct span der, struct span *n, struct span *e)
{
	struct scan s = scan_of(der);
	struct span sequence, algorithm, bits;
	struct span oid = span_of(rsa_oid, RSA_OID_SIZE);

	if (!der_take(&s, DER_SEQUENCE, &sequence) || !scan_done(&s))
		return false;
	s = scan_of(sequence);
	if (!der_take(&s, DER_SEQUENCE, &algorithm) ||
	    !der_take(&s, DER_BIT_STRING, &bits) || !scan_done(&s))
		return false;
	if (!span_equal(algorithm, oid) &&
	    !span_equal(
		algorithm, span_first(oid, RSA_OID_SIZE - DER_NULL_SIZE)))
		return false;
	/* The first byte of a BIT STRING is the number of unused bits. */
	return bits.n > 0 && bits.p[0] == 0 &&
	    rsa_public_key(span_skip(bits, 1), n, e);
}

/* Returns the number of bits in a number without leading zeros. */
static size_t
bit_length(struct span number)
{
	size_t bits = (number.n - 1) * 8;

	for (unsigned top = (unsigned char)number.p[0]; top > 0; top >>= 1)
		bits++;
	return bits;
}

static bool
is_odd(struct span number)
{
	return ((unsigned char)number.p[number.n - 1] & 1) != 0;
}

/* ---- the tags ---- */

/* Returns the key's fault, or NULL. */
static const char *
keep_crypto(struct key *k, struct crypto_key *crypto)
{
	k->crypto = crypto;
	if (crypto != NULL)
		return NULL;
	k->no_memory = crypto_lacked_memory();
	return k->no_memory ? "no memory"
			    : "OpenSSL on this host does not support the key";
}

static const char *
read_rsa(struct key *k, struct span der)
{
	struct span n, e;
	size_t bits;

	if (!subject_public_key(der, &n, &e)) {
		if (!rsa_public_key(der, &n, &e))
			return "p= is not an RSA key";
		k->is_bare = true;
	}
	bits = bit_length(n);
	k->bits = (unsigned)bits;
	if (!is_odd(n) || !is_odd(e) || bit_length(e) < 2)
		return "invalid RSA key in p=";
	if (bit_length(e) > KEY_EXPONENT_BITS)
		return "the exponent of the RSA key is too large";
	if (bits < KEY_BITS_MIN)
		return "the RSA key is too small";
	if (bits > KEY_BITS_MAX)
		return "the RSA key is too large";
	return keep_crypto(k, crypto_key_rsa(n, e));
}

static const char *
read_ed25519(struct key *k, struct span raw)
{
	/* RFC 8463 section 4.2 */
	if (raw.n != CRYPTO_ED25519_SIZE)
		return "p= is not an Ed25519 key";
	k->bits = CRYPTO_ED25519_SIZE * 8;
	return keep_crypto(k, crypto_key_ed25519(raw));
}

/* Whether a colon-separated list contains `word`. */
static bool
list_has(struct span list, const char *word)
{
	for (bool more = true; more;) {
		struct span part = span_first(list, span_index(list, ':'));

		more = part.n < list.n;
		list = span_skip(list, part.n + 1);
		if (span_is(span_trim(part), word))
			return true;
	}
	return false;
}

static const char *
read_public(struct key *k, struct span p)
{
	struct arena *a;
	struct span bytes;
	const char *fault = "p= is not base64";

	/* RFC 6376 section 6.1.2 step 7 */
	if (p.n == 0) {
		k->is_revoked = true;
		return "the key is revoked";
	}
	a = arena_new(KEY_RECORD_MAX * 4);
	if (a == NULL) {
		k->no_memory = true;
		return "no memory";
	}
	if (signature_base64(a, p, &bytes))
		fault = k->type == KEY_RSA ? read_rsa(k, bytes)
					   : read_ed25519(k, bytes);
	else if (arena_has_failed(a))
		k->no_memory = true;
	arena_free(a);
	return fault;
}

/* RFC 6376 section 3.6.1: v= is optional; if present, it must be the first tag,
 * and its value must be DKIM1. */
static bool
is_version_good(const struct tag *tags, size_t n)
{
	struct span value;

	return !taglist_find(tags, n, "v", &value) ||
	    (span_is(tags[0].name, "v") && span_is(value, "DKIM1"));
}

static const char *
read_record(struct key *k, struct span record)
{
	struct tag tags[TAGLIST_MAX];
	struct span type = SPAN("rsa"), flags = SPAN(""), list, p;
	const char *fault;
	size_t n;

	if (record.n > KEY_RECORD_MAX)
		return "the key record is too long";
	k->is_foreign = true;
	if (!taglist_read(record, tags, &n, &fault))
		return "syntax error in the key record";
	if (!is_version_good(tags, n))
		return "v= of the key record is not DKIM1";
	if (!taglist_find(tags, n, "p", &p))
		return "the key record has no p=";
	k->is_foreign = false;
	/* known even if the key cannot be used */
	taglist_find(tags, n, "k", &type);
	k->type = span_is(type, "ed25519") ? KEY_ED25519 : KEY_RSA;
	taglist_find(tags, n, "t", &flags);
	k->testing = list_has(flags, "y");
	k->strict = list_has(flags, "s");
	k->allows_sha256 =
	    !taglist_find(tags, n, "h", &list) || list_has(list, "sha256");
	/* RFC 6376 section 3.6.1, s= */
	if (taglist_find(tags, n, "s", &list) && !list_has(list, "*") &&
	    !list_has(list, "email"))
		return "the key is not for email";
	if (k->type == KEY_RSA && !span_is(type, "rsa"))
		return "unknown key type in k=";
	return read_public(k, p);
}

void
key_read(struct span record, struct key *out)
{
	*out = (struct key){ .type = KEY_RSA };
	out->fault = read_record(out, record);
}

void
key_release(struct key *k)
{
	crypto_key_free(k->crypto);
	k->crypto = NULL;
}

/* ---- the keys in an answer ---- */

static const char list_kind[] = "dkim keys";

void
key_list_free(void *list)
{
	struct key_list *l = list;

	if (l == NULL)
		return;
	for (size_t i = 0; i < l->n; i++)
		key_release(&l->keys[i]);
	free(l);
}

/*
 * Adds a record.  Key records have precedence: other TXT records, for example
 * from a wildcard (RFC 6376 section 6.1.2), must not displace them and are kept
 * only if there is room.
 */
static void
list_put(struct key_list *l, struct key *k)
{
	if (l->n < KEY_RECORDS_MAX) {
		l->keys[l->n++] = *k;
		return;
	}
	for (size_t i = 0; i < l->n && !k->is_foreign; i++) {
		if (l->keys[i].is_foreign) {
			l->keys[i] = *k;
			return;
		}
	}
	l->cut += !k->is_foreign;
	key_release(k);
}

static struct key_list *
list_read(const struct dns_answer *answer)
{
	struct key_list *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->kind = list_kind;
	for (size_t i = 0; i < answer->n_records; i++) {
		struct key k;

		/* enough keys; the remaining records are not even parsed */
		if (l->cut > 0)
			break;
		key_read(answer->records[i].text, &k);
		list_put(l, &k);
	}
	return l;
}

static const struct key_list *
list_of_parsed(const void *parsed)
{
	const struct key_list *l = parsed;

	return l != NULL && l->kind == list_kind ? l : NULL;
}

const struct key_list *
key_list_of(const struct dns_answer *answer, struct key_list **own)
{
	const struct key_list *kept = list_of_parsed(dns_answer_parsed(answer));
	struct key_list *l = kept == NULL ? list_read(answer) : NULL;
	bool is_whole = true;
	void *parsed = NULL;

	*own = NULL;
	if (l == NULL)
		return kept;
	/* A list that is incomplete because memory ran out is not kept for
	 * later messages. */
	for (size_t i = 0; i < l->n; i++)
		is_whole = is_whole && !l->keys[i].no_memory;
	if (is_whole)
		parsed = dns_answer_set_parsed(answer, l, key_list_free);
	if (parsed != NULL && list_of_parsed(parsed) != NULL)
		return parsed;
	/* Another parsed form is already stored with the answer, so `l` was
	 * freed. */
	if (parsed != NULL)
		l = list_read(answer);
	*own = l;
	return l;
}
