#include "milter/sign_sink.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/clock.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/log.h"

enum { RESULTS = SIGNER_FAILED + 1, DMARC_BY = SIGN_DMARC_NONE + 1 };

/* The states of a pair (a domain and a cause).  No process waits for a pair
 * that is being filled, so a process that ends while filling one does not block
 * others. */
enum { PAIR_FREE, PAIR_BEING_MADE, PAIR_READY };

/* How often a cause (a reason or a finding) occurred for a domain. */
struct domain_count {
	atomic_uint state;
	char cause[32];
	char domain[DOMAIN_MAX + 1];
	atomic_uint_fast64_t count;
	_Atomic int64_t logged; /* seconds since 1970 */
};

struct domain_counts {
	struct domain_count pairs[SIGN_SINK_DOMAINS_MAX];
	atomic_uint_fast64_t others; /* count for pairs that did not fit */
};

static struct sign_counts {
	atomic_uint_fast64_t results[RESULTS];
	atomic_uint_fast64_t reasons[SIGNER_REASONS];
	atomic_uint_fast64_t mismatches;
	atomic_uint_fast64_t dmarc[DMARC_BY];
	struct domain_counts unsigned_domains, findings;
	struct domain_counts other_findings; /* one pair for each cause, for
	                                        the others of `findings` */
	_Atomic int64_t last, longest_pause;
	atomic_bool is_silent;
} * counts;

static _Atomic int64_t
    last_message; /* seconds since 1970, for this process only */

bool
sign_sink_open(struct buf *error)
{
	void *memory = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		buf_text(error, "out of memory");
		return false;
	}
	counts = memory; /* mmap() has zeroed it */
	return true;
}

/* ---- counters by domain ---- */

static bool
is_pair(const struct domain_count *p, struct span domain, const char *cause)
{
	return atomic_load(&p->state) == PAIR_READY &&
	    strcmp(p->cause, cause) == 0 && span_is(domain, p->domain);
}

/* Fills a free pair.  Returns false if another thread or process has taken it
 * first. */
static bool
pair_make(struct domain_count *p, struct span domain, const char *cause)
{
	unsigned expected = PAIR_FREE;
	struct buf name = buf_wrap(p->domain, sizeof(p->domain));
	struct buf what = buf_wrap(p->cause, sizeof(p->cause));

	if (!atomic_compare_exchange_strong(
		&p->state, &expected, PAIR_BEING_MADE))
		return false;
	buf_span(&name, domain);
	buf_text(&what, cause);
	atomic_store(&p->state, PAIR_READY);
	return true;
}

/* Finds or adds a pair.  Returns NULL if the first `room` pairs of the table
 * are in use or the domain is not a host name (metrics labels are not
 * escaped). */
static struct domain_count *
pair_of(struct domain_counts *table, size_t room, struct span domain,
    const char *cause)
{
	if (!domain_is_hostname(domain))
		return NULL;
	for (size_t i = 0; i < room; i++) {
		struct domain_count *p = &table->pairs[i];

		if (is_pair(p, domain, cause))
			return p;
		if (atomic_load(&p->state) == PAIR_FREE &&
		    pair_make(p, domain, cause))
			return p;
	}
	return NULL;
}

static struct domain_count *
pair_count(struct domain_counts *table, size_t room, struct span domain,
    const char *cause)
{
	struct domain_count *p = pair_of(table, room, domain, cause);

	atomic_fetch_add(p != NULL ? &p->count : &table->others, 1);
	return p;
}

bool
sign_sink_count_finding(struct span domain, const char *cause, bool is_flaw,
    int64_t now, uint64_t *count)
{
	struct domain_count *p = pair_count(&counts->findings,
	    is_flaw ? SIGN_SINK_FLAWS_MAX : SIGN_SINK_DOMAINS_MAX, domain,
	    cause);
	int64_t last, pause = p != NULL ? SIGN_SINK_HOUR : SIGN_SINK_MINUTE;

	if (p == NULL)
		p = pair_count(&counts->other_findings, SIGN_SINK_DOMAINS_MAX,
		    SPAN("other"), cause);
	if (p == NULL)
		return false;
	*count = atomic_load(&p->count);
	last = atomic_load(&p->logged);
	return (last == 0 || now - last >= pause) &&
	    atomic_compare_exchange_strong(&p->logged, &last, now);
}

void
sign_sink_count_dmarc(enum sign_dmarc by)
{
	atomic_fetch_add(&counts->dmarc[by], 1);
}

