/*
 * spfcheck.h - runs check_host() in tests: over any source, with memory that
 * runs out, with answers that come late.  What is wrong fails the test.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SPFCHECK_H
#define AVOUCH_TESTS_SUPPORT_SPFCHECK_H

#include <stdbool.h>

#include "dns/source.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "spf/spf.h"

enum {
	SPFCHECK_MEMORY = 1 << 20, /* bytes of an arena */
	SPFCHECK_QUESTIONS = 300,  /* of a questions */
};

/* `ip` NULL: none; `sender` NULL: HELO is the identity; `helo` NULL:
 * mail.s23.example */
struct spf_query spfcheck_query(
    const char *ip, const char *sender, const char *helo);

/* Runs to the end; the number of waves.  `source` may be a fake of
 * core_driver.h. */
unsigned spfcheck_run(const struct spf_query *q, struct dns_source *source,
    bool is_fake, struct dns_questions *questions, struct arena *a,
    struct spf_result *out);

/* What holds of every result. */
void spfcheck_sane(const char *what, const struct spf_result *r);

/* Each allocation fails in its turn: temperror, or `code` as without. */
void spfcheck_without_memory(const char *what, const struct spf_query *q,
    struct dns_source *source, enum spf_code code);

/* A trace, and answers that come late, give the same result. */
void spfcheck_other_ways(const char *what, struct spf_query q,
    struct dns_source *source, const struct spf_result *r);

#endif
