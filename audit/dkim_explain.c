#include "audit/dkim_explain.h"

#include <string.h>

#include "dkim/canon.h"
#include "dkim/sigcheck.h"
#include "dkim/header_hash.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/taglist.h"

/* ---- canonical bytes in memory ---- */

static void
count_bytes(void *to, struct span bytes)
{
	size_t *n = to;

	*n += bytes.n;
}

static void
copy_bytes(void *to, struct span bytes)
{
	buf_span(to, bytes);
}

/* Returns the field in relaxed canonical form, or an absent span if memory ran
 * out. */
static struct span
relaxed_field(struct arena *a, struct span raw)
{
	/* The result is at most one byte longer than `raw`: a colon is added if
	 * the field has none. */
	struct buf text = buf_alloc(a, raw.n + 2);
	struct canon_sink sink = { copy_bytes, &text };

	canon_field(CANON_RELAXED, raw, SPAN_NONE, &sink);
	return text.full ? SPAN_NONE : buf_view(&text);
}

static bool
copy_header(struct header_index *x, const struct sigcheck *c, struct arena *a,
    struct span *out)
{
	size_t n = 0;
	struct canon_sink count = { count_bytes, &n };
	struct buf text;
	struct canon_sink keep = { copy_bytes, &text };

	header_hash_put(x, &c->sig, c->field, &count);
	text = buf_alloc(a, n + 1);
	header_hash_put(x, &c->sig, c->field, &keep);
	*out = buf_view(&text);
	return !text.full;
}

/* ---- z= ---- */

/* Whether a field copied into z= has this name (RFC 6376 section 3.5). */
static bool
is_copy_of(struct span copy, struct span name)
{
	struct span own = span_first(copy, span_index(copy, ':'));

	return own.n < copy.n && span_equal_nocase(span_trim(own), name);
}

/*
 * Whether z= has copies of fields with this name, but none equals this field.
 * Ignores white space, because signers drop it when they write z=.
 */
static bool
is_changed(struct arena *a, struct span z, struct span name, struct span field)
{
	struct span now =
	    field.p != NULL ? relaxed_field(a, field) : SPAN("absent");
	bool has_copy = false;

	for (bool more = true; more;) {
		struct span part = span_first(z, span_index(z, '|'));
		struct span copy = signature_unquote(a, part);

		more = part.n < z.n;
		z = span_skip(z, part.n + 1);
		if (copy.p == NULL || !is_copy_of(copy, name))
			continue;
		has_copy = true;
		if (span_equal(relaxed_field(a, copy), now))
			return false;
	}
	return has_copy;
}

static bool
explain_names(const struct dkim *d, struct header_index *x,
    const struct sigcheck *c, struct arena *a, struct explain_signature *out)
{
	const struct mail_header *h = dkim_header_of(d);
	size_t n = c->sig.n_names;
	struct explain_name *names = arena_array(a, n, sizeof(*names));
	size_t *fields = arena_array(a, n, sizeof(*fields));
	struct tag tags[TAGLIST_MAX];
	struct span z = SPAN_NONE;
	const char *fault;
	size_t n_tags;

	if (names == NULL || fields == NULL)
		return false;
	if (taglist_read(h->fields[c->field].value, tags, &n_tags, &fault))
		taglist_find(tags, n_tags, "z", &z);
	header_hash_fields(x, &c->sig, c->field, fields);
	for (size_t i = 0; i < n; i++) {
		struct span field = SPAN_NONE;

		names[i].name = c->sig.names[i];
		names[i].field = EXPLAIN_NO_FIELD;
		if (fields[i] < h->n) {
			names[i].field = fields[i];
			field = h->fields[fields[i]].raw;
		}
		names[i].is_changed =
		    z.p != NULL && is_changed(a, z, names[i].name, field);
	}
	out->names = names;
	out->n_names = n;
	return !arena_has_failed(a);
}

bool
dkim_explain(const struct dkim *d, size_t index, struct arena *a,
    struct explain_signature *out)
{
	const struct body_hashes *body_hashes = dkim_body_hashes_of(d);
	struct header_index *x;
	const struct sigcheck *c = dkim_sigcheck_of(d, index, &x);

	*out = (struct explain_signature){ .sig = NULL };
	if (c == NULL)
		return false;
	out->sig = &c->sig;
	out->key_name = c->key_name;
	out->keys = c->keys;
	out->body_hash = body_hashes_get(body_hashes, c->body);
	out->body_length = body_hashes_length(body_hashes, c->body);
	out->signed_length =
	    out->body_length < c->sig.limit ? out->body_length : c->sig.limit;
	return copy_header(x, c, a, &out->header) &&
	    header_hash(x, &c->sig, c->field, out->header_hash) &&
	    explain_names(d, x, c, a, out);
}

