#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { INPUT_CHUNK = 65536 };

/* ---- pipes and terminals ---- */

/* Copies the input to an unnamed temporary file and returns its descriptor, or
 * -1 with errno set. */
static int
input_spool(int from)
{
	char chunk[INPUT_CHUNK];
	FILE *file = tmpfile();
	int64_t size = 0;
	ssize_t n;
	int fd = -1, why;

	if (file == NULL)
		return -1;
	while ((n = read(from, chunk, sizeof(chunk))) > 0) {
		size += n;
		if (size > INPUT_SPOOL_MAX) {
			errno = EFBIG;
			break;
		}
		if (fwrite(chunk, 1, (size_t)n, file) != (size_t)n)
			break;
	}
	if (n == 0 && fflush(file) == 0)
		fd = dup(fileno(file));
	why = errno;
	fclose(file);
	errno = why;
	return fd;
}

/* ---- files ---- */

/* Handles SIGBUS: the file was truncated while it was mapped. */
static void
on_input_truncated(int signal)
{
	static const char message[] =
	    "avouch: the file was truncated while it was read\n";

	(void)signal;
	(void)!write(STDERR_FILENO, message, sizeof(message) - 1);
	_exit(EX_DATAERR);
}

static bool
input_map(struct input *in, int fd, off_t size)
{
	struct sigaction action = { .sa_handler = on_input_truncated };
	void *p;

	if (size == 0)
		return true;
	if ((uintmax_t)size > SIZE_MAX) {
		errno = EFBIG;
		return false;
	}
	p = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	sigaction(SIGBUS, &action, NULL);
	in->text = span_of(p, (size_t)size);
	return true;
}

/* Whether the input can be mapped.  If standard input is a file that has
 * already been partly read, the input is only the rest, which is copied as if
 * it came from a pipe. */
static bool
input_is_mappable(int fd, const struct stat *st)
{
	return S_ISREG(st->st_mode) && lseek(fd, 0, SEEK_CUR) == 0;
}

bool
input_open_file(struct input *in, int fd)
{
	struct stat st;
	int spooled;
	bool ok;

	*in = (struct input){ .text = SPAN("") };
	if (fstat(fd, &st) != 0)
		return false;
	if (input_is_mappable(fd, &st))
		return input_map(in, fd, st.st_size);
	spooled = input_spool(fd);
	if (spooled < 0)
		return false;
	ok = fstat(spooled, &st) == 0 && input_map(in, spooled, st.st_size);
	close(spooled);
	return ok;
}

bool
input_open(struct input *in, const char *path, char *error, size_t error_size)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	*in = (struct input){ .text = SPAN("") };
	ok = fd >= 0 && input_open_file(in, fd);
	if (!ok)
		snprintf(error, error_size, "%s: %s",
		    is_stdin ? "standard input" : path, strerror(errno));
	if (fd >= 0 && !is_stdin)
		close(fd);
	return ok;
}

void
input_close(struct input *in)
{
	union {
		const char *p;
		void *map;
	} text = { .p = in->text.p };

	if (in->text.n > 0)
		munmap(text.map, in->text.n);
	in->text = SPAN("");
}

void
input_body(const struct input *in, size_t offset,
    bool (*take)(void *arg, struct span chunk), void *arg)
{
	struct span left = span_skip(in->text, offset);

	while (left.n > 0) {
		struct span chunk = span_first(left, INPUT_CHUNK);

		if (!take(arg, chunk))
			return;
		left = span_skip(left, chunk.n);
	}
}