int64_t
sign_sink_last_message(void)
{
	return atomic_load(&last_message);
}

void
sign_sink_set_pauses(int64_t last, int64_t longest, bool is_silent)
{
	atomic_store(&counts->last, last);
	atomic_store(&counts->longest_pause, longest);
	atomic_store(&counts->is_silent, is_silent);
}

/* ---- a message ---- */

static void
log_selectors(struct log_line *l, const struct signer_outcome *o)
{
	char memory[200];
	struct buf b = buf_wrap(memory, sizeof(memory));

	for (size_t i = 0; i < o->n_keys; i++) {
		buf_text(&b, i > 0 ? "," : "");
		buf_text(&b, o->keys[i]->selector);
	}
	log_span(l, "selectors", buf_view(&b));
}

/* Returns the value of `sign=` in the log line. */
static const char *
result_word(const struct signer_outcome *o)
{
	if (o == NULL)
		return "failed";
	switch (o->result) {
	case SIGNER_SIGNED:
		return "signed";
	case SIGNER_KEPT:
		return "kept";
	case SIGNER_UNSIGNED:
	case SIGNER_REFUSED:
		return "none";
	case SIGNER_FAILED:
		break;
	}
	return "failed";
}

static void
log_outcome(const struct signer_outcome *o, struct span queue_id, bool refused)
{
	bool failed = o == NULL || o->result == SIGNER_FAILED;
	struct log_line l;

	log_begin(&l, failed ? LOG_LEVEL_ERROR : LOG_LEVEL_INFO, "sign");
	log_span(&l, "queue_id", queue_id);
	if (o != NULL && o->login.n > 0)
		log_span(&l, "login", o->login);
	if (o != NULL) {
		log_span(&l, "mail_from", o->sender);
		log_span(&l, "from", o->from);
	}
	log_text(&l, "sign", result_word(o));
	if (o != NULL && o->reason != SIGNER_NO_REASON)
		log_text(&l, "reason", signer_reason_name(o->reason));
	if (failed)
		log_text(&l, "reason", "out of memory, or OpenSSL failed");
	if (o != NULL && o->domain.n > 0 && o->n_keys > 0) {
		log_span(&l, "domain", o->domain);
		log_selectors(&l, o);
	}
	if (o != NULL && o->n_remove > 0)
		log_number(&l, "replaced", (int64_t)o->n_remove);
	if (o != NULL && o->author_mismatch)
		log_text(&l, "author_mismatch", "yes");
	if (refused)
		log_text(&l, "action", failed ? "tempfail" : "reject");
	else if (o != NULL && o->result == SIGNER_REFUSED)
		log_text(&l, "would", "reject"); /* mode = monitor */
	log_end(&l);
}

void
sign_sink_put(
    const struct signer_outcome *o, struct span queue_id, bool refused)
{
	enum signer_result result = o != NULL ? o->result : SIGNER_FAILED;

	log_outcome(o, queue_id, refused);
	atomic_store(&last_message, clock_now().now);
	if (result == SIGNER_REFUSED && !refused)
		result = SIGNER_UNSIGNED;
	atomic_fetch_add(&counts->results[result], 1);
	if (o == NULL)
		return;
	if (o->author_mismatch)
		atomic_fetch_add(&counts->mismatches, 1);
	if (result != SIGNER_UNSIGNED && result != SIGNER_REFUSED)
		return;
	atomic_fetch_add(&counts->reasons[o->reason], 1);
	(void)pair_count(&counts->unsigned_domains, SIGN_SINK_DOMAINS_MAX,
	    o->author_domain, signer_reason_name(o->reason));
}

/* ---- the page ---- */

static void
put_sign_family(struct buf *b, const char *name, const char *help)
{
	buf_printf(b, "# HELP avouch_%s %s\n# TYPE avouch_%s counter\n", name,
	    help, name);
}

static void
put_sign_value(struct buf *b, const char *name, const char *label,
    const char *word, uint64_t value)
{
	buf_printf(b, "avouch_%s{%s=\"%s\"} ", name, label, word);
	buf_number(b, value);
	buf_byte(b, '\n');
}

/* Returns the count of a pair.  If two processes have added the same pair,
 * returns the sum for the first entry, and 0 for the second. */
