#include "dns/zone.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/entry.h"
#include "dns/wire.h"
#include "lib/arena.h"
#include "lib/domain.h"

enum {
	TYPE_ANY = 0,               /* in a mark */
	ZONE_MEMORY_FACTOR = 64,    /* arena bytes for a byte of the file */
	ZONE_MEMORY_BASE = 1 << 20, /* and these */
	SLOTS_FIRST = 256,
};

/* What a comment line says of one question. */
struct mark {
	struct mark *next;
	int type;
	bool failed, nxdomain, authentic, stale;
	enum dns_fault fault;
	struct span alias;
};

struct item {
	struct item *next;
	struct dns_record record;
};

/* All records of one name and type. */
struct set {
	struct set *next;
	enum dns_type type;
	uint32_t ttl;
	size_t n;
	struct item *first, **end;
	const struct dns_answer *answer; /* made when the file is read */
};

/* A name that exists: it has records, or a name below it has. */
struct node {
	struct node *chain;
	struct span name;
	bool exists; /* false: known from a mark alone */
	struct set *sets;
	struct mark *marks;
	uint32_t negative; /* seconds, of the SOA here (RFC 2308 section 5) */
	bool has_soa;
};

struct zone {
	struct dns_source source; /* first: given back as this */
	struct arena *arena;
	size_t n_nodes, n_slots;
	struct node **slots;
};

/* What is at hand while a file is read. */
struct reader {
	struct zone *zone;
	const char *name;
	struct entry_reader entries;
	ldns_rdf *origin;
	ldns_rdf *previous; /* owner */
	uint32_t ttl;
	char *error;
	size_t error_size;
};

/* ---- the table of names ---- */

static size_t
hash(struct span name)
{
	size_t h = 2166136261U;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ (unsigned char)name.p[i]) * 16777619U;
	return h ^ h >> 15;
}

static struct node *
find(const struct zone *z, struct span name)
{
	struct node *n = z->slots[hash(name) & (z->n_slots - 1)];

	while (n != NULL && !span_equal(n->name, name))
		n = n->chain;
	return n;
}

