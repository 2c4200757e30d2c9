/*
 * dkim.c - checks DKIM keys.  Selectors that were given or seen in use must
 * have a good key.  Other selectors are guessed; if none of them has a key,
 * that is only a hint.
 */
#include <stdio.h>
#include <time.h>

#include "audit/domain/internal.h"
#include "audit/domain/services.h"
#include "dkim/key.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "lib/taglist.h"

enum {
	GOOD_RSA_BITS = 2048, /* RFC 8301 section 3.2 */
	RSA_BITS_MIN = 1024, /* RFC 8301 section 3.2; shorter keys are unsafe */
	OLD_SECONDS = 366 * 86400,
	YEARS_ASKED = 3, /* dated selectors: this year and the two before it */
	MONTHS = 12,
	DKIM_FIRST_DAY = 12418, /* 2004-01-01: DKIM did not exist before then */
};

struct key_search {
	struct auditing *d;
	struct audit_key *keys; /* all keys that are queried */
	size_t n;
};

static bool
is_searched(const struct key_search *s, struct span selector)
{
	for (size_t i = 0; i < s->n; i++)
		if (domain_equal(s->keys[i].selector, selector))
			return true;
	return false;
}

static void
search_add(
    struct key_search *s, struct span selector, enum audit_key_origin origin)
{
	struct span normal = domain_normal(s->d->a, selector);

	if (s->keys == NULL || s->n == AUDIT_KEYS_MAX || normal.p == NULL ||
	    is_searched(s, normal))
		return;
	s->keys[s->n++] = (struct audit_key){ .selector = normal,
		.origin = origin,
		.key = { .state = DNS_PENDING } };
}

static void
search_seen(struct key_search *s, const struct audit_seen *seen)
{
	size_t before = s->n;

	search_add(s, seen->selector, AUDIT_KEY_SEEN);
	for (size_t i = 0; i < s->n; i++)
		if (i >= before ||
		    span_equal_nocase(s->keys[i].selector, seen->selector))
			s->keys[i].created = seen->created;
}

static void
search_services(struct key_search *s)
{
	const struct spf_lint *lint = &s->d->out->spf;

	for (size_t i = 0; i < lint->n_tree; i++) {
		const struct audit_service *service =
		    audit_service_find(lint->tree[i].domain);

		for (size_t k = 0;
		     service != NULL && k < AUDIT_SERVICE_SELECTORS_MAX &&
		     service->selectors[k] != NULL;
		     k++)
			search_add(s, span_str(service->selectors[k]),
			    AUDIT_KEY_SERVICE);
	}
}

/* Adds dated selectors such as 2026 and 202605, for this and earlier years. */
static void
search_dates(struct key_search *s)
{
	time_t now = (time_t)s->d->q->now;
	struct tm tm = { .tm_year = 0 };

	if (gmtime_r(&now, &tm) == NULL)
		return;
	for (int year = 0; year < YEARS_ASKED; year++) {
		struct buf b = buf_alloc(s->d->a, 16);

		buf_printf(&b, "%d", tm.tm_year + 1900 - year);
		search_add(s, buf_view(&b), AUDIT_KEY_GUESSED);
		for (int month = 1; year < 2 && month <= MONTHS; month++) {
			b = buf_alloc(s->d->a, 16);
			buf_printf(
			    &b, "%d%02d", tm.tm_year + 1900 - year, month);
			search_add(s, buf_view(&b), AUDIT_KEY_GUESSED);
		}
	}
}

/* ---- one key ---- */

/* Counts the keys in an answer, or only the usable ones; other TXT records are
 * ignored. */
static size_t
count_keys(const struct explain_key *key, bool usable)
{
	size_t n = 0;

	for (size_t i = 0; i < key->n_records; i++)
		n += !key->records[i].key.is_foreign &&
		    (!usable || key->records[i].key.fault == NULL);
	return n;
}

/* Returns the first usable key record, or else the first key record. */
static const struct explain_record *
main_record(const struct explain_key *key)
{
	const struct explain_record *first = NULL;

	for (size_t i = 0; i < key->n_records; i++) {
		const struct explain_record *r = &key->records[i];

		if (r->key.is_foreign)
			continue;
		if (r->key.fault == NULL)
			return r;
		if (first == NULL)
			first = r;
	}
	return first;
}

/* Writes the flags in a t= value except "y". */
static void
put_other_flags(struct buf *b, struct span value)
{
	struct scan s = scan_of(value);
	bool any = false;

	while (!scan_done(&s)) {
		struct span flag = span_trim(scan_until(&s, ':'));

		scan_byte(&s, ':');
		if (flag.n == 0 || span_is(flag, "y"))
			continue;
		buf_text(b, any ? ":" : b->n > 0 ? "; t=" : "t=");
		buf_span(b, flag);
		any = true;
	}
}

