#include "dns/zone_internal.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dns/zone_lexer.h"
#include "dns/packet.h"
#include "lib/buf.h"
#include "lib/domain.h"

/* Parser state for one zone file. */
struct zone_reader {
	struct zone *zone;
	const char *name;
	struct zone_lexer entries;
	ldns_rdf *origin;
	ldns_rdf *previous; /* owner of the previous record */
	uint32_t ttl;
	char *error;
	size_t error_size;
};

static bool
zone_error(struct zone_reader *r, const char *reason)
{
	snprintf(r->error, r->error_size, "%s:%lu: %s", r->name,
	    r->entries.line, reason);
	return false;
}

/* RFC 2181 section 5: an RRset does not contain the same record twice. */
static bool
has_record(const struct zone_set *s, const struct dns_record *record)
{
	const struct zone_item *i = s->n <= DNS_RECORDS_MAX ? s->first : NULL;

	while (i != NULL && !dns_record_equal(&i->record, record))
		i = i->next;
	return i != NULL;
}

static bool
add_record(struct zone_reader *r, struct zone_node *n, const ldns_rr *rr,
    struct dns_record *record)
{
	struct zone_set *s =
	    zone_find_set(n, (enum dns_type)ldns_rr_get_type(rr));
	struct zone_item *item = arena_alloc(r->zone->arena, sizeof(*item));

	if (s == NULL) {
		s = arena_alloc(r->zone->arena, sizeof(*s));
		if (s == NULL)
			return zone_error(r, "out of memory");
		s->type = (enum dns_type)ldns_rr_get_type(rr);
		s->ttl = ldns_rr_ttl(rr);
		s->end = &s->first;
		s->next = n->sets;
		n->sets = s;
	}
	if (item == NULL)
		return zone_error(r, "out of memory");
	if (has_record(s, record))
		return true;
	if (s->type == DNS_CNAME && s->n > 0)
		return zone_error(r,
		    "this name already has another CNAME; remove one of the "
		    "two");
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
take_record(struct zone_reader *r, const ldns_rr *rr)
{
	struct zone *z = r->zone;
	struct span owner = dns_packet_name(z->arena, ldns_rr_owner(rr));
	struct zone_node *n =
	    owner.p != NULL ? zone_add_existing(z, owner) : NULL;
	struct dns_record record;

	if (n == NULL)
		return zone_error(r, "out of memory");
	if (ldns_rr_get_class(rr) != LDNS_RR_CLASS_IN)
		return zone_error(
		    r, "only class IN is supported; remove the record");
	if (!is_kept(ldns_rr_get_type(rr)))
		return true;
	if (!dns_packet_record(z->arena, rr, &record))
		return zone_error(r,
		    arena_has_failed(z->arena)
			? "out of memory"
			: "the record's data are too long, or do not fit its "
			  "type");
	if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_SOA) {
		uint32_t minimum = ldns_rdf2native_int32(ldns_rr_rdf(rr, 6));

		n->has_soa = true;
		n->negative =
		    minimum < ldns_rr_ttl(rr) ? minimum : ldns_rr_ttl(rr);
	}
	return add_record(r, n, rr, &record);
}

static bool
read_record(struct zone_reader *r)
{
	ldns_rr *rr = NULL;
	ldns_status status = ldns_rr_new_frm_str(
	    &rr, r->entries.entry.p, r->ttl, r->origin, &r->previous);
	bool ok;

	/* ldns reads an unknown type as type 0 without data. */
	if (status == LDNS_STATUS_OK && ldns_rr_get_type(rr) == 0) {
		ldns_rr_free(rr);
		status = LDNS_STATUS_SYNTAX_TYPE_ERR;
	}
	if (status != LDNS_STATUS_OK)
		return zone_error(
		    r, "not a record; write NAME TTL CLASS TYPE DATA");
	ok = take_record(r, rr);
	ldns_rr_free(rr);
	return ok;
}

/* Reads the next word of `s` as a name, absolute or relative to $ORIGIN.
 * Returns NULL if there is none or it is not valid. */
