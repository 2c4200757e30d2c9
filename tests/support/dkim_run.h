/*
 * dkim_run.h - a message through the stages of dkim.h and arc.h, over a zone.
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
	/* in; all zero is good */
	struct dkim_options options; /* 0: the default of the configuration */
	int64_t now;                 /* 0: DKIM_RUN_NOW */
	size_t cut;            /* the body comes in two chunks, cut here */
	size_t step;           /* the body comes in chunks of so many bytes */
	unsigned long fail_at; /* the arena's allocation that fails, counted
	                          behind the reading of the header */
	bool with_arc;

	/* out */
	struct arena *a, *scratch;
	struct mail_header header;
	struct mail_from from;
	struct body_hashes *body_hashes;
	struct dns_questions *questions;
	struct dkim *dkim; /* NULL: no memory */
	struct arc *arc;
	const struct dkim_result *results;
	size_t n;
	struct arc_result chain;
	bool failed; /* some allocation has */
};

/* Sets what is 0 to the default of the configuration. */
void dkim_run_complete(struct dkim_options *o);

/* Everything but `in` is overwritten; dkim_run_end() frees it. */
void dkim_run(struct dkim_run *r, struct span message, struct dns_source *zone);
void dkim_run_end(struct dkim_run *r);

/* "pass:2048-bit RSA key fail:body hash did not verify"; for comparing. */
void dkim_run_text(
    const struct dkim_run *r, bool reasons, char *text, size_t size);

/* Fails the test unless that text with reasons is `want`. */
void dkim_run_expect(
    const struct dkim_run *r, const char *name, const char *want);

/* The record of `key` at sel._domainkey.example.com, and `more`. */
struct test_key;
struct dns_source *dkim_run_zone(const struct test_key *key, const char *more);

/* A file of tests/, whole; the caller frees `p`. */
struct span dkim_run_file(const char *path);

#endif
