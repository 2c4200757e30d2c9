/*
 * publish.c - writes the record of a key, and runs the program that publishes
 * it.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/key/cmd_key.h"
#include "lib/clock.h"

enum {
	NAME_ROOM = DOMAIN_MAX + KEY_SELECTOR_MAX + 16,
	PAIR_NAME_ROOM = NAME_ROOM + DOMAIN_MAX,
	STRING_MAX = 255,    /* bytes of one string, RFC 1035 section 3.3.14 */
	PUBLISH_MS = 120000, /* milliseconds until the program is killed */
	PUBLISH_STEP_MS = 20,
};

struct span
key_record_name(struct key_cli *k, const char *selector, const char *domain)
{
	struct buf b = buf_alloc(k->arena, NAME_ROOM);

	buf_printf(&b, "%s._domainkey.%s", selector, domain);
	return buf_view(&b);
}

struct span
key_pair_name(struct key_cli *k, const char *selector, const char *target)
{
	struct buf b = buf_alloc(k->arena, PAIR_NAME_ROOM);

	buf_printf(&b, "%s.%s.%s", selector, k->domain,
	    target[0] != '\0' ? target : "YOUR-ZONE");
	return buf_view(&b);
}

struct span
key_record_value(struct key_cli *k, const struct private_key *key)
{
	struct buf b = buf_alloc(k->arena, PRIVATE_KEY_RECORD_MAX);

	private_key_put_record(key, &b);
	return buf_view(&b);
}

struct span
key_record_line(struct key_cli *k, struct span name, struct span value)
{
	struct buf b = buf_alloc(k->arena, PAIR_NAME_ROOM + 2 * value.n + 64);

	buf_span(&b, name);
	buf_printf(&b, ". %d IN TXT", KEY_TTL);
	do {
		buf_text(&b, " \"");
		buf_span(&b, span_first(value, STRING_MAX));
		buf_byte(&b, '"');
		value = span_skip(value, STRING_MAX);
	} while (value.n > 0);
	return buf_view(&b);
}

/* Waits for the program and returns its exit status, or -1 if it was killed or
 * took too long. */
static int
publish_wait(pid_t pid)
{
	int64_t until = clock_ms() + PUBLISH_MS;
	int status;

	for (;;) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (ended < 0 && errno != EINTR)
			return -1;
		if (clock_ms() > until) {
			kill(pid, SIGKILL);
			(void)waitpid(pid, &status, 0);
			return -1;
		}
		clock_sleep_ms(PUBLISH_STEP_MS);
	}
}

bool
key_publish(const struct key_cli *k, const char *verb, struct span name,
    struct span value)
{
	const char *program = k->conf->sign.publish;
	char ttl[16], action[16];
	struct span name_copy = arena_copy(k->arena, name);
	struct span value_copy = arena_copy(k->arena, value);
	union {
		const char *in;
		char *out;
	} words[] = { { program }, { action }, { name_copy.p }, { ttl },
		{ value_copy.p }, { NULL } };
	char *argv[] = { words[0].out, words[1].out, words[2].out, words[3].out,
		words[4].out, NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int status;

	if (program == NULL)
		return true;
	snprintf(ttl, sizeof(ttl), "%d", KEY_TTL);
	snprintf(action, sizeof(action), "%s", verb);
	if (name_copy.p == NULL || value_copy.p == NULL)
		return cli_fail(k->c, 0, "out of memory") != 0;
	fflush(stdout);
	/* its output must not mix with ours, such as JSON */
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(
	    &actions, STDERR_FILENO, STDOUT_FILENO);
	status = posix_spawn(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (status != 0)
		return cli_fail(k->c, 0, "%s: %s; check sign.publish", program,
			   strerror(status)) != 0;
	status = publish_wait(pid);
	if (status == 0)
		return true;
	return cli_fail(k->c, 0,
		   status > 0 ? "%s %s %s: exited with status %d"
			      : "%s %s %s: did not finish, or was killed",
		   program, verb, name_copy.p, status) != 0;
}

bool
key_publish_revoked(
    struct key_cli *k, struct span name, const struct private_key *key)
{
	return k->conf->sign.publish == NULL ||
	    (key_publish(k, "remove", name, key_record_value(k, key)) &&
		key_publish(k, "add", name, SPAN(KEY_REVOKED_RECORD)));
}
