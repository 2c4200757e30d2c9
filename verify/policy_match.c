#include "verify/policy_parts.h"

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
policy_skip(const struct conf *c, const struct policy_facts *f)
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

/* `every`: none of the names may be left out, and there must be one. */
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
 * What lets mail through must hold for each author and each recipient: else a
 * second one in the message would open the way for the first (RFC 9989 section
 * 11.5).  What holds mail back is met by any of them.
 */
static bool
override_matches(const struct conf_override *o, const struct policy_facts *f)
{
	bool every =
	    policy_severity(o->action) <= policy_severity(CONF_ANNOTATE);

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
policy_find_override(const struct conf *c, const struct policy_facts *f,
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

/* ---- marks of indirect mail, RFC 9989 section 7.4 ---- */

struct mark {
	enum policy_override type; /* POLICY_OVERRIDE_NONE: no mark */
	const char *what;
	struct span name;
};

static bool
is_trusted_sealer(const struct conf *c, struct span sealer)
{
	char *const *s = c->arc.trusted_sealers;

	for (; s != NULL && *s != NULL; s++)
		if (domain_equal(span_str(*s), sealer))
			return true;
	return false;
}

/*
 * RFC 8617 section 7.2.2 has ARC told as local_policy; a listed forwarder is
 * RFC 9990's trusted_forwarder.
 */
struct policy_mark
policy_find_mark(const struct conf *c, const struct policy_facts *f)
{
	if (in_networks(
		&f->client, c->trusted_forwarders, c->n_trusted_forwarders))
		return (struct policy_mark){ POLICY_OVERRIDE_FORWARDER,
			"a trusted forwarder", SPAN_NONE };
	if (f->arc == ARC_PASS && f->arc_dmarc_pass &&
	    f->arc_sealer.p != NULL && is_trusted_sealer(c, f->arc_sealer))
		return (struct policy_mark){ POLICY_OVERRIDE_LOCAL,
			"arc=pass with dmarc=pass, sealed by", f->arc_sealer };
	if (f->list_id.p != NULL)
		return (struct policy_mark){ POLICY_OVERRIDE_LIST, "List-Id",
			f->list_id };
	if (f->is_list)
		return (struct policy_mark){ POLICY_OVERRIDE_LIST,
			"a mailing list's fields", SPAN_NONE };
	return (struct policy_mark){ POLICY_OVERRIDE_NONE, "", SPAN_NONE };
}
