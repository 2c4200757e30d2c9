/*
 * core_driver.h - drives a core in a test: sends what its questions noted,
 * tells it the answers, runs it again.
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
 * Sends all that was not sent yet.  A zone or a recording has answered when
 * this returns; a fake answers in its time.
 *
 *	while (spf_check(&q, questions, a, &r) == CORE_WAIT)
 *		pump(questions, zone);
 */
void pump(struct dns_questions *questions, struct dns_source *source);

/* A zone of the text, and the test fails where it is none. */
struct dns_source *pump_zone(const char *text);

/*
 * A source with a clock of its own: each question is asked of `below` (which
 * answers at once) when it comes and answered `latency` ticks later, in
 * fake_advance().  Any thread may ask; one thread advances.
 */
struct dns_source *fake_new(struct dns_source *below, uint64_t latency);

/* To the next tick at which an answer is due, and tells all that are due then;
 * false: nobody waits. */
bool fake_advance(struct dns_source *fake);

/* Until nobody waits; the questions that answers lead to are waited for too. */
void fake_settle(struct dns_source *fake);

uint64_t fake_now(struct dns_source *fake);         /* ticks */
size_t fake_questions(struct dns_source *fake);     /* asked so far */
uint64_t fake_round_trips(struct dns_source *fake); /* now / latency */

/* How often `name` and `type` were asked. */
size_t fake_asked(
    struct dns_source *fake, const char *name, enum dns_type type);

/*
 * Runs `core` until CORE_DONE and pumps in between, through `fake_advance()`
 * where `source` is a fake (`is_fake`).  Returns the number of waves; fails
 * the test where a wave asks nothing new.
 */
unsigned pump_core(struct dns_questions *questions, struct dns_source *source,
    bool is_fake, enum core_status (*core)(void *arg), void *arg);

/* One run of a core for a domain; the first member of what the core gets. */
struct core_run {
	struct span domain;
	struct dns_questions *questions;
	struct arena *arena;
};

/* Runs `core` over `zone` to its end, with `r` as its argument; returns the
 * number of waves. */
unsigned core_run_open(struct core_run *r, const char *domain, const char *zone,
    enum core_status (*core)(void *arg));
void core_run_close(struct core_run *r);

#endif
