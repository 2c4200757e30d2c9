/*
 * spf.h - may this client send mail for this domain?  (RFC 7208)
 *
 * A pure core: no sockets, no clock, no log, no globals.  DNS is asked through
 * the talk passed in and never waited for, so the milter, the command line, the
 * tests and the fuzzers all run this same code.
 */
#ifndef AVOUCH_SPF_SPF_H
#define AVOUCH_SPF_SPF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/talk.h"
#include "lib/arena.h"
#include "lib/ip.h"
#include "lib/span.h"
#include "lib/step.h"

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
	SPF_NEUTRAL,   /* the record says that it says nothing */
	SPF_PASS,      /* authorized */
	SPF_FAIL,      /* not authorized */
	SPF_SOFTFAIL,  /* probably not */
	SPF_TEMPERROR, /* DNS gave no answer */
	SPF_PERMERROR, /* the record cannot be read, or a limit was reached */
};

enum spf_identity { SPF_IDENTITY_HELO, SPF_IDENTITY_MAILFROM };

/*
 * Why a pass says less than it seems (not in the RFC; never changes `code`).
 * The deciding mechanism is the innermost one: where includes matched, the one
 * in the record they led to.  The first that applies is told.
 */
enum spf_weakness {
	SPF_SOLID,
	SPF_WEAK_ALL,   /* it is "+all": anyone passes, but for what stands
	                   before it */
	SPF_WEAK_RANGE, /* it is ip4, ip6, a or mx with a prefix of 0 to 8 bits
	                   (IPv6: 0 to 16) */
	SPF_WEAK_NEUTRAL_INCLUDE, /* before it, an included record had said
	                             "?" of this very client, by a term other
	                             than "all": what one provider would not
	                             vouch for, a later term passes */
};

struct spf_query {
	enum spf_identity identity;
	struct ip ip;         /* the client; IPv4-mapped is IPv4 already */
	struct span helo;     /* as it came */
	struct span sender;   /* MAIL FROM as it came, without "<>"; empty for
	                         the null sender: then postmaster@HELO is checked
	                         (RFC 7208 section 2.4) */
	struct span receiver; /* %{r}: our own name; may be absent */
	int64_t now;          /* %{t}: seconds since 1970 */
	bool trace;           /* fill in spf_result.trace */
};

/* One term as it was evaluated, for `avouch spf --explain`; in order. */
struct spf_trace {
	const struct spf_trace *next;
	unsigned depth;     /* 0: the domain's own record; includes nest */
	struct span domain; /* whose record */
	struct span term;  /* as written; the whole record for the first line */
	struct span asked; /* "name TYPE, name TYPE"; absent: nothing */
	struct span got;   /* what came, in words */
	struct span decided; /* "no match", "match: fail", "permerror: ..." */
	unsigned lookups;    /* the counters after it */
	unsigned void_lookups;
};

struct spf_source { /* a record that the result rests on */
	struct span domain;
	struct span record; /* its text */
};

struct spf_result {
	enum spf_code code;
	enum spf_identity identity;
	struct span domain;      /* the domain that was checked, normal form
	                            where it has one, else as it came */
	struct span mechanism;   /* the term that decided, as written; absent:
	                            none did ("default" is said by reason) */
	struct span reason;      /* why, one line of printable ASCII, for logs
	                            and headers */
	struct span explanation; /* of a fail: exp= expanded, printable ASCII,
	                            at most SPF_MAX_EXPLANATION bytes;
	                            absent: none */
	enum spf_weakness weakness;
	unsigned lookups; /* terms that asked DNS, of SPF_MAX_LOOKUPS */
	unsigned void_lookups;
	bool stale; /* rests on an answer past its TTL */
	struct spf_source sources[1 + SPF_MAX_LOOKUPS]; /* as they were read */
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
 * check_host() of RFC 7208 section 4 with what section 2.3 and 2.4 say before
 * it: what the identity's domain is, and that an address literal or an
 * unqualified name gives "none".  STEP_WAIT: answers are missing, `talk` holds
 * the questions; call again with the same `q` when they came.  STEP_DONE: `out`
 * is filled in; a limit of section 4.6.4 gives SPF_PERMERROR, an exhausted
 * arena SPF_TEMPERROR.  Spans in `out` live in `a` or point into `q` and
 * `talk`.
 *
 * It asks ahead all that the record can already name, within the limits.
 */
enum step spf_check(const struct spf_query *q, struct dns_talk *talk,
    struct arena *a, struct spf_result *out);

#endif
