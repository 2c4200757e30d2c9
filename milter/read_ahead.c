#include "milter/read_ahead.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum {
	AHEAD_MAX =
	    8192, /* bytes per thread: room for the packets before a body */
	DESCRIPTORS_MAX = 1 << 16, /* no read-ahead for higher descriptors */
	MS = 1000,
};

/*
 * Functions that replace those that libmilter calls.  Their C names are
 * different, because the headers of some C libraries define these functions as
 * macros or inline functions.  Callers compiled with glibc's _FORTIFY_SOURCE
 * use the names with "_chk".
 */
int read_ahead_accept(
    int fd, struct sockaddr *address, socklen_t *size) __asm__("accept");
int read_ahead_poll(struct pollfd *p, nfds_t n, int wait_ms) __asm__("poll");
int read_ahead_poll_chk(
    struct pollfd *p, nfds_t n, int wait_ms, size_t room) __asm__("__poll_chk");
ssize_t read_ahead_read(int fd, void *to, size_t n) __asm__("read");
ssize_t read_ahead_read_chk(int fd, void *to, size_t n, size_t room) __asm__(
    "__read_chk");
int read_ahead_close(int fd) __asm__("close");

static atomic_bool stopped;
/* For each descriptor, the serial number of its connection; 0: not read ahead.
 */
static atomic_uint accepted[DESCRIPTORS_MAX];
static atomic_uint last_accepted;

/* The connection that this thread reads. */
static _Thread_local struct {
	unsigned number; /* its serial number; 0: none */
	bool readable;   /* poll() reported data that has not been read yet */
	size_t from, to; /* unread bytes: from bytes[from] up to, but not
	                    including, bytes[to] */
	char bytes[AHEAD_MAX];
} ahead;

void
read_ahead_stop(void)
{
	atomic_store(&stopped, true);
}

static unsigned
number_of(int fd)
{
	return fd >= 0 && fd < DESCRIPTORS_MAX
	    ? atomic_load_explicit(&accepted[fd], memory_order_acquire)
	    : 0;
}

int
read_ahead_accept(int fd, struct sockaddr *address, socklen_t *size)
{
	int got = accept4(fd, address, size, 0);
	unsigned number = 0;

	if (got < 0 || got >= DESCRIPTORS_MAX)
		return got;
	while (number == 0 && !atomic_load(&stopped))
		number = atomic_fetch_add(&last_accepted, 1) + 1;
	atomic_store_explicit(&accepted[got], number, memory_order_release);
	return got;
}

static int
poll_system(struct pollfd *p, nfds_t n, int wait_ms)
{
	struct timespec wait = {
		.tv_sec = wait_ms / MS,
		.tv_nsec = (long)(wait_ms % MS) * 1000000,
	};

	return ppoll(p, n, wait_ms < 0 ? NULL : &wait, NULL);
}

int
read_ahead_poll(struct pollfd *p, nfds_t n, int wait_ms)
{
	unsigned number = n == 1 ? number_of(p->fd) : 0;
	int got;

	if (number == 0 || (p->events & POLLIN) == 0)
		return poll_system(p, n, wait_ms);
	if (number == ahead.number &&
	    (ahead.readable || ahead.from < ahead.to)) {
		p->revents = POLLIN;
		return 1;
	}
	got = poll_system(p, n, wait_ms);
	if (ahead.number != number && ahead.from < ahead.to)
		return got; /* keep the bytes of a connection that is still open
		             */
	ahead.number = number;
	ahead.readable = got == 1 && p->revents == POLLIN;
	return got;
}

int
read_ahead_poll_chk(struct pollfd *p, nfds_t n, int wait_ms, size_t room)
{
	if (room / sizeof(*p) < n)
		abort();
	return read_ahead_poll(p, n, wait_ms);
}

static ssize_t
take_ahead(void *to, size_t n)
{
	if (n > ahead.to - ahead.from)
		n = ahead.to - ahead.from;
	memcpy(to, ahead.bytes + ahead.from, n);
	ahead.from += n;
	return (ssize_t)n;
}

ssize_t
read_ahead_read(int fd, void *to, size_t n)
{
	struct iovec places[] = {
		{ .iov_base = to, .iov_len = n },
		{ .iov_base = ahead.bytes, .iov_len = sizeof(ahead.bytes) },
	};
	unsigned number = number_of(fd);
	ssize_t got;

	if (number == 0 || number != ahead.number || n == 0)
		return readv(fd, places, 1);
	if (ahead.from < ahead.to)
		return take_ahead(to, n);
	ahead.readable = false;
	got = readv(fd, places, 2);
	ahead.from = 0;
	ahead.to = got > 0 && (size_t)got > n ? (size_t)got - n : 0;
	return ahead.to > 0 ? (ssize_t)n : got;
}

ssize_t
read_ahead_read_chk(int fd, void *to, size_t n, size_t room)
{
	if (n > room)
		abort();
	return read_ahead_read(fd, to, n);
}

int
read_ahead_close(int fd)
{
	unsigned number = number_of(fd);

	if (number != 0) {
		if (number == ahead.number) {
			ahead.number = 0;
			ahead.readable = false;
			ahead.from = ahead.to = 0;
		}
		atomic_store_explicit(&accepted[fd], 0, memory_order_release);
	}
	return (int)syscall(SYS_close, fd);
}
