/* mx.c - checks MX hosts (RFC 5321 section 5.1, RFC 7505) and the PTR records
 * of outgoing addresses */
#include "audit/domain/internal.h"
#include "audit/ptr.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "spf/record.h"
#include "spf/spf.h"

enum {
	PTR_NAMES_MAX = 10, /* names per address, RFC 7208 section 4.6.4 */
	DATA_MAX = 4 * DOMAIN_MAX + 16, /* bytes of an escaped name */
	MX_PREFERENCE = 10,
};

/* "10 mx.example.com." */
static struct span
mx_data(struct auditing *d, unsigned preference, struct span host)
{
	struct buf b = buf_alloc(d->a, DATA_MAX);

	buf_printf(&b, "%u ", preference);
	audit_change_put_name(&b, host);
	return b.full ? SPAN_NONE : buf_view(&b);
}

static const struct audit_change *
mx_change(struct auditing *d, const struct audit_host *host, struct span to)
{
	struct audit_change *change = audit_change_new(d->a);

	audit_change_remove(change, d->out->domain, "MX",
	    mx_data(d, host->preference, host->name));
	audit_change_publish(
	    change, d->out->domain, "MX", mx_data(d, host->preference, to));
	return change;
}

static void
audit_literal(struct auditing *d, const struct audit_host *host)
{
	struct span name = auditing_name(d->a, "HOST-NAME", d->out->domain);
	struct audit_change *change = audit_change_new(d->a);

	audit_change_remove(change, d->out->domain, "MX",
	    mx_data(d, host->preference, host->name));
	audit_change_publish(
	    change, d->out->domain, "MX", mx_data(d, host->preference, name));
	audit_change_publish(change, name, "A", host->name);
	auditing_add(
	    d->out, AUDIT_RULE_MX_LITERAL, d->out->domain, host->name, change);
}

static bool
has_public_address(const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->n_records; i++) {
		const struct ip *ip = &answer->records[i].ip;

		if (ip_net_is_public(ip, ip->family == IP_V4 ? 32 : 128))
			return true;
	}
	return answer->state == DNS_FAILED;
}

static bool
may_be_reachable(const struct audit_host *host)
{
	return has_public_address(host->a) || has_public_address(host->aaaa);
}

static bool
has_reachable_host(const struct auditing *d)
{
	for (size_t i = 0; i < d->out->n_hosts; i++)
		if (may_be_reachable(&d->out->hosts[i]))
			return true;
	return false;
}

static void
audit_no_address(struct auditing *d, const struct audit_host *host)
{
	struct audit_change *change = audit_change_new(d->a);
	bool is_lost = !has_reachable_host(d);

	if (host->a->n_records + host->aaaa->n_records > 0) {
		auditing_add(d->out,
		    is_lost ? AUDIT_RULE_MX_ALL_PRIVATE : AUDIT_RULE_MX_PRIVATE,
		    d->out->domain, host->name, NULL);
		return;
	}
	audit_change_publish(change, host->name, "A", SPAN("ADDRESS"));
	auditing_add(d->out,
	    is_lost ? AUDIT_RULE_MX_NO_ADDRESSES : AUDIT_RULE_MX_NO_ADDRESS,
	    d->out->domain, host->name, change);
}

static void
audit_host(struct auditing *d, const struct audit_host *host)
{
	struct ip ip;

	if (ip_parse(host->name, &ip)) {
		audit_literal(d, host);
		return;
	}
	if (host->a->alias.p != NULL || host->aaaa->alias.p != NULL) {
		struct span target = host->a->alias.p != NULL
		    ? host->a->alias
		    : host->aaaa->alias;

		auditing_add(d->out, AUDIT_RULE_MX_ALIAS, host->name, target,
		    mx_change(d, host, target));
	}
	if (!may_be_reachable(host))
		audit_no_address(d, host);
}

/* Reads the MX records in answer order; skips a null MX. */
static void
read_hosts(struct auditing *d)
{
	struct audit_domain *out = d->out;
	struct audit_host *hosts =
	    arena_array(d->a, AUDIT_HOSTS_MAX, sizeof(*hosts));

	if (hosts == NULL)
		return;
	for (size_t i = 0;
	     i < d->mx->n_records && out->n_hosts < AUDIT_HOSTS_MAX; i++) {
		struct audit_host *host = &hosts[out->n_hosts];

		if (d->mx->records[i].text.n == 0)
			continue;
		host->name = d->mx->records[i].text;
		host->preference = d->mx->records[i].preference;
		host->a = auditing_ask(d, host->name, DNS_A);
		host->aaaa = auditing_ask(d, host->name, DNS_AAAA);
		out->n_hosts++;
	}
	out->hosts = d->hosts = hosts;
}

