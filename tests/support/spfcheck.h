/*
 * spfcheck.h - runs check_host() in tests: with any source, with failing
 * allocations and with late answers.  Any error fails the test.
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
	SPFCHECK_QUESTIONS = 300,  /* questions per check */
};

/* Returns a query.  If `ip` is NULL, there is no address; if `sender` is NULL,
 * HELO is the identity; if `helo` is NULL, it is mail.s23.example. */
struct spf_query spfcheck_query(
    const char *ip, const char *sender, const char *helo);

/* Runs the check to its end and returns the number of waves (batches of
 * questions).  `source` may be a fake from core_driver.h. */
unsigned spfcheck_run(const struct spf_query *q, struct dns_source *source,
    bool is_fake, struct dns_questions *questions, struct arena *a,
    struct spf_result *out);

/* Checks rules that every result must follow. */
void spfcheck_sane(const char *what, const struct spf_result *r);

/* Makes each allocation fail in turn.  The result must then be temperror or
 * `code`, the result with enough memory, but never pass. */
void spfcheck_without_memory(const char *what, const struct spf_query *q,
    struct dns_source *source, enum spf_code code);

/* Checks that a trace and late answers do not change the result. */
void spfcheck_other_ways(const char *what, struct spf_query q,
    struct dns_source *source, const struct spf_result *r);

#endif
