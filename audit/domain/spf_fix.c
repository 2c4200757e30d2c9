/*
 * spf_fix.c - writes an SPF record that fixes the findings: omits terms that
 * cannot pass, and adds missing addresses.
 *
 * The record passes all mail that passes today, and treats other mail no more
 * strictly than the record that it replaces.
 */
#include <string.h>

#include "audit/domain/internal.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "spf/record.h"

enum {
	FIX_ADDRESSES_MAX = 20, /* addresses or MX hosts written for one term */
	LOOKUPS_TIGHT = 8,
};

struct spf_fix {
	struct auditing *d;
	struct span owner;
	struct buf text;
	struct span done[SPF_LINT_RECORDS_MAX]; /* terms already written */
	size_t n_done;
	bool is_main;   /* `owner` is the audited domain */
	bool addresses; /* replace "a" and "mx" with addresses */
	bool is_unsafe; /* the record would pass less mail than today */
	bool is_guess;  /* a term was omitted that may have been meant to pass
	                 */
	char all;       /* the qualifier of "all"; 0: not set yet */
	struct span redirect, exp;
};

/* ---- terms to omit ---- */

/* Findings about terms that never match a client on the Internet, or whose
 * clients already matched an earlier term. */
static const char *const dropping[] = { "void-lookup", "behind-all",
	"duplicate", "covered", "unknown-modifier", "redirect-ignored",
	"exp-without-text", "exp-syntax" };

static bool
has_finding(const struct spf_fix *f, const char *id)
{
	const struct audit_findings *list = &f->d->out->spf.findings;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->list[i].id, id) == 0)
			return true;
	return false;
}

/* Whether the owner's record has a finding `id` about this term. */
static bool
has_finding_at(const struct spf_fix *f, const char *id, struct span term)
{
	const struct audit_findings *list = &f->d->out->spf.findings;

	for (size_t i = 0; i < list->n; i++) {
		const struct audit_finding *one = &list->list[i];

		/* of two equal terms, keep the first */
		if (strcmp(one->id, id) == 0 &&
		    span_equal(one->where, f->owner) &&
		    span_equal(one->term, term) && one->term.p == term.p)
			return true;
	}
	return false;
}

const struct spf_lint_node *
auditing_spf_parent(const struct auditing *d, const struct spf_lint_node *node)
{
	const struct spf_lint_node *at = node;

	if (node->depth == 0)
		return NULL;
	while (at > d->out->spf.tree && at->depth >= node->depth)
		at--;
	return at;
}

bool
auditing_spf_is_dead(const struct auditing *d, const struct spf_lint_node *node)
{
	const struct audit_findings *list = &d->out->spf.findings;

	if (!node->has_record)
		return node->state != DNS_FAILED;
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->list[i].id, "syntax") == 0 &&
		    span_equal(list->list[i].where, node->domain))
			return true;
	return false;
}

/* Whether a term of the owner's record leads to a record that never passes, or
 * back to itself. */
static bool
is_dead_end(const struct spf_fix *f, struct span term)
{
	const struct spf_lint *lint = &f->d->out->spf;

	if (has_finding_at(f, "loop", term))
		return true;
	for (size_t i = 1; i < lint->n_tree; i++) {
		const struct spf_lint_node *node = &lint->tree[i];
		const struct spf_lint_node *parent =
		    auditing_spf_parent(f->d, node);

		if (parent != NULL && span_equal(node->term, term) &&
		    domain_equal(parent->domain, f->owner) &&
		    auditing_spf_is_dead(f->d, node))
			return true;
	}
	return false;
}

static bool
is_objected(const struct spf_fix *f, struct span term)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropping); i++)
		if (has_finding_at(f, dropping[i], term))
			return true;
	return false;
}

/* ---- writing ---- */

static void
put_term(struct spf_fix *f, struct span term)
{
	for (size_t i = 0; i < f->n_done; i++)
		if (span_equal_nocase(f->done[i], term))
			return;
	if (f->n_done < ARRAY_SIZE(f->done))
		f->done[f->n_done++] = term;
	buf_byte(&f->text, ' ');
	buf_span(&f->text, term);
}

static void
put_address(struct spf_fix *f, const struct ip *ip, unsigned bits)
{
	struct buf b = buf_alloc(f->d->a, IP_TEXT_MAX + 16);
	unsigned most = ip->family == IP_V4 ? 32 : 128;

	buf_text(&b, ip->family == IP_V4 ? "ip4:" : "ip6:");
	ip_put(&b, ip);
	if (bits < most)
		buf_printf(&b, "/%u", bits);
	put_term(f, buf_view(&b));
}

/* Writes the network of an ip4 or ip6 term, with the host bits cleared. */
static void
put_network(struct spf_fix *f, const struct spf_term *term)
{
	unsigned bits = term->kind == SPF_KIND_IP4 ? term->bits4 : term->bits6;
	struct ip ip = term->ip;

	if (term->qualifier != SPF_PASS) {
		put_term(f, term->text);
		return;
	}
	for (unsigned i = bits; i < sizeof(ip.bytes) * 8; i++)
		ip.bytes[i / 8] &= (uint8_t) ~(0x80U >> i % 8);
	put_address(f, &ip, bits);
}

