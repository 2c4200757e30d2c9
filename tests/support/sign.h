/*
 * sign.h - signs mail for tests.
 *
 * It has its own, naive code for canonicalization, which works on whole
 * strings, so that it checks dkim/ and does not merely repeat it.  Any error
 * fails the test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SIGN_H
#define AVOUCH_TESTS_SUPPORT_SIGN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/span.h"

struct test_key;

/* Generate a key once per process for each size and `nth`, and return it. */
struct test_key *sign_rsa(unsigned bits, unsigned nth);
struct test_key *sign_ed25519(unsigned nth);

/* For cmocka_run_group_tests(): frees the keys. */
int sign_teardown(void **state);

/*
 * Returns p= of the key's record: for RSA, SubjectPublicKeyInfo or a bare
 * RSAPublicKey; for Ed25519, the raw key.  The caller frees all strings
 * returned by these functions.
 */
char *sign_public(const struct test_key *k, bool bare);

/* "v=DKIM1; k=...; p=..." */
char *sign_record(const struct test_key *k);

/* "NAME.  IN TXT "..." "..."\n", a line of a zone file. */
char *sign_zone_line(const char *name, const char *text);

/*
 * Returns a field "NAME: TAGS; bh=...; b=..." that signs the message with
 * `header` (fields with CRLF) and `body`, with c=, h= and l= as in `tags`.  No
 * bh= is added if `tags` has one, or if the body is NULL.  The field ends with
 * CRLF.  A "~" before the tags makes the signature relaxed/relaxed without a c=
 * tag.
 */
char *sign_field(const struct test_key *k, const char *name, const char *tags,
    const char *header, struct span body);

/* Returns the whole message with such a field, a "DKIM-Signature", on top. */
char *sign_message(const struct test_key *k, const char *tags,
    const char *header, const char *body);

/*
 * Adds ARC set number `instance` to the message: AAR, AMS and AS by `domain`
 * with the selector "arc".  `results` is the content of the AAR; `ams` contains
 * additional tags for the AMS, such as "c=relaxed/relaxed; h=from:to:subject".
 */
char *sign_arc(const struct test_key *k, unsigned instance, const char *cv,
    const char *domain, const char *results, const char *ams,
    const char *message);

/* Frees `message` and returns it with the first `from` replaced by `to`.
 * `from` must be present. */
char *sign_change(char *message, const char *from, const char *to);

/* ---- parts of a signature ---- */

/* Return canonical strings, NUL-terminated; `*n` does not count the NUL.  The
 * caller frees them. */
char *sign_body(bool relaxed, struct span body, long limit, size_t *n);
char *sign_header_field(bool relaxed, struct span field);

#endif
