/* dkim_key_test.c - key records (RFC 6376 section 3.6.1, RFC 8301, RFC 8463),
 * and how OpenSSL uses them */
#include "dkim/key.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "dns/cache.h"
#include "lib/arena.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/compat/malloc.h"
#include "lib/enum_names.h"
#include "tests/support/sign.h"

/* the key in RFC 6376 appendix C */
#define RSA                                                                    \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/"        \
	"DkMoGeLnQg1fWn7/"                                                     \
	"zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/"                   \
	"RtdC2UzJ1lWT947qR+Rcac2gbto/"                                         \
	"NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"

/* the key in RFC 8463 appendix A.2 */
#define ED25519 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* ---- the tags ---- */

struct dkim_key_vector {
	const char *record;
	const char *fault; /* NULL: good */
};

#define LIST "syntax error in the key record"
#define VERSION "v= of the key record is not DKIM1"

static const struct dkim_key_vector vectors[] = {
	{ "p=" RSA, NULL },
	{ "v=DKIM1; p=" RSA, NULL },
	{ "v=DKIM1; k=rsa; p=" RSA ";", NULL },
	{ " v = DKIM1 ;\tk = rsa ; p = " RSA " ; ", NULL },
	{ "v=DKIM1; k=ed25519; p=" ED25519, NULL },
	/* v= */
	{ "v=DKIM2; p=" RSA, VERSION },
	{ "v=DKIM1.0; p=" RSA, VERSION },
	{ "v=dkim1; p=" RSA, VERSION },
	{ "v=; p=" RSA, VERSION },
	{ "k=rsa; v=DKIM1; p=" RSA, VERSION },
	{ "v=spf1 include:example.com -all", VERSION },
	/* the tag list */
	{ "", "the key record has no p=" },
	{ "some text", LIST },
	{ "v=DKIM1", "the key record has no p=" },
	{ "v=DKIM1; p=" RSA "; p=" RSA, LIST },
	{ "v=DKIM1; p=" RSA "; x", LIST },
	{ "v=DKIM1; unknown=1; g=; n=a note; p=" RSA, NULL },
	{ "v=DKIM1; n=\xff\xc3\xbc; p=" RSA, NULL },
	/* h= */
	{ "h=sha256; p=" RSA, NULL },
	{ "h=sha1 : sha256 :x; p=" RSA, NULL },
	/* k= */
	{ "k=dsa; p=" RSA, "unknown key type in k=" },
	{ "k=RSA; p=" RSA, "unknown key type in k=" },
	{ "k=; p=" RSA, "unknown key type in k=" },
	{ "k=ed25519; p=" RSA, "p= is not an Ed25519 key" },
	{ "p=" ED25519, "p= is not an RSA key" },
	{ "k=ed25519; p=YWJj", "p= is not an Ed25519 key" },
	{ "k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo", NULL },
	/* p= */
	{ "v=DKIM1; p=", "the key is revoked" },
	{ "v=DKIM1; p= ", "the key is revoked" },
	{ "p=*", "p= is not base64" },
	{ "p=YWJ", "p= is not base64" },
	{ "p=YWJj", "p= is not an RSA key" },
	{ "p=MIGf MA0GCSqGSIb3DQEB", "p= is not an RSA key" },
	/* s= */
	{ "s=*; p=" RSA, NULL },
	{ "s=email; p=" RSA, NULL },
	{ "s=tlsrpt:email; p=" RSA, NULL },
	{ "s=tlsrpt; p=" RSA, "the key is not for email" },
	{ "s=emailx; p=" RSA, "the key is not for email" },
	{ "s=; p=" RSA, "the key is not for email" },
	/* t= */
	{ "t=y; p=" RSA, NULL },
	{ "t=x:yy:; p=" RSA, NULL },
};

