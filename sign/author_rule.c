#include "sign/author_rule.h"

#include <string.h>

#include "lib/domain.h"
#include "mail/address.h"

static bool
is_plain(unsigned char c)
{
	return c > ' ' && c != 0x7f && strchr("()<>[]:;@\\,\"", c) == NULL;
}

/*
 * Returns a local part without quotes, for comparison: "ceo"@example.com equals
 * ceo@example.com.  Returns an absent span if it has comments or white space,
 * or memory ran out.
 */
static struct span
plain_local(struct arena *a, struct span local)
{
	struct span inside = span_skip(local, 1);
	struct buf b;

	if (local.n == 0 || span_all(local, is_plain))
		return local;
	if (local.n < 2 || local.p[0] != '"' || local.p[local.n - 1] != '"')
		return SPAN_NONE;
	inside.n--;
	b = buf_alloc(a, local.n);
	for (size_t i = 0; i < inside.n; i++) {
		if (inside.p[i] == '\\' && ++i == inside.n)
			return SPAN_NONE;
		buf_byte(&b, inside.p[i]);
	}
	return b.full ? SPAN_NONE : buf_view(&b);
}

/* Whether `text`, an envelope address or a login, equals local@domain. */
static bool
is_address(
    struct arena *a, struct span text, struct span local, struct span domain)
{
	struct span its_local;
	struct span its_domain =
	    domain_normal(a, mail_envelope_domain(text, &its_local));

	return its_domain.n > 0 && domain_equal(its_domain, domain) &&
	    span_equal_nocase(plain_local(a, its_local), local);
}

/* Whether the login equals local@domain.  Unlike MAIL FROM, a login has no
 * other forms: no route, no brackets, no "%". */
static bool
is_login(const struct author_rule *r, struct arena *a, struct span local,
    struct span domain)
{
	size_t at = span_rindex(r->login, '@');
	struct span its_domain = domain_normal(a, span_skip(r->login, at + 1));

	return at < r->login.n && domain_equal(its_domain, domain) &&
	    span_equal_nocase(plain_local(a, span_first(r->login, at)), local);
}

static bool
login_allows(const struct author_rule *r, struct arena *a, struct span local,
    struct span domain)
{
	return is_login(r, a, local, domain) ||
	    (r->senders != NULL &&
		senders_allow(r->senders, local, domain, r->login));
}

static bool
address_allowed(const struct author_rule *r, struct arena *a,
    const struct mail_address *author)
{
	struct span domain = domain_normal(a, author->domain);
	struct span local = plain_local(a, author->local);

	if (domain.n == 0 || local.n == 0)
		return false;
	switch (r->rule) {
	case CONF_AUTHOR_ENVELOPE:
		/* users send read receipts with the null sender */
		return r->sender.n > 0 ? is_address(a, r->sender, local, domain)
				       : login_allows(r, a, local, domain);
	case CONF_AUTHOR_LOGIN:
		return login_allows(r, a, local, domain);
	case CONF_AUTHOR_ANY:
		break;
	}
	return login_allows(r, a, local, domain) ||
	    (r->senders == NULL && is_address(a, r->sender, local, domain));
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
	return from < h->n && field_allowed(r, a, h->fields[from].value);
}

bool
author_rule_allows_list(
    const struct author_rule *r, struct span list, struct arena *a)
{
	struct span domain = list;

	if (r->login.n == 0)
		return true;
	switch (r->rule) {
	case CONF_AUTHOR_ENVELOPE:
		domain =
		    domain_normal(a, mail_envelope_domain(r->sender, NULL));
		return domain.n > 0 &&
		    (domain_equal(list, domain) ||
			domain_is_under(list, domain));
	case CONF_AUTHOR_LOGIN:
		for (; r->senders != NULL && domain.n > 0;
		     domain = domain_parent(domain))
			if (senders_allow(
				r->senders, SPAN(""), domain, r->login))
				return true;
		return false;
	case CONF_AUTHOR_ANY:
		break;
	}
	return true;
}
