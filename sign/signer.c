#include "sign/signer.h"

#include <stdlib.h>

#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/authres.h"
#include "mail/list.h"
#include "sign/author_rule.h"
#include "sign/flaws.h"
#include "sign/own_signatures.h"
#include "verify/own_fields.h"

struct signer {
	const struct conf *conf;
	struct sign_keys *keys;
	const struct senders *senders;
	bool all_ours;
	struct span authserv_id;
	struct arena *arena;
	struct mail_header header;
	struct header_index *index;
	struct signature_names names;
	struct body_hashes *body_hashes;
	int body; /* handle of the body hash for our signatures */
	struct own_signatures *own;
	struct flaws flaws;
	struct span list; /* domain of the list, if outcome.by_list */
	bool headers_ended;
	struct signer_outcome outcome;
};

static const struct enum_token reasons[] = {
	{ "none", SIGNER_NO_REASON },
	{ "no_key", SIGNER_NO_KEY },
	{ "not_own", SIGNER_NOT_OWN },
	{ "author_mismatch", SIGNER_AUTHOR_MISMATCH },
	{ "no_author", SIGNER_NO_AUTHOR },
	{ "several_authors", SIGNER_SEVERAL_AUTHORS },
	{ "key_unpublished", SIGNER_KEY_UNPUBLISHED },
	{ "header_too_large", SIGNER_HEADER_TOO_LARGE },
};

const char *
signer_reason_name(enum signer_reason reason)
{
	return enum_name(reasons, ARRAY_SIZE(reasons), (int)reason);
}

static struct span
without_brackets(struct span sender)
{
	sender = span_trim(sender);
	if (sender.n >= 2 && sender.p[0] == '<' &&
	    sender.p[sender.n - 1] == '>')
		sender = span_first(span_skip(sender, 1), sender.n - 2);
	return sender;
}

struct signer *
signer_begin(const struct conf *conf, struct sign_keys *keys,
    const struct senders *senders, const struct signer_envelope *e)
{
	struct signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->arena = arena_new(SIGNER_MEMORY);
	if (s->arena == NULL) {
		free(s);
		return NULL;
	}
	s->conf = conf;
	s->keys = keys;
	s->senders = senders;
	s->all_ours = e->all_ours;
	s->authserv_id = e->authserv_id;
	s->body = -1;
	s->outcome.sender = arena_copy(s->arena, without_brackets(e->sender));
	if (e->login.n > 0)
		s->outcome.login = arena_copy(s->arena, e->login);
	return s;
}

void
signer_header(struct signer *s, struct span name, struct span value)
{
	/* If a field does not fit, s->header records that. */
	if (!s->headers_ended)
		(void)mail_header_add(&s->header, s->arena, name, value);
}

/* ---- mail from other hosts that a local program sends on ---- */

/* Whether one of the domains is the other or below it. */
static bool
is_related(struct span a, struct span b)
{
	return domain_is_under(a, b) || domain_is_under(b, a);
}

/* Finds the next field with our results, from field `at` on.  There is one for
 * each filter that checks arriving mail under our name; avouch removes those
 * that the sender wrote. */
static bool
own_results_next(struct signer *s, size_t *at, struct scan *out)
{
	const struct mail_header *h = &s->header;
	struct span id;

	for (;;) {
		*at =
		    mail_header_find(h, own_field_name(OWN_FIELD_AUTHRES), *at);
		if (*at == h->n)
			return false;
		*out = scan_of(h->fields[(*at)++].value);
		if (authres_open(out, s->arena, &id) &&
		    span_equal_nocase(id, s->authserv_id))
			return true;
	}
}

static bool
is_result(
    const struct authres_result *r, const char *method, const char *result)
{
	return span_is_nocase(r->method, method) &&
	    span_is_nocase(r->result, result);
}

static struct span
domain_of_result(const struct signer *s, const struct authres_result *r,
    const char *ptype, const char *property)
{
	struct span value = authres_property(r, s->arena, ptype, property);
	size_t at = span_rindex(value, '@');

	return at < value.n ? span_skip(value, at + 1) : value;
}

