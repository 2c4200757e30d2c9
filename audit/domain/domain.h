/*
 * domain.h - audits a domain: does its mail arrive, and can others send mail in
 * its name?  `avouch audit DOMAIN`.
 *
 * A pure core like the checks, in two parts.  audit_domain() asks DNS and adds
 * findings; audit_domain_grade() makes two letters of all findings.  What needs
 * HTTPS or SMTP is fetched by the command in between, and judged in sts.h and
 * dane.h.
 *
 * A hint never lowers a grade.  A DNS question that fails is never a finding:
 * it is listed, and if a grade could depend on it, there are no grades.
 */
#ifndef AVOUCH_AUDIT_DOMAIN_DOMAIN_H
#define AVOUCH_AUDIT_DOMAIN_DOMAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/dkim_explain.h"
#include "audit/dmarc_lint.h"
#include "audit/finding.h"
#include "audit/spf_lint.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/core_status.h"
#include "lib/ip.h"
#include "lib/span.h"

enum {
	AUDIT_GIVEN_MAX = 32,  /* selectors and addresses that are given */
	AUDIT_KEYS_MAX = 160,  /* selectors that are asked for */
	AUDIT_HOSTS_MAX = 20,  /* MX hosts that are checked */
	AUDIT_FAILED_MAX = 64, /* failed questions that are listed */
};

/* A selector in use, by the reports of receivers or our own signing keys. */
struct audit_seen {
	struct span selector;
	int64_t created; /* seconds since 1970; 0: not known */
};

/* What receivers have reported of the domain. */
struct audit_reports {
	int64_t none_since; /* first day (seconds since 1970) from which all
	                       reports state p=none; 0: they do not */
	bool none_always;   /* there is no report of before */
	/* of the last AUDIT_REPORT_DAYS: */
	uint64_t messages;
	uint64_t failed; /* neither SPF nor DKIM passes with alignment */
	uint64_t mixed;  /* of these, from addresses that also send mail that
	                    passes */
};

enum { AUDIT_REPORT_DAYS = 30 };

struct audit_query {
	struct span domain;           /* as a person types it */
	const struct span *selectors; /* given: each must have a key */
	size_t n_selectors;
	const struct audit_seen *seen;
	size_t n_seen;
	const struct ip *outgoing; /* addresses that send the domain's mail */
	size_t n_outgoing;
	const struct ip *passing; /* that passed SPF, by the reports of
	                             receivers */
	size_t n_passing;
	struct audit_reports reports;
	const struct span *bounced; /* addresses that refused our reports */
	size_t n_bounced;
	const struct dkim_options *dkim;
	int64_t now; /* seconds since 1970 */
};

enum audit_key_origin {
	AUDIT_KEY_GIVEN,
	AUDIT_KEY_SEEN,
	AUDIT_KEY_SERVICE, /* used by a service that the SPF record includes */
	AUDIT_KEY_GUESSED,
};

struct audit_key {
	struct span selector;
	enum audit_key_origin origin;
	int64_t created; /* 0: not known */
	struct explain_key key;
};

struct audit_host { /* an MX host */
	struct span name;
	unsigned preference;
	const struct dns_answer *a, *aaaa, *tlsa;
	bool is_secure; /* DNSSEC proves the MX and the TLSA records */
};

struct audit_failure { /* a question that has no answer */
	struct span name;
	enum dns_type type;
	enum dns_error fault;
};

struct audit_domain {
	struct span domain; /* normal form; absent: not a domain name */
	bool sends_mail;    /* not known to send none */
	bool is_parked;     /* sends and accepts no mail, and rejects all */
	bool validates;     /* the resolver checks DNSSEC */
	bool has_sts;       /* it publishes one valid MTA-STS record */
	bool has_tls_report;
	bool is_enforced; /* DMARC asks to quarantine or reject */
	struct span sts_id;
	int64_t now; /* of the query */
	struct spf_lint spf;
	struct dmarc_lint dmarc;
	const struct audit_key *keys; /* those that have a record */
	size_t n_keys;
	const struct audit_host *hosts;
	size_t n_hosts;
	const char
	    *services[AUDIT_GIVEN_MAX]; /* that the SPF record includes */
	size_t n_services;
	struct audit_findings findings;
	struct audit_failure failures[AUDIT_FAILED_MAX];
	size_t n_failures;
	bool is_unsure;     /* a grade may depend on a failure: no grades */
	char arrive, spoof; /* 'A' (best) to 'F'; '-': no grade */
};

/*
 * CORE_WAIT: call again with the same arguments when the answers have arrived.
 * Texts live in `a`, `q` or `questions`.  If `a` is full, findings.cut is set.
 */
enum core_status audit_domain(const struct audit_query *q,
    struct dns_questions *questions, struct arena *a, struct audit_domain *out);

/* Sorts the findings and sets the grades.  Call it last. */
void audit_domain_grade(struct audit_domain *d);

#endif
