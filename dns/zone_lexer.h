/*
 * zone_lexer.h - the entries of a master file, RFC 1035 section 5.1: lines
 * joined over parentheses, comments cut off.  Private to dns/.
 */
#ifndef AVOUCH_DNS_ZONE_LEXER_H
#define AVOUCH_DNS_ZONE_LEXER_H

#include "dns/zone.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum entry_step {
	ENTRY_ONE,  /* an entry, or a comment ";!..." that stands alone */
	ENTRY_END,  /* no more */
	ENTRY_LONG, /* more than DNS_ZONE_ENTRY_MAX bytes */
	ENTRY_OPEN, /* a quote or a parenthesis is not closed, or not opened */
	ENTRY_NUL,  /* a NUL byte */
};

struct entry_reader {
	struct scan text;
	unsigned long next; /* the number of the line that `text` is at */
	unsigned long line; /* where the last entry began */
	struct buf entry;   /* one line, without a comment; a C string */
	char memory[DNS_ZONE_ENTRY_MAX];
};

void entry_begin(struct entry_reader *r, struct span text);
enum entry_step entry_next(struct entry_reader *r);

#endif
