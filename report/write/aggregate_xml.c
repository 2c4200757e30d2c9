#include "report/write/aggregate_xml.h"

#include <libxml/xmlwriter.h>
#include <stdlib.h>

#include "dmarc/record.h"
#include "lib/buf.h"
#include "lib/compat/libxml.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/utf8.h"

enum {
	TEXT_MAX = 2000, /* bytes of an element; longer text is truncated */
	DKIM_MAX = 100,  /* signatures per row; SHOULD NOT be exceeded (RFC 9990
	                    section 3.1.3) */
};

struct aggregate {
	xmlTextWriterPtr xml;
	aggregate_put *put;
	void *arg;
	enum aggregate_compat compat;
	bool failed;
	struct span domain; /* in `memory` */
	struct dmarc_record policy;
	char memory[DOMAIN_MAX + 2];
};

/* ---- elements ---- */

static void
note_written(struct aggregate *a, int written)
{
	if (written < 0)
		a->failed = true;
}

static const xmlChar *
xml_text(const char *text)
{
	return (const xmlChar *)text;
}

static void
element_begin(struct aggregate *a, const char *name)
{
	note_written(a, xmlTextWriterStartElement(a->xml, xml_text(name)));
}

static void
element_end(struct aggregate *a)
{
	note_written(a, xmlTextWriterEndElement(a->xml));
}

/* Writes an element.  Characters not allowed by XML 1.0 section 2.2 become
 * "?". */
static void
element_put(struct aggregate *a, const char *name, struct span value)
{
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	while (value.n > 0) {
		size_t n = utf8_plain(value);

		if (b.cap - b.n <= 4) /* do not cut a character in half */
			break;
		buf_span(&b, n > 0 ? span_first(value, n) : SPAN("?"));
		value = span_skip(value, n > 0 ? n : 1);
	}
	note_written(a,
	    xmlTextWriterWriteElement(
		a->xml, xml_text(name), xml_text(buf_view(&b).p)));
}

static void
element_text(struct aggregate *a, const char *name, const char *value)
{
	element_put(a, name, span_str(value));
}

static void
element_number(struct aggregate *a, const char *name, uint64_t value)
{
	char memory[24];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_number(&b, value);
	element_put(a, name, buf_view(&b));
}

/* ---- metadata and policy ---- */

static void
put_metadata(struct aggregate *a, const struct aggregate_info *info)
{
	element_begin(a, "report_metadata");
	element_put(a, "org_name", info->org_name);
	element_put(a, "email", info->email);
	element_put(a, "report_id", info->report_id);
	element_begin(a, "date_range");
	element_number(a, "begin", (uint64_t)info->begin);
	element_number(a, "end", (uint64_t)info->end);
	element_end(a);
	if (info->error.n > 0)
		element_put(a, "error", info->error);
	if (info->generator.n > 0)
		element_put(a, "generator", info->generator);
	element_end(a);
}

static const char *
alignment_name(enum dmarc_alignment alignment)
{
	return alignment == DMARC_STRICT ? "s" : "r";
}

static enum dmarc_policy
policy_sp(const struct dmarc_record *r)
{
	return r->sp != DMARC_POLICY_ABSENT ? r->sp : r->p;
}

static enum dmarc_policy
policy_np(const struct dmarc_record *r)
{
	return r->np != DMARC_POLICY_ABSENT ? r->np : policy_sp(r);
}

static void
put_fo(struct aggregate *a, const struct dmarc_record *r)
{
	char memory[8];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (r->fo_0 || r->fo_1)
		buf_text(&b, r->fo_1 ? "1" : "0");
	if (r->fo_d)
		buf_text(&b, b.n > 0 ? ":d" : "d");
	if (r->fo_s)
		buf_text(&b, b.n > 0 ? ":s" : "s");
	element_put(a, "fo", buf_view(&b));
}

/* RFC 9990 section 3.1.1.5: tags that are not set are reported with their
 * defaults. */
static void
put_policy(struct aggregate *a)
{
	const struct dmarc_record *r = &a->policy;
	bool all = a->compat == AGGREGATE_STRICT;

	element_begin(a, "policy_published");
	element_put(a, "domain", a->domain);
	if (all)
		element_text(a, "discovery_method", "treewalk");
	element_text(a, "adkim", alignment_name(r->adkim));
	element_text(a, "aspf", alignment_name(r->aspf));
	element_text(a, "p", dmarc_policy_name(r->p));
	element_text(a, "sp", dmarc_policy_name(policy_sp(r)));
	if (all || r->np != DMARC_POLICY_ABSENT)
		element_text(a, "np", dmarc_policy_name(policy_np(r)));
	put_fo(a, r);
	if (all || r->testing)
		element_text(a, "testing", r->testing ? "y" : "n");
	element_end(a);
}

/* ---- rows ---- */

