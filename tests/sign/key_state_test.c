/* key_state_test.c - the state file of a host: complete, damaged, or from
 * another host */
#include "sign/key_state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/enum_names.h"
#include "sign/key_folder.h"
#include "tests/support/sign_keys.h"

enum { NOW = 1800000000, DAY = 86400, FLIPS = 500, ERROR_TEXT_MAX = 2048 };

static const struct pauses some_pauses = { .since = NOW - 40 * DAY,
	.last = NOW - 60,
	.saved = NOW,
	.week = NOW / (7 * DAY),
	.longest = { 7, 8, 9, 10 } };

static struct test_keys folder;
static struct pauses pauses; /* the pauses that were read last */
static char own[100];        /* the path of the state file */

/*
 * Creates keys for these states, which set_states() sets.  a.example: k1 is
 * retired, k2 signs.  b.example: its record was lost.  c.example: never
 * published.  d.example: imported.
 */
static int
set_up(void **state)
{
	char path[80];

	(void)state;
	test_keys_begin(&folder);
	test_keys_add_unpublished(
	    &folder, "a.example", "k2", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "a.example", "k1", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "b.example", "b", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "c.example", "c", PRIVATE_KEY_ED25519);
	test_keys_add(&folder, "d.example", "d", PRIVATE_KEY_ED25519);
	snprintf(path, sizeof(path), "%s/.state", folder.folder);
	assert_int_equal(mkdir(path, 0750), 0);
	snprintf(own, sizeof(own), "%s/host", path);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	test_keys_end(&folder);
	return 0;
}

static struct sign_key *
key_state_key_of(
    const struct sign_keys *keys, const char *domain, const char *selector)
{
	struct sign_domain *d = sign_keys_domain(keys, span_str(domain));

	assert_non_null(d);
	for (size_t i = 0; i < d->n_keys; i++)
		if (strcmp(d->keys[i]->selector, selector) == 0)
			return d->keys[i];
	fail_msg("no key %s", selector);
	return NULL;
}

static void
set_states(const struct sign_keys *keys)
{
	key_state_key_of(keys, "a.example", "k2")->state =
	    (struct rotation_state){ .since = NOW - 9 * DAY,
		    .wait = 3600,
		    .seen = NOW,
		    .used = NOW,
		    .ready = true,
		    .ever = true,
		    .signs = true };
	key_state_key_of(keys, "a.example", "k1")->state =
	    (struct rotation_state){ .since = NOW - 90 * DAY,
		    .wait = 300,
		    .seen = NOW,
		    .used = NOW - 9 * DAY,
		    .ready = true,
		    .ever = true };
	key_state_key_of(keys, "b.example", "b")->state =
	    (struct rotation_state){ .seen = NOW - DAY,
		    .absent = NOW,
		    .used = NOW - 5,
		    .ever = true };
}

/* Returns the selector that signs, or "". */
static const char *
signs(const struct sign_keys *keys, const char *domain)
{
	struct sign_key *found[SIGN_KEYS_PER_DOMAIN];
	size_t n;

	(void)sign_keys_decide(sign_keys_domain(keys, span_str(domain)));
	(void)sign_keys_of(keys, span_str(domain), found, &n);
	return n > 0 ? found[0]->selector : "";
}

static void
file_write(const char *path, struct span text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text.p, 1, text.n, f), text.n);
	fclose(f);
}

/* Returns the text of the state file as it is after set_states(). */
static char *
state_text(size_t *n)
{
	struct sign_keys *keys = test_keys_load(&folder);
	char *text = NULL;
	FILE *f = open_memstream(&text, n);

	assert_non_null(f);
	set_states(keys);
	key_state_put(f, keys, &some_pauses);
	fclose(f);
	sign_keys_unref(keys);
	return text;
}

/* Returns the set of keys of a daemon that has just started. */
static struct sign_keys *
started(bool *ok, char error[ERROR_TEXT_MAX])
{
	struct sign_keys *keys = test_keys_load(&folder);
	struct buf b = buf_wrap(error, ERROR_TEXT_MAX);

	error[0] = '\0';
	memset(&pauses, 0, sizeof(pauses));
	*ok = key_state_load(own, keys, NOW, &pauses, &b);
	assert_int_equal(*ok, error[0] == '\0');
	return keys;
}

