/*
 * queued_message.h - a message in the writer's queue: everything that is stored
 * for it, in one allocation.
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

enum {
	/* texts of the row and the facts, and `action`, `would` and `rule` of
	 * the decision */
	QUEUED_TEXTS = ROW_TEXTS_MAX + 4,
	QUEUED_OVERHEAD = 16, /* bytes that malloc adds to an allocation */
};

/* There are many of these while the store is locked, so the struct is compact:
 * it has the length of each string but no pointer, and absent strings take no
 * space. */
struct queued_message {
	struct queued_message *next;
	int64_t when;            /* seconds since 1970 */
	uint64_t count;          /* messages */
	size_t size;             /* bytes of memory, including `failure` */
	struct failure *failure; /* for a failure report; NULL: none */
	bool has_row, has_facts;
	uint16_t length[QUEUED_TEXTS]; /* bytes of each string, or
	                                  QUEUED_ABSENT.  The strings follow the
	                                  struct, each with a NUL */
};

struct queued_texts {
	struct span row[ROW_TEXTS_MAX]; /* if there is no row, only
	                                   ROW_TEXT_SOURCE is set */
	struct span facts;              /* policy_input_codec.h */
	struct span decision[3];        /* action, would, rule */
};

/* `row` may be NULL; `facts` and `decision` may both be NULL.  Copies
 * everything.  Returns NULL if memory ran out. */
struct queued_message *queued_message_new(const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    int64_t now);

/* Returns the strings of `e`, which live as long as `e`. */
void queued_message_texts(
    const struct queued_message *e, struct queued_texts *out);

/* Attaches a copy of `f` if there is enough memory. */
void queued_message_add_failure(
    struct queued_message *e, const struct failure *f);
void queued_message_drop_failure(struct queued_message *e);

void queued_message_free(struct queued_message *e); /* accepts NULL */

#endif
