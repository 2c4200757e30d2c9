#include "audit/domain/dane.h"

#include "audit/domain/certificate.h"
#include "audit/domain/internal.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"

/* RFC 6698 section 2.1 */
enum {
	USAGE_TA = 2, /* a certificate authority in the chain */
	USAGE_EE = 3, /* the host's own certificate */
	MATCHING_NONE = 0,
	MATCHING_SHA256 = 1,
	MATCHING_SHA512 = 2,
	SHA256_DIGITS = 64,
	SHA512_DIGITS = 128,
};

struct tlsa {
	uint64_t usage, selector, matching;
	struct span digits; /* hexadecimal, lower case */
};

/* Reads a TLSA record in text form; returns false if it is not valid. */
static bool
tlsa_read(struct span text, struct tlsa *out)
{
	struct scan s = scan_of(text);

	if (!scan_number(&s, USAGE_EE, &out->usage) || !scan_byte(&s, ' ') ||
	    !scan_number(&s, 1, &out->selector) || !scan_byte(&s, ' ') ||
	    !scan_number(&s, MATCHING_SHA512, &out->matching) ||
	    !scan_byte(&s, ' '))
		return false;
	out->digits = scan_rest(&s);
	if (out->matching == MATCHING_SHA256)
		return out->digits.n == SHA256_DIGITS;
	if (out->matching == MATCHING_SHA512)
		return out->digits.n == SHA512_DIGITS;
	return out->digits.n > 0;
}

/* ---- records and certificates ---- */

static bool
equals_digits(struct span bytes, struct span digits)
{
	static const char hex[] = "0123456789abcdef";

	if (digits.n != bytes.n * 2)
		return false;
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char c = (unsigned char)bytes.p[i];

		if (digits.p[2 * i] != hex[c >> 4] ||
		    digits.p[2 * i + 1] != hex[c & 15])
			return false;
	}
	return true;
}

static bool
fits(const struct tlsa *t, const struct dane_certificate *c)
{
	struct span data = t->selector == 0 ? c->whole : c->key;
	char hash[CERTIFICATE_HASH_MAX];
	size_t n;

	if (t->matching == MATCHING_NONE)
		return equals_digits(data, t->digits);
	n = certificate_hash(data, t->matching == MATCHING_SHA512, hash);
	return n > 0 && equals_digits(span_of(hash, n), t->digits);
}

bool
dane_matches(
    struct span tlsa, const struct dane_certificate *chain, size_t n_chain)
{
	struct tlsa t;

	if (!tlsa_read(tlsa, &t))
		return false;
	if (t.usage == USAGE_EE)
		return n_chain > 0 && fits(&t, &chain[0]);
	for (size_t i = 0; t.usage == USAGE_TA && i < n_chain; i++)
		if (fits(&t, &chain[i]))
			return true;
	return false;
}

/* ---- published records ---- */

static const struct audit_change *
record_change(
    struct arena *a, struct span name, struct span old, struct span new)
{
	struct audit_change *change = audit_change_new(a);

	audit_change_remove(change, name, "TLSA", old);
	audit_change_publish(change, name, "TLSA", new);
	return change;
}

static void
audit_tlsa(struct auditing *d, struct span name, struct span record)
{
	static const struct span advised = { .p = "3 1 1 HASH-OF-PUBLIC-KEY",
		.n = sizeof("3 1 1 HASH-OF-PUBLIC-KEY") - 1 };
	const struct audit_change *change =
	    record_change(d->a, name, record, advised);
	struct tlsa t;

	if (!tlsa_read(record, &t))
		auditing_add(d->out, AUDIT_RULE_DANE_BAD, name, record, change);
	else if (t.usage < USAGE_TA)
		auditing_add(
		    d->out, AUDIT_RULE_DANE_USAGE, name, record, change);
	else if (t.usage == USAGE_EE && t.selector == 0)
		auditing_add(
		    d->out, AUDIT_RULE_DANE_SELECTOR, name, record, change);
}

static void
audit_tlsa_of(struct auditing *d, struct audit_host *host)
{
	struct span name = auditing_name(d->a, "_25._tcp", host->name);

	host->tlsa = auditing_ask(d, name, DNS_TLSA);
	host->is_secure = d->mx->is_secure && host->tlsa->is_secure;
	if (host->tlsa->state != DNS_FOUND || !d->out->validates)
		return;
	if (!host->tlsa->is_secure) {
		struct audit_change *change = audit_change_new(d->a);

		for (size_t i = 0; i < host->tlsa->n_records; i++)
			audit_change_remove(
			    change, name, "TLSA", host->tlsa->records[i].text);
		auditing_add(
		    d->out, AUDIT_RULE_DANE_INSECURE, name, host->name, change);
		return;
	}
	for (size_t i = 0; i < host->tlsa->n_records; i++)
		audit_tlsa(d, name, host->tlsa->records[i].text);
}