static const struct enum_token dkim_tokens[] = { /* RFC 8601 section 2.7.1 */
	{ "none", 0 }, { "pass", 0 }, { "fail", 0 }, { "policy", 0 },
	{ "neutral", 0 }, { "temperror", 0 }, { "permerror", 0 }
};

static const struct enum_token spf_tokens[] = { /* RFC 8601 section 2.7.2 */
	{ "none", 0 }, { "pass", 0 }, { "fail", 0 }, { "softfail", 0 },
	{ "policy", 0 }, { "neutral", 0 }, { "temperror", 0 },
	{ "permerror", 0 }
};

static const struct enum_token reason_tokens[] = { /* PolicyOverrideType */
	{ "local_policy", 0 }, { "mailing_list", 0 }, { "other", 0 },
	{ "policy_test_mode", 0 }, { "trusted_forwarder", 0 }
};

/* Returns the token in the table that equals `value`, otherwise `other`. */
static const char *
one_of(const struct enum_token *table, size_t n, struct span value,
    const char *other)
{
	for (size_t i = 0; i < n; i++)
		if (span_is_nocase(value, table[i].name))
			return table[i].name;
	return other;
}

/* Returns the policy for mail from `from`: p, sp or np.  It is unknown here
 * whether a subdomain exists, so the milder of sp and np applies to it. */
static enum dmarc_policy
policy_for(const struct aggregate *a, struct span from)
{
	enum dmarc_policy sp = policy_sp(&a->policy);
	enum dmarc_policy np = policy_np(&a->policy);

	if (domain_equal(from, a->domain))
		return a->policy.p;
	return np < sp ? np : sp;
}

static enum dmarc_policy
disposition_of(struct span name)
{
	if (span_is_nocase(name, "reject"))
		return DMARC_POLICY_REJECT;
	if (span_is_nocase(name, "quarantine"))
		return DMARC_POLICY_QUARANTINE;
	return DMARC_POLICY_NONE;
}

/* Writes a reason.  In test mode it has no comment, because a comment would
 * name the policy that was applied instead of the published one. */
static void
put_reason(struct aggregate *a, const char *type, struct span comment)
{
	if (span_is(span_str(type), "policy_test_mode")) {
		comment = SPAN("");
		/* RFC 7489 appendix C does not have this type. */
		if (a->compat == AGGREGATE_BROAD) {
			type = "other";
			comment = SPAN("policy test mode");
		}
	}
	element_begin(a, "reason");
	element_text(a, "type", type);
	if (comment.n > 0)
		element_put(a, "comment", comment);
	element_end(a);
}

/*
 * RFC 9990 section 3.1.1.9: there MUST be a reason if alignment fails and the
 * disposition differs from the one that the policy requests.
 */
static void
put_reasons(
    struct aggregate *a, const struct report_row *r, enum dmarc_policy applied)
{
	enum dmarc_policy policy = policy_for(a, r->header_from);
	bool is_test = a->policy.testing &&
	    applied == dmarc_policy_asked(policy, a->policy.testing);

	if (r->override.n > 0)
		put_reason(a,
		    one_of(reason_tokens, ARRAY_SIZE(reason_tokens),
			r->override, "other"),
		    r->comment);
	else if (!r->dkim_aligned && !r->spf_aligned && applied < policy)
		put_reason(a, is_test ? "policy_test_mode" : "local_policy",
		    r->comment);
}

static void
put_evaluated(struct aggregate *a, const struct report_row *r)
{
	enum dmarc_policy applied = disposition_of(r->disposition);
	const char *name = dmarc_policy_name(applied);

	/* "pass" in the schema: no action, because DMARC passes under a
	 * policy that would otherwise act. */
	if (a->compat == AGGREGATE_STRICT && applied == DMARC_POLICY_NONE &&
	    (r->dkim_aligned || r->spf_aligned) &&
	    policy_for(a, r->header_from) > DMARC_POLICY_NONE)
		name = "pass";
	element_begin(a, "policy_evaluated");
	element_text(a, "disposition", name);
	element_text(a, "dkim", r->dkim_aligned ? "pass" : "fail");
	element_text(a, "spf", r->spf_aligned ? "pass" : "fail");
	put_reasons(a, r, applied);
	element_end(a);
}

