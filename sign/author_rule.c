#include "sign/author_rule.h"

#include "lib/domain.h"
#include "mail/address.h"

/* Whether `text`, an envelope address or a login, is that address. */
static bool
is_address(
    struct arena *a, struct span text, struct span local, struct span domain)
{
	struct span its_local;
	struct span its_domain =
	    domain_normal(a, mail_envelope_domain(text, &its_local));

	return its_domain.n > 0 && domain_equal(its_domain, domain) &&
	    span_equal_nocase(its_local, local);
}

static bool
login_allows(const struct author_rule *r, struct arena *a, struct span local,
    struct span domain)
{
	return is_address(a, r->login, local, domain) ||
	    (r->senders != NULL &&
		senders_allow(r->senders, local, domain, r->login));
}

static bool
address_allowed(const struct author_rule *r, struct arena *a,
    const struct mail_address *author)
{
	struct span domain = domain_normal(a, author->domain);

	if (domain.n == 0)
		return false;
	switch (r->rule) {
	case CONF_AUTHOR_ENVELOPE:
		return is_address(a, r->sender, author->local, domain);
	case CONF_AUTHOR_LOGIN:
		return login_allows(r, a, author->local, domain);
	case CONF_AUTHOR_ANY:
		break;
	}
	return login_allows(r, a, author->local, domain) ||
	    (r->senders == NULL &&
		is_address(a, r->sender, author->local, domain));
}

static bool
field_allowed(const struct author_rule *r, struct arena *a, struct span value)
{
	struct mail_address_list list = mail_address_list_of(value, a);
	struct mail_address author;
	bool any = false;

	for (;;) {
		switch (mail_address_next(&list, &author)) {
		case ADDRESS_END:
			return any;
		case ADDRESS_BAD:
			return false;
		case ADDRESS_ONE:
			break;
		}
		if (!address_allowed(r, a, &author))
			return false;
		any = true;
	}
}

bool
author_rule_allows(
    const struct author_rule *r, const struct mail_header *h, struct arena *a)
{
	size_t from = mail_header_find(h, "From", 0);

	if (r->login.n == 0)
		return true;
	if (r->rule == CONF_AUTHOR_ENVELOPE && r->sender.n == 0)
		return true;
	return from < h->n && field_allowed(r, a, h->fields[from].value);
}
