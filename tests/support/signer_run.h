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
	const char *senders; /* text of the file; NULL: none */
	size_t step;         /* bytes of a chunk of the body; 0: one chunk */
	int64_t now;         /* 0: DKIM_RUN_NOW */
};

struct signer_ran {
	const struct conf *conf;
	struct senders *senders;
	struct signer *signer;
	const struct signer_outcome *o;
	struct span message; /* signed, without what was removed */
	char *text;
};

/* The set-up of a group of tests, and its end. */
int signer_run_set_up(void **state);
int signer_run_tear_down(void **state);
extern struct sign_keys *signer_run_keys;

/* End the result with signer_run_end(). */
struct signer_ran signer_run(const struct signer_run *how, const char *message);
struct signer_ran signer_run_span(
    const struct signer_run *how, struct span message);
void signer_run_end(struct signer_ran *r);

/* Hands the message over, its body in chunks of `step` bytes; 0: as one. */
void signer_run_feed(struct signer *signer, struct span message, size_t step);

/* Appends to r->message. */
void signer_run_put(struct signer_ran *r, struct span s);

/* Fails unless our verifier says `want`, "pass pass". */
void signer_run_expect(
    const struct signer_ran *r, const char *name, const char *want);

struct outcome_vector {
	const char *title;
	const char *conf, *login, *sender, *senders;
	const char *header; /* FROM and REST are added to "+..." */
	enum signer_result result;
	enum signer_reason reason;
	const char *domain; /* d= */
	bool mismatch;
};

/* Each as a message with the fields of REST; fails with the title. */
void signer_run_outcomes(const struct outcome_vector *v, size_t n);

#endif
