/*
 * dane.h - checks what an MX host presented over SMTP: its certificate against
 * its TLSA records (RFC 7672) and the rules of MTA-STS (RFC 8461 section 4.2).
 */
#ifndef AVOUCH_AUDIT_DOMAIN_DANE_H
#define AVOUCH_AUDIT_DOMAIN_DANE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audit/domain/domain.h"
#include "lib/span.h"

enum {
	DANE_CHAIN_MAX = 8,    /* certificates compared per chain */
	DANE_DATA_MAX = 32768, /* bytes per certificate */
};

struct dane_certificate {
	struct span whole; /* DER */
	struct span key;   /* SubjectPublicKeyInfo in DER */
};

struct audit_smtp {          /* the result of connecting to one MX host */
	const char *failure; /* why connecting failed, or NULL */
	bool has_tls;
	const char *untrusted; /* why the certificate is not trusted for this
	                          host, or NULL */
	struct dane_certificate
	    chain[DANE_CHAIN_MAX]; /* the host's own certificate first */
	size_t n_chain;
};

/* Whether a TLSA record, in the text form of dns/answer.h, matches this
 * chain. */
bool dane_matches(
    struct span tlsa, const struct dane_certificate *chain, size_t n_chain);

/* Adds the findings about one host. */
void audit_smtp_host(struct audit_domain *d, struct arena *a,
    const struct audit_host *host, const struct audit_smtp *smtp,
    bool sts_is_enforced);

#endif
