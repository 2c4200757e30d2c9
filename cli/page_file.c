#include "cli/page_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"

enum {
	PAGE_MODE = 0644, /* before the umask is applied */
	PAGE_PATH_MAX = 4096,
};

int
page_file_write(const struct cli *c, bool (*put)(FILE *out, const void *arg),
    const void *arg)
{
	char part[PAGE_PATH_MAX];
	struct buf b = buf_wrap(part, sizeof(part));
	FILE *out = NULL;
	bool good, complete;
	int fd;

	if (strcmp(c->html, "-") == 0)
		return put(stdout, arg) ? EX_OK : EX_TEMPFAIL;
	buf_text(&b, c->html);
	buf_text(&b, ".part");
	if (b.full)
		return cli_fail(
		    c, EX_USAGE, "--html: the file name is too long");
	unlink(part);
	fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, PAGE_MODE);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (out == NULL) {
		int why = errno;

		if (fd >= 0)
			close(fd);
		return cli_fail(
		    c, EX_USAGE, "--html %s: %s", part, strerror(why));
	}
	complete = put(out, arg);
	good = !ferror(out);
	good = fclose(out) == 0 && good;
	if (!complete) {
		unlink(part);
		return EX_TEMPFAIL;
	}
	if (good && rename(part, c->html) == 0)
		return EX_OK;
	cli_fail(c, EX_TEMPFAIL, "--html %s: %s", c->html, strerror(errno));
	unlink(part);
	return EX_TEMPFAIL;
}
