/*
 * questions.h - the DNS questions of one check, and their answers.
 *
 * Cores use only dns_ask() and dns_prefetch(), which never wait.  The driver of
 * a core (verify/dns_task.h, tests, fuzzers) sends the recorded questions,
 * stores the answers, and runs the core again.  The driver uses each struct
 * dns_questions under one lock.
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
 * `name` may be in any case, with U-labels (they are asked as A-labels, RFC
 * 8616) and a final dot.  A name that is not valid in DNS is DNS_BADNAME; a
 * question over the limit, or without memory for it, is DNS_FAILED.  The answer
 * lives as long as `questions`.
 */
const struct dns_answer *dns_ask(
    struct dns_questions *questions, struct span name, enum dns_type type);

/*
 * The same for a question that may turn out not to be needed.  It does not
 * count as a question of dns_ask() until dns_ask() asks it too, so that a
 * prefetch never makes a later dns_ask() fail.  At most half of `max_questions`
 * may be prefetches; further ones are not recorded and return DNS_PENDING.
 */
const struct dns_answer *dns_prefetch(
    struct dns_questions *questions, struct span name, enum dns_type type);

/* ---- for drivers ---- */

struct dns_question {
	struct dns_wait wait;      /* the driver sets wait.done */
	struct dns_question *next; /* in the order of recording */
	struct dns_questions *questions;
	struct span name; /* normal form */
	enum dns_type type;
	bool sent;                       /* set by the driver */
	const struct dns_answer *answer; /* dns_answer_pending() at first */
};

/*
 * Records at most `max_questions` of dns_ask(), and half as many of
 * dns_prefetch() in addition.  NULL: out of memory.
 */
struct dns_questions *dns_questions_new(size_t max_questions);

/* Releases the answers.  No source may still have a question.  Takes NULL. */
void dns_questions_free(struct dns_questions *questions);

/* A pointer of the driver, with which it gets from a question to its own state.
 */
void dns_questions_set_driver(struct dns_questions *questions, void *driver);
void *dns_questions_driver(const struct dns_questions *questions);

/* The first question of the list, in the order of recording; NULL: none. */
struct dns_question *dns_questions_first(const struct dns_questions *questions);

/* The first question that was not sent yet; NULL: none. */
struct dns_question *dns_questions_next_unsent(
    const struct dns_questions *questions);

/*
 * Stores the answer of `q`, with a reference.  A second answer is ignored.  If
 * `q` was sent as a prefetch and failed because of our own limits
 * (dns_error_is_ours()), the answer is not stored: `q` is pending and unsent
 * again as soon as dns_ask() asks it, or at once if it already did.
 */
void dns_questions_set_answer(
    struct dns_question *q, const struct dns_answer *answer);

/*
 * Ends all waiting: unanswered and later questions are DNS_FAILED with `fault`.
 * Late answers are ignored.
 */
void dns_questions_expire(
    struct dns_questions *questions, enum dns_error fault);

/*
 * True if a dns_ask() failed because of our own limits (dns_error_is_ours()):
 * the result of the core may be due to that.
 */
bool dns_questions_budget_exceeded(const struct dns_questions *questions);

/* All recorded questions. */
size_t dns_questions_count(const struct dns_questions *questions);

/* The recorded questions that are not answered. */
size_t dns_questions_pending(const struct dns_questions *questions);

/* Unanswered questions of dns_ask(); at 0 the core can continue. */
size_t dns_questions_required(const struct dns_questions *questions);

#endif
