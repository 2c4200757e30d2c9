#include "cli/report/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/buf.h"

#define MAILDIR_ASIDE ".refused"

enum { MAILDIR_PATH_MAX = 4096 };

struct maildir {
	struct cli *c;
	const char *path;
	int fd, new_fd, cur_fd;
	int aside_fd; /* "cur" of MAILDIR_ASIDE; -1: not opened yet */
};

static int
maildir_fail(const struct maildir *m, const char *name)
{
	return cli_fail(
	    m->c, EX_TEMPFAIL, "%s/%s: %s", m->path, name, strerror(errno));
}

static int
open_folder(int fd, const char *name)
{
	return openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
maildir_open(struct maildir *m)
{
	m->fd = open_folder(AT_FDCWD, m->path);
	if (m->fd < 0)
		return maildir_fail(m, "");
	m->new_fd = open_folder(m->fd, "new");
	if (m->new_fd < 0)
		return maildir_fail(m, "new");
	m->cur_fd = open_folder(m->fd, "cur");
	return m->cur_fd < 0 ? maildir_fail(m, "cur") : EX_OK;
}

static void
maildir_close(struct maildir *m)
{
	const int fds[] = { m->fd, m->new_fd, m->cur_fd, m->aside_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* Creates the subfolder when it is first needed. */
static int
open_aside(struct maildir *m)
{
	static const char *const folders[] = { MAILDIR_ASIDE,
		MAILDIR_ASIDE "/tmp", MAILDIR_ASIDE "/new",
		MAILDIR_ASIDE "/cur" };

	if (m->aside_fd >= 0)
		return EX_OK;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(m->fd, folders[i], 0700) != 0 && errno != EEXIST)
			return maildir_fail(m, folders[i]);
	m->aside_fd = open_folder(m->fd, MAILDIR_ASIDE "/cur");
	return m->aside_fd < 0 ? maildir_fail(m, MAILDIR_ASIDE) : EX_OK;
}

/* Moves a message to "cur" and marks it as seen, or moves it to the subfolder
 * and leaves it unseen. */
static int
move_away(struct maildir *m, const char *name, bool aside)
{
	char moved[NAME_MAX + sizeof(":2,S")];
	struct buf b = buf_wrap(moved, sizeof(moved));
	int status = aside ? open_aside(m) : EX_OK;

	buf_text(&b, name);
	buf_text(&b, aside ? ":2," : ":2,S");
	if (status == EX_OK &&
	    renameat(m->new_fd, name, aside ? m->aside_fd : m->cur_fd, moved) !=
		0 &&
	    errno != ENOENT)
		return maildir_fail(m, name);
	return status;
}

static int
handle_mail(struct maildir *m, const char *name, maildir_take *take, void *arg)
{
	char path[MAILDIR_PATH_MAX];
	struct buf b = buf_wrap(path, sizeof(path));
	bool aside = false;
	struct stat st;
	int status;
	int fd = openat(
	    m->new_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	/* a mail program has moved the message, or it is a symbolic link */
	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return EX_OK;
	if (fd < 0 || fstat(fd, &st) != 0) {
		status = maildir_fail(m, name);
		if (fd >= 0)
			close(fd);
		return status;
	}
	if (!S_ISREG(st.st_mode)) {
		close(fd);
		return EX_OK;
	}
	buf_text(&b, m->path);
	buf_text(&b, "/new/");
	buf_text(&b, name);
	status = take(arg, fd, path, &aside);
	close(fd);
	return status == EX_OK ? move_away(m, name, aside) : status;
}

static int
is_mail_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int
maildir_empty(struct cli *c, const char *path, maildir_take *take, void *arg)
{
	struct maildir m = { .c = c,
		.path = path,
		.fd = -1,
		.new_fd = -1,
		.cur_fd = -1,
		.aside_fd = -1 };
	struct dirent **entries = NULL;
	int status = maildir_open(&m);
	char folder[MAILDIR_PATH_MAX];
	struct buf b = buf_wrap(folder, sizeof(folder));
	int n = 0;

	buf_text(&b, path);
	buf_text(&b, "/new");
	if (status == EX_OK) {
		n = scandir(folder, &entries, is_mail_name, alphasort);
		status = n < 0 ? maildir_fail(&m, "new") : EX_OK;
	}
	for (int i = 0; i < n; i++) {
		if (status == EX_OK && i < MAILDIR_MAILS_MAX)
			status = handle_mail(&m, entries[i]->d_name, take, arg);
		free(entries[i]);
	}
	free(entries);
	maildir_close(&m);
	return status;
}