static void
written_state_is_read_back(void **state)
{
	struct sign_keys *keys = test_keys_load(&folder), *again;
	char text[ERROR_TEXT_MAX] = "";
	struct buf error = buf_wrap(text, sizeof(text));
	const struct rotation_state *one, *two;
	bool ok;

	(void)state;
	set_states(keys);
	if (!key_state_write(own, keys, &some_pauses, &error))
		fail_msg("%s", text);
	again = started(&ok, text);
	assert_true(ok);
	assert_memory_equal(
	    &pauses, &some_pauses, offsetof(struct pauses, is_silent));
	one = &key_state_key_of(keys, "a.example", "k1")->state;
	two = &key_state_key_of(again, "a.example", "k1")->state;
	assert_int_equal(one->since, two->since);
	assert_int_equal(one->wait, two->wait);
	assert_int_equal(one->seen, two->seen);
	assert_int_equal(one->used, two->used);
	assert_int_equal(
	    key_state_key_of(again, "b.example", "b")->state.absent,
	    (int64_t)NOW);
	assert_true(key_state_key_of(again, "a.example", "k2")->state.signs);
	assert_string_equal(signs(again, "a.example"), "k2");
	assert_string_equal(signs(again, "b.example"), "b");
	assert_string_equal(signs(again, "c.example"), "");
	assert_string_equal(signs(again, "d.example"), "d");
	sign_keys_unref(keys);
	sign_keys_unref(again);
}

/* Every key that has signed keeps signing, and the error is reported. */
static void
truncated_files_stop_no_key(void **state)
{
	char text[ERROR_TEXT_MAX];
	size_t n;
	char *whole = state_text(&n);

	(void)state;
	for (size_t cut = 0; cut < n; cut++) {
		struct sign_keys *keys;
		bool ok;

		file_write(own, span_of(whole, cut));
		keys = started(&ok, text);
		if (ok || strstr(text, "the end is missing") == NULL)
			fail_msg("%zu bytes: %s", cut, text);
		if (signs(keys, "a.example")[0] == '\0' ||
		    signs(keys, "b.example")[0] == '\0' ||
		    signs(keys, "d.example")[0] == '\0')
			fail_msg("%zu bytes: a key does not sign", cut);
		sign_keys_unref(keys);
	}
	free(whole);
}

static void
garbage_files_stop_no_key(void **state)
{
	static const char *const texts[] = { "\n", "# end\n# end", "a b c\n",
		"\377\376\n# end\n", "a.example k2 00 since=1\n# end\n" };
	char text[ERROR_TEXT_MAX], zeros[4096] = { 0 };
	bool ok;

	(void)state;
	for (size_t i = 0; i <= ARRAY_SIZE(texts); i++) {
		struct sign_keys *keys;

		file_write(own,
		    i < ARRAY_SIZE(texts) ? span_str(texts[i])
					  : span_of(zeros, sizeof(zeros)));
		keys = started(&ok, text);
		assert_false(ok);
		assert_string_not_equal(signs(keys, "a.example"), "");
		assert_string_not_equal(signs(keys, "b.example"), "");
		sign_keys_unref(keys);
	}
	assert_int_equal(unlink(own), 0);
	assert_int_equal(mkdir(own, 0750), 0); /* cannot be read */
	sign_keys_unref(started(&ok, text));
	assert_false(ok);
	assert_int_equal(rmdir(own), 0);
}

/* Checks that every key becomes ready if its record is found on nine
 * consecutive days. */
static void
check_not_stuck(const struct sign_keys *keys)
{
	size_t n;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++) {
			struct rotation_state *s = &domains[i]->keys[k]->state;

			assert_true(!s->ready || s->ever);
			assert_true(
			    s->wait >= 0 && s->wait <= ROTATION_WAIT_MAX);
			for (int day = 0; day < 9; day++)
				(void)rotation_observe(s, ROTATION_PRESENT,
				    3600, NOW + day * INT64_C(86400));
			assert_true(s->ready);
		}
}