static bool
grow(struct zone *z)
{
	size_t n = z->n_slots > 0 ? z->n_slots * 2 : SLOTS_FIRST;
	struct node **slots = calloc(n, sizeof(struct node *));

	if (slots == NULL)
		return false;
	for (size_t i = 0; i < z->n_slots; i++) {
		struct node *next;

		for (struct node *at = z->slots[i]; at != NULL; at = next) {
			size_t to = hash(at->name) & (n - 1);

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

static struct node *
add(struct zone *z, struct span name)
{
	struct node *n = find(z, name);

	if (n != NULL)
		return n;
	if (z->n_nodes >= z->n_slots && !grow(z))
		return NULL;
	n = arena_alloc(z->arena, sizeof(*n));
	if (n == NULL)
		return NULL;
	struct node **slot = &z->slots[hash(name) & (z->n_slots - 1)];

	*n = (struct node){ .chain = *slot, .name = name };
	*slot = n;
	z->n_nodes++;
	return n;
}

static struct span
parent(struct span name)
{
	size_t dot = span_index(name, '.');

	return span_skip(name, dot < name.n ? dot + 1 : name.n);
}

/* `name` and all above it exist (RFC 8020; RFC 4592 section 2.2.2). */
static struct node *
add_existing(struct zone *z, struct span name)
{
	struct node *first = add(z, name);
	struct node *n = first;

	while (n != NULL && !n->exists) {
		n->exists = true;
		if (name.n == 0)
			return first;
		name = parent(name);
		n = add(z, name);
	}
	return n != NULL ? first : NULL;
}

/* ---- questions ---- */

static struct set *
find_set(const struct node *n, enum dns_type type)
{
	struct set *s = n->sets;

	while (s != NULL && s->type != type)
		s = s->next;
	return s;
}

/* The node that answers for `name`, by wildcard if need be; NULL: none. */
static const struct node *
closest(const struct zone *z, struct span name)
{
	const struct node *n = find(z, name);
	char text[DOMAIN_MAX + 3];
	struct buf wildcard = buf_over(text, sizeof(text));

	if (n != NULL && n->exists)
		return n;
	/* RFC 4592 section 3.3.1: below the closest encloser */
	while (n == NULL || !n->exists) {
		name = parent(name);
		n = find(z, name);
		if (name.n == 0)
			break;
	}
	buf_text(&wildcard, "*");
	if (name.n > 0)
		buf_byte(&wildcard, '.');
	buf_span(&wildcard, name);
	n = find(z, buf_done(&wildcard));
	return n != NULL && n->exists ? n : NULL;
}

static const struct mark *
find_mark(const struct zone *z, struct span name, enum dns_type type)
{
	static const struct mark none = { .alias = { NULL, 0 } };
	const struct node *n = find(z, name);
	const struct mark *any = NULL;

	if (n == NULL)
		return &none;
	for (const struct mark *m = n->marks; m != NULL; m = m->next) {
		if (m->type == (int)type)
			return m;
		if (m->type == TYPE_ANY)
			any = m;
	}
	return any != NULL ? any : &none;
}

/* RFC 2308 section 5: the SOA's minimum, if there is an SOA. */
static uint32_t
negative_ttl(const struct zone *z, struct span name)
{
	for (;;) {
		const struct node *n = find(z, name);

		if (n != NULL && n->has_soa)
			return n->negative;
		if (name.n == 0)
			return 0;
		name = parent(name);
	}
}

/*
 * Fills in `out` for `name` as one name server would; DNS_PENDING with `alias`
 * set means: ask for that.
 */
static void
look_up(const struct zone *z, struct span name, enum dns_type type,
    struct dns_answer *out)
{
	const struct mark *mark = find_mark(z, name, type);
	const struct node *n = closest(z, name);
	const struct set *set = n != NULL ? find_set(n, type) : NULL;
	const struct set *cname = n != NULL ? find_set(n, DNS_CNAME) : NULL;

	out->authentic |= mark->authentic;
	out->stale |= mark->stale;
	out->state = DNS_NXDOMAIN;
	if (mark->failed) {
		out->state = DNS_FAILED;
		out->fault = mark->fault;
	} else if (n == NULL || mark->nxdomain) {
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
	struct dns_answer found = { .state = DNS_PENDING };
	const struct dns_answer *answer = NULL;

	for (int i = 0; found.state == DNS_PENDING; i++) {
		if (i > DNS_ZONE_CHAIN_MAX) {
			found.state = DNS_FAILED;
			found.fault = DNS_FAULT_GARBLED;
		} else {
			look_up(z, found.alias.p != NULL ? found.alias : name,
			    type, &found);
		}
	}
	if (found.state == DNS_FAILED)
		answer = dns_answer_failed(found.fault);
	else
		answer = dns_answer_new(&found);
	if (answer == NULL)
		answer = dns_answer_failed(DNS_FAULT_RESOURCE);
	wait->done(wait, answer);
	dns_answer_drop(answer);
}

static void
zone_close(struct dns_source *source)
{
	struct zone *z = (struct zone *)source;

	for (size_t i = 0; i < z->n_slots; i++)
		for (struct node *n = z->slots[i]; n != NULL; n = n->chain)
			for (struct set *s = n->sets; s != NULL; s = s->next)
				dns_answer_drop(s->answer);
	free(z->slots);
	arena_free(z->arena);
	free(z);
}

/* ---- reading ---- */

static bool
complain(struct reader *r, const char *reason)
{
	snprintf(r->error, r->error_size, "%s:%lu: %s", r->name,
	    r->entries.line, reason);
	return false;
}

/* RFC 2181 section 5: a set holds no record twice. */
static bool
has_record(const struct set *s, const struct dns_record *record)
{
	const struct item *i = s->n <= DNS_RECORDS_MAX ? s->first : NULL;

	while (i != NULL &&
	    !(span_equal(i->record.text, record->text) &&
		memcmp(&i->record.ip, &record->ip, sizeof(struct ip)) == 0 &&
		i->record.preference == record->preference &&
		i->record.strings == record->strings))
		i = i->next;
	return i != NULL;
}

static bool
add_record(struct reader *r, struct node *n, const ldns_rr *rr,
    struct dns_record *record)
{
	struct set *s = find_set(n, (enum dns_type)ldns_rr_get_type(rr));
	struct item *item = arena_alloc(r->zone->arena, sizeof(*item));

	if (s == NULL) {
		s = arena_alloc(r->zone->arena, sizeof(*s));
		if (s == NULL)
			return complain(r, "out of memory");
		s->type = (enum dns_type)ldns_rr_get_type(rr);
		s->ttl = ldns_rr_ttl(rr);
		s->end = &s->first;
		s->next = n->sets;
		n->sets = s;
	}
	if (item == NULL)
		return complain(r, "out of memory");
	if (has_record(s, record))
		return true;
	if (s->type == DNS_CNAME && s->n > 0)
		return complain(r, "a second CNAME of this name; remove one");
	item->record = *record;
	*s->end = item;
	s->end = &item->next;
	s->n++;
	if (ldns_rr_ttl(rr) < s->ttl)
		s->ttl = ldns_rr_ttl(rr);
	return true;
}

static bool
is_kept(ldns_rr_type type)
{
	struct span name = span_str(dns_type_name((enum dns_type)type));
	enum dns_type known;

	return dns_type_from_name(name, &known);
}

static bool
take_record(struct reader *r, const ldns_rr *rr)
{
	struct zone *z = r->zone;
	struct span owner = wire_name(z->arena, ldns_rr_owner(rr));
	struct node *n = owner.p != NULL ? add_existing(z, owner) : NULL;
	struct dns_record record;

	if (n == NULL)
		return complain(r, "out of memory");
	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return complain(r, "only class IN is known; remove the record");
	if (!is_kept(ldns_rr_get_type(rr)))
		return true;
	if (!wire_record(z->arena, rr, &record))
		return complain(r,
		    arena_has_failed(z->arena)
			? "out of memory"
			: "the record's data are too long, or not of its type");
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA) {
		uint32_t minimum = ldns_rdf2native_int32(ldns_rr_rdf(rr, 6));

		n->has_soa = true;
		n->negative =
		    minimum < ldns_rr_ttl(rr) ? minimum : ldns_rr_ttl(rr);
	}
	return add_record(r, n, rr, &record);
}

static bool
read_record(struct reader *r)
{
	ldns_rr *rr = NULL;
	ldns_status status = ldns_rr_new_frm_str(
	    &rr, r->entries.entry.p, r->ttl, r->origin, &r->previous);
	bool ok;

	/* a word that is no type is type 0 without data to ldns */
	if (status == LDNS_STATUS_OK && ldns_rr_get_type(rr) == 0) {
		ldns_rr_free(rr);
		status = LDNS_STATUS_SYNTAX_TYPE_ERR;
	}
	if (status != LDNS_STATUS_OK)
		return complain(
		    r, "not a record; write NAME TTL CLASS TYPE DATA");
	ok = take_record(r, rr);
	ldns_rr_free(rr);
	return ok;
}

/* The next word of `s` as a name, absolute or below $ORIGIN; NULL: none. */
static ldns_rdf *
read_name(struct reader *r, struct scan *s)
{
	char text[DOMAIN_MAX * 4 + 2];
	struct buf b = buf_over(text, sizeof(text));
	ldns_rdf *name;

	(void)scan_fws(s);
	buf_span(&b, scan_until(s, ' '));
	if (b.n == 0 || b.full)
		return NULL;
	name = ldns_dname_new_frm_str(text);
	if (name != NULL && r != NULL && r->origin != NULL &&
	    !ldns_dname_str_absolute(text) &&
	    ldns_dname_cat(name, r->origin) != LDNS_STATUS_OK) {
		ldns_rdf_deep_free(name);
		return NULL;
	}
	return name;
}

/* RFC 1035 section 5.1, RFC 2308 section 4 */
static bool
read_control(struct reader *r)
{
	struct scan s = scan_of(buf_done(&r->entries.entry));
	const char *end = NULL;

	if (scan_text_nocase(&s, "$ORIGIN ")) {
		ldns_rdf *origin = read_name(r, &s);

		if (origin == NULL)
			return complain(r, "no name after $ORIGIN");
		ldns_rdf_deep_free(r->origin);
		r->origin = origin;
	} else if (scan_text_nocase(&s, "$TTL ")) {
		(void)scan_fws(&s);
		r->ttl = ldns_str2period(s.p, &end);
		if (end == s.p)
			return complain(r, "no time after $TTL");
	} else {
		return complain(r,
		    "only $ORIGIN and $TTL are known; write the records out");
	}
	return true;
}

static struct mark *
add_mark(struct reader *r, ldns_rdf *name, int type)
{
	struct arena *a = r->zone->arena;
	struct span text = wire_name(a, name);
	struct node *n = text.p != NULL ? add(r->zone, text) : NULL;
	struct mark *m = n != NULL ? n->marks : NULL;

	while (m != NULL && m->type != type)
		m = m->next;
	if (n != NULL && m == NULL) {
		m = arena_alloc(a, sizeof(*m));
		if (m == NULL)
			return NULL;
		m->type = type;
		m->next = n->marks;
		n->marks = m;
	}
	return m;
}

static bool
mark_failed(struct reader *r, struct scan *s, struct mark *m)
{
	(void)r;
	m->failed = true;
	return dns_fault_from_name(span_trim(scan_rest(s)), &m->fault);
}

static bool
mark_nxdomain(struct reader *r, struct scan *s, struct mark *m)
{
	(void)r;
	(void)s;
	m->nxdomain = true;
	return true;
}

static bool
mark_alias(struct reader *r, struct scan *s, struct mark *m)
{
	ldns_rdf *target = read_name(NULL, s);

	if (target == NULL)
		return false;
	m->alias = wire_name(r->zone->arena, target);
	ldns_rdf_deep_free(target);
	return m->alias.p != NULL;
}

static bool
mark_authentic(struct reader *r, struct scan *s, struct mark *m)
{
	(void)r;
	(void)s;
	m->authentic = true;
	return true;
}

static bool
mark_stale(struct reader *r, struct scan *s, struct mark *m)
{
	(void)r;
	(void)s;
	m->stale = true;
	return true;
}

static const struct mark_rule {
	const char *word;
	bool (*read)(struct reader *r, struct scan *s, struct mark *m);
} mark_rules[] = {
	{ ";!failed ", mark_failed },
	{ ";!nxdomain ", mark_nxdomain },
	{ ";!alias ", mark_alias },
	{ ";!authentic ", mark_authentic },
	{ ";!stale ", mark_stale },
};

static bool
read_mark(struct reader *r)
{
	static const char usage[] =
	    "not of the form \";!failed NAME TYPE FAULT\" "
	    "(or ;!nxdomain, ;!alias, ;!authentic, ;!stale)";
	struct scan s = scan_of(buf_done(&r->entries.entry));
	const struct mark_rule *rule = mark_rules;
	const struct mark_rule *end =
	    mark_rules + sizeof(mark_rules) / sizeof(*mark_rules);
	enum dns_type type = (enum dns_type)TYPE_ANY;

	while (rule < end && !scan_text_nocase(&s, rule->word))
		rule++;
	if (rule == end)
		return complain(r, usage);
	ldns_rdf *name = read_name(NULL, &s);

	if (name == NULL)
		return complain(r, usage);
	(void)scan_fws(&s);
	struct span word = scan_until(&s, ' ');
	bool ok =
	    span_is_nocase(word, "ANY") || dns_type_from_name(word, &type);
	struct mark *m = ok ? add_mark(r, name, (int)type) : NULL;

	ldns_rdf_deep_free(name);
	(void)scan_fws(&s);
	if (m == NULL || !rule->read(r, &s, m))
		return complain(r, usage);
	return true;
}

static bool
read_entries(struct reader *r)
{
	enum entry_step step;
	bool ok = true;

	while (ok && (step = entry_next(&r->entries)) != ENTRY_END) {
		switch (step) {
		case ENTRY_ONE:
			if (r->entries.entry.p[0] == ';')
				ok = read_mark(r);
			else if (r->entries.entry.p[0] == '$')
				ok = read_control(r);
			else
				ok = read_record(r);
			break;
		case ENTRY_END:
			break;
		case ENTRY_LONG:
			return complain(r, "the entry is too long; cut it");
		case ENTRY_OPEN:
			return complain(r,
			    "a quote or parenthesis is not closed; close it");
		case ENTRY_NUL:
			return complain(r, "a NUL byte; write it as \\000");
		}
	}
	return ok;
}

/* More records than are kept are what the network would make of them. */
static const struct dns_answer *
answer_of(struct arena *a, const struct set *s)
{
	struct dns_answer answer = { .state = DNS_FOUND, .ttl = s->ttl };
	struct dns_record *records;

	if (s->n > DNS_RECORDS_MAX)
		return dns_answer_failed(DNS_FAULT_GARBLED);
	arena_rewind(a);
	records = arena_array(a, s->n, sizeof(*records));
	if (records == NULL)
		return NULL;
	for (const struct item *i = s->first; i != NULL; i = i->next)
		records[answer.n_records++] = i->record;
	answer.records = records;
	return dns_answer_new(&answer);
}

static bool
make_answers(struct zone *z)
{
	struct arena *a =
	    arena_new(DNS_RECORDS_MAX * sizeof(struct dns_record));
	bool ok = a != NULL;

	for (size_t i = 0; ok && i < z->n_slots; i++)
		for (struct node *n = z->slots[i]; n != NULL; n = n->chain)
			for (struct set *s = n->sets; s != NULL; s = s->next) {
				s->answer = answer_of(a, s);
				ok = ok && s->answer != NULL;
			}
	arena_free(a);
	return ok;
}

struct dns_source *
dns_zone_parse(const char *name, struct span text, char *error, size_t size)
{
	struct reader *r = calloc(1, sizeof(*r));
	struct zone *z = calloc(1, sizeof(*z));
	bool ok = false;

	if (text.n > DNS_ZONE_FILE_MAX) {
		snprintf(error, size, "%s: larger than %d MiB; split it", name,
		    DNS_ZONE_FILE_MAX >> 20);
	} else if (r != NULL && z != NULL) {
		z->source = (struct dns_source){ zone_ask, zone_close };
		z->arena =
		    arena_new(ZONE_MEMORY_BASE + text.n * ZONE_MEMORY_FACTOR);
		*r = (struct reader){ .zone = z,
			.name = name,
			.error = error,
			.error_size = size };
		entry_begin(&r->entries, text);
		snprintf(error, size, "%s: out of memory", name);
		ok = z->arena != NULL && grow(z) &&
		    add_existing(z, SPAN("")) != NULL && read_entries(r) &&
		    make_answers(z);
		ldns_rdf_deep_free(r->origin);
		ldns_rdf_deep_free(r->previous);
	} else {
		snprintf(error, size, "%s: out of memory", name);
	}
	free(r);
	if (!ok && z != NULL)
		zone_close(&z->source);
	return ok ? &z->source : NULL;
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
		snprintf(error, size, "%s: cannot be opened", path);
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
