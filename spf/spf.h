/*
 * spf.h - checks whether a client may send mail for a domain (RFC 7208).
 *
 * A pure core: no sockets, clock, log or globals.  It queries DNS through
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
	SPF_MAX_RECORD = 8192, /* bytes of one record; our own limit */
	/* bytes of an expanded explanation; our own limit */
	SPF_MAX_EXPLANATION = 512,
};

enum spf_code {        /* in the order of RFC 7208 section 2.6 */
	SPF_NONE,      /* no domain to check, or no record */
	SPF_NEUTRAL,   /* the record makes no statement */
	SPF_PASS,      /* authorized */
	SPF_FAIL,      /* not authorized */
	SPF_SOFTFAIL,  /* probably not authorized */
	SPF_TEMPERROR, /* DNS gave no answer */
	SPF_PERMERROR, /* the record is invalid, or a limit was exceeded */
};

enum spf_identity { SPF_IDENTITY_HELO, SPF_IDENTITY_MAILFROM };

/*
 * Why a pass is weak (not in the RFC; never changes `code`).  "The mechanism"
 * is the innermost one that matched: if an include matched, the one in the
 * included record.  The first weakness that applies is reported.
 */
enum spf_weakness {
	SPF_WEAKNESS_NONE,
	SPF_WEAK_ALL, /* the mechanism is "+all": every client passes unless an
	                 earlier term matches */
	SPF_WEAK_RANGE, /* the mechanism is ip4, ip6, a or mx with a prefix of 0
	                   to 8 bits (IPv6: 0 to 16) */
	SPF_WEAK_NEUTRAL_INCLUDE, /* an earlier include returned neutral for
	                             this client because of a term other than
	                             "all": one provider did not authorize the
	                             client, but a later term lets it pass */
};

struct spf_query {
	enum spf_identity identity;
	/* the client; an IPv4-mapped address must already be IPv4 */
	struct ip ip;
	struct span helo;     /* as received */
	struct span sender;   /* MAIL FROM as received, without "<>"; empty for
	                         the null sender, for which postmaster@HELO is
	                         checked (RFC 7208 section 2.4) */
	struct span receiver; /* %{r}: our own name; may be absent */
	int64_t now;          /* %{t}: seconds since 1970 */
	bool trace;           /* fill in spf_result.trace */
};

/* One evaluated term, for `avouch spf --explain`, in order. */
struct spf_trace {
	const struct spf_trace *next;
	/* 0: the domain's own record; incremented by each include */
	unsigned depth;
	struct span domain; /* the domain of the record */
	struct span term;  /* as written; the whole record for the first line */
	struct span asked; /* "name TYPE, name TYPE"; absent: no queries */
	struct span got;   /* the answers, for display */
	struct span decided; /* "no match", "match: fail", "permerror: ..." */
	unsigned lookups;    /* the counters after this term */
	unsigned void_lookups;
};

struct spf_source { /* a record that contributed to the result */
	struct span domain;
	struct span record; /* its text */
};

struct spf_result {
	enum spf_code code;
	enum spf_identity identity;
	struct span domain; /* the domain that was checked, in normal form if
	                       possible, else as received */
	/* the term that decided, as written; absent: none */
	struct span mechanism;
	struct span reason; /* why: one line of printable ASCII for logs and
	                       header fields */
	/* for a fail: exp= expanded to printable ASCII, at most
	 * SPF_MAX_EXPLANATION bytes; absent: none */
	struct span explanation;
	enum spf_weakness weakness;
	unsigned lookups; /* terms that queried DNS; limit SPF_MAX_LOOKUPS */
	unsigned void_lookups;
	struct spf_source sources[1 + SPF_MAX_LOOKUPS]; /* in the order read */
	size_t n_sources;
	/* the first term; NULL unless requested */
	const struct spf_trace *trace;
};

/* The token of RFC 8601 section 2.7.2: "none", "neutral", "pass", ... */
const char *spf_code_name(enum spf_code code);
/* "helo", "mailfrom" */
const char *spf_identity_name(enum spf_identity identity);
/* "none", "all", "range", "neutral-include" */
const char *spf_weakness_name(enum spf_weakness weakness);

/*
 * Runs check_host() of RFC 7208 section 4, preceded by the steps of sections
 * 2.3 and 2.4: determines the domain of the identity, and returns "none" for an
 * address literal or an unqualified name.  Returns CORE_WAIT if answers are
 * missing; `questions` then contains the queries, and the caller calls again
 * with the same `q` when they have been answered.  Returns CORE_DONE when `out`
 * is complete.  Exceeding a limit of section 4.6.4 yields SPF_PERMERROR; an
 * exhausted arena yields SPF_TEMPERROR.  Spans in `out` point into `a`, `q` or
 * `questions`.
 *
 * Prefetches every name that is already known from the record, within the
 * limits.
 */
enum core_status spf_check(const struct spf_query *q,
    struct dns_questions *questions, struct arena *a, struct spf_result *out);

#endif
