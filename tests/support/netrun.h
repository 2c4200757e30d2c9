/*
 * netrun.h - the resolver of dns/resolver.h with one or two hostile servers and
 * a fake clock (fake_clock.h), so that answers take no time.
 */
#ifndef AVOUCH_TESTS_SUPPORT_NETRUN_H
#define AVOUCH_TESTS_SUPPORT_NETRUN_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/resolver.h"
#include "tests/support/bad_nameserver.h"

enum {
	NETRUN_FIRST_MS = 250,  /* time until a question is first retried */
	NETRUN_TOTAL_MS = 3000, /* time limit of a question */
	NETRUN_PATIENCE_S = 60, /* real time after which the test fails */
};

/* ---- waiting for the answers to a set of questions ---- */

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t all;
	size_t missing;
};

struct asked {
	struct dns_wait wait; /* must be the first member; .done =
	                         netrun_answered */
	struct crowd *crowd;
	char name[64];
	enum dns_type type;
	const struct dns_answer *answer; /* a reference */
	unsigned times;
};

void netrun_answered(struct dns_wait *wait, const struct dns_answer *answer);

void crowd_begin(struct crowd *c, size_t n);
void crowd_wait(struct crowd *c);
size_t crowd_missing(struct crowd *c);
void crowd_end(struct crowd *c);

/* ---- the resolver and its servers ---- */

struct netrun {
	struct hostile *servers[2]; /* NULL: not started, or stopped */
	struct dns_source *net;
};

struct netrun netrun_start(
    const struct hostile_options *one, const struct hostile_options *two);
void netrun_stop(struct netrun *r);

/* Opens another resolver that uses the servers at these ports. */
void netrun_open(struct netrun *r, const uint16_t *ports, size_t n);

/* Waits until nothing more can happen before the clock advances.  Does not wait
 * for TCP. */
void netrun_settle(struct netrun *r);

/* Advances the clock in steps small enough that nothing is missed. */
void netrun_pass(struct netrun *r, int64_t ms);

/* Advances the clock until all questions are answered.  Returns the
 * milliseconds that this took. */
int64_t netrun_pass_until(struct netrun *r, struct crowd *c);

/* ---- asking ---- */

/* Return the answer, which the caller unrefs.  netrun_ask_long() advances the
 * clock until it arrives. */
const struct dns_answer *netrun_ask(
    struct netrun *r, const char *name, enum dns_type type);
const struct dns_answer *netrun_ask_long(
    struct netrun *r, const char *name, enum dns_type type, int64_t *took);

/* Writes "found: TEXT|TEXT -> alias ttl" or "failed timeout 0". */
void netrun_describe(const struct dns_answer *a, char *text, size_t size);

void netrun_expect(
    struct netrun *r, const char *name, enum dns_type type, const char *want);
int64_t netrun_expect_long(
    struct netrun *r, const char *name, enum dns_type type, const char *want);

/* Ask for the TXT records of n0.example, n1.example and so on, all at the same
 * time, and check that the answers are correct. */
void netrun_ask_many(struct dns_source *net, struct asked *all, size_t n,
    size_t from, struct crowd *crowd);
void netrun_check_many(struct asked *all, size_t n, size_t from);

#endif