static void
section_3_6_1_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct dkim_key_vector *v = &vectors[i];
		struct key k;

		key_read(span_str(v->record), &k);
		if (v->fault == NULL && k.fault != NULL)
			fail_msg("\"%s\": %s", v->record, k.fault);
		if (v->fault != NULL &&
		    (k.fault == NULL || strcmp(k.fault, v->fault) != 0))
			fail_msg("\"%s\": %s, want %s", v->record,
			    k.fault != NULL ? k.fault : "good", v->fault);
		assert_true((k.crypto != NULL) == (k.fault == NULL));
		key_release(&k);
	}
}

static struct key
read_it(const char *record)
{
	struct key k;

	key_read(span_str(record), &k);
	key_release(&k);
	return k;
}

static void
section_3_6_1_flags(void **state)
{
	(void)state;
	assert_false(read_it("p=" RSA).testing);
	assert_true(read_it("t=y; p=" RSA).testing);
	assert_true(read_it("t=s : y; p=" RSA).testing);
	assert_false(read_it("t=Y:yy; p=" RSA).testing);
	assert_true(read_it("t=y:s; p=" RSA).strict);
	assert_false(read_it("t=y; p=" RSA).strict);
	assert_true(read_it("p=" RSA).allows_sha256);
	assert_true(read_it("h=sha1:sha256; p=" RSA).allows_sha256);
	assert_false(read_it("h=sha1; p=" RSA).allows_sha256);
	assert_false(read_it("h=; p=" RSA).allows_sha256);
	assert_false(read_it("h=sha2567; p=" RSA).allows_sha256);
	assert_true(read_it("p=").is_revoked);
	assert_false(read_it("p=").is_foreign);
	assert_true(read_it("v=spf1 -all").is_foreign);
	assert_true(read_it("").is_foreign);
	assert_int_equal(read_it("p=" RSA).bits, 1024);
	assert_int_equal(read_it("k=ed25519; p=" ED25519).bits, 256);
	assert_int_equal(read_it("p=" RSA).type, KEY_RSA);
	assert_int_equal(read_it("k=ed25519; p=" ED25519).type, KEY_ED25519);
	/* also if the key cannot be used */
	assert_int_equal(read_it("k=ed25519; p=").type, KEY_ED25519);
	assert_int_equal(read_it("k=ed25519; p=*").type, KEY_ED25519);
	assert_int_equal(
	    read_it("k=ed25519; s=tlsrpt; p=" ED25519).type, KEY_ED25519);
}

static void
long_record(void **state)
{
	char *record = malloc(KEY_RECORD_MAX + 2);
	struct key k;

	(void)state;
	assert_non_null(record);
	memset(record, ' ', KEY_RECORD_MAX + 2);
	memcpy(record, "p=" RSA ";", strlen("p=" RSA ";"));
	key_read(span_of(record, KEY_RECORD_MAX), &k);
	assert_null(k.fault);
	key_release(&k);
	key_read(span_of(record, KEY_RECORD_MAX + 1), &k);
	assert_string_equal(k.fault, "the key record is too long");
	free(record);
}

/* ---- DER ---- */

/* Writes a number as a DER INTEGER; returns the number of bytes written. */
static size_t
put_number(unsigned char *to, const unsigned char *number, size_t n)
{
	to[0] = 0x02;
	to[1] = 0x82;
	to[2] = (unsigned char)(n >> 8);
	to[3] = (unsigned char)n;
	memcpy(to + 4, number, n);
	return n + 4;
}

/* Parses a record with this modulus and exponent, including sign bytes. */
static struct key
key_of_numbers(const unsigned char *n, size_t n_size, const unsigned char *e,
    size_t e_size)
{
	static unsigned char body[8192], der[8192];
	static char text[20000];
	struct buf record = buf_wrap(text, sizeof(text));
	size_t size = 0;
	struct key k;

	/* put_number() writes a two-byte length, so n must have more than 255
	 * bytes */
	assert_true(n_size > 255);
	size += put_number(body, n, n_size);
	body[size++] = 0x02;
	body[size++] = (unsigned char)e_size;
	memcpy(body + size, e, e_size);
	size += e_size;
	der[0] = 0x30;
	der[1] = 0x82;
	der[2] = (unsigned char)(size >> 8);
	der[3] = (unsigned char)size;
	memcpy(der + 4, body, size);
	buf_text(&record, "p=");
	base64_encode(&record, span_of((const char *)der, size + 4));
	key_read(buf_view(&record), &k);
	key_release(&k);
	return k;
}

