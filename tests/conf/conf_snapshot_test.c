/* conf_snapshot_test.c - snapshots of a configuration: reading, reference
 * counts, threads, and failing allocations */
#include "conf/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "lib/enum_names.h"
#include "tests/support/conf_text.h"
#include "conf/snapshot.h"
#include "conf/parse.h"
#include "conf/options.h"
#include "conf/value.h"

/* ---- files ---- */

static void
files(void **state)
{
	char path[] = "/tmp/conf-test-XXXXXX", *errors, want[200];
	int fd = mkstemp(path);
	size_t size;
	FILE *f = open_memstream(&errors, &size);
	char *large =
	    conf_text_repeated("", "# @\n", CONF_FILE_MAX / 11 + 1, "");
	const struct conf *c;

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(f);
	assert_int_equal(write(fd, "\nmode = monitor\n", 16), 16);
	c = conf_read(path, f);
	assert_non_null(c);
	assert_int_equal(c->mode, CONF_MONITOR);
	conf_unref(c);

	assert_int_equal(
	    write(fd, large, strlen(large)), (ssize_t)strlen(large));
	assert_null(conf_read(path, f));
	close(fd);
	unlink(path);
	assert_null(conf_read(path, f));
	assert_null(conf_read("/", f));
	fclose(f);
	snprintf(want, sizeof(want),
	    "%s: is larger than 1048576 bytes\n"
	    "%s: No such file or directory\n/: Is a directory\n",
	    path, path);
	assert_string_equal(errors, want);
	free(errors);
	free(large);
}

/* ---- snapshots ---- */

static void
counted_snapshots(void **state)
{
	const struct conf *c = conf_text_good("user = x");
	struct conf own = { .user = NULL };

	(void)state;
	assert_ptr_equal(conf_ref(c), c);
	conf_unref(c);
	assert_string_equal(c->user, "x");
	conf_unref(c);
	conf_unref(NULL);
	assert_null(conf_ref(NULL));
	/* conf_unref() does not free a struct that conf_read() did not make */
	assert_ptr_equal(conf_ref(&own), &own);
	conf_unref(&own);
	conf_unref(&own);
}

static void *
read_many(void *arg)
{
	const struct conf **last = arg;

	for (int i = 0; i < 50; i++) {
		char *errors;
		const struct conf *bad =
		    conf_text_read("foo = 1 bar = 2", &errors);

		conf_unref(*last);
		*last =
		    bad != NULL ? NULL : conf_text_good("user = y sample = 3%");
		free(errors);
	}
	return NULL;
}

static void
several_threads(void **state)
{
	pthread_t threads[4];
	const struct conf *last[4] = { NULL };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&threads[i], NULL, read_many, &last[i]), 0);
	for (size_t i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_non_null(last[i]);
		assert_int_equal(last[i]->sample, 30);
		conf_unref(last[i]);
	}
}

/* Fails each allocation of the reading arena in turn. */
static void
no_memory(void **state)
{
	static const char text[] =
	    "user = x\nfoo = 1\nskip_networks += ::2\ndmrac { q = 1 }\n"
	    "override a { client = ::1 from_domain = {} }\n"
	    "override b { }\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(1 << 20);
		struct conf_errors errors = { .arena = a };

		assert_non_null(a);
		arena_fail_at(a, nth);
		assert_null(conf_build(
		    span_str(text), "f", arena_new(1 << 20), &errors));
		assert_true(errors.no_memory || errors.errors.n == 6);
		if (!arena_has_failed(a)) {
			assert_true(nth > 30);
			assert_false(errors.no_memory);
			arena_free(a);
			break;
		}
		assert_true(errors.no_memory);
		arena_free(a);
	}
}

/* Fails each allocation of the snapshot's arena in turn.  An incomplete
 * configuration is never returned. */
static void
no_memory_for_the_snapshot(void **state)
{
	static const char text[] =
	    "user = x\nskip_networks += ::2\nnameservers = ::1\n"
	    "arc { trusted_sealers = { a.example, b.example } }\n"
	    "override a { client = ::1 from_domain = x.example action = "
	    "quarantine "
	    "}\noverride b { list_id = x.example action = accept reason = y "
	    "}\n";

	(void)state;
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(1 << 20);
		struct arena *snapshot = arena_new(1 << 20);
		struct conf_errors errors = { .arena = a };
		const struct conf *c;

		assert_non_null(a);
		assert_non_null(snapshot);
		arena_fail_at(snapshot, nth);
		c = conf_build(span_str(text), "f", snapshot, &errors);
		if (c != NULL) {
			assert_true(nth > 20);
			assert_false(errors.no_memory);
			assert_int_equal(c->n_overrides, 2);
			conf_unref(c);
			arena_free(a);
			break;
		}
		if (!errors.no_memory || errors.errors.n > 0)
			fail_msg(
			    "allocation %lu: %zu errors", nth, errors.errors.n);
		arena_free(a);
	}
}

static void
no_memory_at_all(void **state)
{
	struct arena *a = arena_new(1 << 16);
	struct conf_errors errors = { .arena = a };
	char *text;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_null(conf_build(SPAN(""), "f", NULL, &errors));
	conf_errors_print(&errors, "f", f);
	fclose(f);
	assert_string_equal(text, "f: out of memory\n");
	free(text);
	arena_free(a);
}

static void
values_without_memory(void **state)
{
	static const struct {
		const char *section, *name, *text;
	} vectors[] = {
		{ "", "user", "avouch" },
		{ "", "socket", "unix:/a" },
		{ "", "socket", "inet:8894" },
		{ "", "authserv_id", "mx.example" },
		{ "", "skip_networks", "10.0.0.0/8" },
		{ "arc", "trusted_sealers", "example.net" },
		{ "override", "from_domain", "*.example.net" },
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		const struct conf_option *o =
		    conf_option_find(vectors[i].section, vectors[i].name);
		struct conf_value value = { NULL, vectors[i].text, 1 };

		assert_non_null(o);
		for (unsigned long nth = 1;; nth++) {
			struct arena *a = arena_new(1 << 16);
			struct arena *texts = arena_new(1 << 16);
			struct conf_errors errors = { .arena = texts };
			struct conf c = { .user = NULL };
			struct conf_override v = { .name = NULL };
			bool good, failed;

			arena_fail_at(a, nth);
			good = conf_value_read(o, &value,
			    vectors[i].section[0] == 'o' ? (void *)&v
							 : (void *)&c,
			    a, &errors);
			failed = arena_has_failed(a);
			arena_free(a);
			arena_free(texts);
			if (!failed) {
				assert_true(good && nth > 1);
				break;
			}
			if (good || (errors.errors.n == 0 && !errors.no_memory))
				fail_msg("%s: allocation %lu: not noticed",
				    vectors[i].name, nth);
		}
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files),
		cmocka_unit_test(counted_snapshots),
		cmocka_unit_test(several_threads),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(no_memory_for_the_snapshot),
		cmocka_unit_test(no_memory_at_all),
		cmocka_unit_test(values_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
