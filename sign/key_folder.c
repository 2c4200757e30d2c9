#include "sign/key_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/scan.h"

static bool
folder_error(struct buf *error, const char *path, const char *hint)
{
	int code = errno;

	buf_printable(error, span_str(path), KEY_PATH_MAX);
	buf_printf(error, ": %s%s%s", strerror(code), hint != NULL ? "; " : "",
	    hint != NULL ? hint : "");
	return false;
}

/* ---- the list of selectors ---- */

static bool
is_lower(unsigned char c)
{
	return c < 'A' || c > 'Z';
}

bool
key_selector_is_valid(struct span selector)
{
	return selector.n <= KEY_SELECTOR_MAX && domain_is_hostname(selector) &&
	    span_all(selector, is_lower) && selector.p[selector.n - 1] != '.';
}

struct key_entry *
key_entry_find(struct key_entries *entries, struct span selector)
{
	for (size_t i = 0; i < entries->n; i++)
		if (span_is(selector, entries->list[i].selector))
			return &entries->list[i];
	return NULL;
}

static bool
is_graphic(unsigned char c)
{
	return c > ' ' && c < 0x7f;
}

static bool
selector_copy(char out[KEY_SELECTOR_MAX + 1], struct span selector)
{
	if (!key_selector_is_valid(selector))
		return false;
	memcpy(out, selector.p, selector.n);
	out[selector.n] = '\0';
	return true;
}

static bool
target_copy(char out[DOMAIN_MAX + 1], struct span zone)
{
	if (zone.n > DOMAIN_MAX || !domain_is_hostname(zone))
		return false;
	memcpy(out, zone.p, zone.n);
	out[zone.n] = '\0';
	return true;
}

static bool
number_copy(struct span value, int64_t *out)
{
	struct scan s = scan_of(value);
	uint64_t number;

	if (!scan_number(&s, INT64_MAX, &number) || !scan_done(&s))
		return false;
	*out = (int64_t)number;
	return true;
}

/* Parses one NAME=VALUE in a line; unknown names from later versions are
 * skipped. */
static bool
entry_set(struct key_entry *entry, struct span word)
{
	struct span name = span_first(word, span_index(word, '='));
	struct span value = span_skip(word, name.n + 1);
	int64_t imported = 0;
	bool ok = true;

	if (name.n == word.n)
		return false;
	if (span_is(name, "created"))
		ok = number_copy(value, &entry->created);
	else if (span_is(name, "retired"))
		ok = number_copy(value, &entry->retired);
	else if (span_is(name, "revoked"))
		ok = number_copy(value, &entry->revoked);
	else if (span_is(name, "imported"))
		ok = number_copy(value, &imported);
	else if (span_is(name, "pair"))
		ok = selector_copy(entry->pair, value);
	else if (span_is(name, "target"))
		ok = target_copy(entry->target, value);
	if (imported != 0)
		entry->imported = true;
	return ok;
}

static const char *
entry_parse(struct scan *s, struct key_entry *entry)
{
	struct span word = scan_while(s, is_graphic);

	if (!selector_copy(entry->selector, word))
		return "this is not a valid selector; it must be lower-case "
		       "letters, digits and hyphens";
	while (!scan_done(s)) {
		if (!scan_byte(s, ' '))
			return "unexpected character; words are separated by "
			       "one space";
		word = scan_while(s, is_graphic);
		if (!entry_set(entry, word))
			return "expected NAME=VALUE with a number or a "
			       "selector as the value";
	}
	return NULL;
}

bool
key_entries_parse(
    struct span text, struct key_entries *out, unsigned *line, const char **why)
{
	struct scan all = scan_of(text);

	out->n = 0;
	*why = NULL;
	for (*line = 1; !scan_done(&all); ++*line) {
		struct span one = scan_until(&all, '\n');
		struct scan s = scan_of(one);
		struct key_entry entry = { .created = 0 };

		(void)scan_byte(&all, '\n');
		if (one.n == 0 || one.p[0] == '#')
			continue;
		*why = entry_parse(&s, &entry);
		if (*why == NULL && out->n == KEY_SELECTORS_MAX)
			*why = "more than 200 selectors; delete lines of keys "
			       "whose records are gone";
		if (*why == NULL &&
		    key_entry_find(out, span_str(entry.selector)) != NULL)
			*why = "this selector is in the file twice";
		if (*why != NULL)
			return false;
		out->list[out->n++] = entry;
	}
	return true;
}

static void
put_time(struct buf *b, const char *name, int64_t time)
{
	if (time > 0)
		buf_printf(b, " %s=%lld", name, (long long)time);
}

void
key_entries_put(const struct key_entries *entries, struct buf *b)
{
	buf_text(b,
	    "# Selectors of this domain, for avouch(1).  Delete a line only "
	    "long after its record was removed: a selector must not be "
	    "reused.\n");
	for (size_t i = 0; i < entries->n; i++) {
		const struct key_entry *entry = &entries->list[i];

		buf_text(b, entry->selector);
		put_time(b, "created", entry->created);
		if (entry->imported)
			buf_text(b, " imported=1");
		put_time(b, "retired", entry->retired);
		put_time(b, "revoked", entry->revoked);
		if (entry->pair[0] != '\0')
			buf_printf(b, " pair=%s", entry->pair);
		if (entry->target[0] != '\0')
			buf_printf(b, " target=%s", entry->target);
		buf_byte(b, '\n');
	}
}

