#include "sign/key_state.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/enum_names.h"
#include "lib/scan.h"
#include "sign/key_folder.h"

enum { STATE_FILE_MODE = 0640 };

/* The last line; if it is missing, the file was truncated. */
static const char end_line[] = "# end\n";

#define STATE_NUMBER_MAX INT64_C(253402300799) /* the end of the year 9999 */

struct state_number {
	const char *name;
	size_t offset; /* offset of an int64_t member */
};

/* members of struct rotation_state, in file order */
static const struct state_number numbers[] = {
	{ "since", offsetof(struct rotation_state, since) },
	{ "wait", offsetof(struct rotation_state, wait) },
	{ "seen", offsetof(struct rotation_state, seen) },
	{ "absent", offsetof(struct rotation_state, absent) },
	{ "used", offsetof(struct rotation_state, used) },
};

/* members of struct pauses, in file order */
static const char pauses_mark[] = "!pauses";
static const struct state_number pause_numbers[] = {
	{ "since", offsetof(struct pauses, since) },
	{ "last", offsetof(struct pauses, last) },
	{ "saved", offsetof(struct pauses, saved) },
	{ "week", offsetof(struct pauses, week) },
	{ "longest0", offsetof(struct pauses, longest[0]) },
	{ "longest1", offsetof(struct pauses, longest[1]) },
	{ "longest2", offsetof(struct pauses, longest[2]) },
	{ "longest3", offsetof(struct pauses, longest[3]) },
};

/* ---- reading ---- */

