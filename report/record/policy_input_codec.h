/*
 * policy_input_codec.h - encodes the facts that the decision about a message
 * was based on, for `avouch policy replay`.  The client's address is stored
 * separately, so that messages that differ only in the address share one row.
 */
#ifndef AVOUCH_REPORT_RECORD_POLICY_INPUT_CODEC_H
#define AVOUCH_REPORT_RECORD_POLICY_INPUT_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/buf.h"
#include "lib/span.h"
#include "verify/policy.h"

enum {
	FACTS_FORM = 3,       /* the first byte: the version of the encoding */
	FACTS_LIST_MAX = 32,  /* domains stored per list */
	FACTS_NAME_MAX = 255, /* bytes of a domain or a List-Id */
	FACTS_BYTES_MAX = 4096, /* bytes, including a NUL; a list that is longer
	                           than its share is cut */
};

/* A buffer of FACTS_BYTES_MAX bytes is always large enough. */
void facts_pack(struct buf *b, const struct policy_input *f);

/*
 * Decodes everything except `client`.  Strings point into `bytes`; lists are in
 * `a`.  Returns false if the encoding is invalid or not supported, or if `a` is
 * full.
 */
bool facts_unpack(struct span bytes, struct arena *a, struct policy_input *out);

#endif
