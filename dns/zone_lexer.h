/*
 * zone_lexer.h - splits a master file into entries (RFC 1035 section 5.1):
 * joins lines inside parentheses and removes comments.  Private to dns/.
 */
#ifndef AVOUCH_DNS_ZONE_LEXER_H
#define AVOUCH_DNS_ZONE_LEXER_H

#include "dns/zone.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum zone_lexer_status {
	ENTRY_ONE,  /* an entry, or a comment line ";!..." */
	ENTRY_END,  /* the end of the file */
	ENTRY_LONG, /* more than DNS_ZONE_ENTRY_MAX bytes */
	ENTRY_OPEN, /* an unbalanced quote or parenthesis */
	ENTRY_NUL,  /* a NUL byte */
};

struct zone_lexer {
	struct scan text;
	unsigned long next; /* the number of the current line of `text` */
	unsigned long line; /* the number of the first line of `entry` */
	struct buf entry;   /* as one line without comments; a C string */
	char memory[DNS_ZONE_ENTRY_MAX];
};

void zone_lexer_begin(struct zone_lexer *r, struct span text);
enum zone_lexer_status zone_lexer_next(struct zone_lexer *r);

#endif
