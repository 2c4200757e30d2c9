/*
 * signature_bench.c - measures the cost of checking the signatures of a
 * message (one, ten with ten selectors, and hundreds) with cached keys,
 * compared with the public-key operations alone.
 *
 * usage: signature_bench [MESSAGES]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "dkim/dkim.h"
#include "dkim/key.h"
#include "dns/cache.h"
#include "dns/questions.h"
#include "dns/zone.h"
#include "lib/arena.h"
#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/enum_names.h"
#include "mail/header.h"

enum {
	ARENA = 8 << 20,
	MESSAGE = 1 << 20,
	SELECTORS = 10,
	QUESTIONS = 50,
	NOW = 1750000000,
	ROUNDS = 9,
};

static double
microseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Writes p= of a new RSA-2048 key. */
static void
make_key(struct buf *p)
{
	EVP_PKEY *pkey = EVP_RSA_gen(2048);
	unsigned char *der = NULL;
	int n = pkey != NULL ? i2d_PUBKEY(pkey, &der) : -1;

	if (n <= 0)
		exit(1);
	base64_encode(p, span_of((const char *)der, (size_t)n));
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
}

static struct dns_source *
make_zone(const char *p)
{
	char text[8192], error[200];
	struct buf b = buf_wrap(text, sizeof(text));
	struct dns_source *zone;

	for (int i = 0; i < SELECTORS; i++)
		buf_printf(&b,
		    "s%d._domainkey.example.com. IN TXT \"v=DKIM1; p=%.200s\" "
		    "\"%s\"\n",
		    i, p, p + 200);
	zone = dns_zone_parse("bench", buf_view(&b), error, sizeof(error));
	if (zone == NULL || b.full) {
		fprintf(stderr, "%s\n", error);
		exit(1);
	}
	return zone;
}

/*
 * Makes a message with `n` signatures whose b= is invented.  They are not
 * valid, but verifying them costs as much as verifying valid ones.
 */
static struct span
make_message(char *memory, unsigned n)
{
	struct buf b = buf_wrap(memory, MESSAGE);
	char bytes[256];
	char text[400];

	for (unsigned i = 0; i < n; i++) {
		struct buf number = buf_wrap(text, sizeof(text));

		memset(bytes, (int)i + 1, sizeof(bytes));
		base64_encode(&number, span_of(bytes, sizeof(bytes)));
		buf_printf(&b,
		    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; "
		    "d=example.com;\r\n s=s%u; h=from:to:subject:date:"
		    "message-id;\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZ"
		    "G3hSuFU=;\r\n b=%s\r\n",
		    i % SELECTORS, text);
	}
	buf_text(&b,
	    "From: Ann <ann@example.com>\r\nTo: bob@example.net\r\n"
	    "Subject: what it costs\r\nDate: Sun, 15 Jun 2025 15:06:39 +0000"
	    "\r\nMessage-ID: <1@example.com>\r\n\r\n");
	if (b.full)
		exit(1);
	return buf_view(&b);
}

static void
answered_signature(struct dns_wait *wait, const struct dns_answer *answer)
{
	dns_questions_set_answer((struct dns_question *)wait, answer);
}

static void
pump(struct dns_questions *questions, struct dns_source *source)
{
	struct dns_question *q;

	while ((q = dns_questions_next_unsent(questions)) != NULL) {
		q->sent = true;
		q->wait.done = answered_signature;
		source->ask(source, q->name, q->type, &q->wait);
	}
}

/* Does all of the DKIM work for a message, except reading its header. */
static double
verify(struct span message, struct dns_source *source, struct arena *a)
{
	static const struct dkim_options options = { .min_rsa_bits = 1024 };
	struct mail_header h = { .n = 0 };
	struct span author = SPAN("example.com");
	struct dns_questions *questions;
	struct body_hashes *body_hashes;
	struct dkim *d;
	double start;

	arena_rewind(a);
	mail_header_read(&h, a, message);
	start = microseconds();
	questions = dns_questions_new(QUESTIONS);
	body_hashes = body_hashes_new(a);
	d = body_hashes != NULL
	    ? dkim_begin(a, &options, &h, body_hashes, &author, 1, NOW)
	    : NULL;
	if (questions == NULL || d == NULL)
		exit(1);
	while (dkim_keys(d, questions, a) == CORE_WAIT)
		pump(questions, source);
	body_hashes_end(body_hashes);
	dkim_finish(d);
	dkim_free(d);
	body_hashes_free(body_hashes);
	dns_questions_free(questions);
	return microseconds() - start;
}

static int
compare_signature(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
bare_verification(const char *p, unsigned times)
{
	static const uint8_t hash[CRYPTO_HASH_SIZE];
	char signature[256], record[1000];
	struct buf b = buf_wrap(record, sizeof(record));
	struct key k;
	double start;

	memset(signature, 1, sizeof(signature));
	buf_printf(&b, "p=%s", p);
	key_read(buf_view(&b), &k);
	if (k.crypto == NULL)
		exit(1);
	start = microseconds();
	for (unsigned i = 0; i < times; i++)
		crypto_verify(
		    k.crypto, hash, span_of(signature, sizeof(signature)));
	start = (microseconds() - start) / times;
	key_release(&k);
	return start;
}

int
main(int argc, char **argv)
{
	static const unsigned counts[] = { 1, 10, 100, 500 };
	unsigned long times = argc > 1 ? strtoul(argv[1], NULL, 10) : 200;
	struct dns_cache_options o = { .bytes = 16 << 20 };
	struct arena *a = arena_new(ARENA);
	char *memory = malloc(MESSAGE);
	char p[1000];
	struct buf text = buf_wrap(p, sizeof(p));
	struct dns_source *zone, *cache;

	make_key(&text);
	zone = make_zone(p);
	cache = dns_cache_open(&o, zone);
	if (a == NULL || memory == NULL || cache == NULL || times == 0)
		return 1;
	printf("signature_bench\n  RSA-2048 verification  %6.1f us\n",
	    bare_verification(p, 2000));
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		struct span message = make_message(memory, counts[i]);
		double round[ROUNDS];

		for (size_t k = 0; k < ROUNDS; k++) {
			round[k] = 0;
			for (unsigned long n = 0; n < times; n++)
				round[k] += verify(message, cache, a);
		}
		qsort(round, ROUNDS, sizeof(*round), compare_signature);
		printf("  %3u signatures %s  %6.1f us a message\n", counts[i],
		    counts[i] > 10 ? "(10 verified)" : "             ",
		    round[ROUNDS / 2] / (double)times);
	}
	cache->close(cache);
	zone->close(zone);
	free(memory);
	arena_free(a);
	return 0;
}
