#include "dkim/dkim.h"

#include <stdlib.h>
#include <string.h>

#include "dkim/sigcheck.h"
#include "dkim/header_hash.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

_Static_assert((int)DKIM_READ_MAX <= (int)DKIM_LISTED_MAX,
    "every signature that is parsed is listed");

enum {
	B_MIN = 8,  /* minimum number of characters of b= to report (RFC 6008
	               section 4) */
	B_MAX = 64, /* signatures with the same first B_MAX characters of b=
	               count as equal */
};

/* The order in which signatures are verified: those useful to DMARC first. */
enum rank {
	RANK_AUTHOR,  /* d= is an author's domain */
	RANK_RELATED, /* d= is above or below an author's domain: probably
	                 aligned */
	RANK_SIBLING, /* the last two labels are equal: may be aligned */
	RANK_OTHER,
	RANKS,
};

struct candidate { /* one DKIM-Signature field */
	size_t field;
	enum rank rank;
	struct dkim_result *result; /* NULL: neither parsed nor listed */
	struct sigcheck *check;     /* NULL: not verified */
};

struct dkim {
	struct arena *a;
	struct sigcheck_rules rules;
	const struct mail_header *h;
	struct body_hashes *body_hashes;
	struct header_index *index;
	struct sigcheck *checks; /* the signatures to verify */
	size_t n_checks;
	struct dkim_result **to; /* result for each check */
	struct dkim_result *results;
	size_t n_results;
	size_t unlisted;
	size_t n_from; /* From fields */
};

static const struct enum_token codes[] = {
	{ "none", DKIM_NONE },
	{ "pass", DKIM_PASS },
	{ "fail", DKIM_FAIL },
	{ "policy", DKIM_POLICY },
	{ "neutral", DKIM_NEUTRAL },
	{ "temperror", DKIM_TEMPERROR },
	{ "permerror", DKIM_PERMERROR },
};

const char *
dkim_code_name(enum dkim_code code)
{
	return enum_name(codes, ARRAY_SIZE(codes), (int)code);
}

/* ---- choosing signatures to verify ---- */

static enum rank
rank_against(struct span domain, struct span author)
{
	if (domain_equal(domain, author))
		return RANK_AUTHOR;
	if (domain_is_under(domain, author) || domain_is_under(author, domain))
		return RANK_RELATED;
	return domain_equal(domain_suffix(domain, 2), domain_suffix(author, 2))
	    ? RANK_SIBLING
	    : RANK_OTHER;
}

static enum rank
rank_of(struct arena *a, struct span value, const struct span *authors,
    size_t n_authors)
{
	struct span domain = signature_domain(value);
	enum rank best = RANK_OTHER;

	if (!span_all(domain, ascii_is_ascii)) /* RFC 8616 section 5 */
		domain = domain_normal(a, domain);
	for (size_t i = 0; i < n_authors; i++) {
		enum rank rank = rank_against(domain, authors[i]);

		if (rank < best)
			best = rank;
	}
	return best;
}

/* Collects the fields that are signatures; returns NULL if memory ran out. */
static struct candidate *
collect(struct dkim *d, const struct span *authors, size_t n_authors, size_t *n)
{
	struct span name = SPAN("DKIM-Signature");
	size_t count = header_index_count(d->index, name);
	struct candidate *all = arena_array(d->a, count, sizeof(*all));
	size_t *fields = arena_array(d->a, count, sizeof(*fields));

	*n = count;
	if (all == NULL || fields == NULL)
		return NULL;
	header_index_fields(d->index, name, fields);
	for (size_t i = 0; i < count; i++) {
		struct span value = d->h->fields[fields[i]].value;

		all[i] = (struct candidate){
			.field = fields[i],
			.rank = rank_of(d->a, value, authors, n_authors),
		};
	}
	return all;
}

/* Returns the normal form of a name, or an absent span if it is not a domain
 * name. */
static struct span
name_or_none(struct arena *a, struct span name)
{
	struct span normal = domain_normal(a, name);

	return domain_is_hostname(normal) ? normal : SPAN_NONE;
}

/* RFC 6376 section 3.5: the default of i= is "@" followed by d=. */
static struct span
identity_of(struct arena *a, const struct signature *sig)
{
	struct buf text;

	if (sig->identity.p != NULL || sig->domain.p == NULL)
		return sig->identity;
	text = buf_alloc(a, sig->domain.n + 2);
	buf_byte(&text, '@');
	buf_span(&text, sig->domain);
	return buf_view(&text);
}

/* Fills in the data reported for every signature.  Returns false if memory ran
 * out. */
static bool
describe(struct dkim *d, struct candidate *c, const struct sigcheck *check)
{
	const struct mail_field *f = &d->h->fields[c->field];
	struct signature_peek sketch;

	c->result = arena_alloc(d->a, sizeof(*c->result));
	if (c->result == NULL)
		return false;
	c->result->field = c->field;
	if (check != NULL) {
		c->result->domain = check->sig.domain;
		c->result->selector = check->sig.selector;
		c->result->identity = identity_of(d->a, &check->sig);
		c->result->algorithm = check->sig.algorithm_text;
		c->result->b = check->sig.b_text;
	} else {
		signature_peek(f->value, &sketch);
		c->result->domain = name_or_none(d->a, sketch.domain);
		c->result->selector = name_or_none(d->a, sketch.selector);
		c->result->algorithm = sketch.algorithm;
		c->result->b = sketch.b;
	}
	return true;
}

