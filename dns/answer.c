#include "dns/answer.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/enum_names.h"

struct answer_parsed {
	void *parsed;
	void (*drop)(void *parsed);
};

struct answer_block {
	struct dns_answer answer; /* must be first: block_of() casts a pointer
	                             to this member to its block */
	atomic_uint references;
	size_t memory; /* 0: a constant, which has no reference count */
	_Atomic(struct answer_parsed *) parsed;
};

#define CONSTANT(s, f)                                                         \
	{                                                                      \
		.answer = {.state = (s), .fault = (f) }                        \
	}

static struct answer_block failures[] = {
	[DNS_ERROR_NONE] = CONSTANT(DNS_FAILED, DNS_ERROR_NONE),
	[DNS_ERROR_TIMEOUT] = CONSTANT(DNS_FAILED, DNS_ERROR_TIMEOUT),
	[DNS_ERROR_SERVFAIL] = CONSTANT(DNS_FAILED, DNS_ERROR_SERVFAIL),
	[DNS_ERROR_REFUSED] = CONSTANT(DNS_FAILED, DNS_ERROR_REFUSED),
	[DNS_ERROR_RCODE] = CONSTANT(DNS_FAILED, DNS_ERROR_RCODE),
	[DNS_ERROR_GARBLED] = CONSTANT(DNS_FAILED, DNS_ERROR_GARBLED),
	[DNS_ERROR_UNREACHABLE] = CONSTANT(DNS_FAILED, DNS_ERROR_UNREACHABLE),
	[DNS_ERROR_BUDGET] = CONSTANT(DNS_FAILED, DNS_ERROR_BUDGET),
	[DNS_ERROR_RESOURCE] = CONSTANT(DNS_FAILED, DNS_ERROR_RESOURCE),
};
static struct answer_block badname = CONSTANT(DNS_BADNAME, DNS_ERROR_NONE);
static struct answer_block pending = CONSTANT(DNS_PENDING, DNS_ERROR_NONE);

static const struct enum_token types[] = {
	{ "A", DNS_A },
	{ "NS", DNS_NS },
	{ "CNAME", DNS_CNAME },
	{ "SOA", DNS_SOA },
	{ "PTR", DNS_PTR },
	{ "MX", DNS_MX },
	{ "TXT", DNS_TXT },
	{ "AAAA", DNS_AAAA },
	{ "TLSA", DNS_TLSA },
};

static const struct enum_token states[] = {
	{ "pending", DNS_PENDING },
	{ "found", DNS_FOUND },
	{ "nodata", DNS_NODATA },
	{ "nxdomain", DNS_NXDOMAIN },
	{ "badname", DNS_BADNAME },
	{ "failed", DNS_FAILED },
};

static const struct enum_token faults[] = {
	{ "none", DNS_ERROR_NONE },
	{ "timeout", DNS_ERROR_TIMEOUT },
	{ "servfail", DNS_ERROR_SERVFAIL },
	{ "refused", DNS_ERROR_REFUSED },
	{ "rcode", DNS_ERROR_RCODE },
	{ "garbled", DNS_ERROR_GARBLED },
	{ "unreachable", DNS_ERROR_UNREACHABLE },
	{ "budget", DNS_ERROR_BUDGET },
	{ "resource", DNS_ERROR_RESOURCE },
};

const char *
dns_type_name(enum dns_type type)
{
	return enum_name(types, ARRAY_SIZE(types), (int)type);
}

const char *
dns_state_name(enum dns_state state)
{
	return enum_name(states, ARRAY_SIZE(states), (int)state);
}

const char *
dns_error_name(enum dns_error fault)
{
	return enum_name(faults, ARRAY_SIZE(faults), (int)fault);
}

const char *
dns_error_text(enum dns_error fault)
{
	switch (fault) {
	case DNS_ERROR_NONE:
	case DNS_ERROR_TIMEOUT:
	case DNS_ERROR_SERVFAIL:
	case DNS_ERROR_REFUSED:
		break;
	case DNS_ERROR_RCODE:
		return "DNS error code";
	case DNS_ERROR_GARBLED:
		return "malformed DNS answer";
	case DNS_ERROR_UNREACHABLE:
		return "resolver unreachable";
	case DNS_ERROR_BUDGET:
		return "DNS limit for this message reached";
	case DNS_ERROR_RESOURCE:
		return "not enough resources for a DNS query";
	}
	return dns_error_name(fault);
}

bool
dns_error_is_ours(enum dns_error fault)
{
	switch (fault) {
	case DNS_ERROR_NONE:
	case DNS_ERROR_TIMEOUT:
	case DNS_ERROR_SERVFAIL:
	case DNS_ERROR_REFUSED:
	case DNS_ERROR_RCODE:
	case DNS_ERROR_GARBLED:
		break;
	case DNS_ERROR_UNREACHABLE:
	case DNS_ERROR_BUDGET:
	case DNS_ERROR_RESOURCE:
		return true;
	}
	return false;
}

bool
dns_type_from_name(struct span name, enum dns_type *type)
{
	int value;

	if (!enum_value(types, ARRAY_SIZE(types), name, &value))
		return false;
	*type = (enum dns_type)value;
	return true;
}