/* ---- files ---- */

static bool
path_put(char out[KEY_PATH_MAX], const char *folder, const char *domain,
    const char *name, const char *suffix)
{
	struct buf b = buf_wrap(out, KEY_PATH_MAX);

	buf_printf(&b, "%s/%s%s%s%s", folder, domain,
	    name[0] != '\0' ? "/" : "", name, suffix);
	if (b.full)
		errno = ENAMETOOLONG;
	return !b.full;
}

/* Reads at most `max` bytes of a regular file.  The caller frees `out`.  On
 * failure, returns false and sets errno. */
static bool
file_read(const char *path, size_t max, struct stat *st, char **out, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t got = 0;

	*out = NULL;
	*n = 0;
	if (fd < 0)
		return false;
	if (fstat(fd, st) != 0) {
		close(fd);
		return false;
	}
	errno = !S_ISREG(st->st_mode)  ? EINVAL
	    : st->st_size > (off_t)max ? EFBIG
				       : 0;
	if (errno == 0 && st->st_size >= 0)
		max = (size_t)st->st_size;
	*out = errno == 0 ? malloc(max + 1) : NULL;
	while (*out != NULL && *n <= max &&
	    (got = read(fd, *out + *n, max + 1 - *n)) > 0)
		*n += (size_t)got;
	if (*n > max)
		errno = EFBIG;
	close(fd);
	return *out != NULL && got == 0 && *n <= max;
}

bool
key_file_text(const char *path, size_t max, char **memory, struct span *text)
{
	struct stat st;
	size_t n;
	int code;

	if (file_read(path, max, &st, memory, &n)) {
		*text = span_of(*memory, n);
		return true;
	}
	code = errno;
	free(*memory);
	*memory = NULL;
	errno = code;
	return false;
}

/* Returns how to fix the error in errno after a file could not be read; NULL:
 * unknown. */
static const char *
read_hint(void)
{
	return errno == EACCES ? "allow the user of the daemon to read it: "
				 "chgrp avouch FILE && chmod 0640 FILE"
			       : NULL;
}

bool
key_entries_read(const char *folder, const char *domain,
    struct key_entries *out, struct buf *error)
{
	char path[KEY_PATH_MAX], *text;
	struct stat st;
	const char *why;
	unsigned line;
	size_t n;
	bool ok;

	out->n = 0;
	if (!path_put(path, folder, domain, "selectors", ""))
		return folder_error(error, folder, NULL);
	if (!file_read(path, KEY_LIST_FILE_MAX, &st, &text, &n)) {
		free(text);
		return errno == ENOENT ||
		    folder_error(error, path, read_hint());
	}
	ok = key_entries_parse(span_of(text, n), out, &line, &why);
	free(text);
	if (!ok) {
		buf_printable(error, span_str(path), KEY_PATH_MAX);
		buf_printf(error, ":%u: %s", line, why);
	}
	return ok;
}

/* Erases the file's content from memory before it returns. */
struct private_key *
key_file_read(const char *path, struct stat *st, struct buf *error)
{
	struct private_key *key = NULL;
	char *text;
	size_t n;

	if (file_read(path, PRIVATE_KEY_FILE_MAX, st, &text, &n))
		key = private_key_parse(span_of(text, n), path, error);
	else
		folder_error(error, path, read_hint());
	if (text != NULL)
		explicit_bzero(text, n);
	free(text);
	return key;
}

