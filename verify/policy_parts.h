/*
 * policy_parts.h - what the parts of the policy share: policy.c decides,
 * policy_match.c knows whom it is about, policy_text.c says it.
 */
#ifndef AVOUCH_VERIFY_POLICY_PARTS_H
#define AVOUCH_VERIFY_POLICY_PARTS_H

#include "verify/policy.h"

/*
 * Codes by RFC 7372 section 3; its section 4 wants X.7.26 where more than one
 * check failed, and a DMARC fail says that neither SPF nor DKIM gave an aligned
 * pass.  Its section 5 leaves X.7.0 and X.7.1 for what has no code of its own.
 */
struct policy_rule {
	const char *name;     /* the option, "dmarc.on_reject" */
	const char *what;     /* of the message, for reason and reply */
	const char *reject;   /* enhanced code with 550 */
	const char *tempfail; /* enhanced code with 451 */
	enum policy_subject { POLICY_AUTHOR, POLICY_SENDER } subject;
};

/* Marks of indirect mail, RFC 9989 section 7.4. */
struct policy_mark {
	enum policy_override type; /* POLICY_OVERRIDE_NONE: no mark */
	const char *what;
	struct span name; /* may be absent */
};

struct policy_deciding {
	const struct conf *c;
	const struct policy_facts *f;
	struct arena *a;
	struct policy_decision *out;
	const struct policy_rule *rule; /* NULL: none has anything to say */
	enum conf_action action;        /* of `rule` */
	unsigned rejecting;             /* rules that ask to reject */
	enum conf_action dmarc;         /* what DMARC's policy alone comes to */
	enum policy_override why;       /* why that is not what is published */
	struct policy_mark mark;        /* that decided */
	const struct conf_override *override;
	const char *held; /* why nothing is enforced; NULL: it is */
};

/* How far an action goes. */
int policy_severity(enum conf_action action);
bool policy_refuses(enum conf_action action);

/*
 * The first override that matches and still applies, or NULL; `expired`, set
 * beforehand to NULL: the first one before it that no longer does.
 */
const struct conf_override *policy_find_override(const struct conf *c,
    const struct policy_facts *f, int64_t now,
    const struct conf_override **expired);

struct policy_mark policy_find_mark(
    const struct conf *c, const struct policy_facts *f);

/* The author's domain, as far as there is one. */
struct span policy_author(const struct policy_facts *f);

/* Rule, reason and, for a refusal, the reply; false: no room in the arena. */
bool policy_write(struct policy_deciding *d);

#endif
