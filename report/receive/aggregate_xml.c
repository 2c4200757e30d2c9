#include "report/receive/aggregate_xml.h"

#include <libxml/xmlreader.h>
#include <stdlib.h>
#include <string.h>

#include "lib/compat/libxml.h"
#include "lib/enum_names.h"
#include "report/receive/reported_value.h"
#include "report/receive/xml_filter.h"

enum {
	CHUNK = 4096,        /* bytes per read */
	SCRATCH = 256 << 10, /* bytes, for the strings of one row */
	NAME_SHOWN = 40,     /* bytes of an element's name shown in an error */
};

/* ---- the elements of a report ---- */

enum place {
	OUTSIDE,
	FEEDBACK,
	METADATA,
	RANGE,
	POLICY,
	RECORD,
	ROW,
	EVALUATED,
	REASON,
	IDENTIFIERS,
	RESULTS,
	DKIM,
	SPF,
	VALUE,   /* an element that contains text */
	UNKNOWN, /* an element that is skipped with its contents */
};

enum slot {
	/* values in the head */
	VERSION,
	ORG_NAME,
	EMAIL,
	CONTACT,
	REPORT_ID,
	BEGIN,
	END,
	ERRORS,
	GENERATOR,
	DOMAIN,
	P,
	SP,
	NP,
	ADKIM,
	ASPF,
	FO,
	PCT,
	TESTING,
	DISCOVERY,
	/* values in a record */
	FIRST_OF_RECORD,
	SOURCE_IP = FIRST_OF_RECORD,
	COUNT,
	DISPOSITION,
	DKIM_ALIGNED,
	SPF_ALIGNED,
	HEADER_FROM,
	ENVELOPE_FROM,
	OVERRIDE,
	OVERRIDE_COMMENT,
	SPF_DOMAIN,
	SPF_SCOPE,
	SPF_RESULT,
	/* values in a repeated part of a record */
	FIRST_OF_PART,
	TYPE = FIRST_OF_PART,
	COMMENT,
	PART_DOMAIN,
	SELECTOR,
	SCOPE,
	RESULT,
	SLOTS,
};

/* RFC 9990 appendix A, and the elements of RFC 7489 appendix C that differ. */
static const struct element_rule {
	enum place in;
	const char *name;
	enum place to;
	enum slot slot; /* for a VALUE */
} rules[] = {
	{ OUTSIDE, "feedback", FEEDBACK, SLOTS },
	{ FEEDBACK, "version", VALUE, VERSION },
	{ FEEDBACK, "report_metadata", METADATA, SLOTS },
	{ FEEDBACK, "policy_published", POLICY, SLOTS },
	{ FEEDBACK, "record", RECORD, SLOTS },
	{ METADATA, "org_name", VALUE, ORG_NAME },
	{ METADATA, "email", VALUE, EMAIL },
	{ METADATA, "extra_contact_info", VALUE, CONTACT },
	{ METADATA, "report_id", VALUE, REPORT_ID },
	{ METADATA, "date_range", RANGE, SLOTS },
	{ METADATA, "error", VALUE, ERRORS },
	{ METADATA, "generator", VALUE, GENERATOR },
	{ RANGE, "begin", VALUE, BEGIN },
	{ RANGE, "end", VALUE, END },
	{ POLICY, "domain", VALUE, DOMAIN },
	{ POLICY, "p", VALUE, P },
	{ POLICY, "sp", VALUE, SP },
	{ POLICY, "np", VALUE, NP },
	{ POLICY, "adkim", VALUE, ADKIM },
	{ POLICY, "aspf", VALUE, ASPF },
	{ POLICY, "fo", VALUE, FO },
	{ POLICY, "pct", VALUE, PCT },
	{ POLICY, "testing", VALUE, TESTING },
	{ POLICY, "discovery_method", VALUE, DISCOVERY },
	{ RECORD, "row", ROW, SLOTS },
	{ RECORD, "identifiers", IDENTIFIERS, SLOTS },
	{ RECORD, "identities", IDENTIFIERS, SLOTS },
	{ RECORD, "auth_results", RESULTS, SLOTS },
	{ ROW, "source_ip", VALUE, SOURCE_IP },
	{ ROW, "count", VALUE, COUNT },
	{ ROW, "policy_evaluated", EVALUATED, SLOTS },
	{ EVALUATED, "disposition", VALUE, DISPOSITION },
	{ EVALUATED, "dkim", VALUE, DKIM_ALIGNED },
	{ EVALUATED, "spf", VALUE, SPF_ALIGNED },
	{ EVALUATED, "reason", REASON, SLOTS },
	{ REASON, "type", VALUE, TYPE },
	{ REASON, "comment", VALUE, COMMENT },
	{ IDENTIFIERS, "header_from", VALUE, HEADER_FROM },
	{ IDENTIFIERS, "envelope_from", VALUE, ENVELOPE_FROM },
	{ RESULTS, "dkim", DKIM, SLOTS },
	{ RESULTS, "spf", SPF, SLOTS },
	{ DKIM, "domain", VALUE, PART_DOMAIN },
	{ DKIM, "selector", VALUE, SELECTOR },
	{ DKIM, "result", VALUE, RESULT },
	{ SPF, "domain", VALUE, PART_DOMAIN },
	{ SPF, "scope", VALUE, SCOPE },
	{ SPF, "result", VALUE, RESULT },
};

