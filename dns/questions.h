/*
 * questions.h - the questions one check asks, and the answers it was given.
 *
 * Cores see dns_ask() alone: it never waits.  Whoever drives a core (the jobs
 * in verify/, tests, fuzzers) sends what was noted, tells the questions the
 * answers, and runs the core again.  A questions is used under one lock of its
 * driver.
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
 * The answer if it is known; else notes the question and returns one whose
 * state is DNS_PENDING.  Never blocks, never returns NULL.  `name` may be in
 * any case, with U-labels (they are asked as A-labels, RFC 8616) and a final
 * dot.  A name that DNS cannot hold is DNS_BADNAME; a question over the limit,
 * or one for which there is no memory, is DNS_FAILED.  The answer lives as
 * long as the questions.
 */
const struct dns_answer *dns_ask(
    struct dns_questions *questions, struct span name, enum dns_type type);

/*
 * The same, for a look ahead: a question that may turn out not to be needed.
 * It is not counted with those of dns_ask() until that asks it too, so asking
 * ahead never makes a later dns_ask() fail; at most half of `max_questions`
 * may be of this kind.  Over that it is not noted, and DNS_PENDING is returned
 * all the same.
 */
const struct dns_answer *dns_prefetch(
    struct dns_questions *questions, struct span name, enum dns_type type);

/* ---- for drivers ---- */

struct dns_question {
	struct dns_wait wait;      /* the driver sets wait.done */
	struct dns_question *next; /* in the order they were noted */
	struct dns_questions *questions;
	struct span name; /* normal form */
	enum dns_type type;
	bool sent;                       /* the driver's */
	const struct dns_answer *answer; /* DNS_PENDING's constant until told */
};

/*
 * At most `max_questions` are noted for dns_ask(), and half as many more for
 * dns_prefetch(); NULL: no memory.
 */
struct dns_questions *dns_questions_new(size_t max_questions);

/* Drops the answers.  No question may be with a source any more.  Takes NULL.
 */
void dns_questions_free(struct dns_questions *questions);

/* What the driver hung on the questions, to get from a question back to itself.
 */
void dns_questions_set_driver(struct dns_questions *questions, void *driver);
void *dns_questions_driver(const struct dns_questions *questions);

/* All questions, first noted first; NULL: none. */
struct dns_question *dns_questions_first(const struct dns_questions *questions);

/* The first that was not sent yet; NULL: none. */
struct dns_question *dns_questions_next_unsent(
    const struct dns_questions *questions);

/*
 * Stores the answer of `q` and holds it.  A second answer is ignored.  If `q`
 * was sent as a prefetch and failed for a reason of ours, it has no answer: it
 * is pending and unsent again when dns_ask() asks it, or at once if it did.
 */
void dns_questions_set_answer(
    struct dns_question *q, const struct dns_answer *answer);

/*
 * From now on nothing is pending: what is unanswered, and what will be asked
 * later, is DNS_FAILED with `fault`.  Late answers are ignored.
 */
void dns_questions_expire(
    struct dns_questions *questions, enum dns_error fault);

/*
 * Some dns_ask() failed for a reason of ours (dns_error_is_ours()): the core's
 * result may be due to that.  A recording of such a message says so too.
 */
bool dns_questions_budget_exceeded(const struct dns_questions *questions);

size_t dns_questions_count(
    const struct dns_questions *questions); /* questions noted */
size_t dns_questions_pending(
    const struct dns_questions *questions); /* of them unanswered */

/* Unanswered ones of dns_ask(): while there are none, the core can go on. */
size_t dns_questions_required(const struct dns_questions *questions);

#endif
