#include "tests/support/dkim_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/buf.h"
#include "tests/support/core_driver.h"
#include "tests/support/sign.h"
#include "conf/conf.h"

enum { ARENA = 8 << 20, SCRATCH = 1 << 20, QUESTIONS = 300 };

static void
feed(struct dkim_run *r, struct span body)
{
	size_t step = r->step > 0 ? r->step : body.n;

	if (r->cut > 0) {
		body_hashes_add(r->body_hashes, span_first(body, r->cut));
		body_hashes_add(r->body_hashes, span_skip(body, r->cut));
	} else {
		for (; body.n > 0; body = span_skip(body, step))
			body_hashes_add(r->body_hashes, span_first(body, step));
	}
	body_hashes_end(r->body_hashes);
}

static void
ask_dkim_run(struct dkim_run *r, struct dns_source *zone)
{
	while (r->dkim != NULL &&
	    dkim_keys(r->dkim, r->questions, r->scratch) == CORE_WAIT)
		pump(r->questions, zone);
	while (r->arc != NULL &&
	    arc_keys(r->arc, r->questions, r->scratch) == CORE_WAIT)
		pump(r->questions, zone);
}

void
dkim_run_complete(struct dkim_options *o)
{
	const struct conf *defaults = conf_defaults();

	assert_non_null(defaults);
	if (o->min_rsa_bits == 0)
		o->min_rsa_bits = defaults->dkim.min_rsa_bits;
	conf_unref(defaults);
}

void
dkim_run(struct dkim_run *r, struct span message, struct dns_source *zone)
{
	size_t at;

	if (r->now == 0)
		r->now = DKIM_RUN_NOW;
	dkim_run_complete(&r->options);
	r->a = arena_new(ARENA);
	r->scratch = arena_new(SCRATCH);
	r->questions = dns_questions_new(QUESTIONS);
	r->header = (struct mail_header){ .n = 0 };
	at = mail_header_read(&r->header, r->a, message);
	mail_from_read(&r->header, r->a, &r->from);
	arena_fail_at(r->a, r->fail_at);
	r->dkim = NULL;
	r->arc = NULL;
	r->results = NULL;
	r->n = 0;
	r->body_hashes = body_hashes_new(r->a);
	if (r->body_hashes != NULL) {
		r->dkim = dkim_begin(r->a, &r->options, &r->header,
		    r->body_hashes, r->from.domains, r->from.n_domains, r->now);
		if (r->with_arc)
			r->arc = arc_begin(r->a, &r->options, &r->header,
			    r->body_hashes, r->now);
		ask_dkim_run(r, zone);
		feed(r, span_skip(message, at));
	}
	if (r->dkim != NULL) {
		dkim_finish(r->dkim);
		r->results = dkim_results(r->dkim, &r->n);
	}
	if (r->arc != NULL)
		arc_finish(r->arc, &r->chain);
	r->failed = arena_has_failed(r->a);
}

void
dkim_run_end(struct dkim_run *r)
{
	dkim_free(r->dkim);
	arc_free(r->arc);
	body_hashes_free(r->body_hashes);
	dns_questions_free(r->questions);
	arena_free(r->scratch);
	arena_free(r->a);
}

void
dkim_run_text(const struct dkim_run *r, bool reasons, char *text, size_t size)
{
	struct buf b = buf_wrap(text, size);

	for (size_t i = 0; i < r->n; i++) {
		buf_text(&b, i > 0 ? " " : "");
		buf_text(&b, dkim_code_name(r->results[i].code));
		if (reasons) {
			buf_text(&b, ":");
			buf_span(&b, r->results[i].reason);
		}
	}
	assert_false(b.full);
}

/* Checks that the type of failure matches the reason (RFC 6591 section 3.3). */
static void
expect_flaw(const char *name, const struct dkim_result *r)
{
	enum dkim_auth_failure want = DKIM_FLAW_OTHER;

	if (span_starts_nocase(r->reason, "body hash did not verify") ||
	    span_starts_nocase(r->reason, "the body has"))
		want = DKIM_FLAW_BODY;
	else if (span_is(r->reason, "the key is revoked"))
		want = DKIM_FLAW_REVOKED;
	if (r->auth_failure != want)
		fail_msg("%s: flaw %d, want %d", name, (int)r->auth_failure,
		    (int)want);
}

void
dkim_run_expect(const struct dkim_run *r, const char *name, const char *want)
{
	char got[16000];

	dkim_run_text(r, true, got, sizeof(got));
	if (strcmp(got, want) != 0)
		fail_msg("%s (cut %zu, step %zu): got %s, want %s", name,
		    r->cut, r->step, got, want);
	for (size_t i = 0; i < r->n; i++)
		expect_flaw(name, &r->results[i]);
}

struct dns_source *
dkim_run_zone(const struct test_key *key, const char *more)
{
	char *record = sign_record(key);
	char *line = sign_zone_line("sel._domainkey.example.com", record);
	size_t size = strlen(line) + strlen(more) + 1;
	char *text = malloc(size);
	struct dns_source *zone;

	assert_non_null(text);
	snprintf(text, size, "%s%s", line, more);
	zone = pump_zone(text);
	free(text);
	free(line);
	free(record);
	return zone;
}

struct span
dkim_run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *p = malloc(1 << 20);
	size_t n;

	if (f == NULL || p == NULL)
		fail_msg("cannot read %s", path);
	n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return span_of(p, n);
}
