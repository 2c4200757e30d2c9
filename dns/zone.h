/*
 * zone.h - answers from an RFC 1035 master file.
 *
 * It answers at once, as a recursive resolver would: CNAMEs followed (8 at
 * most, loops are DNS_FAILED), wildcards (RFC 4592), NXDOMAIN told from NODATA
 * (a name with names below it exists, RFC 8020).  Any name may be in the file;
 * no SOA is needed (an answer "no" then has a TTL of 0).  Comment lines of
 * these forms make the answer to one question what recorder.h has seen, NAME
 * being absolute; TYPE may be ANY:
 *
 *	;!failed NAME TYPE FAULT	FAULT as dns_error_name()
 *	;!nxdomain NAME TYPE		though names below it may exist
 *	;!nodata NAME TYPE
 *	;!alias NAME TYPE TARGET	where a chain of CNAMEs had ended
 *	;!stale NAME TYPE
 */
#ifndef AVOUCH_DNS_ZONE_H
#define AVOUCH_DNS_ZONE_H

#include <stddef.h>

#include "dns/source.h"

enum {
	DNS_ZONE_FILE_MAX = 64 << 20, /* bytes read of one file */
	DNS_ZONE_ENTRY_MAX = 65000,   /* bytes of one entry, its lines joined */
	DNS_ZONE_CHAIN_MAX = 8,       /* CNAMEs followed for one question */
};

/* NULL: `error` says why in one line with file, line and cure. */
struct dns_source *dns_zone_open(const char *path, char *error, size_t size);

/* The same of a text in memory; `name` stands for the file in errors. */
struct dns_source *dns_zone_parse(
    const char *name, struct span text, char *error, size_t size);

#endif
