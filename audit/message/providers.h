/*
 * providers.h - what large receivers demand of a message, as data: one row for
 * each rule, with the SMTP reply and the date of the text that it follows.
 */
#ifndef AVOUCH_AUDIT_MESSAGE_PROVIDERS_H
#define AVOUCH_AUDIT_MESSAGE_PROVIDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

enum audit_fault {                   /* of a message */
	AUDIT_FAULT_UNAUTHENTICATED, /* neither SPF nor DKIM passes */
	AUDIT_FAULT_SPF_REFUSES,  /* fail of "-all", and DKIM does not pass */
	AUDIT_FAULT_DMARC_POLICY, /* fails DMARC with an enforced policy */
	AUDIT_FAULT_SPF,          /* SPF does not pass */
	AUDIT_FAULT_DKIM,         /* no signature passes */
	AUDIT_FAULT_NO_DMARC,     /* the From domain has no DMARC record */
	AUDIT_FAULT_UNALIGNED,    /* what passes is not aligned with From */
	AUDIT_FAULT_SMALL_KEY,   /* the signature that passes has < 1024 bits */
	AUDIT_FAULT_PTR,         /* no forward-confirmed name of the client */
	AUDIT_FAULT_PTR_GENERIC, /* the name is one of a network's clients */
	AUDIT_FAULT_TLS,         /* the last hop was not encrypted */
	AUDIT_FAULT_FROM,        /* not exactly one valid From address */
	AUDIT_FAULT_MESSAGE_ID,
	AUDIT_FAULT_DATE,
	AUDIT_FAULT_DUPLICATE, /* a field that may appear once is there twice */
	AUDIT_FAULT_EIGHT_BIT, /* bytes in the header that are not ASCII */
	AUDIT_FAULT_UNSUBSCRIBE, /* bulk mail without one-click unsubscribe */
	AUDIT_FAULT_UNSUBSCRIBE_UNSIGNED, /* its fields are not signed */
	AUDIT_FAULT_TEMPORARY,            /* the receiver could not ask DNS */
	AUDIT_FAULT_SPF_RECORD, /* broken, or allows nearly everyone */
	AUDIT_FAULT_SPF_BROKEN,
	AUDIT_FAULT_NULL_MX,
	AUDIT_FAULT_NO_DOMAIN,    /* a sender's domain does not exist */
	AUDIT_FAULT_NO_MAIL,      /* nobody can answer to From */
	AUDIT_FAULT_ENCODED_WORD, /* where it is not allowed */
	AUDIT_FAULTS,
};

struct audit_provider_rule {
	enum audit_fault fault;
	const char *provider; /* "Gmail" */
	const char *area;     /* the same for scripts: "gmail" */
	const char *reply;    /* "550 5.7.26"; NULL: it has no code */
	const char *reply2;   /* another one for the same; NULL */
	const char *date;     /* of the text: "2026-02-12" */
	bool is_bulk;         /* only for senders of many messages */
	bool is_advice;       /* not enforced by a reply: a warning at most */
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
