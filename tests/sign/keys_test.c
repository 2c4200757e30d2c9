/* keys_test.c - sign/keys.h: what a set keeps of the previous one if files are
 * broken, replaced or missing for a while */
#include "sign/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sign/key_folder.h"
#include "tests/support/sign_keys.h"

#define DOMAIN_NAME "a.example"

static struct test_keys folder;
static char file[120];      /* the key file of selector k */
static char list[120];      /* the list of selectors */
static char directory[100]; /* the directory of the domain */
static char away[100];

static int
set_up(void **state)
{
	(void)state;
	test_keys_begin(&folder);
	test_keys_add_unpublished(
	    &folder, DOMAIN_NAME, "k", PRIVATE_KEY_ED25519);
	snprintf(
	    directory, sizeof(directory), "%s/" DOMAIN_NAME, folder.folder);
	snprintf(file, sizeof(file), "%s/k.pem", directory);
	snprintf(list, sizeof(list), "%s/selectors", directory);
	snprintf(away, sizeof(away), "%s/away", folder.folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	test_keys_end(&folder);
	return 0;
}

static void
write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* Replaces *keys by what the folder now contains. */
static void
load_again(struct sign_keys **keys, unsigned broken)
{
	struct sign_keys_faults faults;
	char *text = NULL;
	size_t size;
	FILE *errors = open_memstream(&text, &size);
	struct sign_keys *next;

	assert_non_null(errors);
	next = sign_keys_load(folder.folder, *keys, errors, &faults);
	fclose(errors);
	assert_non_null(next);
	if (faults.broken != broken)
		fail_msg("%u broken: %s", faults.broken, text);
	free(text);
	sign_keys_unref(*keys);
	*keys = next;
}

/* Returns a set in which the key of the domain was seen in DNS and signs. */
static struct sign_keys *
ready_set(void)
{
	struct sign_keys *keys = test_keys_load(&folder);
	struct sign_domain *domain = sign_keys_domain(keys, SPAN(DOMAIN_NAME));

	assert_int_equal(domain->n_keys, 1);
	domain->keys[0]->state.ready = domain->keys[0]->state.ever = true;
	assert_true(sign_keys_decide(domain));
	return keys;
}

/* Returns the key that signs, or NULL. */
static struct sign_key *
signing_key(const struct sign_keys *keys)
{
	struct sign_key *found[SIGN_KEYS_PER_DOMAIN];
	size_t n;

	(void)sign_keys_of(keys, SPAN(DOMAIN_NAME), found, &n);
	return n > 0 ? found[0] : NULL;
}

/* Returns a reference to the key that signs. */
static struct private_key *
signing_private_key(const struct sign_keys *keys)
{
	assert_non_null(signing_key(keys));
	return private_key_ref(signing_key(keys)->key);
}

static void
assert_signs(const struct sign_keys *keys, const struct private_key *key)
{
	assert_non_null(signing_key(keys));
	assert_memory_equal(private_key_id(signing_key(keys)->key),
	    private_key_id(key), CRYPTO_HASH_SIZE);
}

static void
write_new_key(const char *selector)
{
	struct private_key *key = private_key_generate(PRIVATE_KEY_ED25519, 0);
	char text[500] = "";
	struct buf error = buf_wrap(text, sizeof(text));

	assert_non_null(key);
	if (!key_file_write(folder.folder, DOMAIN_NAME, selector, key, &error))
		fail_msg("%s", text);
	private_key_unref(key);
}

static void
replace_key_file(void)
{
	assert_int_equal(unlink(file), 0);
	write_new_key("k");
}

static void
broken_file_keeps_its_key(void **state)
{
	struct sign_keys *keys = ready_set();
	struct private_key *key = signing_private_key(keys);
	char saved[140];

	(void)state;
	snprintf(saved, sizeof(saved), "%s.saved", file);
	assert_int_equal(rename(file, saved), 0);
	write_text(file, "-----BEGIN PRIVATE KEY-----\n");
	for (int i = 0; i < 3; i++) {
		load_again(&keys, 1);
		assert_signs(keys, key);
	}
	assert_int_equal(rename(saved, file), 0);
	for (int i = 0; i < 2; i++) {
		load_again(&keys, 0);
		assert_signs(keys, key);
		assert_true(signing_key(keys)->state.ready);
		assert_false(signing_key(keys)->is_previous);
	}
	private_key_unref(key);
	sign_keys_unref(keys);
}

/* The old key stays as long as its record is in DNS, and also if the new file
 * is replaced or broken in turn. */
static void
replaced_file_keeps_the_old_key(void **state)
{
	struct sign_keys *keys = ready_set();
	struct private_key *key = signing_private_key(keys);
	struct sign_domain *domain;

	(void)state;
	for (int i = 0; i < 2; i++) {
		replace_key_file();
		for (int k = 0; k < 2; k++) {
			load_again(&keys, 0);
			assert_signs(keys, key);
		}
	}
	write_text(file, "");
	for (int i = 0; i < 2; i++) {
		load_again(&keys, 1);
		assert_signs(keys, key);
	}
	replace_key_file();
	load_again(&keys, 0);
	domain = sign_keys_domain(keys, SPAN(DOMAIN_NAME));
	for (size_t i = 0; i < domain->n_keys; i++) {
		struct rotation_state *s = &domain->keys[i]->state;

		/* the record of the new key replaces that of the old one */
		s->ready = !domain->keys[i]->is_previous;
		s->ever = true;
	}
	assert_true(sign_keys_decide(domain));
	load_again(&keys, 0);
	assert_false(signing_key(keys)->is_previous);
	domain = sign_keys_domain(keys, SPAN(DOMAIN_NAME));
	assert_int_equal(domain->n_keys, 1);
	private_key_unref(key);
	sign_keys_unref(keys);
}

/* A new key of a CNAME pair gets the selector of a revoked key. */
static void
reused_selector_does_not_bring_back_a_revoked_key(void **state)
{
	struct sign_keys *keys = ready_set();

	(void)state;
	write_text(list, "k created=1 revoked=5\n");
	load_again(&keys, 0);
	assert_null(signing_key(keys));
	replace_key_file();
	write_text(list, "k created=6\n");
	for (int i = 0; i < 2; i++) {
		load_again(&keys, 0);
		assert_null(signing_key(keys));
	}
	sign_keys_unref(keys);
}

/* Which keys are revoked is not known. */
static void
damaged_list_changes_nothing(void **state)
{
	struct sign_keys *keys = ready_set(), *first = NULL;

	(void)state;
	write_text(list, "K created=1\n");
	for (int i = 0; i < 2; i++) {
		load_again(&keys, 1);
		assert_non_null(signing_key(keys));
	}
	write_text(list, "k created=1 revoked=5\n");
	load_again(&keys, 0);
	assert_null(signing_key(keys));
	write_text(list, "K created=1\n");
	for (int i = 0; i < 2; i++) {
		load_again(&keys, 1);
		assert_null(signing_key(keys));
	}
	load_again(&first, 1);
	assert_null(sign_keys_domain(first, SPAN(DOMAIN_NAME)));
	sign_keys_unref(first);
	sign_keys_unref(keys);
}

static void
unreadable_directory_changes_nothing(void **state)
{
	struct sign_keys *keys = ready_set();

	(void)state;
	assert_int_equal(rename(directory, away), 0);
	write_text(directory, "not a directory");
	for (int i = 0; i < 2; i++) {
		load_again(&keys, 1);
		assert_non_null(signing_key(keys));
	}
	assert_int_equal(unlink(directory), 0);
	assert_int_equal(rename(away, directory), 0);
	sign_keys_unref(keys);
}

static void
removed_key_that_comes_back_signs(void **state)
{
	struct sign_keys *keys = ready_set();

	(void)state;
	signing_key(keys)->used = 7;
	for (int round = 0; round < 2; round++) {
		assert_int_equal(rename(directory, away), 0);
		for (int i = 0; i < 2; i++) {
			load_again(&keys, 0);
			assert_null(signing_key(keys));
		}
		assert_int_equal(rename(away, directory), 0);
		load_again(&keys, 0);
		assert_non_null(signing_key(keys));
		assert_int_equal(signing_key(keys)->state.used, 7);
	}
	replace_key_file(); /* another key is not the one that was removed */
	assert_int_equal(rename(directory, away), 0);
	load_again(&keys, 0);
	load_again(&keys, 0);
	assert_int_equal(rename(away, directory), 0);
	load_again(&keys, 0);
	assert_null(signing_key(keys));
	sign_keys_unref(keys);
}

static void
newest_keys_are_read_if_there_are_too_many(void **state)
{
	enum { KEYS = SIGN_KEYS_MAX + 5 };
	struct key_entries *entries = calloc(1, sizeof(*entries));
	char text[500] = "";
	struct buf error = buf_wrap(text, sizeof(text));
	struct sign_keys *keys = NULL;
	const struct sign_domain *domain;

	(void)state;
	assert_non_null(entries);
	for (int i = 0; i < KEYS; i++) {
		struct key_entry *entry = &entries->list[entries->n++];

		snprintf(entry->selector, sizeof(entry->selector), "n%d", i);
		entry->created = 100 + i * 7 % KEYS;
		write_new_key(entry->selector);
	}
	entries->list[0].created = 1000;
	entries->list[0].revoked = 1; /* counts as the oldest */
	if (!key_entries_write(folder.folder, DOMAIN_NAME, entries, &error))
		fail_msg("%s", text);
	load_again(&keys, 0);
	domain = sign_keys_domain(keys, SPAN(DOMAIN_NAME));
	assert_int_equal(domain->n_keys, SIGN_KEYS_MAX);
	for (size_t i = 0; i < domain->n_keys; i++) {
		assert_int_equal(domain->keys[i]->revoked, 0);
		assert_true(domain->keys[i]->created > 100 + 5);
	}
	sign_keys_unref(keys);
	free(entries);
}

static void
last_signature_follows_a_clock_that_is_set_back(void **state)
{
	struct sign_keys *keys = ready_set();

	(void)state;
	sign_key_used(signing_key(keys), 2000);
	sign_key_used(signing_key(keys), 1000);
	assert_int_equal(signing_key(keys)->used, 1000);
	sign_keys_unref(keys);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    broken_file_keeps_its_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    replaced_file_keeps_the_old_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    reused_selector_does_not_bring_back_a_revoked_key, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    damaged_list_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    unreadable_directory_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    removed_key_that_comes_back_signs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    newest_keys_are_read_if_there_are_too_many, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    last_signature_follows_a_clock_that_is_set_back, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