static void
fault_is(struct key k, const char *want)
{
	if (want == NULL)
		assert_null(k.fault);
	else
		assert_string_equal(k.fault != NULL ? k.fault : "good", want);
}

static void
invalid_numbers(void **state)
{
	unsigned char n[4096];
	static const unsigned char e[] = { 1, 0, 1 }, one[] = { 1 },
				   even[] = { 4 }, negative[] = { 0x81 },
				   padded[] = { 0, 3 }, sign[] = { 0, 0x83 },
				   bits_33[] = { 1, 0, 0, 0, 1 },
				   bits_34[] = { 2, 0, 0, 0, 1 };

	(void)state;
	memset(n, 0xa5, sizeof(n));
	n[0] = 0;
	fault_is(key_of_numbers(n, 257, e, 3), NULL);
	assert_int_equal(key_of_numbers(n, 257, e, 3).bits, 2048);
	assert_true(key_of_numbers(n, 257, e, 3).is_bare);
	fault_is(key_of_numbers(n + 1, 256, e, 3), "p= is not an RSA key");
	fault_is(key_of_numbers(n, 257, one, 1), "invalid RSA key in p=");
	fault_is(key_of_numbers(n, 257, even, 1), "invalid RSA key in p=");
	fault_is(key_of_numbers(n, 257, negative, 1), "p= is not an RSA key");
	fault_is(key_of_numbers(n, 257, padded, 2), "p= is not an RSA key");
	fault_is(key_of_numbers(n, 257, sign, 2), NULL);
	fault_is(key_of_numbers(n, 257, n, 0), "p= is not an RSA key");
	fault_is(key_of_numbers(n, 257, bits_33, 5), NULL);
	fault_is(key_of_numbers(n, 257, bits_34, 5),
	    "the exponent of the RSA key is too large");
	n[256] = 0xa4;
	fault_is(key_of_numbers(n, 257, e, 3), "invalid RSA key in p=");
	/* the number of bits is reported even if the key is not usable */
	memset(n, 0, 2);
	n[1] = 1;
	n[256] = 0xa5;
	fault_is(key_of_numbers(n + 1, 256, e, 3), NULL);
	assert_int_equal(key_of_numbers(n + 1, 256, e, 3).bits, 2041);
	n[1] = 0xa5;
	fault_is(key_of_numbers(n, 2050, e, 3), "the RSA key is too large");
	assert_int_equal(key_of_numbers(n, 2050, e, 3).bits, 16392);
	fault_is(key_of_numbers(n, 2049, e, 3), NULL);
}

/* RSA keys written by OpenSSL are accepted with or without an
 * AlgorithmIdentifier, but not if they are truncated at any byte. */
static void
forms_of_keys(void **state)
{
	static const unsigned sizes[] = { 512, 1000, 1024, 2048 };
	char record[4000];

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		char *p = sign_public(sign_rsa(sizes[i / 2], 0), i % 2 == 1);
		struct arena *a = arena_new(1 << 20);
		struct span der;
		struct key k;

		snprintf(record, sizeof(record), "p=%s", p);
		k = read_it(record);
		assert_null(k.fault);
		assert_int_equal(k.bits, sizes[i / 2]);
		assert_int_equal(k.is_bare, i % 2 == 1);
		assert_true(base64_decode(a, span_str(p), &der));
		for (size_t cut = 0; cut < der.n; cut++) {
			struct buf b = buf_wrap(record, sizeof(record));

			buf_text(&b, "p=");
			base64_encode(&b, span_first(der, cut));
			assert_non_null(read_it(record).fault);
		}
		arena_free(a);
		free(p);
	}
}

