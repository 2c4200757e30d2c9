/*
 * policy.h - decides what is done with a message, and by which rule (RFC 9989
 * sections 5.4 and 7.4, RFC 7372 for the codes).
 *
 * A pure function of facts that can be stored, so that mail of earlier days can
 * be decided again with another configuration (`avouch policy replay`).
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
	POLICY_SETTINGS_MAX = 24, /* options that one decision can consult */
	POLICY_EVIDENCE_MAX = 3,  /* one of each kind */
};

/* The text of a reply if there is no memory for another one. */
#define POLICY_NO_MEMORY                                                       \
	"the mail filter cannot check this message just now, try again later"

struct policy_input {
	/* who */
	struct ip client;   /* IP_NONE: not known; 127.0.0.1 for mail that
	                       was submitted on this host without SMTP */
	bool trusted_mta;   /* the client is in trusted_mtas */
	bool authenticated; /* the client logged in (SMTP AUTH, or cert) */
	struct span mail_from_domain; /* normal form; absent: null sender */
	const struct span *recipient_domains; /* distinct */
	size_t n_recipient_domains;
	const struct span *from_domains; /* author domains */
	size_t n_from_domains;
	const struct span *dkim_domains; /* of the signatures that pass */
	size_t n_dkim_domains;
	struct span list_id; /* absent: no List-Id */
	bool is_list; /* the header claims that it is list mail: by a field, or
	                 only by Precedence: list */

	/* The field of a mailing list (RFC 9989 section 7.4), and the domain
	 * that authenticates it. */
	const char *list_field;  /* "List-Id", "List-Post", "Mailing-List"; of
	                            several the one that counts, else the
	                            first; NULL: none names a domain */
	struct span list_domain; /* the domain in that field, normal form */
	struct span list_by;     /* the domain that passed SPF or DKIM and that
	                            list_domain belongs to (dmarc/dmarc.h);
	                            absent: none, the field is only a claim */

	/* results */
	const char *from_fault; /* why the From field is invalid (mail_from's
	                           reason); NULL: it is not, or it names
	                           nobody in a bounce */
	bool header_over_limit; /* of fields or bytes: it cannot be checked */
	enum spf_code spf;      /* MAIL FROM's */
	enum spf_weakness spf_weakness;
	struct span spf_explanation;
	enum dkim_code dkim; /* the best of all signatures' */
	enum arc_code arc;
	struct span arc_sealer; /* of the newest set, where the chain passes */
	bool arc_dmarc_pass;    /* that sealer's AAR says dmarc=pass */
	enum dmarc_code dmarc;
	struct span dmarc_domain;       /* the author domain that decided */
	enum dmarc_policy dmarc_policy; /* published */
	enum dmarc_policy dmarc_disposition; /* asked for, after t=y */
	bool dmarc_pct_zero;                 /* that record says pct=0 */
	bool overload;     /* we lacked resources (memory, time, DNS questions,
	                      resolvers that answer), which cut a check short that
	                      could have changed the verdict */
	bool evidence_cut; /* for that reason, it is not known whether evidence
	                  of indirect mail counts */
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
	enum conf_action would;  /* what would be done in enforce mode; the same
	                            as `action` if it is enforced */
	struct span rule;        /* "dmarc.on_reject", "override NAME",
	                            "skip.network", "default", ... */
	struct span reason;      /* one line of printable ASCII */
	enum dmarc_policy disposition; /* applied: for the A-R and the report */
	enum dmarc_policy would_disposition; /* the same in enforce mode */
	enum policy_override override;
	unsigned code;        /* 550, 451; 0: we give no reply */
	const char *enhanced; /* "5.7.26" */
	struct span text;     /* printable ASCII, no "%" doubling */
	bool skipped;         /* an own user: nothing is enforced */

	/* The options that were read, "dmarc.on_reject", in this order, each
	 * once.  No other option has an effect on this message, except a list
	 * of networks or domains that does not contain the message's. */
	const char *settings[POLICY_SETTINGS_MAX];
	size_t n_settings;
	const struct conf_override *section; /* the override that decided; it
	                                        lives as long as the
	                                        configuration; NULL: none */
	struct span expired; /* an override that would have decided, had its
	                        last day not passed, to be reported; absent */
};

/*
 * Whether `client` is in trusted_mtas (RFC 8601 section 5).  `mta_port` is the
 * port of our MTA on which it came, 0 if that is not known.  A client without
 * an address (IP_NONE) is never in it.
 */
bool policy_trusts_mta(
    const struct conf *c, const struct ip *client, unsigned mta_port);

/*
 * Why a message is not judged: "skip.trusted_mta" if another MTA of ours judged
 * it already, "skip.authenticated" or "skip.network" if it is of our own users;
 * NULL: it is judged.
 */
const char *policy_skip(const struct conf *c, const struct policy_input *f);

/*
 * Texts live in `a`.  If it is exhausted, the action is CONF_TEMPFAIL for mail
 * that would be refused or quarantined, else CONF_ACCEPT, and the reason says
 * so.  `now` is seconds since 1970 (expiry of overrides).
 */
void policy_decide(const struct conf *c, const struct policy_input *f,
    int64_t now, struct arena *a, struct policy_decision *out);

/*
 * The policy "to be applied after policy options have been processed" (RFC 9989
 * section 9.1): one level below the published one for t=y (`testing`), and for
 * pct=0 if the operator treats that as t=y.
 */
enum dmarc_policy policy_after_options(const struct conf *c,
    enum dmarc_policy published, bool testing, bool pct_zero);

/*
 * The action for a message that was not checked at all, since there was no
 * memory: CONF_TEMPFAIL if on_overload or any on_temperror refuses it (and the
 * mode is enforce), else CONF_ACCEPT.
 */
enum conf_action policy_unchecked(const struct conf *c);

/* Evidence of indirect mail (RFC 9989 section 7.4). */
struct indirect_evidence {
	enum policy_override type;
	const char *what;    /* "List-Id", "a trusted forwarder" */
	struct span name;    /* that it names; may be absent */
	struct span by;      /* of a list: the domain that authenticates it */
	const char *why_not; /* why it does not count; NULL: it counts */
	const char *setting; /* the option that makes it count; NULL: none */
};

/* All evidence of the message, at most one of each kind; the first that counts
 * decides.  Returns how many there are. */
size_t policy_indirect_evidence(const struct conf *c,
    const struct policy_input *f,
    struct indirect_evidence out[POLICY_EVIDENCE_MAX]);

/* One of the patterns (conf.h; NULL-terminated) matches the domain. */
bool policy_matches(char *const *patterns, struct span domain);

/* RFC 9990's name: "local_policy", ... */
const char *policy_override_name(enum policy_override override);

#endif
