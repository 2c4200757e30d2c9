/*
 * check_internal.h - declarations that the parts of host_check() share.
 */
#ifndef AVOUCH_HOST_CHECK_INTERNAL_H
#define AVOUCH_HOST_CHECK_INTERNAL_H

#include "host/check.h"

struct host_checking {
	const struct conf *conf;
	FILE *errors, *warnings;
	bool failed;
};

/* Write a line about an option.  An error makes the check fail; a warning does
 * not. */
void host_check_error(struct host_checking *h, const char *section,
    const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void host_check_warning(struct host_checking *h, const char *section,
    const char *name, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ---- check_dns.c ---- */

void host_check_resolvers(struct host_checking *h);

#endif