static void
put_addresses_of(
    struct spf_fix *f, const struct spf_term *term, struct span host)
{
	const struct dns_answer *a = auditing_ask(f->d, host, DNS_A);
	const struct dns_answer *aaaa = auditing_ask(f->d, host, DNS_AAAA);

	f->is_unsafe |= a->state == DNS_FAILED || aaaa->state == DNS_FAILED ||
	    a->n_records > FIX_ADDRESSES_MAX ||
	    aaaa->n_records > FIX_ADDRESSES_MAX;
	for (size_t i = 0; i < a->n_records && i < FIX_ADDRESSES_MAX; i++)
		put_address(f, &a->records[i].ip, term->bits4);
	for (size_t i = 0; i < aaaa->n_records && i < FIX_ADDRESSES_MAX; i++)
		put_address(f, &aaaa->records[i].ip, term->bits6);
}

static void
put_hosts_of(struct spf_fix *f, const struct spf_term *term)
{
	struct span name = term->spec.p != NULL ? term->spec : f->owner;
	const struct dns_answer *mx;

	if (term->kind == SPF_KIND_A) {
		put_addresses_of(f, term, name);
		return;
	}
	mx = auditing_ask(f->d, name, DNS_MX);
	f->is_unsafe |=
	    mx->state == DNS_FAILED || mx->n_records > FIX_ADDRESSES_MAX;
	for (size_t i = 0; i < mx->n_records && i < FIX_ADDRESSES_MAX; i++)
		put_addresses_of(f, term, mx->records[i].text);
}

static struct span
without_dot(const struct spf_term *term)
{
	struct span text = term->text;

	if (term->kind != SPF_KIND_OTHER && text.n > 0 &&
	    text.p[text.n - 1] == '.')
		text.n--;
	return text;
}

static void
put_mechanism(struct spf_fix *f, const struct spf_term *term)
{
	bool is_host = term->kind == SPF_KIND_A || term->kind == SPF_KIND_MX;
	bool is_many = has_finding_at(f, "too-many-mx-hosts", term->text);

	if (term->fault != NULL || is_dead_end(f, term->text)) {
		f->is_guess = true;
		return;
	}
	if (is_objected(f, term->text))
		return;
	if (term->kind == SPF_KIND_IP4 || term->kind == SPF_KIND_IP6)
		put_network(f, term);
	else if (is_host && (f->addresses || is_many) &&
	    term->qualifier == SPF_PASS && !span_has(term->spec, '%'))
		put_hosts_of(f, term);
	else
		put_term(f, without_dot(term));
}

/* Sets the qualifier of "all", which must not become stricter: of several
 * records, the weakest counts.  "-all" would harm forwarded mail if DMARC is
 * enforced. */
static void
set_all(struct spf_fix *f, enum spf_code code)
{
	const struct audit_domain *out = f->d->out;

	if (code == SPF_PASS)
		f->is_unsafe = true;
	else if (code == SPF_NEUTRAL)
		f->all = '?';
	else if (code == SPF_SOFTFAIL ||
	    (f->is_main && out->sends_mail && out->is_enforced))
		f->all = f->all == '?' ? '?' : '~';
	else if (f->all == 0)
		f->all = '-';
}

static void
put_record(struct spf_fix *f, struct span text)
{
	struct spf_record r;

	if (!spf_record_parse(f->d->a, text, &r)) {
		f->is_unsafe = true;
		return;
	}
	for (size_t i = 0; i < r.n; i++) {
		if (r.all != NULL && &r.terms[i] >= r.all)
			break;
		if (r.terms[i].kind < SPF_KIND_REDIRECT)
			put_mechanism(f, &r.terms[i]);
		f->is_guess |= r.terms[i].kind == SPF_KIND_WRONG;
	}
	if (r.exp != NULL && r.exp->fault == NULL &&
	    !is_objected(f, r.exp->text))
		f->exp = without_dot(r.exp);
	if (r.all != NULL)
		set_all(f, r.all->qualifier);
	else if (r.redirect == NULL)
		set_all(f, SPF_NEUTRAL);
	else if (r.redirect->fault != NULL || is_dead_end(f, r.redirect->text))
		set_all(f, SPF_SOFTFAIL);
	else
		f->redirect = without_dot(r.redirect);
}

/* Reads a text that was meant as an SPF record: "v=spf1; mx ~all". */
static void
put_misspelled(struct spf_fix *f, struct span text)
{
	struct buf b = buf_alloc(f->d->a, text.n + sizeof("v=spf1 "));

	while (text.n > 0 && !span_starts_nocase(text, "spf1"))
		text = span_skip(text, 1);
	buf_text(&b, "v=spf1 ");
	text = span_skip(text, strlen("spf1"));
	for (size_t i = 0; i < text.n; i++)
		buf_byte(
		    &b, span_has(SPAN(";,\""), text.p[i]) ? ' ' : text.p[i]);
	if (b.full)
		return;
	put_record(f, buf_view(&b));
	f->is_guess = true;
}

