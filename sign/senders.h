/*
 * senders.h - which logins may write as which address: a text file in the
 * format of Postfix's smtpd_sender_login_maps.
 *
 *	alice@example.com    alice, alice@example.com
 *	@example.net         bob
 *
 * A line that begins with white space continues the one before; "#" begins a
 * comment line.  An address decides before its domain.  Addresses and logins
 * are compared without regard to ASCII case.
 */
#ifndef AVOUCH_SIGN_SENDERS_H
#define AVOUCH_SIGN_SENDERS_H

#include <stdbool.h>
#include <stdio.h>

#include "lib/span.h"

enum {
	SENDERS_FILE_MAX = 32 << 20, /* bytes */
	SENDERS_LINE_MAX = 4096,     /* bytes, with what continues it */
	SENDERS_ERRORS_MAX = 20,     /* lines about errors */
};

struct senders; /* immutable */

/* NULL: no memory, the file cannot be read, or `errors` got lines such as
 * "FILE:LINE: what is wrong, and how to fix it". */
struct senders *senders_read(const char *path, FILE *errors);

/* The same from memory; errors call the file `name`. */
struct senders *senders_read_text(
    struct span text, const char *name, FILE *errors);

void senders_free(struct senders *s); /* takes NULL */

/*
 * Whether `login` may write as `local`@`domain`; `domain` in normal form.  An
 * extension of the local part (alice+news) is tried first with it, then without
 * it, as Postfix does.
 */
bool senders_allow(const struct senders *s, struct span local,
    struct span domain, struct span login);

#endif
