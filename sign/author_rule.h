/*
 * author_rule.h - decides whether a login may send mail as an author
 * (sign.author, sign.senders).
 */
#ifndef AVOUCH_SIGN_AUTHOR_RULE_H
#define AVOUCH_SIGN_AUTHOR_RULE_H

#include <stdbool.h>

#include "conf/conf.h"
#include "lib/arena.h"
#include "mail/header.h"
#include "sign/senders.h"

struct author_rule {
	enum conf_author rule;
	const struct senders *senders; /* NULL: not set */
	struct span login;             /* absent: the client did not log in */
	struct span sender;            /* MAIL FROM without "<>" */
};

/*
 * Whether the rule allows every author of `h`.  Without a login it always does.
 * CONF_AUTHOR_ENVELOPE works like CONF_AUTHOR_LOGIN for the null sender, which
 * any login may use.  With CONF_AUTHOR_ANY the result is only logged, and false
 * means that `senders` does not list the login for the author or, if there is
 * no `senders`, that the author is neither the login nor MAIL FROM.
 */
bool author_rule_allows(
    const struct author_rule *r, const struct mail_header *h, struct arena *a);

/*
 * Whether the login may send other people's messages through the mailing list
 * `list`, a domain.  With CONF_AUTHOR_LOGIN, `senders` must list the login for
 * "@" and this domain or a parent; with CONF_AUTHOR_ENVELOPE, the domain of
 * MAIL FROM must be this domain or a parent.  With CONF_AUTHOR_ANY, or if the
 * client did not log in, the result is always true.
 */
bool author_rule_allows_list(
    const struct author_rule *r, struct span list, struct arena *a);

#endif
