/*
 * explain.h - every step of a check, in words and as JSON (--explain).
 *
 * As JSON all of it stands under "explain", an object with a member for each
 * part: "spf_helo", "spf", "dkim", "arc", "dmarc", "policy", "questions".
 */
#ifndef AVOUCH_CLI_EXPLAIN_H
#define AVOUCH_CLI_EXPLAIN_H

#include <jansson.h>

#include "dmarc/explain.h"
#include "dns/talk.h"
#include "lib/arena.h"
#include "lib/buf.h"
#include "mail/message.h"
#include "spf/spf.h"
#include "verify/verify.h"

/* A heading: an empty line, then the title; longer ones are broken. */
void explain_heading(const char *title);

/* ---- explain_spf.c: the tree of terms, the counters beside ---- */

json_t *explain_spf_json(const struct spf_result *r);
void explain_spf(const struct spf_result *r);

/* ---- explain_dns.c: what was asked and what came ---- */

/* `job` says what it was asked for; NULL: that goes without saying. */
json_t *explain_question_json(const char *job, const struct dns_question *q);
void explain_question(const char *job, const struct dns_question *q);

/* All questions of one talk. */
json_t *explain_questions_json(const struct dns_talk *talk);
void explain_questions(const struct dns_talk *talk);

/* ---- explain_dkim.c: the bytes and hashes behind each result ---- */

struct key;

/* After dkim_finish(); `d` may be NULL.  `body` as it came. */
json_t *explain_dkim_json(
    const struct dkim *d, struct span body, struct arena *a);
void explain_dkim(const struct dkim *d, struct span body, struct arena *a);

/* What kind of key it is, and what is wrong with it. */
json_t *explain_key_json(const struct key *k);
void explain_key(struct buf *b, const struct key *k);

/* ---- explain_arc.c: the sets as they stand in the header ---- */

json_t *explain_arc_json(const struct mail_header *h, struct arena *a);
void explain_arc(
    const struct mail_header *h, const struct arc_result *r, struct arena *a);

/* ---- explain_dmarc.c ---- */

/* The names of a walk; the texts `indent` columns in. */
json_t *explain_walk_json(const struct dmarc_explanation *e);
void explain_walk(const struct dmarc_explanation *e, unsigned indent);

/*
 * Author by author: the walk, then how each identifier stands to it.  `talk` is
 * the one that the verdict came of, and is to be asked no more.
 */
json_t *explain_dmarc_json(
    const struct verdict *v, struct dns_talk *talk, struct arena *a);
void explain_dmarc(
    const struct verdict *v, struct dns_talk *talk, struct arena *a);

/* ---- explain_policy.c: the settings that had a say, and the decision ---- */

json_t *explain_policy_json(const struct conf *conf, const struct verdict *v);
void explain_policy(const struct conf *conf, const struct verdict *v);

/* ---- explain_check.c: all of it ---- */

struct cli;
struct input;

struct explain_check {
	const struct conf *conf;
	const struct verdict *v;
	struct verify_message *m; /* that has given the verdict */
	const struct input *in;
};

/* An object, without its members where there is no memory. */
json_t *explain_check_json(
    const struct cli *c, const struct explain_check *all);

/* EX_OK, or EX_TEMPFAIL with a message printed. */
int explain_check(const struct cli *c, const struct explain_check *all);

#endif
