/*
 * zone.h - answers from an RFC 1035 master file.
 *
 * This source answers immediately, as a recursive resolver would: it follows
 * CNAMEs (at most 8; a loop gives DNS_FAILED), expands wildcards (RFC 4592),
 * and distinguishes NXDOMAIN from NODATA (a name with names below it exists,
 * RFC 8020).  Any name may be in the file; an SOA is not needed (without one,
 * negative answers have a TTL of 0).  Comment lines of these forms, as written
 * by recorder.h, set the answer to one question.  NAME is absolute; TYPE may be
 * ANY:
 *
 * 	;!failed NAME TYPE FAULT	FAULT as in dns_error_name()
 * 	;!nxdomain NAME TYPE		though names below it may exist
 * 	;!nodata NAME TYPE
 * 	;!alias NAME TYPE TARGET	the last name of a chain of CNAMEs
 * 	;!secure NAME TYPE		the answer was validated with DNSSEC
 */
#ifndef AVOUCH_DNS_ZONE_H
#define AVOUCH_DNS_ZONE_H

#include <stddef.h>

#include "dns/source.h"

enum {
	DNS_ZONE_FILE_MAX = 64 << 20, /* bytes read from one file */
	DNS_ZONE_ENTRY_MAX =
	    65000,              /* bytes of one entry, with its lines joined */
	DNS_ZONE_CHAIN_MAX = 8, /* CNAMEs followed for one question */
};

/* Returns NULL on failure; `error` then says in one line what is wrong, with
 * file and line, and how to fix it. */
struct dns_source *dns_zone_open(const char *path, char *error, size_t size);

/* Like dns_zone_open(), but reads `text`; errors use `name` as the file name.
 */
struct dns_source *dns_zone_parse(
    const char *name, struct span text, char *error, size_t size);

#endif