static void
changed_bytes_never_stop_a_key(void **state)
{
	uint64_t seed = 6376;
	size_t n;
	char *whole = state_text(&n);
	char text[ERROR_TEXT_MAX];

	(void)state;
	for (int i = 0; i < FLIPS; i++) {
		struct sign_keys *keys;
		size_t at;
		char old;
		bool ok;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		at = (size_t)(seed >> 33) % n;
		old = whole[at];
		whole[at] = i % 2 == 0 ? (char)('0' + (seed >> 60) % 10)
				       : (char)(seed >> 56);
		file_write(own, span_of(whole, n));
		keys = started(&ok, text);
		check_not_stuck(keys);
		sign_keys_unref(keys);
		whole[at] = old;
	}
	free(whole);
}

static void
impossible_numbers(void **state)
{
	static const struct {
		const char *numbers;
		bool ok;
	} rows[] = {
		{ "since=5 wait=9223372036854775807 ready=0", false },
		{ "since=5 wait=253402300799", true },
		{ "since=-5", false },
		{ "since=5x", false },
		{ "since", false },
		{ "since=99999999999999999999999", false },
		{ "ready=1", true },
		{ "ready=1 absent=5", true },
		{ "used=253402300799 seen=253402300799", true },
		{ "from_a_later_version=7", true },
	};
	size_t n;
	char *whole = state_text(&n);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sign_keys *keys;
		char text[ERROR_TEXT_MAX], file[ERROR_TEXT_MAX];
		const char *line = strstr(whole, "b.example b ");
		struct buf b = buf_wrap(file, sizeof(file));
		bool ok;

		/* domain, selector and id */
		buf_span(&b, span_of(line, strlen("b.example b ") + 64));
		buf_printf(&b, " %s\n# end\n", rows[i].numbers);
		file_write(own, buf_view(&b));
		keys = started(&ok, text);
		if (ok != rows[i].ok)
			fail_msg("%s: %s", rows[i].numbers, text);
		check_not_stuck(keys);
		sign_keys_unref(keys);
	}
	free(whole);
}

