/*
 * sandbox.h - removes the rights that the daemon does not need after its start,
 * so that an attacker who finds a vulnerability can do little.
 *
 * A refused call returns EPERM and is logged by the kernel; it does not end the
 * process, so that a library that tries one can continue without it.  For the
 * same reason the filter lists the calls that are refused and not those that
 * are allowed: an update of a library must not stop the mail.  Restrictions of
 * a service manager apply in addition.
 */
#ifndef AVOUCH_MILTER_SANDBOX_H
#define AVOUCH_MILTER_SANDBOX_H

#include "lib/buf.h"
#include "conf/conf.h"

/*
 * Restricts this thread, and all threads it starts later, as `conf->sandbox`
 * says; other threads that already run are not restricted.  `path` is the
 * absolute path of the configuration.  Restrictions that the kernel does not
 * support are left out; `missing` then lists them in one line, and is empty
 * otherwise.  Returns the level in force.
 */
enum conf_sandbox sandbox_enter(
    const struct conf *conf, const char *path, struct buf *missing);

#endif
