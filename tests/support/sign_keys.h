/*
 * sign_keys.h - a folder of signing keys for tests, and the records that
 * publish them.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SIGN_KEYS_H
#define AVOUCH_TESTS_SUPPORT_SIGN_KEYS_H

#include "dns/source.h"
#include "sign/keys.h"

enum { TEST_KEYS_MAX = 16 };

struct test_keys {
	char folder[64];
	char zone_text[32768]; /* a record for each key */
	size_t n_domains;
	char domains[TEST_KEYS_MAX][64];
};

/* Creates an empty temporary folder. */
void test_keys_begin(struct test_keys *t);

/* Adds a new key that signs immediately (imported). */
void test_keys_add(struct test_keys *t, const char *domain,
    const char *selector, enum private_key_type type);

/* Adds a key that was never seen in DNS. */
void test_keys_add_unpublished(struct test_keys *t, const char *domain,
    const char *selector, enum private_key_type type);

/* Loads all keys; the caller releases the set. */
struct sign_keys *test_keys_load(const struct test_keys *t);

/* Returns a zone with the records of all keys; the caller closes it. */
struct dns_source *test_keys_zone(const struct test_keys *t);

/* Removes the folder. */
void test_keys_end(struct test_keys *t);

#endif
