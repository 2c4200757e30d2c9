#include "dns/zone.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/zone_internal.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/hash.h"

enum {
	ZONE_MEMORY_FACTOR = 64,    /* arena bytes per byte of the file */
	ZONE_MEMORY_BASE = 1 << 20, /* additional arena bytes */
	SLOTS_FIRST = 256,
};

/* ---- the table of names ---- */

static size_t
zone_hash(struct span name)
{
	static const struct hash_secret none = { 0, 0 };

	return (size_t)hash_span(none, name, 0);
}

static struct zone_node *
zone_find_node(const struct zone *z, struct span name)
{
	struct zone_node *n = z->slots[zone_hash(name) & (z->n_slots - 1)];

	while (n != NULL && !span_equal(n->name, name))
		n = n->chain;
	return n;
}

static bool
grow(struct zone *z)
{
	size_t n = z->n_slots > 0 ? z->n_slots * 2 : SLOTS_FIRST;
	struct zone_node **slots = calloc(n, sizeof(struct zone_node *));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < z->n_slots; i++) {
		struct zone_node *next;

		for (struct zone_node *at = z->slots[i]; at != NULL;
		     at = next) {
			size_t to = zone_hash(at->name) & (n - 1);

			next = at->chain;
			at->chain = slots[to];
			slots[to] = at;
		}
	}
	free(z->slots);
	z->slots = slots;
	z->n_slots = n;
	return true;
}

struct zone_node *
zone_add(struct zone *z, struct span name)
{
	struct zone_node *n = zone_find_node(z, name);

	if (n != NULL)
		return n;
	if (z->n_nodes >= z->n_slots && !grow(z))
		return NULL;
	n = arena_alloc(z->arena, sizeof(*n));
	if (n == NULL)
		return NULL;
	struct zone_node **slot = &z->slots[zone_hash(name) & (z->n_slots - 1)];

	*n = (struct zone_node){ .chain = *slot, .name = name };
	*slot = n;
	z->n_nodes++;
	return n;
}

static struct span
parent_name(struct span name)
{
	size_t dot = span_index(name, '.');

	return span_skip(name, dot < name.n ? dot + 1 : name.n);
}

struct zone_node *
zone_add_existing(struct zone *z, struct span name)
{
	struct zone_node *first = zone_add(z, name);
	struct zone_node *n = first;

	while (n != NULL && !n->exists) {
		n->exists = true;
		if (name.n == 0)
			return first;
		name = parent_name(name);
		n = zone_add(z, name);
	}
	return n != NULL ? first : NULL;
}

/* ---- questions ---- */

struct zone_set *
zone_find_set(const struct zone_node *n, enum dns_type type)
{
	struct zone_set *s = n->sets;

	while (s != NULL && s->type != type)
		s = s->next;
	return s;
}

/* Returns the node, perhaps a wildcard, that answers for `name`; NULL if there
 * is none. */
static const struct zone_node *
zone_closest_node(const struct zone *z, struct span name)
{
	const struct zone_node *n = zone_find_node(z, name);
	char text[DOMAIN_MAX + 3];
	struct buf wildcard = buf_wrap(text, sizeof(text));

	if (n != NULL && n->exists)
		return n;
	/* RFC 4592 section 3.3.1: look for a wildcard below the closest
	 * encloser */
	while (n == NULL || !n->exists) {
		name = parent_name(name);
		n = zone_find_node(z, name);
		if (name.n == 0)
			break;
	}
	buf_text(&wildcard, "*");
	if (name.n > 0)
		buf_byte(&wildcard, '.');
	buf_span(&wildcard, name);
	n = zone_find_node(z, buf_view(&wildcard));
	return n != NULL && n->exists ? n : NULL;
}

static const struct zone_mark *
zone_find_mark(const struct zone *z, struct span name, enum dns_type type)
{
	static const struct zone_mark none = { .alias = { NULL, 0 } };
	const struct zone_node *n = zone_find_node(z, name);
	const struct zone_mark *any = NULL;

	if (n == NULL)
		return &none;
	for (const struct zone_mark *m = n->marks; m != NULL; m = m->next) {
		if (m->type == (int)type)
			return m;
		if (m->type == TYPE_ANY)
			any = m;
	}
	return any != NULL ? any : &none;
}

/* RFC 2308 section 5: returns the SOA's minimum, or 0 without an SOA. */
static uint32_t
negative_ttl(const struct zone *z, struct span name)
{
	for (;;) {
		const struct zone_node *n = zone_find_node(z, name);

		if (n != NULL && n->has_soa)
			return n->negative;
		if (name.n == 0)
			return 0;
		name = parent_name(name);
	}
}

/*
 * Fills in `out` for `name`, without following CNAMEs.  If `name` has one, sets
 * `state` to DNS_PENDING and `alias` to the name to look up next.
 */
static void
zone_look_up(const struct zone *z, struct span name, enum dns_type type,
    struct dns_answer *out)
{
	const struct zone_mark *mark = zone_find_mark(z, name, type);
	const struct zone_node *n = zone_closest_node(z, name);
	const struct zone_set *set = n != NULL ? zone_find_set(n, type) : NULL;
	const struct zone_set *cname =
	    n != NULL ? zone_find_set(n, DNS_CNAME) : NULL;

