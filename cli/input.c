#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	INPUT_CHUNK = 65536,
	INPUT_SEARCH =
	    1 << 20, /* bytes looked at for a CRLF: a header's worth */
};

static bool
input_fault(char *error, size_t size, const char *path)
{
	snprintf(error, size, "%s: %s", path, strerror(errno));
	return false;
}

/* Standard input may be a pipe: copied to a file without a name. */
static int
input_spool(int from)
{
	char chunk[INPUT_CHUNK];
	FILE *file = tmpfile();
	ssize_t n = 0;
	int fd = -1;

	if (file == NULL)
		return -1;
	while ((n = read(from, chunk, sizeof(chunk))) > 0)
		if (fwrite(chunk, 1, (size_t)n, file) != (size_t)n)
			break;
	if (n == 0 && fflush(file) == 0)
		fd = dup(fileno(file));
	fclose(file);
	return fd;
}

static bool
input_map(struct input *in, int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0)
		return false;
	if (!S_ISREG(st.st_mode)) {
		errno = S_ISDIR(st.st_mode) ? EISDIR : ESPIPE;
		return false;
	}
	if (st.st_size == 0)
		return true;
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	in->text = span_of(p, (size_t)st.st_size);
	return true;
}

static bool
has_crlf(struct span s)
{
	s = span_first(s, INPUT_SEARCH);
	return s.n > 0 && memmem(s.p, s.n, "\r\n", 2) != NULL;
}

bool
input_open(struct input *in, const char *path, char *error, size_t error_size)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? input_spool(STDIN_FILENO)
			  : open(path, O_RDONLY | O_CLOEXEC);
	bool ok;

	*in = (struct input){ .text = SPAN("") };
	if (is_stdin)
		path = "standard input";
	if (fd < 0)
		return input_fault(error, error_size, path);
	ok = input_map(in, fd) || input_fault(error, error_size, path);
	close(fd);
	in->bare_lf = ok && !has_crlf(in->text);
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

/* Hands on `s` with CRLF for each LF. */
static bool
take_bare_lf(
    struct span s, bool (*take)(void *arg, struct span chunk), void *arg)
{
	while (s.n > 0) {
		size_t line = span_index(s, '\n');

		if (line > 0 && !take(arg, span_first(s, line)))
			return false;
		if (line < s.n && !take(arg, SPAN("\r\n")))
			return false;
		s = span_skip(s, line + 1);
	}
	return true;
}

void
input_body(const struct input *in, size_t offset,
    bool (*take)(void *arg, struct span chunk), void *arg)
{
	struct span left = span_skip(in->text, offset);

	while (left.n > 0) {
		struct span chunk = span_first(left, INPUT_CHUNK);
		bool more = in->bare_lf ? take_bare_lf(chunk, take, arg)
					: take(arg, chunk);

		if (!more)
			return;
		left = span_skip(left, chunk.n);
	}
}
