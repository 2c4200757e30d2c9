/*
 * message.h - a message file on its way through DKIM and ARC, for the
 * subcommands that show one of them alone.
 */
#ifndef AVOUCH_CLI_MESSAGE_H
#define AVOUCH_CLI_MESSAGE_H

#include "cli/cli.h"
#include "cli/input.h"
#include "dkim/body.h"
#include "mail/author.h"
#include "mail/message.h"
#include "verify/job.h"

struct message {
	struct input in;
	struct arena *arena;
	struct mail_header header;
	size_t body; /* where it begins */
	struct mail_from from;
};

/* 0, or a status with a message printed; then there is nothing to close. */
int message_open(struct cli *c, struct message *m, const char *path);
void message_close(struct message *m);

/*
 * Hashes the body and runs the core to its end; afterwards it can be finished.
 * The job has the answers and is to be dropped after that; NULL: no memory,
 * said so.
 */
struct job *message_run(struct cli *c, struct message *m, struct bodies *bodies,
    job_step *step, void *facts);

#endif
