#include "dkim/arc.h"

#include "dkim/sigcheck.h"
#include "dkim/header_hash.h"
#include "dkim/signature.h"
#include "lib/buf.h"
#include "lib/enum_names.h"

/* the three fields of a set, in sealing order (RFC 8617 section 5.1.1) */
enum arc_part { PART_AAR, PART_AMS, PART_SEAL, PARTS };

static const char *const part_names[PARTS] = {
	[PART_AAR] = "ARC-Authentication-Results",
	[PART_AMS] = "ARC-Message-Signature",
	[PART_SEAL] = "ARC-Seal",
};

struct arc_set {
	bool has[PARTS];
	size_t field[PARTS];
	struct span results; /* the AAR's value without "i=N;" */
	struct sigcheck ams, seal;
	bool is_ams_dead; /* the AMS fails regardless of its key */
	struct sigcheck_result ams_early;
	uint8_t hash[CRYPTO_HASH_SIZE]; /* hash of the seal's input */
};

struct arc {
	struct arena *a;
	struct sigcheck_rules rules;
	const struct mail_header *h;
	struct body_hashes *body_hashes;
	struct header_index *index;
	struct arc_set *sets; /* sets[0] is instance 1; room for all 50 */
	unsigned n;           /* the highest instance */
	int relaxed_body;     /* see retries_relaxed() */
	size_t n_from;        /* From fields */
	bool decided;
	bool hashed; /* `hash` was computed for all sets */
	struct arc_result result;
};

static const struct enum_token codes[] = {
	{ "none", ARC_NONE },
	{ "pass", ARC_PASS },
	{ "fail", ARC_FAIL },
	{ "temperror", ARC_TEMPERROR },
};

const char *
arc_code_name(enum arc_code code)
{
	return enum_name(codes, ARRAY_SIZE(codes), (int)code);
}

/* ---- verdicts ---- */

static void
decide(struct arc *c, enum arc_code code, const char *reason)
{
	c->decided = true;
	c->result.code = code;
	c->result.reason = span_str(reason);
}

/* Sets the result, with a reason such as "ARC-Seal 2: signature did not
 * verify".  If `instance` is 0, the reason has no number. */
static void
decide_at(struct arc *c, enum arc_code code, enum arc_part part,
    unsigned instance, struct span reason)
{
	struct buf text = buf_alloc(c->a, SIGCHECK_REASON_MAX);

	buf_text(&text, part_names[part]);
	if (instance > 0) {
		buf_byte(&text, ' ');
		buf_number(&text, instance);
	}
	buf_text(&text, ": ");
	buf_span(&text, reason);
	c->decided = true;
	c->result.code = code;
	c->result.reason = buf_view(&text);
}

/* ---- the sets ---- */

static bool
part_of(struct span name, enum arc_part *part)
{
	for (size_t i = 0; i < PARTS; i++) {
		if (span_is_nocase(name, part_names[i])) {
			*part = (enum arc_part)i;
			return true;
		}
	}
	return false;
}

/* Parses one field into `*out`.  Sets `*instance` (0 if it is missing) and, if
 * the tags are invalid, `*fault`.  Returns false if memory ran out. */
static bool
read_part(struct arc *c, enum arc_part part, size_t field, struct arc_set *out,
    unsigned *instance, const char **fault)
{
	struct span value = c->h->fields[field].value;

	switch (part) {
	case PART_AAR:
		*instance = signature_instance(&value);
		out->results = span_trim(value);
		return true;
	case PART_AMS:
		out->ams.field = field;
		if (!signature_read(value, SIGNATURE_AMS, c->a, &out->ams.sig))
			return false;
		*instance = out->ams.sig.instance;
		*fault = out->ams.sig.fault;
		return true;
	case PART_SEAL:
		out->seal.field = field;
		if (!signature_read(
			value, SIGNATURE_SEAL, c->a, &out->seal.sig))
			return false;
		*instance = out->seal.sig.instance;
		*fault = out->seal.sig.fault;
		return true;
	case PARTS:
		break;
	}
	return false;
}

/* Adds a field to its set, which may decide the result.  Returns false if
 * memory ran out. */
