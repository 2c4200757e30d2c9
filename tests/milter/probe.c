/*
 * probe.c - preloaded into avouch-milter by sandbox.py.  Each time libmilter
 * accepts a connection, tries what an attacker who controls the daemon would
 * try, and writes "probe NAME=ERRNO ..." to stderr; 0: the attempt succeeded.
 *
 * PROBE_FILE names a file to read, PROBE_NEW a file to create.  If PROBE_OLD is
 * set, simulates a kernel without seccomp(2) and Landlock.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
/* The parameter types of accept4() differ between C libraries. */
#define accept4 accept4_of_libc
#include <sys/socket.h>
#undef accept4
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* Returns the errno of a call that returned `result`; 0: it succeeded. */
static int
errno_of(long result)
{
	return result < 0 ? errno : 0;
}

/* Tries to start a program, in a child process. */
static int
try_program(void)
{
	static char name[] = "/bin/true";
	char *arguments[] = { name, NULL };
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execv(name, arguments);
		_exit(errno);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status)
	    ? WEXITSTATUS(status)
	    : -1;
}

static int
try_trace(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0)
		_exit(errno_of(ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
	return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -1;
}

static int
try_listen(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int code = errno_of(listen(fd, 1));

	close(fd);
	return code;
}

static int
try_file(const char *path, int how)
{
	int fd = path != NULL ? open(path, how, 0600) : -1;
	int code = errno_of(fd);

	if (fd >= 0)
		close(fd);
	return code;
}

static int
try_map(int how)
{
	void *p = mmap(NULL, PAGE, how, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return errno;
	munmap(p, PAGE);
	return 0;
}

static int
try_protect(void)
{
	void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int code = errno_of(mprotect(p, PAGE, PROT_READ | PROT_EXEC));

	munmap(p, PAGE);
	return code;
}

static void
probe(void)
{
	dprintf(STDERR_FILENO,
	    "probe program=%d trace=%d listen=%d read=%d make=%d map=%d "
	    "protect=%d own=%d\n",
	    try_program(), try_trace(), try_listen(),
	    try_file(getenv("PROBE_FILE"), O_RDONLY | O_CLOEXEC),
	    try_file(getenv("PROBE_NEW"), O_WRONLY | O_CREAT | O_CLOEXEC),
	    try_map(PROT_READ | PROT_WRITE | PROT_EXEC), try_protect(),
	    try_map(PROT_READ | PROT_WRITE));
}

/* Replaces libc's function; the daemon's accept() calls it. */
int accept4(int fd, void *address, socklen_t *size, int flags);

int
accept4(int fd, void *address, socklen_t *size, int flags)
{
	static int (*real)(int, void *, socklen_t *, int);
	int got;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "accept4");
	got = real(fd, address, size, flags);
	if (got >= 0)
		probe();
	return got;
}

/* Replaces libc's function. */
long
syscall(long number, ...)
{
	static long (*real)(long, ...);
	va_list more;
	long a, b, c, d;

	va_start(more, number);
	a = va_arg(more, long);
	b = va_arg(more, long);
	c = va_arg(more, long);
	d = va_arg(more, long);
	va_end(more);
	if (getenv("PROBE_OLD") != NULL &&
	    (number == SYS_seccomp || number == SYS_landlock_create_ruleset)) {
		errno = ENOSYS;
		return -1;
	}
	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "syscall");
	return real(number, a, b, c, d);
}