struct element_value {
	char bytes[READ_VALUE_MAX];
	size_t n;
};

struct report_reader {
	const struct read_document *doc;
	xmlTextReader *xml;
	char *error;

	/* Input that libxml2 has not read yet. */
	struct xml_filter filter;
	int64_t pulled;
	bool at_end, broken;
	char filtered[XML_FILTER_GROWTH * (CHUNK + XML_FILTER_HELD_MAX)];
	size_t out,
	    n_out; /* bytes in `filtered`: already passed on, and in total */

	/* The current position. */
	enum place places[READ_DEPTH_MAX + 1];
	size_t depth;
	enum slot slot; /* where to store the current VALUE */
	bool complete;  /* </feedback> was read */

	/* The values read so far. */
	struct element_value values[SLOTS];
	struct element_value first_from;
	struct {
		struct element_value domain, selector, result;
	} dkim[REPORT_DKIM_MAX];
	size_t n_dkim;
	int64_t records;        /* also without messages */
	int64_t rows, messages; /* of records with messages */
	struct arena *scratch;  /* strings of one row */
	enum read_end end;      /* READ_DONE: no error so far */
};

static bool
refuse_report(struct report_reader *r, const char *what)
{
	struct buf b = buf_wrap(r->error, READ_ERROR_MAX);

	if (r->end == READ_DONE) {
		buf_text(&b, what);
		r->end = READ_REFUSED;
	}
	return false;
}

/* ---- bytes ---- */

static bool
fill_buffer(struct report_reader *r)
{
	char chunk[CHUNK];
	ptrdiff_t n = r->doc->pull(r->doc->arg, chunk, sizeof(chunk));

	r->out = 0;
	if (n < 0) {
		r->broken = true;
		return false;
	}
	r->pulled += n;
	if (r->pulled > READ_BYTES_MAX)
		return refuse_report(r, "it is larger than 256 MiB");
	r->at_end = n == 0;
	r->n_out = n == 0
	    ? xml_filter_end(&r->filter, r->filtered)
	    : xml_filter(&r->filter, span_of(chunk, (size_t)n), r->filtered);
	return r->filter.reason == NULL;
}

/* The read callback for libxml2.  Returning -1 stops the parser. */
static int
give_bytes(void *context, char *to, int size)
{
	struct report_reader *r = context;
	size_t n;

	while (r->out == r->n_out && !r->at_end)
		if (!fill_buffer(r))
			return -1;
	n = r->n_out - r->out;
	if (n > (size_t)size)
		n = (size_t)size;
	memcpy(to, r->filtered + r->out, n);
	r->out += n;
	return (int)n;
}

/* Stores the first error message from libxml2. */
static void
note_error(void *arg, libxml_error error)
{
	struct report_reader *r = arg;
	struct buf b = buf_wrap(r->error, READ_ERROR_MAX);

	if (r->error[0] != '\0' || error == NULL || error->message == NULL ||
	    error->level != XML_ERR_FATAL)
		return;
	buf_text(&b, "not well-formed XML: ");
	buf_printable(&b, span_trim(span_str(error->message)), 150);
}

/* ---- values ---- */

static struct span
value_of(const struct report_reader *r, enum slot slot)
{
	return span_of(r->values[slot].bytes, r->values[slot].n);
}

static void
append_text(struct element_value *v, struct span text)
{
	text = span_first(text, sizeof(v->bytes) - v->n);
	if (text.n > 0)
		memcpy(v->bytes + v->n, text.p, text.n);
	v->n += text.n;
}

