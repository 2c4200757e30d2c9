/*
 * netrun.h - the resolver of dns/resolver.h over one hostile server or two, in
 * a time that stands still (fake_clock.h): what is answered needs none.
 */
#ifndef AVOUCH_TESTS_SUPPORT_NETRUN_H
#define AVOUCH_TESTS_SUPPORT_NETRUN_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "dns/resolver.h"
#include "tests/support/bad_nameserver.h"

enum {
	NETRUN_FIRST_MS = 250,  /* until a question is repeated at first */
	NETRUN_TOTAL_MS = 3000, /* of a question */
	NETRUN_PATIENCE_S = 60, /* then the test fails; of the real time */
};

/* ---- questions, and those who wait for all of some ---- */

struct crowd {
	pthread_mutex_t lock;
	pthread_cond_t all;
	size_t missing;
};

struct asked {
	struct dns_wait wait; /* first; .done = netrun_told */
	struct crowd *crowd;
	char name[64];
	enum dns_type type;
	const struct dns_answer *answer; /* held */
	unsigned times;
};

void netrun_told(struct dns_wait *wait, const struct dns_answer *answer);

void crowd_begin(struct crowd *c, size_t n);
void crowd_wait(struct crowd *c);
size_t crowd_missing(struct crowd *c);
void crowd_end(struct crowd *c);

/* ---- the resolver and its servers ---- */

struct netrun {
	struct hostile *servers[2]; /* NULL: none, or gone */
	struct dns_source *net;
};

struct netrun netrun_start(
    const struct hostile_options *one, const struct hostile_options *two);
void netrun_stop(struct netrun *r);

/* Another resolver over the servers at these ports. */
void netrun_open(struct netrun *r, const uint16_t *ports, size_t n);

/* Until nothing happens any more unless time passes, or TCP is in use. */
void netrun_settle(struct netrun *r);

/* Lets time pass, in steps within which nothing is missed. */
void netrun_pass(struct netrun *r, int64_t ms);

/* Until all are answered; returns the milliseconds that had to pass. */
int64_t netrun_pass_until(struct netrun *r, struct crowd *c);

/* ---- asking ---- */

/* The caller drops it.  Of the second, time passes until it is answered. */
const struct dns_answer *netrun_ask(
    struct netrun *r, const char *name, enum dns_type type);
const struct dns_answer *netrun_ask_long(
    struct netrun *r, const char *name, enum dns_type type, int64_t *took);

/* "found: TEXT|TEXT -> alias ttl", "failed timeout 0" */
void netrun_describe(const struct dns_answer *a, char *text, size_t size);

void netrun_expect(
    struct netrun *r, const char *name, enum dns_type type, const char *want);
int64_t netrun_expect_long(
    struct netrun *r, const char *name, enum dns_type type, const char *want);

/* TXT of n0.example, n1.example and so on, at once; and that they are right. */
void netrun_ask_many(struct dns_source *net, struct asked *all, size_t n,
    size_t from, struct crowd *crowd);
void netrun_check_many(struct asked *all, size_t n, size_t from);

#endif