/* The host was renamed, or its daemon has a different role. */
static void
missing_file_falls_back_to_another_host(void **state)
{
	char text[ERROR_TEXT_MAX], other[120];
	const struct timespec old[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
	struct sign_keys *keys;
	size_t n;
	char *whole = state_text(&n);
	bool ok;

	(void)state;
	(void)unlink(own);
	keys = started(&ok, text);
	assert_true(ok);
	assert_string_equal(signs(keys, "a.example"), ""); /* all are new */
	assert_string_equal(signs(keys, "d.example"), "d");
	sign_keys_unref(keys);

	snprintf(other, sizeof(other), "%s.sign", own);
	file_write(other, span_of(whole, n));
	snprintf(other, sizeof(other), "%s.older", own);
	file_write(other, SPAN("# end\n"));
	assert_int_equal(utimensat(AT_FDCWD, other, old, 0), 0);
	keys = started(&ok, text);
	assert_true(ok);
	assert_string_equal(signs(keys, "a.example"), "k2");
	assert_string_equal(signs(keys, "c.example"), "");
	sign_keys_unref(keys);
	free(whole);
}

/* A domain whose directory was missing at two starts. */
static void
states_of_removed_keys_are_kept(void **state)
{
	char text[ERROR_TEXT_MAX], from[100], to[100];
	struct buf error = buf_wrap(text, sizeof(text));
	struct sign_keys *keys;
	size_t n;
	char *whole = state_text(&n);
	bool ok;

	(void)state;
	file_write(own, span_of(whole, n));
	snprintf(from, sizeof(from), "%s/a.example", folder.folder);
	snprintf(to, sizeof(to), "%s/away", folder.folder);
	assert_int_equal(rename(from, to), 0);
	for (int i = 0; i < 2; i++) {
		keys = started(&ok, text);
		assert_true(ok);
		assert_null(sign_keys_domain(keys, SPAN("a.example")));
		error = buf_wrap(text, sizeof(text));
		if (!key_state_write(own, keys, &pauses, &error))
			fail_msg("%s", text);
		sign_keys_unref(keys);
	}
	assert_int_equal(rename(to, from), 0);
	keys = started(&ok, text);
	assert_true(ok);
	assert_string_equal(signs(keys, "a.example"), "k2");
	assert_int_equal(key_state_key_of(keys, "a.example", "k1")->state.used,
	    NOW - 9 * DAY);
	sign_keys_unref(keys);
	free(whole);
}

/* ... but not forever. */
static void
states_of_removed_keys_expire(void **state)
{
	struct sign_keys *keys = test_keys_load(&folder);
	char text[ERROR_TEXT_MAX] = "";
	struct buf error = buf_wrap(text, sizeof(text));
	char lines[ERROR_TEXT_MAX];
	struct buf b = buf_wrap(lines, sizeof(lines));
	size_t n;

	(void)state;
	for (int days = 29; days <= 31; days += 2) {
		buf_printf(&b, "x.example k%d ", days);
		for (int i = 0; i < 64; i++)
			buf_byte(&b, '0');
		buf_printf(&b, " seen=%lld ever=1 ready=1\n",
		    (long long)NOW - days * INT64_C(86400));
	}
	buf_text(&b, "# end\n");
	file_write(own, buf_view(&b));
	if (!key_state_load(own, keys, NOW, &pauses, &error))
		fail_msg("%s", text);
	assert_int_equal(
	    strncmp(sign_keys_removed(keys, &n)[0].id, "x.example k29 ", 14),
	    0);
	assert_int_equal(n, 1);
	sign_keys_unref(keys);
}

/* The clock was ahead for a while. */
static void
times_in_the_future_become_now(void **state)
{
	static const char numbers[] =
	    " since=1900000000 seen=1900000000 used=1900000000 ready=1";
	struct sign_keys *keys;
	char text[ERROR_TEXT_MAX], file[ERROR_TEXT_MAX];
	const struct rotation_state *s;
	size_t n;
	char *whole = state_text(&n);
	const char *line = strstr(whole, "b.example b ");
	struct buf b = buf_wrap(file, sizeof(file));
	bool ok;

	(void)state;
	buf_span(&b, span_of(line, strlen("b.example b ") + 64));
	buf_printf(&b, "%s\n# end\n", numbers);
	file_write(own, buf_view(&b));
	keys = started(&ok, text);
	assert_true(ok);
	s = &key_state_key_of(keys, "b.example", "b")->state;
	assert_int_equal(s->used, NOW);
	assert_int_equal(s->seen, NOW);
	assert_int_equal(s->since, NOW);
	sign_keys_unref(keys);
	free(whole);
}

/* Commands combine the states of all hosts that still exist. */
static void
old_hosts_are_ignored(void **state)
{
	char other[120];
	const struct timespec old[2] = { { .tv_sec = 5 }, { .tv_sec = 5 } };
	struct sign_keys *keys = test_keys_load(&folder);
	size_t n;
	char *whole = state_text(&n);

	(void)state;
	(void)unlink(own);
	snprintf(other, sizeof(other), "%s.older", own);
	(void)unlink(other);
	snprintf(other, sizeof(other), "%s.sign", own);
	(void)unlink(other);
	file_write(own, span_of(whole, n));
	*strstr(whole, "ready=1") = 'x'; /* not ready on the other host */
	file_write(other, span_of(whole, n));
	assert_int_equal(key_state_read_all(folder.folder, keys, NOW), 2);
	assert_false(key_state_key_of(keys, "a.example", "k1")->state.ready);
	sign_keys_unref(keys);
	keys = test_keys_load(&folder);
	assert_int_equal(utimensat(AT_FDCWD, other, old, 0), 0);
	assert_int_equal(key_state_read_all(folder.folder, keys, NOW), 1);
	assert_true(key_state_key_of(keys, "a.example", "k1")->state.ready);
	sign_keys_unref(keys);
	free(whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_state_is_read_back),
		cmocka_unit_test(truncated_files_stop_no_key),
		cmocka_unit_test(garbage_files_stop_no_key),
		cmocka_unit_test(changed_bytes_never_stop_a_key),
		cmocka_unit_test(impossible_numbers),
		cmocka_unit_test(missing_file_falls_back_to_another_host),
		cmocka_unit_test(old_hosts_are_ignored),
		cmocka_unit_test(states_of_removed_keys_are_kept),
		cmocka_unit_test(states_of_removed_keys_expire),
		cmocka_unit_test(times_in_the_future_become_now),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
