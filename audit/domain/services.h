/*
 * services.h - services that send mail for others: the domain in the SPF record
 * that belongs to each, and the DKIM selectors that it uses.
 *
 * Only data, each row with its source in services.c.  It decides which
 * selectors are asked first; it never makes an error of an absence.
 */
#ifndef AVOUCH_AUDIT_DOMAIN_SERVICES_H
#define AVOUCH_AUDIT_DOMAIN_SERVICES_H

#include <stddef.h>

#include "lib/span.h"

enum { AUDIT_SERVICE_SELECTORS_MAX = 4 };

struct audit_service {
	const char *include; /* this domain, or one below it */
	const char *name;
	const char *selectors[AUDIT_SERVICE_SELECTORS_MAX]; /* NULL: no more */

	/* All customers share its servers, and one can send as another unless a
	 * TXT record LOCK.DOMAIN that begins with `lock_text` says who may.
	 * NULL: it has no such record. */
	const char *lock, *lock_text;
};

/* The service that `include` belongs to; NULL: not known. */
const struct audit_service *audit_service_find(struct span include);

/* Selectors that are worth asking for; NULL after the last. */
extern const char *const audit_known_selectors[];

#endif
