/*
 * collect.c - collects the facts about a message that DMARC and the policy
 * need: the author, the identifiers with their results, and evidence of
 * indirect mail.
 */
#include "lib/ascii.h"
#include "lib/domain.h"
#include "mail/address.h"
#include "mail/authres.h"
#include "verify/internal.h"

static const struct mail_field *
field_first(const struct mail_header *h, const char *name)
{
	size_t at = mail_header_find(h, name, 0);

	return at < h->n ? &h->fields[at] : NULL;
}

/* List-Unsubscribe does not indicate a list: direct bulk mail has it too. */
static void
facts_list(struct verify_message *m)
{
	struct policy_input *f = &m->verdict.facts;
	const struct mail_field *id = field_first(&m->header, "List-Id");
	const struct mail_field *precedence =
	    field_first(&m->header, "Precedence");

	if (id != NULL)
		f->list_id = mail_list_id(id->value);
	m->n_list_claims =
	    mail_list_claims(&m->header, m->arena, m->list_claims);
	for (size_t i = 0; i < m->n_list_claims; i++)
		m->list_domains[i] = m->list_claims[i].domain;
	f->is_list = id != NULL ||
	    field_first(&m->header, "List-Post") != NULL ||
	    field_first(&m->header, "Mailing-List") != NULL ||
	    (precedence != NULL &&
		span_is_nocase(span_trim(precedence->value), "list"));
}

const char *
verify_rewriting_fault(const struct mail_from *from, size_t growth)
{
	if (from->longest + growth > MAIL_MAILBOX_MAX)
		return "a name with its address is longer than 250 bytes";
	/* Sendmail removes it from "bank.example.uucp" */
	for (size_t i = 0; i < from->n_domains; i++)
		if (domain_is_under(from->domains[i], SPAN("uucp")))
			return "a domain ends with .uucp";
	if (from->joins_words)
		return "a word follows the address";
	return NULL;
}

/*
 * Returns why the From field is invalid, or NULL.  A bounce need not name a
 * domain ("Mail Delivery Subsystem <MAILER-DAEMON>"): without one, nothing can
 * be forged.  But Sendmail writes a missing From from the field Full-Name.
 */
static const char *
from_fault(const struct verify_message *m)
{
	const struct verdict *v = &m->verdict;

	if (m->has_hidden_field)
		return "a header field hides another one";
	if (v->from.nameless && v->mail_from.n == 0 &&
	    field_first(&m->header, "Full-Name") == NULL)
		return NULL;
	if (v->from.reason == NULL && m->c->client.rewrites_from)
		return verify_rewriting_fault(&v->from, m->mailbox_growth);
	return v->from.reason;
}

/* RFC 3834 section 5: any value except the keyword "no", with or without
 * comments after it. */
static bool
is_auto_submitted(struct span value)
{
	value = span_trim(value);
	return !span_starts_nocase(value, "no") ||
	    (value.n > 2 &&
		(ascii_is_alnum((unsigned char)value.p[2]) ||
		    value.p[2] == '-'));
}

/*
 * Sets whether the message was sent automatically: an automatic reply, a
 * delivery status or another report (RFC 6522), or an aggregate report,
 * recognized by its subject (RFC 9990 section 3.5.2).
 */
static void
facts_automatic(struct verify_message *m)
{
	const struct mail_field *automatic =
	    field_first(&m->header, "Auto-Submitted");
	const struct mail_field *type = field_first(&m->header, "Content-Type");
	const struct mail_field *subject = field_first(&m->header, "Subject");

	m->verdict.automatic =
	    (automatic != NULL && is_auto_submitted(automatic->value)) ||
	    (type != NULL &&
		span_starts_nocase(
		    span_trim(type->value), "multipart/report")) ||
	    (subject != NULL &&
		span_starts_nocase(
		    span_trim(subject->value), "Report Domain:"));
}

/*
 * Some programs end a field at a bare CR, and read the rest as another field.
 * Current versions of Postfix and Sendmail do not let one pass.
 */
static bool
hides_field(struct span value)
{
	struct scan s = scan_of(value);

	for (;;) {
		scan_until(&s, '\r');
		if (!scan_byte(&s, '\r'))
			return false;
		struct scan at = s;
		struct span name = scan_while(&at, ascii_is_ftext);

		scan_while(&at, ascii_is_wsp);
		if (scan_byte(&at, ':') &&
		    (span_is_nocase(name, "From") ||
			span_is_nocase(name, "Authentication-Results")))
			return true;
	}
}