static bool
has_own_host(const struct auditing *d)
{
	for (size_t i = 0; i < d->out->n_hosts; i++)
		if (domain_is_under(d->out->hosts[i].name, d->out->domain))
			return true;
	return false;
}

/* For a domain without a record: writes what is known about its servers.  MX
 * hosts of a provider usually send no mail. */
static void
put_first(struct spf_fix *f, const struct dns_answer *answer)
{
	const struct auditing *d = f->d;

	for (size_t i = 0; i < answer->n_records; i++)
		if (spf_lint_likeness(answer->records[i].text) ==
		    SPF_LIKENESS_ALIKE)
			put_misspelled(f, answer->records[i].text);
	if (f->n_done == 0 && f->redirect.p == NULL && f->is_main &&
	    has_own_host(d))
		put_term(f, SPAN("mx"));
	if (f->all == 0 && f->redirect.p == NULL)
		f->all = '~';
}

/* Adds outgoing addresses that do not pass SPF. */
static void
put_outgoing(struct spf_fix *f)
{
	const struct auditing *d = f->d;

	for (size_t i = 0; i < d->q->n_outgoing; i++)
		if (!d->passes_outgoing[i])
			put_address(f, &d->q->outgoing[i], 128);
}

/* Writes the end of the record. */
static void
put_end(struct spf_fix *f)
{
	if (f->redirect.p != NULL && f->all == 0) {
		put_term(f, f->redirect);
		return;
	}
	if (f->redirect.p != NULL) { /* from one of several records */
		buf_text(&f->text, " include:");
		buf_span(&f->text, span_skip(f->redirect, strlen("redirect=")));
	}
	buf_byte(&f->text, ' ');
	buf_byte(&f->text, f->all == '-' && f->is_guess ? '~' : f->all);
	buf_text(&f->text, "all");
}

static bool
is_misleading(struct span text)
{
	enum spf_lint_likeness likeness = spf_lint_likeness(text);

	return likeness == SPF_LIKENESS_ALIKE ||
	    likeness == SPF_LIKENESS_SENDER_ID;
}

/* Writes the whole record; returns false if none can be proposed. */
static bool
put_spf_text(struct spf_fix *f, const struct dns_answer *answer)
{
	const struct auditing *d = f->d;
	size_t n = 0;

	buf_text(&f->text, "v=spf1");
	for (size_t i = 0; i < answer->n_records; i++) {
		if (!spf_record_is(answer->records[i].text))
			continue;
		put_record(f, answer->records[i].text);
		n++;
	}
	if (n == 0)
		put_first(f, answer);
	if (f->is_main)
		put_outgoing(f);
	if (n == 0 && f->n_done == 0 && f->redirect.p == NULL) {
		if (!f->is_main || d->out->sends_mail || d->q->n_seen > 0 ||
		    d->q->n_passing > 0)
			return false;
		f->all = '-';
	}
	put_end(f);
	if (f->exp.p != NULL)
		put_term(f, f->exp);
	return !f->text.full && !f->is_unsafe;
}

static const struct audit_change *
make_change(struct spf_fix *f, const struct dns_answer *answer)
{
	struct audit_change *change = audit_change_new(f->d->a);
	bool is_published = false;

	if (change == NULL || !put_spf_text(f, answer))
		return NULL;
	for (size_t i = 0; i < answer->n_records; i++) {
		struct span text = answer->records[i].text;

		if (!is_published && span_equal(text, buf_view(&f->text)))
			is_published = true;
		else if (spf_record_is(text) || is_misleading(text))
			audit_change_remove_txt(change, f->owner, text);
	}
	if (!is_published)
		audit_change_publish_txt(change, f->owner, buf_view(&f->text));
	return change->n_remove + change->n_publish > 0 ? change : NULL;
}

const struct audit_change *
auditing_spf_change(struct auditing *d, struct span owner)
{
	const struct dns_answer *answer = auditing_ask(d, owner, DNS_TXT);
	struct spf_fix *f;
	bool is_main = domain_equal(owner, d->out->domain);

	if (d->has_spf_change && span_equal(d->spf_change_owner, owner))
		return d->spf_change;
	f = arena_alloc(d->a, sizeof(*f));
	if (f == NULL || answer->state == DNS_FAILED)
		return NULL;
	*f = (struct spf_fix){ .d = d, .owner = owner, .is_main = is_main };
	f->text = buf_alloc(d->a, SPF_MAX_RECORD);
	f->addresses = is_main &&
	    (d->out->spf.lookups >= LOOKUPS_TIGHT ||
		has_finding(f, "too-many-void-lookups-ipv6"));
	d->spf_change = make_change(f, answer);
	d->spf_change_owner = owner;
	d->has_spf_change = true;
	return d->spf_change;
}