bool
dns_error_from_name(struct span name, enum dns_error *fault)
{
	int value;

	if (!enum_value(faults, ARRAY_SIZE(faults), name, &value))
		return false;
	*fault = (enum dns_error)value;
	return true;
}

bool
dns_record_equal(const struct dns_record *a, const struct dns_record *b)
{
	return span_equal(a->text, b->text) && a->ip.family == b->ip.family &&
	    memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes)) == 0 &&
	    a->preference == b->preference && a->strings == b->strings;
}

void
dns_record_put(struct buf *b, enum dns_type type,
    const struct dns_record *record, size_t max)
{
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		ip_put(b, &record->ip);
		break;
	case DNS_MX:
		buf_number(b, record->preference);
		buf_byte(b, ' ');
		buf_printable(b, record->text, record->text.n);
		buf_text(b, record->text.n == 0 ? "." : "");
		break;
	case DNS_TLSA:
		buf_printable(b, record->text, max);
		break;
	case DNS_TXT:
		buf_byte(b, '"');
		buf_printable(b, record->text, max);
		buf_text(b, record->text.n > max ? "...\"" : "\"");
		break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_SOA:
	case DNS_PTR:
		buf_printable(b, record->text, record->text.n);
		buf_text(b, record->text.n == 0 ? "." : "");
		break;
	}
}

/* Returns the block whose first member is `a`; every answer is in one. */
static struct answer_block *
block_of(const struct dns_answer *a)
{
	union {
		const struct dns_answer *constant;
		struct answer_block *block;
	} both = { .constant = a };

	return both.block;
}

static struct span
copy_text(char **at, struct span text)
{
	struct span copy = span_of(*at, text.n);

	if (text.p == NULL)
		return SPAN_NONE;
	if (text.n > 0)
		memcpy(*at, text.p, text.n);
	*at += text.n;
	return copy;
}

/* Returns the size of the block for `a`, or 0 if it has too many records or is
 * too large. */
static size_t
block_size(const struct dns_answer *a)
{
	const size_t most = SIZE_MAX / 2;
	size_t size = sizeof(struct answer_block) + 1;

	if (a->n_records > DNS_RECORDS_MAX || a->alias.n > most - size)
		return 0;
	size += a->n_records * sizeof(struct dns_record) + a->alias.n;
	for (size_t i = 0; i < a->n_records; i++) {
		if (a->records[i].text.n > most - size)
			return 0;
		size += a->records[i].text.n;
	}
	return size;
}

const struct dns_answer *
dns_answer_new(const struct dns_answer *a)
{
	size_t size = block_size(a);
	struct answer_block *b = size > 0 ? malloc(size) : NULL;

	if (b == NULL)
		return NULL;
	struct dns_record *records = (struct dns_record *)(b + 1);
	char *text = (char *)(records + a->n_records);

	*b = (struct answer_block){ .answer = *a, .memory = size };
	atomic_init(&b->references, 1);
	atomic_init(&b->parsed, NULL);
	b->answer.alias = copy_text(&text, a->alias);
	for (size_t i = 0; i < a->n_records; i++) {
		records[i] = a->records[i];
		records[i].text = copy_text(&text, a->records[i].text);
	}
	b->answer.records = a->n_records > 0 ? records : NULL;
	return &b->answer;
}

const struct dns_answer *
dns_answer_failed(enum dns_error fault)
{
	assert((size_t)fault < ARRAY_SIZE(failures));
	return &failures[fault].answer;
}

const struct dns_answer *
dns_answer_badname(void)
{
	return &badname.answer;
}

const struct dns_answer *
dns_answer_pending(void)
{
	return &pending.answer;
}

const struct dns_answer *
dns_answer_ref(const struct dns_answer *a)
{
	struct answer_block *b = block_of(a);

	if (b->memory > 0)
		atomic_fetch_add_explicit(
		    &b->references, 1, memory_order_relaxed);
	return a;
}

void
dns_answer_unref(const struct dns_answer *a)
{
	struct answer_block *b = block_of(a);
	struct answer_parsed *kept;

	if (a == NULL || b->memory == 0)
		return;
	if (atomic_fetch_sub_explicit(
		&b->references, 1, memory_order_acq_rel) != 1)
		return;
	kept = atomic_load(&b->parsed);
	if (kept != NULL)
		kept->drop(kept->parsed);
	free(kept);
	free(b);
}

size_t
dns_answer_memory(const struct dns_answer *a)
{
	return block_of(a)->memory;
}

void *
dns_answer_parsed(const struct dns_answer *a)
{
	struct answer_parsed *kept = atomic_load(&block_of(a)->parsed);

	return kept != NULL ? kept->parsed : NULL;
}

void *
dns_answer_set_parsed(
    const struct dns_answer *a, void *parsed, void (*drop)(void *parsed))
{
	struct answer_block *b = block_of(a);
	struct answer_parsed *first = NULL;
	struct answer_parsed *mine =
	    b->memory > 0 ? malloc(sizeof(*mine)) : NULL;

	if (mine == NULL)
		return NULL;
	*mine = (struct answer_parsed){ .parsed = parsed, .drop = drop };
	if (atomic_compare_exchange_strong(&b->parsed, &first, mine))
		return parsed;
	free(mine);
	drop(parsed);
	return first->parsed;
}
