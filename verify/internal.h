/*
 * internal.h - a connection and a message from the inside, only for the files
 * of verify/. verify.c takes the calls in their order, collect.c turns results
 * into the input of DMARC and of the policy, authres_field.c writes the
 * Authentication-Results.
 */
#ifndef AVOUCH_VERIFY_INTERNAL_H
#define AVOUCH_VERIFY_INTERNAL_H

#include "mail/list.h"
#include "verify/verify.h"

enum { RESULTS_FALLBACK = 512 }; /* bytes: an authserv-id and a few words */

struct spf_work { /* what an SPF job works on */
	struct spf_query query;
	struct spf_result result;
};

struct verify_connection {
	const struct conf *conf;
	struct dns_source *dns;
	struct verify_client client;
	struct arena *arena;      /* the client's texts */
	struct arena *helo_arena; /* rewound at each HELO */
	struct span helo;
	struct spf_work helo_work;
	struct dns_source *helo_dns; /* the queue of HELO's questions */
	struct dns_task *helo_task;
};

struct verify_message {
	struct verify_connection *c;
	struct arena *arena;
	struct verify_envelope envelope;
	struct dns_source *dns; /* the queue of its questions; NULL: no memory,
	                           or nothing is checked */
	struct spf_work spf;
	struct dns_task *spf_task;
	struct mail_header header;
	struct body_hashes *body_hashes;
	struct dkim *dkim;
	struct arc *arc;
	struct dns_task *keys_task;
	struct dmarc_facts dmarc_facts;
	struct dns_task *dmarc_task;
	struct mail_list_claim list_claims[MAIL_LIST_CLAIMS_MAX];
	struct span list_domains[MAIL_LIST_CLAIMS_MAX]; /* of `list_claims` */
	size_t n_list_claims;
	struct dns_task *list_job; /* NULL: no list field, or no memory */
	struct dmarc_related list_related;
	/* this host lacked the resources to answer all that the job asked */
	bool spf_cut, keys_cut, dmarc_cut, list_cut;
	bool out_of_memory; /* an author or a signature may have been lost */
	struct span recipients[VERIFY_RECIPIENTS_MAX]; /* domains */
	size_t n_recipients;
	bool headers_ended;
	int64_t began;    /* clock_ms() */
	int64_t deadline; /* clock_ms(); the last questions were asked `timeout`
	                     before it. Not counted from the end of the message,
	                     which may be reported late: libmilter has two
	                     threads when many messages end at once */
	struct verdict verdict;
	char fallback[RESULTS_FALLBACK]; /* our field, when the arena is full */
};

/* collect.c */

/* Reads from the header what is known before any result: authors and list
 * fields.
 */
void collect_from_header(struct verify_message *m);

/* The identifiers of DMARC, with the results that are known by now. */
void collect_for_dmarc(struct verify_message *m, bool results);

/* All that the policy asks for. */
void collect_for_policy(struct verify_message *m);

/* results.c: the value of our field. */
struct span authres_field_write(struct verify_message *m);

#endif
