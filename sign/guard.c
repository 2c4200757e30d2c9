#include "sign/guard.h"

#include <stdarg.h>
#include <stdio.h>

#include "dmarc/dmarc.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "mail/address.h"
#include "sign/signer.h"

enum {
	NAME_MAX_BYTES = 512, /* SELECTOR._domainkey.DOMAIN */
};

/* ---- DNS lookups ---- */

/* Finds the first key with a wrong record.  A failed lookup is not a finding.
 */
static enum core_status
check_keys(const struct guard_facts *f, struct dns_questions *questions,
    struct guard_result *out)
{
	enum core_status step = CORE_DONE;

	for (size_t i = 0; i < f->n_keys; i++) {
		char memory[NAME_MAX_BYTES];
		struct buf name = buf_wrap(memory, sizeof(memory));
		const struct dns_answer *answer;
		enum key_fault fault;

		buf_span(&name, f->selectors[i]);
		buf_text(&name, "._domainkey.");
		buf_span(&name, f->domain);
		answer = dns_ask(questions, buf_view(&name), DNS_TXT);
		if (answer->state == DNS_PENDING) {
			step = CORE_WAIT;
			continue;
		}
		if (answer->state == DNS_FAILED)
			continue;
		fault = key_record_check(f->keys[i], answer);
		if (fault != KEY_FAULT_NONE &&
		    out->key_fault == KEY_FAULT_NONE) {
			out->key_fault = fault;
			out->selector = f->selectors[i];
		}
	}
	return step;
}

/* Checks SPF as a receiver would, for each of our outgoing addresses. */
static enum core_status
check_spf(const struct guard_facts *f, struct dns_questions *questions,
    struct arena *a, struct guard_result *out)
{
	enum core_status step = CORE_DONE;

	out->spf = SPF_PASS;
	for (size_t i = 0; i < f->n_outgoing; i++) {
		struct spf_query q = {
			.identity = SPF_IDENTITY_MAILFROM,
			.ip = f->outgoing[i],
			.helo = f->helo,
			.sender = f->sender,
			.now = f->now,
		};
		struct spf_result r;

		if (spf_check(&q, questions, a, &r) == CORE_WAIT) {
			step = CORE_WAIT;
			continue;
		}
		out->spf_domain = r.domain;
		if (r.code == SPF_PASS || out->spf != SPF_PASS)
			continue;
		out->spf = r.code;
		out->spf_ip = f->outgoing[i];
	}
	return step;
}

static enum guard_dmarc
dmarc_of(const struct guard_facts *f, const struct dmarc_result *r)
{
	unsigned n = (unsigned)r->spf_aligned + (unsigned)r->dkim_aligned;

	if (r->record == NULL ||
	    (r->code != DMARC_PASS && r->code != DMARC_FAIL))
		return GUARD_DMARC_UNKNOWN;
	if (n > 0)
		return n == 2 ? GUARD_DMARC_BOTH : GUARD_DMARC_ONE;
	/* Without `outgoing`, the SPF result is not known. */
	return f->n_outgoing > 0 ? GUARD_DMARC_NONE : GUARD_DMARC_UNKNOWN;
}

static bool
is_missing_key(enum key_fault fault)
{
	return fault != KEY_FAULT_NONE && fault != KEY_FAULT_FAILED;
}

static enum core_status
check_dmarc(const struct guard_facts *f, struct dns_questions *questions,
    struct arena *a, struct guard_result *out)
{
	struct dmarc_identifier dkim = {
		.domain = f->domain,
		.fact = f->n_keys > 1 || !is_missing_key(out->key_fault)
		    ? DMARC_FACT_PASS
		    : DMARC_FACT_OTHER,
	};
	struct span sender_domain = f->sender.n > 0
	    ? domain_normal(a, mail_envelope_domain(f->sender, NULL))
	    : f->helo;
	const struct dmarc_facts facts = {
		.authors = &f->author,
		.n_authors = 1,
		.spf = {
			.domain = sender_domain,
			.fact = out->spf == SPF_PASS && f->n_outgoing > 0
			    ? DMARC_FACT_PASS
			    : out->spf == SPF_TEMPERROR ? DMARC_FACT_TEMPERROR
							: DMARC_FACT_OTHER,
		},
		.dkim = &dkim,
		.n_dkim = 1,
	};
	struct dmarc_result r;

	if (dmarc_ask(&facts, questions, a) == CORE_WAIT ||
	    dmarc_check(&facts, questions, a, &r) == CORE_WAIT)
		return CORE_WAIT;
	out->dmarc = dmarc_of(f, &r);
	out->strict = r.record != NULL && r.record->adkim == DMARC_STRICT &&
	    !domain_equal(f->author, f->domain);
	return CORE_DONE;
}

