/*
 * body_bench.c - compares the speed of hashing bodies with that of SHA-256
 * alone on the same bytes, in alternating rounds of one run; prints the ratio
 * of each round and the median.
 *
 * usage: body_bench [MIB]   (the size of each body; default 10)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/evp.h>

#include "dkim/body_hash.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/enum_names.h"

enum {
	ROUNDS = 21,
	CHUNK = 65535, /* largest chunk that a milter gets */
	LINE_MAX_BYTES = 256,
};

/* Returns the CPU time of this thread, so that other load on the machine does
 * not count. */
static double
seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- bodies ---- */

static unsigned
next_random(unsigned below)
{
	static unsigned seed = 1;

	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % below;
}

static char
letter(void)
{
	return (char)('a' + next_random(26));
}

/* Each of these functions writes a line without its line end, and returns its
 * length. */
static size_t
base64_line(char *to)
{
	for (size_t i = 0; i < 76; i++)
		to[i] = letter();
	return 76;
}

static size_t
words(char *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		to[i] = i > 0 && i + 1 < n && to[i - 1] != ' ' &&
			next_random(6) == 0
		    ? ' '
		    : letter();
	return n;
}

/* Prose: paragraphs of lines of 60 to 75 bytes. */
static size_t
text_line(char *to)
{
	return next_random(10) == 0 ? 0 : words(to, 60 + next_random(16));
}

/* Text as typed by people: one line in ten has white space that relaxed
 * canonicalization reduces. */
static size_t
mail_line(char *to)
{
	size_t n = words(to, 60 + next_random(16));

	switch (next_random(50)) {
	case 0:
	case 1:
		to[n++] = ' ';
		to[n++] = ' ';
		break;
	case 2:
	case 3:
		memset(to, ' ', 4);
		to[20] = ' ';
		to[21] = ' ';
		break;
	case 4:
		to[1] = '\t';
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		return 0;
	}
	return n;
}

/* Indented markup. */
static size_t
html_line(char *to)
{
	size_t indent = 2 * next_random(6);

	memset(to, ' ', indent);
	return indent + words(to + indent, 20 + next_random(60));
}

/* Text with white space at the end of every line (format=flowed). */
static size_t
flowed_line(char *to)
{
	size_t n = words(to, 60 + next_random(16));

	to[n] = ' ';
	return n + 1;
}

/* Markup indented with tabs, with more tabs inside. */
static size_t
tabs_line(char *to)
{
	size_t indent = next_random(6);
	size_t n = indent + words(to + indent, 20 + next_random(60));

	memset(to, '\t', indent);
	to[indent + 10] = '\t';
	return n;
}

/* Many runs of white space that must be reduced, meant to be expensive. */
static size_t
gaps_line(char *to)
{
	size_t n = 0;

	while (n < 76) {
		to[n++] = letter();
		memset(to + n, ' ', 3);
		n += next_random(4);
	}
	return n;
}

/* Short lines, meant to be expensive. */
static size_t
short_line(char *to)
{
	return words(to, next_random(4));
}

/* Bare CRs between words, meant to be expensive. */
static size_t
bare_line(char *to)
{
	size_t n = words(to, 76);

	for (size_t i = 5; i < n; i += 1 + next_random(20))
		to[i] = '\r';
	return n;
}

static size_t
empty_line(char *to)
{
	(void)to;
	return 0;
}

static const struct {
	const char *name;
	size_t (*line)(char *to);
	const char *end;
	bool hostile; /* only an attacker sends this */
} kinds[] = {
	{ "base64", base64_line, "\r\n", false },
	{ "text", text_line, "\r\n", false },
	{ "mail", mail_line, "\r\n", false },
	{ "html", html_line, "\r\n", false },
	{ "flowed", flowed_line, "\r\n", false },
	{ "tabs", tabs_line, "\r\n", false },
	{ "LF", text_line, "\n", true },
	{ "short", short_line, "\r\n", true },
	{ "shortLF", short_line, "\n", true },
	{ "gaps", gaps_line, "\r\n", true },
	{ "bare CR", bare_line, "\r\n", true },
	{ "empty", empty_line, "\r\n", true },
};

static size_t
fill(char *to, size_t size, size_t (*line)(char *to), const char *end)
{
	size_t n = 0, n_end = strlen(end);

	while (size - n > LINE_MAX_BYTES) {
		n += line(to + n);
		memcpy(to + n, end, n_end);
		n += n_end;
	}
	return n;
}

/* ---- SHA-256 alone, and hashing bodies ---- */

static double
hash_alone(struct span body)
{
	unsigned char hash[32];
	double start = seconds();

	if (EVP_Digest(body.p, body.n, hash, NULL, EVP_sha256(), NULL) != 1)
		exit(1);
	return seconds() - start;
}

static double
hash_body(struct span body, enum canon canon)
{
	struct arena *a = arena_new(1 << 20);
	double start = seconds();
	struct body_hashes *b = body_hashes_new(a);
	int handle = b != NULL ? body_hashes_request(b, canon, BODY_WHOLE) : -1;
	double took;

	if (handle < 0)
		exit(1);
	for (; body.n > 0; body = span_skip(body, CHUNK))
		body_hashes_add(b, span_first(body, CHUNK));
	body_hashes_end(b);
	if (body_hashes_get(b, handle) == NULL)
		exit(1);
	body_hashes_free(b);
	took = seconds() - start;
	arena_free(a);
	return took;
}

static int
compare_body(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare_body);
	return values[ROUNDS / 2];
}

static void
measure(const char *name, struct span body, enum canon canon)
{
	double alone[ROUNDS], whole[ROUNDS], ratio[ROUNDS];
	double mb = (double)body.n / 1e6;

	for (size_t i = 0; i < ROUNDS; i++) {
		alone[i] = hash_alone(body);
		whole[i] = hash_body(body, canon);
		ratio[i] = alone[i] / whole[i];
	}
	printf(
	    "  %-7s %-8s %5.0f MB/s   SHA-256 alone %5.0f MB/s   ratio %.3f\n",
	    name, canon == CANON_RELAXED ? "relaxed" : "simple",
	    mb / median(whole), mb / median(alone), median(ratio));
}

int
main(int argc, char **argv)
{
	size_t mib = argc > 1 ? strtoul(argv[1], NULL, 10) : 10;
	size_t size = mib << 20;
	char *body = size > LINE_MAX_BYTES ? malloc(size) : NULL;

	if (body == NULL) {
		fprintf(stderr, "usage: body_bench [MIB]\n");
		return 64;
	}
	printf("body_bench\n");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t n = fill(body, size, kinds[i].line, kinds[i].end);

		measure(kinds[i].name, span_of(body, n), CANON_RELAXED);
		if (!kinds[i].hostile)
			measure(kinds[i].name, span_of(body, n), CANON_SIMPLE);
	}
	free(body);
	return 0;
}
