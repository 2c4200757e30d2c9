/*
 * policy_internal.h - declarations shared by policy.c (decides), policy_match.c
 * (compares a message with lists and overrides) and policy_reply.c (writes
 * reasons and replies).
 */
#ifndef AVOUCH_VERIFY_POLICY_INTERNAL_H
#define AVOUCH_VERIFY_POLICY_INTERNAL_H

#include "verify/policy.h"

enum policy_subject {
	POLICY_AUTHOR,  /* the author domain: "a.example fails DMARC ..." */
	POLICY_SENDER,  /* like POLICY_AUTHOR, but with the MAIL FROM domain */
	POLICY_MESSAGE, /* `what` is a complete sentence about the message */
	POLICY_FROM, /* like POLICY_MESSAGE, followed by why the From field is
	                invalid */
};

/*
 * The codes are from RFC 7372 section 3.  Section 4 requires X.7.26 if more
 * than one check failed, and a DMARC fail means that neither SPF nor DKIM gave
 * an aligned pass.  Section 5 leaves X.7.0 and X.7.1 for everything else.
 */
struct policy_rule {
	const char *name; /* its option, such as "dmarc.on_reject", or its name
	                     in the log if it has none */
	size_t offset;    /* offset of the option's value in struct conf; 0: the
	                     rule has no option */
	const char *what; /* used in the reason and the reply */
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
	/* the deciding rule; NULL: none applies */
	const struct policy_rule *rule;
	enum conf_action action; /* the action of `rule` */
	unsigned rejecting;      /* number of rules that propose to reject */
	enum conf_action dmarc;  /* the action if DMARC alone decided */
	/* why the action differs from the published policy */
	enum policy_override why;
	/* the evidence that decided; none if `what` is NULL */
	struct indirect_evidence evidence;
	/* why the decision is not enforced; NULL: it is */
	const char *not_enforced;
};

/* Returns the severity of an action; the most severe action wins. */
int policy_severity(enum conf_action action);
bool policy_refuses(enum conf_action action);

/*
 * Returns the first override that matches and has not expired, or NULL.  Sets
 * `expired`, which must be NULL on entry, to the first matching but expired
 * override that precedes the returned one.
 */
const struct conf_override *policy_find_override(const struct conf *c,
    const struct policy_input *f, int64_t now,
    const struct conf_override **expired);

/* Returns the domain that a rule is about; absent if unknown. */
struct span policy_subject(
    const struct policy_input *f, enum policy_subject subject);

/* Writes the rule, the reason and, for a refusal, the reply.  Returns false if
 * the arena is full. */
bool policy_write(struct policy_context *p);

#endif
