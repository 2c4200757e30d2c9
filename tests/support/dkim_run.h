/*
 * dkim_run.h - passes a message through the stages of dkim.h and arc.h, with a
 * zone for DNS.
 */
#ifndef AVOUCH_TESTS_SUPPORT_DKIM_RUN_H
#define AVOUCH_TESTS_SUPPORT_DKIM_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dkim/arc.h"
#include "dkim/dkim.h"
#include "dns/source.h"
#include "dns/questions.h"
#include "lib/arena.h"
#include "lib/span.h"
#include "mail/author.h"
#include "mail/header.h"

enum { DKIM_RUN_NOW = 1750000000 };

struct dkim_run {
	/* input; may be all zero */
	struct dkim_options options; /* members that are 0 get the
	                                configuration's default */
	int64_t now;                 /* 0: DKIM_RUN_NOW */
	size_t cut;                  /* the body is passed in two chunks, split
	                                here */
	size_t step;                 /* bytes per chunk of the body */
	/* number of the first arena allocation that fails, counted after the
	 * header has been read; all later ones fail too; 0: none fails */
	unsigned long fail_at;
	bool with_arc;

	/* output */
	struct arena *a, *scratch;
	struct mail_header header;
	struct mail_from from;
	struct body_hashes *body_hashes;
	struct dns_questions *questions;
	struct dkim *dkim; /* NULL: memory ran out */
	struct arc *arc;
	const struct dkim_result *results;
	size_t n;
	struct arc_result chain;
	bool failed; /* an allocation has failed */
};

/* Sets members that are 0 to the configuration's default. */
void dkim_run_complete(struct dkim_options *o);

/* Overwrites everything except the input.  Free the result with
 * dkim_run_end(). */
void dkim_run(struct dkim_run *r, struct span message, struct dns_source *zone);
void dkim_run_end(struct dkim_run *r);

/* Writes the results as text that is easy to compare: "pass:2048-bit RSA key
 * fail:body hash did not verify". */
void dkim_run_text(
    const struct dkim_run *r, bool reasons, char *text, size_t size);

/* Fails the test unless dkim_run_text() with reasons gives `want`. */
void dkim_run_expect(
    const struct dkim_run *r, const char *name, const char *want);

/* Returns a zone with `more` and the record of `key` at
 * sel._domainkey.example.com. */
struct test_key;
struct dns_source *dkim_run_zone(const struct test_key *key, const char *more);

/* Reads a whole file below tests/.  The caller frees `p` of the result. */
struct span dkim_run_file(const char *path);

#endif
