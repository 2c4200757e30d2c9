/*
 * store_bench.c - measures the cost of the store: several threads store a day
 * of synthetic messages, as in a milter under load.
 *
 *	store_bench FILE [MESSAGES [THREADS [DOMAINS [ADDRESSES]]]]
 *
 * If FILE exists, the messages are added to it.
 *
 * Prints messages/s, CPU time per message, the size of the file, the number of
 * rows in it, and the duration of the slowest store_put().
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "report/store/query.h"
#include "report/store/queue.h"
#include "report/store/writer.h"

enum { THREADS_MAX = 512, NAME_MAX_BYTES = 80, RECORD_MAX_BYTES = 160 };

static const int64_t day_begin = 20000LL * DATE_DAY;

struct plan {
	struct store *store;
	uint64_t messages, domains, addresses;
	_Atomic uint64_t next;
	_Atomic uint64_t on_disk;
	_Atomic int64_t slowest_us, sum_us;
};

/* One message, with the strings of its row and facts. */
struct store_bench_message {
	struct report_row row;
	struct policy_input facts;
	struct policy_decision decision;
	struct span from, recipient;
	char domain[NAME_MAX_BYTES], record[RECORD_MAX_BYTES];
	char helper[NAME_MAX_BYTES], list[NAME_MAX_BYTES], to[NAME_MAX_BYTES];
};

