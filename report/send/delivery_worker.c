#include "report/send/delivery_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/clock.h"

static const char lock_name[] = "send";

enum { LOCK_STEP_MS = 50, NOTE_STEP_MS = 200 };

struct worker {
	pid_t pid;
	int socket;
};

struct worker_hello {
	enum worker_state state;
	char error[SQL_ERROR_MAX];
};

/* ---- passing a job and a file over a socket ---- */

union control { /* aligned for sendmsg() */
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static bool
send_job(int socket, const struct worker_job *job, int mail)
{
	struct worker_job copy = *job;
	struct iovec v = { .iov_base = &copy, .iov_len = sizeof(copy) };
	union control control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	ssize_t n;

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &mail, sizeof(mail));
	do
		n = sendmsg(socket, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(copy);
}

/* Returns false if the other end is closed. */
static bool
receive_job(int socket, struct worker_job *job, int *mail)
{
	struct iovec v = { .iov_base = job, .iov_len = sizeof(*job) };
	union control control = { .bytes = { 0 } };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *c;
	ssize_t n;

	*mail = -1;
	do
		n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = CMSG_FIRSTHDR(&m);
	if (c != NULL && c->cmsg_type == SCM_RIGHTS)
		memcpy(mail, CMSG_DATA(c), sizeof(*mail));
	return n == (ssize_t)sizeof(*job) && *mail >= 0;
}

static bool
send_all(int socket, const void *bytes, size_t n)
{
	ssize_t sent;

	do
		sent = send(socket, bytes, n, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent == (ssize_t)n;
}

static bool
receive_all(int socket, void *bytes, size_t n)
{
	ssize_t got;

	do
		got = recv(socket, bytes, n, 0);
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)n;
}

/* ---- the worker process ---- */

struct worker_process {
	const struct worker_options *o;
	struct ledger *ledger; /* NULL: not open */
	bool is_shared;        /* several hosts share the store */
	bool has_lock;
	int64_t started; /* clock_ms() */
};

static void
open_locked(struct worker_process *h, struct worker_hello *hello)
{
	enum ledger_step got = LEDGER_ERROR;

	h->ledger = h->o->open(h->o->arg, hello->error);
	if (h->ledger != NULL) {
		h->is_shared = sql_is_shared(ledger_sql(h->ledger));
		got = ledger_lock(h->ledger, lock_name);
	}
	for (int ms = 0; got == LEDGER_NONE && ms < WORKER_LOCK_MS;
	     ms += LOCK_STEP_MS) {
		clock_sleep_ms(LOCK_STEP_MS);
		got = ledger_lock(h->ledger, lock_name);
	}
	h->has_lock = got == LEDGER_OK;
	hello->state = got == LEDGER_OK ? WORKER_READY
	    : got == LEDGER_NONE        ? WORKER_BUSY
					: WORKER_FAULT;
	/* SQLite does not say who holds the lock on its file. */
	if (h->ledger != NULL &&
	    (got == LEDGER_ERROR || (got == LEDGER_NONE && h->is_shared))) {
		struct buf text = buf_wrap(hello->error, sizeof(hello->error));

		buf_text(&text, ledger_error(h->ledger));
	}
}

static int64_t
backoff(uint64_t attempts)
{
	int64_t wait = WORKER_BACKOFF_FIRST;

	for (uint64_t i = 1; i < attempts && wait < WORKER_BACKOFF_MAX; i++)
		wait *= 2;
	return wait < WORKER_BACKOFF_MAX ? wait : WORKER_BACKOFF_MAX;
}

static enum ledger_state
state_after(enum sendmail_code code)
{
	switch (code) {
	case SENDMAIL_DONE:
		return LEDGER_SENT;
	case SENDMAIL_PERMFAIL:
		return LEDGER_DROPPED;
	case SENDMAIL_TEMPFAIL:
		break;
	}
	return LEDGER_WAITING;
}

/* Records the outcome; retries, because an unrecorded report would be sent
 * again.  If the record is already there, an earlier try succeeded although it
 * reported an error. */
static enum ledger_step
note_outcome(struct worker_process *h, const struct ledger_move *m)
{
	char error[SQL_ERROR_MAX];
	enum ledger_step step = ledger_move(h->ledger, m);

	for (long ms = 0; step == LEDGER_ERROR && ms < WORKER_NOTE_S * 1000L;
	     ms += NOTE_STEP_MS) {
		clock_sleep_ms(NOTE_STEP_MS);
		if (h->is_shared) {
			h->has_lock = false;
			ledger_close(h->ledger);
			h->ledger = h->o->open(h->o->arg, error);
		}
		if (h->ledger != NULL)
			step = ledger_move(h->ledger, m);
		if (step == LEDGER_NONE)
			step = LEDGER_OK;
	}
	return step;
}

static void
work(struct worker_process *h, const struct worker_job *job, int mail,
    struct worker_reply *reply)
{
	struct buf text = buf_wrap(reply->note, sizeof(reply->note));
	struct ledger_move m = { .id = job->id,
		.from = job->from,
		.to = LEDGER_SENDING,
		.attempts = job->attempts,
		.now = job->now + (clock_ms() - h->started) / 1000,
		.note = SPAN("") };
	struct sendmail over = { .program = h->o->program,
		.from = h->o->from,
		.to = job->to,
		.mail = mail,
		.seconds = h->o->seconds };