static void
audit_null(struct auditing *d)
{
	struct audit_domain *out = d->out;
	struct audit_change *change = audit_change_new(d->a);

	for (size_t i = 0; i < d->mx->n_records; i++) {
		struct buf b = buf_alloc(d->a, 16);

		if (d->mx->records[i].text.n > 0)
			continue;
		buf_printf(&b, "%u .", d->mx->records[i].preference);
		audit_change_remove(change, out->domain, "MX", buf_view(&b));
		if (out->n_hosts > 0)
			auditing_add(out, AUDIT_RULE_MX_NULL_BESIDE,
			    out->domain, SPAN_NONE, change);
		else if (out->sends_mail)
			auditing_add(out, AUDIT_RULE_MX_NULL_SENDS, out->domain,
			    SPAN_NONE, change);
		return;
	}
}

/* RFC 5321 section 5.1: without MX records, mail is sent to the address of the
 * domain itself. */
static void
audit_no_mx(struct auditing *d)
{
	const struct dns_answer *a = auditing_ask(d, d->out->domain, DNS_A);
	const struct dns_answer *aaaa =
	    auditing_ask(d, d->out->domain, DNS_AAAA);
	struct audit_change *change = audit_change_new(d->a);
	struct span name = auditing_name(d->a, "HOST-NAME", d->out->domain);

	if (a->state == DNS_FOUND || a->state == DNS_FAILED ||
	    aaaa->state == DNS_FOUND || aaaa->state == DNS_FAILED)
		return;
	audit_change_publish(
	    change, d->out->domain, "MX", mx_data(d, MX_PREFERENCE, name));
	audit_change_publish(change, name, "A", SPAN("ADDRESS"));
	auditing_add(
	    d->out, AUDIT_RULE_MX_NONE, d->out->domain, SPAN_NONE, change);
}

void
auditing_mx(struct auditing *d)
{
	read_hosts(d);
	for (size_t i = 0; i < d->out->n_hosts; i++)
		audit_host(d, &d->out->hosts[i]);
	audit_null(d);
	if (d->out->sends_mail &&
	    (d->mx->state == DNS_NODATA || d->mx->state == DNS_NXDOMAIN))
		audit_no_mx(d);
}

/* ---- PTR ---- */

static bool
has_address(struct auditing *d, struct span name, const struct ip *ip)
{
	const struct dns_answer *answer =
	    auditing_ask(d, name, ip->family == IP_V4 ? DNS_A : DNS_AAAA);

	if (answer->state == DNS_FAILED)
		return true;
	for (size_t i = 0; i < answer->n_records; i++)
		if (ip_equal(&answer->records[i].ip, ip))
			return true;
	return false;
}

static struct span
dotted(struct auditing *d, struct span name)
{
	struct buf b = buf_alloc(d->a, DATA_MAX);

	audit_change_put_name(&b, name);
	return buf_view(&b);
}

/* Publishes the address at `host`, unless the host has addresses: an additional
 * one would also receive what is meant for the others. */
static void
publish_address(struct auditing *d, struct audit_change *change,
    struct span host, const struct ip *ip, struct span shown)
{
	if (auditing_ask(d, host, DNS_A)->n_records == 0 &&
	    auditing_ask(d, host, DNS_AAAA)->n_records == 0)
		audit_change_publish(
		    change, host, ip->family == IP_V4 ? "A" : "AAAA", shown);
}

/* Publishes a name in the PTR record: that of an MX host with this address, or
 * a new one. */
static void
publish_name(struct auditing *d, struct audit_change *change,
    struct span reverse, const struct ip *ip, struct span shown)
{
	const struct audit_domain *out = d->out;
	struct span name = auditing_name(d->a, "HOST-NAME", out->domain);

	for (size_t i = 0; i < out->n_hosts; i++)
		if (domain_is_under(out->hosts[i].name, out->domain) &&
		    has_address(d, out->hosts[i].name, ip)) {
			audit_change_publish(change, reverse, "PTR",
			    dotted(d, out->hosts[i].name));
			return;
		}
	audit_change_publish(change, reverse, "PTR", dotted(d, name));
	audit_change_publish(
	    change, name, ip->family == IP_V4 ? "A" : "AAAA", shown);
}

