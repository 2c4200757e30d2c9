/*
 * tls_json.h - parses a TLS report: the JSON of RFC 8460 section 4.4, and
 * common deviations.
 *
 * jansson builds a tree of the whole document, so its size, depth and number of
 * values are checked first.
 */
#ifndef AVOUCH_REPORT_RECEIVE_TLS_JSON_H
#define AVOUCH_REPORT_RECEIVE_TLS_JSON_H

#include "lib/arena.h"
#include "lib/span.h"
#include "report/store/query.h"

enum {
	TLS_JSON_BYTES_MAX = 16 << 20,
	TLS_JSON_DEPTH_MAX = 16, /* depth of nesting; a report needs 6 */
	TLS_JSON_VALUES_MAX =
	    500000, /* jansson needs up to 250 bytes for each */
	TLS_JSON_POLICIES_MAX = 1000,
	TLS_JSON_RESULTS_MAX = 10000, /* failures and policies in total */
	TLS_JSON_TEXT_MAX = 255,      /* bytes of each value that are stored */
	TLS_JSON_ARENA_MAX = 16
	    << 20, /* bytes; an arena of this size always suffices */
};

#define TLS_JSON_SESSIONS_MAX INT64_C(1000000000000) /* in one report */

enum tls_json_end {
	TLS_JSON_DONE,
	TLS_JSON_OTHER,   /* JSON, but not a TLS report; see `reason` */
	TLS_JSON_REFUSED, /* see `reason` */
	TLS_JSON_MEMORY,
};

/* The strings and results in `out` are allocated in `a`; its key, file and read
 * time are not set. */
enum tls_json_end tls_json_read(struct span json, struct arena *a,
    struct ledger_tls *out, const char **reason);

#endif
