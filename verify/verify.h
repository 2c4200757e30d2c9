/*
 * verify.h - all checks of one message, in their order, to one verdict.
 *
 * The one way of a message, for the milter, the command and the tests: the
 * edges turn what they have into these calls and the verdict into what they
 * do.  Work begins as early as it can: SPF at MAIL, keys and tree walks at the
 * end of the header, body hashes while the body comes; verify_finish() waits
 * for what is left, once.
 *
 * A connection, and each message of it, is used by one thread at a time.
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
	VERIFY_MEMORY = 8 << 20,        /* bytes of arena a message may take */
	VERIFY_SCRATCH = 1 << 20,       /* and each of its jobs */
	VERIFY_RECIPIENTS_MAX = 100,    /* distinct domains kept */
	VERIFY_RESULTS_MAX = 16 * 1024, /* bytes of our A-R */
	VERIFY_GRACE_MS = 5,
};

/* Once, before the first connection, where the program is to live: what must
 * not be wanting later.  False: the cryptography cannot be used. */
bool verify_start(void);

/* ---- a connection ---- */

struct verify_client {
	struct ip ip;     /* IP_NONE: it has none, or it is not known */
	uint16_t port;    /* of the client; 0: not known */
	bool trusted_mta; /* policy_trusts_mta() */
	bool local;       /* without an address for it was submitted on this
	                     host, not by SMTP: as if from loopback */
	struct span name; /* its verified name by the MTA; "unknown" or "[...]":
	                     not verified; absent: not given */
	struct span ptr;  /* the name by PTR only ({client_ptr}); absent */
	struct span resolve; /* of the name, by Sendmail ({client_resolve}): OK,
	                        FAIL, FORGED, TEMP; absent: not given */
	struct span authserv_id; /* the configured one, or the MTA's own name */
	struct span receiver;    /* the MTA's own name, for SPF's %{r} */
	int64_t now;             /* seconds since 1970, for HELO's SPF */
	bool trace;              /* keep what --explain shows */
};

struct verify_connection;

/*
 * `conf` is held, `dns` must outlive the connection.  Texts are copied.
 * NULL: no memory.
 */
struct verify_connection *verify_connect(const struct conf *conf,
    struct dns_source *dns, const struct verify_client *client);

/* HELO or EHLO, again on a second one: HELO's SPF begins.  No message of the
 * connection may be there (RFC 5321 section 4.1.4: it ends a transaction). */
void verify_helo(struct verify_connection *c, struct span helo);

/* No message of it may be left.  Takes NULL. */
void verify_disconnect(struct verify_connection *c);

/* ---- a message ---- */

struct verify_envelope {
	struct span sender;      /* MAIL FROM, with or without "<>" */
	struct span auth_type;   /* absent: the client did not log in */
	struct span auth_authen; /* who logged in */
	int64_t now;             /* seconds since 1970 */
	bool now_doubtful;       /* nothing may fail only because of its date */
	struct own_fields *own;  /* begun by the caller, and the caller's: it
	                            must last until verify_end() */
	void (*waits)(void); /* called when verify_finish() has to wait for more
	                        than VERIFY_GRACE_MS; NULL: no callback */
	bool trace;          /* keep what --explain shows */
};

struct verify_message;

/* NULL: no memory. */
struct verify_message *verify_mail(
    struct verify_connection *c, const struct verify_envelope *e);
void verify_rcpt(struct verify_message *m, struct span recipient);

/* A field in its order, noted in `own` too; `value` as mail_header_add() takes
 * it. */
void verify_header(
    struct verify_message *m, struct span name, struct span value);
void verify_headers_end(struct verify_message *m);

/* A chunk of the body; false: no more of it is needed. */
bool verify_body(struct verify_message *m, struct span chunk);

struct verify_add { /* a field to add, besides the Authentication-Results */
	const char *name;
	struct span value;
};

enum { VERIFY_ADD_MAX = 4 };

struct verdict {
	struct ip client;
	uint16_t client_port;    /* 0: not told */
	struct span client_name; /* as in struct verify_client */
	struct span client_ptr;
	struct span client_resolve;
	struct span auth_type; /* absent: did not log in */
	struct span auth_authen;
	struct span helo;
	struct span mail_from; /* without "<>" */
	const char *skip;      /* nothing was checked: the rule,
	                          "skip.authenticated"; NULL: all was */
	struct spf_result spf_helo, spf_mail_from;
	const struct dkim_result *dkim;
	size_t n_dkim;
	size_t dkim_unlisted;
	struct arc_result arc;
	struct mail_from from;
	struct dmarc_result dmarc;
	struct policy_input facts;
	struct policy_decision decision;

	/* The value of our field, folded with LF TAB, without a line end.
	 * Absent if `facts.trusted_mta`: then no field is added. */
	struct span authentication_results;
	struct verify_add add[VERIFY_ADD_MAX]; /* Received-SPF and the like */
	size_t n_add;

	/* The fields that claim to be ours: removed, or left if
	 * `facts.trusted_mta`. */
	const struct own_fields *own;

	/* for the log and the counters */
	unsigned waves; /* of the longest job */
	unsigned questions;
	int64_t wait_ms;  /* verify_finish() waited for DNS */
	int64_t total_ms; /* since verify_mail() */
	bool gave_up;     /* the time or the questions ran out */
	bool faulty;      /* we reached a limit or lacked memory */
	bool automatic;   /* an automatic answer, a bounce or a report */

	const struct mail_header *header; /* without a field where `skip` */

	/* for --explain; NULL if there are none */
	const struct dkim *dkim_state;
	const struct dmarc_facts *dmarc_facts;
};

/*
 * The verdict; it and its texts live until verify_end().  Never NULL: where
 * memory fails the verdict says temperror and accepts.
 */
const struct verdict *verify_finish(struct verify_message *m);

/* Each question that was asked, job by job, for --explain. */
void verify_each_question(struct verify_message *m,
    void (*each)(void *arg, const char *job, const struct dns_question *q),
    void *arg);

/* Frees the message, at any point; what runs for it is cancelled.  NULL: no-op.
 */
void verify_end(struct verify_message *m);

/* One line for the log (design: queue id, client, identifiers, results). */
void verify_log(const struct verdict *v, struct span queue_id);

#endif
