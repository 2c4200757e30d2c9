/*
 * signer_process.h - the process that serves sign.socket.
 *
 * libmilter listens on one socket for each process.  So a daemon with both
 * sockets is two processes: the one that was started verifies, and this child
 * signs.  Both read the same configuration.  The child reloads and ends with
 * the first one; if it ends alone, the daemon ends, so that the service manager
 * starts both again.
 */
#ifndef AVOUCH_MILTER_SIGNER_PROCESS_H
#define AVOUCH_MILTER_SIGNER_PROCESS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "lib/buf.h"

struct signer_process {
	pid_t pid; /* 0: there is none */
	int ready; /* the child writes a byte at start and after each reload;
	              -1: none */
};

/*
 * Forks, before any thread is started.  Returns true in both processes, and
 * sets `is_child` to which one this is.  False: `error` says why.
 */
bool signer_process_fork(
    struct signer_process *p, bool *is_child, struct buf *error);

/* In the child, when its user has changed: it ends if the first process ends,
 * even by SIGKILL.  False: the first process has ended already. */
bool signer_process_follow(void);

/* In the child: it has started, or has reloaded. */
void signer_process_ready(struct signer_process *p);

/* In the first process: waits at most `wait_ms` for that.  True also if there
 * is no child. */
bool signer_process_wait_ready(struct signer_process *p, unsigned wait_ms);

/* Sends it a signal, or SIGHUP; wait for the latter to have an effect. */
void signer_process_signal(const struct signer_process *p, int number);
void signer_process_reload(const struct signer_process *p);

/* False: the child has ended. */
bool signer_process_is_alive(struct signer_process *p);

/* Ends the child: SIGTERM, and SIGKILL if it lives after `wait_ms`. */
void signer_process_end(struct signer_process *p, unsigned wait_ms);

#endif
