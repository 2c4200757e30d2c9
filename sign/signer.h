/*
 * signer.h - signs one of our own messages (RFC 6376 section 5), or reports why
 * it stays unsigned.
 *
 *	begin	   at MAIL
 *	header	   each field, in order
 *	headers_end  chooses d= and the keys, looks for our own signatures
 *	body	   chunks, hashed on arrival and never stored
 *	finish	   returns the signatures to add and to remove
 *
 * d= is the domain of the only author, or else its nearest parent domain that
 * has a key.  If the message already has a valid signature of ours (same d= and
 * s=), none is added; a broken one is replaced; other signatures are left
 * alone.  Mail from another host that a local program sends on is signed only
 * if our results in it authenticate its author's domain, or if the program put
 * another domain into From.
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
	SIGNER_MEMORY = 8 << 20, /* bytes of arena per message */
	SIGNER_OWN_MAX = 16,     /* our existing signatures that are checked;
	                            legitimate mail has at most two */
};

struct signer_envelope {
	struct span sender; /* MAIL FROM, with or without "<>" */
	struct span login;  /* absent: the client did not log in */
	bool all_ours; /* the message came from the sign socket, so no login is
	                  needed */
	struct span authserv_id; /* of our Authentication-Results fields; absent
	                            or empty: not known */
};

enum signer_result {
	SIGNER_SIGNED,   /* at least one signature was added */
	SIGNER_KEPT,     /* our valid signatures were already present */
	SIGNER_UNSIGNED, /* `reason` says why */
	SIGNER_REFUSED,  /* the author is not allowed: 553 5.7.1 */
	SIGNER_FAILED,   /* out of memory, or OpenSSL failed */
};

enum signer_reason {
	SIGNER_NO_REASON,
	SIGNER_NO_KEY,
	SIGNER_NOT_OWN, /* forwarded: the client did not log in, and either
	                   the author's domain is not ours and the message has
	                   a Received or DKIM-Signature field, or our results
	                   in it do not authenticate the author's domain */
	SIGNER_AUTHOR_MISMATCH,
	SIGNER_NO_AUTHOR,
	SIGNER_SEVERAL_AUTHORS,
	SIGNER_KEY_UNPUBLISHED,
	SIGNER_HEADER_TOO_LARGE, /* the header could not be stored completely,
	                            or contains a NUL */
	SIGNER_REASONS,
};

const char *signer_reason_name(enum signer_reason reason); /* "no_key" */

/* Flaws in a message that may break its signature later or that receivers
 * dislike. */
enum signer_flaw {
	SIGNER_FLAW_LONG_LINE = 1 << 0, /* over 998 bytes: smtp(8) breaks it */
	SIGNER_FLAW_8BIT = 1 << 1, /* converted to 7-bit for some receivers */
	SIGNER_FLAW_DUPLICATE = 1 << 2, /* `duplicate` names the field */
	SIGNER_FLAW_NO_DATE = 1 << 3,
	SIGNER_FLAW_NO_MESSAGE_ID = 1 << 4,
	SIGNER_FLAW_UNSUBSCRIBE = 1 << 5, /* List-Unsubscribe-Post without
	                                     List-Unsubscribe (RFC 8058) */
};

struct signer_outcome {
	enum signer_result result;
	enum signer_reason reason; /* for SIGNER_UNSIGNED and SIGNER_REFUSED */
	bool author_mismatch; /* login and From differ; may be set even if the
	                         message was signed */
	bool by_list;         /* d= is the domain of the mailing list */
	struct span from;     /* the author, local@domain, for the log */
	struct span author_domain; /* absent: none */
	struct span domain;        /* d=; absent: none */
	struct span login;
	struct span sender; /* without "<>" */
	/* keys that signed, or would have signed; RSA first */
	struct sign_key *keys[SIGN_KEYS_PER_DOMAIN];
	size_t n_keys;
	struct span
	    add[SIGN_KEYS_PER_DOMAIN]; /* field values; the first goes on top */
	size_t n_add;
	uint32_t remove[SIGNER_OWN_MAX]; /* numbers of DKIM-Signature fields,
	                                    counted from 1, ascending */
	size_t n_remove;
	unsigned flaws; /* bits of enum signer_flaw */
	const char *duplicate;
};

struct signer;

/* All arguments must outlive the signer; `keys` and `senders` may be NULL.
 * Returns NULL if memory ran out. */
struct signer *signer_begin(const struct conf *conf, struct sign_keys *keys,
    const struct senders *senders, const struct signer_envelope *e);

/* `value` has the format of mail_header_add(). */
void signer_header(struct signer *s, struct span name, struct span value);
void signer_headers_end(struct signer *s);

/* Adds the next chunk of the body, which may be split anywhere.  Returns false
 * if the rest of the body is not needed. */
bool signer_body(struct signer *s, struct span chunk);

/* Call once.  Never returns NULL; the result is valid until signer_end(). */
const struct signer_outcome *signer_finish(struct signer *s, int64_t now);

void signer_end(struct signer *s); /* accepts NULL */

#endif
