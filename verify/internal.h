/*
 * internal.h - the private state of a connection and of a message, shared by
 * the files of verify/.  verify.c implements the functions of verify.h,
 * collect.c turns results into the input of DMARC and of the policy, and
 * authres_field.c writes the Authentication-Results field.
 */
#ifndef AVOUCH_VERIFY_INTERNAL_H
#define AVOUCH_VERIFY_INTERNAL_H

#include "mail/list.h"
#include "verify/verify.h"

enum { RESULTS_FALLBACK = 512 }; /* bytes: an authserv-id and a short result */

struct spf_work { /* query and result of an SPF task */
	struct spf_query query;
	struct spf_result result;
};

struct verify_connection {
	const struct conf *conf;
	struct dns_source *dns;
	struct verify_client client;
	struct arena *arena;      /* strings of `client` */
	struct arena *helo_arena; /* rewound at each HELO */
	struct span helo;
	struct spf_work helo_work;
	struct dns_source *helo_dns; /* the queue for the HELO questions */
	struct dns_task *helo_task;
};

struct verify_message {
	struct verify_connection *c;
	struct arena *arena;
	struct verify_envelope envelope;
	struct dns_source
	    *dns; /* the queue for the questions about this message; NULL if
	             memory ran out or nothing is checked */
	struct spf_work spf;
	struct dns_task *spf_task;
	struct mail_header header;
	struct body_hashes *body_hashes;
	struct dkim *dkim;
	struct arc *arc;
	struct dns_task *keys_task;
	struct dmarc_facts dmarc_facts;
	struct span authors[MAIL_AUTHORS_MAX + 1]; /* with the MTA's own name */
	bool has_hidden_field; /* some programs see a field in another one */
	size_t mailbox_growth; /* bytes that the target of an alias may add to a
	                          mailbox */
	struct dns_task *dmarc_task;
	struct mail_list_claim list_claims[MAIL_LIST_CLAIMS_MAX];
	struct span list_domains[MAIL_LIST_CLAIMS_MAX]; /* the domains of
	                                                   `list_claims` */
	size_t n_list_claims;
	struct dns_task *list_job; /* NULL: no list field, or no memory */
	struct dmarc_related list_related;
	/* a lack of resources on this host cut the task short */
	bool spf_cut, keys_cut, dmarc_cut, list_cut;
	bool out_of_memory; /* an author or a signature may have been lost */
	/* recipient domains; "": no domain, or over the limit */
	struct span recipients[VERIFY_RECIPIENTS_MAX + 1];
	size_t n_recipients;
	bool headers_ended;
	int64_t began; /* clock_ms() */
	/* in clock_ms(): `timeout` after the last questions were asked.  Not
	 * based on the end of the message, which libmilter may report late: it
	 * has two threads, and many messages may end at the same time */
	int64_t deadline;
	struct verdict verdict;
	char fallback[RESULTS_FALLBACK]; /* our field, if the arena is full */
};

/* collect.c */

/* Reads authors and list fields from the header, before any result is known. */
void collect_from_header(struct verify_message *m);

/* Sets why the author is not certain, if it is not. */
void collect_fault(struct verify_message *m);

/* Collects the DMARC identifiers, with their results if `results` is set. */
void collect_for_dmarc(struct verify_message *m, bool results);

/* Collects the whole input of the policy. */
void collect_for_policy(struct verify_message *m);

/* Builds the value of our field (authres_field.c). */
struct span authres_field_write(struct verify_message *m);

#endif
