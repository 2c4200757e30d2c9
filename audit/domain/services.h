/*
 * services.h - services that send mail for others: the domain that customers
 * include in their SPF records, and the DKIM selectors that each service uses.
 *
 * Contains only data; services.c names its sources.  The data decides which
 * selectors are queried first; a missing selector is never an error.
 */
#ifndef AVOUCH_AUDIT_DOMAIN_SERVICES_H
#define AVOUCH_AUDIT_DOMAIN_SERVICES_H

#include <stddef.h>

#include "lib/span.h"

enum { AUDIT_SERVICE_SELECTORS_MAX = 4 };

struct audit_service {
	const char *include; /* customers include this domain or one below it */
	const char *name;
	const char *selectors[AUDIT_SERVICE_SELECTORS_MAX]; /* NULL: unused */

	/* All customers share the service's servers, and each can send mail as
	 * any other customer unless the TXT record of LOCK.DOMAIN, which begins
	 * with `lock_text`, restricts that.  NULL: the service does not support
	 * such a record. */
	const char *lock, *lock_text;
};

/* Returns the service that `include` belongs to, or NULL if it is unknown. */
const struct audit_service *audit_service_find(struct span include);

/* Selectors worth querying, terminated by NULL. */
extern const char *const audit_known_selectors[];

#endif