static void
copy_result(struct dkim_result *to, const struct sigcheck_result *from)
{
	to->code = from->code;
	to->reason = from->reason;
	to->auth_failure = from->auth_failure;
	if (from->key == NULL)
		return;
	to->key_bits = from->key->bits;
	to->testing = from->key->testing;
	to->strict = from->key->strict;
	if (from->key->is_revoked)
		to->auth_failure = DKIM_FLAW_REVOKED;
}

/*
 * Parses one signature and chooses it for verification, unless its result is
 * already known.  Returns false if memory ran out.
 */
static bool
read_one(struct dkim *d, struct candidate *c)
{
	struct sigcheck *check = &d->checks[d->n_checks];
	struct sigcheck_result early;

	*check = (struct sigcheck){ .field = c->field, .body = -1 };
	if (!signature_read(d->h->fields[c->field].value, SIGNATURE_DKIM, d->a,
		&check->sig) ||
	    !describe(d, c, check))
		return false;
	if (sigcheck_early(check, &d->rules, &early)) {
		copy_result(c->result, &early);
		return true;
	}
	if (!sigcheck_begin(check, d->a, d->body_hashes))
		return false;
	c->result->verified = true;
	c->check = check;
	d->n_checks++;
	return true;
}

/*
 * RFC 6376 section 4: limits the number of signatures that are verified, and
 * the number that are parsed, valid or not.
 */
static bool
choose(struct dkim *d, struct candidate *all, size_t n)
{
	size_t read = 0;

	for (enum rank rank = RANK_AUTHOR; rank < RANKS; rank++) {
		for (size_t i = 0; i < n; i++) {
			if (d->n_checks == DKIM_VERIFIED_MAX ||
			    read == DKIM_READ_MAX)
				return true;
			if (all[i].rank != rank)
				continue;
			if (!read_one(d, &all[i]))
				return false;
			read++;
		}
	}
	return true;
}

/* Returns why the exact header is unknown, so that no signature can be
 * verified; NULL if it is known. */
static const char *
header_fault(const struct mail_header *h)
{
	if (h->cut)
		return "the header is too large to verify";
	return h->nul ? "a header field contains a NUL" : NULL;
}

static size_t
at_most(size_t n, size_t max)
{
	return n < max ? n : max;
}

/* Lists all signatures that were parsed and then, if there is room, others,
 * topmost first. */
static bool
list(struct dkim *d, struct candidate *all, size_t n)
{
	const char *fault = header_fault(d->h);
	struct span reason = fault != NULL
	    ? span_str(fault)
	    : SPAN("not verified: too many signatures");
	size_t room = at_most(n, DKIM_LISTED_MAX);

	for (size_t i = 0; i < n; i++)
		room -= all[i].result != NULL;
	for (size_t i = 0; i < n && room > 0; i++) {
		if (all[i].result != NULL)
			continue;
		if (!describe(d, &all[i], NULL))
			return false;
		all[i].result->code = DKIM_POLICY;
		all[i].result->reason = reason;
		room--;
	}
	for (size_t i = 0; i < n; i++) {
		if (all[i].result == NULL) {
			d->unlisted++;
			continue;
		}
		d->results[d->n_results] = *all[i].result;
		if (all[i].check != NULL)
			d->to[all[i].check - d->checks] =
			    &d->results[d->n_results];
		d->n_results++;
	}
	return true;
}

/* ---- header.b ---- */

/* Returns the first characters of b=, without white space. */
static struct span
b_beginning(struct arena *a, struct span b)
{
	char *p = arena_alloc(a, B_MAX + 1);
	size_t n = 0;

	for (size_t i = 0; p != NULL && i < b.n && n < B_MAX; i++)
		if (!ascii_is_space((unsigned char)b.p[i]))
			p[n++] = b.p[i];
	return span_of(p, n);
}

static int
compare_b(const void *left, const void *right)
{
	const struct dkim_result *a = *(struct dkim_result *const *)left;
	const struct dkim_result *b = *(struct dkim_result *const *)right;
	size_t n = a->b.n < b->b.n ? a->b.n : b->b.n;
	int order = n > 0 ? memcmp(a->b.p, b->b.p, n) : 0;

	return order != 0 ? order : (a->b.n > b->b.n) - (a->b.n < b->b.n);
}

/* Returns how many characters are needed to distinguish two signatures. */
static size_t
distinguishing_length(struct span a, struct span b)
{
	size_t n = 0;

	while (n < a.n && n < b.n && a.p[n] == b.p[n])
		n++;
	return n + 1;
}

/* RFC 6008 section 4: shortens each b= to the part that distinguishes it from
 * all others.  In sorted order, the most similar values are neighbors. */
