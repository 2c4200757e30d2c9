#include "report/receive/feedback.h"

#include "lib/date.h"
#include "lib/enum_names.h"
#include "report/receive/aggregate_xml.h"
#include "report/receive/part_field.h"
#include "report/receive/reported_value.h"

/* The fields to read.  If a field is repeated, the first one is used. */
enum feedback_field {
	FEEDBACK_TYPE,
	FEEDBACK_FAILURE,
	FEEDBACK_ARRIVAL,
	FEEDBACK_RECEIVED,
	FEEDBACK_SOURCE,
	FEEDBACK_DOMAIN,
	FEEDBACK_ALIGNMENT,
	FEEDBACK_DELIVERY,
	FEEDBACK_MAIL_FROM,
	FEEDBACK_DKIM_DOMAIN,
	FEEDBACK_SELECTOR,
	FEEDBACK_RESULTS,
	FEEDBACK_INCIDENTS,
	FEEDBACK_MTA,
	FEEDBACK_AGENT,
	FEEDBACK_FIELDS,
};

static const char *const field_names[FEEDBACK_FIELDS] = {
	[FEEDBACK_TYPE] = "Feedback-Type",
	[FEEDBACK_FAILURE] = "Auth-Failure",
	[FEEDBACK_ARRIVAL] = "Arrival-Date",
	[FEEDBACK_RECEIVED] = "Received-Date",
	[FEEDBACK_SOURCE] = "Source-IP",
	[FEEDBACK_DOMAIN] = "Reported-Domain",
	[FEEDBACK_ALIGNMENT] = "Identity-Alignment",
	[FEEDBACK_DELIVERY] = "Delivery-Result",
	[FEEDBACK_MAIL_FROM] = "Original-Mail-From",
	[FEEDBACK_DKIM_DOMAIN] = "DKIM-Domain",
	[FEEDBACK_SELECTOR] = "DKIM-Selector",
	[FEEDBACK_RESULTS] = "Authentication-Results",
	[FEEDBACK_INCIDENTS] = "Incidents",
	[FEEDBACK_MTA] = "Reporting-MTA",
	[FEEDBACK_AGENT] = "User-Agent",
};

struct feedback_reader {
	struct arena *a;
	struct span values[FEEDBACK_FIELDS]; /* absent: not reported */
};

static void
read_fields(struct feedback_reader *r, struct span part)
{
	struct scan s = scan_of(span_first(part, FEEDBACK_BYTES_MAX));
	struct span name, value;

	while (!scan_done(&s)) {
		if (!part_field_next(&s, &name, &value))
			continue;
		for (size_t i = 0; i < FEEDBACK_FIELDS; i++)
			if (r->values[i].p == NULL &&
			    span_is_nocase(name, field_names[i]))
				r->values[i] = value;
	}
}

/* Returns a value without the comment that may follow it. */
static struct span
token_value(struct feedback_reader *r, enum feedback_field field)
{
	struct span value = r->values[field];

	value = span_first(value, span_index(value, '('));
	return reported_token(r->a, span_first(value, FEEDBACK_TEXT_MAX));
}

static struct span
domain_value(struct feedback_reader *r, enum feedback_field field)
{
	return reported_domain(
	    r->a, span_last(r->values[field], 2 * FEEDBACK_TEXT_MAX));
}

/* Returns the domain of the address; without "@" the value may be a local part,
 * which must not be stored. */
static struct span
mail_from_value(struct feedback_reader *r)
{
	return span_has(r->values[FEEDBACK_MAIL_FROM], '@')
	    ? domain_value(r, FEEDBACK_MAIL_FROM)
	    : SPAN("");
}

/* ---- Authentication-Results ---- */

/* Cuts a word off the text, except the name of a property and "=" at its start,
 * such as "smtp.mailfrom=" (RFC 8601 section 2.3). */
static void
cut_results_word(struct buf *b, size_t start)
{
	static const char *const types[] = { "smtp.", "header.", "body.",
		"policy.", "dns." };
	struct span word = span_skip(buf_view(b), start);
	size_t name = span_index(word, '=') + 1, keep = 0;

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (name <= word.n && span_starts_nocase(word, types[i]))
			keep = name;
	buf_cut(b, start + keep);
}

/*
 * Removes the local parts of addresses: "smtp.mailfrom=@a.example".  A local
 * part may contain "=" and, in quotes, anything, so everything from the start
 * of the word is removed, except the name of a property.
 */