/* Returns the record without t=y. */
static struct span
without_testing(struct auditing *d, struct span record)
{
	struct tag tags[TAGLIST_MAX];
	struct buf b = buf_alloc(d->a, record.n + 8);
	const char *why;
	size_t n;

	if (!taglist_read(record, tags, &n, &why))
		return SPAN_NONE;
	for (size_t i = 0; i < n; i++) {
		if (span_is(tags[i].name, "t")) {
			put_other_flags(&b, tags[i].value);
			continue;
		}
		buf_text(&b, b.n > 0 ? "; " : "");
		buf_span(&b, tags[i].name);
		buf_byte(&b, '=');
		buf_span(&b, tags[i].value);
	}
	return b.full ? SPAN_NONE : buf_view(&b);
}

static struct span
key_name(struct auditing *d, struct span selector)
{
	struct span name = auditing_name(d->a, "_domainkey", d->out->domain);
	struct buf b = buf_alloc(d->a, selector.n + 1 + name.n + 1);

	buf_span(&b, selector);
	buf_byte(&b, '.');
	buf_span(&b, name);
	return buf_view(&b);
}

/* Returns a change that replaces the key's records with `text` or, if that is
 * absent, with a new key at `selector`.  A new selector leaves them: mail in
 * transit still needs the old key. */
static const struct audit_change *
key_change(struct auditing *d, const struct audit_key *k, struct span text,
    struct span selector)
{
	struct audit_change *change = audit_change_new(d->a);
	struct span name = key_name(d, k->selector);

	if (k->key.alias.p != NULL)
		return NULL; /* the record belongs to someone else */
	if (text.p != NULL && count_keys(&k->key, true) > 1)
		return NULL; /* only the owner knows which key is used */
	for (size_t i = 0;
	     i < k->key.n_records && domain_equal(selector, k->selector); i++)
		if (text.p == NULL || k->key.records[i].text.p != text.p)
			audit_change_remove_txt(
			    change, name, k->key.records[i].text);
	for (size_t i = 0; i < k->key.n_records; i++)
		if (k->key.records[i].text.p == text.p)
			return change;
	audit_change_publish_txt(change, key_name(d, selector),
	    text.p != NULL ? text : SPAN("v=DKIM1; k=rsa; p=PUBLIC-KEY"));
	return change;
}

static void
add_key_finding(struct auditing *d, enum audit_domain_rule rule,
    const struct audit_key *k, struct span value, struct span text)
{
	bool is_replaced = rule == AUDIT_RULE_DKIM_SMALL ||
	    rule == AUDIT_RULE_DKIM_OLD || rule == AUDIT_RULE_DKIM_DATED;

	auditing_add(d->out, rule,
	    k->key.name.p != NULL ? k->key.name : k->selector, value,
	    key_change(
		d, k, text, is_replaced ? SPAN("NEW-SELECTOR") : k->selector));
}

static void
add_key_number(struct auditing *d, enum audit_domain_rule rule,
    const struct audit_key *k, size_t number, struct span text)
{
	struct buf b = buf_alloc(d->a, 24);

	buf_number(&b, number);
	add_key_finding(d, rule, k, buf_view(&b), text);
}

/* Finds YYYYMMDD, alone or at the end of the first label: "20240301",
 * "s-20240301".  Returns the date in days since 1970, or -1 if there is none.
 */
static int64_t
selector_day(struct span selector)
{
	enum { DIGITS = 8 };
	struct span first = span_first(selector, span_index(selector, '.'));
	struct span digits = span_last(first, DIGITS);
	char text[DIGITS + 3];
	struct scan s;
	int64_t day;

	if (digits.n < DIGITS ||
	    (first.n > DIGITS &&
		ascii_is_alnum((unsigned char)first.p[first.n - DIGITS - 1])))
		return -1;
	snprintf(text, sizeof(text), "%.4s-%.2s-%.2s", digits.p, digits.p + 4,
	    digits.p + 6);
	s = scan_of(span_str(text));
	return date_read_day(&s, &day) && scan_done(&s) && day >= DKIM_FIRST_DAY
	    ? day
	    : -1;
}

/* Reports an old date in the selector of a key in use, if the key's creation
 * time is unknown. */
static void
audit_dated_key(struct auditing *d, const struct audit_key *k)
{
	int64_t day = selector_day(k->selector);
	struct buf b = buf_alloc(d->a, 16);

	if (k->origin == AUDIT_KEY_GUESSED || k->created > 0 || day < 0 ||
	    d->q->now - day * DATE_DAY <= OLD_SECONDS)
		return;
	date_put_day(&b, day);
	add_key_finding(d, AUDIT_RULE_DKIM_DATED, k, buf_view(&b), SPAN_NONE);
}

static void
audit_good_key(struct auditing *d, const struct audit_key *k,
    const struct explain_record *r)
{
	if (r->key.type == KEY_RSA && r->key.bits < GOOD_RSA_BITS)
		add_key_number(
		    d, AUDIT_RULE_DKIM_SMALL, k, r->key.bits, SPAN_NONE);
	if (k->created > 0 && d->q->now - k->created > OLD_SECONDS)
		add_key_number(d, AUDIT_RULE_DKIM_OLD, k,
		    (size_t)((d->q->now - k->created) / DATE_DAY), SPAN_NONE);
	audit_dated_key(d, k);
	if (r->key.testing)
		add_key_finding(d, AUDIT_RULE_DKIM_TESTING, k, SPAN_NONE,
		    without_testing(d, r->text));
}

