/*
 * signer_run.h - signs a message as the milter does, and verifies the result
 * with our verifier.
 */
#ifndef AVOUCH_TESTS_SUPPORT_SIGNER_RUN_H
#define AVOUCH_TESTS_SUPPORT_SIGNER_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "sign/signer.h"

enum { SIGNER_RUN_MESSAGE_MAX = 400000 };

#define FROM "From: Alice <alice@example.com>\r\n"
#define REST                                                                   \
	"To: bob@example.net\r\nSubject: Hello\r\n"                            \
	"Date: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <1@a>\r\n"

struct signer_run {
	const char *conf; /* NULL: the defaults */
	const char *login, *sender;
	const char *senders; /* content of the senders file; NULL: no file */
	size_t step;         /* bytes per chunk of the body; 0: one chunk */
	int64_t now;         /* 0: DKIM_RUN_NOW */
};

struct signer_ran {
	const struct conf *conf;
	struct senders *senders;
	struct signer *signer;
	const struct signer_outcome *o;
	struct span message; /* the signed message, without removed fields */
	char *text;
};

/* Set up and tear down a group of tests. */
int signer_run_set_up(void **state);
int signer_run_tear_down(void **state);
extern struct sign_keys *signer_run_keys;

/* The caller frees the result with signer_run_end(). */
struct signer_ran signer_run(const struct signer_run *how, const char *message);
struct signer_ran signer_run_span(
    const struct signer_run *how, struct span message);
void signer_run_end(struct signer_ran *r);

/* Passes the message to the signer, its body in chunks of `step` bytes; 0: in
 * one chunk. */
void signer_run_feed(struct signer *signer, struct span message, size_t step);

/* Appends to r->message. */
void signer_run_put(struct signer_ran *r, struct span s);

/* Fails the test unless our verifier's results are `want`, such as "pass
 * pass". */
void signer_run_expect(
    const struct signer_ran *r, const char *name, const char *want);

struct outcome_vector {
	const char *title;
	const char *conf, *login, *sender, *senders;
	const char *header; /* REST is appended */
	enum signer_result result;
	enum signer_reason reason;
	const char *domain; /* d= */
	bool mismatch;
};

/* Checks each vector with a message that has the fields of REST.  A failure
 * prints the title of its vector. */
void signer_run_outcomes(const struct outcome_vector *v, size_t n);

#endif
