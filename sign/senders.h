/*
 * senders.h - which logins may send from an address: a text file in the
 * format of Postfix's smtpd_sender_login_maps.
 *
 *	alice@example.com    alice, alice@example.com
 *	@example.net         bob
 *
 * A line that begins with white space continues the previous line; "#" begins a
 * comment line.  An address takes precedence over its domain.  Addresses and
 * logins are compared ignoring ASCII case.
 */
#ifndef AVOUCH_SIGN_SENDERS_H
#define AVOUCH_SIGN_SENDERS_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/span.h"

enum {
	SENDERS_FILE_MAX = 32 << 20, /* bytes */
	SENDERS_LINE_MAX = 4096,     /* bytes, with continuation lines */
	SENDERS_ERRORS_MAX = 20,     /* lines written to `errors` */
};

struct senders; /* immutable */

/* Returns NULL if memory ran out, the file cannot be read, or it has errors.
 * `errors` gets lines such as "FILE:LINE: what is wrong, and how to fix it". */
struct senders *senders_read(const char *path, FILE *errors);

/* Like senders_read(), but from memory; `name` is the file name in errors. */
struct senders *senders_read_text(
    struct span text, const char *name, FILE *errors);

void senders_free(struct senders *s); /* accepts NULL */

/*
 * Whether `login` may send as `local`@`domain`; `domain` is in normal form.  A
 * local part with an extension (alice+news) is tried as it is, then without the
 * extension, as Postfix does.
 */
bool senders_allow(const struct senders *s, struct span local,
    struct span domain, struct span login);

#endif
