/*
 * sandbox.h - drops the privileges that the daemon does not need after startup,
 * so that an attacker who finds a vulnerability can do little.
 *
 * A refused system call returns EPERM and is logged by the kernel.  It does not
 * end the process, so that a library that makes such a call can continue
 * without it.  For the same reason the filter lists the calls that are refused,
 * not those that are allowed: a library update must not stop mail.  The
 * restrictions of a service manager apply in addition.
 */
#ifndef AVOUCH_MILTER_SANDBOX_H
#define AVOUCH_MILTER_SANDBOX_H

#include "lib/buf.h"
#include "conf/conf.h"

/*
 * Restricts this thread, and all threads it starts later, as `conf->sandbox`
 * says.  Other threads that are already running are not restricted.  `path` is
 * the absolute path of the configuration.  Skips restrictions that the kernel
 * does not support, and lists them in `missing` on one line; otherwise
 * `missing` stays empty.  Returns the level in force.
 */
enum conf_sandbox sandbox_enter(
    const struct conf *conf, const char *path, struct buf *missing);

#endif
