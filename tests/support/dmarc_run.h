/*
 * dmarc_run.h - runs dmarc_check() with facts and a zone, and compares the
 * result with a line of text.
 */
#ifndef AVOUCH_TESTS_SUPPORT_DMARC_RUN_H
#define AVOUCH_TESTS_SUPPORT_DMARC_RUN_H

#include <stddef.h>

#include "dmarc/dmarc.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/core_status.h"

/* Lines of a zone, and DMARC records. */
#define DMARC(name, text) "_dmarc." name ". 60 IN TXT \"" text "\"\n"
#define HOST(name) name ". 60 IN A 192.0.2.1\n"
#define ALIAS(name, target) name ". 60 IN CNAME " target ".\n"
#define FAILS(name) ";!failed " name ". TXT servfail\n"
#define REJECT "v=DMARC1; p=reject"
#define NONE "v=DMARC1; p=none"

enum { IDENTIFIERS_MAX = 8, AUTHORS_MAX = 8, QUESTIONS_MAX = 128 };

struct dmarc_vector {
	const char *name;
	const char *authors; /* "a b ~c"; a leading "!" makes them invalid, a
	                        leading ">" expands aliases, and "~" marks
	                        possible authors, which must come last */
	const char *spf;     /* "+domain": pass; "?domain": temperror;
	                        "-domain": other; "": no identifier */
	const char *dkim;    /* may contain several, like `spf` */
	const char *zone;
	const char *want; /* as dmarc_run_show() writes it */
};

struct dmarc_run {
	struct dmarc_facts facts;
	struct span authors[AUTHORS_MAX];
	struct dmarc_identifier dkim[IDENTIFIERS_MAX];
	struct dns_questions *questions;
	struct arena *arena;
	struct dmarc_result result;
};

void dmarc_run_open(struct dmarc_run *r, const char *authors, const char *spf,
    const char *dkim);
void dmarc_run_close(struct dmarc_run *r);

/* For pump_core(), with the run as `arg`. */
enum core_status dmarc_run_ask(void *arg);
enum core_status dmarc_run_check(void *arg);

/* Writes a result such as "fail sp=reject example.com -> quarantine t
 * nonexistent (example.com)"; the organizational domain is in parentheses.  A
 * pass lists the aligned methods, "spf" and "dkim". */
void dmarc_run_show(struct buf *b, const struct dmarc_result *r);

/* Fails the test if the result violates a rule that all results must follow. */
void dmarc_run_is_sound(const char *name, const struct dmarc_run *r);

/* Checks each vector.  Repeats the check with the explanation that `avouch
 * dmarc` prints, and with failing allocations. */
void dmarc_run_judges(const struct dmarc_vector *v, size_t n);

#endif
