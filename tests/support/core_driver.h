/*
 * core_driver.h - drives a core in a test: sends the questions that it asks,
 * delivers the answers, and runs it again.
 */
#ifndef AVOUCH_TESTS_SUPPORT_CORE_DRIVER_H
#define AVOUCH_TESTS_SUPPORT_CORE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/source.h"
#include "dns/questions.h"
#include "lib/core_status.h"

/*
 * Sends all questions that have not been sent yet.  A zone or a recording has
 * answered when this returns; a fake answers when its clock is advanced.
 *
 *	while (spf_check(&q, questions, a, &r) == CORE_WAIT)
 *		pump(questions, zone);
 */
void pump(struct dns_questions *questions, struct dns_source *source);

/* Creates a zone from `text`.  Fails the test if it is invalid. */
struct dns_source *pump_zone(const char *text);

/*
 * Creates a source with its own clock: each question is passed to `below`
 * (which must answer immediately) when it arrives, and answered `latency` ticks
 * later, in fake_advance().  Any thread may ask; only one may advance the
 * clock.
 */
struct dns_source *fake_new(struct dns_source *below, uint64_t latency);

/* Advances to the next tick at which an answer is due, and delivers all answers
 * that are due then.  Returns false if no question is waiting. */
bool fake_advance(struct dns_source *fake);

/* Advances until no question is waiting, not even one caused by an answer. */
void fake_settle(struct dns_source *fake);

uint64_t fake_now(struct dns_source *fake);         /* ticks */
size_t fake_questions(struct dns_source *fake);     /* number of questions so
                                                       far */
uint64_t fake_round_trips(struct dns_source *fake); /* now / latency */

/* Returns how many times `name` was queried for `type`. */
size_t fake_asked(
    struct dns_source *fake, const char *name, enum dns_type type);

/*
 * Runs `core` until it returns CORE_DONE, and calls pump() between runs and, if
 * `source` is a fake (`is_fake`), fake_advance().  Returns the number of waves
 * (batches of questions).  Fails the test if a wave asks nothing new.
 */
unsigned pump_core(struct dns_questions *questions, struct dns_source *source,
    bool is_fake, enum core_status (*core)(void *arg), void *arg);

/* One run of a core for a domain; must be the first member of the core's
 * argument. */
struct core_run {
	struct span domain;
	struct dns_questions *questions;
	struct arena *arena;
};

/* Runs `core` to its end over `zone`, with `r` as its argument.  Returns the
 * number of waves. */
unsigned core_run_open(struct core_run *r, const char *domain, const char *zone,
    enum core_status (*core)(void *arg));
void core_run_close(struct core_run *r);

#endif
