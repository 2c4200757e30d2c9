/*
 * report_tls_fuzz.c - reads arbitrary bytes as a TLS report (RFC 8460
 * section 4.4).
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/date.h"
#include "lib/utf8.h"
#include "report/receive/tls_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_line(struct span s)
{
	while (s.n > 0) {
		size_t n = utf8_plain(s);

		assert(n > 0);
		s = span_skip(s, n);
	}
}

static void
check_report(const struct ledger_tls *r)
{
	uint64_t sessions = 0;

	assert(r->n <= TLS_JSON_RESULTS_MAX);
	assert(r->organisation.n > 0);
	assert(r->begin >= 0 && r->begin <= r->end);
	assert(r->end <= DATE_LAST + DATE_DAY);
	check_line(r->organisation);
	check_line(r->contact);
	check_line(r->report_id);
	for (size_t i = 0; i < r->n; i++) {
		const struct ledger_tls_result *one = &r->results[i];

		assert(one->domain.n > 0 && one->result.n > 0);
		check_line(one->domain);
		check_line(one->policy);
		check_line(one->result);
		check_line(one->mx);
		check_line(one->reason);
		sessions += one->sessions;
		assert(sessions <= (uint64_t)TLS_JSON_SESSIONS_MAX);
	}
}

/* Checks that white space around the document makes no difference. */
static void
check_padded(struct span json, enum tls_json_end want, size_t n)
{
	struct arena *a = arena_new(TLS_JSON_ARENA_MAX);
	char *padded = malloc(json.n + 2);
	struct ledger_tls r;
	const char *reason;

	assert(a != NULL && padded != NULL);
	padded[0] = '\n';
	if (json.n > 0)
		memcpy(padded + 1, json.p, json.n);
	padded[json.n + 1] = ' ';
	assert(
	    tls_json_read(span_of(padded, json.n + 2), a, &r, &reason) == want);
	assert(want != TLS_JSON_DONE || r.n == n);
	free(padded);
	arena_free(a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span json = span_of((const char *)data, size);
	struct arena *a = arena_new(TLS_JSON_ARENA_MAX);
	struct ledger_tls r;
	const char *reason;
	enum tls_json_end end;

	assert(a != NULL);
	end = tls_json_read(json, a, &r, &reason);
	assert(end != TLS_JSON_MEMORY);
	assert((end == TLS_JSON_DONE) == (reason == NULL));
	if (end == TLS_JSON_DONE)
		check_report(&r);
	check_padded(json, end, r.n);
	arena_free(a);
	return 0;
}
