#include "milter/signals.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

/* The pipe from the handler to signals_next(); -1: no handler. */
static int pipe_in = -1, pipe_out = -1;

static sigset_t
our_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

void
signals_block(void)
{
	sigset_t set = our_signals();

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a write that exceeds the file size limit
	                             fails instead */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void
on_signal(int number)
{
	unsigned char byte = (unsigned char)number;
	ssize_t n = write(pipe_in, &byte, 1);

	(void)n; /* if the pipe is full, enough signals are waiting */
}

bool
signals_take_by_handler(void)
{
	static const int numbers[] = { SIGHUP, SIGTERM, SIGINT };
	struct sigaction action = { .sa_handler = on_signal,
		.sa_flags = SA_RESTART };
	sigset_t set = our_signals();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
		return false;
	pipe_out = ends[0];
	pipe_in = ends[1];
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaction(numbers[i], &action, NULL);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

static int
next_of_handler(unsigned wait_ms)
{
	struct pollfd p = { .fd = pipe_out, .events = POLLIN };
	unsigned char byte = 0;

	/* If a signal interrupts poll(), its byte is already in the pipe. */
	(void)poll(&p, 1, (int)wait_ms);
	return read(pipe_out, &byte, 1) == 1 ? byte : 0;
}

int
signals_next(unsigned wait_ms)
{
	sigset_t set = our_signals();
	struct timespec t = { .tv_sec = wait_ms / 1000,
		.tv_nsec = (long)(wait_ms % 1000) * 1000000L };
	int number;

	if (pipe_out >= 0)
		return next_of_handler(wait_ms);
	number = sigtimedwait(&set, NULL, &t);
	return number > 0 ? number : 0;
}
