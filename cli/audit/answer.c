/*
 * answer.c - avouch audit --answer ADDRESS: a robot, run by the mail server for
 * each message, that replies with an audit of the message.
 *
 * The exit status is always 0 (see main.c).  A sender address may be forged, so
 * nothing is sent to it except an answer that audit/message/robot.h allows.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/message/message.h"
#include "audit/message/robot.h"
#include "cli/audit/audit.h"
#include "cli/audit/spool.h"
#include "cli/input.h"
#include "lib/ascii.h"
#include "lib/date.h"
#include "report/send/external_destination.h"
#include "report/send/sendmail.h"

enum {
	SENDMAIL_S = 120,
	ID_SHOWN_MAX = 500, /* bytes of a Message-ID that are quoted */
};

#define LOG_NAME "answered"
#define LOG_MODE 0600

struct answer {
	struct cli *c;
	struct arena *a;
	struct span own, to; /* addresses */
	int dir;             /* directory of the log */
	FILE *mail;
	int saved; /* the original standard output; -1: not redirected */
	enum robot_code code;
	int status;
};

/* ---- the answer log ---- */

/* Reads the log; a missing file is an empty log.  Returns false with errno set
 * on failure. */
static bool
read_log(int dir, char *memory, struct span *out)
{
	int fd = openat(dir, LOG_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = 1;

	*out = span_of(memory, 0);
	if (fd < 0)
		return errno == ENOENT;
	while (n > 0 && out->n < ROBOT_LOG_MAX) {
		n = read(fd, memory + out->n, ROBOT_LOG_MAX - out->n);
		out->n += n > 0 ? (size_t)n : 0;
	}
	close(fd);
	return n >= 0;
}

static bool
write_log(int dir, struct span text)
{
	int fd = openat(dir, LOG_NAME ".new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, LOG_MODE);
	bool good;

	if (fd < 0)
		return false;
	good = write(fd, text.p, text.n) == (ssize_t)text.n && fsync(fd) == 0;
	good = close(fd) == 0 && good;
	return good && renameat(dir, LOG_NAME ".new", dir, LOG_NAME) == 0;
}

/* Counts the answer before it is sent, so that no answer goes uncounted. */
static int
count_answer(struct answer *r, struct span domain)
{
	char *memory = arena_raw(r->a, ROBOT_LOG_MAX);
	struct buf log = buf_alloc(r->a, ROBOT_LOG_MAX + ROBOT_LINE_MAX);
	struct span before;
	int status = EX_OK;

	if (memory == NULL || log.p == NULL)
		return cli_fail(r->c, EX_TEMPFAIL, "out of memory");
	if (flock(r->dir, LOCK_EX) != 0 || !read_log(r->dir, memory, &before))
		status = cli_fail(
		    r->c, EX_TEMPFAIL, LOG_NAME ": %s", strerror(errno));
	else if (!robot_count(before, r->c->now, domain, r->to, &log))
		r->code = ROBOT_TOO_MANY;
	else if (!write_log(r->dir, buf_view(&log)))
		status = cli_fail(
		    r->c, EX_TEMPFAIL, LOG_NAME ": %s", strerror(errno));
	flock(r->dir, LOCK_UN);
	return status;
}

/* ---- the answer ---- */

static void
put_field(FILE *out, const char *name, struct span value)
{
	fprintf(out, "%s: %.*s\n", name, SPAN_FMT(value));
}

/* Writes the header (RFC 3834 sections 3.1.5 and 5). */
static void
put_head(struct answer *r, const struct mail_header *h)
{
	size_t at = mail_header_find(h, "Message-ID", 0);
	struct span id = at < h->n ? span_trim(h->fields[at].value) : SPAN_NONE;
	char memory[DATE_MAX];
	struct buf date = buf_wrap(memory, sizeof(memory));
	uint64_t random[2] = { 0, 0 };

	(void)!getrandom(random, sizeof(random), 0);
	date_put_mail(&date, r->c->now);
	put_field(r->mail, "From", r->own);
	put_field(r->mail, "To", r->to);
	put_field(r->mail, "Subject", SPAN("Audit of your message"));
	put_field(r->mail, "Date", buf_view(&date));
	fprintf(r->mail, "Message-ID: <%016llx%016llx@%.*s>\n",
	    (unsigned long long)random[0], (unsigned long long)random[1],
	    SPAN_FMT(span_skip(r->own, span_rindex(r->own, '@') + 1)));
	if (id.n <= ID_SHOWN_MAX && audit_is_message_id(id) &&
	    span_all(id, ascii_is_print)) {
		put_field(r->mail, "In-Reply-To", id);
		put_field(r->mail, "References", id);
	}
	fputs("Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	      "Content-Type: text/plain; charset=utf-8\n"
	      "Content-Transfer-Encoding: 8bit\n\n"
	      "avouch has checked the message that you sent to this address.\n"
	      "Large receivers would judge it as follows.\n\n",
	    r->mail);
}

/* Redirects standard output to the answer. */
static bool
redirect_output(struct answer *r)
{
	fflush(stdout);
	fflush(r->mail);
	r->saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	return r->saved >= 0 && dup2(fileno(r->mail), STDOUT_FILENO) >= 0;
}

static bool
restore_output(struct answer *r)
{
	bool good = fflush(stdout) == 0 && !ferror(stdout);

	if (r->saved >= 0) {
		dup2(r->saved, STDOUT_FILENO);
		close(r->saved);
	}
	return good && lseek(fileno(r->mail), 0, SEEK_SET) == 0;
}

static bool
begin_answer(void *arg, const struct verdict *v)
{
	struct answer *r = arg;
	struct robot_request request = { .verdict = v, .own = r->own };
	struct span domain = v->dmarc.organizational_domain.p != NULL
	    ? v->dmarc.organizational_domain
	    : v->dmarc.author_domain;

	r->to = destination_plain_address(r->a, v->from.first);
	request.to = r->to;
	r->code = robot_check(&request, r->a);
	if (r->code == ROBOT_ANSWER)
		r->status = count_answer(r, domain);
	if (r->code != ROBOT_ANSWER || r->status != EX_OK)
		return false;
	put_head(r, v->header);
	if (!redirect_output(r))
		r->status =
		    cli_fail(r->c, EX_TEMPFAIL, "the answer cannot be written");
	return r->status == EX_OK;
}

static int
send_answer(struct answer *r, const struct conf *conf)
{
	char memory[512];
	struct buf note = buf_wrap(memory, sizeof(memory));
	struct span to = arena_copy(r->a, r->to); /* ends with a NUL */
	const struct sendmail mail = {
		.program = conf->report.sendmail,
		.from = "",
		.to = to.p,
		.mail = fileno(r->mail),
		.seconds = SENDMAIL_S,
	};

	if (to.p == NULL)
		return cli_fail(r->c, EX_TEMPFAIL, "out of memory");
	if (sendmail_run(&mail, &note) != SENDMAIL_DONE)
		return cli_fail(r->c, EX_TEMPFAIL, "not answered: %s", memory);
	fputs("answered: ", stdout);
	cli_put(r->to);
	putchar('\n');
	return EX_OK;
}

/* ---- the message ---- */

static int
judge_and_answer(struct answer *r, const struct conf *conf, struct span text)
{
	const struct audit_gate gate = { begin_answer, r };
	bool written;

	if (text.n > SPOOL_MESSAGE_MAX)
		return cli_fail(r->c, EX_DATAERR,
		    "not answered: the message is larger than %d bytes",
		    SPOOL_MESSAGE_MAX);
	(void)audit_show_message(r->c, text, &gate);
	written = restore_output(r);
	if (r->status != EX_OK)
		return r->status;
	if (r->code != ROBOT_ANSWER) {
		printf("not answered: %s\n", robot_code_text(r->code));
		return EX_OK;
	}
	if (!written)
		return cli_fail(r->c, EX_TEMPFAIL,
		    "not answered: the answer cannot be written");
	return send_answer(r, conf);
}

static int
answer_input(struct answer *r, const struct conf *conf)
{
	FILE *spooled = tmpfile();
	struct input in;
	int status;

	if (spooled == NULL || !spool_copy(fileno(spooled), STDIN_FILENO) ||
	    lseek(fileno(spooled), 0, SEEK_SET) != 0 ||
	    !input_open_file(&in, fileno(spooled))) {
		status = cli_fail(r->c, EX_TEMPFAIL,
		    "not answered: cannot use a temporary file: %s",
		    strerror(errno));
	} else {
		status = judge_and_answer(r, conf, in.text);
		input_close(&in);
	}
	if (spooled != NULL)
		fclose(spooled);
	return status;
}

static int
check_answer_options(struct cli *c, struct answer *r)
{
	r->own = destination_plain_address(r->a, span_str(c->answer));
	if (r->own.p == NULL)
		return cli_fail(c, EX_USAGE,
		    "--answer %s: must be an address such as "
		    "audit@example.com",
		    c->answer);
	if (c->helo == NULL || c->mail_from == NULL)
		return cli_fail(
		    c, EX_USAGE, "--answer needs --ip, --helo and --mail-from");
	if (c->ip.family == IP_NONE)
		return cli_fail(
		    c, EX_USAGE, "not answered: the client is unknown");
	return EX_OK;
}

static int
answer_message(struct cli *c, const struct conf *conf, struct answer *r)
{
	int status = check_answer_options(c, r);

	if (status != EX_OK)
		return status;
	c->json = false;
	c->dns_conf = conf;
	if (c->zone == NULL && c->nameserver == NULL)
		c->zone = conf->zone;
	status = cli_dns_open(c);
	if (status == EX_OK)
		status = audit_open_spool(c, &r->dir);
	if (status != EX_OK)
		return status;
	r->mail = tmpfile();
	status = r->mail == NULL
	    ? cli_fail(c, EX_TEMPFAIL,
		  "not answered: cannot use a temporary file: %s",
		  strerror(errno))
	    : answer_input(r, conf);
	if (r->mail != NULL)
		fclose(r->mail);
	close(r->dir);
	return status;
}

int
audit_run_answer(struct cli *c)
{
	struct answer r = {
		.c = c,
		.a = arena_new(CLI_SCRATCH),
		.saved = -1,
		.code = ROBOT_UNKNOWN,
	};
	const struct conf *conf =
	    c->config != NULL ? cli_conf_read(c->config) : conf_defaults();
	int status;

	if (r.a == NULL || conf == NULL)
		status = cli_fail(c, EX_CONFIG, "not answered");
	else
		status = answer_message(c, conf, &r);
	spool_drain(STDIN_FILENO);
	if (conf != NULL)
		conf_unref(conf);
	arena_free(r.a);
	return status;
}