enum core_status
guard_check(const struct guard_facts *f, struct dns_questions *questions,
    struct arena *a, struct guard_result *out)
{
	enum core_status keys, spf, dmarc;

	*out = (struct guard_result){ .spf = SPF_PASS };
	keys = check_keys(f, questions, out);
	spf = check_spf(f, questions, a, out);
	dmarc = check_dmarc(f, questions, a, out);
	return keys == CORE_DONE && spf == CORE_DONE && dmarc == CORE_DONE
	    ? CORE_DONE
	    : CORE_WAIT;
}

/* ---- messages ---- */

struct finding_list {
	struct guard_finding *out;
	size_t n;
};

static void __attribute__((format(printf, 3, 4))) add_finding(
    struct finding_list *list, const char *cause, const char *format, ...)
{
	struct guard_finding *g = &list->out[list->n];
	va_list args;

	if (list->n == GUARD_FINDINGS_MAX)
		return;
	g->cause = cause;
	va_start(args, format);
	vsnprintf(g->text, sizeof(g->text), format, args);
	va_end(args);
	list->n++;
}

static void
add_spf(struct finding_list *list, const struct guard_result *r)
{
	char memory[IP_TEXT_MAX];
	struct buf ip = buf_wrap(memory, sizeof(memory));

	if (r->spf == SPF_PASS || r->spf == SPF_TEMPERROR)
		return;
	ip_put(&ip, &r->spf_ip);
	add_finding(list, "spf",
	    "SPF of %.*s is %s for %s, one of our outgoing addresses "
	    "(sign.outgoing); add the address to the SPF record",
	    SPAN_FMT(r->spf_domain), spf_code_name(r->spf), memory);
}

size_t
guard_findings(const struct guard_facts *f, const struct guard_result *r,
    struct guard_finding out[GUARD_FINDINGS_MAX])
{
	struct finding_list list = { .out = out };

	if (is_missing_key(r->key_fault))
		add_finding(&list, "key_not_published",
		    "our key is not published correctly at "
		    "%.*s._domainkey.%.*s (%s): %s",
		    SPAN_FMT(r->selector), SPAN_FMT(f->domain),
		    key_fault_name(r->key_fault), key_fault_text(r->key_fault));
	add_spf(&list, r);
	if (r->strict && !f->by_list)
		add_finding(&list, "strict_alignment",
		    "the DMARC record of %.*s has adkim=s, so the signature of "
		    "%.*s does not count; make a key for %.*s itself, or "
		    "remove adkim=s",
		    SPAN_FMT(f->author), SPAN_FMT(f->domain),
		    SPAN_FMT(f->author));
	if (r->dmarc == GUARD_DMARC_NONE && !f->by_list)
		add_finding(&list, "dmarc",
		    "DMARC will fail at receivers: neither SPF nor DKIM "
		    "passes for %.*s",
		    SPAN_FMT(f->author));
	return list.n;
}

size_t
guard_flaws(unsigned flaws, const char *duplicate,
    struct guard_finding out[GUARD_FINDINGS_MAX])
{
	static const struct {
		enum signer_flaw flaw;
		const char *cause, *text;
	} texts[] = {
		{ SIGNER_FLAW_LONG_LINE, "long_line",
		    "a line is longer than 998 bytes: Postfix breaks it after "
		    "signing, which breaks the signature; set "
		    "force_mime_input_conversion = yes (Postfix 3.9 or "
		    "newer)" },
		{ SIGNER_FLAW_8BIT, "8bit",
		    "the body is 8-bit: for receivers without 8BITMIME, "
		    "Postfix converts it after signing; set "
		    "force_mime_input_conversion = yes (Postfix 3.9 or "
		    "newer)" },
		{ SIGNER_FLAW_NO_DATE, "no_date",
		    "no Date field; with Postfix, set "
		    "local_header_rewrite_clients = permit_sasl_authenticated "
		    "permit_mynetworks" },
		{ SIGNER_FLAW_NO_MESSAGE_ID, "no_message_id",
		    "no Message-ID field: Gmail rejects such mail; with "
		    "Postfix, set local_header_rewrite_clients = "
		    "permit_sasl_authenticated permit_mynetworks" },
		{ SIGNER_FLAW_UNSUBSCRIBE, "unsubscribe_post",
		    "List-Unsubscribe-Post without List-Unsubscribe (RFC 8058 "
		    "section 4 needs both)" },
	};
	struct finding_list list = { .out = out };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if ((flaws & texts[i].flaw) != 0)
			add_finding(&list, texts[i].cause, "%s", texts[i].text);
	if ((flaws & SIGNER_FLAW_DUPLICATE) != 0)
		add_finding(&list, "duplicate_field",
		    "more than one %s field: Microsoft and Gmail reject such "
		    "mail",
		    duplicate);
	return list.n;
}
