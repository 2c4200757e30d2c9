#include "tests/support/fake_clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <time.h>

enum { SLICE_MS = 1, MS = 1000, NS = 1000000 };

/* names that the linker's --wrap expects */
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __real_epoll_wait(int fd, struct epoll_event *events, int n, int ms);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int n, int ms);

static atomic_bool is_still;
static _Atomic int64_t now; /* milliseconds */
static atomic_ulong rests;

void
still_begin(void)
{
	struct timespec t;

	__real_clock_gettime(CLOCK_MONOTONIC, &t);
	atomic_store(&now, (int64_t)t.tv_sec * MS + t.tv_nsec / NS);
	atomic_store(&is_still, true);
}

void
still_pass(int64_t ms)
{
	atomic_fetch_add(&now, ms);
}

void
still_end(void)
{
	atomic_store(&is_still, false);
}

unsigned long
still_rests(void)
{
	return atomic_load(&rests);
}

int
__wrap_clock_gettime(clockid_t id, struct timespec *out)
{
	int64_t t = atomic_load(&now);

	if (id != CLOCK_MONOTONIC || !atomic_load(&is_still))
		return __real_clock_gettime(id, out);
	*out = (struct timespec){ .tv_sec = t / MS, .tv_nsec = t % MS * NS };
	return 0;
}

int
__wrap_epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
	int64_t until = ms < 0 ? INT64_MAX : atomic_load(&now) + ms;
	int got = 0;

	if (ms == 0 || !atomic_load(&is_still))
		return __real_epoll_wait(fd, events, n, ms);
	while (got == 0 && atomic_load(&is_still)) {
		if (atomic_load(&now) >= until)
			return __real_epoll_wait(fd, events, n, 0);
		got = __real_epoll_wait(fd, events, n, SLICE_MS);
		if (got == 0)
			atomic_fetch_add(&rests, 1);
	}
	return got;
}