	out->is_secure |= mark->is_secure;
	out->state = DNS_NXDOMAIN;
	if (mark->failed) {
		out->state = DNS_FAILED;
		out->fault = mark->fault;
	} else if (mark->nxdomain || (n == NULL && !mark->nodata)) {
		out->ttl = negative_ttl(z, name);
	} else if (mark->nodata) {
		out->state = DNS_NODATA;
		out->ttl = negative_ttl(z, name);
	} else if (set != NULL) {
		uint32_t ttl = set->answer->ttl;

		out->state = set->answer->state;
		out->fault = set->answer->fault;
		out->n_records = set->answer->n_records;
		out->records = set->answer->records;
		if (out->alias.p == NULL || ttl < out->ttl)
			out->ttl = ttl;
	} else if (cname != NULL && cname->n == 1) {
		uint32_t ttl = cname->answer->ttl;

		if (out->alias.p == NULL || ttl < out->ttl)
			out->ttl = ttl;
		out->state = DNS_PENDING;
		out->alias = cname->answer->records[0].text;
	} else {
		out->state = DNS_NODATA;
		out->ttl = negative_ttl(z, name);
	}
	if (mark->alias.p != NULL && out->state != DNS_PENDING)
		out->alias = mark->alias;
}

static void
zone_ask(struct dns_source *source, struct span name, enum dns_type type,
    struct dns_wait *wait)
{
	const struct zone *z = (struct zone *)source;
	struct dns_answer found = { .state = DNS_PENDING,
		.is_authoritative = true };
	const struct dns_answer *answer = NULL;

	for (int i = 0; found.state == DNS_PENDING; i++) {
		if (i > DNS_ZONE_CHAIN_MAX) {
			found.state = DNS_FAILED;
			found.fault = DNS_ERROR_GARBLED;
		} else {
			zone_look_up(z,
			    found.alias.p != NULL ? found.alias : name, type,
			    &found);
		}
	}
	if (found.state == DNS_FAILED)
		answer = dns_answer_failed(found.fault);
	else
		answer = dns_answer_new(&found);
	if (answer == NULL)
		answer = dns_answer_failed(DNS_ERROR_RESOURCE);
	wait->done(wait, answer);
	dns_answer_unref(answer);
}

static void
zone_close(struct dns_source *source)
{
	struct zone *z = (struct zone *)source;

	for (size_t i = 0; i < z->n_slots; i++)
		for (struct zone_node *n = z->slots[i]; n != NULL; n = n->chain)
			for (struct zone_set *s = n->sets; s != NULL;
			     s = s->next)
				dns_answer_unref(s->answer);
	free(z->slots);
	arena_free(z->arena);
	free(z);
}

/* ---- opening ---- */

/* Returns an answer with all records of `s`.  Too many records are an error, as
 * in an answer from the network. */
static const struct dns_answer *
answer_of(struct arena *a, const struct zone_set *s)
{
	struct dns_answer answer = { .state = DNS_FOUND, .ttl = s->ttl };
	struct dns_record *records;

	if (s->n > DNS_RECORDS_MAX)
		return dns_answer_failed(DNS_ERROR_GARBLED);
	arena_rewind(a);
	records = arena_array(a, s->n, sizeof(*records));
	if (records == NULL)
		return NULL;
	for (const struct zone_item *i = s->first; i != NULL; i = i->next)
		records[answer.n_records++] = i->record;
	answer.records = records;
	return dns_answer_new(&answer);
}

bool
zone_make_answers(struct zone *z)
{
	struct arena *a =
	    arena_new(DNS_RECORDS_MAX * sizeof(struct dns_record));
	bool ok = a != NULL;

	for (size_t i = 0; ok && i < z->n_slots; i++)
		for (struct zone_node *n = z->slots[i]; n != NULL; n = n->chain)
			for (struct zone_set *s = n->sets; s != NULL;
			     s = s->next) {
				s->answer = answer_of(a, s);
				ok = ok && s->answer != NULL;
			}
	arena_free(a);
	return ok;
}

static struct zone *
zone_new(size_t memory)
{
	struct zone *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return NULL;
	z->source = (struct dns_source){
		.ask = zone_ask,
		.close = zone_close,
	};
	z->arena = arena_new(memory);
	if (z->arena != NULL && grow(z) &&
	    zone_add_existing(z, SPAN("")) != NULL)
		return z;
	zone_close(&z->source);
	return NULL;
}

struct dns_source *
dns_zone_parse(const char *name, struct span text, char *error, size_t size)
{
	struct zone *z;

	if (text.n > DNS_ZONE_FILE_MAX) {
		snprintf(error, size, "%s: larger than %d MiB; split it", name,
		    DNS_ZONE_FILE_MAX >> 20);
		return NULL;
	}
	snprintf(error, size, "%s: out of memory", name);
	z = zone_new(ZONE_MEMORY_BASE + text.n * ZONE_MEMORY_FACTOR);
	if (z == NULL)
		return NULL;
	if (zone_read(z, name, text, error, size) && zone_make_answers(z))
		return &z->source;
	zone_close(&z->source);
	return NULL;
}

static char *
read_file(FILE *f, size_t *n)
{
	size_t cap = 1 << 16;
	char *text = malloc(cap);

	*n = 0;
	while (text != NULL && *n <= DNS_ZONE_FILE_MAX) {
		char *larger;

		*n += fread(text + *n, 1, cap - *n, f);
		if (*n < cap)
			return text;
		cap *= 2;
		larger = realloc(text, cap);
		if (larger == NULL)
			free(text);
		text = larger;
	}
	return text;
}

struct dns_source *
dns_zone_open(const char *path, char *error, size_t size)
{
	struct dns_source *source = NULL;
	FILE *f = fopen(path, "re");
	size_t n;
	char *text;

	if (f == NULL) {
		snprintf(error, size, "%s: cannot be opened: %s", path,
		    strerror(errno));
		return NULL;
	}
	text = read_file(f, &n);
	if (text == NULL || ferror(f))
		snprintf(error, size, "%s: cannot be read", path);
	else
		source = dns_zone_parse(path, span_of(text, n), error, size);
	free(text);
	fclose(f);
	return source;
}
