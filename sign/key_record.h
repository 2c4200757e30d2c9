/*
 * key_record.h - whether a record in DNS is the one of a private key, and what
 * went wrong when it was published.
 *
 * The test is the receiver's: a signature of the private key must be valid with
 * the key of the record, as dkim/ reads it.
 */
#ifndef AVOUCH_SIGN_KEY_RECORD_H
#define AVOUCH_SIGN_KEY_RECORD_H

#include <stddef.h>

#include "dns/answer.h"
#include "lib/buf.h"
#include "sign/private_key.h"

enum key_fault {
	KEY_FAULT_NONE,
	KEY_FAULT_MISSING,     /* no TXT record at this name */
	KEY_FAULT_TRUNCATED,   /* our key, but its end is missing */
	KEY_FAULT_QUOTES,      /* quotation marks are part of the text */
	KEY_FAULT_BACKSLASH,   /* so are backslashes before semicolons */
	KEY_FAULT_TWO_RECORDS, /* ours and another one */
	KEY_FAULT_OTHER_KEY,   /* a valid record of another key */
	KEY_FAULT_REVOKED,     /* p= is empty */
	KEY_FAULT_RESTRICTED,  /* our key, with h=, s= or k= that forbid its
	                          use */
	KEY_FAULT_UNREADABLE,  /* not a key record */
	KEY_FAULT_FAILED,      /* no answer */
	/* By asking other names (RFC 6376 section 3.6.2.1). */
	KEY_FAULT_NO_UNDERSCORE, /* at SELECTOR.domainkey.DOMAIN */
	KEY_FAULT_DOUBLED,       /* at SELECTOR._domainkey.DOMAIN.DOMAIN */
};

/* "truncated", "two-records": for --json and the log. */
const char *key_fault_name(enum key_fault fault);

/* What is wrong and how to fix it, a constant sentence. */
const char *key_fault_text(enum key_fault fault);

/* `answer` to the question for TXT at a name of the key. */
enum key_fault key_record_check(
    const struct private_key *key, const struct dns_answer *answer);

#endif
