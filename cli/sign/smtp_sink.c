#include "cli/sign/smtp_sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/clock.h"

enum { BACKLOG = 16 };

bool
smtp_sink_open(struct smtp_sink *s, unsigned port, struct buf *error)
{
	const struct sockaddr_in where = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;
	int code;

	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener >= 0 &&
	    setsockopt(
		s->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(s->listener, (const struct sockaddr *)&where, sizeof(where)) ==
		0 &&
	    listen(s->listener, BACKLOG) == 0)
		return true;
	code = errno;
	buf_printf(error, "127.0.0.1@%u: %s; choose another port with --sink",
	    port, strerror(code));
	smtp_sink_close(s);
	return false;
}

void
smtp_sink_close(struct smtp_sink *s)
{
	if (s->listener >= 0)
		close(s->listener);
	s->listener = -1;
}

/* ---- a connection ---- */

struct sink_session {
	struct smtp_sink *sink;
	FILE *in, *out;
	int number; /* message number of the recipient; SMTP_SINK_UNKNOWN: no
	               recipient yet */
	unsigned n_recipients;
	char line[SMTP_SINK_LINE_MAX];
};

static void
sink_say(struct sink_session *c, const char *reply)
{
	fprintf(c->out, "%s\r\n", reply);
	fflush(c->out);
}

static void
sink_mail(struct sink_session *c)
{
	c->number = SMTP_SINK_UNKNOWN;
	c->n_recipients = 0;
}

/* Handles "RCPT TO:<a@b>" with parameters. */
static void
sink_rcpt(struct sink_session *c, struct span line)
{
	struct span path = span_skip(line, span_index(line, '<') + 1);
	int number = c->sink->find(
	    c->sink->arg, span_first(path, span_index(path, '>')));

	if (number == SMTP_SINK_BOUNCE) {
		sink_say(c, "550 5.1.1 Rejected on purpose, to cause a bounce");
		return;
	}
	if (number < 0 || c->n_recipients > 0) {
		sink_say(c, "550 5.1.1 Only test messages are accepted here");
		return;
	}
	c->number = number;
	c->n_recipients = 1;
	sink_say(c, "250 2.1.5 OK");
}

/* Writes the message to a file and removes dot-stuffing (RFC 5321 section
 * 4.5.2). */
static bool
sink_copy(struct sink_session *c, FILE *to)
{
	bool at_begin = true;
	size_t written = 0;

	while (fgets(c->line, sizeof(c->line), c->in) != NULL) {
		struct span text = span_str(c->line);
		bool ends = text.n > 0 && text.p[text.n - 1] == '\n';

		if (at_begin && strcmp(c->line, ".\r\n") == 0)
			return true;
		if (at_begin && text.n > 0 && text.p[0] == '.')
			text = span_skip(text, 1);
		at_begin = ends;
		written += text.n;
		if (written <= SMTP_SINK_MESSAGE_MAX)
			fwrite(text.p, 1, text.n, to);
	}
	return false;
}

static void
sink_data(struct sink_session *c)
{
	FILE *file = c->n_recipients > 0 ? tmpfile() : NULL;
	bool ok;

	if (file == NULL) {
		sink_say(c, "503 5.5.1 No recipient");
		return;
	}
	sink_say(c, "354 Go on");
	ok = sink_copy(c, file) && fflush(file) == 0 &&
	    lseek(fileno(file), 0, SEEK_SET) == 0;
	if (ok) {
		c->sink->take(c->sink->arg, c->number, fileno(file));
		sink_say(c, "250 2.0.0 OK");
	}
	fclose(file);
	sink_mail(c);
}

/* Handles a command.  Returns false if the connection must end. */
static bool
sink_command(struct sink_session *c, struct span line)
{
	if (span_starts_nocase(line, "EHLO") ||
	    span_starts_nocase(line, "HELO") ||
	    span_starts_nocase(line, "LHLO") ||
	    span_starts_nocase(line, "MAIL") ||
	    span_starts_nocase(line, "RSET") ||
	    span_starts_nocase(line, "NOOP")) {
		sink_mail(c);
		sink_say(c,
		    span_starts_nocase(span_skip(line, 1), "HLO")
			? "250-avouch.invalid\r\n250 8BITMIME"
			: "250 avouch.invalid");
	} else if (span_starts_nocase(line, "RCPT"))
		sink_rcpt(c, line);
	else if (span_starts_nocase(line, "DATA"))
		sink_data(c);
	else if (span_starts_nocase(line, "QUIT")) {
		sink_say(c, "221 2.0.0 Bye");
		return false;
	} else
		sink_say(c, "502 5.5.2 Unknown command");
	return true;
}

static void
sink_session(struct smtp_sink *s, int fd)
{
	static struct sink_session c;
	const struct timeval idle = { .tv_sec = SMTP_SINK_IDLE_S };
	int other = dup(fd);

	c.sink = s;
	c.in = fdopen(fd, "r");
	c.out = other >= 0 ? fdopen(other, "w") : NULL;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &idle, sizeof(idle));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &idle, sizeof(idle));
	sink_mail(&c);
	if (c.in != NULL && c.out != NULL) {
		sink_say(&c, "220 avouch.invalid ESMTP avouch sign test");
		for (int i = 0; i < SMTP_SINK_COMMANDS_MAX &&
		     fgets(c.line, sizeof(c.line), c.in) != NULL &&
		     sink_command(&c, span_str(c.line));
		     i++)
			continue;
	}
	if (c.out != NULL)
		fclose(c.out);
	else if (other >= 0)
		close(other);
	if (c.in != NULL)
		fclose(c.in);
	else
		close(fd);
}

bool
smtp_sink_serve(struct smtp_sink *s, int64_t until)
{
	struct pollfd f = { .fd = s->listener, .events = POLLIN };
	int64_t left;
	int fd;

	while ((left = until - clock_ms()) > 0) {
		if (poll(&f, 1, (int)left) <= 0)
			continue;
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		sink_session(s, fd);
		return true;
	}
	return false;
}
