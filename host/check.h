/*
 * check.h - whether this host has what the configuration names: users and
 * groups, the sockets, the zone file, the folder of the store, resolvers.
 */
#ifndef AVOUCH_HOST_CHECK_H
#define AVOUCH_HOST_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/conf.h"

enum { HOST_CHECK_DNS_MS = 2000 }; /* for all resolvers together */

/*
 * Writes a line for what the daemon cannot start with to `errors`, and for what
 * may be wrong to `warnings`: "FILE:LINE: OPTION: what is wrong".  A socket
 * that a running avouch-milter uses is fine.  A resolver that does not answer
 * is a warning.  As root it looks at files as the option `user` will.  Makes no
 * file; blocks for HOST_CHECK_DNS_MS at most.  No other thread may run that
 * could hold a lock, because it forks.  False: there is an error.
 */
bool host_check(const struct conf *conf, FILE *errors, FILE *warnings);

#endif
