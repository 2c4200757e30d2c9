#include "sign/own_signatures.h"

#include "dkim/sigcheck.h"
#include "lib/domain.h"

/* minimum key size: RFC 8301 section 3.2 */
static const struct dkim_options check_options = {
	.min_rsa_bits = PRIVATE_KEY_BITS_MIN,
};

/* sigcheck_verify() needs a DNS answer in addition to the keys. */
static const struct dns_answer published = { .state = DNS_FOUND };

struct own_signature {
	const struct sign_key *key;
	uint32_t
	    nth; /* position among the DKIM-Signature fields, counted from 1 */
	struct sigcheck check;
};

struct own_signatures {
	struct arena *a;
	struct key_list *
	    lists[SIGN_KEYS_PER_DOMAIN]; /* public keys; NULL: not needed yet */
	size_t n_lists;
	size_t n;
	struct own_signature found[SIGNER_OWN_MAX];
};

/* Returns the public half of `key`, parsed from its record. */
static struct key_list *
public_key(struct own_signatures *o, const struct sign_key *key)
{
	struct buf record = buf_alloc(o->a, PRIVATE_KEY_RECORD_MAX);
	struct key_list *l = arena_alloc(o->a, sizeof(*l));

	private_key_put_record(key->key, &record);
	if (l == NULL || record.full || o->n_lists == SIGN_KEYS_PER_DOMAIN)
		return NULL;
	key_read(buf_view(&record), &l->keys[0]);
	l->n = 1;
	o->lists[o->n_lists++] = l;
	return l;
}

/* Returns the key in `keys` that this field names, or NULL if there is none. */
static const struct sign_key *
key_of_field(const struct mail_field *f, struct sign_key *const *keys, size_t n)
{
	struct signature_peek tags;

	signature_peek(f->value, &tags);
	for (size_t i = 0; i < n; i++)
		if (domain_equal(tags.domain, span_str(keys[i]->domain)) &&
		    domain_equal(tags.selector, span_str(keys[i]->selector)))
			return keys[i];
	return NULL;
}

static const struct key_list *
list_of_key(struct own_signatures *o, const struct sign_key *key)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->found[i].key == key && o->found[i].check.keys != NULL)
			return o->found[i].check.keys;
	return public_key(o, key);
}

static bool
add_found(struct own_signatures *o, const struct mail_header *h, size_t field,
    uint32_t nth, const struct sign_key *key, struct body_hashes *body_hashes)
{
	struct own_signature *s = &o->found[o->n];

	s->key = key;
	s->nth = nth;
	s->check.field = field;
	s->check.answer = &published;
	s->check.keys = list_of_key(o, key);
	o->n++;
	return s->check.keys != NULL &&
	    signature_read(
		h->fields[field].value, SIGNATURE_DKIM, o->a, &s->check.sig) &&
	    sigcheck_begin(&s->check, o->a, body_hashes);
}

struct own_signatures *
own_signatures_find(struct arena *a, const struct mail_header *h,
    struct sign_key *const *keys, size_t n_keys,
    struct body_hashes *body_hashes)
{
	struct own_signatures *o = arena_alloc(a, sizeof(*o));
	uint32_t nth = 0;
	size_t i = 0;

	if (o == NULL)
		return NULL;
	o->a = a;
	while ((i = mail_header_find(h, SIGNATURE_FIELD_NAME, i)) < h->n &&
	    o->n < SIGNER_OWN_MAX) {
		const struct sign_key *key =
		    key_of_field(&h->fields[i], keys, n_keys);

		nth++;
		if (key != NULL && !add_found(o, h, i, nth, key, body_hashes)) {
			own_signatures_free(o);
			return NULL;
		}
		i++;
	}
	return o;
}

void
own_signatures_free(struct own_signatures *o)
{
	for (size_t i = 0; o != NULL && i < o->n_lists; i++)
		key_release(&o->lists[i]->keys[0]);
}

struct hash_of_field {
	struct header_index *index;
	const struct own_signature *signature;
};

static bool
hash_field(void *of, uint8_t out[CRYPTO_HASH_SIZE])
{
	const struct hash_of_field *f = of;

	return header_hash(
	    f->index, &f->signature->check.sig, f->signature->check.field, out);
}

static bool
is_valid(struct own_signatures *o, const struct own_signature *s,
    struct header_index *x, const struct body_hashes *body_hashes, int64_t now)
{
	struct sigcheck_rules rules = sigcheck_rules_of(&check_options, now);
	struct hash_of_field of = { x, s };
	struct sigcheck_result result;

	if (sigcheck_early(&s->check, &rules, &result))
		return false;
	sigcheck_verify(
	    &s->check, &rules, body_hashes, hash_field, &of, o->a, &result);
	return result.code == DKIM_PASS;
}

bool
own_signatures_judge(struct own_signatures *o, struct header_index *x,
    const struct body_hashes *body_hashes, const struct sign_key *key,
    int64_t now, struct signer_outcome *out)
{
	bool valid = false;

	for (size_t i = 0; i < o->n; i++) {
		const struct own_signature *s = &o->found[i];

		if (s->key != key)
			continue;
		if (!valid && is_valid(o, s, x, body_hashes, now))
			valid = true;
		else
			out->remove[out->n_remove++] = s->nth;
	}
	return valid;
}
