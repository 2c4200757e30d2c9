/*
 * cmd_doctor.c - avouch sign doctor: finds Postfix settings that break
 * signatures or leave mail unsigned.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/sign/cmd_sign.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "sign/doctor.h"
#include "sign/key_folder.h"

enum { DOCTOR_EXIT_FOUND = 1 };

struct doctor_run {
	struct cli *c;
	struct arena *arena;
	json_t *list;
	size_t n;
};

/* Returns the output of postconf(1), or an absent span after printing a
 * message. */
static struct span
postconf_read(struct doctor_run *r, const char *option)
{
	char program[] = "postconf", argument[8];
	char *argv[] = { program, argument, NULL };
	struct buf b = buf_alloc(r->arena, DOCTOR_TEXT_MAX);
	posix_spawn_file_actions_t actions;
	int ends[2], status = -1;
	ssize_t n = 0;
	pid_t pid;

	snprintf(argument, sizeof(argument), "%s", option);
	if (b.p == NULL || pipe2(ends, O_CLOEXEC) != 0)
		return SPAN_NONE;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	errno = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (errno != 0) {
		close(ends[0]);
		cli_fail(r->c, 0, "postconf: %s; is Postfix installed?",
		    strerror(errno));
		return SPAN_NONE;
	}
	while (b.n + 1 < b.cap &&
	    (n = read(ends[0], b.p + b.n, b.cap - b.n - 1)) > 0)
		b.n += (size_t)n;
	close(ends[0]);
	(void)waitpid(pid, &status, 0);
	if (n == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return buf_view(&b);
	cli_fail(r->c, 0, "postconf %s failed", option);
	return SPAN_NONE;
}

static struct span
doctor_read(void *arg, struct span path)
{
	struct doctor_run *r = arg;
	struct span name = arena_copy(r->arena, path), text = SPAN_NONE, copy;
	char *memory;

	if (name.p == NULL ||
	    !key_file_text(name.p, DOCTOR_TEXT_MAX, &memory, &text))
		return SPAN_NONE;
	copy = arena_copy(r->arena, text);
	free(memory);
	return copy;
}

static void
doctor_found(void *arg, struct span service, struct span setting,
    struct span value, const char *text)
{
	struct doctor_run *r = arg;
	json_t *one;

	r->n++;
	if (r->c->json) {
		one = json_object();
		cli_set_span(one, "service", service);
		cli_set_span(one, "setting", setting);
		cli_set_span(one, "value", value);
		cli_set_text(one, "text", text);
		json_array_append_new(r->list, one);
		return;
	}
	cli_put(service.p != NULL ? service : SPAN("main.cf"));
	fputs(": ", stdout);
	cli_put(setting);
	fputs(" = ", stdout);
	cli_put(value);
	putchar('\n');
	cli_prose_text(2, text);
}

static int
doctor_show(struct doctor_run *r, const struct conf *conf)
{
	bool needs_login = conf->sign.socket == NULL;
	struct doctor_input in = { .main = postconf_read(r, "-nx"),
		.socket = needs_login ? conf->socket : conf->sign.socket,
		.needs_login = needs_login,
		.read = doctor_read,
		.found = doctor_found,
		.arg = r };
	json_t *result;

	if (in.main.p == NULL)
		return EX_TEMPFAIL;
	in.master = postconf_read(r, "-Mfx");
	if (in.master.p == NULL)
		return EX_TEMPFAIL;
	if (!doctor_check(r->arena, &in))
		return cli_fail(r->c, EX_TEMPFAIL, "out of memory");
	if (r->c->json) {
		result = json_object();
		cli_set(result, "findings", json_incref(r->list));
		(void)cli_print_json(result);
	} else if (r->n == 0) {
		puts("Postfix: no setting breaks signatures or leaves mail "
		     "unsigned");
	}
	return r->n > 0 ? DOCTOR_EXIT_FOUND : EX_OK;
}

int
sign_doctor(struct cli *c, const struct conf *conf)
{
	struct doctor_run r = {
		.c = c, .arena = arena_new(CLI_MEMORY), .list = json_array()
	};
	int status = r.arena != NULL
	    ? doctor_show(&r, conf)
	    : cli_fail(c, EX_TEMPFAIL, "out of memory");

	json_decref(r.list);
	arena_free(r.arena);
	return status;
}