static struct span
results_value(struct feedback_reader *r)
{
	struct span value = r->values[FEEDBACK_RESULTS];
	struct span text =
	    reported_line(r->a, span_first(value, FEEDBACK_RESULTS_MAX));
	struct buf b = buf_alloc(r->a, text.n + 1);
	bool quoted = false, escaped = false;
	size_t word = 0; /* where the word begins */

	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '@')
			cut_results_word(&b, word);
		buf_byte(&b, c);
		quoted = quoted != (c == '"' && !escaped);
		escaped = quoted && c == '\\' && !escaped;
		if (!quoted && (c == ' ' || c == ';' || c == '(' || c == '<'))
			word = b.n;
	}
	if (value.n > FEEDBACK_RESULTS_MAX) /* an address may be cut off */
		cut_results_word(&b, word);
	return buf_view(&b);
}

/* ---- the report ---- */

static int64_t
arrival(const struct feedback_reader *r, int64_t now)
{
	static const enum feedback_field fields[] = { FEEDBACK_ARRIVAL,
		FEEDBACK_RECEIVED };
	int64_t at;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct scan s = scan_of(span_trim(r->values[fields[i]]));

		if (date_read_mail(&s, &at) && at >= 0)
			return at < now ? at : now;
	}
	return now;
}

/* Returns the name in Reporting-MTA ("dns; mx.example"), otherwise the sender
 * of the report, otherwise User-Agent. */
static struct span
reporter(struct feedback_reader *r, struct span sender)
{
	struct span mta = r->values[FEEDBACK_MTA];
	struct span name;

	mta = span_skip(mta, span_index(mta, ';') + 1);
	name = reported_domain(r->a, span_first(mta, FEEDBACK_TEXT_MAX));
	if (name.n > 0)
		return name;
	if (sender.n > 0)
		return reported_domain(r->a, sender);
	name = reported_line(
	    r->a, span_first(r->values[FEEDBACK_AGENT], FEEDBACK_TEXT_MAX));
	return name.n > 0 ? name : SPAN("unknown");
}

static struct span
reported_name(struct feedback_reader *r)
{
	struct span domain = domain_value(r, FEEDBACK_DOMAIN);

	if (domain.n == 0)
		domain = domain_value(r, FEEDBACK_DKIM_DOMAIN);
	return domain.n > 0 ? domain : mail_from_value(r);
}

static struct span
source_value(struct feedback_reader *r)
{
	struct buf b = buf_alloc(r->a, IP_TEXT_MAX);
	struct ip ip = reported_source(
	    span_first(r->values[FEEDBACK_SOURCE], FEEDBACK_TEXT_MAX));

	ip_put(&b, &ip);
	return buf_view(&b);
}

static uint64_t
incidents(const struct feedback_reader *r)
{
	int64_t count;

	return reported_count(r->values[FEEDBACK_INCIDENTS], &count) &&
		count >= 1 && count <= READ_COUNT_MAX
	    ? (uint64_t)count
	    : 1;
}

enum feedback_end
feedback_read(struct span part, struct span sender, int64_t now,
    struct arena *a, struct ledger_incident *out, const char **reason)
{
	struct feedback_reader r = { .a = a };

	*reason = NULL;
	read_fields(&r, part);
	if (!span_is(token_value(&r, FEEDBACK_TYPE), "auth-failure"))
		return arena_has_failed(a) ? FEEDBACK_MEMORY_LACKS
					   : FEEDBACK_OTHER;
	*out = (struct ledger_incident){
		.reporter = reporter(&r, sender),
		.at = arrival(&r, now),
		.domain = reported_name(&r),
		.source = source_value(&r),
		.cause = token_value(&r, FEEDBACK_FAILURE),
		.alignment = token_value(&r, FEEDBACK_ALIGNMENT),
		.delivery = token_value(&r, FEEDBACK_DELIVERY),
		.mail_from = mail_from_value(&r),
		.dkim_domain = domain_value(&r, FEEDBACK_DKIM_DOMAIN),
		.selector = token_value(&r, FEEDBACK_SELECTOR),
		.results = results_value(&r),
		.incidents = incidents(&r),
	};
	if (arena_has_failed(a))
		return FEEDBACK_MEMORY_LACKS;
	if (out->domain.n > 0)
		return FEEDBACK_DONE;
	*reason = "a failure report without a Reported-Domain";
	return FEEDBACK_REFUSED;
}