static bool
shorten_b(struct dkim *d)
{
	struct dkim_result *order[DKIM_LISTED_MAX] = { NULL };
	size_t before = B_MIN;

	for (size_t i = 0; i < d->n_results; i++) {
		order[i] = &d->results[i];
		order[i]->b = b_beginning(d->a, order[i]->b);
		if (order[i]->b.p == NULL)
			return false;
	}
	qsort(order, d->n_results, sizeof(struct dkim_result *), compare_b);
	for (size_t i = 0; i < d->n_results; i++) {
		size_t behind = B_MIN;

		if (i + 1 < d->n_results)
			behind =
			    distinguishing_length(order[i]->b, order[i + 1]->b);
		if (before < behind)
			before = behind;
		order[i]->b =
		    span_first(order[i]->b, before > B_MIN ? before : B_MIN);
		before = behind;
	}
	return true;
}

/* ---- the stages ---- */

struct dkim *
dkim_begin(struct arena *a, const struct dkim_options *o,
    const struct mail_header *h, struct body_hashes *body_hashes,
    const struct span *authors, size_t n_authors, int64_t now)
{
	struct dkim *d = arena_alloc(a, sizeof(*d));
	struct candidate *all;
	size_t n, most;

	if (d == NULL)
		return NULL;
	d->a = a;
	d->rules = sigcheck_rules_of(o, now);
	d->h = h;
	d->body_hashes = body_hashes;
	d->index = header_index_new(a, h);
	all = d->index != NULL ? collect(d, authors, n_authors, &n) : NULL;
	if (all == NULL)
		return NULL;
	if (n == 0)
		return d;
	most = at_most(n, DKIM_VERIFIED_MAX);
	d->checks = arena_array(a, most, sizeof(*d->checks));
	d->to = arena_array(a, most, sizeof(struct dkim_result *));
	d->results =
	    arena_array(a, at_most(n, DKIM_LISTED_MAX), sizeof(*d->results));
	d->n_from = header_index_count(d->index, SPAN("From"));
	if (d->checks == NULL || d->to == NULL || d->results == NULL)
		return NULL;
	if (header_fault(h) == NULL && !choose(d, all, n))
		return NULL;
	if (!list(d, all, n) || !shorten_b(d) || arena_has_failed(a))
		return NULL;
	return d;
}

enum core_status
dkim_keys(
    struct dkim *d, struct dns_questions *questions, struct arena *scratch)
{
	enum core_status step = CORE_DONE;

	(void)scratch;
	for (size_t i = 0; i < d->n_checks; i++)
		if (sigcheck_ask(&d->checks[i], questions) == CORE_WAIT)
			step = CORE_WAIT;
	return step;
}

size_t
dkim_domains(const struct dkim *d, struct span *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_checks && n < max; i++) {
		bool again = false;

		for (size_t k = 0; k < n; k++)
			again |= span_equal(out[k], d->checks[i].sig.domain);
		if (!again)
			out[n++] = d->checks[i].sig.domain;
	}
	return n;
}

struct signature_hash_input {
	struct dkim *d;
	const struct sigcheck *check;
};

static bool
hash_one(void *of, uint8_t out[CRYPTO_HASH_SIZE])
{
	struct signature_hash_input *one = of;

	return header_hash(
	    one->d->index, &one->check->sig, one->check->field, out);
}

/* RFC 6376 section 8.15: the From field that is displayed might be unsigned. */
static void
judge_from(
    const struct dkim *d, const struct sigcheck *c, struct dkim_result *r)
{
	if (r->code != DKIM_PASS || d->n_from <= c->sig.n_from)
		return;
	r->code = DKIM_POLICY;
	r->reason = SPAN("not every From field is signed");
}

void
dkim_finish(struct dkim *d)
{
	for (size_t i = 0; i < d->n_checks; i++) {
		struct signature_hash_input one = { d, &d->checks[i] };
		struct sigcheck_result result;

		sigcheck_verify(one.check, &d->rules, d->body_hashes, hash_one,
		    &one, d->a, &result);
		copy_result(d->to[i], &result);
		d->to[i]->cut_short =
		    sigcheck_is_cut_short(one.check, result.code);
		judge_from(d, one.check, d->to[i]);
	}
}

const struct dkim_result *
dkim_results(const struct dkim *d, size_t *n)
{
	*n = d->n_results;
	return d->results;
}

size_t
dkim_unlisted(const struct dkim *d)
{
	return d->unlisted;
}

const struct sigcheck *
dkim_sigcheck_of(const struct dkim *d, size_t index, struct header_index **x)
{
	*x = d->index;
	for (size_t i = 0; i < d->n_checks; i++)
		if (d->to[i] == &d->results[index])
			return &d->checks[i];
	return NULL;
}

const struct body_hashes *
dkim_body_hashes_of(const struct dkim *d)
{
	return d->body_hashes;
}

const struct mail_header *
dkim_header_of(const struct dkim *d)
{
	return d->h;
}

void
dkim_free(struct dkim *d)
{
	if (d == NULL)
		return;
	for (size_t i = 0; i < d->n_checks; i++)
		sigcheck_free(&d->checks[i]);
}
