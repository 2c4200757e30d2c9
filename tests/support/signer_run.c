#include "tests/support/signer_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/conf_text.h"
#include "tests/support/dkim_run.h"
#include "tests/support/sign_keys.h"

/*
 * example.com has an RSA key and an Ed25519 key; example.org has an RSA key;
 * sub.example.org and lists.club.example have one key each; the keys of
 * new.example.org and new.example were never published.
 */
static struct test_keys folder;
struct sign_keys *signer_run_keys;
static struct dns_source *zone;

int
signer_run_set_up(void **state)
{
	(void)state;
	test_keys_begin(&folder);
	test_keys_add(&folder, "example.com", "r1", PRIVATE_KEY_RSA);
	test_keys_add(&folder, "example.com", "e1", PRIVATE_KEY_ED25519);
	test_keys_add(&folder, "example.org", "s1", PRIVATE_KEY_RSA);
	test_keys_add(&folder, "sub.example.org", "s2", PRIVATE_KEY_ED25519);
	test_keys_add(&folder, "lists.club.example", "l1", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "new.example.org", "n1", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "new.example", "n1", PRIVATE_KEY_ED25519);
	signer_run_keys = test_keys_load(&folder);
	zone = test_keys_zone(&folder);
	return 0;
}

int
signer_run_tear_down(void **state)
{
	(void)state;
	zone->close(zone);
	sign_keys_unref(signer_run_keys);
	test_keys_end(&folder);
	return 0;
}

void
signer_run_put(struct signer_ran *r, struct span s)
{
	assert_true(r->message.n + s.n < SIGNER_RUN_MESSAGE_MAX);
	if (s.n > 0)
		memcpy(r->text + r->message.n, s.p, s.n);
	r->message.n += s.n;
	r->message.p = r->text;
}

static bool
is_removed(const struct signer_outcome *o, uint32_t nth)
{
	for (size_t i = 0; i < o->n_remove; i++)
		if (o->remove[i] == nth)
			return true;
	return false;
}

/* Changes the message as the MTA would: adds the new signatures on top, and
 * removes the fields that the signer wants removed. */
static void
put_result(struct signer_ran *r, struct span message)
{
	struct scan s = mail_header_open(message);
	struct span name, value;
	const char *from = s.p;
	uint32_t nth = 0;

	r->text = malloc(SIGNER_RUN_MESSAGE_MAX);
	assert_non_null(r->text);
	for (size_t i = 0; i < r->o->n_add; i++) {
		signer_run_put(r, SPAN("DKIM-Signature:"));
		signer_run_put(r, r->o->add[i]);
		signer_run_put(r, SPAN("\r\n"));
	}
	while (mail_header_next(&s, &name, &value)) {
		if (!span_is_nocase(name, "DKIM-Signature") ||
		    !is_removed(r->o, ++nth))
			signer_run_put(r, span_between(from, s.p));
		from = s.p;
	}
	signer_run_put(r, span_between(from, message.p + message.n));
}

void
signer_run_feed(struct signer *signer, struct span message, size_t step)
{
	struct scan s = mail_header_open(message);
	struct span name, value, body;

	while (mail_header_next(&s, &name, &value))
		signer_header(signer, name, value);
	signer_headers_end(signer);
	body = scan_rest(&s);
	for (step = step > 0 ? step : body.n + 1; body.n > 0;
	     body = span_skip(body, step))
		signer_body(signer, span_first(body, step));
}

struct signer_ran
signer_run_span(const struct signer_run *how, struct span message)
{
	struct signer_ran r = { .conf = conf_text_good(
				    how->conf != NULL ? how->conf : "") };

	if (how->senders != NULL)
		r.senders = senders_read_text(
		    span_str(how->senders), "senders", stderr);
	r.signer = signer_begin(r.conf, signer_run_keys, r.senders,
	    &(struct signer_envelope){
		.sender = span_str(
		    how->sender != NULL ? how->sender : "<alice@example.com>"),
		.login = span_str(how->login),
		.all_ours = true,
		.authserv_id = SPAN("mx.example.net"),
	    });
	assert_non_null(r.signer);
	signer_run_feed(r.signer, message, how->step);
	r.o = signer_finish(r.signer, how->now != 0 ? how->now : DKIM_RUN_NOW);
	put_result(&r, message);
	return r;
}

struct signer_ran
signer_run(const struct signer_run *how, const char *message)
{
	return signer_run_span(how, span_str(message));
}

void
signer_run_end(struct signer_ran *r)
{
	signer_end(r->signer);
	senders_free(r->senders);
	conf_unref(r->conf);
	free(r->text);
}

void
signer_run_expect(
    const struct signer_ran *r, const char *name, const char *want)
{
	struct dkim_run v = { .now = DKIM_RUN_NOW };
	char text[400];

	dkim_run(&v, r->message, zone);
	dkim_run_text(&v, false, text, sizeof(text));
	if (strcmp(text, want) != 0) {
		dkim_run_text(&v, true, text, sizeof(text));
		fail_msg("%s: %s, want %s\n%.*s", name, text, want,
		    SPAN_FMT(r->message));
	}
	dkim_run_end(&v);
}

void
signer_run_outcomes(const struct outcome_vector *v, size_t n)
{
	char message[4000];

	for (; n > 0; n--, v++) {
		struct signer_ran r;

		snprintf(message, sizeof(message), "%s" REST "\r\nHi\r\n",
		    v->header);
		r = signer_run(
		    &(struct signer_run){
			.conf = v->conf,
			.login = v->login,
			.sender = v->sender,
			.senders = v->senders,
		    },
		    message);
		if (r.o->result != v->result || r.o->reason != v->reason)
			fail_msg("%s: %d, %s; want %d, %s", v->title,
			    r.o->result, signer_reason_name(r.o->reason),
			    v->result, signer_reason_name(v->reason));
		if (v->domain != NULL && !span_is(r.o->domain, v->domain))
			fail_msg("%s: d=%.*s", v->title, SPAN_FMT(r.o->domain));
		if (r.o->author_mismatch != v->mismatch)
			fail_msg(
			    "%s: mismatch %d", v->title, r.o->author_mismatch);
		if (v->result != SIGNER_SIGNED && r.o->n_add > 0)
			fail_msg("%s: has a signature", v->title);
		signer_run_end(&r);
	}
}
