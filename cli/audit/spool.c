#include "cli/audit/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/scan.h"

enum {
	SPOOL_ENTRIES_MAX = 10000, /* entries read per run */
	NEW_NAME_MAX = SPOOL_TOKEN_MAX + sizeof(".new"),
	COPY_BYTES = 65536,
};

#define SPOOL_FILE_MODE 0600

/* ---- the directory ---- */

static bool
is_token(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if (ascii_hex_digit((unsigned char)name.p[i]) < 0)
			return false;
	return name.n == SPOOL_TOKEN_MAX - 1;
}

/* Whether no process has locked the file. */
static bool
is_unlocked(int dir, const char *name)
{
	int fd =
	    openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool got;

	if (fd < 0)
		return errno == ELOOP;
	got = flock(fd, LOCK_EX | LOCK_NB) == 0;
	close(fd);
	return got;
}

/* Whether no process waits for the file, and the file is old or (with
 * `is_alone`) empty. */
static bool
is_stale(int dir, const char *name, bool is_alone)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
	    S_ISDIR(st.st_mode))
		return false;
	return (st.st_mtime < time(NULL) - SPOOL_STALE_S ||
		   (is_alone && st.st_size == 0)) &&
	    is_unlocked(dir, name);
}

/* Removes stale files, and returns the number of tokens left.  `is_alone` means
 * that the directory is locked, so no other process is about to lock a new
 * file. */
static size_t
spool_clean(int dir, bool is_alone)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t n = 0;

	for (size_t seen = 0; list != NULL && seen < SPOOL_ENTRIES_MAX &&
	     (entry = readdir(list)) != NULL;
	     seen++) {
		struct span name = span_str(entry->d_name);
		bool is_new = span_ends_nocase(name, ".new");

		if (!is_token(span_first(name, name.n - (is_new ? 4 : 0))))
			continue;
		if (is_stale(dir, entry->d_name, is_alone))
			(void)unlinkat(dir, entry->d_name, 0);
		else
			n += !is_new;
	}
	if (list != NULL)
		closedir(list);
	else if (fd >= 0)
		close(fd);
	return n;
}

int
spool_open(const char *path)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (dir < 0)
		return -1;
	if (fstat(dir, &st) != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		close(dir);
		errno = EPERM;
		return -1;
	}
	spool_clean(dir, false);
	return dir;
}

bool
spool_become_owner(int dir)
{
	struct stat st;

	if (geteuid() != 0)
		return true;
	return fstat(dir, &st) == 0 &&
	    (st.st_uid == 0 ||
		(setgroups(0, NULL) == 0 && setgid(st.st_gid) == 0 &&
		    setuid(st.st_uid) == 0));
}

/* ---- waiting ---- */

static bool
make_token(char *token)
{
	unsigned char random[SPOOL_TOKEN_BYTES];
	struct buf b = buf_wrap(token, SPOOL_TOKEN_MAX);

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		buf_printf(&b, "%02x", random[i]);
	return true;
}

/* Creates the file for a token.  The directory must be locked, so that the
 * limit cannot be exceeded. */
static int
make_wait(int dir, char *token)
{
	int fd;

	if (spool_clean(dir, true) >= SPOOL_WAITS_MAX) {
		errno = EBUSY;
		return -1;
	}
	if (!make_token(token))
		return -1;
	fd = openat(dir, token,
	    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
	    SPOOL_FILE_MODE);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		(void)unlinkat(dir, token, 0);
		fd = -1;
	}
	return fd;
}

bool
spool_wait_begin(int dir, struct spool_wait *out)
{
	int why;

	*out = (struct spool_wait){ .dir = dir, .lock = -1 };
	if (flock(dir, LOCK_EX) != 0)
		return false;
	out->lock = make_wait(dir, out->token);
	why = errno;
	flock(dir, LOCK_UN);
	errno = why;
	return out->lock >= 0;
}

