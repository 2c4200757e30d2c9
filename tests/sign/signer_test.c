/* signer_test.c - DKIM signatures for outgoing mail: what is signed, by which
 * key, and why not; checked by our verifier */
#include "sign/signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/conf_text.h"
#include "tests/support/dkim_run.h"
#include "tests/support/memory.h"
#include "tests/support/sign_keys.h"

enum { MESSAGE_MAX = 400000, NOW = DKIM_RUN_NOW };

#define FROM "From: Alice <alice@example.com>\r\n"
#define REST                                                                   \
	"To: bob@example.net\r\nSubject: Hello\r\n"                            \
	"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <1@a>\r\n"

/*
 * example.com: RSA and Ed25519.  example.org: RSA.  sub.example.org: a key of
 * its own.  new.example.org, new.example: a key that was never published.
 */
static struct test_keys folder;
static struct sign_keys *keys;
static struct dns_source *zone;

static int
set_up(void **state)
{
	(void)state;
	test_keys_begin(&folder);
	test_keys_add(&folder, "example.com", "r1", PRIVATE_KEY_RSA);
	test_keys_add(&folder, "example.com", "e1", PRIVATE_KEY_ED25519);
	test_keys_add(&folder, "example.org", "s1", PRIVATE_KEY_RSA);
	test_keys_add(&folder, "sub.example.org", "s2", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "new.example.org", "n1", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "new.example", "n1", PRIVATE_KEY_ED25519);
	keys = test_keys_load(&folder);
	zone = test_keys_zone(&folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	zone->close(zone);
	sign_keys_unref(keys);
	test_keys_end(&folder);
	return 0;
}

/* ---- signing ---- */

struct run {
	const char *conf; /* NULL: the defaults */
	const char *login, *sender;
	const char *senders; /* text of the file; NULL: none */
	size_t step;         /* bytes of a chunk of the body; 0: one chunk */
	int64_t now;         /* 0: NOW */
};

struct ran {
	const struct conf *conf;
	struct senders *senders;
	struct signer *signer;
	const struct signer_outcome *o;
	struct span message; /* signed, without what was removed */
	char *text;
};

static void
put_text(struct ran *r, struct span s)
{
	assert_true(r->message.n + s.n < MESSAGE_MAX);
	if (s.n > 0)
		memcpy(r->text + r->message.n, s.p, s.n);
	r->message.n += s.n;
	r->message.p = r->text;
}

static bool
is_removed(const struct signer_outcome *o, uint32_t nth)
{
	for (size_t i = 0; i < o->n_remove; i++)
		if (o->remove[i] == nth)
			return true;
	return false;
}

/* As the MTA does it: our fields on top, the broken ones away. */
static void
put_result(struct ran *r, struct span message)
{
	struct scan s = mail_header_open(message);
	struct span name, value;
	const char *from = s.p;
	uint32_t nth = 0;

	r->text = malloc(MESSAGE_MAX);
	assert_non_null(r->text);
	for (size_t i = 0; i < r->o->n_add; i++) {
		put_text(r, SPAN("DKIM-Signature:"));
		put_text(r, r->o->add[i]);
		put_text(r, SPAN("\r\n"));
	}
	while (mail_header_next(&s, &name, &value)) {
		if (!span_is_nocase(name, "DKIM-Signature") ||
		    !is_removed(r->o, ++nth))
			put_text(r, span_between(from, s.p));
		from = s.p;
	}
	put_text(r, span_between(from, message.p + message.n));
}

static void
feed(struct signer *signer, struct span message, size_t step)
{
	struct scan s = mail_header_open(message);
	struct span name, value, body;

	while (mail_header_next(&s, &name, &value))
		signer_header(signer, name, value);
	signer_headers_end(signer);
	body = scan_rest(&s);
	for (step = step > 0 ? step : body.n + 1; body.n > 0;
	     body = span_skip(body, step))
		signer_body(signer, span_first(body, step));
}

static struct ran
run_span(const struct run *how, struct span message)
{
	struct ran r = { .conf = conf_text_good(
			     how->conf != NULL ? how->conf : "") };

	if (how->senders != NULL)
		r.senders = senders_read_text(
		    span_str(how->senders), "senders", stderr);
	r.signer = signer_begin(r.conf, keys, r.senders,
	    &(struct signer_envelope){
		.sender = span_str(
		    how->sender != NULL ? how->sender : "<alice@example.com>"),
		.login = span_str(how->login),
		.all_ours = true,
	    });
	assert_non_null(r.signer);
	feed(r.signer, message, how->step);
	r.o = signer_finish(r.signer, how->now != 0 ? how->now : NOW);
	put_result(&r, message);
	return r;
}

static struct ran
run(const struct run *how, const char *message)
{
	return run_span(how, span_str(message));
}

static void
run_end(struct ran *r)
{
	signer_end(r->signer);
	senders_free(r->senders);
	conf_unref(r->conf);
	free(r->text);
}

/* "pass pass", by our verifier. */
static void
expect_verified(const struct ran *r, const char *name, const char *want)
{
	struct dkim_run v = { .now = NOW };
	char text[400];

	dkim_run(&v, r->message, zone);
	dkim_run_text(&v, false, text, sizeof(text));
	if (strcmp(text, want) != 0) {
		dkim_run_text(&v, true, text, sizeof(text));
		fail_msg("%s: %s, want %s\n%.*s", name, text, want,
		    SPAN_FMT(r->message));
	}
	dkim_run_end(&v);
}

/* ---- RFC 8463 appendix A: the same bytes ---- */

static const char rfc8463_rsa[] =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIICXQIBAAKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi\n"
    "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqM\n"
    "KrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB\n"
    "AoGAH0cxOhFZDgzXWhDhnAJDw5s4roOXN4OhjiXa8W7Y3rhX3FJqmJSPuC8N9vQm\n"
    "6SVbaLAE4SG5mLMueHlh4KXffEpuLEiNp9Ss3O4YfLiQpbRqE7Tm5SxKjvvQoZZe\n"
    "zHorimOaChRL2it47iuWxzxSiRMv4c+j70GiWdxXnxe4UoECQQDzJB/0U58W7RZy\n"
    "6enGVj2kWF732CoWFZWzi1FicudrBFoy63QwcowpoCazKtvZGMNlPWnC7x/6o8Gc\n"
    "uSe0ga2xAkEA8C7PipPm1/1fTRQvj1o/dDmZp243044ZNyxjg+/OPN0oWCbXIGxy\n"
    "WvmZbXriOWoSALJTjExEgraHEgnXssuk7QJBALl5ICsYMu6hMxO73gnfNayNgPxd\n"
    "WFV6Z7ULnKyV7HSVYF0hgYOHjeYe9gaMtiJYoo0zGN+L3AAtNP9huqkWlzECQE1a\n"
    "licIeVlo1e+qJ6Mgqr0Q7Aa7falZ448ccbSFYEPD6oFxiOl9Y9se9iYHZKKfIcst\n"
    "o7DUw1/hz2Ck4N5JrgUCQQCyKveNvjzkkd8HjYs0SwM0fPjK16//5qDZ2UiDGnOe\n"
    "uEzxBDAr518Z8VFbR41in3W4Y3yCDgQlLlcETrS+zYcL\n"
    "-----END RSA PRIVATE KEY-----\n";

/* The raw key of A.1 as PKCS #8 (RFC 8410 section 7). */
static const char rfc8463_ed25519[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";

/* Signs what field number `own` of the example says, with its key. */
static void
expect_same_signature(const struct mail_header *h, struct header_index *x,
    struct arena *a, size_t own, const char *pem)
{
	char text[200] = "";
	struct buf error = buf_wrap(text, sizeof(text));
	struct private_key *key =
	    private_key_parse(span_str(pem), "RFC 8463", &error);
	uint8_t hash[CRYPTO_HASH_SIZE], made[CRYPTO_SIGNATURE_MAX];
	struct span raw = h->fields[own].raw;
	struct signature sig;
	struct buf unsigned_field = buf_alloc(a, raw.n + 1);
	size_t n;

	if (key == NULL)
		fail_msg("%s", text);
	assert_true(
	    signature_read(h->fields[own].value, SIGNATURE_DKIM, a, &sig));
	assert_null(sig.fault);
	buf_span(&unsigned_field, span_between(raw.p, sig.b_cut.p));
	buf_span(&unsigned_field,
	    span_between(sig.b_cut.p + sig.b_cut.n, raw.p + raw.n));
	assert_true(
	    header_hash_to_sign(x, &sig, buf_view(&unsigned_field), hash));
	assert_true(crypto_sign(private_key_crypto(key), hash, made, &n));
	assert_int_equal(n, sig.b.n);
	assert_memory_equal(made, sig.b.p, n);
	private_key_unref(key);
}

static void
rfc8463_appendix_a_gives_the_same_signatures(void **state)
{
	struct span whole = dkim_run_file("tests/messages/rfc8463_a3.eml");
	struct arena *a = arena_new(1 << 20);
	struct mail_header signed_header = { .n = 0 }, h;
	struct header_index *x;

	(void)state;
	mail_header_read(&signed_header, a, whole);
	h = signed_header; /* without the two signatures */
	h.fields += 2;
	h.n -= 2;
	x = header_index_new(a, &h);
	assert_non_null(x);
	expect_same_signature(&signed_header, x, a, 0, rfc8463_ed25519);
	expect_same_signature(&signed_header, x, a, 1, rfc8463_rsa);
	arena_free(a);
	free((void *)(uintptr_t)whole.p);
}

/* ---- RFC 6376 section 5.4: which fields ---- */

struct names_vector {
	const char *title, *conf, *header, *want;
};

/* h= without white space. */
static void
read_names(const struct ran *r, char *out, size_t size)
{
	struct buf b = buf_wrap(out, size);
	struct arena *a = arena_new(1 << 20);
	struct signature sig;

	assert_true(signature_read(r->o->add[0], SIGNATURE_DKIM, a, &sig));
	assert_null(sig.fault);
	for (size_t i = 0; i < sig.n_names; i++) {
		buf_text(&b, i > 0 ? ":" : "");
		buf_span(&b, sig.names[i]);
	}
	assert_false(b.full);
	arena_free(a);
}

static void
rfc6376_section_5_4_names(void **state)
{
	static const struct names_vector vectors[] = {
		{
		    .title = "full, the least",
		    .header = FROM,
		    .want = "From:From:Reply-To:To:Cc:Subject",
		},
		{
		    .title = "full",
		    .header = FROM REST
		    "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
		    "Content-Transfer-Encoding: 7bit\r\n"
		    "References: <0@a>\r\nIn-Reply-To: <0@a>\r\n"
		    "Autocrypt: x\r\nopenpgp: y\r\n",
		    .want = "From:From:Reply-To:To:To:Cc:Subject:Subject:Date:"
			    "Date:Message-ID:Message-ID:MIME-Version:"
			    "MIME-Version:Content-Type:Content-Type:"
			    "Content-Transfer-Encoding:"
			    "Content-Transfer-Encoding:In-Reply-To:In-Reply-To:"
			    "References:References:Autocrypt:Autocrypt:OpenPGP:"
			    "OpenPGP",
		},
		{
		    .title = "never: trace, Bcc, Sender, results, others",
		    .header =
			FROM "Received: x\r\nReturn-Path: <>\r\nBcc: a@b\r\n"
			     "Sender: a@b\r\nDKIM-Signature: v=1\r\n"
			     "Authentication-Results: x\r\nComments: c\r\n"
			     "Keywords: k\r\nX-Own: 1\r\n",
		    .want = "From:From:Reply-To:To:Cc:Subject",
		},
		{
		    .title = "lists and resent mail: not oversigned",
		    .header = FROM
		    "List-Id: <a.b>\r\nList-Post: <mailto:a@b>\r\n"
		    "List-Unsubscribe: <https://a>\r\n"
		    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
		    "Resent-From: a@b\r\n",
		    .want = "From:From:Reply-To:To:Cc:Subject:Resent-From:"
			    "List-Id:List-Unsubscribe:List-Unsubscribe-Post:"
			    "List-Post",
		},
		{
		    .title = "preset lists",
		    .conf = "sign { oversign = lists }",
		    .header = FROM REST "Reply-To: a@b\r\nCc: c@d\r\n",
		    .want = "From:From:Reply-To:To:To:Cc:Subject:Subject:Date:"
			    "Date:Message-ID:Message-ID",
		},
		{
		    .title = "preset off",
		    .conf = "sign { oversign = off }",
		    .header = FROM REST "To: b2@example.net\r\n",
		    .want = "From:To:To:Subject:Date:Message-ID",
		},
		{
		    .title = "omit",
		    .conf = "sign { omit = {date, Message-Id} }",
		    .header = FROM REST,
		    .want = "From:From:Reply-To:To:To:Cc:Subject:Subject",
		},
	};
	char names[4000], message[4000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct ran r;

		snprintf(message, sizeof(message), "%s\r\nHi\r\n",
		    vectors[i].header);
		r = run(&(struct run){ .conf = vectors[i].conf }, message);
		assert_int_equal(r.o->result, SIGNER_SIGNED);
		read_names(&r, names, sizeof(names));
		if (strcmp(names, vectors[i].want) != 0)
			fail_msg("%s: h=%s, want %s", vectors[i].title, names,
			    vectors[i].want);
		run_end(&r);
	}
}

/* RFC 6376 section 8.15: a field that is added later breaks the signature. */
static void
rfc6376_section_8_15_oversigned(void **state)
{
	static const struct {
		const char *conf, *more, *want;
	} vectors[] = {
		{ "", "From: eve@example.com\r\n", "fail fail" },
		{ "", "Reply-To: eve@example.net\r\n", "fail fail" },
		{ "", "Subject: other\r\n", "fail fail" },
		{ "", "Date: other\r\n", "fail fail" },
		{ "", "List-Id: <a.b>\r\n", "pass pass" },
		{ "", "Sender: list@example.net\r\n", "pass pass" },
		{ "sign { oversign = lists }", "Reply-To: l@example.net\r\n",
		    "pass pass" },
		{ "sign { oversign = lists }", "Subject: x\r\n", "fail fail" },
		{ "sign { oversign = off }", "Subject: x\r\n", "pass pass" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct ran r = run(&(struct run){ .conf = vectors[i].conf },
		    FROM REST "\r\nHi\r\n");
		char *signed_text = strndup(r.message.p, r.message.n);

		r.message.n = 0;
		put_text(&r, span_str(vectors[i].more));
		put_text(&r, span_str(signed_text));
		free(signed_text);
		expect_verified(&r, vectors[i].more, vectors[i].want);
		run_end(&r);
	}
}

/* ---- the tags ---- */

static void
rfc6376_section_3_5_tags(void **state)
{
	struct ran r = run(&(struct run){ .conf = "sign { expire = 7d }" },
	    FROM REST "\r\nHi\r\n");
	struct arena *a = arena_new(1 << 20);
	struct signature sig;

	(void)state;
	assert_int_equal(r.o->n_add, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(
		    signature_read(r.o->add[i], SIGNATURE_DKIM, a, &sig));
		assert_null(sig.fault);
		/* RSA on top */
		assert_int_equal(sig.algorithm,
		    i == 0 ? SIGNATURE_RSA_SHA256 : SIGNATURE_ED25519_SHA256);
		assert_true(span_is(sig.selector, i == 0 ? "r1" : "e1"));
		assert_true(span_is(sig.domain, "example.com"));
		assert_int_equal(sig.header, CANON_RELAXED);
		assert_int_equal(sig.body, CANON_RELAXED);
		assert_null(sig.identity.p);
		assert_true(sig.limit == BODY_WHOLE);
		assert_true(sig.has_timestamp && sig.has_expiration);
		assert_true(sig.timestamp == NOW);
		assert_true(sig.expiration == NOW + 7 * 86400);
	}
	arena_free(a);
	run_end(&r);
}

/* ---- d=, and why a message is not signed ---- */

struct outcome_vector {
	const char *title;
	const char *conf, *login, *sender, *senders;
	const char *header; /* FROM and REST are added to "+..." */
	enum signer_result result;
	enum signer_reason reason;
	const char *domain; /* d= */
	bool mismatch;
};

static void
expect_outcomes(const struct outcome_vector *v, size_t n)
{
	char message[4000];

	for (; n > 0; n--, v++) {
		struct ran r;

		snprintf(message, sizeof(message), "%s" REST "\r\nHi\r\n",
		    v->header);
		r = run(
		    &(struct run){
			.conf = v->conf,
			.login = v->login,
			.sender = v->sender,
			.senders = v->senders,
		    },
		    message);
		if (r.o->result != v->result || r.o->reason != v->reason)
			fail_msg("%s: %d, %s; want %d, %s", v->title,
			    r.o->result, signer_reason_name(r.o->reason),
			    v->result, signer_reason_name(v->reason));
		if (v->domain != NULL && !span_is(r.o->domain, v->domain))
			fail_msg("%s: d=%.*s", v->title, SPAN_FMT(r.o->domain));
		if (r.o->author_mismatch != v->mismatch)
			fail_msg(
			    "%s: mismatch %d", v->title, r.o->author_mismatch);
		if (v->result != SIGNER_SIGNED && r.o->n_add > 0)
			fail_msg("%s: has a signature", v->title);
		run_end(&r);
	}
}

static void
domain_of_the_author_or_its_nearest_parent(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "itself",
		    .header = "From: a@example.org\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "case, white space, comments, a name",
		    .header = "From: \"A\" (x)\r\n <a@EXAMPLE.Org >\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "two levels below",
		    .header = "From: MAILER-DAEMON@mx.a.example.org\r\n",
		    .sender = "<>",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "a key of its own",
		    .header = "From: a@sub.example.org\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "sub.example.org" },
		{ .title = "below that",
		    .header = "From: a@x.sub.example.org\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "sub.example.org" },
		{ .title = "never published: the parent signs",
		    .header = "From: a@new.example.org\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "never published, no parent",
		    .header = "From: a@new.example\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_KEY_UNPUBLISHED },
		{ .title = "not a subdomain",
		    .header = "From: a@notexample.org\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_KEY },
		{ .title = "no default domain",
		    .header = "From: a@stranger.example\r\n",
		    .login = "alice@example.com",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_KEY,
		    .mismatch = false },
		{ .title = "forwarded",
		    .header = "Received: x\r\nFrom: a@stranger.example\r\n",
		    .sender = "<SRS0=x=y=stranger.example=a@example.com>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "forwarded and signed by its author",
		    .header =
			"DKIM-Signature: v=1; d=stranger.example; s=r1\r\n"
			"From: a@stranger.example\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
	};

	(void)state;
	expect_outcomes(vectors, ARRAY_SIZE(vectors));
}

static void
exactly_one_author(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "none",
		    .header = "",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_AUTHOR },
		{ .title = "empty",
		    .header = "From:\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_AUTHOR },
		{ .title = "no domain",
		    .header = "From: root\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_AUTHOR },
		{ .title = "two fields",
		    .header = FROM "From: a@example.org\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_SEVERAL_AUTHORS },
		{ .title = "two fields, the same",
		    .header = FROM FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_SEVERAL_AUTHORS },
		{ .title = "two domains",
		    .header = "From: a@example.com, b@example.org\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_SEVERAL_AUTHORS },
		{ .title = "two people of one domain",
		    .header = "From: a@example.com, b@example.com\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.com" },
		{ .title = "another domain in the name",
		    .header = "From: \"ceo@bank.example\" <a@example.com>\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.com" },
		{ .title = "not valid, but one domain",
		    .header = "From: Doe, Joe <joe@example.com>\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.com" },
	};

	(void)state;
	expect_outcomes(vectors, ARRAY_SIZE(vectors));
}

static void
lists_are_signed_by_option(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "off",
		    .header = "Received: x\r\nList-Id: <l.example.org>\r\n"
			      "From: a@stranger.example\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "List-Id",
		    .conf = "sign { lists = true }",
		    .header = "List-Id: L <l.example.org>\r\n"
			      "From: a@stranger.example\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "List-Post",
		    .conf = "sign { lists = true }",
		    .header = "List-Post: <mailto:l@lists.example.org>\r\n"
			      "From: a@stranger.example\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "the author's key comes first",
		    .conf = "sign { lists = true }",
		    .header = "List-Id: L <l.example.org>\r\n" FROM,
		    .result = SIGNER_SIGNED,
		    .domain = "example.com" },
		{ .title = "a list of others",
		    .conf = "sign { lists = true }",
		    .header = "Received: x\r\nList-Id: <l.other.example>\r\n"
			      "From: a@stranger.example\r\n",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
	};

	(void)state;
	expect_outcomes(vectors, ARRAY_SIZE(vectors));
}

#define ENVELOPE "sign { author = envelope }"
#define LOGIN "sign { author = login }"
#define REFUSE "sign { author = login on_author_mismatch = reject }"

static void
authors_that_a_login_may_use(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "any: login is the author",
		    .header = FROM,
		    .login = "Alice@Example.com",
		    .sender = "<bounce@example.org>",
		    .result = SIGNER_SIGNED },
		{ .title = "any: MAIL FROM is the author",
		    .header = FROM,
		    .login = "alice",
		    .result = SIGNER_SIGNED },
		{ .title = "any: neither",
		    .header = FROM,
		    .login = "eve",
		    .sender = "<eve@example.org>",
		    .result = SIGNER_SIGNED,
		    .mismatch = true },
		{ .title = "any: no login",
		    .header = FROM,
		    .sender = "<eve@example.org>",
		    .result = SIGNER_SIGNED },
		{ .title = "any with senders: MAIL FROM is not enough",
		    .header = FROM,
		    .login = "eve",
		    .senders = "alice@example.com alice\n",
		    .result = SIGNER_SIGNED,
		    .mismatch = true },
		{ .title = "envelope",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "eve",
		    .sender = "<Alice@EXAMPLE.com>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: other local part",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "eve",
		    .sender = "<eve@example.com>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "envelope: null sender",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .login = "eve",
		    .sender = "<>",
		    .result = SIGNER_SIGNED },
		{ .title = "envelope: no login",
		    .conf = ENVELOPE,
		    .header = FROM,
		    .sender = "<www-data@host.example>",
		    .result = SIGNER_SIGNED },
		{ .title = "login: itself",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "alice@example.com",
		    .result = SIGNER_SIGNED },
		{ .title = "login: MAIL FROM is not enough",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "eve@example.com",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: null sender",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "eve@example.com",
		    .sender = "<>",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: by senders",
		    .conf = LOGIN,
		    .header = FROM,
		    .login = "eve",
		    .senders = "alice@example.com bob, EVE\n",
		    .result = SIGNER_SIGNED },
		{ .title = "login: every author counts",
		    .conf = LOGIN,
		    .header = "From: alice@example.com, bob@example.com\r\n",
		    .login = "alice@example.com",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "login: a group",
		    .conf = LOGIN,
		    .header = "From: us: alice@example.com;\r\n",
		    .login = "alice@example.com",
		    .result = SIGNER_SIGNED },
		{ .title = "refused",
		    .conf = REFUSE,
		    .header = FROM,
		    .login = "eve",
		    .result = SIGNER_REFUSED,
		    .reason = SIGNER_AUTHOR_MISMATCH,
		    .mismatch = true },
		{ .title = "not refused: no key of ours",
		    .conf = REFUSE,
		    .header = "From: eve@stranger.example\r\n",
		    .login = "eve",
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NO_KEY },
	};

	(void)state;
	expect_outcomes(vectors, ARRAY_SIZE(vectors));
}

/* ---- messages of every shape pass ---- */

static void
rfc6376_section_3_4_shapes_verify(void **state)
{
	static const struct {
		const char *title, *message;
	} vectors[] = {
		{ "no body, no empty line", FROM REST },
		{ "no body", FROM REST "\r\n" },
		{ "empty lines only", FROM REST "\r\n\r\n\r\n\r\n" },
		{ "empty lines first", FROM REST "\r\n\r\n\r\nHi\r\n" },
		{ "white space only", FROM REST "\r\n \t \r\n\t\r\n" },
		{ "no line end at the end", FROM REST "\r\nHi" },
		{ "white space", FROM REST "\r\n a  b\t\tc  \r\n \r\nd\r\n" },
		{ "bare LF", FROM REST "\r\na\nb\n\n" },
		{ "bare CR", FROM REST "\r\na\rb\r\r\nc\r" },
		{ "8-bit", FROM REST "\r\n\303\274 \377\r\n" },
		{ "NUL", "X: 1\r\n" FROM REST "\r\nabc\r\n" },
		{ "folding",
		    "From:\r\n Alice\r\n\t <alice@example.com>\r\n"
		    "Subject:\r\n  a\r\n \t b  c \r\n" REST "\r\nHi\r\n" },
		{ "a field of white space", FROM "Cc: \r\n \r\n" REST "\r\nx" },
		{ "an empty field", FROM "Cc:\r\n" REST "\r\nx" },
		{ "space before the colon",
		    "From : alice@example.com\r\n"
		    "Subject\t:x\r\n\r\nx" },
		{ "bare CR in a field",
		    FROM "Subject: a\rb\r\nTo: x\r\n\r\nHi\r\n" },
		{ "8-bit in a field", FROM "Subject: \303\274 \377\r\n\r\nx" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		for (size_t step = 0; step <= 3; step++) {
			struct ran r = run(
			    &(struct run){ .step = step }, vectors[i].message);

			assert_int_equal(r.o->result, SIGNER_SIGNED);
			expect_verified(&r, vectors[i].title, "pass pass");
			run_end(&r);
		}
}

static void
many_fields_of_one_name_verify(void **state)
{
	char *message = malloc(MESSAGE_MAX);
	struct buf b = buf_wrap(message, MESSAGE_MAX);
	struct ran r;

	(void)state;
	buf_text(&b, FROM REST);
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&b, "Cc: c%u@example.net\r\n", i);
	buf_text(&b, "\r\nHi\r\n");
	assert_false(b.full);
	r = run(&(struct run){ .now = NOW }, message);
	assert_int_equal(r.o->result, SIGNER_SIGNED);
	expect_verified(&r, "3,000 times Cc", "pass pass");
	run_end(&r);
	free(message);
}

static void
header_above_the_limit_is_not_signed(void **state)
{
	char *message = malloc(MESSAGE_MAX);
	struct buf b = buf_wrap(message, MESSAGE_MAX);
	struct ran r;

	(void)state;
	buf_text(&b, FROM REST);
	for (unsigned i = 0; i < MAIL_FIELDS_MAX; i++)
		buf_text(&b, "X: y\r\n");
	buf_text(&b, "\r\nHi\r\n");
	assert_false(b.full);
	r = run(&(struct run){ .now = NOW }, message);
	assert_int_equal(r.o->result, SIGNER_UNSIGNED);
	assert_int_equal(r.o->reason, SIGNER_HEADER_TOO_LARGE);
	run_end(&r);
	free(message);
}

/* ---- signatures of ours that are there already ---- */

/* Signs `message` and then what became of it after `from` is now `to`. */
static struct ran
run_again(const struct run *how, const char *message, const char *from,
    const char *to, int64_t now)
{
	struct ran first = run(how, message), second;
	char *text = strndup(first.message.p, first.message.n);
	char *at = from != NULL ? strstr(text, from) : NULL;
	struct run again = *how;

	assert_true(from == NULL || at != NULL);
	if (at != NULL)
		memcpy(at, to, strlen(to));
	again.now = now;
	second = run(&again, text);
	free(text);
	run_end(&first);
	return second;
}

static void
valid_signatures_of_ours_are_kept(void **state)
{
	struct ran r = run_again(&(struct run){ .now = NOW },
	    FROM REST "\r\nHi\r\n", NULL, NULL, NOW + 5);

	(void)state;
	assert_int_equal(r.o->result, SIGNER_KEPT);
	assert_int_equal(r.o->n_add + r.o->n_remove, 0);
	expect_verified(&r, "kept", "pass pass");
	run_end(&r);
}

static void
broken_signatures_of_ours_are_replaced(void **state)
{
	static const struct {
		const char *title, *conf, *from, *to;
		int64_t later;
	} vectors[] = {
		{ "body changed", "", "Hi\r\n", "Ho\r\n", 0 },
		{ "field changed", "", "Subject: H", "Subject: J", 0 },
		{ "bh= changed", "", "bh=", "hb=", 0 },
		{ "expired", "sign { expire = 6d }", NULL, NULL, 7 * 86400 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		struct ran r =
		    run_again(&(struct run){ .conf = vectors[i].conf },
			FROM REST "\r\nHi\r\n", vectors[i].from, vectors[i].to,
			NOW + vectors[i].later);
		bool one = i == 2; /* the Ed25519 signature is as it was */

		assert_int_equal(r.o->result, SIGNER_SIGNED);
		assert_int_equal(r.o->n_add, one ? 1 : 2);
		assert_int_equal(r.o->n_remove, one ? 1 : 2);
		if (vectors[i].later == 0)
			expect_verified(&r, vectors[i].title, "pass pass");
		run_end(&r);
	}
}

static void
signatures_of_others_stay(void **state)
{
	static const char message[] =
	    "DKIM-Signature: v=1; d=example.com; s=other; b=\r\n"
	    "DKIM-Signature: v=1; d=other.example; s=r1; b=\r\n"
	    "DKIM-Signature: v=1; d=EXAMPLE.com; s=R1; b=\r\n"
	    "DKIM-Signature: d=x\r\nDKIM-Signature:\r\n" FROM REST "\r\nHi\r\n";
	struct ran r = run(&(struct run){ .now = NOW }, message);

	(void)state;
	assert_int_equal(r.o->result, SIGNER_SIGNED);
	assert_int_equal(r.o->n_add, 2);
	assert_int_equal(r.o->n_remove, 1);
	assert_int_equal(r.o->remove[0], 3);
	run_end(&r);
}

static void
repeated_signatures_of_ours_go(void **state)
{
	struct ran first =
	    run(&(struct run){ .now = NOW }, FROM REST "\r\nHi\r\n");
	char *text = malloc(2 * MESSAGE_MAX);
	struct ran r;

	(void)state;
	snprintf(text, 2 * MESSAGE_MAX, "DKIM-Signature:%.*s\r\n%.*s",
	    SPAN_FMT(first.o->add[0]), SPAN_FMT(first.message));
	r = run(&(struct run){ .now = NOW }, text);
	assert_int_equal(r.o->result, SIGNER_KEPT);
	assert_int_equal(r.o->n_remove, 1);
	assert_int_equal(r.o->remove[0], 2);
	expect_verified(&r, "once", "pass pass");
	run_end(&r);
	run_end(&first);
	free(text);
}

static void
many_signatures_of_ours_are_bounded(void **state)
{
	char *message = malloc(MESSAGE_MAX);
	struct buf b = buf_wrap(message, MESSAGE_MAX);
	struct ran r;

	(void)state;
	for (unsigned i = 0; i < 4000; i++)
		buf_printf(&b,
		    "DKIM-Signature: v=1; d=example.com; s=r1; l=%u; b=\r\n",
		    i);
	buf_text(&b, FROM REST "\r\nHi\r\n");
	assert_false(b.full);
	r = run(&(struct run){ .now = NOW }, message);
	assert_int_equal(r.o->result, SIGNER_SIGNED);
	assert_int_equal(r.o->n_remove, SIGNER_OWN_MAX);
	run_end(&r);
	free(message);
}

/* ---- what displeases receivers ---- */

static void
flaws_of_a_message(void **state)
{
	static const struct {
		const char *title, *header, *body;
		size_t x; /* so many "x" behind the body */
		unsigned want;
	} vectors[] = {
		{ "none", FROM REST, "Hi\r\n", 0, 0 },
		{ "998 bytes", FROM REST, "", 998, 0 },
		{ "999 bytes", FROM REST, "", 999, SIGNER_FLAW_LONG_LINE },
		{ "after others", FROM REST, "a\r\nb\n", 999,
		    SIGNER_FLAW_LONG_LINE },
		{ "8-bit", FROM REST, "\303\274\r\n", 0, SIGNER_FLAW_8BIT },
		{ "two Subjects", FROM REST "Subject: b\r\n", "", 0,
		    SIGNER_FLAW_DUPLICATE },
		{ "no Date", FROM "Message-ID: <a@b>\r\n", "", 0,
		    SIGNER_FLAW_NO_DATE },
		{ "no Message-ID", FROM "Date: x\r\n", "", 0,
		    SIGNER_FLAW_NO_MESSAGE_ID },
		{ "one click without a link",
		    FROM REST "List-Unsubscribe-Post: x\r\n", "", 0,
		    SIGNER_FLAW_UNSUBSCRIBE },
		{ "one click",
		    FROM REST "List-Unsubscribe-Post: x\r\n"
			      "List-Unsubscribe: <https://a>\r\n",
		    "", 0, 0 },
	};
	char message[4000], xs[1001];

	(void)state;
	memset(xs, 'x', sizeof(xs));
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		for (size_t step = 0; step < 3; step++) {
			struct ran r;

			snprintf(message, sizeof(message), "%s\r\n%s%.*s\r\n",
			    vectors[i].header, vectors[i].body,
			    (int)vectors[i].x, xs);
			r = run(&(struct run){ .step = step }, message);
			if (r.o->flaws != vectors[i].want)
				fail_msg("%s: %x, want %x", vectors[i].title,
				    r.o->flaws, vectors[i].want);
			run_end(&r);
		}
}

/* ---- memory ---- */

static void
without_memory_nothing_is_half_signed(void **state)
{
	static const char message[] = FROM REST "\r\nHi\r\n";
	const struct conf *conf = conf_defaults();
	bool failed = true;

	(void)state;
	for (unsigned long nth = 1; failed; nth++) {
		struct signer *s;

		memory_fail_at(nth);
		s = signer_begin(conf, keys, NULL,
		    &(struct signer_envelope){ .sender = SPAN("<>") });
		if (s != NULL) {
			const struct signer_outcome *o;

			feed(s, span_str(message), 0);
			o = signer_finish(s, NOW);
			if (o->result != SIGNER_SIGNED) {
				assert_int_equal(o->result, SIGNER_FAILED);
				assert_int_equal(o->n_add, 0);
			}
		}
		failed = memory_has_failed();
		memory_fail_at(0);
		signer_end(s);
	}
	conf_unref(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc8463_appendix_a_gives_the_same_signatures),
		cmocka_unit_test(rfc6376_section_5_4_names),
		cmocka_unit_test(rfc6376_section_8_15_oversigned),
		cmocka_unit_test(rfc6376_section_3_5_tags),
		cmocka_unit_test(domain_of_the_author_or_its_nearest_parent),
		cmocka_unit_test(exactly_one_author),
		cmocka_unit_test(lists_are_signed_by_option),
		cmocka_unit_test(authors_that_a_login_may_use),
		cmocka_unit_test(rfc6376_section_3_4_shapes_verify),
		cmocka_unit_test(many_fields_of_one_name_verify),
		cmocka_unit_test(header_above_the_limit_is_not_signed),
		cmocka_unit_test(valid_signatures_of_ours_are_kept),
		cmocka_unit_test(broken_signatures_of_ours_are_replaced),
		cmocka_unit_test(signatures_of_others_stay),
		cmocka_unit_test(repeated_signatures_of_ours_go),
		cmocka_unit_test(many_signatures_of_ours_are_bounded),
		cmocka_unit_test(flaws_of_a_message),
		cmocka_unit_test(without_memory_nothing_is_half_signed),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
