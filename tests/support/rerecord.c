#include "tests/support/rerecord.h"

#include <stdio.h>
#include <stdlib.h>

#include "dns/recorder.h"
#include "dns/zone.h"

struct rerecord_request {
	struct dns_wait wait; /* must be the first member */
	const struct dns_answer *answer;
};

static void
save_rerecord(struct dns_wait *wait, const struct dns_answer *answer)
{
	((struct rerecord_request *)wait)->answer = dns_answer_ref(answer);
}

static const struct dns_answer *
ask_rerecord(struct dns_source *source, struct span name, enum dns_type type)
{
	struct rerecord_request a = { .wait = { .done = save_rerecord } };

	source->ask(source, name, type, &a.wait);
	if (a.answer == NULL)
		abort();
	return a.answer;
}

static bool
is_same(const struct dns_answer *a, const struct dns_answer *b)
{
	if (a->state != b->state || a->fault != b->fault ||
	    a->is_secure != b->is_secure || a->n_records != b->n_records ||
	    (a->alias.p == NULL) != (b->alias.p == NULL) ||
	    !span_equal(a->alias, b->alias))
		return false;
	if (a->state == DNS_FOUND && a->ttl != b->ttl)
		return false;
	for (size_t i = 0; i < a->n_records; i++)
		if (!dns_record_equal(&a->records[i], &b->records[i]))
			return false;
	return true;
}

void
rerecord(struct dns_source *source, struct span name, enum dns_type type)
{
	struct dns_source *recorder = dns_recorder_open(source);
	const struct dns_answer *first, *second;
	struct dns_source *zone;
	char error[200] = "";
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	if (recorder == NULL || out == NULL)
		abort();
	first = ask_rerecord(recorder, name, type);
	if (!dns_recorder_write(recorder, out) || fclose(out) != 0)
		abort();
	zone =
	    dns_zone_parse("recorded", span_of(text, n), error, sizeof(error));
	if (zone == NULL) {
		fprintf(stderr, "%s\n%s\n", error, text);
		abort();
	}
	second = ask_rerecord(zone, name, type);
	if (!is_same(first, second)) {
		fprintf(stderr, "%s\n", text);
		abort();
	}
	dns_answer_unref(first);
	dns_answer_unref(second);
	recorder->close(recorder);
	zone->close(zone);
	free(text);
}
