/*
 * turnclock.c - preloaded into avouch-milter by tests, to set its clocks.
 *
 * The file named by CLOCK_CONTROL contains the number of seconds by which the
 * wall clock is ahead.  If CLOCK_ALL is set, the other clocks are ahead too,
 * and waits with a time limit follow them.  Otherwise the other clocks are
 * correct.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SLICE_MS 20 /* interval at which a wait checks the clocks */
/* A larger value of tv_sec is a time on the wall clock. */
#define EPOCH_LEAST 1000000000

typedef int cond_wait(
    pthread_cond_t *, pthread_mutex_t *, const struct timespec *);

static _Atomic int64_t *ahead;
static bool all;
static cond_wait *real_cond_wait;

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("CLOCK_CONTROL");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	all = getenv("CLOCK_ALL") != NULL;
	/* ISO C has no conversion from void * to a function pointer. */
	*(void **)&real_cond_wait = dlsym(RTLD_NEXT, "pthread_cond_timedwait");
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		ahead = map;
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	long code = syscall(SYS_clock_gettime, clock, out);

	if (code == 0 && ahead != NULL &&
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
		(all && (clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME))))
		out->tv_sec += (time_t)atomic_load(ahead);
	return (int)code;
}

time_t
time(time_t *out)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}

int
gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now = { 0 };
	int code = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	*out = (struct timeval){ .tv_sec = now.tv_sec,
		.tv_usec = now.tv_nsec / 1000 };
	return code;
}

static int64_t
now_ms(clockid_t clock)
{
	struct timespec now = { 0 };

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t
slice(int64_t left_ms)
{
	return left_ms < 0 ? 0 : left_ms < SLICE_MS ? left_ms : SLICE_MS;
}

/* May wake up early: the callers can handle spurious wakeups. */
int
pthread_cond_timedwait(
    pthread_cond_t *cond, pthread_mutex_t *lock, const struct timespec *at)
{
	clockid_t clock =
	    at->tv_sec > EPOCH_LEAST ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	int64_t limit = (int64_t)at->tv_sec * 1000 + at->tv_nsec / 1000000;
	struct timespec until;
	int64_t end;
	int code;

	if (!all)
		return real_cond_wait(cond, lock, at);
	syscall(SYS_clock_gettime, clock, &until);
	end = (int64_t)until.tv_sec * 1000 + until.tv_nsec / 1000000 +
	    slice(limit - now_ms(clock));
	until.tv_sec = (time_t)(end / 1000);
	until.tv_nsec = end % 1000 * 1000000;
	code = real_cond_wait(cond, lock, &until);
	return code == ETIMEDOUT && now_ms(clock) < limit ? 0 : code;
}

int
epoll_wait(int fd, struct epoll_event *events, int most, int wait_ms)
{
	int64_t end = now_ms(CLOCK_MONOTONIC) + wait_ms;
	int64_t left = wait_ms;
	long n;

	do {
		n = syscall(SYS_epoll_pwait, fd, events, most,
		    all && wait_ms >= 0 ? (int)slice(left) : wait_ms, NULL, 0);
		left = end - now_ms(CLOCK_MONOTONIC);
	} while (n == 0 && all && left > 0);
	return (int)n;
}

int
ppoll(struct pollfd *p, nfds_t n, const struct timespec *wait,
    const sigset_t *mask)
{
	int64_t left = wait == NULL
	    ? 0
	    : (int64_t)wait->tv_sec * 1000 + wait->tv_nsec / 1000000;
	int64_t end = now_ms(CLOCK_MONOTONIC) + left;
	struct timespec step = { 0 };
	long ready;

	do {
		if (wait != NULL && all)
			step.tv_nsec = slice(left) * 1000000;
		else if (wait != NULL)
			step = *wait;
		ready = syscall(SYS_ppoll, p, n, wait == NULL ? NULL : &step,
		    mask, sizeof(unsigned long));
		left = end - now_ms(CLOCK_MONOTONIC);
	} while (ready == 0 && wait != NULL && all && left > 0);
	return (int)ready;
}
