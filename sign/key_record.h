/*
 * key_record.h - checks whether a DNS record belongs to a private key, and
 * finds mistakes made when the record was published.
 *
 * It tests what a receiver tests: a signature made with the private key must
 * verify with the key in the record, as parsed by dkim/.
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
	KEY_FAULT_QUOTES,      /* the value contains quotation marks */
	KEY_FAULT_BACKSLASH,   /* the value has backslashes before semicolons */
	KEY_FAULT_TWO_RECORDS, /* our record and at least one other */
	KEY_FAULT_OTHER_KEY,   /* a valid record for a different key */
	KEY_FAULT_REVOKED,     /* p= is empty */
	KEY_FAULT_RESTRICTED,  /* our key, but h=, s= or k= does not allow its
	                          use */
	KEY_FAULT_UNREADABLE,  /* not a key record */
	KEY_FAULT_FAILED,      /* no answer */
	/* found by querying other names (RFC 6376 section 3.6.2.1) */
	KEY_FAULT_NO_UNDERSCORE, /* at SELECTOR.domainkey.DOMAIN */
	KEY_FAULT_DOUBLED,       /* at SELECTOR._domainkey.DOMAIN.DOMAIN */
};

/* Returns "truncated", "two-records" etc., for --json and the log. */
const char *key_fault_name(enum key_fault fault);

/* Returns a constant string that says what is wrong and how to fix it. */
const char *key_fault_text(enum key_fault fault);

/* Checks `answer`, a TXT answer that should contain the key's record. */
enum key_fault key_record_check(
    const struct private_key *key, const struct dns_answer *answer);

#endif
