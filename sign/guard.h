/*
 * guard.h - predicts what receivers will find in a message that we sign: is the
 * key published, does SPF pass for our outgoing addresses, will DMARC pass?
 *
 * A pure core that runs after the message was accepted, so it never delays
 * mail.  A failed DNS lookup is not a finding.
 */
#ifndef AVOUCH_SIGN_GUARD_H
#define AVOUCH_SIGN_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/core_status.h"
#include "sign/keys.h"
#include "sign/key_record.h"
#include "spf/spf.h"

struct guard_facts {        /* domains in normal form */
	struct span author; /* domain of From */
	struct span domain; /* d= */
	bool by_list; /* d= is the domain of the mailing list, so it need not be
	                 aligned with the author's domain */
	struct span sender; /* MAIL FROM without "<>"; empty for the null
	                       sender, for which HELO is checked */
	struct span helo;   /* HELO name of our outgoing mail */
	struct span selectors[SIGN_KEYS_PER_DOMAIN];
	struct private_key *keys[SIGN_KEYS_PER_DOMAIN];
	size_t n_keys;
	struct ip outgoing[CONF_OUTGOING_MAX];
	size_t n_outgoing; /* 0: SPF is not checked */
	int64_t now;
};

enum guard_dmarc {
	GUARD_DMARC_UNKNOWN, /* no record or no answer; or DKIM does not pass
	                        and SPF is not checked */
	GUARD_DMARC_BOTH,    /* SPF and DKIM pass and are aligned */
	GUARD_DMARC_ONE,
	GUARD_DMARC_NONE,
};

struct guard_result {
	enum key_fault key_fault; /* what is wrong with the first bad key, or
	                             KEY_FAULT_NONE */
	struct span selector;     /* selector of that key */
	enum spf_code spf; /* the first result for `outgoing` that is not a
	                      pass, or SPF_PASS */
	struct ip spf_ip;  /* the address with that result */
	struct span spf_domain;
	bool strict; /* adkim=s, and d= is not the author's domain */
	enum guard_dmarc dmarc;
};

/* Returns CORE_WAIT if DNS answers are missing: call again when they have
 * arrived.  Strings in `out` point into `f` or into `a`. */
enum core_status guard_check(const struct guard_facts *f,
    struct dns_questions *questions, struct arena *a, struct guard_result *out);

/* ---- messages for the log ---- */

enum { GUARD_FINDINGS_MAX = 12, GUARD_TEXT_MAX = 400 };

struct guard_finding {
	const char *cause; /* for counters: "spf", "long_line" */
	char text[GUARD_TEXT_MAX];
};

/* Returns the number of findings. */
size_t guard_findings(const struct guard_facts *f, const struct guard_result *r,
    struct guard_finding out[GUARD_FINDINGS_MAX]);

/* Like guard_findings(), for flaws in the message itself (enum signer_flaw). */
size_t guard_flaws(unsigned flaws, const char *duplicate,
    struct guard_finding out[GUARD_FINDINGS_MAX]);

#endif
