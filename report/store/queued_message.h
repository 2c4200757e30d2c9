/*
 * queued_message.h - a message in the queue of the writer: everything that is
 * stored of it, in one allocation.
 */
#ifndef AVOUCH_REPORT_STORE_QUEUED_MESSAGE_H
#define AVOUCH_REPORT_STORE_QUEUED_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "report/record/failure.h"
#include "report/store/row_encode.h"
#include "report/record/row.h"
#include "verify/policy.h"

struct queued_message {
	struct queued_message *next;
	int64_t when;   /* seconds since 1970 */
	uint64_t count; /* messages */
	size_t size;    /* bytes allocated */
	bool has_row, has_facts;
	struct span row[ROW_TEXTS_MAX]; /* without a row only ROW_TEXT_SOURCE
	                                   is set */
	struct span facts;              /* policy_input_codec.h */
	struct span decision[3];        /* action, would, rule */
	struct failure *failure;        /* for a failure report; NULL: none */
};

/*
 * `row` may be NULL; so may `facts` and `decision`, together.  Copies
 * everything.  NULL: out of memory.
 */
struct queued_message *queued_message_new(const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    int64_t now);

/* Attaches a copy of `f`, if there is memory for it. */
void queued_message_add_failure(
    struct queued_message *e, const struct failure *f);
void queued_message_drop_failure(struct queued_message *e);

void queued_message_free(struct queued_message *e); /* takes NULL */

#endif