static void
put_row_element(struct aggregate *a, const struct report_row *r)
{
	char memory[IP_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	ip_put(&b, &r->source);
	element_begin(a, "row");
	element_put(a, "source_ip", buf_view(&b));
	element_number(a, "count", r->count);
	put_evaluated(a, r);
	element_end(a);
}

/* RFC 9990 section 3.1.1.10: envelope_from may be empty for the null sender. */
static void
put_identifiers(struct aggregate *a, const struct report_row *r)
{
	element_begin(a, "identifiers");
	element_put(a, "header_from", r->header_from);
	element_put(a, "envelope_from", r->envelope_from);
	element_end(a);
}

/* Called for each signature in the row's order, which is that of RFC 9990
 * section 3.1.3. */
static void
put_dkim_result(struct aggregate *a, const struct report_dkim *d)
{
	element_begin(a, "dkim");
	element_put(a, "domain", d->domain);
	element_put(a, "selector", d->selector);
	element_text(a, "result",
	    one_of(dkim_tokens, ARRAY_SIZE(dkim_tokens), d->result, "neutral"));
	element_end(a);
}

/*
 * RFC 9990 section 3.1.1.13: the only scope is mfrom.  For the null sender,
 * MAIL FROM is derived from the HELO name (RFC 7208 section 2.4);
 * AGGREGATE_BROAD writes mfrom for it too, because its readers need a scope.
 */
static void
put_spf_result(struct aggregate *a, const struct report_row *r)
{
	bool broad = a->compat == AGGREGATE_BROAD;
	const char *result =
	    one_of(spf_tokens, ARRAY_SIZE(spf_tokens), r->spf_result, "none");
	struct span domain = r->spf_domain;

	if (domain.n == 0 && !broad)
		return;
	if (domain.n == 0)
		domain =
		    r->envelope_from.n > 0 ? r->envelope_from : r->header_from;
	/* RFC 7489 appendix C does not have this result. */
	if (broad && span_is(span_str(result), "policy"))
		result = "neutral";
	element_begin(a, "spf");
	element_put(a, "domain", domain);
	if (broad || !span_is_nocase(r->spf_scope, "helo"))
		element_text(a, "scope", "mfrom");
	element_text(a, "result", result);
	element_end(a);
}

bool
aggregate_row(struct aggregate *a, const struct report_row *r)
{
	element_begin(a, "record");
	put_row_element(a, r);
	put_identifiers(a, r);
	element_begin(a, "auth_results");
	for (size_t i = 0; i < r->n_dkim && i < DKIM_MAX; i++)
		put_dkim_result(a, &r->dkim[i]);
	put_spf_result(a, r);
	element_end(a);
	element_end(a);
	return !a->failed;
}

/* ---- the document ---- */

static int
write_bytes(void *data, const char *bytes, int n)
{
	struct aggregate *a = data;

	if (n <= 0)
		return 0;
	if (a->put(a->arg, span_of(bytes, (size_t)n)))
		return n;
	a->failed = true;
	return -1;
}

/* Our own functions return errors, so libxml2 must not print them. */
static void
ignore_xml_error(void *arg, libxml_error error)
{
	(void)arg;
	(void)error;
}

static bool
open_writer(struct aggregate *a)
{
	xmlSetStructuredErrorFunc(NULL, ignore_xml_error);
	xmlOutputBufferPtr out =
	    xmlOutputBufferCreateIO(write_bytes, NULL, a, NULL);

	a->xml = out != NULL ? xmlNewTextWriter(out) : NULL;
	if (a->xml == NULL && out != NULL)
		xmlOutputBufferClose(out);
	return a->xml != NULL;
}

/* A record that is no longer valid is treated as p=none. */
static void
read_policy(struct aggregate *a, const struct aggregate_info *info)
{
	struct buf b = buf_wrap(a->memory, sizeof(a->memory));
	const char *reason;

	buf_span(&b, info->domain);
	a->domain = buf_view(&b);
	if (dmarc_record_parse(info->record, &a->policy, &reason) ==
	    DMARC_RECORD_NOT_DMARC)
		a->policy = (struct dmarc_record){ .fo_0 = true };
	if (a->policy.p == DMARC_POLICY_ABSENT)
		a->policy.p = DMARC_POLICY_NONE;
}

struct aggregate *
aggregate_open(const struct aggregate_info *info, aggregate_put *put, void *arg)
{
	struct aggregate *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->compat = info->compat;
	a->put = put;
	a->arg = arg;
	read_policy(a, info);
	if (!open_writer(a)) {
		free(a);
		return NULL;
	}
	note_written(a, xmlTextWriterSetIndent(a->xml, 1));
	note_written(
	    a, xmlTextWriterStartDocument(a->xml, "1.0", "UTF-8", NULL));
	element_begin(a, "feedback");
	if (a->compat == AGGREGATE_STRICT)
		note_written(a,
		    xmlTextWriterWriteAttribute(a->xml, xml_text("xmlns"),
			xml_text(AGGREGATE_NAMESPACE)));
	element_text(a, "version", "1.0");
	put_metadata(a, info);
	put_policy(a);
	/* The strings of the record belong to the caller, who may free them. */
	a->policy.text = SPAN_NONE;
	a->policy.n_rua = a->policy.n_ruf = 0;
	if (!a->failed)
		return a;
	aggregate_close(a);
	return NULL;
}

bool
aggregate_close(struct aggregate *a)
{
	bool good;

	if (a == NULL)
		return false;
	note_written(a, xmlTextWriterEndDocument(a->xml));
	xmlFreeTextWriter(a->xml); /* also writes the buffer */
	good = !a->failed;
	free(a);
	return good;
}
