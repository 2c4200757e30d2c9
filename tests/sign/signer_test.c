/* signer_test.c - DKIM signatures for outgoing mail: signed fields, key
 * selection, and reasons for not signing; checked by our verifier */
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
#include "tests/support/signer_run.h"

/* ---- the same bytes as in RFC 8463 appendix A ---- */

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

/* Signs again what the signature in field number `own` covers, with the key
 * `pem`, and expects the same signature. */
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

/* ---- RFC 6376 section 5.4: signed fields ---- */

struct names_vector {
	const char *title, *conf, *header, *want;
};

/* Writes the names in h= to `out`, separated by ":". */
static void
read_names(const struct signer_ran *r, char *out, size_t size)
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
		    .title = "full, fewest fields",
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
		    .title =
			"never signed: trace, Bcc, Sender, results, others",
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
		    .title = "oversign = lists",
		    .conf = "sign { oversign = lists }",
		    .header = FROM REST "Reply-To: a@b\r\nCc: c@d\r\n",
		    .want = "From:From:Reply-To:To:To:Cc:Subject:Subject:Date:"
			    "Date:Message-ID:Message-ID",
		},
		{
		    .title = "oversign = off",
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
		struct signer_ran r;

		snprintf(message, sizeof(message), "%s\r\nHi\r\n",
		    vectors[i].header);
		r = signer_run(
		    &(struct signer_run){ .conf = vectors[i].conf }, message);
		assert_int_equal(r.o->result, SIGNER_SIGNED);
		read_names(&r, names, sizeof(names));
		if (strcmp(names, vectors[i].want) != 0)
			fail_msg("%s: h=%s, want %s", vectors[i].title, names,
			    vectors[i].want);
		signer_run_end(&r);
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
		struct signer_ran r =
		    signer_run(&(struct signer_run){ .conf = vectors[i].conf },
			FROM REST "\r\nHi\r\n");
		char *signed_text = strndup(r.message.p, r.message.n);

		r.message.n = 0;
		signer_run_put(&r, span_str(vectors[i].more));
		signer_run_put(&r, span_str(signed_text));
		free(signed_text);
		signer_run_expect(&r, vectors[i].more, vectors[i].want);
		signer_run_end(&r);
	}
}

/* ---- the tags ---- */

static void
rfc6376_section_3_5_tags(void **state)
{
	struct signer_ran r =
	    signer_run(&(struct signer_run){ .conf = "sign { expire = 7d }" },
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
		assert_true(sig.timestamp == DKIM_RUN_NOW);
		assert_true(sig.expiration == DKIM_RUN_NOW + 7 * 86400);
	}
	arena_free(a);
	signer_run_end(&r);
}

/* ---- d=, and reasons for not signing ---- */

