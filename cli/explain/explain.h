/*
 * explain.h - explains every step of a check as text and as JSON (--explain).
 *
 * The JSON object "explain" has one member for each part: "spf_helo", "spf",
 * "dkim", "arc", "dmarc", "policy", "questions".
 */
#ifndef AVOUCH_CLI_EXPLAIN_EXPLAIN_H
#define AVOUCH_CLI_EXPLAIN_EXPLAIN_H

#include <jansson.h>

#include "audit/dmarc_explain.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "mail/header.h"
#include "spf/spf.h"
#include "verify/verify.h"

/* Prints an empty line and then the title, wrapped at 80 columns. */
void explain_heading(const char *title);

/* ---- spf.c: the tree of terms, with the lookup counters ---- */

json_t *explain_spf_json(const struct spf_result *r);
void explain_spf(const struct spf_result *r);

/* ---- dns.c: questions and answers ---- */

/* `job` names the check that asked the question; NULL if there is only one
 * check. */
json_t *explain_question_json(const char *job, const struct dns_question *q);
void explain_question(const char *job, const struct dns_question *q);

/* Explain all DNS questions of one check. */
json_t *explain_questions_json(const struct dns_questions *questions);
void explain_questions(const struct dns_questions *questions);

/* ---- dkim.c: the bytes and hashes that decided each result ---- */

struct key;

/* Must be called after dkim_finish().  `d` may be NULL; `body` is the message
 * body as received. */
json_t *explain_dkim_json(
    const struct dkim *d, struct span body, struct arena *a);
void explain_dkim(const struct dkim *d, struct span body, struct arena *a);

/* Explain the type and size of a key and, if it cannot be used, why. */
json_t *explain_key_json(const struct key *k);
void explain_key(struct buf *b, const struct key *k);

/* ---- arc.c: the ARC sets in header order ---- */

json_t *explain_arc_json(const struct mail_header *h, struct arena *a);
void explain_arc(
    const struct mail_header *h, const struct arc_result *r, struct arena *a);

/* ---- dmarc.c ---- */

/* Print the names in a DNS tree walk with their records; text is indented by
 * `indent` columns. */
json_t *explain_walk_json(const struct dmarc_explanation *e);
void explain_walk(const struct dmarc_explanation *e, unsigned indent);

/*
 * Explain the tree walk of each author domain, and whether each identifier
 * aligns.  `questions` contains the answers on which the verdict is based (NULL
 * if there are none), and must have no pending question.
 */
json_t *explain_dmarc_json(
    const struct verdict *v, struct dns_questions *questions, struct arena *a);
void explain_dmarc(
    const struct verdict *v, struct dns_questions *questions, struct arena *a);

/* ---- policy.c: the decision, and the settings that led to it ---- */

json_t *explain_policy_json(const struct conf *conf, const struct verdict *v);
void explain_policy(const struct conf *conf, const struct verdict *v);

/* ---- check.c: all parts of a check ---- */

struct cli;
struct input;

struct explain_check {
	const struct conf *conf;
	const struct verdict *v;
	struct verify_message *m; /* must be finished; owns `v` */
	const struct input *in;
};

/* Returns an object.  If memory ran out, prints a message and returns an empty
 * one. */
json_t *explain_check_json(
    const struct cli *c, const struct explain_check *all);

/* Returns EX_OK, or EX_TEMPFAIL after printing a message. */
int explain_check(const struct cli *c, const struct explain_check *all);

#endif
