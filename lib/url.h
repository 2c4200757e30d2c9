/*
 * url.h - the URL of a PostgreSQL database: how it is known, and how it may be
 * shown.
 */
#ifndef AVOUCH_LIB_URL_H
#define AVOUCH_LIB_URL_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"

/* Begins with "postgresql://" or "postgres://", as libpq takes it. */
bool url_is_database(struct span s);

/*
 * As it may stand in a message or a log: "***" in the place of a password, of
 * any scheme.  In doubt too much is hidden rather than too little.  What is no
 * URL is put as it is.
 */
void url_put_shown(struct buf *b, struct span url);

#endif
