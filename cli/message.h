/*
 * message.h - reads a message file and checks its DKIM signatures or ARC chain,
 * for the subcommands that check only one of the two.
 */
#ifndef AVOUCH_CLI_MESSAGE_H
#define AVOUCH_CLI_MESSAGE_H

#include "cli/cli.h"
#include "cli/input.h"
#include "dkim/body_hash.h"
#include "mail/author.h"
#include "mail/header.h"
#include "verify/dns_task.h"

struct message {
	struct input in;
	struct arena *arena;
	struct mail_header header;
	size_t body; /* offset in the file */
	struct mail_from from;
};

/* After EX_OK the caller must call message_close().  Another status means that
 * an error was printed and there is nothing to close. */
int message_open(struct cli *c, struct message *m, const char *path);
/* Like message_open(), but reads `fd`, which the caller may close afterwards;
 * error messages use `name`. */
int message_open_file(
    struct cli *c, struct message *m, int fd, const char *name);
void message_close(struct message *m);

/*
 * Hashes the body and runs `step` until it is done; the caller can then fetch
 * the result.  The returned task owns the DNS answers; the caller releases it
 * with dns_task_free().  Returns NULL after printing "out of memory" if memory
 * ran out or if `facts` is NULL.
 */
struct dns_task *message_run(struct cli *c, struct message *m,
    struct body_hashes *body_hashes, dns_task_core *step, void *facts);

#endif