static void
domain_of_the_author_or_its_nearest_parent(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "the domain itself",
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
		{ .title = "subdomain with a separate key",
		    .header = "From: a@sub.example.org\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "sub.example.org" },
		{ .title = "below that subdomain",
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
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
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
		{ .title = "a different domain in the display name",
		    .header = "From: \"ceo@bank.example\" <a@example.com>\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.com" },
		{ .title = "not valid, but one domain",
		    .header = "From: Doe, Joe <joe@example.com>\r\n",
		    .result = SIGNER_SIGNED,
		    .domain = "example.com" },
	};

	(void)state;
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
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
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
}

/* ---- mail that arrived from another host; a local program sends it on ---- */

#define RESULTS(text) "Authentication-Results: mx.example.net" text "\r\n"
#define ARRIVED "Received: from host.example by mx.example.net\r\n"
#define LIST(domain) "List-Id: <" domain ">\r\n"
#define AUTHOR(address) "From: " address "\r\n"
#define BROKEN                                                                 \
	"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=r1; h=from;"      \
	" bh=eA==; b=eA==\r\n"

static void
not_signed_unless_its_author_was_authenticated(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "DMARC failed",
		    .header =
			RESULTS("; spf=fail smtp.mailfrom=example.com;\r\n"
				"\tdkim=none; dmarc=fail (p=none dis=none)"
				" header.from=example.com") ARRIVED FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "DMARC failed for a subdomain",
		    .header = RESULTS("; dmarc=fail header.from=a.example.org")
			AUTHOR("x@a.example.org"),
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "DMARC failed because alignment is strict",
		    .header =
			RESULTS("; spf=pass smtp.mailfrom=a.example.com;"
				" dmarc=fail header.from=example.com") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "the MTA has completed the domain",
		    .header = RESULTS("; dmarc=none header.from=example") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "our id in upper case, below results of others",
		    .header = "Authentication-Results: other.example;"
			      " dmarc=pass header.from=example.com\r\n"
			      "Authentication-Results: MX.Example.NET 1;"
			      " dmarc=fail header.from=Example.COM\r\n" FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "several fields with our id",
		    .header = RESULTS("; dkim=none")
			RESULTS("; dmarc=fail header.from=example.com") RESULTS(
			    "; spf=pass smtp.mailfrom=example.com") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "a broken signature of ours is not replaced",
		    .header =
			RESULTS("; dkim=fail header.d=example.com; dmarc=fail"
				" header.from=example.com") BROKEN FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "no DMARC record, and a stranger's SPF pass",
		    .header =
			RESULTS("; spf=pass smtp.mailfrom=stranger.example;"
				" dkim=pass header.d=notexample.com;"
				" dmarc=none header.from=example.com") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "no DMARC record, nothing passes",
		    .header = RESULTS(
			"; spf=none smtp.mailfrom=example.com;"
			" dkim=none; dmarc=none header.from=example.com") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "DNS failed, nothing passes",
		    .header = RESULTS("; dmarc=temperror (not checked)") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "no room for dmarc in our field",
		    .header =
			RESULTS("; spf=fail smtp.mailfrom=example.com") FROM,
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
		{ .title = "a list whose key is aligned with From",
		    .conf = "sign { lists = true }",
		    .header = RESULTS("; dmarc=fail header.from=club.example")
			LIST("l.lists.club.example") AUTHOR("a@club.example"),
		    .result = SIGNER_UNSIGNED,
		    .reason = SIGNER_NOT_OWN },
	};

	(void)state;
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
}

static void
own_mail_is_signed_whatever_our_results_say(void **state)
{
	static const struct outcome_vector vectors[] = {
		{ .title = "DMARC passed",
		    .header = RESULTS("; spf=fail smtp.mailfrom=other.example;"
				      " dmarc=pass header.from=example.com")
			ARRIVED FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "no DMARC record, SPF passed",
		    .header =
			RESULTS("; spf=pass smtp.mailfrom=b.example.com;"
				" dmarc=none header.from=example.com") FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "no DMARC record, DKIM passed",
		    .header =
			RESULTS("; spf=none; dkim=fail header.d=other.example;"
				" dkim=pass header.d=example.com header.s=x;"
				" dmarc=none header.from=example.com") FROM,
		    .result = SIGNER_SIGNED },
		{ .title =
			"DNS failed for DMARC, SPF of the null sender passed",
		    .header = RESULTS("; spf=pass smtp.helo=mx.example.com;"
				      " dmarc=temperror"
				      " header.from=example.com") FROM,
		    .sender = "<>",
		    .result = SIGNER_SIGNED },
		{ .title = "each filter adds a field: DMARC passed",
		    .header = RESULTS("; spf=fail smtp.mailfrom=b.example")
			RESULTS("; dmarc=pass header.from=example.com") FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "each filter adds a field: SPF passed",
		    .header = RESULTS("; dmarc=none header.from=example.com")
			RESULTS("; spf=pass smtp.mailfrom=example.com") FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "from a client that logged in, and checked",
		    .header = RESULTS("; auth=pass (plain); spf=fail"
				      " smtp.mailfrom=example.com;"
				      " dmarc=fail header.from=example.com")
			ARRIVED FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "from skip_networks: not checked",
		    .header = RESULTS("; iprev=pass (localhost)"
				      " policy.iprev=127.0.0.1") ARRIVED FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "the same without iprev",
		    .header = RESULTS("; none (local user, not checked:"
				      " skip.network)") FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "a list manager that replaced From",
		    .header = RESULTS(
			"; spf=fail smtp.mailfrom=stranger.example; dmarc=fail"
			" header.from=stranger.example")
			AUTHOR("A via L <l@example.org>"),
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
		{ .title = "results of another host",
		    .header = "Authentication-Results: mx.example.net.other;"
			      " dmarc=fail header.from=example.com\r\n" FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "a field that cannot be parsed",
		    .header = RESULTS(" dmarc=fail") FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "an address in smtp.mailfrom",
		    .header =
			RESULTS("; spf=pass smtp.mailfrom=a@example.com;"
				" dmarc=none header.from=example.com") FROM,
		    .result = SIGNER_SIGNED },
		{ .title = "sent on by a client that logged in",
		    .header =
			RESULTS("; dmarc=fail header.from=example.com") FROM,
		    .login = "alice@example.com",
		    .result = SIGNER_SIGNED },
		{ .title = "list mail of a stranger without a DMARC record",
		    .conf = "sign { lists = true }",
		    .header =
			RESULTS("; dmarc=none header.from=stranger.example")
			    LIST("l.example.org") AUTHOR("a@stranger.example"),
		    .result = SIGNER_SIGNED,
		    .domain = "example.org" },
	};

	(void)state;
	signer_run_outcomes(vectors, ARRAY_SIZE(vectors));
}

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
			struct signer_ran r =
			    signer_run(&(struct signer_run){ .step = step },
				vectors[i].message);

			assert_int_equal(r.o->result, SIGNER_SIGNED);
			signer_run_expect(&r, vectors[i].title, "pass pass");
			signer_run_end(&r);
		}
}

