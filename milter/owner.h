/*
 * owner.h - which process holds an address: what a person is told to ask.
 */
#ifndef AVOUCH_MILTER_OWNER_H
#define AVOUCH_MILTER_OWNER_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/buf.h"

/* "process 812 (opendkim)"; "process 812" where its name cannot be read. */
void owner_put_process(struct buf *b, pid_t pid);

/*
 * Who listens on a TCP port, by /proc; "another process" where that cannot be
 * found (without the rights to look into others' processes).
 */
void owner_put_port(struct buf *b, uint16_t port);

#endif
