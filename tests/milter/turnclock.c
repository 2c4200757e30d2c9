/*
 * turnclock.c - preloaded into avouch-milter by faults.py: the wall clock shows
 * what the test says.
 *
 * The file named by CLOCK_CONTROL holds one number, the seconds that the clock
 * is ahead.  The clocks that nobody can set are left alone.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static _Atomic int64_t *ahead;

static void __attribute__((constructor)) begin(void)
{
	const char *path = getenv("CLOCK_CONTROL");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

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
	    (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
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
