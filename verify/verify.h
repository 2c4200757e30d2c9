/*
 * verify.h - runs all checks of one message, in order, and returns one verdict.
 *
 * The milter, the command and the tests all use these functions: each of them
 * translates its input into calls, and the verdict into its own actions.  Work
 * begins as early as possible: SPF at MAIL, keys and tree walks at the end of
 * the header, body hashes as the body arrives.  verify_finish() waits once for
 * whatever is still missing.
 *
 * A connection and its messages are used by one thread at a time.
 */
#ifndef AVOUCH_VERIFY_VERIFY_H
#define AVOUCH_VERIFY_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/arc.h"
#include "dkim/dkim.h"
#include "dmarc/dmarc.h"
#include "dns/source.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "mail/author.h"
#include "spf/spf.h"
#include "conf/conf.h"
#include "verify/dns_task.h"
#include "verify/own_fields.h"
#include "verify/policy.h"

enum {
	VERIFY_MEMORY = 8 << 20,     /* bytes of arena for a message */
	VERIFY_SCRATCH = 1 << 20,    /* bytes of scratch arena per task */
	VERIFY_RECIPIENTS_MAX = 100, /* distinct domains kept */
	/* bytes of our Authentication-Results */
	VERIFY_RESULTS_MAX = 16 * 1024,
	VERIFY_GRACE_MS = 5,
};

/* Initializes the crypto library while memory is available.  Call this once,
 * before the first connection, in the process that will do the checks.  Returns
 * false if the library cannot be used. */
bool verify_start(void);

/* ---- a connection ---- */

struct verify_client {
	struct ip ip;     /* IP_NONE: no address, or unknown */
	uint16_t port;    /* the client's port; 0: unknown */
	bool trusted_mta; /* policy_trusts_mta() */
	bool local; /* has no address because the mail was submitted on this
	               host, not by SMTP: treated as loopback */
	struct span name; /* its name as verified by the MTA; "unknown" or
	                     "[...]": not verified; absent: not given */
	struct span ptr;  /* the unverified name from PTR ({client_ptr}); may be
	                     absent */
	/* Sendmail's result for the name ({client_resolve}): OK, FAIL, FORGED,
	 * TEMP; absent: not given */
	struct span resolve;
	/* the configured authserv-id, or the MTA's own name */
	struct span authserv_id;
	struct span receiver; /* the MTA's own name, for SPF's %{r} */
	/* after the check the MTA may change From as Sendmail does: it cuts
	 * long mailboxes, removes ".uucp", writes the targets of aliases, and
	 * its own name (verify_names_mta()) */
	bool rewrites_from;
	int64_t now; /* seconds since 1970, for the SPF check of HELO */
	bool trace;  /* keep the details that --explain shows */
};

/* Returns why a valid From field is invalid if the MTA rewrites it and the
 * target of an alias adds `growth` bytes to it; NULL if it is not. */
const char *verify_rewriting_fault(const struct mail_from *from, size_t growth);

/* Whether such an MTA may write its own name as an author domain: instead of
 * "localhost" or a domain without a dot, or after a word that it takes for a
 * local user.  "Sales @ Acme, Inc. <a@b.example>" has a possible author without
 * a dot, which it leaves alone. */
bool verify_names_mta(const struct mail_from *from);

struct verify_connection;

/* Starts a connection.  References `conf`; `dns` must outlive the connection.
 * Strings are copied.  Returns NULL if memory ran out. */
struct verify_connection *verify_connect(const struct conf *conf,
    struct dns_source *dns, const struct verify_client *client);

/* Call for each HELO or EHLO: starts SPF for HELO.  The connection must not
 * have an open message (RFC 5321 section 4.1.4: HELO ends a transaction). */
void verify_helo(struct verify_connection *c, struct span helo);

/* Ends a connection, which must not have an open message.  `c` may be NULL. */
void verify_disconnect(struct verify_connection *c);

/* ---- a message ---- */

struct verify_envelope {
	struct span sender;      /* MAIL FROM, with or without "<>" */
	struct span auth_type;   /* absent: the client did not log in */
	struct span auth_authen; /* the login name */
	int64_t now;             /* seconds since 1970 */
	bool now_doubtful; /* the clock may be wrong, so dates must not make a
	                      signature fail */
	struct own_fields *own; /* initialized and owned by the caller; must
	                           live until verify_end() */
	void (*waits)(void); /* called if verify_finish() has to wait for more
	                        than VERIFY_GRACE_MS; NULL: no callback */
	bool trace;          /* keep the details that --explain shows */
};

struct verify_message;

/* Starts a message.  Returns NULL if memory ran out. */
struct verify_message *verify_mail(
    struct verify_connection *c, const struct verify_envelope *e);
void verify_rcpt(struct verify_message *m, struct span recipient);

/* Adds a header field, in message order, and records it in `own`.  `value` is
 * as in mail_header_add(). */
void verify_header(
    struct verify_message *m, struct span name, struct span value);
void verify_headers_end(struct verify_message *m);

/* Adds a chunk of the body.  Returns false if no more of it is needed. */
bool verify_body(struct verify_message *m, struct span chunk);

struct verdict {
	struct ip client;
	uint16_t client_port;    /* 0: unknown */
	struct span client_name; /* as in struct verify_client */
	struct span client_ptr;
	struct span client_resolve;
	struct span auth_type; /* absent: the client did not log in */
	struct span auth_authen;
	struct span helo;
	struct span mail_from; /* without "<>" */
	const char *skip;      /* why the message was not checked, such as
	                          "skip.authenticated"; NULL: it was */
	struct spf_result spf_helo, spf_mail_from;
	const struct dkim_result *dkim;
	size_t n_dkim;
	size_t dkim_unlisted;
	struct arc_result arc;
	struct mail_from from;
	struct dmarc_result dmarc;
	struct policy_input facts;
	struct policy_decision decision;

	/* The value of our Authentication-Results field, folded with LF TAB,
	 * without a line end.  If `facts.trusted_mta`, it is absent, and no
	 * field is added. */
	struct span authentication_results;
	/* the value of X-Avouch-Quarantine; absent: the field is not added */
	struct span annotation;

	/* The fields that claim to be ours: removed, or kept if
	 * `facts.trusted_mta`. */
	const struct own_fields *own;

	/* for the log and the counters */
	unsigned waves; /* batches of questions: the maximum over all tasks */
	unsigned questions;
	int64_t wait_ms;  /* time verify_finish() waited for DNS */
	int64_t total_ms; /* since verify_mail() */
	bool gave_up;     /* reached a limit on time or DNS questions */
	bool faulty;      /* this host reached a limit or lacked memory */
	bool automatic;   /* an automatic reply, a bounce or a report */

	const struct mail_header *header; /* has no fields if `skip` is set */

	/* for --explain; NULL if not available */
	const struct dkim *dkim_state;
	const struct dmarc_facts *dmarc_facts;
};

/* Returns the verdict, which is valid until verify_end(), and never NULL.  If
 * memory ran out, the results that could not be computed are temperror, and
 * on_overload applies unless DMARC passes. */
const struct verdict *verify_finish(struct verify_message *m);

/* Calls `each` for each question that was asked, for --explain. */
void verify_each_question(struct verify_message *m,
    void (*each)(void *arg, const char *job, const struct dns_question *q),
    void *arg);

/* Cancels the tasks of the message and frees it.  May be called at any point.
 * `m` may be NULL. */
void verify_end(struct verify_message *m);

/* Writes one log line: queue id, client, identifiers, results. */
void verify_log(const struct verdict *v, struct span queue_id);

#endif
