/*
 * run.h - one run of check_host(), shared by the files of this room alone.
 *
 * A run starts from nothing and evaluates in order.  At the first answer that
 * is not there yet it begins to wait: that answer is taken for one that does
 * not match, and the evaluation goes on, but only to ask ahead what it would
 * look up next (dns_ask_ahead()); whatever it finds from there on is thrown
 * away.  So what is asked ahead is bounded by the very limits of RFC 7208
 * section 4.6.4, and never changes a result.
 */
#ifndef AVOUCH_SPF_RUN_H
#define AVOUCH_SPF_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "dns/talk.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"
#include "spf/macro.h"
#include "spf/record.h"
#include "spf/spf.h"

enum {
	SPF_TRACE_MAX = 1024,     /* lines of one trace */
	SPF_TRACE_TEXT_MAX = 768, /* bytes of what one line asked, got */
	SPF_REASON_MAX = 400,     /* bytes of a reason */
};

struct spf_note { /* a line of the trace while it is written */
	struct spf_trace line;
	struct buf asked;
	struct buf got;
};

struct spf_run {
	const struct spf_query *q;
	struct dns_talk *talk;
	struct arena *a;
	struct spf_result *out;
	struct spf_macros values;
	bool unicode_local; /* RFC 8616 section 4 */
	bool waiting;       /* an answer was not there: see above */
	bool ptr_counted;   /* a %{p} was counted as a look-up */

	/* of the last mechanism but "include" that matched */
	const struct spf_term *leaf;
	struct span leaf_domain;
	enum spf_weakness leaf_weakness;
	bool neutral_include; /* SPF_WEAK_NEUTRAL_INCLUDE */

	/* why evaluation ended in an error */
	const char *what;
	struct span what_name; /* what was asked; absent: nothing */
	enum dns_type what_type;
	struct span what_term;
	struct span what_domain;

	struct spf_note *last_note;
	size_t n_notes;
};

struct spf_frame { /* one check_host() */
	struct span domain;
	unsigned depth;              /* of includes: 0 to SPF_MAX_LOOKUPS */
	const struct spf_term *term; /* the one that is evaluated */
	bool void_counted; /* for it: a term is void once (section 4.6.4) */
	bool uncounted;    /* for exp=, which no limit counts */
	struct spf_note *note;
};

enum spf_outcome { /* RFC 7208 section 4.6.2 */
	SPF_NO_MATCH,
	SPF_MATCH,
	SPF_EXCEPTION, /* run->out->code and run->what say which */
};

struct spf_decision { /* of one check_host() */
	enum spf_code code;
	const struct spf_term *term; /* that matched; NULL: none did */
	struct span domain;          /* <domain> where it stands */
	const struct spf_term *exp;  /* beside it; NULL: none */
};

/* RFC 7208 section 4.3: neither malformed nor of a single label. */
bool spf_is_checkable(struct span domain);

/* Notes what went wrong and where; SPF_EXCEPTION. */
enum spf_outcome spf_run_fail(struct spf_run *run, const struct spf_frame *f,
    enum spf_code code, const char *what);

/* Counts a term that looks up DNS; SPF_EXCEPTION: it is one too many. */
enum spf_outcome spf_run_count(struct spf_run *run, const struct spf_frame *f);

const struct dns_answer *spf_run_ask(struct spf_run *run, struct spf_frame *f,
    struct span name, enum dns_type type);

/*
 * The <target-name> of `term`.  SPF_MATCH: it is in `out`.  SPF_NO_MATCH: there
 * is none, for now or at all.
 */
enum spf_outcome spf_run_target(struct spf_run *run, struct spf_frame *f,
    const struct spf_term *term, struct span *out);

/* The value of %{p} into run->values; SPF_NO_MATCH: it is not known yet. */
enum spf_outcome spf_run_ptr(struct spf_run *run, struct spf_frame *f);

/* A mechanism other than "include". */
enum spf_outcome spf_run_match(
    struct spf_run *run, struct spf_frame *f, const struct spf_term *term);

/* Fills in run->out, but for the explanation. */
void spf_run_finish(struct spf_run *run, const struct spf_decision *decision);

/* ---- the trace; all take a frame without a note, and do nothing then ---- */

void spf_note_open(struct spf_run *run, struct spf_frame *f, struct span term);
void spf_note_answer(struct spf_run *run, const struct spf_frame *f,
    struct span name, enum dns_type type, const struct dns_answer *answer);
/* `detail` may be absent. */
void spf_note_close(struct spf_run *run, struct spf_note *note,
    const char *decided, struct span detail);

#endif
