#include "cli/message.h"

#include <errno.h>
#include <string.h>

enum { ERROR_MAX = 512 };

static int
message_read(struct cli *c, struct message *m, const char *path)
{
	m->arena = arena_new(CLI_MEMORY);
	if (m->arena == NULL) {
		input_close(&m->in);
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	}
	m->body = mail_header_read(&m->header, m->arena, m->in.text);
	if (m->header.cut)
		cli_fail(c, EX_OK,
		    "%s: the header has more than %d fields or %d bytes; the "
		    "rest was ignored",
		    path, MAIL_FIELDS_MAX, MAIL_HEADER_MAX);
	mail_from_read(&m->header, m->arena, &m->from);
	return EX_OK;
}

int
message_open(struct cli *c, struct message *m, const char *path)
{
	char error[ERROR_MAX];

	*m = (struct message){ .arena = NULL };
	if (!input_open(&m->in, path, error, sizeof(error)))
		return cli_fail(c, EX_DATAERR, "%s", error);
	return message_read(c, m, path);
}

int
message_open_file(struct cli *c, struct message *m, int fd, const char *name)
{
	*m = (struct message){ .arena = NULL };
	if (!input_open_file(&m->in, fd))
		return cli_fail(
		    c, EX_TEMPFAIL, "%s: %s", name, strerror(errno));
	return message_read(c, m, name);
}

void
message_close(struct message *m)
{
	arena_free(m->arena);
	input_close(&m->in);
}

static bool
message_take_body(void *arg, struct span chunk)
{
	body_hashes_add(arg, chunk);
	return true;
}

struct dns_task *
message_run(struct cli *c, struct message *m, struct body_hashes *body_hashes,
    dns_task_core *step, void *facts)
{
	struct dns_task *j = facts == NULL
	    ? NULL
	    : dns_task_start(c->dns, step, facts, CLI_QUESTIONS, CLI_SCRATCH);

	if (j == NULL) {
		cli_fail(c, EX_TEMPFAIL, "out of memory");
		return NULL;
	}
	if (body_hashes_needed(body_hashes))
		input_body(&m->in, m->body, message_take_body, body_hashes);
	body_hashes_end(body_hashes);
	dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	return j;
}
