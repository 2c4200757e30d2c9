#include "audit/domain/sts.h"

#include <string.h>

#include "audit/domain/internal.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/scan.h"

enum {
	STS_ID_MAX = 32,          /* characters, RFC 8461 section 3.1 */
	STS_WEEK = 7 * 24 * 3600, /* seconds */
	STS_TESTING_DAYS = 90,
};

#define STS_AGE_MAX UINT64_C(31557600) /* RFC 8461 section 3.2 */

/* ---- the policy file ---- */

static const char *
read_mode(struct span value, struct sts_policy *out)
{
	static const struct enum_token modes[] = {
		{ "none", STS_MODE_NONE },
		{ "testing", STS_MODE_TESTING },
		{ "enforce", STS_MODE_ENFORCE },
	};
	int mode;

	if (!enum_value(modes, ARRAY_SIZE(modes), value, &mode))
		return "mode is not enforce, testing or none";
	out->mode = (enum sts_mode)mode;
	return NULL;
}

static const char *
read_max_age(struct span value, struct sts_policy *out)
{
	struct scan s = scan_of(value);

	if (!scan_number(&s, STS_AGE_MAX, &out->max_age) || !scan_done(&s))
		return "max_age is not a number of seconds up to 31557600";
	return NULL;
}

static const char *
read_pattern(struct span value, struct sts_policy *out)
{
	struct span name =
	    span_starts_nocase(value, "*.") ? span_skip(value, 2) : value;

	if (!domain_is_hostname(name))
		return "mx is neither a host name nor \"*.\" followed by a "
		       "domain";
	if (out->n_patterns == STS_PATTERNS_MAX)
		return "too many mx fields";
	out->patterns[out->n_patterns++] = value;
	return NULL;
}

static const char *
read_version(struct span value, struct sts_policy *out)
{
	(void)out;
	return span_is(value, "STSv1") ? NULL : "version is not STSv1";
}

static const struct {
	const char *name;
	const char *(*read)(struct span value, struct sts_policy *out);
} policy_fields[] = {
	{ "version", read_version },
	{ "mode", read_mode },
	{ "max_age", read_max_age },
	{ "mx", read_pattern },
};

/* Reads one field.  Ignores unknown fields, and repetitions of any field except
 * mx. */
static const char *
read_field(struct span line, bool seen[4], struct sts_policy *out)
{
	struct span name = span_first(line, span_index(line, ':'));
	struct span value = span_trim(span_skip(line, name.n + 1));

	if (name.n == line.n)
		return "a line is not of the form \"name: value\"";
	for (size_t i = 0; i < ARRAY_SIZE(policy_fields); i++) {
		if (!span_is(name, policy_fields[i].name) ||
		    (i < ARRAY_SIZE(policy_fields) - 1 && seen[i]))
			continue;
		seen[i] = true;
		return policy_fields[i].read(value, out);
	}
	return NULL;
}

const char *
sts_policy_parse(struct span text, struct sts_policy *out)
{
	bool seen[ARRAY_SIZE(policy_fields)] = { false };
	struct scan s = scan_of(text);

	*out = (struct sts_policy){ .mode = STS_MODE_NONE };
	while (!scan_done(&s)) {
		struct span line = span_trim(scan_until(&s, '\n'));
		const char *why = NULL;

		scan_byte(&s, '\n');
		if (line.n > 0)
			why = read_field(line, seen, out);
		if (why != NULL)
			return why;
	}
	if (!seen[0])
		return "version is missing";
	if (!seen[1])
		return "mode is missing";
	if (!seen[2])
		return "max_age is missing";
	if (out->mode != STS_MODE_NONE && out->n_patterns == 0)
		return "mx is missing";
	return NULL;
}

bool
sts_policy_covers(const struct sts_policy *p, struct span host)
{
	for (size_t i = 0; i < p->n_patterns; i++) {
		struct span pattern = p->patterns[i];

		if (span_starts_nocase(pattern, "*.")
			? domain_equal(
			      domain_parent(host), span_skip(pattern, 2))
			: domain_equal(host, pattern))
			return true;
	}
	return false;
}

static void
audit_hosts_covered(
    struct audit_domain *d, const struct sts_policy *p, struct span where)
{
	for (size_t i = 0; i < d->n_hosts; i++)
		if (!sts_policy_covers(p, d->hosts[i].name))
			auditing_add(d,
			    p->mode == STS_MODE_ENFORCE
				? AUDIT_RULE_STS_UNCOVERED
				: AUDIT_RULE_STS_UNCOVERED_TESTING,
			    where, d->hosts[i].name, NULL);
}

