/*
 * domain.h - `avouch audit DOMAIN`: does the domain's mail arrive, and can
 * others send mail in its name?
 *
 * A pure core in two parts.  audit_domain() queries DNS and adds findings;
 * audit_domain_grade() derives two grades from all findings.  Between the two
 * calls, the command makes the HTTPS and SMTP connections, and sts.h and dane.h
 * check their results.
 *
 * A hint never lowers a grade.  A failed DNS question is never a finding.  It
 * is listed, and if a grade could depend on it, no grades are set.
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
	AUDIT_GIVEN_MAX = 32,  /* selectors or addresses passed in */
	AUDIT_KEYS_MAX = 160,  /* selectors queried */
	AUDIT_HOSTS_MAX = 20,  /* MX hosts checked */
	AUDIT_FAILED_MAX = 64, /* failed questions listed */
};

/* A selector in use, according to received reports or our own keys. */
struct audit_seen {
	struct span selector;
	int64_t created; /* seconds since 1970; 0: unknown */
	int64_t last;    /* time of the last report in which it passed; 0: in
	                    none */
};

/* Facts from receivers' reports about the domain. */
struct audit_reports {
	int64_t none_since; /* start of the period in which all reports state
	                       p=none, in seconds since 1970; 0: the latest
	                       report does not state p=none */
	bool none_always;   /* no report is older than `none_since` */
	/* the members below cover the last AUDIT_REPORT_DAYS days */
	uint64_t messages;
	uint64_t failed; /* neither SPF nor DKIM passes with alignment */
	uint64_t mixed;  /* those in `failed` from addresses that also send mail
	                    that passes */
};

enum { AUDIT_REPORT_DAYS = 30 };

struct audit_query {
	struct span domain;           /* as typed by the user */
	const struct span *selectors; /* from the user; each must have a key */
	size_t n_selectors;
	const struct audit_seen *seen;
	size_t n_seen;
	const struct ip *outgoing; /* addresses that send mail for the domain */
	size_t n_outgoing;
	const struct ip *passing; /* addresses that passed SPF according to
	                             receivers' reports */
	size_t n_passing;
	struct audit_reports reports;
	const struct span *bounced; /* addresses that rejected our reports */
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
	int64_t created; /* seconds since 1970; 0: unknown */
	struct explain_key key;
};

struct audit_host { /* an MX host */
	struct span name;
	unsigned preference;
	const struct dns_answer *a, *aaaa, *tlsa;
	bool is_secure; /* the MX and TLSA records are validated with DNSSEC */
};

struct audit_failure { /* a failed DNS question */
	struct span name;
	enum dns_type type;
	enum dns_error fault;
};

struct audit_domain {
	struct span domain; /* normal form; absent: not a valid domain name */
	bool sends_mail; /* true unless the domain is known to send no mail */
	bool is_parked;  /* sends no mail, accepts no mail, and has p=reject */
	bool validates;  /* the resolver checks DNSSEC */
	bool has_sts;    /* the domain has exactly one MTA-STS record, and it
	                    is valid */
	bool has_tls_report;
	bool is_enforced; /* the DMARC policy is quarantine or reject */
	struct span sts_id;
	int64_t now; /* time of the query */
	struct spf_lint spf;
	struct dmarc_lint dmarc;
	const struct audit_key *keys; /* keys that have a record */
	size_t n_keys;
	const struct audit_host *hosts;
	size_t n_hosts;
	const char *services[AUDIT_GIVEN_MAX]; /* services that the SPF record
	                                          includes */
	size_t n_services;
	struct audit_findings findings;
	struct audit_failure failures[AUDIT_FAILED_MAX];
	size_t n_failures;
	bool is_unsure; /* a grade may depend on a failed question, so no grades
	                   are set */
	char arrive, spoof; /* 'A' (best) to 'F'; '-': no grade */
};

/*
 * Returns CORE_WAIT if answers are missing: call again with the same arguments
 * when they have arrived.  Strings point into `a`, `q` or `questions`.  If `a`
 * is full, findings.cut is set.
 */
enum core_status audit_domain(const struct audit_query *q,
    struct dns_questions *questions, struct arena *a, struct audit_domain *out);

/* Sorts the findings and sets the grades.  Call it last. */
void audit_domain_grade(struct audit_domain *d);

#endif