static uint64_t
pair_number(const struct domain_counts *table, size_t at)
{
	const struct domain_count *p = &table->pairs[at];
	uint64_t sum = 0;

	if (atomic_load(&p->state) != PAIR_READY)
		return 0;
	for (size_t i = 0; i < SIGN_SINK_DOMAINS_MAX; i++) {
		if (!is_pair(&table->pairs[i], span_str(p->domain), p->cause))
			continue;
		if (i < at)
			return 0;
		sum += atomic_load(&table->pairs[i].count);
	}
	return sum;
}

static void
put_pairs(struct buf *b, const struct domain_counts *table, const char *name,
    const char *label)
{
	for (size_t i = 0; i < SIGN_SINK_DOMAINS_MAX; i++) {
		uint64_t n = pair_number(table, i);

		if (n == 0)
			continue;
		buf_printf(b, "avouch_%s{%s=\"%s\",domain=\"%s\"} ", name,
		    label, table->pairs[i].cause, table->pairs[i].domain);
		buf_number(b, n);
		buf_byte(b, '\n');
	}
	buf_printf(b, "avouch_%s{%s=\"other\",domain=\"other\"} ", name, label);
	buf_number(b, atomic_load(&table->others));
	buf_byte(b, '\n');
}

static void
put_sign_results(struct buf *b)
{
	static const struct enum_token words[] = {
		{ "signed", SIGNER_SIGNED },
		{ "kept", SIGNER_KEPT },
		{ "unsigned", SIGNER_UNSIGNED },
		{ "refused", SIGNER_REFUSED },
		{ "failed", SIGNER_FAILED },
	};

	put_sign_family(
	    b, "sign_messages_total", "Our own messages, by outcome.");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		put_sign_value(b, "sign_messages_total", "result",
		    words[i].name,
		    atomic_load(&counts->results[words[i].value]));
}

static void
put_sign_pauses(struct buf *b)
{
	const struct {
		const char *name, *help;
		int64_t value;
	} gauges[] = {
		{ "sign_last_message_timestamp_seconds",
		    "Time when the last of our own messages arrived, in "
		    "seconds since 1970; 0: never.",
		    atomic_load(&counts->last) },
		{ "sign_longest_pause_seconds",
		    "Longest normal pause between our own messages in the last "
		    "four weeks; 0: not known yet.",
		    atomic_load(&counts->longest_pause) },
		{ "sign_silent",
		    "1 if none of our own messages has arrived for more than "
		    "twice the longest normal pause.",
		    atomic_load(&counts->is_silent) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(gauges); i++)
		buf_printf(b,
		    "# HELP avouch_%s %s\n# TYPE avouch_%s gauge\n"
		    "avouch_%s %lld\n",
		    gauges[i].name, gauges[i].help, gauges[i].name,
		    gauges[i].name, (long long)gauges[i].value);
}

void
sign_sink_put_metrics(struct buf *b)
{
	static const char *const by[DMARC_BY] = { "both", "one", "none" };

	put_sign_results(b);
	put_sign_family(b, "sign_unsigned_total",
	    "Our own messages that were not signed, by reason.");
	for (unsigned i = SIGNER_NO_REASON + 1; i < SIGNER_REASONS; i++)
		put_sign_value(b, "sign_unsigned_total", "reason",
		    signer_reason_name((enum signer_reason)i),
		    atomic_load(&counts->reasons[i]));
	put_sign_pauses(b);
	put_sign_family(b, "sign_unsigned_domains_total",
	    "Our own messages that were not signed, by reason and author "
	    "domain.");
	put_pairs(b, &counts->unsigned_domains, "sign_unsigned_domains_total",
	    "reason");
	put_sign_family(b, "sign_author_mismatch_total",
	    "Our own messages whose login is not allowed to use the author's "
	    "address.");
	buf_text(b, "avouch_sign_author_mismatch_total ");
	buf_number(b, atomic_load(&counts->mismatches));
	buf_byte(b, '\n');
	put_sign_family(b, "sign_findings_total",
	    "Problems that receivers will see in our mail, by cause and "
	    "domain.");
	put_pairs(b, &counts->findings, "sign_findings_total", "cause");
	put_sign_family(b, "sign_dmarc_total",
	    "Our own messages, by how they will pass DMARC: with SPF and DKIM "
	    "(both), with one of them, or with neither (none).");
	for (size_t i = 0; i < DMARC_BY; i++)
		put_sign_value(b, "sign_dmarc_total", "by", by[i],
		    atomic_load(&counts->dmarc[i]));
}
