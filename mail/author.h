/*
 * author.h - finds the domains that a person may see as the author of a
 * message.  DMARC starts with them (RFC 9989 sections 4.2, 5.3.1 and 11.5).
 */
#ifndef AVOUCH_MAIL_AUTHOR_H
#define AVOUCH_MAIL_AUTHOR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "mail/header.h"

enum {
	MAIL_AUTHORS_MAX = 8, /* author domains of a message */
	/* legitimate mail has less; these limits bound time and memory */
	MAIL_AUTHOR_TEXT_MAX = 16 * 1024, /* bytes of all From fields */
	MAIL_AUTHOR_SIGNS_MAX = 200, /* "@", "%", "!" and "^" in these fields */
	/* Sendmail cuts a mailbox, including its name and comments, at 255
	 * bytes after the milters have seen it; the rest is a reserve for the
	 * quotes that it may add */
	MAIL_MAILBOX_MAX = 250,
};

enum mail_from_state {
	MAIL_FROM_VALID,   /* follows RFC 5322; every mailbox has a domain */
	MAIL_FROM_SLOPPY,  /* not valid, but shows only one domain */
	MAIL_FROM_INVALID, /* cannot lead to a DMARC pass; `reason` says why */
};

struct mail_from {
	enum mail_from_state state;
	/* if INVALID, a constant string: "several From fields" or "the From
	 * field names no address"; else NULL */
	const char *reason;
	bool nameless; /* INVALID, and there is no From field, or none with a
	                  domain that a program could show
	                  ("<MAILER-DAEMON>") */
	size_t n_fields;
	size_t longest; /* bytes of the longest mailbox as Sendmail counts them;
	                   of the longest field if that is not valid */
	/* in a field that is not valid, Sendmail may take a word for a local
	 * user ("Doe, Joe <a@b.example>"), or join the words after an address
	 * without brackets to its domain ("a@b.example c") */
	bool has_local_words, joins_words;
	size_t n_domains;
	size_t n_possible; /* the last n_possible of `domains` are not from
	                      addresses, but some programs may show them as
	                      authors; unless INVALID, n_possible is less than
	                      n_domains */
	struct span domains[MAIL_AUTHORS_MAX]; /* distinct, in normal form; all
	                                          must pass.  If INVALID, those
	                                          that were found, for logs and
	                                          for policies that depend on
	                                          the From domain */
	struct span first; /* the first address as local@domain, for logs */
};

/* Reads all From fields of `h`.  Strings in `out` are in `a` or `h`.  If `a` is
 * full, the state is INVALID and arena_has_failed() is true. */
void mail_from_read(
    const struct mail_header *h, struct arena *a, struct mail_from *out);

/* "valid", "sloppy", "invalid" */
const char *mail_from_state_name(enum mail_from_state state);

#endif
