/*
 * sqlite.h - the minimum version of SQLite.
 */
#ifndef AVOUCH_LIB_COMPAT_SQLITE_H
#define AVOUCH_LIB_COMPAT_SQLITE_H

#include <sqlite3.h>

/* Needed for INSERT ... RETURNING.  Also checked at run time, because the
 * library may be older than the one used for the build. */
#define SQLITE_NEEDED 3035000
#define SQLITE_NEEDED_TEXT "3.35"

#if SQLITE_VERSION_NUMBER < SQLITE_NEEDED
#error "SQLite 3.35 or newer is needed, for INSERT ... RETURNING"
#endif

#endif
