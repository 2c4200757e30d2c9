/*
 * arc.h - validates the chain of ARC sets of a message (RFC 8617 section 5.2).
 * It does not create ARC sets.
 *
 * arc_begin(), arc_keys() and arc_finish() work like dkim_begin(), dkim_keys()
 * and dkim_finish(), with the same body hashes.
 *
 * Each set costs two verifications: 0.06 ms for one set and 2.2 ms for 50, with
 * cached 2048-bit RSA keys.  If every selector has two keys and the newest
 * message signature lacks c=, 50 sets cost 202 verifications: about 0.2 s with
 * the most expensive keys that are accepted.  RFC 8617 section 5.2 requires
 * every seal to be verified, so its limit of 50 sets is the only bound.  The
 * newest message signature is verified first, then the seals from the newest
 * down, and the first failure ends validation: only someone who sealed the
 * whole chain can make us verify all of it.
 */
#ifndef AVOUCH_DKIM_ARC_H
#define AVOUCH_DKIM_ARC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/body_hash.h"
#include "dkim/dkim.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "lib/core_status.h"
#include "mail/header.h"

enum { ARC_INSTANCES_MAX = 50 }; /* RFC 8617 section 4.2.1 */

enum arc_code { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };

struct arc_sealer {
	unsigned instance;
	struct span domain; /* d= of the ARC-Seal, normal form */
	struct span selector;
	struct span results; /* the AAR's value after "i=N;" */
};

struct arc_result {
	enum arc_code code;
	unsigned instances;   /* highest instance found; 0: none */
	unsigned oldest_pass; /* lowest instance whose AMS and all later AMS
	                         pass (RFC 8617 section 5.2 step 5); 0: all
	                         pass */
	/* sealers whose seal could be parsed, lowest instance first */
	const struct arc_sealer *sealers;
	size_t n_sealers;
	struct span reason; /* one line of printable ASCII */
};

/* Returns "none", "pass", "fail" or, for logs, "temperror".  RFC 8617 has no
 * "temperror", so headers say "fail" with a reason. */
const char *arc_code_name(enum arc_code code);

struct arc;

struct arc *arc_begin(struct arena *a, const struct dkim_options *o,
    const struct mail_header *h, struct body_hashes *body_hashes, int64_t now);
enum core_status arc_keys(
    struct arc *c, struct dns_questions *questions, struct arena *scratch);
void arc_finish(struct arc *c, struct arc_result *out);
void arc_free(struct arc *c); /* accepts NULL */

#endif
