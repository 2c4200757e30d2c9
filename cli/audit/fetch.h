/*
 * fetch.h - the two connections that `avouch audit` makes besides DNS: HTTPS to
 * the policy host of MTA-STS, and SMTP to an MX host.  The only file of this
 * room that uses libcurl.
 *
 * Addresses come from our own DNS answers, so that --zone and --nameserver hold
 * for them too.  Nothing is followed or kept: no redirects, cookies, proxies or
 * files.
 */
#ifndef AVOUCH_CLI_AUDIT_FETCH_H
#define AVOUCH_CLI_AUDIT_FETCH_H

#include "audit/domain/dane.h"
#include "audit/domain/sts.h"
#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"

enum {
	FETCH_SECONDS = 10,      /* for each connection, all together */
	FETCH_ADDRESSES_MAX = 4, /* of a host that are tried */
	FETCH_WHY_MAX = 256,
};

struct fetch_host {
	struct span name;
	struct ip addresses[FETCH_ADDRESSES_MAX];
	size_t n;
};

struct fetch_policy {
	struct span text;        /* absent: it could not be fetched */
	char why[FETCH_WHY_MAX]; /* then */
};

/* GET https://mta-sts.DOMAIN/.well-known/mta-sts.txt (RFC 8461 section 3.3);
 * `host` is mta-sts.DOMAIN.  The text lives in `a`. */
void fetch_sts_policy(
    const struct fetch_host *host, struct arena *a, struct fetch_policy *out);

/* EHLO, STARTTLS and QUIT to port 25; certificates live in `a`, and so do the
 * texts. */
void fetch_smtp(
    const struct fetch_host *host, struct arena *a, struct audit_smtp *out);

#endif
