#include "report/send/sendmail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/clock.h"

enum { STEP_MAX_MS = 20 };

/* Do not pass our environment to sendmail. */
static char path_setting[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
static char language_setting[] = "LC_ALL=C";
static char *const environment[] = { path_setting, language_setting, NULL };

static int
set_attributes(posix_spawnattr_t *a)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_setsigmask(a, &none);
	posix_spawnattr_setsigdefault(a, &all);
	posix_spawnattr_setpgroup(a, 0); /* a new process group, so that it can
	                                    be killed with its children */
	return posix_spawnattr_setflags(a,
	    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
		POSIX_SPAWN_SETPGROUP);
}

static int
set_files(posix_spawn_file_actions_t *f, int mail)
{
	int error = posix_spawn_file_actions_adddup2(f, mail, STDIN_FILENO);

	if (error != 0)
		return error;
	return posix_spawn_file_actions_addopen(
	    f, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
}

/* sendmail(8): with -i, a line with a single dot does not end the message; -f
 * sets the envelope sender. */
static int
spawn_sendmail(const struct sendmail *h, pid_t *pid)
{
	const char *const words[] = { h->program, "-i", "-f", h->from, "--",
		h->to, NULL };
	char *argv[sizeof(words) / sizeof(words[0])];
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_t files;
	int error = posix_spawnattr_init(&attributes);

	if (error != 0)
		return error;
	error = posix_spawn_file_actions_init(&files);
	if (error == 0) {
		/* exec does not write to the strings, although its prototype
		 * would allow it. */
		memcpy(argv, words, sizeof(words));
		error = set_attributes(&attributes);
		if (error == 0)
			error = set_files(&files, h->mail);
		if (error == 0)
			error = posix_spawn(pid, h->program, &files,
			    &attributes, argv, environment);
		posix_spawn_file_actions_destroy(&files);
	}
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* Waits for sendmail to end.  Returns false if it had to be killed.  Polls,
 * because pidfd_open() does not work in all containers. */
static bool
wait_sendmail(pid_t pid, unsigned seconds, int *status)
{
	int64_t until = clock_ms() + (int64_t)seconds * 1000;
	unsigned step = 1;

	for (;;) {
		bool late = clock_ms() >= until;
		pid_t got = waitpid(pid, status, WNOHANG);

		if (got == pid)
			return true;
		if (late)
			break;
		clock_sleep_ms(step);
		if (step < STEP_MAX_MS)
			step++;
	}
	kill(-pid, SIGKILL);
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		continue;
	return false;
}

static enum sendmail_code
judge_status(int status, struct buf *note)
{
	if (!WIFEXITED(status)) {
		buf_text(note, "sendmail was killed by signal ");
		buf_number(note, (uint64_t)WTERMSIG(status));
		return SENDMAIL_TEMPFAIL;
	}
	if (WEXITSTATUS(status) == EX_OK)
		return SENDMAIL_DONE;
	buf_text(note, "sendmail exited with status ");
	buf_number(note, (uint64_t)WEXITSTATUS(status));
	switch (WEXITSTATUS(status)) {
	case EX_USAGE:
	case EX_DATAERR:
	case EX_NOUSER:
	case EX_NOHOST:
		return SENDMAIL_PERMFAIL;
	default: /* needed because the status is an int, not an enum */
		return SENDMAIL_TEMPFAIL;
	}
}

enum sendmail_code
sendmail_run(const struct sendmail *h, struct buf *note)
{
	int status = 0;
	pid_t pid;
	int error = spawn_sendmail(h, &pid);

	if (error != 0) {
		buf_text(note, "cannot start ");
		buf_text(note, h->program);
		buf_text(note, ": ");
		buf_text(note, strerror(error));
		return SENDMAIL_TEMPFAIL;
	}
	if (!wait_sendmail(pid, h->seconds, &status)) {
		buf_text(note, "sendmail did not finish within ");
		buf_number(note, h->seconds);
		buf_text(note, " s");
		return SENDMAIL_TEMPFAIL;
	}
	return judge_status(status, note);
}
