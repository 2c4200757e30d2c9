/*
 * explain.h - every step of a check, in words and as JSON (--explain).
 *
 * As JSON all of it stands under "explain", an object with a member for each
 * part: "spf_helo", "spf", "dkim", "arc", "dmarc", "policy", "questions".
 */
#ifndef AVOUCH_CLI_EXPLAIN_H
#define AVOUCH_CLI_EXPLAIN_H

#include <jansson.h>

#include "dns/talk.h"
#include "spf/spf.h"

/* A heading: an empty line, then the title; longer ones are broken. */
void explain_heading(const char *title);

/* ---- explain_spf.c: the tree of terms, the counters beside ---- */

json_t *explain_spf_json(const struct spf_result *r);
void explain_spf(const struct spf_result *r);

/* ---- explain_dns.c: what was asked and what came ---- */

/* `job` says what it was asked for; NULL: that goes without saying. */
json_t *explain_question_json(const char *job, const struct dns_question *q);
void explain_question(const struct dns_question *q);

/* All questions of one talk. */
json_t *explain_questions_json(const struct dns_talk *talk);
void explain_questions(const struct dns_talk *talk);

#endif
