/*
 * signer.h - signs one message of our own (RFC 6376 section 5), or says why it
 * stays unsigned.
 *
 *	begin	   at MAIL
 *	header	   each field, in its order
 *	headers_end  chooses d= and the keys, looks for our own signatures
 *	body	   chunks, hashed as they come and never stored
 *	finish	   the signatures to add, those to remove
 *
 * d= is the domain of the only author, or else its nearest parent that has a
 * key.  A signature of ours (d=, s=) that is there already and valid is enough;
 * one that is broken is replaced; those of others stay.
 *
 * Pure: keys, time and options are arguments; no DNS, no log.  A message is
 * used by one thread at a time.
 */
#ifndef AVOUCH_SIGN_SIGNER_H
#define AVOUCH_SIGN_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "lib/span.h"
#include "mail/author.h"
#include "sign/keys.h"
#include "sign/senders.h"
#include "sign/signature_field.h"

enum {
	SIGNER_MEMORY = 8 << 20, /* bytes of arena a message may take */
	SIGNER_OWN_MAX = 16,     /* signatures of ours that a message brings and
	                            that are looked at; honest mail has two */
};

struct signer_envelope {
	struct span sender; /* MAIL FROM, with or without "<>" */
	struct span login;  /* absent: the client did not log in */
	bool all_ours;      /* the sign socket: without a login too */
};

enum signer_result {
	SIGNER_SIGNED,   /* with at least one signature of ours */
	SIGNER_KEPT,     /* valid signatures of ours were there already */
	SIGNER_UNSIGNED, /* `reason` says why */
	SIGNER_REFUSED,  /* the author is not allowed: 553 5.7.1 */
	SIGNER_FAILED,   /* no memory, or OpenSSL failed */
};

enum signer_reason {
	SIGNER_NO_REASON,
	SIGNER_NO_KEY,
	SIGNER_NOT_OWN, /* forwarded: an author of another domain, no login, and
	                   traces of another host */
	SIGNER_AUTHOR_MISMATCH,
	SIGNER_NO_AUTHOR,
	SIGNER_SEVERAL_AUTHORS,
	SIGNER_KEY_UNPUBLISHED,
	SIGNER_HEADER_TOO_LARGE, /* it was not kept as a whole, or has a NUL */
	SIGNER_REASONS,
};

const char *signer_reason_name(enum signer_reason reason); /* "no_key" */

/* Flaws of the message that break signatures later or that receivers dislike.
 */
enum signer_flaw {
	SIGNER_FLAW_LONG_LINE = 1 << 0, /* above 998 bytes: smtp(8) breaks it */
	SIGNER_FLAW_8BIT = 1 << 1,      /* made 7-bit for some receivers */
	SIGNER_FLAW_DUPLICATE = 1 << 2, /* `duplicate` names the field */
	SIGNER_FLAW_NO_DATE = 1 << 3,
	SIGNER_FLAW_NO_MESSAGE_ID = 1 << 4,
	SIGNER_FLAW_UNSUBSCRIBE = 1 << 5, /* List-Unsubscribe-Post without
	                                     List-Unsubscribe (RFC 8058) */
};

struct signer_outcome {
	enum signer_result result;
	enum signer_reason reason; /* of SIGNER_UNSIGNED and SIGNER_REFUSED */
	bool author_mismatch;      /* login and From differ, also if signed */
	bool by_list;              /* d= is that of the mailing list */
	struct span from;          /* the author, local@domain, for the log */
	struct span author_domain; /* absent: none */
	struct span domain;        /* d=; absent: none */
	struct span login;
	struct span sender;                          /* without "<>" */
	struct sign_key *keys[SIGN_KEYS_PER_DOMAIN]; /* that signed or would
	                                                have, RSA first */
	size_t n_keys;
	struct span add[SIGN_KEYS_PER_DOMAIN]; /* values of fields, the first
	                                          goes on top */
	size_t n_add;
	uint32_t remove[SIGNER_OWN_MAX]; /* which DKIM-Signature fields, the
	                                    first is 1; ascending */
	size_t n_remove;
	unsigned flaws; /* of enum signer_flaw */
	const char *duplicate;
};

struct signer;

/* All must outlive the message; `keys` and `senders` may be NULL.  NULL: no
 * memory. */
struct signer *signer_begin(const struct conf *conf, struct sign_keys *keys,
    const struct senders *senders, const struct signer_envelope *e);

/* `value` as mail_header_add() takes it. */
void signer_header(struct signer *s, struct span name, struct span value);
void signer_headers_end(struct signer *s);

/* A chunk, split anywhere.  False: no more of the body is needed. */
bool signer_body(struct signer *s, struct span chunk);

/* Once.  Never NULL; lives until signer_end(). */
const struct signer_outcome *signer_finish(struct signer *s, int64_t now);

void signer_end(struct signer *s); /* takes NULL */

#endif
