/*
 * spf_fix.c - writes an SPF record that fixes the findings: omits the terms
 * that cause them, and adds missing addresses.
 */
#include <string.h>

#include "audit/domain/internal.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "spf/record.h"

enum {
	FIX_TEXTS_MAX = 4,      /* SPF records merged for one name */
	FIX_ADDRESSES_MAX = 20, /* addresses written for one term */
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
	char all;       /* the qualifier of "all"; 0: not set yet */
	struct span redirect;
};

/* ---- terms to omit ---- */

static const char *const dropping[] = { "syntax", "void-lookup", "ptr",
	"ptr-macro", "depends-on-sender", "behind-all", "duplicate", "covered",
	"broad-range", "not-public", "unknown-modifier", "redirect-ignored",
	"loop", "included-twice", "exp-without-text", "exp-syntax", "null-mx",
	"too-many-mx-hosts" };

static bool
drops(const char *id)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropping); i++)
		if (strcmp(dropping[i], id) == 0)
			return true;
	return false;
}

static bool
has_finding(const struct spf_fix *f, const char *id)
{
	const struct audit_findings *list = &f->d->out->spf.findings;

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->list[i].id, id) == 0)
			return true;
	return false;
}

/* Whether the record of `node` makes the whole check fail. */
static bool
is_broken(const struct spf_fix *f, const struct spf_lint_node *node)
{
	const struct audit_findings *list = &f->d->out->spf.findings;

	if (!node->has_record && node->state != DNS_FAILED)
		return true;
	for (size_t i = 0; i < list->n; i++)
		if (list->list[i].severity == AUDIT_ERROR &&
		    span_equal(list->list[i].where, node->domain))
			return true;
	return false;
}

/* Whether a term of the domain's own record leads to a broken record. */
static bool
leads_to_broken(const struct spf_fix *f, struct span term)
{
	const struct spf_lint *lint = &f->d->out->spf;

	for (size_t i = 0; f->is_main && i < lint->n_tree; i++) {
		const struct spf_lint_node *node = &lint->tree[i];

		if (node->depth > 0 && is_broken(f, node) &&
		    span_equal_nocase(lint->tree[node->top].term, term))
			return true;
	}
	return false;
}

static bool
is_objected(const struct spf_fix *f, struct span term)
{
	const struct audit_findings *list = &f->d->out->spf.findings;

	for (size_t i = 0; i < list->n; i++) {
		const struct audit_finding *one = &list->list[i];

		/* of two equal terms, keep the first */
		if (drops(one->id) && span_equal(one->where, f->owner) &&
		    span_equal(one->term, term) && one->term.p == term.p)
			return true;
	}
	return leads_to_broken(f, term);
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
	for (size_t i = 0; i < mx->n_records && i < SPF_MAX_MX; i++)
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

	if (term->fault != NULL || is_objected(f, term->text))
		return;
	if (term->kind == SPF_KIND_IP4 || term->kind == SPF_KIND_IP6)
		put_network(f, term);
	else if (is_host && f->addresses && term->qualifier == SPF_PASS &&
	    !span_has(term->spec, '%'))
		put_hosts_of(f, term);
	else
		put_term(f, without_dot(term));
}

/* Returns the qualifier of "all": "~" if the record is weaker than "-all" or
 * "-all" would harm forwarded mail, otherwise "-". */
static char
all_of(const struct spf_fix *f, const struct spf_record *r)
{
	const struct audit_domain *out = f->d->out;

	if (r->all->qualifier != SPF_FAIL)
		return '~';
	return f->is_main && out->sends_mail && out->is_enforced ? '~' : '-';
}

static void
put_record(struct spf_fix *f, struct span text)
{
	struct spf_record r;

	if (!spf_record_parse(f->d->a, text, &r))
		return;
	for (size_t i = 0; i < r.n; i++) {
		if (r.all != NULL && &r.terms[i] >= r.all)
			break;
		if (r.terms[i].kind < SPF_KIND_REDIRECT)
			put_mechanism(f, &r.terms[i]);
	}
	if (r.all != NULL)
		f->all = all_of(f, &r);
	else if (r.redirect != NULL && r.redirect->fault == NULL &&
	    !is_objected(f, r.redirect->text))
		f->redirect = without_dot(r.redirect);
}

/* Adds outgoing addresses that do not pass SPF and, for a domain without a
 * record, its MX hosts. */
static void
put_missing(struct spf_fix *f, bool has_record)
{
	const struct auditing *d = f->d;

	if (!f->is_main)
		return;
	if (!has_record && d->out->n_hosts > 0)
		put_term(f, SPAN("mx"));
	for (size_t i = 0; i < d->q->n_outgoing; i++)
		if (!d->passes_outgoing[i])
			put_address(f, &d->q->outgoing[i], 128);
	if (!has_record && f->n_done == 0)
		f->all = '-';
}

static bool
is_misleading(struct span text)
{
	enum spf_lint_likeness likeness = spf_lint_likeness(text);

	return likeness == SPF_LIKENESS_ALIKE ||
	    likeness == SPF_LIKENESS_SENDER_ID;
}

static bool
has_misleading(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n_records; i++)
		if (is_misleading(answer->records[i].text))
			return true;
	return false;
}

static const struct audit_change *
make_change(struct spf_fix *f, const struct dns_answer *answer)
{
	struct audit_change *change = audit_change_new(f->d->a);
	struct span old[FIX_TEXTS_MAX];
	size_t n = 0;

	buf_text(&f->text, "v=spf1");
	for (size_t i = 0; i < answer->n_records && n < FIX_TEXTS_MAX; i++)
		if (spf_record_is(answer->records[i].text))
			old[n++] = answer->records[i].text;
	for (size_t i = 0; i < n; i++)
		put_record(f, old[i]);
	put_missing(f, n > 0);
	if (f->redirect.p != NULL && f->all == 0) {
		put_term(f, f->redirect);
	} else {
		buf_byte(&f->text, ' ');
		buf_byte(&f->text, f->all == '-' ? '-' : '~');
		buf_text(&f->text, "all");
	}
	if (f->text.full ||
	    (n == 1 && span_equal(old[0], buf_view(&f->text)) &&
		!has_misleading(answer)))
		return NULL;
	for (size_t i = 0; i < n; i++)
		audit_change_remove_txt(change, f->owner, old[i]);
	for (size_t i = 0; i < answer->n_records; i++)
		if (is_misleading(answer->records[i].text))
			audit_change_remove_txt(
			    change, f->owner, answer->records[i].text);
	audit_change_publish_txt(change, f->owner, buf_view(&f->text));
	return change;
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
