/*
 * signer_process.h - the process that serves sign.socket.
 *
 * libmilter listens on only one socket per process.  So a daemon with both
 * sockets has two processes: the first one verifies, and its child signs.  Both
 * read the same configuration.  The child reloads and ends together with the
 * first process.  If the child ends alone, the daemon ends, so that the service
 * manager restarts both.
 */
#ifndef AVOUCH_MILTER_SIGNER_PROCESS_H
#define AVOUCH_MILTER_SIGNER_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/buf.h"

struct signer_process {
	pid_t pid; /* 0: no child */
	int ready; /* the child writes a byte at startup and after each reload;
	              -1: none */
};

/*
 * Forks.  Call before any thread is started.  Returns true in both processes;
 * `is_child` says which one this is.  Returns false on error, and `error` says
 * why.
 */
bool signer_process_fork(
    struct signer_process *p, bool *is_child, struct buf *error);

/* Makes the child end when the first process ends, even if it is killed.  Call
 * in the child after its user has changed.  Returns false if the first process
 * has already ended. */
bool signer_process_follow(void);

/* Reports that the child has started or reloaded.  Call in the child. */
void signer_process_ready(struct signer_process *p);

/* Waits at most `wait_ms` for the child to start or reload.  Call in the first
 * process.  Also returns true if there is no child. */
bool signer_process_wait_ready(struct signer_process *p, unsigned wait_ms);

/* Send the child the signal `number`, or SIGHUP to reload.  Wait for the reload
 * with signer_process_wait_ready(). */
void signer_process_signal(const struct signer_process *p, int number);
void signer_process_reload(const struct signer_process *p);

/* Returns false if the child has ended. */
bool signer_process_is_alive(struct signer_process *p);

/* Ends the child with SIGTERM, and with SIGKILL if it is still running after
 * `wait_ms`. */
void signer_process_end(struct signer_process *p, unsigned wait_ms);

#endif