/* A key with a different AlgorithmIdentifier, such as EC, is not an RSA key. */
static void
other_algorithms(void **state)
{
	char *p = sign_public(sign_rsa(1024, 0), false);
	char record[2000];

	(void)state;
	snprintf(record, sizeof(record), "p=%s", p);
	/* the end of the OID in base64: 1.2.840.113549.1.1.1 becomes
	 * 1.2.840.113549.1.1.2 */
	char *oid = strstr(record, "DQEBAQUA");

	assert_non_null(oid);
	memcpy(oid, "DQEBAgUA", 8);
	assert_string_equal(read_it(record).fault, "p= is not an RSA key");
	free(p);
}

/* ---- keys kept with the answer ---- */

static const struct dns_answer *
answer_of(const char *const *texts, size_t n)
{
	struct dns_record *records = calloc(n, sizeof(*records));
	struct dns_answer a = {
		.state = DNS_FOUND, .n_records = n, .records = records
	};
	const struct dns_answer *answer;

	for (size_t i = 0; i < n; i++)
		records[i] = (struct dns_record){ .text = span_str(texts[i]),
			.strings = 1 };
	answer = dns_answer_new(&a);
	assert_non_null(answer);
	free(records);
	return answer;
}

static void
kept_with_the_answer(void **state)
{
	static const char *const texts[] = { "p=" RSA };
	const struct dns_answer *answer = answer_of(texts, 1);
	struct key_list *own;
	const struct key_list *l = key_list_of(answer, &own);

	(void)state;
	assert_null(own);
	assert_int_equal(l->n, 1);
	assert_ptr_equal(key_list_of(answer, &own), l);
	assert_null(own);
	dns_answer_unref(answer);
}

/* Writes a bare RSA key of `n` bytes, good enough for measuring. */
static void
put_rsa_key(struct buf *to, size_t n)
{
	unsigned char der[KEY_BITS_MAX / 8 + 20];
	const unsigned char head[] = { 0x30, 0x82,
		(unsigned char)((n + 10) >> 8), (unsigned char)(n + 10), 0x02,
		0x82, (unsigned char)((n + 1) >> 8), (unsigned char)(n + 1),
		0 };
	const unsigned char tail[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };

	memcpy(der, head, sizeof(head));
	memset(der + sizeof(head), 0xa7, n);
	memcpy(der + sizeof(head) + n, tail, sizeof(tail));
	buf_text(to, "p=");
	base64_encode(
	    to, span_of((const char *)der, sizeof(head) + n + sizeof(tail)));
}

/* The cache's limit holds for keys of any size (not measurable with
 * sanitizers). */
static void
the_cache_counts_the_size_of_keys(void **state)
{
	/* the first key of each size also allocates data that later keys
	 * share */
	static const size_t bits[] = { 2048, 2048, 4096, 4096, 8192, 8192,
		KEY_BITS_MAX, KEY_BITS_MAX };
	uint8_t hash[CRYPTO_HASH_SIZE] = { 0 };
	char text[8192], sig[KEY_BITS_MAX / 8] = { 1 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
		struct buf record = buf_wrap(text, sizeof(text));
		const char *texts[] = { text };
		const struct dns_answer *answer;
		const struct key_list *l;
		struct key_list *own;
		size_t before, taken;

		put_rsa_key(&record, bits[i] / 8);
		assert_false(record.full);
		answer = answer_of(texts, 1);
		before = malloc_used_bytes();
		l = key_list_of(answer, &own);
		assert_non_null(l);
		assert_null(l->keys[0].fault);
		assert_int_equal(l->keys[0].bits, bits[i]);
		crypto_verify(
		    l->keys[0].crypto, hash, span_of(sig, bits[i] / 8));
		taken = malloc_used_bytes() - before;
		if (i % 2 == 1 && taken > dns_cache_key_bytes(answer))
			fail_msg("%zu bits: %zu bytes, counted %zu", bits[i],
			    taken, dns_cache_key_bytes(answer));
		dns_answer_unref(answer);
	}
}

