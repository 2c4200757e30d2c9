/*
 * spf_bench.c - the cost of one evaluation when all answers are known: a record
 * of 450 bytes with ten lookups; only the last one matches
 *
 * usage: spf_bench [EVALUATIONS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dns/questions.h"
#include "dns/zone.h"
#include "lib/buf.h"
#include "spf/spf.h"

enum {
	EVALUATIONS = 200000,
	RECORD_BYTES = 450,
	STRING_BYTES = 250, /* length of each string of the TXT record */
	QUESTIONS = 100,
	MEMORY = 1 << 20,
};

static void
answered_spf(struct dns_wait *wait, const struct dns_answer *answer)
{
	dns_questions_set_answer((struct dns_question *)wait, answer);
}

/* Writes `text` as strings of a TXT record. */
static void
put_txt(struct buf *b, struct span text)
{
	for (; text.n > 0; text = span_skip(text, STRING_BYTES)) {
		buf_text(b, " \"");
		buf_span(b, span_first(text, STRING_BYTES));
		buf_byte(b, '"');
	}
	buf_byte(b, '\n');
}

/* Writes eight terms that need lookups (the included records have two more),
 * and networks to fill the record. */
static void
put_spf_record(struct buf *b)
{
	buf_text(b,
	    "v=spf1 mx a include:one.example include:two.example "
	    "a:h1.example a:h2.example a:h3.example "
	    "exists:%{ir}.%{l1r+-}._spf.%{d2}");
	for (unsigned i = 1; b->n + 24 < RECORD_BYTES; i++)
		buf_printf(b, " ip4:198.51.%u.0/24", i);
	while (b->n + 5 < RECORD_BYTES)
		buf_byte(b, ' ');
	buf_text(b, " -all");
}

static void
put_zone(struct buf *b, struct span record)
{
	buf_text(b, "$TTL 300\nd.example. TXT");
	put_txt(b, record);
	buf_text(b,
	    "d.example. A 203.0.113.1\n"
	    "d.example. MX 10 m1.example.\n"
	    "d.example. MX 20 m2.example.\n"
	    "m1.example. A 203.0.113.2\n"
	    "m2.example. A 203.0.113.3\n"
	    "one.example. TXT \"v=spf1 ip4:203.0.113.0/26 a:h4.example "
	    "-all\"\n"
	    "two.example. TXT \"v=spf1 ip4:203.0.113.64/26 a:h5.example "
	    "-all\"\n"
	    "h1.example. A 203.0.113.4\n"
	    "h2.example. A 203.0.113.5\n"
	    "h3.example. A 203.0.113.6\n"
	    "h4.example. A 203.0.113.7\n"
	    "h5.example. A 203.0.113.8\n"
	    "9.2.0.192.user._spf.d.example. A 127.0.0.2\n");
}

/* Repeats the check until all answers are known, as the daemon does for a
 * message. */
static void
ask_all(const struct spf_query *q, struct dns_source *zone,
    struct dns_questions *questions, struct arena *a, struct spf_result *out)
{
	struct dns_question *question;

	while (spf_check(q, questions, a, out) == CORE_WAIT) {
		while (
		    (question = dns_questions_next_unsent(questions)) != NULL) {
			question->sent = true;
			question->wait.done = answered_spf;
			zone->ask(zone, question->name, question->type,
			    &question->wait);
		}
		arena_rewind(a);
	}
}

static double
cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
measure(const struct spf_query *q, struct dns_questions *questions,
    struct arena *a, size_t record, unsigned long n)
{
	struct spf_result r;
	double began = cpu_seconds();

	for (unsigned long i = 0; i < n; i++) {
		arena_rewind(a);
		if (spf_check(q, questions, a, &r) != CORE_DONE)
			abort();
	}
	printf("spf: record of %zu bytes, %u look-ups, %s%s: %.0f ns an "
	       "evaluation, %zu bytes of arena\n",
	    record, r.lookups, spf_code_name(r.code),
	    q->trace ? ", with trace" : "",
	    (cpu_seconds() - began) * 1e9 / (double)n, arena_used(a));
}

int
main(int argc, char **argv)
{
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : EVALUATIONS;
	char record_text[2048], zone_text[4096], error[256] = "";
	struct buf record = buf_wrap(record_text, sizeof(record_text));
	struct buf text = buf_wrap(zone_text, sizeof(zone_text));
	struct spf_query q = {
		.identity = SPF_IDENTITY_MAILFROM,
		.helo = SPAN("mail.d.example"),
		.sender = SPAN("user+list@d.example"),
		.receiver = SPAN("mx.receiver.example"),
	};
	struct dns_questions *questions = dns_questions_new(QUESTIONS);
	struct arena *a = arena_new(MEMORY);
	struct spf_result r;

	put_spf_record(&record);
	put_zone(&text, buf_view(&record));
	struct dns_source *zone =
	    dns_zone_parse("bench", buf_view(&text), error, sizeof(error));

	if (zone == NULL || questions == NULL || a == NULL || n == 0 ||
	    !ip_parse(SPAN("192.0.2.9"), &q.ip)) {
		fprintf(stderr, "spf_bench: %s\n", error);
		return 1;
	}
	ask_all(&q, zone, questions, a, &r);
	measure(&q, questions, a, record.n, n);
	q.trace = true;
	measure(&q, questions, a, record.n, n / 10 + 1);
	arena_free(a);
	dns_questions_free(questions);
	zone->close(zone);
	return 0;
}
