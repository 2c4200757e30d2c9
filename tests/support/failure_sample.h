/*
 * failure_sample.h - a message that fails DMARC, for tests of failure reports.
 */
#ifndef AVOUCH_TESTS_SUPPORT_FAILURE_SAMPLE_H
#define AVOUCH_TESTS_SUPPORT_FAILURE_SAMPLE_H

#include "conf/conf.h"
#include "lib/date.h"
#include "report/record/failure.h"
#include "tests/support/sample_rows.h"
#include "verify/verify.h"

enum { FAILURE_NOW = ROWS_DAY * DATE_DAY + 600, FAILURE_SIGNATURES = 20 };

struct failure_sample {
	struct verdict v;
	struct dmarc_record record;
	struct dkim_result dkim[FAILURE_SIGNATURES];
	struct mail_header header;
	struct arena *arena;
	const struct conf *conf;
};

/* `record` is the author's DMARC record; `options` is the content of the
 * "report" section. */
void failure_sample_open(
    struct failure_sample *s, const char *record, const char *options);
void failure_sample_close(struct failure_sample *s);

struct dkim_result *failure_sample_sign(
    struct failure_sample *s, const char *domain, enum dkim_code code);
void failure_sample_field(
    struct failure_sample *s, const char *name, const char *value);

/* Returns the text of the message's failure report.  Fails the test if there is
 * no report. */
const char *failure_sample_feedback(
    struct failure_sample *s, struct failure_draft *d);

void text_has(const char *text, const char *part);
void text_lacks(const char *text, const char *part);

#endif
