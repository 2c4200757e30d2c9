#include "lib/clock.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "lib/log.h"

struct clock_time
clock_look(struct clock_watch *w, int64_t wall, int64_t running)
{
	int64_t offset = wall - running;
	bool over = w->doubtful && running - w->since >= CLOCK_DOUBT_S;
	bool never_set = running + w->offset < CLOCK_PLAUSIBLE;

	if (!w->known || over || never_set)
		*w = (struct clock_watch){ .known = true, .offset = offset };
	if (llabs(offset - w->offset) <= CLOCK_JUMP_S) {
		w->doubtful = false;
	} else if (!w->doubtful) {
		w->doubtful = true;
		w->since = running;
	}
	return (struct clock_time){
		.now = w->doubtful ? running + w->offset : wall,
		.doubtful = w->doubtful,
	};
}

/* Unlike CLOCK_MONOTONIC, CLOCK_BOOTTIME advances while the system is
 * suspended. */
static int64_t
seconds_running(void)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec;
}

static void
log_clock_change(bool doubtful, int64_t jump)
{
	if (doubtful)
		log_say(LOG_LEVEL_ERROR, "clock",
		    "the clock was set %s by %lld seconds; keeping the "
		    "previous "
		    "time for 24 hours; correct the clock, or restart the "
		    "daemon if the new time is right",
		    jump < 0 ? "back" : "forward", llabs(jump));
	else
		log_say(LOG_LEVEL_WARNING, "clock",
		    "the system clock is accepted again");
}

struct clock_time
clock_now(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct clock_watch watch;
	int64_t wall = (int64_t)time(NULL), running = seconds_running();
	struct clock_time now;
	bool before;

	pthread_mutex_lock(&lock);
	before = watch.doubtful;
	now = clock_look(&watch, wall, running);
	pthread_mutex_unlock(&lock);
	if (now.doubtful != before)
		log_clock_change(now.doubtful, wall - now.now);
	return now;
}

int64_t
clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
clock_ms(void)
{
	return clock_us() / 1000;
}

void
clock_sleep_ms(unsigned ms)
{
	const struct timespec t = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&t, NULL);
}
