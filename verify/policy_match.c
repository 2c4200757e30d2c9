/*
 * policy_match.c - compares a message with the lists and overrides of the
 * configuration, and finds evidence of indirect mail.
 */
#include "verify/policy_internal.h"

#include <string.h>

#include "lib/domain.h"

/* ---- skips ---- */

static bool
in_networks(const struct ip *ip, const struct ip_net *nets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ip_in(ip, &nets[i].ip, nets[i].bits))
			return true;
	return false;
}

bool
policy_trusts_mta(
    const struct conf *c, const struct ip *client, unsigned mta_port)
{
	for (size_t i = 0; i < c->n_trusted_mtas; i++) {
		const struct conf_mta *m = &c->trusted_mtas[i];

		if (ip_in(client, &m->net.ip, m->net.bits) &&
		    (m->port == 0 || m->port == mta_port))
			return true;
	}
	return false;
}

const char *
policy_skip(const struct conf *c, const struct policy_input *f)
{
	if (f->trusted_mta)
		return "skip.trusted_mta";
	if (f->authenticated && c->skip_authenticated)
		return "skip.authenticated";
	if (in_networks(&f->client, c->skip_networks, c->n_skip_networks))
		return "skip.network";
	return NULL;
}

/* ---- overrides ---- */

static bool
matches(const char *pattern, struct span name)
{
	struct span p = span_str(pattern);

	if (span_starts_nocase(p, "**."))
		return domain_is_under(name, span_skip(p, 3));
	if (span_starts_nocase(p, "*."))
		return domain_is_under(name, span_skip(p, 2)) &&
		    !domain_equal(name, span_skip(p, 2));
	return domain_equal(name, p);
}

bool
policy_matches(char *const *patterns, struct span domain)
{
	for (; *patterns != NULL; patterns++)
		if (matches(*patterns, domain))
			return true;
	return false;
}

/* If `every` is set, all names must match, and there must be at least one. */
static bool
matches_names(
    char *const *patterns, const struct span *names, size_t n, bool every)
{
	if (patterns == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		if (policy_matches(patterns, names[i]) != every)
			return !every;
	return every && n > 0;
}

static bool
matches_sender(char *const *patterns, struct span domain)
{
	if (patterns == NULL)
		return true;
	if (domain.p != NULL)
		return policy_matches(patterns, domain);
	for (; *patterns != NULL; patterns++)
		if (strcmp(*patterns, "<>") == 0)
			return true;
	return false;
}

/*
 * An override that lets mail through must match every author and recipient:
 * otherwise an attacker could add a second author to get the first one through
 * (RFC 9989 section 11.5).  For the same reason its from_domain never matches
 * an invalid From field, which may show an author that is not in from_domains.
 * For an override that refuses or quarantines mail, one matching author and
 * one matching recipient are enough.
 */
static bool
override_matches(const struct conf_override *o, const struct policy_input *f)
{
	bool every =
	    policy_severity(o->action) <= policy_severity(CONF_ANNOTATE);

	if (every && o->from_domain != NULL && f->from_fault != NULL)
		return false;
	return matches_names(
		   o->from_domain, f->from_domains, f->n_from_domains, every) &&
	    matches_sender(o->mail_from_domain, f->mail_from_domain) &&
	    matches_names(
		o->dkim_domain, f->dkim_domains, f->n_dkim_domains, false) &&
	    matches_names(o->recipient_domain, f->recipient_domains,
		f->n_recipient_domains, every) &&
	    (o->list_id == NULL ||
		(f->list_id.p != NULL &&
		    policy_matches(o->list_id, f->list_id))) &&
	    (o->n_client == 0 ||
		in_networks(&f->client, o->client, o->n_client));
}

const struct conf_override *
policy_find_override(const struct conf *c, const struct policy_input *f,
    int64_t now, const struct conf_override **expired)
{
	for (size_t i = 0; i < c->n_overrides; i++) {
		const struct conf_override *o = &c->overrides[i];

		if (!override_matches(o, f))
			continue;
		if (!conf_override_expired(o, now))
			return o;
		if (*expired == NULL)
			*expired = o;
	}
	return NULL;
}

/* ---- evidence of indirect mail, RFC 9989 section 7.4 ---- */

static bool
is_trusted_sealer(const struct conf *c, struct span sealer)
{
	char *const *s = c->arc.trusted_sealers;

	for (; s != NULL && *s != NULL; s++)
		if (domain_equal(span_str(*s), sealer))
			return true;
	return false;
}

/* RFC 8617 section 7.2.2: an override because of ARC is reported as
 * local_policy. */
static struct indirect_evidence
arc_evidence(const struct conf *c, const struct policy_input *f)
{
	struct indirect_evidence evidence = {
		.type = POLICY_OVERRIDE_LOCAL,
		.what = "arc=pass with dmarc=pass, sealed by",
		.name = f->arc_sealer,
		.setting = "arc.trusted_sealers",
	};

	if (!f->arc_dmarc_pass) {
		evidence.what = "arc=pass, sealed by";
		evidence.why_not = "its results do not say dmarc=pass";
	} else if (!is_trusted_sealer(c, f->arc_sealer)) {
		evidence.why_not = "arc.trusted_sealers does not list it";
	}
	return evidence;
}

static struct indirect_evidence
list_evidence(const struct policy_input *f)
{
	struct indirect_evidence evidence = {
		.type = POLICY_OVERRIDE_LIST,
		.what = f->list_field,
		.name = f->list_domain,
		.by = f->list_by,
	};

	if (f->list_by.p == NULL)
		evidence.why_not =
		    "it belongs to no domain that passed SPF or DKIM";
	return evidence;
}

size_t
policy_indirect_evidence(const struct conf *c, const struct policy_input *f,
    struct indirect_evidence out[POLICY_EVIDENCE_MAX])
{
	size_t n = 0;

	if (in_networks(
		&f->client, c->trusted_forwarders, c->n_trusted_forwarders))
		out[n++] = (struct indirect_evidence){
			.type = POLICY_OVERRIDE_FORWARDER,
			.what = "a trusted forwarder",
			.setting = "trusted_forwarders",
		};
	if (f->arc == ARC_PASS && f->arc_sealer.p != NULL)
		out[n++] = arc_evidence(c, f);
	if (f->list_field != NULL)
		out[n++] = list_evidence(f);
	return n;
}