static void
many_fields_of_one_name_verify(void **state)
{
	char *message = malloc(SIGNER_RUN_MESSAGE_MAX);
	struct buf b = buf_wrap(message, SIGNER_RUN_MESSAGE_MAX);
	struct signer_ran r;

	(void)state;
	buf_text(&b, FROM REST);
	for (unsigned i = 0; i < 3000; i++)
		buf_printf(&b, "Cc: c%u@example.net\r\n", i);
	buf_text(&b, "\r\nHi\r\n");
	assert_false(b.full);
	r = signer_run(&(struct signer_run){ .now = DKIM_RUN_NOW }, message);
	assert_int_equal(r.o->result, SIGNER_SIGNED);
	signer_run_expect(&r, "3,000 times Cc", "pass pass");
	signer_run_end(&r);
	free(message);
}

static void
header_above_the_limit_is_not_signed(void **state)
{
	char *message = malloc(SIGNER_RUN_MESSAGE_MAX);
	struct buf b = buf_wrap(message, SIGNER_RUN_MESSAGE_MAX);
	struct signer_ran r;

	(void)state;
	buf_text(&b, FROM REST);
	for (unsigned i = 0; i < MAIL_FIELDS_MAX; i++)
		buf_text(&b, "X: y\r\n");
	buf_text(&b, "\r\nHi\r\n");
	assert_false(b.full);
	r = signer_run(&(struct signer_run){ .now = DKIM_RUN_NOW }, message);
	assert_int_equal(r.o->result, SIGNER_UNSIGNED);
	assert_int_equal(r.o->reason, SIGNER_HEADER_TOO_LARGE);
	signer_run_end(&r);
	free(message);
}

/* ---- memory ---- */

static void
without_memory_nothing_is_half_signed(void **state)
{
	static const char message[] =
	    RESULTS("; dmarc=none header.from=\"x.y\"") FROM REST "\r\nHi\r\n";
	const struct conf *conf = conf_defaults();
	bool failed = true;

	(void)state;
	for (unsigned long nth = 1; failed; nth++) {
		struct signer *s;

		memory_fail_at(nth);
		s = signer_begin(conf, signer_run_keys, NULL,
		    &(struct signer_envelope){
			.sender = SPAN("<>"),
			.authserv_id = SPAN("mx.example.net"),
		    });
		if (s != NULL) {
			const struct signer_outcome *o;

			signer_run_feed(s, span_str(message), 0);
			o = signer_finish(s, DKIM_RUN_NOW);
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
		cmocka_unit_test(
		    not_signed_unless_its_author_was_authenticated),
		cmocka_unit_test(own_mail_is_signed_whatever_our_results_say),
		cmocka_unit_test(rfc6376_section_3_4_shapes_verify),
		cmocka_unit_test(many_fields_of_one_name_verify),
		cmocka_unit_test(header_above_the_limit_is_not_signed),
		cmocka_unit_test(without_memory_nothing_is_half_signed),
	};

	return cmocka_run_group_tests(
	    tests, signer_run_set_up, signer_run_tear_down);
}