/* Returns true if the selector has a key record. */
static bool
audit_key(struct auditing *d, const struct audit_key *k)
{
	const struct explain_record *r = main_record(&k->key);
	bool is_known =
	    k->origin == AUDIT_KEY_GIVEN || k->origin == AUDIT_KEY_SEEN;

	if (r == NULL) {
		if (is_known && k->key.state != DNS_FAILED)
			add_key_finding(d, AUDIT_RULE_DKIM_NO_RECORD, k,
			    SPAN_NONE, SPAN_NONE);
		return false;
	}
	if (count_keys(&k->key, false) > 1)
		add_key_number(d, AUDIT_RULE_DKIM_SEVERAL, k,
		    count_keys(&k->key, false), r->text);
	if (k->key.is_good) {
		audit_good_key(d, k, r);
	} else if (r->key.is_revoked) {
		/* reports may be older than the revocation */
		if (k->origin == AUDIT_KEY_GIVEN || k->created > 0)
			auditing_add(d->out, AUDIT_RULE_DKIM_REVOKED,
			    k->key.name, SPAN_NONE, NULL);
	} else if (is_known || k->origin == AUDIT_KEY_SERVICE ||
	    (r->key.type == KEY_RSA && r->key.bits > 0 &&
		r->key.bits < RSA_BITS_MIN)) {
		add_key_finding(
		    d, AUDIT_RULE_DKIM_UNUSABLE, k, k->key.verdict, SPAN_NONE);
	}
	return true;
}

/* ---- all keys ---- */

/* Whether a wildcard answers for a selector that does not exist. */
static bool
has_wildcard(struct auditing *d)
{
	struct span name = auditing_name(
	    d->a, "avouch-no-such-selector._domainkey", d->out->domain);
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);

	for (size_t i = 0; i < answer->n_records; i++) {
		struct key key;

		key_read(answer->records[i].text, &key);
		key_release(&key);
		if (!key.is_foreign)
			return true;
	}
	return false;
}

static void
explain_keys(struct key_search *s, struct explain_key *spare)
{
	struct auditing *d = s->d;

	for (size_t i = 0; i < s->n; i++) {
		if (dkim_explain_key(s->keys[i].selector, d->out->domain,
			d->q->dkim, d->questions, d->a, spare) == CORE_WAIT)
			d->waiting = true;
		s->keys[i].key = *spare;
	}
}

static void
search_keys(struct key_search *s, bool is_wild)
{
	struct auditing *d = s->d;
	const struct dns_answer *zone = auditing_ask(
	    d, auditing_name(d->a, "_domainkey", d->out->domain), DNS_TXT);

	for (size_t i = 0; i < d->q->n_selectors; i++)
		search_add(s, d->q->selectors[i], AUDIT_KEY_GIVEN);
	for (size_t i = 0; i < d->q->n_seen; i++)
		search_seen(s, &d->q->seen[i]);
	if (is_wild)
		return;
	search_services(s);
	/* RFC 8020: no name below this one exists */
	if (zone->state == DNS_NXDOMAIN || zone->state == DNS_PENDING)
		return;
	for (size_t i = 0; audit_known_selectors[i] != NULL; i++)
		search_add(
		    s, span_str(audit_known_selectors[i]), AUDIT_KEY_GUESSED);
	search_dates(s);
}

static void
audit_absence(struct auditing *d, const struct key_search *s, bool is_wild)
{
	struct span name = auditing_name(d->a, "_domainkey", d->out->domain);
	const struct dns_answer *zone = auditing_ask(d, name, DNS_TXT);

	if (!d->out->sends_mail || d->out->n_keys > 0 ||
	    d->q->n_selectors > 0 || d->q->n_seen > 0)
		return;
	if (is_wild)
		auditing_add(
		    d->out, AUDIT_RULE_DKIM_WILDCARD, name, SPAN_NONE, NULL);
	else if (zone->state == DNS_NXDOMAIN)
		auditing_add(d->out, AUDIT_RULE_DKIM_NO_KEY, name, SPAN_NONE,
		    key_change(d, &(struct audit_key){ .selector = SPAN("s1") },
			SPAN_NONE, SPAN("s1")));
	else if (s->n > 0)
		auditing_add(
		    d->out, AUDIT_RULE_DKIM_NONE_FOUND, name, SPAN_NONE, NULL);
}

void
auditing_dkim(struct auditing *d)
{
	struct key_search s = { .d = d };
	struct explain_key *spare = arena_alloc(d->a, sizeof(*spare));
	bool is_wild = has_wildcard(d);
	size_t n = 0;

	s.keys = arena_array(d->a, AUDIT_KEYS_MAX, sizeof(*s.keys));
	if (s.keys == NULL || spare == NULL)
		return;
	search_keys(&s, is_wild);
	explain_keys(&s, spare);
	if (d->waiting)
		return;
	d->out->keys = s.keys;
	for (size_t i = 0; i < s.n; i++)
		if (audit_key(d, &s.keys[i]))
			s.keys[n++] = s.keys[i];
	d->out->n_keys = n;
	audit_absence(d, &s, is_wild);
}
