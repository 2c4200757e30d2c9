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

/* Whether its name, of which the kernel keeps 15 bytes, is `name`. */
bool owner_is_named(pid_t pid, const char *name);

/* Whether its name can be read; not that of 0. */
bool owner_is_known(pid_t pid);

/* The process that listens on a TCP port, as found in /proc; 0: it cannot be
 * found, for example without the privileges to inspect other users'. */
pid_t owner_of_port(uint16_t port);

#endif
