#include "dkim/sigcheck.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/domain.h"

enum {
	/* Keys tried for each signature, if several records of an answer fit:
	 * RFC 6376 section 3.6.2.2 allows only one. */
	KEYS_TRIED_MAX = 2,
	/* With 8192 bits, verification costs 16 times as much as with 2048, and
	 * 3 times that with the largest exponent (key.h): 0.8 ms.  RFC
	 * 8301 section 3.2 requires verifiers to support 4096. */
	MAX_RSA_BITS = 8192,
	/* Seconds that a signer's clock may be ahead of ours; RFC 6376 section
	 * 3.5 allows such a tolerance. */
	CLOCK_SKEW = 300,
};

struct sigcheck_rules
sigcheck_rules_of(const struct dkim_options *o, int64_t now)
{
	assert(o->min_rsa_bits > 0);
	return (struct sigcheck_rules){ .now = now, .o = *o };
}

static void
decide(struct sigcheck_result *out, enum dkim_code code, const char *reason)
{
	out->code = code;
	out->reason = span_str(reason);
}

static uint64_t
seconds(int64_t time)
{
	return time > 0 ? (uint64_t)time : 0;
}

bool
sigcheck_early(const struct sigcheck *c, const struct sigcheck_rules *r,
    struct sigcheck_result *out)
{
	uint64_t now = seconds(r->now);

	*out = (struct sigcheck_result){ .code = DKIM_NONE };
	/* RFC 8301 section 3.1 */
	if (c->sig.algorithm == SIGNATURE_RSA_SHA1)
		decide(out, DKIM_PERMERROR,
		    "rsa-sha1 must not be verified (RFC 8301)");
	/* RFC 6376 section 6.1.1: any inconsistency is a PERMFAIL. */
	else if (c->sig.fault != NULL)
		decide(out, DKIM_PERMERROR, c->sig.fault);
	/* RFC 6376 section 3.5, x= */
	else if (c->sig.has_expiration && !r->o.ignore_time &&
	    c->sig.expiration < now)
		decide(out, DKIM_FAIL, "the signature has expired");
	/* RFC 6376 section 3.5, t= */
	else if (c->sig.has_timestamp && !r->o.ignore_time &&
	    c->sig.timestamp > now + CLOCK_SKEW)
		decide(out, DKIM_FAIL, "the signature is dated in the future");
	return out->code != DKIM_NONE;
}

bool
sigcheck_begin(
    struct sigcheck *c, struct arena *a, struct body_hashes *body_hashes)
{
	/* RFC 6376 section 3.6.2.1 */
	struct span between = SPAN("._domainkey.");
	struct buf name =
	    buf_alloc(a, c->sig.selector.n + between.n + c->sig.domain.n + 1);

	buf_span(&name, c->sig.selector);
	buf_span(&name, between);
	buf_span(&name, c->sig.domain);
	c->key_name = buf_view(&name);
	c->body = -1;
	if (body_hashes != NULL)
		c->body =
		    body_hashes_request(body_hashes, c->sig.body, c->sig.limit);
	return !name.full;
}

enum core_status
sigcheck_ask(struct sigcheck *c, struct dns_questions *questions)
{
	const struct dns_answer *answer;

	if (c->answer != NULL)
		return CORE_DONE;
	answer = dns_ask(questions, c->key_name, DNS_TXT);
	if (answer->state == DNS_PENDING)
		return CORE_WAIT;
	c->answer = answer;
	if (answer->state == DNS_FOUND)
		c->keys = key_list_of(answer, &c->own);
	return CORE_DONE;
}

void
sigcheck_free(struct sigcheck *c)
{
	key_list_free(c->own);
	c->own = NULL;
	c->keys = NULL;
	c->answer = NULL;
}

/* ---- the verdict ---- */

/* Sets the code and a formatted reason, in printable ASCII. */
static void __attribute__((format(printf, 4, 5)))
decide_text(struct sigcheck_result *out, enum dkim_code code, struct arena *a,
    const char *format, ...)
{
	char text[SIGCHECK_REASON_MAX];
	struct buf reason = buf_alloc(a, SIGCHECK_REASON_MAX);
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	buf_printable(&reason, span_str(text), SIGCHECK_REASON_MAX);
	out->code = code;
	out->reason = buf_view(&reason);
}