static void
clear_values(struct report_reader *r, enum slot from, enum slot until)
{
	for (unsigned i = from; i < (unsigned)until; i++)
		r->values[i].n = 0;
}

/* ---- leaving an element ---- */

static bool
is_pass(struct arena *a, struct span text)
{
	return span_is(reported_token(a, text), "pass");
}

static void
take_dkim(struct report_reader *r)
{
	if (r->n_dkim == REPORT_DKIM_MAX || r->values[PART_DOMAIN].n == 0)
		return;
	r->dkim[r->n_dkim].domain = r->values[PART_DOMAIN];
	r->dkim[r->n_dkim].selector = r->values[SELECTOR];
	r->dkim[r->n_dkim].result = r->values[RESULT];
	r->n_dkim++;
}

/* RFC 7489 appendix C allows several SPF results, and the scope "helo". */
static void
take_spf(struct report_reader *r)
{
	bool first =
	    r->values[SPF_DOMAIN].n == 0 && r->values[SPF_RESULT].n == 0;
	bool better = span_is_nocase(value_of(r, SPF_SCOPE), "helo") &&
	    !span_is_nocase(value_of(r, SCOPE), "helo");

	if (!first && !better)
		return;
	r->values[SPF_DOMAIN] = r->values[PART_DOMAIN];
	r->values[SPF_SCOPE] = r->values[SCOPE];
	r->values[SPF_RESULT] = r->values[RESULT];
}

static void
take_reason(struct report_reader *r)
{
	if (r->values[OVERRIDE].n > 0)
		return;
	r->values[OVERRIDE] = r->values[TYPE];
	r->values[OVERRIDE_COMMENT] = r->values[COMMENT];
}

static struct span
dkim_text(const struct element_value *v)
{
	return span_of(v->bytes, v->n);
}

static void
make_row(struct report_reader *r, struct report_row *row)
{
	struct arena *a = r->scratch;

	*row = (struct report_row){
		.source = reported_source(value_of(r, SOURCE_IP)),
		.header_from = reported_domain(a, value_of(r, HEADER_FROM)),
		.envelope_from = reported_domain(a, value_of(r, ENVELOPE_FROM)),
		.disposition =
		    reported_disposition(a, value_of(r, DISPOSITION)),
		.dkim_aligned = is_pass(a, value_of(r, DKIM_ALIGNED)),
		.spf_aligned = is_pass(a, value_of(r, SPF_ALIGNED)),
		.override = reported_token(a, value_of(r, OVERRIDE)),
		.comment = reported_line(a, value_of(r, OVERRIDE_COMMENT)),
		.spf_domain = reported_domain(a, value_of(r, SPF_DOMAIN)),
		.spf_scope = reported_token(a, value_of(r, SPF_SCOPE)),
		.spf_result = reported_result(a, value_of(r, SPF_RESULT)),
	};
	for (size_t i = 0; i < r->n_dkim; i++) {
		struct report_dkim *d = &row->dkim[row->n_dkim];

		d->domain = reported_domain(a, dkim_text(&r->dkim[i].domain));
		d->selector =
		    reported_token(a, dkim_text(&r->dkim[i].selector));
		d->result = reported_result(a, dkim_text(&r->dkim[i].result));
		row->n_dkim += d->domain.n > 0; /* it may be only "@" */
	}
}

static bool
take_record(struct report_reader *r)
{
	struct report_row row;
	int64_t count;

	if (r->first_from.n == 0)
		r->first_from = r->values[HEADER_FROM];
	if (!reported_count(value_of(r, COUNT), &count))
		return refuse_report(r, "a message count is not a number");
	if (count > READ_COUNT_MAX || r->messages > READ_SUM_MAX - count)
		return refuse_report(r, "its message count is not plausible");
	if (++r->records > READ_ROWS_MAX)
		return refuse_report(r, "it has more than 100000 records");
	r->messages += count;
	r->rows += count > 0;
	if (count == 0 || r->doc->row == NULL)
		return true;
	arena_rewind(r->scratch);
	make_row(r, &row);
	row.count = (uint64_t)count;
	if (arena_has_failed(r->scratch))
		r->end = READ_MEMORY;
	else if (!r->doc->row(r->doc->row_arg, &row))
		r->end = READ_STOPPED;
	return r->end == READ_DONE;
}

/* ---- elements ---- */