static bool
add_part(struct arc *c, enum arc_part part, size_t field)
{
	struct arc_set one = { .results = SPAN_NONE };
	const char *fault =
	    "i= is not from 1 to 50"; /* RFC 8617 section 4.2.1 */
	unsigned instance = 0;
	struct arc_set *set;

	if (!read_part(c, part, field, &one, &instance, &fault))
		return false;
	if (instance == 0) {
		decide_at(c, ARC_FAIL, part, 0, span_str(fault));
		return true;
	}
	if (instance > c->n)
		c->n = instance;
	set = &c->sets[instance - 1];
	if (set->has[part]) { /* RFC 8617 section 5.2 step 3A */
		decide_at(c, ARC_FAIL, part, instance, SPAN("occurs twice"));
		return true;
	}
	set->has[part] = true;
	set->field[part] = field;
	if (part == PART_AAR)
		set->results = one.results;
	else if (part == PART_AMS)
		set->ams = one.ams;
	else
		set->seal = one.seal;
	return true;
}

/* RFC 8617 section 5.2 step 1.  Returns false if memory ran out. */
static bool
collect(struct arc *c)
{
	enum arc_part part;
	size_t n = 0;

	for (size_t i = 0; i < c->h->n; i++)
		n += part_of(c->h->fields[i].name, &part);
	if (n == 0) {
		decide(c, ARC_NONE, "no ARC set");
		return true;
	}
	if (n > (size_t)PARTS * ARC_INSTANCES_MAX) {
		decide(c, ARC_FAIL, "more than 50 ARC sets");
		return true;
	}
	c->sets = arena_array(c->a, ARC_INSTANCES_MAX, sizeof(*c->sets));
	if (c->sets == NULL)
		return false;
	for (size_t i = 0; i < c->h->n && !c->decided; i++)
		if (part_of(c->h->fields[i].name, &part) &&
		    !add_part(c, part, i))
			return false;
	return true;
}

/* RFC 8617 section 5.2 steps 2 and 3 */
static void
judge_structure(struct arc *c)
{
	const struct arc_set *newest = &c->sets[c->n - 1];

	if (newest->has[PART_SEAL] && newest->seal.sig.fault == NULL &&
	    newest->seal.sig.chain == CHAIN_FAIL) {
		decide_at(c, ARC_FAIL, PART_SEAL, c->n, SPAN("says cv=fail"));
		return;
	}
	for (unsigned i = 1; i <= c->n && !c->decided; i++) {
		const struct arc_set *set = &c->sets[i - 1];
		const struct signature *seal = &set->seal.sig;

		for (enum arc_part p = PART_AAR; p < PARTS; p++)
			if (!set->has[p] && !c->decided)
				decide_at(
				    c, ARC_FAIL, p, i, SPAN("is missing"));
		if (c->decided)
			return;
		if (seal->fault != NULL)
			decide_at(
			    c, ARC_FAIL, PART_SEAL, i, span_str(seal->fault));
		else if (seal->chain != (i == 1 ? CHAIN_NONE : CHAIN_PASS))
			decide_at(c, ARC_FAIL, PART_SEAL, i,
			    i == 1 ? SPAN("cv= is not none")
				   : SPAN("cv= is not pass"));
	}
}

/*
 * Whether an AMS that fails is verified again, with relaxed canonicalization.
 * RFC 6376 section 3.5: the default of c= is simple/simple; some sealers assume
 * relaxed, which seals always use.  The chain can pass without the older AMSs,
 * so they are not worth a second attempt.
 */
static bool
retries_relaxed(const struct arc *c, unsigned instance)
{
	return instance == c->n && !c->sets[instance - 1].ams.sig.has_canon;
}

/* Finds errors that can be detected without keys, and the keys to query.
 * Returns false if memory ran out. */
static bool
prepare(struct arc *c)
{
	for (unsigned i = c->n; i >= 1; i--) {
		struct arc_set *set = &c->sets[i - 1];
		struct sigcheck_result early;

		if (sigcheck_early(&set->seal, &c->rules, &early)) {
			decide_at(c, ARC_FAIL, PART_SEAL, i, early.reason);
			return true;
		}
		set->is_ams_dead =
		    sigcheck_early(&set->ams, &c->rules, &set->ams_early);
		if (i == c->n && set->is_ams_dead) {
			decide_at(
			    c, ARC_FAIL, PART_AMS, i, set->ams_early.reason);
			return true;
		}
	}
	for (unsigned i = c->n; i >= 1; i--) {
		struct arc_set *set = &c->sets[i - 1];

		if (!sigcheck_begin(&set->seal, c->a, NULL))
			return false;
		if (set->is_ams_dead)
			continue;
		if (!sigcheck_begin(&set->ams, c->a, c->body_hashes))
			return false;
		if (retries_relaxed(c, i))
			c->relaxed_body = body_hashes_request(
			    c->body_hashes, CANON_RELAXED, set->ams.sig.limit);
	}
	c->n_from = mail_header_count(c->h, "From");
	c->index = header_index_new(c->a, c->h);
	return c->index != NULL;
}