/* For a null sender, SPF checks the HELO name (RFC 7208 section 2.4), which is
 * usually the name in the PTR record. */
static void
audit_helo(struct auditing *d, struct span name, const struct ip *ip,
    struct span reverse)
{
	const struct spf_query q = {
		.identity = SPF_IDENTITY_HELO,
		.ip = *ip,
		.helo = name,
		.now = d->q->now,
	};
	struct audit_change *change = audit_change_new(d->a);
	const struct audit_change *fix = NULL;
	struct spf_result result;

	if (spf_check(&q, d->questions, d->a, &result) == CORE_WAIT) {
		d->waiting = true;
		return;
	}
	if (result.code == SPF_PASS || result.code == SPF_TEMPERROR)
		return;
	if (domain_equal(name, d->out->domain)) {
		fix = auditing_spf_change(d, name);
	} else if (result.code == SPF_NONE) {
		audit_change_publish_txt(change, name, SPAN("v=spf1 a -all"));
		fix = change;
	}
	auditing_add(d->out,
	    result.code == SPF_NONE ? AUDIT_RULE_PTR_HELO_NONE
				    : AUDIT_RULE_PTR_HELO_FAIL,
	    reverse, name, fix);
}

/* The records of an address for which the domain is not responsible are not
 * changed. */
struct ptr_audit {
	struct auditing *d;
	const struct ip *ip;
	struct span reverse; /* the name of the PTR record */
	struct span shown;   /* the address as text */
	bool is_own;
};

static void
add_ptr_finding(struct ptr_audit *t, enum audit_domain_rule rule,
    struct span value, const struct audit_change *change)
{
	auditing_add(
	    t->d->out, rule, t->reverse, value, t->is_own ? change : NULL);
}

static void
audit_ptr_names(struct ptr_audit *t, const struct dns_answer *ptr)
{
	struct auditing *d = t->d;
	struct audit_change *change = audit_change_new(d->a);
	struct span first = ptr->records[0].text;

	for (size_t i = 0; i < ptr->n_records && i < PTR_NAMES_MAX; i++) {
		struct span name = ptr->records[i].text;

		if (!has_address(d, name, t->ip))
			continue;
		if (domain_is_under(name, d->out->domain))
			audit_helo(d, name, t->ip, t->reverse);
		if (!ptr_is_generic(name, t->ip))
			return;
		audit_change_remove(change, t->reverse, "PTR", dotted(d, name));
		publish_name(d, change, t->reverse, t->ip, t->shown);
		add_ptr_finding(t, AUDIT_RULE_PTR_GENERIC, name, change);
		return;
	}
	if (domain_is_under(first, d->out->domain))
		publish_address(d, change, first, t->ip, t->shown);
	add_ptr_finding(t, AUDIT_RULE_PTR_UNCONFIRMED, first,
	    change != NULL && change->n_publish > 0 ? change : NULL);
}

static void
audit_outgoing_address(struct auditing *d, const struct ip *ip, bool is_own)
{
	struct buf reverse = buf_alloc(d->a, DOMAIN_MAX);
	struct buf shown = buf_alloc(d->a, IP_TEXT_MAX);
	struct ptr_audit t = { .d = d, .ip = ip, .is_own = is_own };
	struct audit_change *change = audit_change_new(d->a);
	const struct dns_answer *ptr;

	ip_put_reverse(&reverse, ip);
	ip_put(&shown, ip);
	t.reverse = buf_view(&reverse);
	t.shown = buf_view(&shown);
	ptr = auditing_ask(d, t.reverse, DNS_PTR);
	if (ptr->state == DNS_FAILED || ptr->state == DNS_PENDING)
		return;
	if (ptr->n_records > 0) {
		audit_ptr_names(&t, ptr);
		return;
	}
	publish_name(d, change, t.reverse, ip, t.shown);
	add_ptr_finding(&t, AUDIT_RULE_PTR_NONE, t.shown, change);
}

void
auditing_ptr(struct auditing *d)
{
	for (size_t i = 0; i < d->q->n_outgoing; i++)
		audit_outgoing_address(d, &d->q->outgoing[i], true);
	for (size_t i = 0; i < d->q->n_passing; i++)
		audit_outgoing_address(d, &d->q->passing[i], false);
}
