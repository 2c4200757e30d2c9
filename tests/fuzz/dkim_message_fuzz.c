/*
 * dkim_message_fuzz.c - reads a zone, an empty line, and a message: verifies
 * signatures and ARC sets end to end, with the body in one piece and byte by
 * byte.  Both must give the same results.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "dkim/arc.h"
#include "dkim/dkim.h"
#include "dns/zone.h"
#include "mail/author.h"
#include "tests/support/core_driver.h"
#include "tests/support/dkim_run.h"

enum {
	INPUT_MAX = 16384,
	ARENA = 4 << 20,
	QUESTIONS = 200,
	NOW = 1750000000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	enum dkim_code codes[DKIM_LISTED_MAX];
	size_t n;
	enum arc_code chain;
	unsigned oldest_pass;
};

static void
check_dkim_message(
    const struct dkim *d, const struct arc_result *chain, struct outcome *out)
{
	const struct dkim_result *r = dkim_results(d, &out->n);

	assert(out->n <= DKIM_LISTED_MAX);
	for (size_t i = 0; i < out->n; i++) {
		out->codes[i] = r[i].code;
		assert(r[i].code != DKIM_NONE);
		assert(r[i].code != DKIM_PASS ||
		    (r[i].verified && r[i].domain.n > 0 && r[i].key_bits > 0));
		for (size_t k = 0; k < r[i].reason.n; k++)
			assert(
			    r[i].reason.p[k] >= ' ' && r[i].reason.p[k] <= '~');
	}
	assert(chain->instances <= ARC_INSTANCES_MAX);
	assert(chain->n_sealers <= chain->instances);
	assert(chain->code != ARC_PASS || chain->instances > 0);
	out->chain = chain->code;
	out->oldest_pass = chain->oldest_pass;
}

static void
run(struct span message, struct dns_source *zone, size_t step,
    struct outcome *out)
{
	struct arena *a = arena_new(ARENA), *scratch = arena_new(ARENA);
	struct dns_questions *questions = dns_questions_new(QUESTIONS);
	struct dkim_options options = { .min_rsa_bits = 0 };
	struct mail_header h = { .n = 0 };
	struct mail_from from;
	struct body_hashes *b;
	struct dkim *d;
	struct arc *c;
	struct arc_result chain;

	assert(a != NULL && scratch != NULL && questions != NULL);
	dkim_run_complete(&options);
	message = span_skip(message, mail_header_read(&h, a, message));
	mail_from_read(&h, a, &from);
	b = body_hashes_new(a);
	assert(b != NULL);
	d = dkim_begin(a, &options, &h, b, from.domains, from.n_domains, NOW);
	c = arc_begin(a, &options, &h, b, NOW);
	assert(d != NULL && c != NULL);
	while (dkim_keys(d, questions, scratch) == CORE_WAIT ||
	    arc_keys(c, questions, scratch) == CORE_WAIT)
		pump(questions, zone);
	for (; message.n > 0; message = span_skip(message, step))
		body_hashes_add(b, span_first(message, step));
	body_hashes_end(b);
	dkim_finish(d);
	arc_finish(c, &chain);
	check_dkim_message(d, &chain, out);
	dkim_free(d);
	arc_free(c);
	body_hashes_free(b);
	dns_questions_free(questions);
	arena_free(scratch);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text = span_of((const char *)data, size);
	const char *gap = size > 0 ? memmem(data, size, "\n\n", 2) : NULL;
	struct dns_source *zone;
	struct outcome whole, single;
	char error[200];

	if (gap == NULL || size > INPUT_MAX)
		return 0;
	zone = dns_zone_parse(
	    "zone", span_between(text.p, gap + 1), error, sizeof(error));
	if (zone == NULL)
		return 0;
	text = span_skip(text, (size_t)(gap + 2 - text.p));
	run(text, zone, size, &whole);
	run(text, zone, 1, &single);
	assert(whole.n == single.n && whole.chain == single.chain);
	assert(whole.oldest_pass == single.oldest_pass);
	for (size_t i = 0; i < whole.n; i++)
		assert(whole.codes[i] == single.codes[i]);
	zone->close(zone);
	return 0;
}
