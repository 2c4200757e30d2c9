/*
 * author_rule.h - may this login write as this author?  (sign.author,
 * sign.senders)
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
	const struct senders *senders; /* NULL: none */
	struct span login;             /* absent: the client did not log in */
	struct span sender;            /* MAIL FROM without "<>" */
};

/*
 * Whether the rule allows every author of `h`.  Without a login it always does,
 * and with CONF_AUTHOR_ENVELOPE for the null sender.  With CONF_AUTHOR_ANY the
 * result only goes into the log: false means that `senders` does not list the
 * login for the author, or without `senders` that the author is neither the
 * login nor MAIL FROM.
 */
bool author_rule_allows(
    const struct author_rule *r, const struct mail_header *h, struct arena *a);

/*
 * Whether the login may send mail of others for the mailing list `list`, a
 * domain: by CONF_AUTHOR_LOGIN, `senders` lists it for "@" and that domain or
 * one above it; by CONF_AUTHOR_ENVELOPE, the domain of MAIL FROM is one of
 * these.
 */
bool author_rule_allows_list(
    const struct author_rule *r, struct span list, struct arena *a);

#endif
