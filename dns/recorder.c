#include "dns/recorder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/ip.h"

enum { STRING_MAX = 255 }; /* bytes of one string in a TXT record */

/* One question and its answer. */
struct recorded {
	struct dns_wait below; /* must be first; for the underlying source */
	struct recorder *recorder;
	struct dns_wait *wait;
	struct recorded *next;
	size_t number; /* number of the question, in the order asked */
	enum dns_type type;
	struct span name;
	const struct dns_answer *answer; /* NULL: none yet */
	char text[];
};

struct recorder {
	struct dns_source source; /* must be first */
	struct dns_source *source_below;
	/* Reference count: one for the owner, and one for each question sent to
	 * the underlying source (see cache.c). */
	atomic_size_t users;
	pthread_mutex_t lock; /* protects the members that follow */
	struct recorded *all;
	size_t n;
	bool incomplete;
	bool closed;
};

static void
recorder_release(struct recorder *r)
{
	struct recorded *next;

	if (atomic_fetch_sub(&r->users, 1) != 1)
		return;
	for (struct recorded *q = r->all; q != NULL; q = next) {
		next = q->next;
		dns_answer_unref(q->answer);
		free(q);
	}
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void
recorder_on_answer(struct dns_wait *below, const struct dns_answer *answer)
{
	struct recorded *q = (struct recorded *)below;
	struct recorder *r = q->recorder;
	struct dns_wait *wait;

	pthread_mutex_lock(&r->lock);
	q->answer = dns_answer_ref(answer);
	wait = q->wait;
	q->wait = NULL;
	pthread_mutex_unlock(&r->lock);
	if (wait != NULL)
		wait->done(wait, answer);
	recorder_release(r);
}

static struct recorded *
record_question(struct recorder *r, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct recorded *q = calloc(1, sizeof(*q) + name.n);

	pthread_mutex_lock(&r->lock);
	if (q == NULL || r->n == DNS_RECORDER_MAX) {
		free(q);
		q = NULL;
		r->incomplete = true;
	} else {
		memcpy(q->text, name.p, name.n);
		q->below = (struct dns_wait){
			.done = recorder_on_answer,
			.queue = wait->queue,
			.prefetch = wait->prefetch,
		};
		q->recorder = r;
		q->wait = wait;
		q->number = r->n++;
		q->type = type;
		q->name = span_of(q->text, name.n);
		q->next = r->all;
		r->all = q;
	}
	pthread_mutex_unlock(&r->lock);
	return q;
}

static void
recorder_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	struct recorder *r = (struct recorder *)source;
	struct recorded *q = record_question(r, name, type, wait);

	if (q == NULL) {
		r->source_below->ask(r->source_below, name, type, wait);
		return;
	}
	atomic_fetch_add(&r->users, 1);
	r->source_below->ask(r->source_below, q->name, type, &q->below);
}

static void
recorder_close(struct dns_source *source)
{
	struct recorder *r = (struct recorder *)source;
	struct dns_wait *first = NULL;
	struct dns_wait *next;

	pthread_mutex_lock(&r->lock);
	for (struct recorded *q = r->all; q != NULL; q = q->next) {
		if (q->wait == NULL)
			continue;
		q->wait->next = first;
		first = q->wait;
		q->wait = NULL;
	}
	pthread_mutex_unlock(&r->lock);
	for (struct dns_wait *w = first; w != NULL; w = next) {
		next = w->next;
		w->done(w, dns_answer_failed(DNS_ERROR_RESOURCE));
	}
	recorder_release(r);
}

static unsigned
recorder_share(struct dns_source *source)
{
	const struct recorder *r = (const struct recorder *)source;

	return dns_source_share(r->source_below);
}

struct dns_source *
dns_recorder_open(struct dns_source *below)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->source = (struct dns_source){
		.ask = recorder_ask,
		.close = recorder_close,
		.share = recorder_share,
	};
	r->source_below = below;
	atomic_init(&r->users, 1);
	pthread_mutex_init(&r->lock, NULL);
	return &r->source;
}

/* ---- writing ---- */

static void
put_byte(FILE *out, unsigned char c, bool plain)
{
	if (plain)
		putc(c, out);
	else
		fprintf(out, "\\%03u", c);
}

/* RFC 1035 section 5.1 */
static void
put_name(FILE *out, struct span name)
{
	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		put_byte(out, c,
		    ascii_is_alnum(c) || c == '.' || c == '-' || c == '_');
	}
	putc('.', out);
}

/* Writes as many strings as the record had.  Where each of them ended is
 * unknown. */
static void
put_text(FILE *out, const struct dns_record *record)
{
	struct span left = record->text;

	for (unsigned i = 0; i == 0 || i < record->strings || left.n > 0; i++) {
		struct span string = span_first(left, STRING_MAX);

		fputs(i > 0 ? " \"" : "\"", out);
		for (size_t k = 0; k < string.n; k++) {
			unsigned char c = (unsigned char)string.p[k];

			put_byte(
			    out, c, ascii_is_print(c) && c != '"' && c != '\\');
		}
		putc('"', out);
		left = span_skip(left, string.n);
	}
}

static bool
begins_with_at(struct span name)
{
	return name.n > 0 && name.p[0] == '@' &&
	    (name.n == 1 || name.p[1] == '.');
}

/*
 * Writes a name whose first label is "@" in the form of RFC 3597 section 5:
 * ldns reads "@" as the origin even if it is escaped.
 */