/* ---- bodies ---- */

struct probe {
	struct crypto_hash *hash;
	const uint8_t *wanted;
	uint64_t limit;
	uint64_t length;
	size_t lines;
	bool failed;
	/* the longest prefix with the expected hash */
	bool found;
	uint64_t found_length;
	size_t found_lines;
};

static void
probe_compare(struct probe *p)
{
	uint8_t hash[CRYPTO_HASH_SIZE];

	if (!crypto_hash_snapshot(p->hash, hash)) {
		p->failed = true;
	} else if (memcmp(hash, p->wanted, sizeof(hash)) == 0) {
		p->found = true;
		p->found_length = p->length;
		p->found_lines = p->lines;
	}
}

/* Compares the body hash after each line and at the limit set by l=. */
static void
probe_put(void *to, struct span bytes)
{
	struct probe *p = to;

	while (bytes.n > 0) {
		size_t line = span_index(bytes, '\n') + 1;
		struct span part = span_first(bytes, line);

		if (p->limit > p->length && p->limit - p->length < part.n)
			part = span_first(part, (size_t)(p->limit - p->length));
		crypto_hash_add(p->hash, part);
		p->length += part.n;
		bytes = span_skip(bytes, part.n);
		p->lines += part.p[part.n - 1] == '\n';
		if (part.p[part.n - 1] == '\n' || p->length == p->limit)
			probe_compare(p);
	}
}

static bool
probe_body(struct probe *p, enum canon canon, const struct signature *sig,
    struct span body, struct canon_body *state)
{
	*p = (struct probe){ .limit = sig->limit,
		.wanted = (const uint8_t *)sig->bh.p };
	p->hash = crypto_hash_new();
	if (p->hash == NULL)
		return false;
	probe_compare(p);
	canon_body_begin(state, canon, (struct canon_sink){ probe_put, p });
	canon_body_add(state, body);
	canon_body_end(state);
	crypto_hash_free(p->hash);
	return !p->failed;
}

/* Whether the signed prefix is the whole body, or all of it that l= covers. */
static bool
is_whole(const struct probe *p)
{
	uint64_t end = p->length < p->limit ? p->length : p->limit;

	return p->found && p->found_length == end;
}

void
dkim_explain_body(
    const struct signature *sig, struct span body, struct explain_body *out)
{
	enum canon other =
	    sig->body == CANON_SIMPLE ? CANON_RELAXED : CANON_SIMPLE;
	struct canon_body state;
	struct probe p, q;

	*out = (struct explain_body){ .code = BODY_NO_MEMORY };
	if (!probe_body(&p, sig->body, sig, body, &state) ||
	    !probe_body(&q, other, sig, body, &state))
		return;
	out->code = BODY_UNKNOWN;
	out->length = p.length;
	out->lines = p.lines;
	if (is_whole(&p)) {
		out->code = BODY_SAME;
	} else if (is_whole(&q)) {
		out->code = BODY_OTHER;
		out->length = q.length;
	} else if (p.found) {
		out->code = BODY_APPENDED;
		out->length = p.found_length;
		out->lines = p.found_lines;
		out->appended = p.length - p.found_length;
	}
}

/* ---- keys ---- */

static void
advise(struct explain_record *r, const char *text)
{
	if (r->n_advice < EXPLAIN_ADVICE_MAX)
		r->advice[r->n_advice++] = text;
}

/* RFC 6376 sections 3.6.1 and 7.5 */
static bool
is_known_tag(struct span name)
{
	static const char *const known[] = { "v", "g", "h", "k", "n", "p", "s",
		"t" };

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (span_is(name, known[i]))
			return true;
	return false;
}

static void
advise_tags(struct explain_record *r, const struct tag *tags, size_t n)
{
	struct span value;
	bool unknown = false;

	if (!taglist_find(tags, n, "v", &value))
		advise(r,
		    "add v=DKIM1: some verifiers ignore a key record without "
		    "it");
	if (taglist_find(tags, n, "g", &value))
		advise(r, "remove g=: it is obsolete and has no effect");
	if (taglist_find(tags, n, "s", &value) && !span_is(value, "*"))
		advise(r, "s= limits the services that may use the key");
	for (size_t i = 0; i < n; i++)
		unknown = unknown || !is_known_tag(tags[i].name);
	if (unknown)
		advise(r, "an unknown tag is ignored");
}

