/*
 * zone_lexer.h - the entries of a master file, RFC 1035 section 5.1: lines
 * joined over parentheses, comments cut off.  Private to dns/.
 */
#ifndef AVOUCH_DNS_ZONE_LEXER_H
#define AVOUCH_DNS_ZONE_LEXER_H

#include "dns/zone.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum zone_lexer_status {
	ENTRY_ONE,  /* an entry, or a comment ";!..." that stands alone */
	ENTRY_END,  /* no more */
	ENTRY_LONG, /* more than DNS_ZONE_ENTRY_MAX bytes */
	ENTRY_OPEN, /* a quote or a parenthesis is not closed, or not opened */
	ENTRY_NUL,  /* a NUL byte */
};

struct zone_lexer {
	struct scan text;
	unsigned long next; /* the number of the line that `text` is at */
	unsigned long line; /* where the last entry began */
	struct buf entry;   /* one line, without a comment; a C string */
	char memory[DNS_ZONE_ENTRY_MAX];
};

void zone_lexer_begin(struct zone_lexer *r, struct span text);
enum zone_lexer_status zone_lexer_next(struct zone_lexer *r);

#endif
