/*
 * pg_url.h - the URL of a PostgreSQL database: recognize it, and show it
 * without its password.
 */
#ifndef AVOUCH_LIB_PG_URL_H
#define AVOUCH_LIB_PG_URL_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"

/* Begins with "postgresql://" or "postgres://", the schemes of libpq. */
bool pg_url_matches(struct span s);

/*
 * The form for messages and logs, with "***" instead of a password, for any
 * scheme.  In doubt it hides too much rather than too little.  A text that is
 * not a URL is written unchanged.
 */
void pg_url_put_redacted(struct buf *b, struct span url);

#endif