/* Sets the result and returns true if the answer has no keys. */
static bool
decide_no_answer(
    const struct sigcheck *c, struct sigcheck_result *out, struct arena *a)
{
	if (c->answer == NULL) {
		decide(out, DKIM_TEMPERROR, "the key was not looked up");
		return true;
	}
	switch (c->answer->state) {
	case DNS_FOUND:
		if (c->keys != NULL)
			return false;
		decide(out, DKIM_TEMPERROR, "not enough memory for the key");
		return true;
	case DNS_NODATA:
	case DNS_NXDOMAIN: /* RFC 6376 section 6.1.2 step 3 */
		decide(out, DKIM_PERMERROR, "no key for the signature");
		return true;
	case DNS_BADNAME:
		decide(out, DKIM_PERMERROR,
		    "selector and domain do not form a valid DNS name");
		return true;
	case DNS_PENDING:
	case DNS_FAILED: /* RFC 6376 section 6.1.2 step 2 */
		break;
	}
	decide_text(out, DKIM_TEMPERROR, a, "key unavailable (DNS: %s)",
	    dns_error_text(c->answer->fault));
	return true;
}

bool
sigcheck_key_fits(const struct sigcheck *c, const struct key *k,
    const struct sigcheck_rules *r, struct arena *a,
    struct sigcheck_result *out)
{
	bool wants_rsa = c->sig.algorithm == SIGNATURE_RSA_SHA256;

	out->key = k;
	if (k->no_memory)
		decide(out, DKIM_TEMPERROR, "not enough memory for the key");
	/* RFC 8301 section 3.2: checked first, because a key that is too small
	 * or too large may not even be parsed. */
	else if (wants_rsa && k->type == KEY_RSA && k->bits > 0 &&
	    k->bits < r->o.min_rsa_bits)
		decide_text(out, DKIM_POLICY, a,
		    "RSA key of %u bits, fewer than %u", k->bits,
		    r->o.min_rsa_bits);
	else if (wants_rsa && k->type == KEY_RSA && k->bits > MAX_RSA_BITS)
		decide_text(out, DKIM_POLICY, a,
		    "RSA key of %u bits, more than %u", k->bits, MAX_RSA_BITS);
	/* RFC 6376 section 6.1.2 steps 5 and 7 */
	else if (k->fault != NULL)
		decide(out, DKIM_PERMERROR, k->fault);
	/* RFC 6376 section 6.1.2 step 6 */
	else if (!k->allows_sha256)
		decide(out, DKIM_PERMERROR, "the key does not allow SHA-256");
	/* RFC 6376 section 6.1.2 step 8 */
	else if (wants_rsa != (k->type == KEY_RSA))
		decide(out, DKIM_PERMERROR, "the key type does not match a=");
	/* RFC 6376 section 3.6.1, t=s */
	else if (k->strict &&
	    !domain_equal(c->sig.identity_domain, c->sig.domain))
		decide(out, DKIM_PERMERROR,
		    "key has t=s: the domain of i= must equal d=");
	else
		return true;
	return false;
}

/* Whether `a` is more informative than `b`.  If no key fits, the most
 * informative result is reported. */
static bool
says_more(const struct sigcheck_result *a, const struct sigcheck_result *b)
{
	if (b->key == NULL || b->key->is_foreign)
		return true;
	return b->code == DKIM_PERMERROR && a->code != DKIM_PERMERROR;
}

/* RFC 6376 section 6.1.3 step 3.  Returns false if the result is decided. */
static bool
body_matches(const struct sigcheck *c, const struct body_hashes *body_hashes,
    struct arena *a, struct sigcheck_result *out)
{
	const uint8_t *hash = body_hashes_get(body_hashes, c->body);

	if (c->body < 0)
		decide(out, DKIM_POLICY,
		    "too many different l= values in this message");
	else if (hash == NULL)
		decide(out, DKIM_TEMPERROR, "the body could not be hashed");
	/* RFC 6376 section 3.5, l= */
	else if (body_hashes_is_short(body_hashes, c->body))
		decide_text(out, DKIM_FAIL, a,
		    "the body has %llu bytes, fewer than l=",
		    (unsigned long long)body_hashes_length(
			body_hashes, c->body));
	else if (memcmp(hash, c->sig.bh.p, BODY_HASH_SIZE) != 0)
		decide(out, DKIM_FAIL, "body hash did not verify");
	else
		return true;
	return false;
}

