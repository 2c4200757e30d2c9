#include "milter/daemonize.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/scan.h"

enum {
	OPEN_FILES_MAX =
	    1 << 20, /* enough descriptors; a higher limit may be slow */
	STACK_BYTES = 512 * 1024, /* five times the largest stack measured */
};

static bool
daemonize_failed(struct buf *error, const char *what, const char *of)
{
	int code = errno;

	buf_printf(error, "%s %s: %s", what, of, strerror(code));
	return false;
}

bool
daemonize_set_user(const char *user, struct buf *error)
{
	struct passwd *p;

	if (user == NULL)
		return true;
	p = getpwnam(user);
	if (p == NULL) {
		buf_printf(error,
		    "user: unknown user \"%s\"; create it with adduser "
		    "--system --group %s",
		    user, user);
		return false;
	}
	if (geteuid() == p->pw_uid && getuid() == p->pw_uid)
		return true;
	if (geteuid() != 0) {
		buf_printf(error,
		    "user: only root can become \"%s\"; start as root or as "
		    "that user",
		    user);
		return false;
	}
	if (initgroups(user, p->pw_gid) != 0 || setgid(p->pw_gid) != 0 ||
	    setuid(p->pw_uid) != 0)
		return daemonize_failed(error, "user: cannot become", user);
	if (p->pw_uid != 0 && setuid(0) == 0) {
		buf_text(
		    error, "user: cannot drop root privileges permanently");
		return false;
	}
	return true;
}

/* ---- background ---- */

static int ready_pipe =
    -1; /* write end of a pipe to the waiting parent; -1: none */

static void
wait_for_child(pid_t child, int from)
{
	char byte;
	int status = 0;

	if (read(from, &byte, 1) == 1)
		_exit(0);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	_exit(1);
}

bool
daemonize_background(struct buf *error)
{
	int ends[2];
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return daemonize_failed(
		    error, "cannot move to the", "background");
	child = fork();
	if (child < 0)
		return daemonize_failed(
		    error, "cannot move to the", "background");
	if (child > 0) {
		close(ends[1]);
		wait_for_child(child, ends[0]);
	}
	close(ends[0]);
	ready_pipe = ends[1];
	if (setsid() < 0 || chdir("/") != 0)
		return daemonize_failed(
		    error, "cannot move to the", "background");
	return true;
}

void
daemonize_ready(void)
{
	int null;

	if (ready_pipe < 0)
		return;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd <= 2; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (write(ready_pipe, "1", 1) < 0) {
		/* The parent has exited, so no process is waiting for this
		 * byte. */
	}
	close(ready_pipe);
	ready_pipe = -1;
}

void
daemonize_is_not_first(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	if (ready_pipe < 0 || null < 0) {
		if (null >= 0)
			close(null);
		return;
	}
	close(ready_pipe);
	ready_pipe = null; /* daemonize_ready() closes it */
}

uint64_t
daemonize_raise_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return 1024;
	if (l.rlim_cur < l.rlim_max && l.rlim_cur < OPEN_FILES_MAX) {
		rlim_t old = l.rlim_cur;

		l.rlim_cur =
		    l.rlim_max < OPEN_FILES_MAX ? l.rlim_max : OPEN_FILES_MAX;
		if (setrlimit(RLIMIT_NOFILE, &l) != 0)
			l.rlim_cur = old;
	}
	return l.rlim_cur;
}

static void *
do_nothing(void *arg)
{
	return arg;
}

static bool
can_start_threads(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, do_nothing, NULL) == 0 &&
	    pthread_join(thread, NULL) == 0;
}

void
daemonize_small_stacks(void)
{
	pthread_attr_t a;
	size_t before;

	if (pthread_getattr_default_np(&a) != 0)
		return;
	if (pthread_attr_getstacksize(&a, &before) == 0 &&
	    pthread_attr_setstacksize(&a, STACK_BYTES) == 0 &&
	    pthread_setattr_default_np(&a) == 0 && !can_start_threads() &&
	    pthread_attr_setstacksize(&a, before) == 0)
		(void)pthread_setattr_default_np(&a);
	pthread_attr_destroy(&a);
}

/* ---- systemd ---- */

void
daemonize_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = path != NULL ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(a.sun_path) ||
	    (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(a.sun_path, path, n);
	if (a.sun_path[0] == '@') /* the abstract namespace */
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, state, strlen(state), MSG_NOSIGNAL,
	    (const struct sockaddr *)&a,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(fd);
}

unsigned
daemonize_watchdog_ms(void)
{
	const char *text = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	struct scan s = scan_of(span_str(text));
	uint64_t usec, whose;

	if (text == NULL || !scan_number(&s, UINT64_MAX / 2, &usec) ||
	    !scan_done(&s))
		return 0;
	if (pid != NULL) {
		s = scan_of(span_str(pid));
		if (!scan_number(&s, INT32_MAX, &whose) ||
		    whose != (uint64_t)getpid())
			return 0;
	}
	usec /= 1000;
	return usec > UINT32_MAX / 2 ? UINT32_MAX / 2 : (unsigned)usec;
}