/* RFC 8460: the domain should get reports when senders cannot deliver mail
 * because TLS fails. */
static void
audit_tls_report(struct audit_domain *d, struct arena *a, bool is_enforced)
{
	struct span name = auditing_name(a, "_smtp._tls", d->domain);
	struct audit_change *change = audit_change_new(a);
	struct buf b = buf_alloc(a, DOMAIN_MAX + 64);

	if (d->has_tls_report || d->n_hosts == 0)
		return;
	buf_text(&b, "v=TLSRPTv1; rua=mailto:postmaster@");
	buf_span(&b, d->domain);
	audit_change_publish_txt(change, name, buf_view(&b));
	auditing_add(d,
	    is_enforced ? AUDIT_RULE_TLSRPT_ABSENT_ENFORCED
			: AUDIT_RULE_TLSRPT_ABSENT,
	    name, SPAN_NONE, change);
}

static bool
has_dane(const struct audit_domain *d)
{
	for (size_t i = 0; i < d->n_hosts; i++)
		if (d->hosts[i].is_secure && d->hosts[i].tlsa->n_records > 0)
			return true;
	return false;
}

/* Returns the date in an id, in days since 1970, or 0 if the id does not have
 * the form used in RFC 8461 section 3.1, such as 20260101T000000. */
static int64_t
day_of_id(struct span id)
{
	char text[11];
	struct buf b = buf_wrap(text, sizeof(text));
	struct scan s;
	int64_t day;

	if (id.n < 8)
		return 0;
	buf_span(&b, span_first(id, 4));
	buf_byte(&b, '-');
	buf_span(&b, span_first(span_skip(id, 4), 2));
	buf_byte(&b, '-');
	buf_span(&b, span_first(span_skip(id, 6), 2));
	s = scan_of(buf_view(&b));
	return date_read_day(&s, &day) ? day : 0;
}

static void
audit_testing(struct audit_domain *d, struct span where)
{
	char memory[24];
	struct buf days = buf_wrap(memory, sizeof(memory));
	int64_t since = day_of_id(d->sts_id);
	int64_t today = d->now / DATE_DAY;

	if (since == 0 || today - since <= STS_TESTING_DAYS) {
		auditing_add(d, AUDIT_RULE_STS_TESTING, where, SPAN_NONE, NULL);
		return;
	}
	buf_number(&days, (uint64_t)(today - since));
	auditing_add(
	    d, AUDIT_RULE_STS_TESTING_LONG, where, buf_view(&days), NULL);
}

bool
audit_sts(
    struct audit_domain *d, struct arena *a, struct span text, const char *why)
{
	struct span where = auditing_name(a, "mta-sts", d->domain);
	struct sts_policy p = { .mode = STS_MODE_NONE };
	char memory[24];
	struct buf age = buf_wrap(memory, sizeof(memory));
	const char *bad = NULL;

	if (why != NULL) {
		auditing_add(
		    d, AUDIT_RULE_STS_FETCH, where, span_str(why), NULL);
	} else if (text.p != NULL) {
		bad = sts_policy_parse(text, &p);
		if (bad != NULL)
			auditing_add(d, AUDIT_RULE_STS_POLICY, where,
			    span_str(bad), NULL);
	}
	if (text.p != NULL && why == NULL && bad == NULL) {
		audit_hosts_covered(d, &p, where);
		buf_number(&age, p.max_age);
		if (p.max_age < STS_WEEK && p.mode != STS_MODE_NONE)
			auditing_add(d, AUDIT_RULE_STS_SHORT, where,
			    buf_view(&age), NULL);
		if (p.mode == STS_MODE_TESTING)
			audit_testing(d, where);
	} else {
		p.mode = STS_MODE_NONE;
	}
	audit_tls_report(d, a, p.mode == STS_MODE_ENFORCE || has_dane(d));
	return p.mode == STS_MODE_ENFORCE;
}

/* ---- the records ---- */

