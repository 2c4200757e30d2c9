/*
 * failure_internal.h - shared by failure.c and failure_text.c only: a failure
 * whose report is being written.
 */
#ifndef AVOUCH_REPORT_RECORD_FAILURE_INTERNAL_H
#define AVOUCH_REPORT_RECORD_FAILURE_INTERNAL_H

#include "report/record/failure.h"
#include "report/record/redact.h"

struct failure_source {
	const struct verdict *v;
	const struct conf *conf;
	struct redact redact;
	enum failure_kind kind;
	const struct dkim_result
	    *signature; /* the signature that failed; NULL: none */
	struct span queue_id;
	int64_t now;
};

/* Whether the domain is the author domain or, if `mode` is relaxed, belongs to
 * the same organization (RFC 9989 section 4.10.2). */
bool failure_is_aligned(
    const struct verdict *v, struct span domain, enum dmarc_alignment mode);

/* Returns "dmarc", "signature", ... (RFC 6591 section 3.3, RFC 9991 section
 * 4). */
const char *failure_type(const struct failure_source *t);

/* Returns "delivered", "reject", ... (RFC 6591 section 3.2.2). */
const char *failure_delivery_result(const struct verdict *v);

/* These write the machine-readable fields, the message's header fields (`a` is
 * memory for parsing them), and the message's subject, if a report may contain
 * it. */
void failure_put_feedback(struct buf *b, const struct failure_source *t);
void failure_put_header(
    struct buf *b, const struct failure_source *t, struct arena *a);
void failure_put_subject(struct buf *b, const struct failure_source *t);

#endif
