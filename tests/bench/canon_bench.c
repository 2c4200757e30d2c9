/*
 * canon_bench.c - the speed of canonicalizing bodies, without hashing: with the
 * fastest code for this CPU, with 16-byte vectors, with 64-bit words, and byte
 * by byte.
 *
 * usage: canon_bench [MIB [ROUNDS]]   (defaults: 10 and 21)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dkim/canon.h"
#include "lib/enum_names.h"

enum { ROUNDS_MAX = 101, CHUNK = 65535 /* largest chunk that a milter gets */ };

/* ---- byte by byte ---- */

static size_t
bytes_run(const char *p, size_t n, bool relaxed)
{
	for (size_t i = 0; i + 1 < n; i++) {
		char a = p[i];
		unsigned char b = (unsigned char)p[i + 1];

		if ((b == '\n' && a != '\r') ||
		    (relaxed && (a == '\t' || (a == ' ' && b <= ' '))))
			return i;
	}
	return n - 1;
}

static size_t
bytes_run_simple(const char *p, size_t n)
{
	return bytes_run(p, n, false);
}

static size_t
bytes_run_relaxed(const char *p, size_t n)
{
	return bytes_run(p, n, true);
}

/* Compresses nothing, so that dkim/canon.c works byte by byte. */
static const char *
bytes_compress(struct compress *s, const char *p, size_t blocks)
{
	(void)blocks;
	s->changed = false;
	return p;
}

static const struct canon_simd bytes = { bytes_run_simple, bytes_run_relaxed,
	bytes_compress };

/* ---- bodies ---- */

static unsigned
random_below(unsigned below)
{
	static unsigned seed = 1;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % below;
}

/*
 * Fills `to` with lines of words.  `spaced` percent of the lines have white
 * space that relaxed canonicalization reduces.
 */
static void
fill_text(char *to, size_t n, unsigned spaced)
{
	size_t at = 1;

	to[0] = 'x';
	while (n - at > 100) {
		size_t end = at + 60 + random_below(16);

		if (random_below(100) < spaced) {
			memset(to + at, ' ', 4);
			at += 4;
		}
		for (; at < end; at++)
			to[at] = to[at - 1] != ' ' && random_below(6) == 0
			    ? ' '
			    : (char)('a' + random_below(26));
		to[at - 1] = '.';
		to[at++] = '\r';
		to[at++] = '\n';
	}
	memset(to + at, 'x', n - at);
}

/* ---- measuring ---- */

static void
count_bytes(void *to, struct span run)
{
	*(size_t *)to += run.n;
}

static double
thread_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double
canon_seconds(const struct canon_simd *ways, enum canon canon, struct span body)
{
	size_t out = 0;
	struct canon_body b;
	double start = thread_seconds();

	canon_body_begin(&b, canon, (struct canon_sink){ count_bytes, &out });
	b.ways = ways;
	for (; body.n > 0; body = span_skip(body, CHUNK))
		canon_body_add(&b, span_first(body, CHUNK));
	canon_body_end(&b);
	return out > 0 ? thread_seconds() - start : 0;
}

static int
compare_seconds(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
measure(const char *name, struct span body, enum canon canon, size_t rounds)
{
	const struct canon_simd *ways[] = { canon_simd_best(),
		&canon_simd_plain, &canon_simd_words, &bytes };
	double seconds[ARRAY_SIZE(ways)][ROUNDS_MAX];
	double mb = (double)body.n / 1e6;

	for (size_t i = 0; i < rounds; i++)
		for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
			seconds[w][i] = canon_seconds(ways[w], canon, body);
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
		qsort(seconds[w], rounds, sizeof(double), compare_seconds);
	printf("  %-6s %-8s MB/s: best %6.0f   vectors %6.0f   words %6.0f   "
	       "bytes %6.0f\n",
	    name, canon == CANON_RELAXED ? "relaxed" : "simple",
	    mb / seconds[0][rounds / 2], mb / seconds[1][rounds / 2],
	    mb / seconds[2][rounds / 2], mb / seconds[3][rounds / 2]);
}

int
main(int argc, char **argv)
{
	size_t size = (argc > 1 ? strtoul(argv[1], NULL, 10) : 10) << 20;
	size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 21;
	char *body = size > 0 ? malloc(size) : NULL;

	if (body == NULL || rounds == 0 || rounds > ROUNDS_MAX) {
		fprintf(stderr, "usage: canon_bench [MIB [ROUNDS]]\n");
		return 64;
	}
	printf("canon_bench\n");
	fill_text(body, size, 0);
	measure("text", span_of(body, size), CANON_SIMPLE, rounds);
	measure("text", span_of(body, size), CANON_RELAXED, rounds);
	fill_text(body, size, 10);
	measure("mail", span_of(body, size), CANON_RELAXED, rounds);
	fill_text(body, size, 100);
	measure("indent", span_of(body, size), CANON_RELAXED, rounds);
	free(body);
	return 0;
}
