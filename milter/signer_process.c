#include "milter/signer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"
#include "milter/daemonize.h"

enum { END_STEP_MS = 20 };

static pid_t first_process;

bool
signer_process_fork(struct signer_process *p, bool *is_child, struct buf *error)
{
	int ends[2];
	int code;

	*is_child = false;
	first_process = getpid();
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
		code = errno;
		buf_printf(
		    error, "cannot start the signer: %s", strerror(code));
		return false;
	}
	p->pid = fork();
	if (p->pid < 0) {
		code = errno;
		buf_printf(
		    error, "cannot start the signer: %s", strerror(code));
		p->pid = 0;
		close(ends[0]);
		close(ends[1]);
		return false;
	}
	*is_child = p->pid == 0;
	p->ready = ends[*is_child ? 1 : 0];
	close(ends[*is_child ? 0 : 1]);
	if (*is_child) /* only the first process notifies the service manager */
		daemonize_is_not_first();
	return true;
}

bool
signer_process_follow(void)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == 0 &&
	    getppid() == first_process;
}

void
signer_process_ready(struct signer_process *p)
{
	if (p->ready >= 0 && write(p->ready, "1", 1) < 0) {
		/* The first process has ended, so no process is waiting for
		 * this byte. */
	}
}

bool
signer_process_wait_ready(struct signer_process *p, unsigned wait_ms)
{
	int64_t until = clock_ms() + wait_ms;
	struct pollfd f = { .fd = p->ready, .events = POLLIN };
	char byte;

	if (p->pid == 0)
		return true;
	for (int64_t left; (left = until - clock_ms()) > 0;) {
		if (poll(&f, 1, (int)left) <= 0)
			continue;
		return read(p->ready, &byte, 1) == 1;
	}
	return false;
}

void
signer_process_signal(const struct signer_process *p, int number)
{
	if (p->pid > 0)
		kill(p->pid, number);
}

void
signer_process_reload(const struct signer_process *p)
{
	char bytes[16];

	if (p->pid == 0)
		return;
	while (read(p->ready, bytes, sizeof(bytes)) > 0) {
		/* discard unread bytes from earlier reloads */
	}
	signer_process_signal(p, SIGHUP);
}

bool
signer_process_is_alive(struct signer_process *p)
{
	if (p->pid == 0)
		return true;
	if (waitpid(p->pid, NULL, WNOHANG) == 0)
		return true;
	p->pid = 0;
	return false;
}

void
signer_process_end(struct signer_process *p, unsigned wait_ms)
{
	int64_t until = clock_ms() + wait_ms;

	signer_process_signal(p, SIGTERM);
	while (p->pid > 0 && signer_process_is_alive(p)) {
		if (clock_ms() >= until) {
			signer_process_signal(p, SIGKILL);
			waitpid(p->pid, NULL, 0);
			p->pid = 0;
		} else
			clock_sleep_ms(END_STEP_MS);
	}
}