/* Data that another module attached to an answer is neither used as keys nor
 * overwritten. */
static void
parsed_by_another_module(void **state)
{
	static const char *const texts[] = { "p=" RSA };
	const struct dns_answer *answer = answer_of(texts, 1);
	const char **other = calloc(1, sizeof(*other));
	const struct key_list *l;
	struct key_list *own;

	(void)state;
	*other = "other";
	assert_ptr_equal(dns_answer_set_parsed(answer, other, free), other);
	l = key_list_of(answer, &own);
	assert_ptr_equal(l, own);
	assert_non_null(own);
	assert_int_equal(own->n, 1);
	assert_null(own->keys[0].fault);
	key_list_free(own);
	assert_ptr_equal(dns_answer_parsed(answer), other);
	dns_answer_unref(answer);
}

static void
several_records(void **state)
{
	static const char *const texts[] = { "v=spf1 -all", "hello",
		"p=", "another", "last", "p=" RSA, "k=ed25519; p=" ED25519,
		"p=" RSA, "p=" RSA, "p=" RSA };
	const struct dns_answer *answer = answer_of(texts, ARRAY_SIZE(texts));
	struct key_list *own;
	const struct key_list *l = key_list_of(answer, &own);

	(void)state;
	assert_int_equal(l->n, KEY_RECORDS_MAX);
	assert_true(l->cut > 0);
	for (size_t i = 0; i < l->n; i++)
		assert_false(l->keys[i].is_foreign);
	dns_answer_unref(answer);
}

/* ---- RSA and Ed25519 ---- */

static void
section_3_3_algorithms(void **state)
{
	/* Here, Ed25519 signs a hash of 32 bytes.  The message in RFC 8032
	 * section 7.1, test 3, has another size, so only rejection is
	 * tested. */
	static const uint8_t hash[CRYPTO_HASH_SIZE] = { 1, 2, 3 };
	char zeros[128] = "";
	struct key rsa, ed;

	(void)state;
	key_read(SPAN("p=" RSA), &rsa);
	key_read(SPAN("k=ed25519; p=" ED25519), &ed);
	assert_int_equal(
	    crypto_verify(rsa.crypto, hash, span_of(zeros, 128)), CRYPTO_BAD);
	assert_int_equal(
	    crypto_verify(rsa.crypto, hash, span_of(zeros, 64)), CRYPTO_BAD);
	assert_int_equal(
	    crypto_verify(rsa.crypto, hash, span_of(zeros, 0)), CRYPTO_BAD);
	assert_int_equal(
	    crypto_verify(ed.crypto, hash, span_of(zeros, 64)), CRYPTO_BAD);
	assert_int_equal(
	    crypto_verify(ed.crypto, hash, span_of(zeros, 63)), CRYPTO_BAD);
	key_release(&rsa);
	key_release(&ed);
}

/* An algorithm that OpenSSL lacks, for example in FIPS mode, is not a lack of
 * memory.  The size of a key is known anyway. */
static void
section_3_3_4_algorithms_that_openssl_lacks(void **state)
{
	static const char fault[] =
	    "OpenSSL on this host does not support the key";
	struct key rsa, ed;

	(void)state;
	/* nothing in OpenSSL's default provider has this property */
	assert_int_equal(EVP_set_default_properties(NULL, "fips=yes"), 1);
	rsa = read_it("p=" RSA);
	ed = read_it("k=ed25519; p=" ED25519);
	assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
	fault_is(rsa, fault);
	assert_false(rsa.no_memory);
	assert_int_equal(rsa.bits, 1024);
	fault_is(ed, fault);
	assert_false(ed.no_memory);
	fault_is(read_it("k=ed25519; p=" ED25519), NULL);
}

/* An error that an earlier call left in OpenSSL's queue does not turn a bad
 * signature into a lack of memory. */