bool
verify_names_mta(const struct mail_from *from)
{
	size_t n_certain = from->n_domains - from->n_possible;

	if (from->has_local_words)
		return true;
	for (size_t i = 0; i < from->n_domains; i++)
		if (span_is(from->domains[i], "localhost") ||
		    (i < n_certain && domain_labels(from->domains[i]) == 1))
			return true;
	return false;
}

/* Sets the author domains of DMARC: those of From, and the MTA's own name if it
 * replaces one of them. */
static void
facts_authors(struct verify_message *m)
{
	const struct verify_client *client = &m->c->client;
	const struct mail_from *from = &m->verdict.from;
	struct dmarc_facts *d = &m->dmarc_facts;
	size_t n_certain = from->n_domains - from->n_possible;
	struct span own = client->rewrites_from && verify_names_mta(from)
	    ? domain_normal(m->arena, client->receiver)
	    : SPAN_NONE;

	for (size_t i = 0; i <= from->n_domains; i++) {
		if (i == n_certain && own.n > 0)
			m->authors[d->n_authors++] = own;
		if (i < from->n_domains)
			m->authors[d->n_authors++] = from->domains[i];
	}
	d->authors = m->authors;
	d->n_possible = from->n_possible + (own.n > 0);
	d->expands_aliases = client->rewrites_from;
}

void
collect_from_header(struct verify_message *m)
{
	for (size_t i = 0; i < m->header.n && !m->has_hidden_field; i++)
		m->has_hidden_field = hides_field(m->header.fields[i].value);
	facts_list(m);
	facts_automatic(m);
	facts_authors(m);
	collect_fault(m);
}

void
collect_fault(struct verify_message *m)
{
	m->dmarc_facts.authors_fault =
	    m->header.cut ? "the header exceeds a limit" : from_fault(m);
}

static enum dmarc_fact
fact_of_spf(enum spf_code code)
{
	return code == SPF_PASS     ? DMARC_FACT_PASS
	    : code == SPF_TEMPERROR ? DMARC_FACT_TEMPERROR
				    : DMARC_FACT_OTHER;
}

static enum dmarc_fact
fact_of_dkim(enum dkim_code code)
{
	return code == DKIM_PASS     ? DMARC_FACT_PASS
	    : code == DKIM_TEMPERROR ? DMARC_FACT_TEMPERROR
				     : DMARC_FACT_OTHER;
}

/* Returns the domain of SPF's MAIL FROM identity (RFC 7208 section 2.4). */
static struct span
spf_domain(const struct verify_message *m)
{
	if (m->verdict.mail_from.n > 0)
		return m->verdict.facts.mail_from_domain;
	return domain_normal(m->arena, m->c->helo);
}

/*
 * Lists the identifiers for DMARC.  RFC 9989 section 4.4.2: for SPF, this is
 * the MAIL FROM identity, which is the HELO domain for a null sender.  Without
 * `results`, every identifier is listed, so that all questions can be asked in
 * parallel.
 */
void
collect_for_dmarc(struct verify_message *m, bool results)
{
	const struct verdict *v = &m->verdict;
	struct dmarc_facts *d = &m->dmarc_facts;
	struct span domains[DKIM_VERIFIED_MAX] = { SPAN_NONE };
	size_t n = results ? v->n_dkim : 0;
	struct dmarc_identifier *ids;

	d->spf.domain = spf_domain(m);
	d->spf.fact =
	    results ? fact_of_spf(v->spf_mail_from.code) : DMARC_FACT_OTHER;
	if (!results && m->dkim != NULL)
		n = dkim_domains(m->dkim, domains, DKIM_VERIFIED_MAX);
	ids = arena_array(m->arena, n, sizeof(*ids));
	d->dkim = ids;
	d->n_dkim = ids != NULL ? n : 0;
	for (size_t i = 0; i < d->n_dkim; i++) {
		ids[i].domain = results ? v->dkim[i].domain : domains[i];
		ids[i].fact =
		    results ? fact_of_dkim(v->dkim[i].code) : DMARC_FACT_OTHER;
	}
	if (ids == NULL)
		m->verdict.faulty = true;
}

/*
 * Returns the best result of all signatures, in the order of preference below.
 * RFC 6376 section 3.6.1: a domain in testing mode (t=y in its key) is treated
 * like one that does not sign.
 */
