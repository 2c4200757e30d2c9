/*
 * internal.h - the state of one check_host() run; private to spf/.
 *
 * Every run starts from the beginning and evaluates in order.  At the first
 * missing answer, `waiting` is set.  The run then continues as if that answer
 * did not match, but only to prefetch what it would look up next
 * (dns_prefetch()); everything it concludes after that is discarded.  So
 * prefetching is bounded by the limits of RFC 7208 section 4.6.4 and never
 * changes a result.
 */
#ifndef AVOUCH_SPF_INTERNAL_H
#define AVOUCH_SPF_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"
#include "spf/macro.h"
#include "spf/record.h"
#include "spf/spf.h"

enum {
	SPF_TRACE_MAX = 1024, /* lines of one trace */
	/* maximum bytes of a trace line's questions, and of its answers */
	SPF_TRACE_TEXT_MAX = 768,
	SPF_REASON_MAX = 400, /* bytes of a reason */
};

struct spf_trace_entry { /* a trace line under construction */
	struct spf_trace line;
	struct buf asked;
	struct buf got;
};

struct spf_run {
	const struct spf_query *q;
	struct dns_questions *questions;
	struct arena *a;
	struct spf_result *out;
	struct spf_macros values;
	bool unicode_local; /* RFC 8616 section 4 */
	bool waiting;       /* an answer is missing (see the top of the file) */
	bool ptr_counted;   /* the lookup of %{p} has been counted */

	/* the last mechanism, other than "include", that matched */
	const struct spf_term *matched;
	struct span matched_domain;
	enum spf_weakness matched_weakness;
	bool neutral_include; /* SPF_WEAK_NEUTRAL_INCLUDE */

	/* why evaluation ended in an error */
	const char *what;
	struct span what_name; /* the name that was queried; absent: none */
	enum dns_type what_type;
	struct span what_term;
	struct span what_domain;

	struct spf_trace_entry *last_note;
	size_t n_notes;
};

struct spf_frame { /* one check_host() */
	struct span domain;
	unsigned depth; /* depth of includes: 0 to SPF_MAX_LOOKUPS */
	const struct spf_term *term; /* the term being evaluated */
	bool void_counted;           /* the current term was counted as void
	                                (section 4.6.4) */
	bool uncounted;              /* exp= does not count towards any limit */
	struct spf_trace_entry *note;
};

/*
 * RFC 7208 section 4.6.2.  Intermediate steps use these values too: SPF_MATCH
 * then means "continue with what was found", and SPF_NO_MATCH means "nothing
 * was found, or the answer is pending".
 */
enum spf_outcome {
	SPF_NO_MATCH,
	SPF_MATCH,
	SPF_EXCEPTION, /* details are in run->out->code and run->what */
};

struct spf_decision { /* the result of one check_host() */
	enum spf_code code;
	const struct spf_term *term; /* the term that matched; NULL: none */
	struct span domain;          /* the domain whose record has the term */
	const struct spf_term *exp;  /* exp= of the same record; NULL: none */
};

/* Whether a domain can be checked (RFC 7208 section 4.3): it is neither
 * malformed nor a single label. */
bool spf_is_checkable(struct span domain);

/* Records what went wrong and where; returns SPF_EXCEPTION. */
enum spf_outcome spf_run_fail(struct spf_run *run, const struct spf_frame *f,
    enum spf_code code, const char *what);

/* Counts a term that queries DNS.  Returns SPF_EXCEPTION if the limit is
 * exceeded, else SPF_NO_MATCH. */
enum spf_outcome spf_run_count(struct spf_run *run, const struct spf_frame *f);

const struct dns_answer *spf_run_ask(struct spf_run *run, struct spf_frame *f,
    struct span name, enum dns_type type);

/* Sets `out` to the <target-name> of `term` and returns SPF_MATCH, or returns
 * SPF_NO_MATCH if there is none or an answer is pending. */
enum spf_outcome spf_run_target(struct spf_run *run, struct spf_frame *f,
    const struct spf_term *term, struct span *out);

/* Sets %{p} in run->values.  Returns SPF_NO_MATCH if an answer is pending. */
enum spf_outcome spf_run_ptr(struct spf_run *run, struct spf_frame *f);

/* Evaluates a mechanism other than "include". */
enum spf_outcome spf_run_match(
    struct spf_run *run, struct spf_frame *f, const struct spf_term *term);

/* Completes run->out, except for the explanation. */
void spf_run_finish(struct spf_run *run, const struct spf_decision *decision);

/* ---- the trace; these do nothing unless a trace is requested ---- */

void spf_trace_begin(
    struct spf_run *run, struct spf_frame *f, struct span term);
void spf_trace_answer(struct spf_run *run, const struct spf_frame *f,
    struct span name, enum dns_type type, const struct dns_answer *answer);
/* `detail` may be absent. */
void spf_trace_end(struct spf_run *run, struct spf_trace_entry *note,
    const char *decided, struct span detail);

#endif