static bool
authenticates_author(const struct signer *s, const struct authres_result *r)
{
	static const struct {
		const char *method, *ptype, *property;
	} domains[] = {
		{ "spf", "smtp", "mailfrom" },
		{ "spf", "smtp", "helo" },
		{ "dkim", "header", "d" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(domains); i++)
		if (is_result(r, domains[i].method, "pass") &&
		    is_related(domain_of_result(
				   s, r, domains[i].ptype, domains[i].property),
			s->outcome.author_domain))
			return true;
	return false;
}

struct signer_arrival {
	bool is_own; /* from a login, with DMARC pass, or From was changed */
	bool failed; /* DMARC */
	bool checked, passed; /* SPF or DKIM */
};

static void
arrival_add(struct signer_arrival *v, const struct signer *s,
    const struct authres_result *r)
{
	bool is_dmarc = span_is_nocase(r->method, "dmarc");
	struct span from = is_dmarc
	    ? authres_property(r, s->arena, "header", "from")
	    : SPAN_NONE;

	v->is_own = v->is_own || is_result(r, "auth", "pass") ||
	    is_result(r, "dmarc", "pass") ||
	    (domain_labels(from) > 1 && /* MTAs complete other names */
		!domain_equal(from, s->outcome.author_domain));
	v->failed |= is_result(r, "dmarc", "fail");
	v->checked |= is_dmarc || span_is_nocase(r->method, "spf");
	v->passed |= authenticates_author(s, r);
}

/*
 * Whether the message came from another host that did not prove to act for the
 * author's domain, so that From may be forged.  A Sieve redirect or a list
 * manager sends such mail on without a login, with our results in its header.
 *
 * Without a DMARC record or with a DNS error, dmarc is "none" or "temperror",
 * although SPF or DKIM may have passed.  Our own users' mail has auth=pass, and
 * mail of skip_networks was not checked.
 */
static bool
is_unauthenticated(struct signer *s)
{
	struct signer_arrival v = { .is_own = s->outcome.login.n > 0 };
	struct authres_result r;
	struct scan results;
	size_t at = 0;

	while (!v.is_own && own_results_next(s, &at, &results))
		while (authres_next(&results, s->arena, &r) == AUTHRES_ONE)
			arrival_add(&v, s, &r);
	return !v.is_own && (v.failed || (v.checked && !v.passed));
}

/* ---- at the end of the header ---- */

/* Finds the keys of the domain, or of its nearest parent that has keys. */
static enum sign_keys_result
keys_at_or_above(struct signer *s, struct span domain)
{
	struct signer_outcome *o = &s->outcome;
	enum sign_keys_result best = SIGN_KEYS_NONE, one;

	for (; s->keys != NULL && domain.n > 0;
	     domain = domain_parent(domain)) {
		one = sign_keys_of(s->keys, domain, o->keys, &o->n_keys);
		if (one == SIGN_KEYS_FOUND) {
			o->domain = domain;
			return one;
		}
		if (one == SIGN_KEYS_UNPUBLISHED)
			best = one;
	}
	o->n_keys = 0;
	return best;
}

/* Finds the keys of the list's domain.  If `forgeable`, the signature must not
 * be aligned with the author's domain. */
static bool
keys_of_list(struct signer *s, bool forgeable)
{
	struct signer_outcome *o = &s->outcome;
	struct mail_list_claim claims[MAIL_LIST_CLAIMS_MAX];
	size_t n = s->conf->sign.lists
	    ? mail_list_claims(&s->header, s->arena, claims)
	    : 0;

	for (size_t i = 0; i < n; i++)
		if (keys_at_or_above(s, claims[i].domain) == SIGN_KEYS_FOUND &&
		    !(forgeable && is_related(o->domain, o->author_domain))) {
			o->by_list = true;
			s->list = claims[i].domain;
			return true;
		}
	o->n_keys = 0;
	return false;
}

/* Whether the message seems to come from another host: there is no login, but
 * there is a Received or DKIM-Signature field. */
static bool
is_forwarded(const struct signer *s)
{
	return s->outcome.login.n == 0 &&
	    (header_index_count(s->index, SPAN("Received")) > 0 ||
		header_index_count(s->index, SPAN(SIGNATURE_FIELD_NAME)) > 0);
}

static enum signer_reason
choose_keys(struct signer *s)
{
	bool forgeable = is_unauthenticated(s);

	switch (keys_at_or_above(s, s->outcome.author_domain)) {
	case SIGN_KEYS_FOUND:
		return forgeable ? SIGNER_NOT_OWN : SIGNER_NO_REASON;
	case SIGN_KEYS_UNPUBLISHED:
		return SIGNER_KEY_UNPUBLISHED;
	case SIGN_KEYS_NONE:
		break;
	}
	if (keys_of_list(s, forgeable))
		return SIGNER_NO_REASON;
	return forgeable || is_forwarded(s) ? SIGNER_NOT_OWN : SIGNER_NO_KEY;
}

/* Finds the author domain.  There must be exactly one, however From is parsed.
 */
static enum signer_reason
choose_author(struct signer *s)
{
	struct mail_from from;

	if (s->header.cut || s->header.nul)
		return SIGNER_HEADER_TOO_LARGE;
	mail_from_read(&s->header, s->arena, &from);
	s->outcome.from = from.first;
	if (from.n_fields > 1 || from.n_domains > 1)
		return SIGNER_SEVERAL_AUTHORS;
	if (from.state == MAIL_FROM_INVALID || from.n_domains == 0)
		return SIGNER_NO_AUTHOR;
	s->outcome.author_domain = from.domains[0];
	return SIGNER_NO_REASON;
}

/* Call this only after keys were found: it rejects mail that would otherwise be
 * signed. */
static enum signer_reason
check_author(struct signer *s)
{
	const struct author_rule rule = {
		.rule = s->conf->sign.author,
		.senders = s->senders,
		.login = s->outcome.login,
		.sender = s->outcome.sender,
	};

	if (s->outcome.by_list
		? author_rule_allows_list(&rule, s->list, s->arena)
		: author_rule_allows(&rule, &s->header, s->arena))
		return SIGNER_NO_REASON;
	s->outcome.author_mismatch = true;
	return rule.rule == CONF_AUTHOR_ANY ? SIGNER_NO_REASON
					    : SIGNER_AUTHOR_MISMATCH;
}

static bool
prepare(struct signer *s)
{
	s->body_hashes = body_hashes_new(s->arena);
	if (s->body_hashes == NULL ||
	    !signature_names_choose(s->index, s->conf->sign.oversign,
		s->conf->sign.omit, s->arena, &s->names))
		return false;
	s->body =
	    body_hashes_request(s->body_hashes, CANON_RELAXED, BODY_WHOLE);
	s->own = own_signatures_find(s->arena, &s->header, s->outcome.keys,
	    s->outcome.n_keys, s->body_hashes);
	return s->body >= 0 && s->own != NULL;
}

void
signer_headers_end(struct signer *s)
{
	struct signer_outcome *o = &s->outcome;

	if (s->headers_ended)
		return;
	s->headers_ended = true;
	s->index = header_index_new(s->arena, &s->header);
	o->result = SIGNER_FAILED;
	if (s->index == NULL)
		return;
	o->reason = choose_author(s);
	if (o->reason == SIGNER_NO_REASON)
		o->reason = choose_keys(s);
	if (o->reason == SIGNER_NO_REASON)
		o->reason = check_author(s);
	if (arena_has_failed(s->arena))
		return;
	if (o->reason == SIGNER_NO_REASON) {
		if (prepare(s))
			o->result = SIGNER_SIGNED; /* unless signing fails */
		if (s->conf->sign.guard != CONF_GUARD_OFF)
			flaws_in_header(&s->flaws, &s->header, s->index);
		return;
	}
	o->result = o->reason == SIGNER_AUTHOR_MISMATCH &&
		s->conf->sign.on_author_mismatch == CONF_REJECT
	    ? SIGNER_REFUSED
	    : SIGNER_UNSIGNED;
}

bool
signer_body(struct signer *s, struct span chunk)
{
	signer_headers_end(s);
	if (s->outcome.result != SIGNER_SIGNED)
		return false;
	if (s->conf->sign.guard != CONF_GUARD_OFF)
		flaws_in_body(&s->flaws, chunk);
	body_hashes_add(s->body_hashes, chunk);
	return true;
}

/* ---- at the end of the message ---- */

static bool
add_signature(struct signer *s, struct sign_key *key, const uint8_t *body_hash,
    int64_t now)
{
	struct signer_outcome *o = &s->outcome;
	struct signature_request r = {
		.index = s->index,
		.names = &s->names,
		.domain = span_str(key->domain),
		.selector = span_str(key->selector),
		.key = private_key_crypto(key->key),
		.now = now,
		.expire = s->conf->sign.expire,
	};
	struct span value;

	for (size_t i = 0; i < CRYPTO_HASH_SIZE; i++)
		r.body_hash[i] = body_hash[i];
	value = signature_field_make(&r, s->arena);
	if (value.p == NULL)
		return false;
	o->add[o->n_add++] = value;
	sign_key_used(key, now);
	return true;
}

static int
compare_numbers(const void *left, const void *right)
{
	const uint32_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static bool
sign(struct signer *s, int64_t now)
{
	struct signer_outcome *o = &s->outcome;
	const uint8_t *hash;

	body_hashes_end(s->body_hashes);
	hash = body_hashes_get(s->body_hashes, s->body);
	if (hash == NULL)
		return false;
	for (size_t i = 0; i < o->n_keys; i++)
		if (!own_signatures_judge(
			s->own, s->index, s->body_hashes, o->keys[i], now, o) &&
		    !add_signature(s, o->keys[i], hash, now))
			return false;
	if (o->n_remove > 0)
		qsort(o->remove, o->n_remove, sizeof(*o->remove),
		    compare_numbers);
	if (o->n_add == 0)
		o->result = SIGNER_KEPT;
	return true;
}

const struct signer_outcome *
signer_finish(struct signer *s, int64_t now)
{
	struct signer_outcome *o = &s->outcome;

	signer_headers_end(s);
	if (o->result == SIGNER_SIGNED && !sign(s, now)) {
		o->result = SIGNER_FAILED;
		o->n_add = o->n_remove = 0;
	}
	o->flaws = s->flaws.found;
	o->duplicate = s->flaws.duplicate;
	return o;
}

void
signer_end(struct signer *s)
{
	if (s == NULL)
		return;
	own_signatures_free(s->own);
	body_hashes_free(s->body_hashes);
	arena_free(s->arena);
	free(s);
}