/* Lists the sealers, even if the chain fails.  Returns false if memory ran
 * out. */
static bool
list_sealers(struct arc *c)
{
	struct arc_sealer *list = arena_array(c->a, c->n, sizeof(*list));

	if (list == NULL)
		return false;
	c->result.sealers = list;
	c->result.instances = c->n;
	for (unsigned i = 1; i <= c->n; i++) {
		const struct arc_set *set = &c->sets[i - 1];

		if (!set->has[PART_SEAL] || set->seal.sig.domain.p == NULL)
			continue;
		list[c->result.n_sealers++] = (struct arc_sealer){
			.instance = i,
			.domain = set->seal.sig.domain,
			.selector = set->seal.sig.selector,
			.results = set->results,
		};
	}
	return true;
}

/* ---- the stages ---- */

struct arc *
arc_begin(struct arena *a, const struct dkim_options *o,
    const struct mail_header *h, struct body_hashes *body_hashes, int64_t now)
{
	struct arc *c = arena_alloc(a, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->a = a;
	c->rules = sigcheck_rules_of(o, now);
	c->h = h;
	c->body_hashes = body_hashes;
	if (!collect(c))
		return NULL;
	if (c->n > 0 && !list_sealers(c))
		return NULL;
	if (!c->decided && (h->cut || h->nul))
		decide(c, ARC_FAIL, "the header cannot be verified");
	if (!c->decided)
		judge_structure(c);
	if (!c->decided && !prepare(c))
		return NULL;
	return arena_has_failed(a) ? NULL : c;
}

enum core_status
arc_keys(struct arc *c, struct dns_questions *questions, struct arena *scratch)
{
	enum core_status step = CORE_DONE;

	(void)scratch;
	if (c->decided)
		return CORE_DONE;
	/* Query the keys of the newest AMS and of the seals first: the chain
	 * can pass without the older AMSs. */
	if (sigcheck_ask(&c->sets[c->n - 1].ams, questions) == CORE_WAIT)
		step = CORE_WAIT;
	for (unsigned i = c->n; i >= 1; i--)
		if (sigcheck_ask(&c->sets[i - 1].seal, questions) == CORE_WAIT)
			step = CORE_WAIT;
	for (unsigned i = c->n - 1; i >= 1; i--) {
		struct arc_set *set = &c->sets[i - 1];

		if (!set->is_ams_dead &&
		    sigcheck_ask(&set->ams, questions) == CORE_WAIT)
			step = CORE_WAIT;
	}
	return step;
}

/* ---- hashes of the seals ---- */

static void
put_hash(void *to, struct span bytes)
{
	crypto_hash_add(to, bytes);
}

static void
put_field(struct arc *c, size_t field, struct crypto_hash *to)
{
	struct canon_sink sink = { put_hash, to };

	canon_field(CANON_RELAXED, c->h->fields[field].raw, SPAN_NONE, &sink);
	crypto_hash_add(to, SPAN("\r\n"));
}

/*
 * RFC 8617 section 5.1.1: a seal signs all sets before it, its own AAR and AMS,
 * and itself with an empty b=.  The input of one seal is a prefix of the input
 * of the next, so the header is hashed only once, not once for each seal.
 */
static bool
hash_seals(struct arc *c, struct crypto_hash *running, struct crypto_hash *copy)
{
	struct canon_sink sink = { put_hash, copy };
	bool good = true;

	for (unsigned i = 1; i <= c->n; i++) {
		struct arc_set *set = &c->sets[i - 1];

		put_field(c, set->field[PART_AAR], running);
		put_field(c, set->field[PART_AMS], running);
		crypto_hash_copy(copy, running);
		canon_field(CANON_RELAXED,
		    c->h->fields[set->field[PART_SEAL]].raw,
		    set->seal.sig.b_cut, &sink);
		good = good && crypto_hash_snapshot(copy, set->hash);
		put_field(c, set->field[PART_SEAL], running);
	}
	return good;
}

struct seal_hash_input {
	struct arc *c;
	const struct arc_set *set;
};

static bool
seal_hash(void *of, uint8_t out[CRYPTO_HASH_SIZE])
{
	const struct seal_hash_input *one = of;

	for (size_t i = 0; i < CRYPTO_HASH_SIZE; i++)
		out[i] = one->set->hash[i];
	return one->c->hashed;
}

static bool
ams_hash(void *of, uint8_t out[CRYPTO_HASH_SIZE])
{
	const struct seal_hash_input *one = of;

	return header_hash(
	    one->c->index, &one->set->ams.sig, one->set->field[PART_AMS], out);
}

/* ---- the verdict ---- */

/* If the seal does not pass, sets the result and returns false. */
static bool
seal_passes(struct arc *c, unsigned instance)
{
	struct seal_hash_input one = { c, &c->sets[instance - 1] };
	struct sigcheck_result r;

	sigcheck_verify(&one.set->seal, &c->rules, c->body_hashes, seal_hash,
	    &one, c->a, &r);
	if (r.code == DKIM_PASS)
		return true;
	/* RFC 8617 section 5.2.1: all failures, even DNS failures, are
	 * permanent; those that our own limits caused are not */
	decide_at(c,
	    sigcheck_is_cut_short(&one.set->seal, r.code) ? ARC_TEMPERROR
							  : ARC_FAIL,
	    PART_SEAL, instance, r.reason);
	return false;
}

static bool
ams_passes(struct arc *c, unsigned instance, struct sigcheck_result *r)
{
	struct arc_set *set = &c->sets[instance - 1];
	struct seal_hash_input one = { c, set };
	struct sigcheck_result again;

	if (set->is_ams_dead) {
		*r = set->ams_early;
		return false;
	}
	sigcheck_verify(
	    &set->ams, &c->rules, c->body_hashes, ams_hash, &one, c->a, r);
	if (r->code == DKIM_FAIL && retries_relaxed(c, instance)) {
		set->ams.sig.header = CANON_RELAXED;
		set->ams.sig.body = CANON_RELAXED;
		set->ams.body = c->relaxed_body;
		sigcheck_verify(&set->ams, &c->rules, c->body_hashes, ams_hash,
		    &one, c->a, &again);
		if (again.code == DKIM_PASS)
			*r = again;
	}
	/* RFC 6376 section 8.15 */
	if (r->code == DKIM_PASS && set->ams.sig.n_from < c->n_from) {
		r->code = DKIM_POLICY;
		r->reason = SPAN("not every From field is signed");
	}
	return r->code == DKIM_PASS;
}

/* RFC 8617 section 5.2 steps 4 to 7.  Seals are checked before the older AMSs,
 * which are irrelevant if a seal fails. */
static void
judge_signatures(struct arc *c)
{
	struct sigcheck_result r;

	if (!ams_passes(c, c->n, &r)) {
		decide_at(c,
		    sigcheck_is_cut_short(&c->sets[c->n - 1].ams, r.code)
			? ARC_TEMPERROR
			: ARC_FAIL,
		    PART_AMS, c->n, r.reason);
		return;
	}
	for (unsigned i = c->n; i >= 1; i--)
		if (!seal_passes(c, i))
			return;
	for (unsigned i = c->n - 1; i >= 1; i--) {
		if (!ams_passes(c, i, &r)) {
			/* RFC 8617 section 5.2 step 5A */
			c->result.oldest_pass = i + 1;
			break;
		}
	}
	decide(c, ARC_PASS, "the chain is intact");
}

void
arc_finish(struct arc *c, struct arc_result *out)
{
	struct crypto_hash *running, *copy;

	if (!c->decided) {
		running = crypto_hash_new();
		copy = crypto_hash_new();
		c->hashed = running != NULL && copy != NULL &&
		    hash_seals(c, running, copy);
		crypto_hash_free(copy);
		crypto_hash_free(running);
		judge_signatures(c);
	}
	*out = c->result;
}

void
arc_free(struct arc *c)
{
	if (c == NULL || c->sets == NULL)
		return;
	for (unsigned i = 0; i < c->n; i++) {
		sigcheck_free(&c->sets[i].ams);
		sigcheck_free(&c->sets[i].seal);
	}
}
