/*
 * spf.h - may this client send mail for this domain?  (RFC 7208)
 *
 * A pure core: no sockets, clock, log or globals.  It asks DNS through
 * `questions` and never waits, so the milter, the command, the tests and the
 * fuzzers all run the same code.
 */
#ifndef AVOUCH_SPF_SPF_H
#define AVOUCH_SPF_SPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "lib/core_status.h"

enum { /* RFC 7208 section 4.6.4 */
	SPF_MAX_LOOKUPS = 10,
	SPF_MAX_VOID = 2,
	SPF_MAX_MX = 10,
	SPF_MAX_PTR = 10,
	SPF_MAX_RECORD = 8192,     /* bytes of one record read; ours */
	SPF_MAX_EXPLANATION = 512, /* bytes of the expanded text; ours */
};

enum spf_code {        /* in the order of RFC 7208 section 2.6 */
	SPF_NONE,      /* no domain to check, or no record */
	SPF_NEUTRAL,   /* the record makes no statement */
	SPF_PASS,      /* authorized */
	SPF_FAIL,      /* not authorized */
	SPF_SOFTFAIL,  /* probably not authorized */
	SPF_TEMPERROR, /* DNS gave no answer */
	SPF_PERMERROR, /* the record cannot be read, or a limit was reached */
};

enum spf_identity { SPF_IDENTITY_HELO, SPF_IDENTITY_MAILFROM };

/*
 * Why a pass is worth little (not in the RFC; never changes `code`).  "The
 * mechanism" is the innermost one that matched: if an include matched, the one
 * in the included record.  The first weakness that applies is reported.
 */
enum spf_weakness {
	SPF_WEAKNESS_NONE,
	SPF_WEAK_ALL,   /* the mechanism is "+all": everyone passes, except for
	                   the terms before it */
	SPF_WEAK_RANGE, /* it is ip4, ip6, a or mx with a prefix of 0 to 8 bits
	                   (IPv6: 0 to 16) */
	SPF_WEAK_NEUTRAL_INCLUDE, /* an earlier include gave "?" for this
	                             client, by a term other than "all": one
	                             provider would not vouch for it, and a
	                             later term passes it */
};

struct spf_query {
	enum spf_identity identity;
	struct ip ip;         /* the client; IPv4-mapped is already IPv4 */
	struct span helo;     /* as received */
	struct span sender;   /* MAIL FROM as received, without "<>"; empty for
	                         the null sender, then postmaster@HELO is checked
	                         (RFC 7208 section 2.4) */
	struct span receiver; /* %{r}: our own name; may be absent */
	int64_t now;          /* %{t}: seconds since 1970 */
	bool trace;           /* fill in spf_result.trace */
};

/* One evaluated term, for `avouch spf --explain`; in order. */
struct spf_trace {
	const struct spf_trace *next;
	unsigned depth;     /* 0: the domain's own record; includes nest */
	struct span domain; /* whose record */
	struct span term;  /* as written; the whole record for the first line */
	struct span asked; /* "name TYPE, name TYPE"; absent: nothing */
	struct span got;   /* the answers, in words */
	struct span decided; /* "no match", "match: fail", "permerror: ..." */
	unsigned lookups;    /* the counters after it */
	unsigned void_lookups;
};

struct spf_source { /* a record that contributed to the result */
	struct span domain;
	struct span record; /* its text */
};

struct spf_result {
	enum spf_code code;
	enum spf_identity identity;
	struct span domain;      /* the domain that was checked, in normal form
	                            if it has one, else as received */
	struct span mechanism;   /* the term that decided, as written; absent:
	                            none did */
	struct span reason;      /* why, one line of printable ASCII, for logs
	                            and headers */
	struct span explanation; /* of a fail: exp= expanded, printable ASCII,
	                            at most SPF_MAX_EXPLANATION bytes;
	                            absent: none */
	enum spf_weakness weakness;
	unsigned lookups; /* terms that asked DNS, of SPF_MAX_LOOKUPS */
	unsigned void_lookups;
	bool stale; /* an answer past its TTL was used */
	struct spf_source sources[1 + SPF_MAX_LOOKUPS]; /* in reading order */
	size_t n_sources;
	const struct spf_trace *trace; /* first; NULL unless asked for */
};

/* The token of RFC 8601 section 2.7.2: "none", "neutral", "pass", ... */
const char *spf_code_name(enum spf_code code);
/* "helo", "mailfrom" */
const char *spf_identity_name(enum spf_identity identity);
/* "none", "all", "range", "neutral-include" */
const char *spf_weakness_name(enum spf_weakness weakness);

/*
 * check_host() of RFC 7208 section 4, preceded by sections 2.3 and 2.4: the
 * domain of the identity, and "none" for an address literal or an unqualified
 * name.  CORE_WAIT: answers are missing and `questions` holds the questions;
 * call again with the same `q` when they arrived.  CORE_DONE: `out` is
 * complete; a limit of section 4.6.4 gives SPF_PERMERROR, an exhausted arena
 * SPF_TEMPERROR. Spans in `out` point into `a`, `q` or `questions`.
 *
 * It prefetches every name that the record already shows, within the limits.
 */
enum core_status spf_check(const struct spf_query *q,
    struct dns_questions *questions, struct arena *a, struct spf_result *out);

#endif
