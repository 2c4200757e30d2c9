#include "tests/support/sign_keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sign/key_folder.h"
#include "tests/support/core_driver.h"

enum { RSA_BITS = 1024 }; /* the smallest size allowed: generated quickly */

void
test_keys_begin(struct test_keys *t)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->folder, "/tmp/avouch-keys-XXXXXX");
	assert_non_null(mkdtemp(t->folder));
}

static void
put_key_record(struct test_keys *t, const struct private_key *k,
    const char *domain, const char *selector)
{
	char record[PRIVATE_KEY_RECORD_MAX];
	struct buf b = buf_wrap(record, sizeof(record));
	size_t used = strlen(t->zone_text);
	struct buf zone =
	    buf_wrap(t->zone_text + used, sizeof(t->zone_text) - used);

	private_key_put_record(k, &b);
	buf_printf(&zone, "%s._domainkey.%s. IN TXT", selector, domain);
	for (struct span rest = buf_view(&b); rest.n > 0;
	     rest = span_skip(rest, 200))
		buf_printf(&zone, " \"%.*s\"", SPAN_FMT(span_first(rest, 200)));
	buf_byte(&zone, '\n');
	assert_false(b.full || zone.full);
}

static void
add_key(struct test_keys *t, const char *domain, const char *selector,
    enum private_key_type type, bool imported)
{
	struct key_entries *entries = calloc(1, sizeof(*entries));
	struct private_key *k = private_key_generate(type, RSA_BITS);
	char text[500] = "";
	struct buf error = buf_wrap(text, sizeof(text));

	assert_non_null(entries);
	assert_non_null(k);
	if (!key_file_write(t->folder, domain, selector, k, &error) ||
	    !key_entries_read(t->folder, domain, entries, &error))
		fail_msg("%s", text);
	snprintf(entries->list[entries->n].selector, KEY_SELECTOR_MAX, "%s",
	    selector);
	entries->list[entries->n].created = 1;
	entries->list[entries->n].imported = imported;
	entries->n++;
	if (!key_entries_write(t->folder, domain, entries, &error))
		fail_msg("%s", text);
	put_key_record(t, k, domain, selector);
	assert_true(t->n_domains < TEST_KEYS_MAX);
	snprintf(
	    t->domains[t->n_domains++], sizeof(t->domains[0]), "%s", domain);
	private_key_unref(k);
	free(entries);
}

void
test_keys_add(struct test_keys *t, const char *domain, const char *selector,
    enum private_key_type type)
{
	add_key(t, domain, selector, type, true);
}

void
test_keys_add_unpublished(struct test_keys *t, const char *domain,
    const char *selector, enum private_key_type type)
{
	add_key(t, domain, selector, type, false);
}

struct sign_keys *
test_keys_load(const struct test_keys *t)
{
	struct sign_keys_faults faults;
	struct sign_keys *keys =
	    sign_keys_load(t->folder, NULL, stderr, &faults);

	assert_non_null(keys);
	assert_int_equal(faults.broken, 0);
	return keys;
}

struct dns_source *
test_keys_zone(const struct test_keys *t)
{
	return pump_zone(t->zone_text);
}

void
test_keys_end(struct test_keys *t)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", t->folder);
	assert_int_equal(system(command), 0);
}
