/*
 * sign.h - signs mail for tests.
 *
 * It canonicalizes by its own, naive code, whole texts at once, so that it
 * checks dkim/ and does not merely repeat it.  Whatever fails, fails the test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SIGN_H
#define AVOUCH_TESTS_SUPPORT_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct test_key;

/* Made once for each size and `nth`, and the same ever after in a process. */
struct test_key *sign_rsa(unsigned bits, unsigned nth);
struct test_key *sign_ed25519(unsigned nth);

/* For cmocka_run_group_tests(): frees the keys. */
int sign_teardown(void **state);

/*
 * The p= of its record: SubjectPublicKeyInfo, or for RSA a bare RSAPublicKey;
 * a raw key for Ed25519.  The caller frees what these return.
 */
char *sign_public(const struct test_key *k, bool bare);

/* "v=DKIM1; k=...; p=..." */
char *sign_record(const struct test_key *k);

/* "NAME. IN TXT "..." "..."\n", a line of a master file. */
char *sign_zone_line(const char *name, const char *text);

/*
 * A field "NAME: TAGS; bh=...; b=..." over the message `header` (fields with
 * CRLF) and `body`, with c=, h= and l= as `tags` has them.  No bh= is made
 * where `tags` has one, or NULL is the body.  The field ends with CRLF.  A "~"
 * before the tags: it is relaxed/relaxed without saying so.
 */
char *sign_field(const struct test_key *k, const char *name, const char *tags,
    const char *header, struct span body);

/* The same as a "DKIM-Signature" on top of the whole message. */
char *sign_message(const struct test_key *k, const char *tags,
    const char *header, const char *body);

/*
 * Adds ARC set number `instance` to the message: AAR, AMS and AS, made by
 * `domain` with the selector "arc".  `results` is what the AAR says; `ams` are
 * further tags of the AMS, "c=relaxed/relaxed; h=from:to:subject" for instance.
 */
char *sign_arc(const struct test_key *k, unsigned instance, const char *cv,
    const char *domain, const char *results, const char *ams,
    const char *message);

/* Takes `message`, returns it with `to` in the place of the first `from`, which
 * must be there. */
char *sign_change(char *message, const char *from, const char *to);

/* ---- what it is made of ---- */

/* Canonical texts; `*n` bytes with a NUL behind; the caller frees them. */
char *sign_body(bool relaxed, struct span body, long limit, size_t *n);
char *sign_header_field(bool relaxed, struct span field);

#endif
