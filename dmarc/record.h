/*
 * record.h - parses a DMARC Policy Record (RFC 9989 sections 4.7 and 4.8).
 */
#ifndef AVOUCH_DMARC_RECORD_H
#define AVOUCH_DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/scan.h"
#include "lib/span.h"

enum {
	DMARC_RECORD_MAX =
	    8192,            /* bytes; a longer record is treated as broken */
	DMARC_URIS_MAX = 20, /* URIs kept from one list */
};

enum dmarc_policy {
	DMARC_POLICY_ABSENT, /* the tag is missing */
	DMARC_POLICY_NONE,
	DMARC_POLICY_QUARANTINE,
	DMARC_POLICY_REJECT,
};

enum dmarc_alignment { DMARC_RELAXED, DMARC_STRICT };
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	struct span text; /* the whole record */
	enum dmarc_policy p, sp, np;
	bool p_defaulted; /* p= is missing, or p=, sp= or np= is invalid, but
	                     rua= is usable: treated as p=none */
	enum dmarc_alignment adkim, aspf;
	enum dmarc_psd psd;
	bool testing; /* t=y */
	bool fo_0, fo_1, fo_d, fo_s;
	struct span
	    rua[DMARC_URIS_MAX]; /* URIs, without a size such as "!10m" */
	struct span ruf[DMARC_URIS_MAX];
	size_t n_rua, n_ruf;
};

enum dmarc_record_state {
	DMARC_RECORD_OK,
	DMARC_RECORD_NOT_DMARC, /* does not begin with v=DMARC1: not a DMARC
	                           record */
	DMARC_RECORD_BROKEN,    /* begins with v=DMARC1 but cannot be used */
};

/* Parses a record.  Spans in `out` point into `text`.  `reason` is a constant
 * string that says what is wrong, or NULL. */
enum dmarc_record_state dmarc_record_parse(
    struct span text, struct dmarc_record *out, const char **reason);

const char *dmarc_policy_name(enum dmarc_policy policy); /* "none", ... */

enum dmarc_target {              /* the domain to which a record is applied */
	DMARC_TARGET_ITSELF,     /* the domain that has the record */
	DMARC_TARGET_SUBDOMAIN,  /* an existing domain below it */
	DMARC_TARGET_NONEXISTENT /* a nonexistent domain below it */
};

/* Returns the policy that applies, and sets `tag` to its tag, "p", "sp" or "np"
 * (RFC 9989 sections 4.7 and 4.10.1). */
enum dmarc_policy dmarc_record_policy(
    const struct dmarc_record *r, enum dmarc_target target, const char **tag);

/* Returns the policy to apply: if t=y, it is one level less severe than
 * `policy` (RFC 9989 section 4.7). */
enum dmarc_policy dmarc_policy_asked(enum dmarc_policy policy, bool testing);

/* ---- the pieces of a record, for programs that explain it ---- */

enum { DMARC_TAGS_MAX = 64 }; /* tags kept for one record */

enum dmarc_tag_state {
	DMARC_TAG_OK,
	DMARC_TAG_BAD_VALUE, /* violates the syntax of its tag: the default
	                        applies */
	DMARC_TAG_TWICE,     /* a duplicate, which is ignored */
	DMARC_TAG_UNKNOWN,   /* not a registered tag: ignored */
	DMARC_TAG_HISTORIC,  /* pct, rf, ri: ignored */
	DMARC_TAG_GARBLED,   /* not tag=value; the whole piece is in `value` */
};

struct dmarc_tag {
	struct span name; /* as written */
	struct span value;
	enum dmarc_tag_state state;
};

/* Lists the pieces of `text` in order, "v" first.  Returns their number, which
 * may exceed DMARC_TAGS_MAX, or 0 if this is not a DMARC record. */
size_t dmarc_record_tags(
    struct span text, struct dmarc_tag tags[DMARC_TAGS_MAX]);

enum dmarc_uri_state {
	DMARC_URI_OK,
	DMARC_URI_SIZED, /* well-formed, with an obsolete size such as "!10m" */
	DMARC_URI_BAD,   /* not a URI, or contains an unencoded "!" */
};

/* Reads the next URI of a rua= or ruf= value; returns false at the end.  `uri`
 * excludes the size. */
bool dmarc_uri_next(
    struct scan *s, struct span *uri, enum dmarc_uri_state *state);

/* Returns the domain of the address in a "mailto:" URI, or an absent span for
 * other schemes. */
struct span dmarc_uri_domain(struct span uri);

#endif
