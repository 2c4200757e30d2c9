#include "milter/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static atomic_bool parked;

static sigset_t
ours(void)
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
	sigset_t set = ours();

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a full store is said by its write */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int
signals_next(unsigned wait_ms)
{
	sigset_t set = ours();
	struct timespec t = { .tv_sec = wait_ms / 1000,
		.tv_nsec = (long)(wait_ms % 1000) * 1000000L };
	int number = sigtimedwait(&set, NULL, &t);

	return number > 0 ? number : 0;
}

bool
signals_libmilter_parked(void)
{
	return atomic_load(&parked);
}

/* In the place of libc's: see signals.h. */
int
sigwait(const sigset_t *set, int *number)
{
	(void)set;
	(void)number;
	atomic_store(&parked, true);
	for (;;)
		pause();
}