static bool
is_word(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

/* Parses one NAME=NUMBER and sets the member of `to` that the table lists for
 * NAME. */
static bool
number_read(struct span word, const struct state_number *table, size_t n,
    void *to, struct span *name, int64_t *value)
{
	struct scan s;
	uint64_t number;

	*name = span_first(word, span_index(word, '='));
	s = scan_of(span_skip(word, name->n + 1));
	if (!scan_number(&s, STATE_NUMBER_MAX, &number) || !scan_done(&s))
		return false;
	*value = (int64_t)number;
	for (size_t i = 0; i < n; i++)
		if (span_is(*name, table[i].name))
			memcpy((char *)to + table[i].offset, value,
			    sizeof(*value));
	return true; /* unknown names from later versions are skipped */
}

static bool
number_set(struct rotation_state *state, struct span word)
{
	struct span name;
	int64_t value;

	if (!number_read(
		word, numbers, ARRAY_SIZE(numbers), state, &name, &value))
		return false;
	if (span_is(name, "ready"))
		state->ready = value != 0;
	else if (span_is(name, "ever"))
		state->ever = value != 0;
	else if (span_is(name, "signs"))
		state->signs = value != 0;
	return true;
}

static struct span
take_word(struct scan *s)
{
	struct span word = scan_while(s, is_word);

	(void)scan_byte(s, ' ');
	return word;
}

/* Returns false if the line is not valid. */
static bool
line_read(struct span text, const struct key_state_reader *reader)
{
	struct key_state_line line = { .key = NULL };
	struct scan s = scan_of(text);
	struct span domain = take_word(&s);
	struct span selector = take_word(&s);
	struct span id = take_word(&s);

	if (text.n > KEY_STATE_LINE_MAX || id.n != 2 * CRYPTO_HASH_SIZE)
		return false;
	while (!scan_done(&s)) {
		struct span word = take_word(&s);

		if (word.n == 0 || !number_set(&line.state, word))
			return false;
	}
	rotation_repair(&line.state, reader->now);
	line.id = span_first(text, domain.n + selector.n + id.n + 2);
	if (line.id.n >= SIGN_KEY_ID_MAX)
		return false;
	line.key = sign_keys_find(reader->keys, line.id);
	reader->each(reader->arg, &line);
	return true;
}

static bool
pauses_read(struct span line, struct pauses *out)
{
	struct scan s = scan_of(line);
	struct pauses p = { .since = 0 };
	struct span name;
	int64_t value;

	(void)take_word(&s);
	while (!scan_done(&s))
		if (!number_read(take_word(&s), pause_numbers,
			ARRAY_SIZE(pause_numbers), &p, &name, &value))
			return false;
	*out = p;
	return true;
}

size_t
key_state_parse(struct span text, const struct key_state_reader *reader,
    struct pauses *pauses)
{
	struct scan all = scan_of(text);
	size_t bad = 0;

	while (!scan_done(&all)) {
		struct span line = scan_until(&all, '\n');
		bool is_whole = scan_byte(&all, '\n');

		if (line.n == 0 || line.p[0] == '#')
			continue;
		if (!is_whole ||
		    !(span_starts_nocase(line, pauses_mark)
			    ? pauses_read(line, pauses)
			    : line_read(line, reader)))
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

/* Reads an existing file.  Returns true if all of it was valid. */
static bool
state_file(const char *path, const struct key_state_reader *reader,
    struct pauses *pauses, struct buf *error)
{
	bool is_whole;
	struct span text;
	size_t bad;
	char *memory;

	if (!key_file_text(path, KEY_STATE_FILE_MAX, &memory, &text)) {
		state_error(error, path);
		return false;
	}
	bad = key_state_parse(text, reader, pauses);
	is_whole = span_ends_nocase(text, end_line);
	free(memory);
	if (bad > 0 || !is_whole) {
		buf_printable(error, span_str(path), KEY_PATH_MAX);
		buf_printf(error, ": %zu damaged lines were not read%s", bad,
		    is_whole ? "" : ", and the end is missing");
	}
	return bad == 0 && is_whole;
}

/* ---- the file of this host ---- */

struct state_load {
	struct sign_keys *keys;
	int64_t now;
};

/* Whether the daemon had this key so recently that it may come back. */
static bool
is_recent(const struct rotation_state *state, int64_t now)
{
	int64_t oldest = now - KEY_STATE_REMOVED_S;

	return state->ever &&
	    (state->seen > oldest || state->absent > oldest ||
		state->used > oldest);
}

static void
state_set(void *arg, const struct key_state_line *line)
{
	const struct state_load *load = arg;

	if (line->key != NULL) {
		line->key->state = line->state;
		/* used here to mark keys that have a line */
		line->key->quiet = 1;
	} else if (is_recent(&line->state, load->now)) {
		(void)sign_keys_add_removed(load->keys, line->id, &line->state);
	}
}

static void
keys_without_line(const struct sign_keys *keys, bool is_damaged)
{
	size_t n;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++) {
			struct sign_key *key = domains[i]->keys[k];

			if (key->quiet == 0 && is_damaged && !key->imported)
				rotation_lose(&key->state);
			key->quiet = 0;
		}
}

static bool
is_state_name(const char *name)
{
	return name[0] != '.' && !span_ends_nocase(span_str(name), ".new");
}

/* Finds the most recently written file in a folder and sets `out` to its path.
 * Returns the file's time in seconds since 1970, or 0 if there is no file. */
static int64_t
newest_file(struct span folder, char out[KEY_PATH_MAX])
{
	char one[KEY_PATH_MAX];
	struct buf path = buf_wrap(out, KEY_PATH_MAX);
	int64_t newest = 0;
	struct dirent *file;
	struct stat st;
	DIR *directory;

	buf_span(&path, folder);
	directory = path.full ? NULL : opendir(out);
	while (directory != NULL && (file = readdir(directory)) != NULL) {
		struct buf b = buf_wrap(one, sizeof(one));

		buf_span(&b, folder);
		buf_printf(&b, "/%s", file->d_name);
		if (b.full || !is_state_name(file->d_name) ||
		    stat(one, &st) != 0 || !S_ISREG(st.st_mode) ||
		    st.st_mtime <= newest)
			continue;
		newest = st.st_mtime;
		memcpy(out, one, sizeof(one));
	}
	if (directory != NULL)
		closedir(directory);
	return newest;
}

bool
key_state_load(const char *path, struct sign_keys *keys, int64_t now,
    struct pauses *pauses, struct buf *error)
{
	struct state_load load = { .keys = keys, .now = now };
	const struct key_state_reader reader = {
		.keys = keys, .now = now, .each = state_set, .arg = &load
	};
	char other[KEY_PATH_MAX];
	struct span folder;
	bool ok;

	if (access(path, F_OK) != 0 && errno == ENOENT) {
		folder = span_first(
		    span_str(path), span_rindex(span_str(path), '/'));
		if (newest_file(folder, other) == 0)
			return true;
		path = other;
	}
	ok = state_file(path, &reader, pauses, error);
	keys_without_line(keys, !ok);
	if (!ok)
		buf_text(error,
		    "; keys in an unknown state are used to sign until the "
		    "name servers have been queried");
	return ok;
}

/* ---- several hosts ---- */

static void
state_merge(void *arg, const struct key_state_line *line)
{
	const struct rotation_state *state = &line->state;
	struct sign_key *key = line->key;
	struct rotation_state *sum;

	(void)arg;
	if (key == NULL)
		return;
	sum = &key->state;
	if (key->quiet == 0) {
		*sum = *state;
	} else {
		sum->ready = sum->ready && state->ready;
		sum->ever = sum->ever && state->ever;
		sum->signs = sum->signs || state->signs;
		if (sum->used < state->used)
			sum->used = state->used;
		if (sum->seen < state->seen)
			sum->seen = state->seen;
		if (sum->absent < state->absent)
			sum->absent = state->absent;
		if (sum->since < state->since)
			sum->since = state->since;
	}
	key->quiet++; /* used here to count the hosts that know the key */
}

size_t
key_state_read_all(
    const char *folder, const struct sign_keys *keys, int64_t now)
{
	const struct key_state_reader reader = {
		.keys = keys, .now = now, .each = state_merge
	};
	char path[KEY_PATH_MAX], newest[KEY_PATH_MAX], text[KEY_PATH_MAX + 256];
	struct buf b = buf_wrap(path, sizeof(path));
	struct pauses others;
	struct dirent *file;
	struct stat st;
	size_t n = 0;
	int64_t stale;
	DIR *directory;

	buf_printf(&b, "%s/" KEY_STATE_FOLDER, folder);
	directory = b.full ? NULL : opendir(path);
	stale = newest_file(buf_view(&b), newest) - KEY_STATE_STALE_S;
	while (directory != NULL && n < KEY_STATE_HOSTS_MAX &&
	    (file = readdir(directory)) != NULL) {
		struct buf error = buf_wrap(text, sizeof(text));

		b = buf_wrap(path, sizeof(path));
		buf_printf(
		    &b, "%s/" KEY_STATE_FOLDER "/%s", folder, file->d_name);
		if (!b.full && is_state_name(file->d_name) &&
		    stat(path, &st) == 0 && st.st_mtime >= stale &&
		    state_file(path, &reader, &others, &error))
			n++;
	}
	if (directory != NULL)
		closedir(directory);
	return n;
}

/* ---- writing ---- */

static void
put_numbers(
    struct buf *b, const struct state_number *table, size_t n, const void *from)
{
	for (size_t i = 0; i < n; i++) {
		int64_t value;

		memcpy(&value, (const char *)from + table[i].offset,
		    sizeof(value));
		if (value > 0)
			buf_printf(
			    b, " %s=%lld", table[i].name, (long long)value);
	}
}

static void
put_pauses(FILE *out, const struct pauses *pauses)
{
	char text[KEY_STATE_LINE_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	buf_text(&b, pauses_mark);
	put_numbers(&b, pause_numbers, ARRAY_SIZE(pause_numbers), pauses);
	fprintf(out, "%s\n", text);
}

static void
put_line(FILE *out, struct span id, const struct rotation_state *state)
{
	char text[KEY_STATE_LINE_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	buf_span(&b, id);
	put_numbers(&b, numbers, ARRAY_SIZE(numbers), state);
	if (state->ready)
		buf_text(&b, " ready=1");
	if (state->ever)
		buf_text(&b, " ever=1");
	if (state->signs)
		buf_text(&b, " signs=1");
	fprintf(out, "%s\n", text);
}

static void
put_key(FILE *out, const struct sign_key *key)
{
	char text[SIGN_KEY_ID_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	sign_key_put_id(&b, key);
	put_line(out, buf_view(&b), &key->state);
}

void
key_state_put(
    FILE *out, const struct sign_keys *keys, const struct pauses *pauses)
{
	size_t n, n_removed;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);
	const struct sign_removed_key *removed =
	    sign_keys_removed(keys, &n_removed);

	fputs("# State of the signing keys as seen by this host; see "
	      "avouch(1).\n",
	    out);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < domains[i]->n_keys; k++)
			put_key(out, domains[i]->keys[k]);
	for (size_t i = 0; i < n_removed; i++)
		put_line(out, span_str(removed[i].id), &removed[i].state);
	put_pauses(out, pauses);
	fputs(end_line, out);
}

bool
key_state_write(const char *path, const struct sign_keys *keys,
    const struct pauses *pauses, struct buf *error)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool ok;

	if (out == NULL) {
		state_error(error, path);
		return false;
	}
	key_state_put(out, keys, pauses);
	ok = fclose(out) == 0;
	if (!ok)
		state_error(error, path);
	ok = ok &&
	    key_file_replace(path, STATE_FILE_MODE, span_of(text, size), error);
	free(text);
	return ok;
}