static void
put_at_name(FILE *out, enum dns_type type, const struct dns_record *record)
{
	struct span left = record->text;
	size_t size = left.n + 2;

	if (type == DNS_MX)
		fprintf(out, "\\# %zu %04x", size + 2, record->preference);
	else if (type == DNS_SOA) /* plus a second name and five numbers */
		fprintf(out, "\\# %zu ", size + 21);
	else
		fprintf(out, "\\# %zu ", size);
	while (left.n > 0) {
		struct span label = span_first(left, span_index(left, '.'));

		fprintf(out, "%02zx", label.n);
		for (size_t i = 0; i < label.n; i++)
			fprintf(out, "%02x", (unsigned char)label.p[i]);
		left = span_skip(left, label.n + 1);
	}
	fputs("00", out);
	if (type == DNS_SOA)
		fprintf(out, "%042d", 0);
}

static void
put_data(FILE *out, enum dns_type type, const struct dns_record *record)
{
	char text[IP_TEXT_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	if (type != DNS_TXT && type != DNS_TLSA &&
	    begins_with_at(record->text)) {
		put_at_name(out, type, record);
		return;
	}
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		ip_put(&b, &record->ip);
		fputs(text, out);
		break;
	case DNS_TLSA: /* digits and letters only */
		fwrite(record->text.p, 1, record->text.n, out);
		break;
	case DNS_TXT:
		put_text(out, record);
		break;
	case DNS_MX:
		fprintf(out, "%u ", record->preference);
		put_name(out, record->text);
		break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
		put_name(out, record->text);
		break;
	case DNS_SOA: /* its other fields were not recorded */
		put_name(out, record->text);
		fputs(" . 0 0 0 0 0", out);
		break;
	}
}

/* Writes ";!WORD NAME TYPE" without the end of the line. */
static void
put_mark(FILE *out, const char *word, const struct recorded *q)
{
	fprintf(out, ";!%s ", word);
	put_name(out, q->name);
	fprintf(out, " %s", dns_type_name(q->type));
}

/* Returns the recorded answer to `q`.  If there is none, because the message
 * ran out of time, returns the error that dns_queue_expire() reports. */
static const struct dns_answer *
answer_of(const struct recorded *q)
{
	return q->answer != NULL ? q->answer
				 : dns_answer_failed(DNS_ERROR_TIMEOUT);
}

static void
put_answer(FILE *out, const struct recorded *q)
{
	const struct dns_answer *a = answer_of(q);

	if (a->state == DNS_FAILED) {
		put_mark(out, "failed", q);
		fprintf(out, " %s\n", dns_error_name(a->fault));
		return;
	}
	if (a->state != DNS_FOUND) {
		put_mark(out, dns_state_name(a->state), q);
		putc('\n', out);
	}
	if (a->alias.p != NULL) {
		put_mark(out, "alias", q);
		putc(' ', out);
		put_name(out, a->alias);
		putc('\n', out);
	}
	if (a->is_secure) {
		put_mark(out, "secure", q);
		putc('\n', out);
	}
	for (size_t i = 0; i < a->n_records; i++) {
		put_name(out, q->name);
		fprintf(out, "\t%lu\tIN\t%s\t", (unsigned long)a->ttl,
		    dns_type_name(q->type));
		put_data(out, q->type, &a->records[i]);
		putc('\n', out);
	}
}

static int
compare_questions(const struct recorded *a, const struct recorded *b)
{
	size_t n = a->name.n < b->name.n ? a->name.n : b->name.n;
	int order = memcmp(a->name.p, b->name.p, n);

	if (order != 0)
		return order;
	if (a->name.n != b->name.n)
		return a->name.n < b->name.n ? -1 : 1;
	return (int)a->type - (int)b->type;
}

static int
compare(const void *left, const void *right)
{
	const struct recorded *a = *(struct recorded *const *)left;
	const struct recorded *b = *(struct recorded *const *)right;
	int order = compare_questions(a, b);

	if (order != 0)
		return order;
	if ((a->answer == NULL) != (b->answer == NULL))
		return a->answer == NULL ? 1 : -1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* Returns all questions with a valid name, sorted; NULL if memory ran out. */
static struct recorded **
sorted(struct recorder *r, size_t *n)
{
	struct recorded **list = calloc(r->n + 1, sizeof(struct recorded *));

	*n = 0;
	if (list == NULL)
		return NULL;
	for (struct recorded *q = r->all; q != NULL; q = q->next)
		if (answer_of(q)->state != DNS_BADNAME)
			list[(*n)++] = q;
	qsort(list, *n, sizeof(struct recorded *), compare);
	return list;
}

bool
dns_recorder_write(struct dns_source *recorder, FILE *out)
{
	struct recorder *r = (struct recorder *)recorder;
	struct recorded **list;
	bool complete;
	size_t n;

	pthread_mutex_lock(&r->lock);
	list = sorted(r, &n);
	complete = list != NULL && !r->incomplete;
	if (list != NULL)
		fputs("; DNS answers, as they were received\n", out);
	for (size_t i = 0; list != NULL && i < n; i++)
		if (i == 0 || compare_questions(list[i - 1], list[i]) != 0)
			put_answer(out, list[i]);
	pthread_mutex_unlock(&r->lock);
	free(list);
	return fflush(out) == 0 && !ferror(out) && complete;
}