/* Returns the length of a signature by this key: RFC 8017 section 8.2.2 step 1,
 * RFC 8032 section 5.1.6. */
static size_t
signature_size(const struct key *k)
{
	return k->type == KEY_RSA ? (k->bits + 7) / 8 : 64;
}

/* RFC 6376 section 6.1.3 step 4 */
static void
try_key(const struct sigcheck *c, const struct key *k, const uint8_t *hash,
    struct arena *a, struct sigcheck_result *out)
{
	enum crypto_verdict v = CRYPTO_BAD;

	out->key = k;
	if (c->sig.b.n != signature_size(k)) {
		decide(
		    out, DKIM_FAIL, "signature length does not match the key");
		return;
	}
	v = crypto_verify(k->crypto, hash, c->sig.b);
	switch (v) {
	case CRYPTO_GOOD:
		decide_text(out, DKIM_PASS, a, "%u-bit %s key%s", k->bits,
		    k->type == KEY_RSA ? "RSA" : "Ed25519",
		    k->testing ? ", domain is testing DKIM" : "");
		return;
	case CRYPTO_BAD:
		decide(out, DKIM_FAIL, "signature did not verify");
		return;
	case CRYPTO_FAULT:
		decide(out, DKIM_TEMPERROR,
		    "OpenSSL could not check the signature");
		return;
	}
}

/* RFC 6376 sections 6.1.1 and 8.2: a partly unsigned body does not pass. */
static void
judge_tail(const struct sigcheck *c, const struct body_hashes *body_hashes,
    struct arena *a, struct sigcheck_result *out)
{
	uint64_t length = body_hashes_length(body_hashes, c->body);

	if (out->code != DKIM_PASS || c->sig.limit >= length || c->body < 0)
		return;
	decide_text(out, DKIM_POLICY, a,
	    "l= leaves %llu bytes of the body unsigned",
	    (unsigned long long)(length - c->sig.limit));
}

/* RFC 6376 section 6.1.2 step 4: a verifier may choose among several keys. */
void
sigcheck_verify(const struct sigcheck *c, const struct sigcheck_rules *r,
    const struct body_hashes *body_hashes, sigcheck_hash *hash, void *of,
    struct arena *a, struct sigcheck_result *out)
{
	const struct key *fit[KEYS_TRIED_MAX];
	uint8_t data[CRYPTO_HASH_SIZE];
	bool over_body = c->sig.bh.p != NULL;
	size_t n = 0;

	*out = (struct sigcheck_result){ .code = DKIM_NONE };
	if (decide_no_answer(c, out, a))
		return;
	decide(out, DKIM_PERMERROR, "no key for the signature");
	for (size_t i = 0; i < c->keys->n && n < KEYS_TRIED_MAX; i++) {
		struct sigcheck_result one = *out;

		if (sigcheck_key_fits(c, &c->keys->keys[i], r, a, &one))
			fit[n++] = &c->keys->keys[i];
		else if (says_more(&one, out))
			*out = one;
	}
	if (n == 0)
		return;
	out->key = fit[0];
	if (over_body && !body_matches(c, body_hashes, a, out)) {
		if (out->code == DKIM_FAIL)
			out->auth_failure = DKIM_FLAW_BODY;
		return;
	}
	if (!hash(of, data)) {
		decide(out, DKIM_TEMPERROR, "the header could not be hashed");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		try_key(c, fit[i], data, a, out);
		if (out->code != DKIM_FAIL)
			break;
	}
	if (over_body)
		judge_tail(c, body_hashes, a, out);
}

bool
sigcheck_is_cut_short(const struct sigcheck *c, enum dkim_code code)
{
	const struct dns_answer *answer = c->answer;

	if (code != DKIM_TEMPERROR)
		return false;
	return answer == NULL || answer->state == DNS_FOUND ||
	    dns_error_is_ours(answer->fault);
}
