#include "report/record/row.h"

#include "lib/domain.h"
#include "lib/scan.h"

enum { RESULT_MAX = 12 }; /* bytes of a token; "permerror" is the longest */

/*
 * The order of signatures in RFC 9990 section 3.1.3: 0 is a pass with strict
 * alignment, 1 a pass with relaxed alignment, 2 any other pass, 3 not a pass.
 */
static unsigned
signature_rank(const struct verdict *v, const struct dkim_result *r)
{
	if (r->code != DKIM_PASS)
		return 3;
	if (domain_equal(r->domain, v->dmarc.author_domain))
		return 0;
	if (v->dmarc.dkim_aligned &&
	    domain_is_under(r->domain, v->dmarc.organizational_domain))
		return 1;
	return 2;
}

static void
take_dkim(const struct verdict *v, struct report_row *out)
{
	for (unsigned wanted = 0; wanted <= 3; wanted++) {
		for (size_t i = 0; i < v->n_dkim; i++) {
			const struct dkim_result *r = &v->dkim[i];

			if (out->n_dkim == REPORT_DKIM_MAX)
				return;
			/* RFC 9990 section 3.1.1.12: domain and selector are
			 * required */
			if (r->domain.n == 0 || r->selector.n == 0 ||
			    signature_rank(v, r) != wanted)
				continue;
			out->dkim[out->n_dkim++] = (struct report_dkim){
				.domain = r->domain,
				.selector = r->selector,
				.result = span_str(dkim_code_name(r->code)),
			};
		}
	}
}

static struct span
disposition_name(enum dmarc_policy disposition)
{
	if (disposition == DMARC_POLICY_ABSENT)
		disposition = DMARC_POLICY_NONE;
	return span_str(dmarc_policy_name(disposition));
}

/*
 * Whether to report the reason for a decision.  In test mode, the reason names
 * the policy that was applied, which differs from the published one.  A reason
 * in an override section was written for the operator.
 */
static bool
is_reason_reported(const struct policy_decision *d)
{
	return d->override != POLICY_OVERRIDE_TEST && d->section == NULL;
}

bool
report_row_of(const struct verdict *v, int64_t now, struct report_row *out)
{
	const struct policy_decision *d = &v->decision;

	*out = (struct report_row){ .when = now, .count = 1 };
	if (v->skip != NULL || d->skipped || v->dmarc.record == NULL ||
	    v->dmarc.policy_domain.n == 0 || v->dmarc.author_domain.n == 0)
		return false;
	out->policy_domain = v->dmarc.policy_domain;
	out->record = v->dmarc.record->text;
	out->source = v->client;
	out->header_from = v->dmarc.author_domain;
	out->envelope_from = v->facts.mail_from_domain;
	out->disposition = disposition_name(d->disposition);
	out->dkim_aligned = v->dmarc.dkim_aligned;
	out->spf_aligned = v->dmarc.spf_aligned;
	if (d->override != POLICY_OVERRIDE_NONE) {
		out->override = span_str(policy_override_name(d->override));
		if (is_reason_reported(d))
			out->comment = d->reason;
	}
	out->spf_domain = v->spf_mail_from.domain;
	out->spf_scope = v->mail_from.n > 0 ? SPAN("mfrom") : SPAN("helo");
	out->spf_result = span_str(spf_code_name(v->spf_mail_from.code));
	take_dkim(v, out);
	out->automatic = v->mail_from.n == 0 || v->automatic;
	return true;
}

void
report_put_clean(struct buf *b, struct span s, size_t max, bool spaces)
{
	unsigned char least = spaces ? ' ' : ' ' + 1;
	size_t run = 0;

	s = span_first(s, max);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c >= least && c < 0x7f)
			continue;
		buf_span(b, span_of(s.p + run, i - run));
		buf_byte(b, '?');
		run = i + 1;
	}
	buf_span(b, span_skip(s, run));
}

void
report_dkim_put(struct buf *b, const struct report_row *r)
{
	for (size_t i = 0; i < r->n_dkim && i < REPORT_DKIM_MAX; i++) {
		if (i > 0)
			buf_byte(b, '\n');
		report_put_clean(b, r->dkim[i].result, RESULT_MAX, false);
		buf_byte(b, ' ');
		report_put_clean(b, r->dkim[i].domain, REPORT_NAME_MAX, false);
		buf_byte(b, ' ');
		report_put_clean(
		    b, r->dkim[i].selector, REPORT_NAME_MAX, false);
	}
}

void
report_dkim_read(struct span text, struct report_row *out)
{
	struct scan s = scan_of(text);

	out->n_dkim = 0;
	while (out->n_dkim < REPORT_DKIM_MAX) {
		struct report_dkim *d = &out->dkim[out->n_dkim];
		struct scan line = scan_of(scan_until(&s, '\n'));

		d->result = scan_until(&line, ' ');
		if (!scan_byte(&line, ' '))
			return;
		d->domain = scan_until(&line, ' ');
		if (!scan_byte(&line, ' '))
			return;
		d->selector = scan_rest(&line);
		if (d->result.n == 0 || d->domain.n == 0)
			return;
		out->n_dkim++;
		scan_byte(&s, '\n');
	}
}

struct span
report_text_end(struct buf *b, size_t from)
{
	struct span text = span_skip(buf_view(b), from);

	buf_byte(b, '\0');
	return text;
}
