/*
 * pg_url.h - recognizes the URL of a PostgreSQL database, and shows it without
 * its password.
 */
#ifndef AVOUCH_LIB_PG_URL_H
#define AVOUCH_LIB_PG_URL_H

#include <stdbool.h>

#include "lib/buf.h"
#include "lib/span.h"

/* Whether `s` begins with "postgresql://" or "postgres://", the schemes of
 * libpq. */
bool pg_url_matches(struct span s);

/*
 * Writes a URL of any scheme for messages and logs, with "***" instead of the
 * password.  When in doubt it hides too much rather than too little.  Text that
 * is not a URL is written unchanged.
 */
void pg_url_put_redacted(struct buf *b, struct span url);

#endif
