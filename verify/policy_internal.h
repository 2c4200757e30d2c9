/*
 * policy_internal.h - what the parts of the policy share: policy.c decides,
 * policy_match.c compares a message with lists and overrides, policy_reply.c
 * writes reasons and replies.
 */
#ifndef AVOUCH_VERIFY_POLICY_INTERNAL_H
#define AVOUCH_VERIFY_POLICY_INTERNAL_H

#include "verify/policy.h"

enum policy_subject {
	POLICY_AUTHOR,  /* "a.example fails DMARC ..." */
	POLICY_SENDER,  /* the same of the MAIL FROM domain */
	POLICY_MESSAGE, /* `what` is a whole statement about the message */
	POLICY_FROM, /* the same, and why the From field is invalid follows */
};

/*
 * Codes of RFC 7372 section 3. Its section 4 requires X.7.26 if more than one
 * check failed, and a DMARC fail means that neither SPF nor DKIM gave an
 * aligned pass. Its section 5 leaves X.7.0 and X.7.1 for everything without a
 * code of its own.
 */
struct policy_rule {
	const char *name;     /* "dmarc.on_reject": its option, or what the log
	                         calls it if it has none */
	size_t offset;        /* of the option's value in struct conf; 0: the
	                         rule has no option */
	const char *what;     /* for reason and reply */
	const char *reject;   /* enhanced code with 550 */
	const char *tempfail; /* enhanced code with 451 */
	enum policy_subject subject;
	bool is_dmarc_policy; /* applies the policy of the domain's owner */
};

struct policy_context {
	const struct conf *c;
	const struct policy_input *f;
	struct arena *a;
	struct policy_decision *out;
	const struct policy_rule *rule; /* that decides; NULL: none applies */
	enum conf_action action;        /* of `rule` */
	unsigned rejecting;             /* rules that ask to reject */
	enum dmarc_policy asked;        /* by the author domain's owner */
	enum conf_action dmarc;         /* the action if only this counted */
	enum policy_override why; /* why it differs from the published policy */
	struct indirect_evidence
	    evidence;             /* that decided; without `what`: none */
	const char *not_enforced; /* why nothing is; NULL: it is */
};

/* The action with the higher severity wins. */
int policy_severity(enum conf_action action);
bool policy_refuses(enum conf_action action);

/*
 * The first override that matches and still applies, or NULL; `expired`, set
 * beforehand to NULL: the first one before it that no longer does.
 */
const struct conf_override *policy_find_override(const struct conf *c,
    const struct policy_input *f, int64_t now,
    const struct conf_override **expired);

/* The domain that a rule is about; absent: none is known. */
struct span policy_subject(
    const struct policy_input *f, enum policy_subject subject);

/* Rule, reason and, for a refusal, the reply; false: no room in the arena. */
bool policy_write(struct policy_context *p);

#endif