/* splitmix64: gives the same messages in every run. */
static uint64_t
scramble(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

/* Makes a few domains send most of the mail, by squaring a uniform value. */
static uint64_t
skewed(uint64_t r, uint64_t n)
{
	double x = (double)(r >> 11) / 9007199254740992.0;

	return (uint64_t)(x * x * (double)n);
}

static struct ip
address(uint64_t n)
{
	struct ip ip = { .family = IP_V4 };

	ip.bytes[0] = 10;
	ip.bytes[1] = (uint8_t)(n >> 16);
	ip.bytes[2] = (uint8_t)(n >> 8);
	ip.bytes[3] = (uint8_t)n;
	return ip;
}

static struct span
format(char *memory, size_t size, const char *text, uint64_t n)
{
	int length =
	    snprintf(memory, size, "%s%" PRIu64 ".example.net", text, n);

	return span_of(memory, (size_t)length);
}

/* Of 100 messages, 80 pass SPF and DKIM, 8 come through a list, 5 through a
 * forwarder, 4 from a provider that passes only for its own domain, and 3 are
 * forged. */
static void
message_make(
    struct store_bench_message *m, const struct plan *p, uint64_t number)
{
	uint64_t r = scramble(number), s = scramble(r), kind = s % 100;
	uint64_t d = skewed(r, p->domains);
	struct report_row *row = &m->row;
	struct span domain = format(m->domain, sizeof(m->domain), "sender", d);
	struct span helper =
	    format(m->helper, sizeof(m->helper), "helper", s % 200);
	bool listed = kind >= 80 && kind < 88, forged = kind >= 97;

	*row = (struct report_row){ .when = day_begin +
		    (int64_t)(number * DATE_DAY / p->messages),
		.count = 1 };
	snprintf(m->record, sizeof(m->record),
	    "v=DMARC1; p=%s; rua=mailto:dmarc@sender%" PRIu64 ".example.net",
	    d % 3 == 0       ? "reject"
		: d % 3 == 1 ? "quarantine"
			     : "none",
	    d);
	row->policy_domain = row->header_from = domain;
	row->record = span_str(m->record);
	/* the sender's own addresses, those of intermediaries, or any
	 * address */
	row->source = address(kind < 80 ? (d * 10 + s / 100 % 10) % p->addresses
		: kind < 97             ? s % 200 * 7 % p->addresses
					: s / 100 % p->addresses);
	row->envelope_from = row->spf_domain = kind < 80 ? domain : helper;
	row->spf_scope = SPAN("mfrom");
	row->spf_result = forged ? SPAN("softfail") : SPAN("pass");
	row->spf_aligned = kind < 80;
	row->dkim_aligned = kind < 93 && !listed;
	row->disposition = forged && d % 3 == 0 ? SPAN("reject") : SPAN("none");
	if (listed) {
		row->override = SPAN("mailing_list");
		row->comment = SPAN("fails DMARC, but shows the marks of "
				    "indirect mail (List-Id)");
	}
	if (!forged)
		row->dkim[row->n_dkim++] =
		    (struct report_dkim){ domain, SPAN("s2026"),
			    row->dkim_aligned ? SPAN("pass") : SPAN("fail") };
	if (kind >= 80 && !forged)
		row->dkim[row->n_dkim++] =
		    (struct report_dkim){ helper, SPAN("sel1"), SPAN("pass") };
	m->from = domain;
	m->recipient = format(m->to, sizeof(m->to), "mine", s / 1000 % 5);
	m->facts = (struct policy_input){
		.client = row->source,
		.mail_from_domain = row->envelope_from,
		.recipient_domains = &m->recipient,
		.n_recipient_domains = 1,
		.from_domains = &m->from,
		.n_from_domains = 1,
		.spf = forged ? SPF_SOFTFAIL : SPF_PASS,
		.dkim = forged ? DKIM_NONE : DKIM_PASS,
		.dmarc = row->dkim_aligned ? DMARC_PASS : DMARC_FAIL,
		.dmarc_domain = domain,
		.dmarc_policy = DMARC_POLICY_REJECT,
		.is_list = listed,
	};
	if (listed)
		m->facts.list_id =
		    format(m->list, sizeof(m->list), "list", s / 7 % 50);
	m->decision = (struct policy_decision){
		.action = forged ? CONF_REJECT : CONF_ACCEPT,
		.would = forged ? CONF_REJECT : CONF_ACCEPT,
		.rule = forged ? SPAN("dmarc.on_reject") : SPAN("default"),
	};
}

static void *
sender_main(void *arg)
{
	struct plan *p = arg;
	struct store_bench_message m;
	uint64_t number;

	while ((number = atomic_fetch_add(&p->next, 1)) < p->messages) {
		int64_t before, took;

		message_make(&m, p, number);
		before = clock_us();
		if (store_put(p->store, &m.row, &m.facts, &m.decision, NULL,
			m.row.when))
			atomic_fetch_add(&p->on_disk, 1);
		took = clock_us() - before;
		atomic_fetch_add(&p->sum_us, took);
		if (took > atomic_load(&p->slowest_us))
			atomic_store(&p->slowest_us, took);
	}
	return NULL;
}

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static bool
add_policy(void *arg, const struct ledger_policy *p)
{
	uint64_t *sums = arg;

	sums[0]++;
	sums[1] += p->rows;
	sums[2] += p->messages;
	return true;
}

static int
check_store(const struct plan *p, const char *path)
{
	char error[SQL_ERROR_MAX];
	struct ledger *l = ledger_open_file(path, SQLITE_FOR_READING, error);
	uint64_t sums[3] = { 0, 0, 0 };
	struct stat st = { .st_size = 0 };

	if (l == NULL ||
	    ledger_each_policy(l, day_begin / DATE_DAY, SPAN_NONE, add_policy,
		sums) != LEDGER_OK) {
		fprintf(stderr, "%s: %s\n", path,
		    l != NULL ? ledger_error(l) : error);
		return 1;
	}
	ledger_close(l);
	stat(path, &st);
	printf("policy domains %" PRIu64 ", rows %" PRIu64 ", messages %" PRIu64
	       ", file %.1f MB\n",
	    sums[0], sums[1], sums[2], (double)st.st_size / 1e6);
	return sums[2] == p->messages ? 0 : 1;
}

/* Writes messages in groups of `size`, without threads.  Returns the cost per
 * message. */
static double
writer_alone(
    struct writer *w, const struct plan *p, uint64_t messages, uint64_t size)
{
	struct store_bench_message m;
	double cpu = cpu_seconds();
	size_t refused;

	for (uint64_t i = 0; i < messages;) {
		struct queued_message *first = NULL, *e;

		for (uint64_t n = 0; n < size && i < messages; n++, i++) {
			message_make(&m, p, i);
			e = queued_message_new(
			    &m.row, &m.facts, &m.decision, m.row.when);
			if (e == NULL)
				abort();
			e->next = first;
			first = e;
		}
		if (writer_write(w, first, day_begin, &refused) != SQL_FINE)
			fprintf(stderr, "%s\n", writer_error(w));
		while ((e = first) != NULL) {
			first = e->next;
			free(e);
		}
		if (writer_log_pages(w) >= WRITER_LOG_PAGES)
			writer_checkpoint(w);
	}
	return (cpu_seconds() - cpu) / (double)messages * 1e6;
}

static void
bench_writer(const struct plan *p, const char *path, uint64_t messages)
{
	static const uint64_t sizes[] = { 1, 16, 256 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct writer *w = writer_new(&(struct writer_options){
		    .path = path, .retention = { 36500, 36500, 36500 } });
		double new, again;

		if (w == NULL)
			return;
		new = writer_alone(w, p, messages, sizes[i]);
		again = writer_alone(w, p, messages, sizes[i]);
		printf("writer alone, groups of %" PRIu64 ": CPU %.1f us a "
		       "message, %.1f us when all is known\n",
		    sizes[i], new, again);
		writer_free(w);
		unlink(path);
	}
}

static uint64_t
argument(int argc, char **argv, int at, uint64_t standard)
{
	return argc > at ? strtoull(argv[at], NULL, 10) : standard;
}

int
main(int argc, char **argv)
{
	static pthread_t threads[THREADS_MAX];
	static struct plan p;
	char error[200];
	uint64_t n = argument(argc, argv, 3, 16);
	int64_t begin;
	double cpu, wall;
	struct store_counts counts;

	if (argc < 2 || n == 0 || n > THREADS_MAX)
		return fputs("usage: store_bench FILE [MESSAGES [THREADS "
			     "[DOMAINS [ADDRESSES]]]]\n",
			   stderr),
		       64;
	p.messages = argument(argc, argv, 2, 1000000);
	p.domains = argument(argc, argv, 4, 2000);
	p.addresses = argument(argc, argv, 5, 20000);
	if (access(argv[1], F_OK) != 0)
		bench_writer(
		    &p, argv[1], p.messages < 20000 ? p.messages : 20000);
	/* a shorter retention would remove this old day */
	p.store = store_open(&(struct store_options){ .path = argv[1],
				 .retention = { 36500, 36500, 36500 } },
	    error, sizeof(error));
	if (p.store == NULL)
		return fprintf(stderr, "%s\n", error), 1;
	begin = clock_us();
	cpu = cpu_seconds();
	for (uint64_t i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, sender_main, &p);
	for (uint64_t i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	wall = (double)(clock_us() - begin) / 1e6;
	cpu = cpu_seconds() - cpu;
	store_counts(p.store, &counts);
	store_close(p.store, 60000);
	printf("%" PRIu64 " threads: %.0f messages/s, CPU %.1f us, %.1f "
	       "messages a group, put mean %.2f ms, slowest %.1f ms, %" PRIu64
	       " not on disk in time, %" PRIu64 " lost\n",
	    n, (double)p.messages / wall, cpu / (double)p.messages * 1e6,
	    (double)counts.committed / (double)counts.groups,
	    (double)p.sum_us / (double)p.messages / 1e3,
	    (double)p.slowest_us / 1e3, p.messages - p.on_disk, counts.lost);
	return check_store(&p, argv[1]);
}