int
spool_wait_take(const struct spool_wait *w)
{
	struct stat st;
	int fd = openat(
	    w->dir, w->token, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		return fd;
	close(fd);
	return -1;
}

void
spool_wait_end(struct spool_wait *w)
{
	(void)flock(w->dir, LOCK_EX);
	(void)unlinkat(w->dir, w->token, 0);
	close(w->lock);
	(void)flock(w->dir, LOCK_UN);
	w->lock = -1;
}

/* Reads a NUL-terminated string. */
static bool
take_fact(struct scan *s, const char **out)
{
	*out = scan_until(s, '\0').p;
	return scan_byte(s, '\0');
}

bool
spool_read(struct span file, struct spool_facts *facts, struct span *message)
{
	struct scan s = scan_of(file);

	if (!take_fact(&s, &facts->ip) || !take_fact(&s, &facts->helo) ||
	    !take_fact(&s, &facts->mail_from))
		return false;
	*message = scan_rest(&s);
	return true;
}

/* ---- receiving ---- */

static bool
write_all(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t wrote = write(fd, bytes, n);

		if (wrote <= 0)
			return false;
		bytes += wrote;
		n -= (size_t)wrote;
	}
	return true;
}

static bool
write_fact(int fd, const char *text)
{
	struct span s = span_first(span_str(text), SPOOL_FACT_MAX);

	return (s.n == 0 || write_all(fd, s.p, s.n)) && write_all(fd, "", 1);
}

bool
spool_copy(int fd, int input)
{
	char chunk[COPY_BYTES];
	size_t left = SPOOL_MESSAGE_MAX + 1;
	bool good = true;
	ssize_t n;

	while ((n = read(input, chunk, sizeof(chunk))) > 0) {
		size_t part = (size_t)n < left ? (size_t)n : left;

		good = good && write_all(fd, chunk, part);
		left -= part;
	}
	return good && n == 0;
}

void
spool_drain(int input)
{
	char rest[4096];

	while (read(input, rest, sizeof(rest)) > 0)
		continue;
}

static bool
is_awaited(int dir, const char *token)
{
	struct stat st;

	return fstatat(dir, token, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_size == 0 && !is_unlocked(dir, token);
}

/* Opens and locks the file for the message.  Returns -1 with errno 0 if no
 * process waits for the message or it is already being received. */
static int
begin_receive(int dir, const char *token, const char *name)
{
	int fd;

	errno = 0;
	if (!is_awaited(dir, token)) {
		errno = 0;
		return -1;
	}
	fd = openat(dir, name,
	    O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    SPOOL_FILE_MODE);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
		close(fd);
		errno = 0; /* another message is being received */
		return -1;
	}
	if (fd >= 0 && ftruncate(fd, 0) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Moves the message into place if it is complete and still awaited. */
static enum spool_step
end_receive(
    int dir, const char *token, const char *name, int fd, bool is_complete)
{
	int why = errno;
	enum spool_step step = SPOOL_ERROR;

	if (is_complete && !is_awaited(dir, token))
		step = SPOOL_NOT_AWAITED;
	else if (is_complete && renameat(dir, name, dir, token) == 0)
		step = SPOOL_DONE;
	else if (is_complete)
		why = errno;
	if (step != SPOOL_DONE)
		(void)unlinkat(dir, name, 0);
	close(fd);
	errno = why;
	return step;
}

enum spool_step
spool_receive(
    int dir, const char *token, const struct spool_facts *facts, int input)
{
	char lower[SPOOL_TOKEN_MAX], name[NEW_NAME_MAX];
	struct buf low = buf_wrap(lower, sizeof(lower));
	struct buf b = buf_wrap(name, sizeof(name));
	enum spool_step step;
	bool good;
	int fd;

	if (!is_token(span_str(token)))
		return SPOOL_NOT_AWAITED;
	for (const char *p = token; *p != '\0'; p++)
		buf_byte(&low, (char)ascii_lower((unsigned char)*p));
	buf_text(&b, lower);
	buf_text(&b, ".new");
	if (flock(dir, LOCK_EX) != 0)
		return SPOOL_ERROR;
	fd = begin_receive(dir, lower, name);
	step = fd < 0 && errno != 0 ? SPOOL_ERROR : SPOOL_NOT_AWAITED;
	flock(dir, LOCK_UN);
	if (fd < 0)
		return step;
	good = write_fact(fd, facts->ip) && write_fact(fd, facts->helo) &&
	    write_fact(fd, facts->mail_from) && spool_copy(fd, input);
	flock(dir, LOCK_EX);
	step = end_receive(dir, lower, name, fd, good);
	flock(dir, LOCK_UN);
	return step;
}
