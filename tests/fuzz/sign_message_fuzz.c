/*
 * sign_message_fuzz.c - signs arbitrary messages.  Our verifier must accept
 * the result, and signing it again must not change it.
 *
 * The first byte determines the options, the size of the body's chunks,
 * whether a From field with the signing domain is put first, and whether the
 * client logged in.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "sign/signer.h"
#include "tests/support/conf_text.h"
#include "tests/support/dkim_run.h"
#include "tests/support/sign_keys.h"

enum { INPUT_MAX = 100000, ADDED_MAX = 20000, NOW = DKIM_RUN_NOW };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	struct test_keys folder;
	struct sign_keys *keys;
	struct dns_source *zone;
	const struct conf *confs[4];
} world;

static void
world_end(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(world.confs); i++)
		conf_unref(world.confs[i]);
	world.zone->close(world.zone);
	sign_keys_unref(world.keys);
	test_keys_end(&world.folder);
}

static void
world_begin(void)
{
	static const char *const texts[ARRAY_SIZE(world.confs)] = { "",
		"sign { oversign = lists lists = true }",
		"sign { oversign = off omit = {Date, To} expire = 6d }",
		"sign { author = login }" };

	if (world.keys != NULL)
		return;
	test_keys_begin(&world.folder);
	test_keys_add(&world.folder, "example.com", "r", PRIVATE_KEY_RSA);
	test_keys_add(&world.folder, "example.com", "e", PRIVATE_KEY_ED25519);
	world.keys = test_keys_load(&world.folder);
	world.zone = test_keys_zone(&world.folder);
	for (size_t i = 0; i < ARRAY_SIZE(world.confs); i++)
		world.confs[i] = conf_text_good(texts[i]);
	atexit(world_end);
}

static void
feed(struct signer *s, struct span message, size_t step)
{
	struct scan in = mail_header_open(message);
	struct span name, value, body;

	while (mail_header_next(&in, &name, &value))
		signer_header(s, name, value);
	signer_headers_end(s);
	for (body = scan_rest(&in); body.n > 0; body = span_skip(body, step))
		signer_body(s, span_first(body, step));
}

static bool
is_removed(const struct signer_outcome *o, uint32_t nth)
{
	for (size_t i = 0; i < o->n_remove; i++)
		if (o->remove[i] == nth)
			return true;
	return false;
}

/* Writes the message with the changes that the MTA would make. */
static void
put_signed(struct buf *b, const struct signer_outcome *o, struct span message)
{
	struct scan in = mail_header_open(message);
	struct span name, value;
	const char *from = in.p;
	uint32_t nth = 0;

	for (size_t i = 0; i < o->n_add; i++) {
		buf_text(b, "DKIM-Signature:");
		buf_span(b, o->add[i]);
		buf_text(b, "\r\n");
	}
	while (mail_header_next(&in, &name, &value)) {
		if (!span_is_nocase(span_trim(name), "DKIM-Signature") ||
		    !is_removed(o, ++nth))
			buf_span(b, span_between(from, in.p));
		from = in.p;
	}
	buf_span(b, span_between(from, message.p + message.n));
	assert(!b->full);
}

static struct signer *
sign(const struct conf *conf, struct span message, bool has_login, size_t step,
    const struct signer_outcome **o)
{
	struct signer *s = signer_begin(conf, world.keys, NULL,
	    &(struct signer_envelope){
		.sender = SPAN("<a@example.com>"),
		.login = has_login ? SPAN("a@example.com") : SPAN_NONE,
		.authserv_id = SPAN("mx.example.net"),
	    });

	assert(s != NULL);
	feed(s, message, step);
	*o = signer_finish(s, NOW);
	return s;
}

static void
expect_pass(struct span message, size_t n)
{
	struct dkim_run v = { .now = NOW };

	dkim_run(&v, message, world.zone);
	assert(v.n >= n);
	for (size_t i = 0; i < n; i++)
		assert(v.results[i].code == DKIM_PASS);
	dkim_run_end(&v);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char own[] = "From: a@example.com\r\n";
	unsigned how = size > 0 ? data[0] : 0;
	size_t step = (how >> 2 & 7) * 5 + 1;
	bool has_login = (how & 128) == 0;
	const struct conf *conf;
	const struct signer_outcome *o, *again;
	struct signer *s, *s2;
	char *in, *out;
	struct buf b, signed_text;

	if (size == 0 || size > INPUT_MAX)
		return 0;
	world_begin();
	conf = world.confs[how & 3];
	in = malloc(size + sizeof(own));
	out = malloc(size + sizeof(own) + ADDED_MAX);
	assert(in != NULL && out != NULL);
	b = buf_wrap(in, size + sizeof(own));
	if ((how & 32) != 0)
		buf_text(&b, own);
	buf_span(&b, span_of((const char *)data + 1, size - 1));
	s = sign(conf, buf_view(&b), has_login, step, &o);
	assert(o->result != SIGNER_FAILED);
	assert(o->n_add == 0 || o->result == SIGNER_SIGNED);
	if (o->result == SIGNER_SIGNED) {
		signed_text = buf_wrap(out, size + sizeof(own) + ADDED_MAX);
		put_signed(&signed_text, o, buf_view(&b));
		expect_pass(buf_view(&signed_text), o->n_add);
		s2 = sign(
		    conf, buf_view(&signed_text), has_login, step + 3, &again);
		/* if there are many of our signatures, only the first ones are
		 * checked */
		assert(again->n_add == 0 || o->n_remove > 0);
		signer_end(s2);
	}
	signer_end(s);
	free(in);
	free(out);
	return 0;
}
