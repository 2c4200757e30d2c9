/*
 * questions.h - the DNS questions that one check asks, and their answers.
 *
 * Cores use only dns_ask() and dns_prefetch(), which never wait.  The driver of
 * a core (verify/dns_task.h, tests, fuzzers) sends the recorded questions,
 * stores the answers, and runs the core again.  A driver with threads must
 * protect each struct dns_questions with one lock.
 */
#ifndef AVOUCH_DNS_QUESTIONS_H
#define AVOUCH_DNS_QUESTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "dns/answer.h"
#include "dns/source.h"
#include "lib/span.h"

struct dns_questions;

/*
 * Returns the answer if it is known; otherwise records the question and returns
 * an answer whose state is DNS_PENDING.  Never blocks, never returns NULL.
 * `name` may be in any case, and may have U-labels (converted to A-labels, RFC
 * 8616) and a final dot.  The answer for a name that is not valid in DNS is
 * DNS_BADNAME; it is DNS_FAILED if the question exceeds the limit or memory ran
 * out.  The answer lives as long as `questions`.
 */
const struct dns_answer *dns_ask(
    struct dns_questions *questions, struct span name, enum dns_type type);

/*
 * Like dns_ask(), but for a question that may turn out not to be needed.  It
 * does not count as a question of dns_ask() until dns_ask() asks it too, so a
 * prefetch never makes a later dns_ask() fail.  At most `max_questions` / 2
 * prefetches are recorded; further ones return DNS_PENDING.
 */
const struct dns_answer *dns_prefetch(
    struct dns_questions *questions, struct span name, enum dns_type type);

/* ---- for drivers ---- */

struct dns_question {
	struct dns_wait wait;      /* the driver sets wait.done */
	struct dns_question *next; /* in the order they were recorded */
	struct dns_questions *questions;
	struct span name; /* normal form */
	enum dns_type type;
	bool sent;                       /* set by the driver */
	const struct dns_answer *answer; /* dns_answer_pending() at first */
};

/*
 * Returns a table for at most `max_questions` questions of dns_ask(), plus half
 * as many of dns_prefetch(); NULL if memory ran out.
 */
struct dns_questions *dns_questions_new(size_t max_questions);

/* Frees the table and releases its answers.  No source may still have a
 * question from this table.  Accepts NULL. */
void dns_questions_free(struct dns_questions *questions);

/* Set and return a pointer that lets the driver find its own state from a
 * question. */
void dns_questions_set_driver(struct dns_questions *questions, void *driver);
void *dns_questions_driver(const struct dns_questions *questions);

/* Returns the question that was recorded first; NULL if there is none. */
struct dns_question *dns_questions_first(const struct dns_questions *questions);

/* Returns the first question that has not been sent yet; NULL if there is none.
 */
struct dns_question *dns_questions_next_unsent(
    const struct dns_questions *questions);

/*
 * Stores the answer to `q`, and refs it.  A second answer is ignored.  If
 * `q` was sent as a prefetch and failed because of our own limits
 * (dns_error_is_ours()), the answer is not stored: `q` becomes pending and
 * unsent again as soon as dns_ask() asks it, or immediately if dns_ask() has
 * already asked it.
 */
void dns_questions_set_answer(
    struct dns_question *q, const struct dns_answer *answer);

/*
 * Stops waiting: unanswered and later questions get DNS_FAILED with `fault`.
 * Late answers are ignored.
 */
void dns_questions_expire(
    struct dns_questions *questions, enum dns_error fault);

/*
 * Returns true if a dns_ask() failed because of our own limits
 * (dns_error_is_ours()), which may have changed the result of the core.
 */
bool dns_questions_budget_exceeded(const struct dns_questions *questions);

/* Returns the number of recorded questions. */
size_t dns_questions_count(const struct dns_questions *questions);

/* Returns the number of recorded questions without an answer. */
size_t dns_questions_pending(const struct dns_questions *questions);

/* Returns the number of unanswered questions of dns_ask(); at 0 the core can
 * continue. */
size_t dns_questions_required(const struct dns_questions *questions);

#endif
