#include "milter/libmilter_quirks.h"

#include <libmilter/mfapi.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "milter/read_ahead.h"
#include "verify/dns_task.h"

enum {
	WAKE_MS = 5, /* minimum interval between connections made by
	                libmilter_wake() */
	STEP_MS = 5, /* interval between the self-test's checks */
};

static atomic_bool signal_thread_is_parked;

/* The address on which libmilter listens; set before any thread starts. */
static struct {
	struct sockaddr_storage address;
	_Atomic socklen_t size; /* 0: libmilter_wake() makes no connection */
	_Atomic int64_t last;
} wake;

/* ---- signals ---- */

/* Replaces libc's sigwait(), for the reason given in libmilter_quirks.h. */
int
sigwait(const sigset_t *set, int *number)
{
	(void)set;
	(void)number;
	atomic_store(&signal_thread_is_parked, true);
	for (;;)
		pause();
}

/* ---- workers ---- */

static const struct sockaddr *
wake_address(void)
{
	return (const struct sockaddr *)&wake.address;
}

void
libmilter_wake(void)
{
	int64_t now = clock_ms(), last = atomic_load(&wake.last);
	int fd;

	if (wake.size == 0 || now - last < WAKE_MS ||
	    !atomic_compare_exchange_strong(&wake.last, &last, now))
		return;
	fd = socket(wake.address.ss_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return; /* out of descriptors: other connections will wake
		           libmilter */
	(void)connect(fd, wake_address(), wake.size);
	close(fd);
}

/*
 * Connects and sends a packet with macros and a packet that ends the
 * connection.  The two arrive together, so if read_ahead.c does not work with
 * this libmilter, the worker waits forever for bytes that were already read.
 * Returns true if a worker closed the connection in time.
 */
static bool
reaches_worker(unsigned wait_ms)
{
	static const char packets[] = "\0\0\0\6DCj\0x\0"
				      "\0\0\0\1Q";
	const ssize_t size = sizeof(packets) - 1;
	struct pollfd p = { .events = POLLIN };
	char byte;
	bool ok;

	p.fd = socket(wake.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (p.fd < 0)
		return false;
	ok = connect(p.fd, wake_address(), wake.size) == 0;
	if (!ok)
		wake.size = 0; /* later attempts would fail as well */
	ok = ok && send(p.fd, packets, (size_t)size, MSG_NOSIGNAL) == size &&
	    poll(&p, 1, (int)wait_ms) == 1 && read(p.fd, &byte, 1) <= 0;
	close(p.fd);
	return ok;
}

/* ---- the socket ---- */

bool
libmilter_listen(const struct listen_options *options, struct listen_socket *s,
    struct buf *error)
{
	socklen_t size = sizeof(wake.address);
	char text[32];
	struct buf name = buf_wrap(text, sizeof(text));
	const char *path = s->path;
	mode_t mask;
	int code;

	if (getsockname(s->fd, (struct sockaddr *)&wake.address, &size) == 0)
		wake.size = size;
	buf_printf(&name, "fd:%d", s->fd);
	if (smfi_setconn(text) == MI_SUCCESS &&
	    smfi_opensocket(false) == MI_SUCCESS) {
		s->fd = -1;
		return true;
	}
	listen_close(s);
	mask = umask(0177);
	code = smfi_setconn(libmilter_text(options->socket));
	if (code == MI_SUCCESS)
		code = smfi_opensocket(false);
	umask(mask);
	s->path = path;
	if (code == MI_SUCCESS)
		return listen_own(options, s, error);
	buf_printf(error, "libmilter cannot listen on %s", options->socket);
	return false;
}

/* ---- the self-test ---- */

struct libmilter_state
libmilter_self_test(unsigned wait_ms, const atomic_bool *ended)
{
	struct libmilter_state s = { .wakes = false };

	for (unsigned ms = 0; ms < wait_ms && !atomic_load(ended) &&
	     !atomic_load(&signal_thread_is_parked);
	     ms += STEP_MS)
		usleep(STEP_MS * 1000);
	s.signals_are_ours = atomic_load(&signal_thread_is_parked);
	s.wakes =
	    wake.size > 0 && !atomic_load(ended) && reaches_worker(wait_ms);
	s.reads_ahead = s.wakes;
	if (s.wakes)
		return s;
	read_ahead_stop();
	s.wakes =
	    wake.size > 0 && !atomic_load(ended) && reaches_worker(wait_ms);
	return s;
}
