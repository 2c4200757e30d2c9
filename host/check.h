/*
 * check.h - checks that this host has what the configuration refers to: users
 * and groups, sockets, the zone file, the store's folder, and resolvers.
 */
#ifndef AVOUCH_HOST_CHECK_H
#define AVOUCH_HOST_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "conf/conf.h"

enum { HOST_CHECK_DNS_MS = 2000 }; /* time limit for all resolvers together */

/*
 * Writes a line "FILE:LINE: OPTION: what is wrong" for each problem: to
 * `errors` if it prevents the daemon from starting, otherwise to `warnings`.  A
 * socket that a running avouch-milter uses is not an error.  A resolver that
 * does not answer is a warning.  If run as root, checks file access as the user
 * that the option `user` names.  Creates no files; blocks for at most
 * HOST_CHECK_DNS_MS.  Because it forks, no other thread that could hold a lock
 * may be running.  Returns false if there is an error.
 */
bool host_check(const struct conf *conf, FILE *errors, FILE *warnings);

#endif
