/*
 * record.h - a DMARC Policy Record (RFC 9989 sections 4.7 and 4.8).
 */
#ifndef AVOUCH_DMARC_RECORD_H
#define AVOUCH_DMARC_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/span.h"

enum { DMARC_RECORD_MAX = 8192, DMARC_URIS_MAX = 20 };

enum dmarc_policy {
	DMARC_POLICY_ABSENT, /* the tag is not there */
	DMARC_POLICY_NONE,
	DMARC_POLICY_QUARANTINE,
	DMARC_POLICY_REJECT,
};

enum dmarc_alignment { DMARC_RELAXED, DMARC_STRICT };
enum dmarc_psd { DMARC_PSD_UNKNOWN, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	struct span text; /* the whole record */
	enum dmarc_policy p, sp, np;
	bool p_defaulted; /* p= missing or bad, rua= usable: taken as none */
	enum dmarc_alignment adkim, aspf;
	enum dmarc_psd psd;
	bool testing; /* t=y */
	bool fo_0, fo_1, fo_d, fo_s;
	struct span rua[DMARC_URIS_MAX]; /* URIs, without "!10m" */
	struct span ruf[DMARC_URIS_MAX];
	size_t n_rua, n_ruf;
};

enum dmarc_record_state {
	DMARC_RECORD_OK,
	DMARC_RECORD_FOREIGN, /* does not begin with v=DMARC1: not DMARC's */
	DMARC_RECORD_BROKEN,  /* begins so but cannot be used */
};

/* Texts point into `text`.  `reason`: what is wrong, a constant text; or NULL.
 */
enum dmarc_record_state dmarc_record_parse(
    struct span text, struct dmarc_record *out, const char **reason);

const char *dmarc_policy_name(enum dmarc_policy policy); /* "none", ... */

#endif
