/*
 * policy.h - decides what to do with a message, and by which rule (RFC 9989
 * sections 5.4 and 7.4; RFC 7372 for the codes).
 *
 * A pure function of facts that can be stored, so that the mail of earlier days
 * can be evaluated again with another configuration (`avouch policy replay`).
 */
#ifndef AVOUCH_VERIFY_POLICY_H
#define AVOUCH_VERIFY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/arc.h"
#include "dkim/dkim.h"
#include "dmarc/dmarc.h"
#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "spf/spf.h"
#include "conf/conf.h"

enum {
	POLICY_TEXT_MAX = 400,    /* bytes of a reply's text */
	POLICY_SETTINGS_MAX = 24, /* options that one decision can read */
	POLICY_EVIDENCE_MAX = 3,  /* at most one of each kind */
};

/* The text of a reply when memory has run out. */
#define POLICY_NO_MEMORY                                                       \
	"the mail filter cannot check this message right now; try again later"

struct policy_input {
	/* the client and the identities */
	struct ip client;   /* IP_NONE: unknown; 127.0.0.1 for mail submitted on
	                       this host without SMTP */
	bool trusted_mta;   /* the client is in trusted_mtas */
	bool authenticated; /* the client logged in (SMTP AUTH or a client
	                       certificate) */
	struct span mail_from_domain; /* in normal form; absent: null sender */
	const struct span *recipient_domains; /* distinct */
	size_t n_recipient_domains;
	const struct span *from_domains; /* author domains */
	size_t n_from_domains;
	/* domains of the signatures that pass */
	const struct span *dkim_domains;
	size_t n_dkim_domains;
	struct span list_id; /* absent: no List-Id */
	bool is_list; /* the header claims that this is list mail, by a list
	                 field or by Precedence: list */

	/* The mailing list field (RFC 9989 section 7.4), and the domain that
	 * authenticates it. */
	const char *list_field; /* "List-Id", "List-Post" or "Mailing-List": the
	                           field that counts, or the first one if none
	                           does; NULL: none names a domain */
	struct span list_domain; /* the domain in that field, in normal form */
	struct span list_by;     /* the domain that passed SPF or DKIM and is
	                            related to list_domain (dmarc/dmarc.h); absent:
	                            none, so the field is only a claim */

	/* results */
	const char *from_fault; /* why the From field is invalid (`reason` of
	                           struct mail_from); NULL: the field is valid,
	                           or belongs to a bounce and names no domain */
	bool header_over_limit; /* the header has too many fields or bytes to be
	                           checked */
	enum spf_code spf;      /* the result for MAIL FROM */
	struct span spf_explanation;
	enum dkim_code dkim; /* the best result of all signatures */
	enum arc_code arc;
	/* the sealer of the newest set, if the chain passes */
	struct span arc_sealer;
	bool arc_dmarc_pass; /* the AAR of that sealer says dmarc=pass */
	enum dmarc_code dmarc;
	struct span dmarc_domain; /* the author domain that has this result */
	enum dmarc_policy dmarc_policy;      /* published */
	enum dmarc_policy dmarc_disposition; /* requested, after t=y */
	bool overload;     /* this host lacked resources (memory, time, DNS
	                      questions, working resolvers), which cut short a check
	                      that could have changed the verdict */
	bool evidence_cut; /* because of the overload, it is unknown whether
	                      evidence of indirect mail counts */
};

/* Why the published policy was not applied: RFC 9990's PolicyOverrideType. */
enum policy_override {
	POLICY_OVERRIDE_NONE,
	POLICY_OVERRIDE_LOCAL,     /* "local_policy" */
	POLICY_OVERRIDE_LIST,      /* "mailing_list" */
	POLICY_OVERRIDE_FORWARDER, /* "trusted_forwarder" */
	POLICY_OVERRIDE_TEST,      /* "policy_test_mode" */
	POLICY_OVERRIDE_OTHER,     /* "other" */
};

struct policy_decision {
	enum conf_action action; /* what is done with the message */
	enum conf_action would;  /* the action in enforce mode; same as `action`
	                            if the decision is enforced */
	struct span rule;        /* "dmarc.on_reject", "override NAME",
	                            "skip.network", "default", ... */
	struct span reason;      /* one line of printable ASCII */
	/* the applied disposition, for Authentication-Results and the report */
	enum dmarc_policy disposition;
	/* the disposition in enforce mode */
	enum dmarc_policy would_disposition;
	enum policy_override override;
	unsigned code;        /* 550 or 451; 0: no reply from us */
	const char *enhanced; /* "5.7.26" */
	struct span text;     /* printable ASCII; "%" is not doubled */
	bool skipped; /* sent by one of our users: nothing is enforced */

	/* The options that were read, such as "dmarc.on_reject", in the order
	 * in which they were first read.  No other option affects this message,
	 * except lists of networks or domains that do not match it. */
	const char *settings[POLICY_SETTINGS_MAX];
	size_t n_settings;
	/* the override that decided; valid as long as the configuration is;
	 * NULL: none */
	const struct conf_override *section;
	struct span expired; /* an expired override that would have decided, for
	                        the log; absent: none */
};

/*
 * Whether `client` is in trusted_mtas (RFC 8601 section 5).  `mta_port` is the
 * local port of our MTA for this connection, 0 if unknown.  A client without an
 * address (IP_NONE) is never trusted.
 */
bool policy_trusts_mta(
    const struct conf *c, const struct ip *client, unsigned mta_port);

/*
 * Returns why a message is not checked: "skip.trusted_mta" if another of our
 * MTAs has checked it, "skip.authenticated" or "skip.network" if it is from one
 * of our own users; NULL if it is checked.
 */
const char *policy_skip(const struct conf *c, const struct policy_input *f);

/*
 * Decides what to do with a message.  Strings in `out` are in `a`.  If `a` is
 * exhausted, mail that would be refused or quarantined gets CONF_TEMPFAIL,
 * other mail gets CONF_ACCEPT, and the reason says so.  `now` is in seconds
 * since 1970 (for the expiry of overrides).
 */
void policy_decide(const struct conf *c, const struct policy_input *f,
    int64_t now, struct arena *a, struct policy_decision *out);

/*
 * Returns the action for a message that was not checked at all because memory
 * ran out: CONF_TEMPFAIL if on_overload or any on_temperror refuses mail (and
 * the mode is enforce), else CONF_ACCEPT.
 */
enum conf_action policy_unchecked(const struct conf *c);

/* Evidence of indirect mail (RFC 9989 section 7.4). */
struct indirect_evidence {
	enum policy_override type;
	const char *what;    /* "List-Id", "a trusted forwarder" */
	struct span name;    /* the name in the evidence; may be absent */
	struct span by;      /* for a list: the domain that authenticates it */
	const char *why_not; /* why it does not count; NULL: it counts */
	const char *setting; /* the option that makes it count; NULL if none is
	                        needed */
};

/* Lists all evidence in the message, at most one of each kind; the first that
 * counts decides.  Returns the number of entries. */
size_t policy_indirect_evidence(const struct conf *c,
    const struct policy_input *f,
    struct indirect_evidence out[POLICY_EVIDENCE_MAX]);

/* Whether one of the patterns (conf.h; NULL-terminated) matches the domain. */
bool policy_matches(char *const *patterns, struct span domain);

/* Returns the name in RFC 9990: "local_policy", ... */
const char *policy_override_name(enum policy_override override);

#endif
