/*
 * sandbox.h - what a daemon that runs has no more need of is taken away from
 * it, so that whoever found a hole in it can do little.
 *
 * Calls are refused (EPERM, and noted in the kernel's log), not punished: a
 * library that tries one goes on without it.  For the same reason the filter
 * names the calls that are refused and not those that are allowed: no update of
 * a library stops the mail.  Service managers have their own means, which begin
 * before ours and add to them.
 */
#ifndef AVOUCH_MILTER_SANDBOX_H
#define AVOUCH_MILTER_SANDBOX_H

#include "lib/buf.h"
#include "conf/conf.h"

/*
 * Confines this process as `conf->sandbox` says; threads that are begun
 * afterwards are confined as well, those that are there already are not.
 * `path` is the configuration's file, absolute.  What the kernel does not offer
 * is left out: `missing` then says what, in one line, and is empty otherwise.
 * Returns what is in force.
 */
enum conf_sandbox confine(
    const struct conf *conf, const char *path, struct buf *missing);

#endif