static enum dkim_code
dkim_best(const struct verdict *v)
{
	static const enum dkim_code order[] = {
		DKIM_PASS,
		DKIM_TEMPERROR,
		DKIM_POLICY,
		DKIM_NEUTRAL,
		DKIM_FAIL,
		DKIM_PERMERROR,
	};

	for (size_t o = 0; o < sizeof(order) / sizeof(order[0]); o++)
		for (size_t i = 0; i < v->n_dkim; i++)
			if (v->dkim[i].code == order[o] &&
			    (order[o] == DKIM_PASS || !v->dkim[i].testing))
				return order[o];
	return DKIM_NONE;
}

static void
facts_dkim_domains(struct verify_message *m)
{
	const struct verdict *v = &m->verdict;
	struct policy_input *f = &m->verdict.facts;
	struct span *domains =
	    arena_array(m->arena, v->n_dkim, sizeof(*domains));
	size_t n = 0;

	for (size_t i = 0; domains != NULL && i < v->n_dkim; i++)
		if (v->dkim[i].code == DKIM_PASS)
			domains[n++] = v->dkim[i].domain;
	f->dkim_domains = domains;
	f->n_dkim_domains = n;
}

/* Sets the DMARC result reported by the newest sealer of a passing chain (RFC
 * 8617 section 7.2.1).  The policy decides whether that sealer is trusted. */
static void
facts_arc(struct verify_message *m)
{
	const struct arc_result *arc = &m->verdict.arc;
	struct policy_input *f = &m->verdict.facts;
	struct authres_result r;
	struct span id;
	struct scan s;

	f->arc = arc->code;
	if (arc->code != ARC_PASS || arc->n_sealers == 0)
		return;
	f->arc_sealer = arc->sealers[arc->n_sealers - 1].domain;
	s = scan_of(arc->sealers[arc->n_sealers - 1].results);
	if (!authres_open(&s, m->arena, &id))
		return;
	while (authres_next(&s, m->arena, &r) == AUTHRES_ONE)
		if (span_is_nocase(r.method, "dmarc") &&
		    span_is_nocase(r.result, "pass"))
			f->arc_dmarc_pass = true;
}

static void
facts_list_evidence(struct verify_message *m)
{
	struct policy_input *f = &m->verdict.facts;
	const struct dmarc_related *related = &m->list_related;
	const struct mail_list_claim *claim = &m->list_claims[related->domain];

	if (m->n_list_claims == 0)
		return;
	f->list_field = claim->field;
	f->list_domain = claim->domain;
	if (related->by != NULL)
		f->list_by = related->by->domain;
	else
		f->evidence_cut = f->evidence_cut || m->list_cut;
}

/* Whether the result could be different with more memory, time or DNS
 * questions.  A pass could not change: one aligned identifier is enough. */
static bool
is_overloaded(const struct verify_message *m)
{
	const struct verdict *v = &m->verdict;

	if (v->dmarc.code == DMARC_PASS)
		return false;
	return m->out_of_memory || m->dmarc_cut ||
	    (m->spf_cut &&
		(v->spf_mail_from.code == SPF_TEMPERROR ||
		    v->dmarc.code == DMARC_TEMPERROR)) ||
	    (m->keys_cut &&
		(v->facts.dkim == DKIM_TEMPERROR ||
		    v->dmarc.code == DMARC_TEMPERROR));
}

void
collect_for_policy(struct verify_message *m)
{
	const struct verdict *v = &m->verdict;
	struct policy_input *f = &m->verdict.facts;

	f->recipient_domains = m->recipients;
	f->n_recipient_domains = m->n_recipients;
	if (v->skip != NULL)
		return;
	if (!m->out_of_memory) {
		f->from_fault = from_fault(m);
		f->header_over_limit = m->header.cut;
	}
	f->from_domains = v->from.domains;
	f->n_from_domains = v->from.n_domains;
	f->spf = v->spf_mail_from.code;
	f->spf_explanation = v->spf_mail_from.explanation;
	f->dkim = dkim_best(v);
	f->dmarc = v->dmarc.code;
	f->dmarc_domain = v->dmarc.author_domain;
	f->dmarc_policy = v->dmarc.policy;
	f->dmarc_disposition = v->dmarc.disposition;
	f->overload = is_overloaded(m);
	f->evidence_cut = m->keys_cut && v->arc.code == ARC_TEMPERROR;
	facts_list_evidence(m);
	facts_dkim_domains(m);
	facts_arc(m);
	f->evidence_cut = f->evidence_cut || arena_has_failed(m->arena);
}