/* Flushes a directory to disk, so that its entries survive a crash. */
static bool
directory_sync(const char *path)
{
	char directory[KEY_PATH_MAX];
	size_t n = span_rindex(span_str(path), '/');
	struct buf b = buf_wrap(directory, sizeof(directory));
	int fd;
	bool ok;

	buf_span(&b, span_first(span_str(path), n));
	fd = open(n > 0 ? directory : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Sets the group of a file to that of its directory; the daemon's user is in
 * this group. */
static void
group_inherit(int fd, const char *path)
{
	char directory[KEY_PATH_MAX];
	struct buf b = buf_wrap(directory, sizeof(directory));
	struct stat st;

	buf_span(
	    &b, span_first(span_str(path), span_rindex(span_str(path), '/')));
	if (!b.full && stat(directory, &st) == 0 &&
	    fchown(fd, (uid_t)-1, st.st_gid) != 0)
		return; /* not root: keep the group */
}

/* Creates "PATH.PID.new".  On failure, returns NULL and sets errno. */
static FILE *
part_open(char part[KEY_PATH_MAX], const char *path, mode_t mode)
{
	struct buf b = buf_wrap(part, KEY_PATH_MAX);
	FILE *f;
	int fd;

	buf_printf(&b, "%s.%ld.new", path, (long)getpid());
	if (b.full) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	(void)unlink(part); /* left by a process that was killed */
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return NULL;
	group_inherit(fd, path);
	f = fchmod(fd, mode) == 0 ? fdopen(fd, "w") : NULL;
	if (f == NULL) {
		close(fd);
		(void)unlink(part);
	}
	return f;
}

/* Flushes and closes `f`. */
static bool
part_close(FILE *f, bool ok)
{
	ok = fflush(f) == 0 && !ferror(f) && ok && fsync(fileno(f)) == 0;
	return fclose(f) == 0 && ok;
}

bool
key_file_replace(
    const char *path, mode_t mode, struct span text, struct buf *error)
{
	char part[KEY_PATH_MAX];
	FILE *f = part_open(part, path, mode);
	bool ok;

	if (f == NULL)
		return folder_error(error, path, NULL);
	ok = part_close(f, fwrite(text.p, 1, text.n, f) == text.n);
	if (ok && rename(part, path) == 0 && directory_sync(path))
		return true;
	folder_error(error, path, NULL);
	(void)unlink(part);
	return false;
}

static bool
domain_directory(const char *folder, const char *domain, struct buf *error)
{
	char path[KEY_PATH_MAX];
	struct stat st;
	int fd;

	if (!path_put(path, folder, domain, "", ""))
		return folder_error(error, folder, NULL);
	if (mkdir(path, KEY_FOLDER_MODE) != 0)
		return errno == EEXIST || folder_error(error, path, NULL);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return folder_error(error, path, NULL);
	if (stat(folder, &st) == 0 && fchown(fd, (uid_t)-1, st.st_gid) != 0)
		errno = 0; /* not root */
	(void)fchmod(fd, KEY_FOLDER_MODE);
	close(fd);
	return directory_sync(path) || folder_error(error, path, NULL);
}

bool
key_entries_write(const char *folder, const char *domain,
    const struct key_entries *entries, struct buf *error)
{
	char path[KEY_PATH_MAX];
	struct buf text;
	char *memory = malloc(KEY_LIST_FILE_MAX);
	bool ok;

	if (memory == NULL)
		return folder_error(error, folder, NULL);
	text = buf_wrap(memory, KEY_LIST_FILE_MAX);
	key_entries_put(entries, &text);
	errno = text.full ? EFBIG : 0;
	ok = !text.full && domain_directory(folder, domain, error) &&
	    path_put(path, folder, domain, "selectors", "") &&
	    key_file_replace(path, KEY_PEM_MODE, buf_view(&text), error);
	free(memory);
	if (!ok && error->n == 0)
		folder_error(error, folder, NULL);
	return ok;
}

bool
key_file_write(const char *folder, const char *domain, const char *selector,
    const struct private_key *key, struct buf *error)
{
	char path[KEY_PATH_MAX], part[KEY_PATH_MAX];
	FILE *f;
	bool ok;

	if (!domain_directory(folder, domain, error))
		return false;
	if (!path_put(path, folder, domain, selector, ".pem"))
		return folder_error(error, folder, NULL);
	f = part_open(part, path, KEY_PEM_MODE);
	if (f == NULL)
		return folder_error(error, path, NULL);
	/* The stream's buffer would leave a copy of the key in freed memory. */
	setvbuf(f, NULL, _IONBF, 0);
	errno = 0;
	ok = part_close(f, private_key_put_pem(key, f));
	/* link() never replaces a file; rename() would. */
	if (!ok || link(part, path) != 0)
		ok = folder_error(error, path,
		    errno == EEXIST ? "a key is never overwritten; choose "
				      "another selector"
				    : NULL);
	(void)unlink(part);
	return ok && (directory_sync(path) || folder_error(error, path, NULL));
}

/* Another user may replace the new directory, for example by a link, before its
 * owner is set: root must not give away what is there then. */
static bool
make_directory(
    const char *path, uid_t user, gid_t group, mode_t mode, struct buf *error)
{
	struct stat st;
	int fd;
	bool ok;

	if (mkdir(path, mode) != 0)
		return errno == EEXIST || folder_error(error, path, NULL);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ok = fd >= 0 && fstat(fd, &st) == 0;
	if (ok && geteuid() == 0) {
		errno = EPERM;
		ok = st.st_uid == 0 && fchown(fd, user, group) == 0;
	}
	ok = ok && fchmod(fd, mode) == 0;
	if (!ok)
		folder_error(error, path, NULL);
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
key_folder_create(const char *folder, const char *user, struct buf *error)
{
	const struct passwd *pw = getpwnam(user != NULL ? user : "avouch");
	uid_t uid = pw != NULL ? pw->pw_uid : geteuid();
	gid_t gid = pw != NULL ? pw->pw_gid : getegid();
	char state[KEY_PATH_MAX];

	if (!path_put(state, folder, ".state", "", ""))
		return folder_error(error, folder, NULL);
	return make_directory(folder, 0, gid, KEY_FOLDER_MODE, error) &&
	    make_directory(state, uid, gid, KEY_FOLDER_MODE, error);
}

int
key_folder_lock(const char *folder, struct buf *error)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	folder_error(error, folder, NULL);
	if (fd >= 0)
		close(fd);
	return -1;
}
