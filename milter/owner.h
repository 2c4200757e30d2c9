/*
 * owner.h - names the process that uses an address, for error messages.
 */
#ifndef AVOUCH_MILTER_OWNER_H
#define AVOUCH_MILTER_OWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

/* Writes "process 812 (opendkim)", or "process 812" if its name cannot be read.
 */
void owner_put_process(struct buf *b, pid_t pid);

/*
 * Writes the process that listens on a TCP port, as found in /proc; "another
 * process" if it cannot be found, for example without the privileges to inspect
 * the processes of other users.
 */
void owner_put_port(struct buf *b, uint16_t port);

#endif
