/*
 * owner.h - names the process that uses an address, for error messages.
 */
#ifndef AVOUCH_HOST_OWNER_H
#define AVOUCH_HOST_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

/* Writes "process 812 (opendkim)", or "process 812" if its name cannot be read.
 */
void owner_put_process(struct buf *b, pid_t pid);

/* Whether the process is called `name`.  The kernel keeps only 15 bytes of a
 * name. */
bool owner_is_named(pid_t pid, const char *name);

/* Whether the name of the process can be read; false if `pid` is 0. */
bool owner_is_known(pid_t pid);

/* Searches /proc for the process that listens on a TCP port.  Returns 0 if
 * there is none, or if we may not inspect other users' processes. */
pid_t owner_of_port(uint16_t port);

#endif