	reply->step = ledger_move(h->ledger, &m);
	if (reply->step == LEDGER_OK) {
		m.from = LEDGER_SENDING;
		m.to = state_after(sendmail_run(&over, &text));
		m.attempts++;
		m.not_before = m.now + backoff(m.attempts);
		m.note = buf_view(&text);
		reply->step = note_outcome(h, &m);
	}
	reply->state = m.to;
	if (reply->step == LEDGER_ERROR) {
		buf_cut(&text, 0);
		buf_text(&text,
		    h->ledger != NULL ? ledger_error(h->ledger)
				      : "cannot reach the store");
	}
}

/* Handles jobs until the other end is closed.  It does not matter if no one
 * reads a reply. */
static void
serve(const struct worker_options *o, int socket)
{
	struct worker_hello hello = { .error = "" };
	struct worker_process h = { .o = o, .started = clock_ms() };
	struct worker_job job;
	int mail;

	open_locked(&h, &hello);
	if (send_all(socket, &hello, sizeof(hello))) {
		while (h.has_lock && receive_job(socket, &job, &mail)) {
			struct worker_reply reply = { .note = "" };

			work(&h, &job, mail, &reply);
			close(mail);
			send_all(socket, &reply, sizeof(reply));
		}
	}
	ledger_close(h.ledger);
}

/* ---- the calling process ---- */

static enum worker_state
fail(char *error, const char *text)
{
	struct buf b = buf_wrap(error, SQL_ERROR_MAX);

	buf_text(&b, text);
	return WORKER_FAULT;
}

static enum worker_state
greet(struct worker *h, char *error)
{
	struct worker_hello hello;

	if (!receive_all(h->socket, &hello, sizeof(hello)))
		return fail(error, "the process that runs sendmail has ended");
	fail(error, hello.error);
	return hello.state;
}

enum worker_state
worker_start(const struct worker_options *o, struct worker **out, char *error)
{
	struct worker *h = calloc(1, sizeof(*h));
	enum worker_state state;
	int pair[2];

	*out = NULL;
	if (h == NULL ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
		free(h);
		return fail(error,
		    "cannot create a socket for the process that runs "
		    "sendmail");
	}
	h->pid = fork();
	if (h->pid == 0) {
		/* Start a new session, so that the worker does not get signals
		 * sent to the session of the calling process. */
		setsid();
		close(pair[0]);
		serve(o, pair[1]);
		_exit(0);
	}
	close(pair[1]);
	h->socket = pair[0];
	state = h->pid > 0
	    ? greet(h, error)
	    : fail(error, "cannot create the process that runs sendmail");
	if (state == WORKER_READY)
		*out = h;
	else
		worker_end(h);
	return state;
}

bool
worker_submit(struct worker *h, const struct worker_job *job, int mail,
    struct worker_reply *reply)
{
	return send_job(h->socket, job, mail) &&
	    receive_all(h->socket, reply, sizeof(*reply));
}

void
worker_end(struct worker *h)
{
	int status;

	if (h == NULL)
		return;
	close(h->socket);
	if (h->pid > 0)
		while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	free(h);
}