void
auditing_dane(struct auditing *d)
{
	/* arpa is signed (RFC 9120), so the answer shows whether the resolver
	 * validates DNSSEC */
	const struct dns_answer *arpa = auditing_ask(d, SPAN("arpa"), DNS_NS);
	struct audit_host *hosts = d->hosts;
	bool any = false;

	d->out->validates = arpa->is_secure;
	for (size_t i = 0; i < d->out->n_hosts; i++) {
		audit_tlsa_of(d, &hosts[i]);
		any |= hosts[i].tlsa->state == DNS_FOUND;
	}
	if (any && !d->out->validates)
		auditing_add(d->out, AUDIT_RULE_DNSSEC_UNKNOWN, d->out->domain,
		    SPAN_NONE, NULL);
}

void
auditing_dnssec(struct auditing *d)
{
	struct audit_domain *out = d->out;
	struct span name = auditing_name(d->a, "default._bimi", out->domain);
	const struct dns_answer *bimi = auditing_ask(d, name, DNS_TXT);

	if (out->validates && !d->txt->is_secure && !d->mx->is_secure &&
	    d->txt->state != DNS_FAILED && !out->is_parked)
		auditing_add(out, AUDIT_RULE_DNSSEC_ABSENT, out->domain,
		    SPAN_NONE, NULL);
	for (size_t i = 0; i < bimi->n_records && !out->is_enforced; i++)
		if (span_starts_nocase(bimi->records[i].text, "v=BIMI1")) {
			auditing_add(
			    out, AUDIT_RULE_BIMI_POLICY, name, SPAN_NONE, NULL);
			return;
		}
}

/* ---- the certificate of a host ---- */

/* Builds the change that publishes a record for the host's own key. */
static const struct audit_change *
renewed_change(struct arena *a, const struct audit_host *host,
    const struct audit_smtp *smtp)
{
	static const char hex[] = "0123456789abcdef";
	struct span name = auditing_name(a, "_25._tcp", host->name);
	struct audit_change *change = audit_change_new(a);
	struct buf b = buf_alloc(a, SHA256_DIGITS + 16);
	char hash[CERTIFICATE_HASH_MAX];
	size_t n = smtp->n_chain > 0
	    ? certificate_hash(smtp->chain[0].key, false, hash)
	    : 0;

	if (n == 0)
		return NULL;
	buf_text(&b, "3 1 1 ");
	for (size_t i = 0; i < n; i++) {
		buf_byte(&b, hex[(unsigned char)hash[i] >> 4]);
		buf_byte(&b, hex[(unsigned char)hash[i] & 15]);
	}
	for (size_t i = 0; i < host->tlsa->n_records; i++)
		audit_change_remove(
		    change, name, "TLSA", host->tlsa->records[i].text);
	audit_change_publish(change, name, "TLSA", buf_view(&b));
	return change;
}

static void
audit_dane_match(struct audit_domain *d, struct arena *a,
    const struct audit_host *host, const struct audit_smtp *smtp)
{
	bool usable = false;

	for (size_t i = 0; i < host->tlsa->n_records; i++) {
		struct tlsa t;

		if (!tlsa_read(host->tlsa->records[i].text, &t) ||
		    t.usage < USAGE_TA)
			continue;
		usable = true;
		if (dane_matches(host->tlsa->records[i].text, smtp->chain,
			smtp->n_chain))
			return;
	}
	if (usable && smtp->n_chain == 0)
		d->is_unsure = true; /* no certificate could be read */
	else if (usable)
		auditing_add(d, AUDIT_RULE_DANE_MISMATCH, host->name,
		    host->name, renewed_change(a, host, smtp));
}

void
audit_smtp_host(struct audit_domain *d, struct arena *a,
    const struct audit_host *host, const struct audit_smtp *smtp,
    bool sts_is_enforced)
{
	if (smtp->failure != NULL) {
		auditing_add(d, AUDIT_RULE_SMTP_CONNECT, host->name,
		    span_str(smtp->failure), NULL);
		return;
	}
	if (!smtp->has_tls) {
		auditing_add(
		    d, AUDIT_RULE_SMTP_NO_TLS, host->name, SPAN_NONE, NULL);
		return;
	}
	if (smtp->untrusted != NULL)
		auditing_add(d,
		    sts_is_enforced ? AUDIT_RULE_SMTP_CERTIFICATE_ENFORCED
				    : AUDIT_RULE_SMTP_CERTIFICATE,
		    host->name, span_str(smtp->untrusted), NULL);
	/* the domain's records must match even if our resolver cannot validate
	 * them */
	audit_dane_match(d, a, host, smtp);
}