static void
advise_key(struct explain_record *r)
{
	const struct key *k = &r->key;

	/* RFC 8301 section 3.2 */
	if (k->type == KEY_RSA && k->bits >= 1024 && k->bits < 2048)
		advise(r, "use an RSA key of 2048 bits (RFC 8301)");
	if (k->type == KEY_RSA && k->bits > 4096)
		advise(r,
		    "some verifiers do not support RSA keys over 4096 bits "
		    "(RFC 8301)");
	if (k->is_bare)
		advise(r,
		    "p= is a bare RSAPublicKey; most software expects a "
		    "SubjectPublicKeyInfo");
	if (k->type == KEY_ED25519 && k->fault == NULL)
		advise(r,
		    "sign with RSA as well: some verifiers do not support "
		    "Ed25519 (RFC 8463 section 6)");
	if (k->testing)
		advise(r, "t=y: the domain says that it is only testing");
}

static void
explain_record(struct explain_record *r, const struct dns_record *from)
{
	struct tag tags[TAGLIST_MAX];
	const char *fault;
	size_t n;

	*r = (struct explain_record){ .text = from->text,
		.strings = from->strings };
	key_read(from->text, &r->key);
	if (taglist_read(from->text, tags, &n, &fault) && !r->key.is_foreign)
		advise_tags(r, tags, n);
	advise_key(r);
}

/* Determines the result that a signature with this key would get. */
static bool
check_key_record(const struct explain_record *r, struct span domain,
    const struct sigcheck_rules *rules, struct arena *a,
    struct sigcheck_result *out)
{
	struct sigcheck c = { .body = -1 };

	c.sig.algorithm = r->key.type == KEY_RSA ? SIGNATURE_RSA_SHA256
						 : SIGNATURE_ED25519_SHA256;
	c.sig.domain = domain;
	c.sig.identity_domain = domain;
	*out = (struct sigcheck_result){ .code = DKIM_NONE };
	return sigcheck_key_fits(&c, &r->key, rules, a, out);
}

/* Adds a record.  As in verification, key records have precedence over others.
 * Returns false if a key record found no room. */
static bool
keep_record(struct explain_key *out, const struct explain_record *r)
{
	if (out->n_records < EXPLAIN_RECORDS_MAX) {
		out->records[out->n_records++] = *r;
		return true;
	}
	for (size_t i = 0; i < out->n_records && !r->key.is_foreign; i++) {
		if (out->records[i].key.is_foreign) {
			out->records[i] = *r;
			return true;
		}
	}
	return r->key.is_foreign;
}

static void
check_key_answer(const struct dns_answer *answer, struct span domain,
    const struct sigcheck_rules *rules, struct arena *a,
    struct explain_key *out)
{
	struct sigcheck_result result;
	bool has_key = false;

	out->verdict = SPAN("no key record");
	for (size_t i = 0; i < answer->n_records; i++) {
		struct explain_record r;
		bool fits;

		explain_record(&r, &answer->records[i]);
		/* RFC 6376 section 3.6.2.2 */
		if (answer->n_records > 1)
			advise(
			    &r, "publish only one TXT record for a selector");
		fits = check_key_record(&r, domain, rules, a, &result);
		key_release(&r.key);
		if (!keep_record(out, &r))
			break;
		if (fits)
			out->verdict = SPAN("a good key");
		else if (!out->is_good && !has_key)
			out->verdict = result.reason;
		out->is_good = out->is_good || fits;
		has_key = has_key || !r.key.is_foreign;
	}
}

enum core_status
dkim_explain_key(struct span selector, struct span domain,
    const struct dkim_options *o, struct dns_questions *questions,
    struct arena *a, struct explain_key *out)
{
	struct sigcheck_rules rules = sigcheck_rules_of(o, 0);
	struct sigcheck c = { .body = -1 };
	const struct dns_answer *answer;

	*out = (struct explain_key){ .state = DNS_BADNAME };
	c.sig.selector = domain_normal(a, selector);
	c.sig.domain = domain_normal(a, domain);
	if (!domain_is_hostname(c.sig.selector) ||
	    !domain_is_hostname(c.sig.domain)) {
		out->verdict =
		    SPAN("selector or domain is not a valid domain name");
		return CORE_DONE;
	}
	if (!sigcheck_begin(&c, a, NULL)) {
		out->verdict = SPAN("out of memory");
		return CORE_DONE;
	}
	out->name = c.key_name;
	answer = dns_ask(questions, c.key_name, DNS_TXT);
	if (answer->state == DNS_PENDING)
		return CORE_WAIT;
	out->state = answer->state;
	out->fault = answer->fault;
	out->alias = answer->alias;
	out->n_all = answer->n_records;
	out->verdict = SPAN("the DNS query failed");
	if (answer->state == DNS_FOUND)
		check_key_answer(answer, c.sig.domain, &rules, a, out);
	else if (answer->state != DNS_FAILED)
		out->verdict = SPAN("no key record");
	return CORE_DONE;
}
