#include "sign/key_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "lib/scan.h"
#include "sign/key_folder.h"

enum { STATE_FILE_MODE = 0640 };

/* The members, in the order of the file. */
static const struct {
	const char *name;
	size_t offset;
} numbers[] = {
	{ "since", offsetof(struct rotation_state, since) },
	{ "wait", offsetof(struct rotation_state, wait) },
	{ "seen", offsetof(struct rotation_state, seen) },
	{ "absent", offsetof(struct rotation_state, absent) },
	{ "used", offsetof(struct rotation_state, used) },
};

/* ---- reading ---- */

static bool
is_word(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

static bool
number_set(struct rotation_state *state, struct span word)
{
	struct span name = span_first(word, span_index(word, '='));
	struct scan s = scan_of(span_skip(word, name.n + 1));
	uint64_t number;
	int64_t value;

	if (!scan_number(&s, INT64_MAX / 4, &number) || !scan_done(&s))
		return false;
	value = (int64_t)number;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (span_is(name, numbers[i].name)) {
			memcpy((char *)state + numbers[i].offset, &value,
			    sizeof(value));
			return true;
		}
	if (span_is(name, "ready"))
		state->ready = number != 0;
	else if (span_is(name, "ever"))
		state->ever = number != 0;
	return true; /* names of later versions are skipped */
}

static void
put_id(struct buf *b, const struct private_key *key)
{
	const uint8_t *id = private_key_id(key);

	for (size_t i = 0; i < CRYPTO_HASH_SIZE; i++)
		buf_printf(b, "%02x", id[i]);
}

static struct sign_key *
key_find(const struct sign_keys *keys, struct span domain, struct span selector,
    struct span id)
{
	struct sign_domain *found = sign_keys_domain(keys, domain);

	for (size_t i = 0; found != NULL && i < found->n_keys; i++) {
		char text[2 * CRYPTO_HASH_SIZE + 1];
		struct buf b = buf_wrap(text, sizeof(text));

		put_id(&b, found->keys[i]->key);
		if (span_is(selector, found->keys[i]->selector) &&
		    span_equal(id, buf_view(&b)))
			return found->keys[i];
	}
	return NULL;
}

static struct span
take_word(struct scan *s)
{
	struct span word = scan_while(s, is_word);

	(void)scan_byte(s, ' ');
	return word;
}

/* False: not a valid line. */
static bool
line_read(struct span line, const struct sign_keys *keys, key_state_each *each,
    void *arg)
{
	struct rotation_state state = { .since = 0 };
	struct scan s = scan_of(line);
	struct span domain = take_word(&s);
	struct span selector = take_word(&s);
	struct span id = take_word(&s);
	struct sign_key *key;

	if (line.n > KEY_STATE_LINE_MAX || id.n != 2 * CRYPTO_HASH_SIZE)
		return false;
	while (!scan_done(&s)) {
		struct span word = take_word(&s);

		if (word.n == 0 || !number_set(&state, word))
			return false;
	}
	key = key_find(keys, domain, selector, id);
	if (key != NULL)
		each(arg, key, &state);
	return true;
}

size_t
key_state_parse(struct span text, const struct sign_keys *keys,
    key_state_each *each, void *arg)
{
	struct scan all = scan_of(text);
	size_t bad = 0;

	while (!scan_done(&all)) {
		struct span line = scan_until(&all, '\n');

		(void)scan_byte(&all, '\n');
		if (line.n > 0 && line.p[0] != '#' &&
		    !line_read(line, keys, each, arg))
			bad++;
	}
	return bad;
}

static void
state_error(struct buf *error, const char *path)
{
	int code = errno;

	buf_printable(error, span_str(path), KEY_PATH_MAX);
	buf_printf(error, ": %s", strerror(code));
}

static bool
state_file(const char *path, const struct sign_keys *keys, key_state_each *each,
    void *arg, struct buf *error)
{
	struct span text;
	size_t bad;
	char *memory;

	if (!key_file_text(path, KEY_STATE_FILE_MAX, &memory, &text)) {
		if (errno == ENOENT)
			return true;
		state_error(error, path);
		return false;
	}
	bad = key_state_parse(text, keys, each, arg);
	free(memory);
	if (bad > 0) {
		buf_printable(error, span_str(path), KEY_PATH_MAX);
		buf_printf(error,
		    ": %zu damaged lines were not read; their keys are looked "
		    "at as if they were new",
		    bad);
	}
	return bad == 0;
}

static void
state_set(void *arg, struct sign_key *key, const struct rotation_state *state)
{
	(void)arg;
	key->state = *state;
}

bool
key_state_read(
    const char *path, const struct sign_keys *keys, struct buf *error)
{
	return state_file(path, keys, state_set, NULL, error);
}

/* ---- several hosts ---- */

static void
state_merge(void *arg, struct sign_key *key, const struct rotation_state *state)
{
	struct rotation_state *sum = &key->state;
	bool first = key->quiet == 0;

	(void)arg;
	if (first) {
		*sum = *state;
	} else {
		sum->ready = sum->ready && state->ready;
		sum->ever = sum->ever && state->ever;
		if (sum->used < state->used)
			sum->used = state->used;
		if (sum->seen < state->seen)
			sum->seen = state->seen;
		if (sum->absent < state->absent)
			sum->absent = state->absent;
		if (sum->since < state->since)
			sum->since = state->since;
	}
	key->quiet++; /* here: the number of hosts that know it */
}

size_t
key_state_read_all(const char *folder, const struct sign_keys *keys)
{
	char path[KEY_PATH_MAX], text[KEY_PATH_MAX + 256];
	struct buf b = buf_wrap(path, sizeof(path));
	struct dirent *file;
	size_t n = 0;
	DIR *directory;

	buf_printf(&b, "%s/" KEY_STATE_FOLDER, folder);
	directory = b.full ? NULL : opendir(path);
	while (directory != NULL && n < KEY_STATE_HOSTS_MAX &&
	    (file = readdir(directory)) != NULL) {
		struct buf error = buf_wrap(text, sizeof(text));

		if (file->d_name[0] == '.' ||
		    span_ends_nocase(span_str(file->d_name), ".new"))
			continue;
		b = buf_wrap(path, sizeof(path));
		buf_printf(
		    &b, "%s/" KEY_STATE_FOLDER "/%s", folder, file->d_name);
		if (!b.full &&
		    state_file(path, keys, state_merge, NULL, &error))
			n++;
	}
	if (directory != NULL)
		closedir(directory);
	return n;
}

/* ---- writing ---- */

static void
put_key(FILE *out, const struct sign_key *key)
{
	char text[KEY_STATE_LINE_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	buf_printf(&b, "%s %s ", key->domain, key->selector);
	put_id(&b, key->key);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		int64_t value;

		memcpy(&value, (const char *)&key->state + numbers[i].offset,
		    sizeof(value));
		if (value > 0)
			buf_printf(
			    &b, " %s=%lld", numbers[i].name, (long long)value);
	}
	if (key->state.ready)
		buf_text(&b, " ready=1");
	if (key->state.ever)
		buf_text(&b, " ever=1");
	fprintf(out, "%s\n", text);
}

bool
key_state_write(
    const char *path, const struct sign_keys *keys, struct buf *error)
{
	char *text = NULL;
	size_t size = 0, n;
	FILE *out = open_memstream(&text, &size);
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);
	bool ok;

	if (out == NULL) {
		state_error(error, path);
		return false;
	}
	fputs("# What this host has seen of its signing keys; see avouch(1).\n",
	    out);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++)
			put_key(out, domains[i]->keys[k]);
	ok = fclose(out) == 0;
	if (!ok)
		state_error(error, path);
	ok = ok &&
	    key_file_replace(path, STATE_FILE_MODE, span_of(text, size), error);
	free(text);
	return ok;
}