/* Parses "v=STSv1; id=20260101T000000;". */
static bool
sts_record_read(struct span text, struct span *id)
{
	struct scan s = scan_of(span_skip(text, sizeof("v=STSv1") - 1));

	while (!scan_done(&s)) {
		struct span part = span_trim(scan_until(&s, ';'));

		scan_byte(&s, ';');
		if (!span_starts_nocase(part, "id="))
			continue;
		*id = span_skip(part, 3);
		return id->n > 0 && id->n <= STS_ID_MAX &&
		    span_all(*id, ascii_is_alnum);
	}
	return false;
}

/* Checks a record such as "v=TLSRPTv1;
 * rua=mailto:a@example.com,https://example.com/r". */
static bool
tls_report_is_valid(struct span text)
{
	struct scan s = scan_of(span_skip(text, sizeof("v=TLSRPTv1") - 1));

	while (!scan_done(&s)) {
		struct span part = span_trim(scan_until(&s, ';'));

		scan_byte(&s, ';');
		if (span_starts_nocase(part, "rua=mailto:"))
			return span_has(part, '@');
		if (span_starts_nocase(part, "rua=https://"))
			return true;
	}
	return false;
}

/* Queries TXT records.  Sets `*text` to the first that begins with `version`,
 * and `*n` to the number of such records. */
static const struct dns_answer *
records_of(struct auditing *d, struct span name, const char *version,
    struct span *text, size_t *n)
{
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);

	*n = 0;
	for (size_t i = 0; i < answer->n_records; i++)
		if (span_starts_nocase(answer->records[i].text, version) &&
		    (*n)++ == 0)
			*text = answer->records[i].text;
	return answer;
}

/* Returns a change that removes all records that begin with `version` except
 * `keep`, and publishes `publish` unless it is absent. */
static struct audit_change *
replace_change(struct auditing *d, struct span name, const char *version,
    struct span keep, struct span publish)
{
	const struct dns_answer *answer = auditing_ask(d, name, DNS_TXT);
	struct audit_change *change = audit_change_new(d->a);

	for (size_t i = 0; i < answer->n_records; i++)
		if (span_starts_nocase(answer->records[i].text, version) &&
		    answer->records[i].text.p != keep.p)
			audit_change_remove_txt(
			    change, name, answer->records[i].text);
	if (publish.p != NULL)
		audit_change_publish_txt(change, name, publish);
	return change;
}

static void
audit_tls_report_record(struct auditing *d)
{
	struct span name = auditing_name(d->a, "_smtp._tls", d->out->domain);
	struct buf good = buf_alloc(d->a, DOMAIN_MAX + 64);
	struct span text;
	size_t n;
	const struct dns_answer *answer =
	    records_of(d, name, "v=TLSRPTv1", &text, &n);

	d->out->has_tls_report = n > 0 || answer->state == DNS_FAILED;
	buf_text(&good, "v=TLSRPTv1; rua=mailto:postmaster@");
	buf_span(&good, d->out->domain);
	if (n > 1)
		auditing_add(d->out, AUDIT_RULE_TLSRPT_SEVERAL, name, SPAN_NONE,
		    replace_change(d, name, "v=TLSRPTv1", text, SPAN_NONE));
	else if (n == 1 && !tls_report_is_valid(text))
		auditing_add(d->out, AUDIT_RULE_TLSRPT_RECORD, name, text,
		    replace_change(
			d, name, "v=TLSRPTv1", SPAN_NONE, buf_view(&good)));
}

void
auditing_sts(struct auditing *d)
{
	struct audit_domain *out = d->out;
	struct span name = auditing_name(d->a, "_mta-sts", out->domain);
	struct span text;
	size_t n;
	const struct dns_answer *answer =
	    records_of(d, name, "v=STSv1", &text, &n);

	audit_tls_report_record(d);
	if (n > 1) {
		auditing_add(out, AUDIT_RULE_STS_SEVERAL, name, SPAN_NONE,
		    replace_change(d, name, "v=STSv1", text, SPAN_NONE));
	} else if (n == 1) {
		out->has_sts = sts_record_read(text, &out->sts_id);
		if (!out->has_sts)
			auditing_add(out, AUDIT_RULE_STS_RECORD, name, text,
			    replace_change(d, name, "v=STSv1", SPAN_NONE,
				SPAN("v=STSv1; id=1")));
	} else if (answer->state != DNS_FAILED && out->n_hosts > 0) {
		auditing_add(out, AUDIT_RULE_STS_ABSENT, name, SPAN_NONE, NULL);
	}
}