static void
old_errors_are_ignored(void **state)
{
	static const uint8_t hash[CRYPTO_HASH_SIZE] = { 1, 2, 3 };
	char zeros[128] = "";
	struct key rsa;

	(void)state;
	key_read(SPAN("p=" RSA), &rsa);
	ERR_raise(ERR_LIB_EVP, ERR_R_MALLOC_FAILURE);
	assert_int_equal(
	    crypto_verify(rsa.crypto, hash, span_of(zeros, 128)), CRYPTO_BAD);
	key_release(&rsa);
}

/* Several threads read the keys of one answer and verify with them at the same
 * time. */
struct shared {
	const struct dns_answer *answer;
	size_t wrong;
};

static void *
verify_often(void *arg)
{
	static const uint8_t hash[CRYPTO_HASH_SIZE] = { 1, 2, 3 };
	struct shared *s = arg;
	char zeros[128] = "";

	for (unsigned i = 0; i < 200; i++) {
		struct key_list *own;
		const struct key_list *l = key_list_of(s->answer, &own);
		struct crypto_hash *h = crypto_hash_new();
		uint8_t out[CRYPTO_HASH_SIZE];

		s->wrong += l == NULL || h == NULL ||
		    crypto_verify(l->keys[0].crypto, hash,
			span_of(zeros, 128)) != CRYPTO_BAD;
		crypto_hash_add(h, SPAN("abc"));
		/* FIPS 180's first example */
		s->wrong += !crypto_hash_snapshot(h, out) || out[0] != 0xba ||
		    out[31] != 0xad;
		crypto_hash_free(h);
		key_list_free(own);
	}
	return NULL;
}

static void
threads_share_a_key(void **state)
{
	enum { THREADS = 4 };
	static const char *const texts[] = { "p=" RSA };
	struct shared s[THREADS];
	pthread_t threads[THREADS];
	const struct dns_answer *answer = answer_of(texts, 1);

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		s[i] = (struct shared){ .answer = answer };
		assert_int_equal(
		    pthread_create(&threads[i], NULL, verify_often, &s[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(s[i].wrong, 0);
	}
	dns_answer_unref(answer);
}

static void
running_hashes(void **state)
{
	struct crypto_hash *many[CRYPTO_SPARES_MAX + 5];
	uint8_t a[CRYPTO_HASH_SIZE], b[CRYPTO_HASH_SIZE];

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(many); i++) {
			many[i] = crypto_hash_new();
			assert_non_null(many[i]);
			crypto_hash_add(many[i], SPAN("ab"));
		}
		/* bytes can be added after a snapshot; a copy is independent */
		assert_true(crypto_hash_snapshot(many[0], a));
		crypto_hash_copy(many[1], many[0]);
		crypto_hash_add(many[0], SPAN("c"));
		assert_true(crypto_hash_snapshot(many[0], b));
		assert_int_equal(b[0], 0xba);
		assert_true(crypto_hash_snapshot(many[1], b));
		assert_memory_equal(a, b, sizeof(a));
		for (size_t i = 0; i < ARRAY_SIZE(many); i++)
			crypto_hash_free(many[i]);
	}
	crypto_hash_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(section_3_6_1_records),
		cmocka_unit_test(section_3_6_1_flags),
		cmocka_unit_test(long_record),
		cmocka_unit_test(invalid_numbers),
		cmocka_unit_test(forms_of_keys),
		cmocka_unit_test(other_algorithms),
		cmocka_unit_test(kept_with_the_answer),
		cmocka_unit_test(the_cache_counts_the_size_of_keys),
		cmocka_unit_test(parsed_by_another_module),
		cmocka_unit_test(several_records),
		cmocka_unit_test(section_3_3_algorithms),
		cmocka_unit_test(section_3_3_4_algorithms_that_openssl_lacks),
		cmocka_unit_test(old_errors_are_ignored),
		cmocka_unit_test(threads_share_a_key),
		cmocka_unit_test(running_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, sign_teardown);
}
