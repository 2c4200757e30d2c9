/* wait.c - avouch audit --wait ADDRESS, which waits for a message, and
 * --receive TOKEN, which receives it */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/audit/audit.h"
#include "cli/audit/spool.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/scan.h"
#include "report/send/external_destination.h"

enum {
	MINUTES_DEFAULT = 15,
	MINUTES_MAX = 24 * 60,
	LOOK_MS = 250, /* interval between checks of the directory */
	ADDRESS_MAX = 400,
};

int
audit_open_spool(struct cli *c, int *dir)
{
	const char *path = c->spool != NULL ? c->spool : SPOOL_DEFAULT;

	*dir = spool_open(path);
	if (*dir >= 0)
		return EX_OK;
	switch (errno) {
	case ENOENT:
		return cli_fail(c, EX_CONFIG,
		    "%s: no such directory; run `install -d -o avouch -g "
		    "avouch -m 700 %s`",
		    path, path);
	case EACCES:
		return cli_fail(c, EX_CONFIG,
		    "%s: permission denied; run this as root or as the user "
		    "avouch",
		    path);
	case EPERM:
		return cli_fail(c, EX_CONFIG,
		    "%s: other users can write to it; run `chmod 700 %s`", path,
		    path);
	default:
		return cli_fail(
		    c, EX_TEMPFAIL, "%s: %s", path, strerror(errno));
	}
}

/* ---- --wait ---- */

struct waiting {
	struct span local, domain; /* parts of the address */
	int64_t ms;
	struct spool_wait wait;
};

static int
read_wait_options(struct cli *c, struct arena *a, struct waiting *w)
{
	struct scan s = scan_of(span_str(c->minutes));
	uint64_t minutes = MINUTES_DEFAULT;
	struct span address = destination_plain_address(a, span_str(c->wait));
	size_t at = span_rindex(address, '@');

	if (c->minutes != NULL &&
	    (!scan_number(&s, MINUTES_MAX, &minutes) || !scan_done(&s) ||
		minutes == 0))
		return cli_fail(c, EX_USAGE,
		    "--minutes %s: must be a number from 1 to %d", c->minutes,
		    MINUTES_MAX);
	w->ms = (int64_t)minutes * 60 * 1000;
	w->local = span_first(address, at);
	w->domain = span_skip(address, at + 1);
	if (address.p == NULL || span_has(w->local, '+'))
		return cli_fail(c, EX_USAGE,
		    "--wait %s: must be an address without \"+\", such as "
		    "audit@example.com; avouch adds +TOKEN to it",
		    c->wait);
	return EX_OK;
}

static void
show_address(const struct cli *c, const struct waiting *w)
{
	char memory[ADDRESS_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_span(&b, w->local);
	buf_byte(&b, '+');
	buf_text(&b, w->wait.token);
	buf_byte(&b, '@');
	buf_span(&b, w->domain);
	if (c->json) {
		json_t *o = json_object();

		cli_set_span(o, "address", buf_view(&b));
		cli_print_json(o);
	} else {
		printf("Send a message to %s\n", memory);
	}
	fflush(stdout);
}

/* Returns a file descriptor for the message, or -1 if none arrived. */
static int
wait_for_message(const struct waiting *w)
{
	int64_t begin = clock_ms();
	int64_t passed = 0;
	struct progress p;
	int fd = -1;

	progress_begin(&p, (uint64_t)w->ms);
	while (fd < 0 && passed < w->ms) {
		progress_show(&p, (uint64_t)passed,
		    (uint64_t)(w->ms - passed) / 1000, "seconds left");
		clock_sleep_ms(LOOK_MS);
		fd = spool_wait_take(&w->wait);
		passed = clock_ms() - begin;
	}
	progress_clear(&p);
	return fd;
}

/* Uses the mail server's facts; the message supplies any that are missing. */
static void
use_facts(struct cli *c, const struct spool_facts *facts)
{
	c->ip_text = NULL;
	if (ip_parse(span_str(facts->ip), &c->ip))
		c->ip_text = facts->ip;
	c->helo = facts->helo[0] != '\0' ? facts->helo : NULL;
	c->mail_from = facts->mail_from;
	if (c->now_text == NULL)
		c->now = (int64_t)time(NULL);
}

static int
audit_arrived(struct cli *c, int fd)
{
	struct spool_facts facts;
	struct span message;
	struct input in;
	int status;

	if (!input_open_file(&in, fd))
		return cli_fail(c, EX_TEMPFAIL, "cannot read the message: %s",
		    strerror(errno));
	if (!spool_read(in.text, &facts, &message)) {
		status = cli_fail(c, EX_DATAERR,
		    "the file in the spool was not written by `avouch audit "
		    "--receive`");
	} else if (message.n > SPOOL_MESSAGE_MAX) {
		status = cli_fail(c, EX_DATAERR,
		    "the message is larger than %d bytes; send a smaller one",
		    SPOOL_MESSAGE_MAX);
	} else {
		if (!c->json)
			putchar('\n');
		use_facts(c, &facts);
		status = audit_show_message(c, message, NULL);
	}
	input_close(&in);
	return status;
}

static int
wait_in_spool(struct cli *c, int dir, struct waiting *w)
{
	int fd;

	if (!spool_wait_begin(dir, &w->wait))
		return cli_fail(c, EX_TEMPFAIL, "%s",
		    errno == EBUSY ? "too many other processes are waiting; "
				     "try again later"
				   : strerror(errno));
	show_address(c, w);
	fd = wait_for_message(w);
	spool_wait_end(&w->wait);
	if (fd < 0)
		return cli_fail(c, EX_TEMPFAIL,
		    "no message has arrived in %" PRId64
		    " min; look for it in the mail server's log",
		    w->ms / 60000);
	int status = audit_arrived(c, fd);

	close(fd);
	return status;
}

int
audit_run_wait(struct cli *c)
{
	struct arena *a = arena_new(CLI_SCRATCH);
	struct waiting w;
	int dir;
	int status;

	if (a == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	status = read_wait_options(c, a, &w);
	if (status == EX_OK)
		status = cli_dns_open(c);
	if (status == EX_OK)
		status = audit_open_spool(c, &dir);
	if (status == EX_OK) {
		status = spool_become_owner(dir)
		    ? wait_in_spool(c, dir, &w)
		    : cli_fail(c, EX_TEMPFAIL,
			  "cannot switch to the owner of the spool: %s",
			  strerror(errno));
		close(dir);
	}
	arena_free(a);
	return status;
}

/* ---- --receive ---- */

static int
receive_message(struct cli *c)
{
	const struct spool_facts facts = {
		.ip = c->ip_text,
		.helo = c->helo,
		.mail_from = c->mail_from,
	};
	int dir;
	int status = audit_open_spool(c, &dir);

	if (status != EX_OK)
		return status;
	switch (spool_receive(dir, c->receive, &facts, STDIN_FILENO)) {
	case SPOOL_DONE:
		puts("handed over");
		break;
	case SPOOL_NOT_AWAITED:
		puts("discarded: no process is waiting for it");
		break;
	case SPOOL_ERROR:
		status = cli_fail(c, EX_TEMPFAIL, "discarded: %s: %s",
		    c->spool != NULL ? c->spool : SPOOL_DEFAULT,
		    strerror(errno));
		break;
	}
	close(dir);
	return status;
}

int
audit_run_receive(struct cli *c)
{
	int status = receive_message(c);

	spool_drain(STDIN_FILENO);
	return status;
}