static const struct element_rule *
find_element_rule(enum place in, struct span name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].in == in && span_is(name, rules[i].name))
			return &rules[i];
	return NULL;
}

/* Returns the element's name without its prefix. */
static struct span
name_of(const struct report_reader *r)
{
	struct span name =
	    span_str((const char *)xmlTextReaderConstName(r->xml));

	return span_has(name, ':') ? span_skip(name, span_rindex(name, ':') + 1)
				   : name;
}

static bool
refuse_root(struct report_reader *r, struct span name)
{
	char memory[READ_ERROR_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_text(&b, "not an aggregate report: its root is <");
	buf_printable(&b, name, NAME_SHOWN);
	buf_text(&b, ">, not <feedback>");
	refuse_report(r, memory);
	r->end = READ_OTHER;
	return false;
}

static void
enter_element(struct report_reader *r, enum place place)
{
	switch (place) {
	case RECORD:
		clear_values(r, FIRST_OF_RECORD, SLOTS);
		r->n_dkim = 0;
		break;
	case REASON:
	case DKIM:
	case SPF:
		clear_values(r, FIRST_OF_PART, SLOTS);
		break;
	case OUTSIDE:
	case FEEDBACK:
	case METADATA:
	case RANGE:
	case POLICY:
	case ROW:
	case EVALUATED:
	case IDENTIFIERS:
	case RESULTS:
	case VALUE:
	case UNKNOWN:
		break;
	}
}

/* Ignores a repeated element, except "error", which RFC 7489 allows several
 * times. */
static enum place
enter_value(struct report_reader *r, enum slot slot)
{
	if (r->values[slot].n > 0 && slot != ERRORS)
		return UNKNOWN;
	if (r->values[slot].n > 0)
		append_text(&r->values[slot], SPAN("; "));
	r->slot = slot;
	return VALUE;
}

static bool leave_element(struct report_reader *r);

static bool
element_begins(struct report_reader *r)
{
	bool empty = xmlTextReaderIsEmptyElement(r->xml) == 1;
	struct span name = name_of(r);
	const struct element_rule *rule =
	    find_element_rule(r->places[r->depth], name);
	enum place to = rule != NULL ? rule->to : UNKNOWN;

	if (r->depth == READ_DEPTH_MAX)
		return refuse_report(
		    r, "elements are nested more than 16 levels deep");
	if (r->depth == 0 && to != FEEDBACK)
		return refuse_root(r, name);
	if (to == VALUE)
		to = enter_value(r, rule->slot);
	else
		enter_element(r, to);
	r->places[++r->depth] = to;
	return !empty || leave_element(r);
}

static bool
leave_element(struct report_reader *r)
{
	bool good = true;

	switch (r->places[r->depth--]) {
	case FEEDBACK:
		r->complete = true;
		break;
	case RECORD:
		good = take_record(r);
		break;
	case REASON:
		take_reason(r);
		break;
	case DKIM:
		take_dkim(r);
		break;
	case SPF:
		take_spf(r);
		break;
	case OUTSIDE:
	case METADATA:
	case RANGE:
	case POLICY:
	case ROW:
	case EVALUATED:
	case IDENTIFIERS:
	case RESULTS:
	case VALUE:
	case UNKNOWN:
		break;
	}
	return good;
}

static bool
take_node(struct report_reader *r)
{
	switch (xmlTextReaderNodeType(r->xml)) {
	case XML_READER_TYPE_ELEMENT:
		return element_begins(r);
	case XML_READER_TYPE_END_ELEMENT:
		return leave_element(r);
	case XML_READER_TYPE_TEXT:
		if (r->places[r->depth] == VALUE)
			append_text(&r->values[r->slot],
			    span_str(
				(const char *)xmlTextReaderConstValue(r->xml)));
		return true;
	default: /* other libxml2 node types do not matter */
		return true;
	}
}

static void
read_nodes(struct report_reader *r)
{
	while (!r->complete && xmlTextReaderRead(r->xml) == 1)
		if (!take_node(r))
			return;
	if (r->complete || r->end != READ_DONE)
		return;
	if (r->broken)
		r->end = READ_BROKEN;
	else if (r->filter.reason != NULL)
		refuse_report(r, r->filter.reason);
	else if (r->at_end && r->out == r->n_out)
		refuse_report(r, "it ends before </feedback>: it was cut off");
	else if (r->error[0] != '\0')
		r->end = READ_REFUSED;
	else
		refuse_report(r, "not well-formed XML");
}

/* ---- the head ---- */

/* Sets the range; if one end is missing, the range is one day. */
static bool
make_range(struct report_reader *r, struct ledger_received *out)
{
	bool begins = reported_time(value_of(r, BEGIN), &out->begin);
	bool ends = reported_time(value_of(r, END), &out->end);
	int64_t begin = out->begin;

	if (!begins && !ends)
		return refuse_report(r, "its date range is missing");
	if (!begins)
		out->begin = out->end < DATE_DAY ? 0 : out->end - DATE_DAY + 1;
	if (!ends)
		out->end = out->begin + DATE_DAY - 1;
	if (begins && ends && out->begin > out->end) {
		out->begin = out->end;
		out->end = begin;
	}
	return true;
}

/* RFC 9990 section 3.1.1.2 requires an id.  Without one, the date range
 * distinguishes reports from the same reporter. */
static struct span
make_id(struct arena *a, const struct ledger_received *out)
{
	struct buf b = buf_alloc(a, 64);

	buf_text(&b, "none, ");
	buf_number(&b, (uint64_t)out->begin);
	buf_byte(&b, '-');
	buf_number(&b, (uint64_t)out->end);
	return buf_view(&b);
}

static void
make_texts(
    const struct report_reader *r, struct arena *a, struct ledger_received *out)
{
	const struct {
		enum slot slot;
		struct span *to;
	} lines[] = {
		{ ORG_NAME, &out->organisation },
		{ EMAIL, &out->email },
		{ CONTACT, &out->contact },
		{ REPORT_ID, &out->report_id },
		{ ERRORS, &out->errors },
		{ GENERATOR, &out->generator },
	}, tokens[] = {
		{ VERSION, &out->version },
		{ P, &out->p },
		{ SP, &out->sp },
		{ NP, &out->np },
		{ ADKIM, &out->adkim },
		{ ASPF, &out->aspf },
		{ FO, &out->fo },
		{ PCT, &out->pct },
		{ TESTING, &out->testing },
		{ DISCOVERY, &out->discovery },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		*lines[i].to = reported_line(a, value_of(r, lines[i].slot));
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++)
		*tokens[i].to = reported_token(a,
		    span_first(value_of(r, tokens[i].slot), REPORT_NAME_MAX));
	if (out->organisation.n == 0)
		out->organisation =
		    out->email.n > 0 ? out->email : SPAN("unknown");
}

static void
make_head(struct report_reader *r, struct arena *a, struct ledger_received *out)
{
	*out = (struct ledger_received){ .rows = (uint64_t)r->rows,
		.messages = (uint64_t)r->messages };
	if (!make_range(r, out))
		return;
	make_texts(r, a, out);
	if (out->report_id.n == 0)
		out->report_id = make_id(a, out);
	out->domain = reported_domain(a, value_of(r, DOMAIN));
	if (out->domain.n == 0)
		out->domain = reported_domain(
		    a, span_of(r->first_from.bytes, r->first_from.n));
	out->file = SPAN("");
	if (arena_has_failed(a))
		r->end = READ_MEMORY;
	else if (out->domain.n == 0)
		refuse_report(r, "its domain is missing");
}

static enum read_end
read_all(struct report_reader *r, struct arena *a, struct ledger_received *out)
{
	/* The filter's output is UTF-8, whatever the document declares. */
	r->xml = xmlReaderForIO(give_bytes, NULL, r, NULL, "UTF-8",
	    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	r->scratch = arena_new(SCRATCH);
	if (r->xml == NULL || r->scratch == NULL) {
		r->end = r->broken ? READ_BROKEN : READ_MEMORY;
		if (r->filter.reason != NULL)
			refuse_report(r, r->filter.reason);
	} else {
		xmlTextReaderSetStructuredErrorHandler(r->xml, note_error, r);
		read_nodes(r);
	}
	if (r->end == READ_DONE)
		make_head(r, a, out);
	xmlFreeTextReader(r->xml);
	arena_free(r->scratch);
	return r->end;
}

enum read_end
read_document(const struct read_document *d, struct arena *a,
    struct ledger_received *out, char *error)
{
	struct report_reader *r = calloc(1, sizeof(*r));
	enum read_end end;

	error[0] = '\0';
	if (r == NULL)
		return READ_MEMORY;
	r->doc = d;
	r->error = error;
	end = read_all(r, a, out);
	free(r);
	return end;
}