static ldns_rdf *
read_name(struct zone_reader *r, struct scan *s)
{
	char text[DOMAIN_MAX * 4 + 2];
	struct buf b = buf_wrap(text, sizeof(text));
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
read_control(struct zone_reader *r)
{
	struct scan s = scan_of(buf_view(&r->entries.entry));
	const char *end = NULL;

	if (scan_text_nocase(&s, "$ORIGIN ")) {
		ldns_rdf *origin = read_name(r, &s);

		if (origin == NULL)
			return zone_error(r, "no name after $ORIGIN");
		ldns_rdf_deep_free(r->origin);
		r->origin = origin;
	} else if (scan_text_nocase(&s, "$TTL ")) {
		(void)scan_fws(&s);
		r->ttl = ldns_str2period(s.p, &end);
		if (end == s.p)
			return zone_error(r, "no time after $TTL");
	} else {
		return zone_error(r,
		    "only $ORIGIN and $TTL are supported; write the records "
		    "out");
	}
	return true;
}

static struct zone_mark *
add_mark(struct zone_reader *r, ldns_rdf *name, int type)
{
	struct arena *a = r->zone->arena;
	struct span text = dns_packet_name(a, name);
	struct zone_node *n = text.p != NULL ? zone_add(r->zone, text) : NULL;
	struct zone_mark *m = n != NULL ? n->marks : NULL;

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
mark_failed(struct zone_reader *r, struct scan *s, struct zone_mark *m)
{
	(void)r;
	m->failed = true;
	return dns_error_from_name(span_trim(scan_rest(s)), &m->fault);
}

static bool
mark_nxdomain(struct zone_reader *r, struct scan *s, struct zone_mark *m)
{
	(void)r;
	(void)s;
	m->nxdomain = true;
	return true;
}

static bool
mark_nodata(struct zone_reader *r, struct scan *s, struct zone_mark *m)
{
	(void)r;
	(void)s;
	m->nodata = true;
	return true;
}

static bool
mark_alias(struct zone_reader *r, struct scan *s, struct zone_mark *m)
{
	ldns_rdf *target = read_name(NULL, s);

	if (target == NULL)
		return false;
	m->alias = dns_packet_name(r->zone->arena, target);
	ldns_rdf_deep_free(target);
	return m->alias.p != NULL;
}

static bool
mark_secure(struct zone_reader *r, struct scan *s, struct zone_mark *m)
{
	(void)r;
	(void)s;
	m->is_secure = true;
	return true;
}

static const struct mark_rule {
	const char *word;
	bool (*read)(
	    struct zone_reader *r, struct scan *s, struct zone_mark *m);
} mark_rules[] = {
	{ ";!failed ", mark_failed },
	{ ";!nxdomain ", mark_nxdomain },
	{ ";!nodata ", mark_nodata },
	{ ";!alias ", mark_alias },
	{ ";!secure ", mark_secure },
};

static bool
read_mark(struct zone_reader *r)
{
	static const char usage[] =
	    "not of the form \";!failed NAME TYPE FAULT\" "
	    "(or ;!nxdomain, ;!nodata, ;!alias, ;!secure)";
	struct scan s = scan_of(buf_view(&r->entries.entry));
	const struct mark_rule *rule = mark_rules;
	const struct mark_rule *end =
	    mark_rules + sizeof(mark_rules) / sizeof(*mark_rules);
	enum dns_type type = (enum dns_type)TYPE_ANY;

	while (rule < end && !scan_text_nocase(&s, rule->word))
		rule++;
	if (rule == end)
		return zone_error(r, usage);
	ldns_rdf *name = read_name(NULL, &s);

	if (name == NULL)
		return zone_error(r, usage);
	(void)scan_fws(&s);
	struct span word = scan_until(&s, ' ');
	bool ok =
	    span_is_nocase(word, "ANY") || dns_type_from_name(word, &type);
	struct zone_mark *m = ok ? add_mark(r, name, (int)type) : NULL;

	ldns_rdf_deep_free(name);
	(void)scan_fws(&s);
	if (ok && m == NULL)
		return zone_error(r, "out of memory");
	if (m == NULL || !rule->read(r, &s, m))
		return zone_error(r, usage);
	return true;
}

static bool
read_entries(struct zone_reader *r)
{
	enum zone_lexer_status step;
	bool ok = true;

	while (ok && (step = zone_lexer_next(&r->entries)) != ENTRY_END) {
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
			return zone_error(
			    r, "the entry is too long; shorten it");
		case ENTRY_OPEN:
			return zone_error(r,
			    "a quote or parenthesis is unbalanced; add or "
			    "remove one");
		case ENTRY_NUL:
			return zone_error(
			    r, "contains a NUL byte; write it as \\000");
		}
	}
	return ok;
}

bool
zone_read(struct zone *z, const char *name, struct span text, char *error,
    size_t size)
{
	struct zone_reader *r = calloc(1, sizeof(*r));
	bool ok;

	if (r == NULL) {
		snprintf(error, size, "%s: out of memory", name);
		return false;
	}
	*r = (struct zone_reader){
		.zone = z, .name = name, .error = error, .error_size = size
	};
	zone_lexer_begin(&r->entries, text);
	ok = read_entries(r);
	ldns_rdf_deep_free(r->origin);
	ldns_rdf_deep_free(r->previous);
	free(r);
	return ok;
}
