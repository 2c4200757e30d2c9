/*
 * providers.h - requirements of large receivers, as data: one row per rule,
 * with the SMTP reply and the date of the text that states it.
 */
#ifndef AVOUCH_AUDIT_MESSAGE_PROVIDERS_H
#define AVOUCH_AUDIT_MESSAGE_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

enum audit_fault {                   /* problems with a message */
	AUDIT_FAULT_UNAUTHENTICATED, /* neither SPF nor DKIM passes */
	AUDIT_FAULT_SPF_REFUSES,  /* SPF fails under "-all", and DKIM does not
	                             pass */
	AUDIT_FAULT_DMARC_POLICY, /* fails DMARC, and the policy is not none */
	AUDIT_FAULT_SPF,          /* SPF does not pass */
	AUDIT_FAULT_DKIM,         /* no signature passes */
	AUDIT_FAULT_NO_DMARC,     /* the From domain has no DMARC record */
	AUDIT_FAULT_UNALIGNED,    /* no aligned identifier passes */
	AUDIT_FAULT_SMALL_KEY,    /* the key of a valid signature has fewer than
	                             1024 bits */
	AUDIT_FAULT_PTR,          /* the client has no forward-confirmed name */
	AUDIT_FAULT_PTR_GENERIC,  /* the client has a generic name, assigned by
	                             its network */
	AUDIT_FAULT_TLS,          /* the last hop was not encrypted */
	AUDIT_FAULT_FROM,         /* not exactly one valid From address */
	AUDIT_FAULT_MESSAGE_ID,
	AUDIT_FAULT_DATE,
	AUDIT_FAULT_DUPLICATE,   /* a field that may appear only once appears
	                            twice */
	AUDIT_FAULT_EIGHT_BIT,   /* non-ASCII bytes in the header */
	AUDIT_FAULT_UNSUBSCRIBE, /* bulk mail without one-click unsubscribe */
	AUDIT_FAULT_UNSUBSCRIBE_UNSIGNED, /* the List-Unsubscribe fields are not
	                                     signed */
	AUDIT_FAULT_TEMPORARY,            /* the receiver's DNS lookup failed */
	AUDIT_FAULT_SPF_RECORD, /* the SPF record is broken, or allows nearly
	                           everyone */
	AUDIT_FAULT_SPF_BROKEN,
	AUDIT_FAULT_NULL_MX,
	AUDIT_FAULT_NO_DOMAIN,    /* a sender's domain does not exist */
	AUDIT_FAULT_NO_MAIL,      /* replies to From cannot be delivered */
	AUDIT_FAULT_ENCODED_WORD, /* an encoded word where none is allowed */
	AUDIT_FAULTS,
};

struct audit_provider_rule {
	enum audit_fault fault;
	const char *provider; /* "Gmail" */
	const char *area;     /* the provider's name for scripts: "gmail" */
	const char *reply;  /* "550 5.7.26"; NULL: there is no specific code */
	const char *reply2; /* another reply for the same fault, or NULL */
	const char *date;   /* date of the provider's text: "2026-02-12" */
	bool is_bulk;       /* applies only to bulk senders */
	bool is_advice;     /* the provider does not reject mail for this, so a
	                       finding is at most a warning */
};

extern const struct audit_provider_rule audit_provider_rules[];
extern const size_t audit_n_provider_rules;

struct audit_fault_text {
	const char *id;   /* "unauthenticated" */
	const char *text; /* what is wrong; %v as in finding.h */
	const char *fix;
};

const struct audit_fault_text *audit_fault_text(enum audit_fault fault);

#endif
