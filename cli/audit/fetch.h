/*
 * fetch.h - the two connections that `avouch audit` makes besides DNS queries:
 * HTTPS to the policy host of MTA-STS, and SMTP to an MX host.  In this
 * directory, only fetch.c uses libcurl.
 *
 * Addresses come from our own DNS answers, so --zone and --nameserver apply to
 * these connections too.  Redirects, cookies, proxies and local files are not
 * used.
 */
#ifndef AVOUCH_CLI_AUDIT_FETCH_H
#define AVOUCH_CLI_AUDIT_FETCH_H

#include <stdbool.h>

#include "audit/domain/dane.h"
#include "audit/domain/sts.h"
#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"

enum {
	FETCH_SECONDS = 10,      /* time limit for a whole connection */
	FETCH_ADDRESSES_MAX = 4, /* addresses tried per host */
	FETCH_WHY_MAX = 256,
};

struct fetch_host {
	struct span name;
	struct ip addresses[FETCH_ADDRESSES_MAX];
	size_t n;
};

struct fetch_policy {
	struct span text;        /* absent if it could not be fetched */
	char why[FETCH_WHY_MAX]; /* the reason, if `text` is absent */
};

/* Fetches https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 section
 * 3.3); `host` is mta-sts.DOMAIN.  The text is allocated in `a`.  Returns false
 * if memory ran out. */
bool fetch_sts_policy(
    const struct fetch_host *host, struct arena *a, struct fetch_policy *out);

/* Sends EHLO, STARTTLS, NOOP and QUIT to port 25.  Certificates and strings are
 * allocated in `a`.  Returns false if memory ran out. */
bool fetch_smtp(
    const struct fetch_host *host, struct arena *a, struct audit_smtp *out);

#endif
