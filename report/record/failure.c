#include "report/record/failure.h"

#include <stdlib.h>
#include <string.h>

#include "lib/domain.h"
#include "report/record/failure_internal.h"
#include "report/record/row.h"

enum {
	FIELD_MEMORY = 1 << 18, /* bytes of memory for parsing addresses */
	LIKE_SIGNATURES = 4,    /* signatures compared to find failures with the
	                           same cause */
};

/* ---- whether a report is due ---- */

/* RFC 8601 section 2.7.1: a temperror may be our own error, and "policy" means
 * that one of our own limits was exceeded. */
static bool
is_broken(const struct dkim_result *r)
{
	return r->domain.n > 0 && r->selector.n > 0 &&
	    (r->code == DKIM_FAIL || r->code == DKIM_PERMERROR ||
		r->code == DKIM_NEUTRAL);
}

bool
failure_is_aligned(
    const struct verdict *v, struct span domain, enum dmarc_alignment mode)
{
	return domain_equal(domain, v->dmarc.author_domain) ||
	    (mode == DMARC_RELAXED &&
		domain_is_under(domain, v->dmarc.organizational_domain));
}

/* Returns a broken signature, preferably an aligned one, or NULL.  Considers
 * only aligned ones if `aligned_alone` is set. */
static const struct dkim_result *
broken_signature(const struct verdict *v, bool aligned_alone)
{
	const struct dkim_result *found = NULL;

	for (size_t i = 0; i < v->n_dkim; i++) {
		const struct dkim_result *r = &v->dkim[i];

		if (!is_broken(r))
			continue;
		if (failure_is_aligned(v, r->domain, v->dmarc.record->adkim))
			return r;
		if (found == NULL && !aligned_alone)
			found = r;
	}
	return found;
}

/* Whether SPF failed as defined in RFC 6591 section 3.3.  Results that may be
 * caused by our own errors do not count, nor does "none". */
static bool
spf_failed(const struct verdict *v)
{
	return v->spf_mail_from.code == SPF_FAIL ||
	    v->spf_mail_from.code == SPF_SOFTFAIL ||
	    v->spf_mail_from.code == SPF_PERMERROR;
}

static bool
dkim_is_unknown(const struct verdict *v)
{
	for (size_t i = 0; i < v->n_dkim; i++)
		if (v->dkim[i].code == DKIM_TEMPERROR)
			return true;
	return false;
}

/* RFC 9989 section 4.7, fo=1: a DNS error does not count as a failure. */
static bool
any_failed(const struct verdict *v)
{
	return (!v->dmarc.dkim_aligned && !dkim_is_unknown(v)) ||
	    (!v->dmarc.spf_aligned && v->spf_mail_from.code != SPF_TEMPERROR);
}

/*
 * Returns false for mail from local users, for mail that was deferred or not
 * fully checked, and for automatic mail, because two reporters could otherwise
 * report to each other forever (RFC 9991 section 5.1).  Also returns false for
 * list mail and forwarded mail, because a report would reveal to the author
 * where the message was finally delivered (section 7.1).
 */
static bool
may_report(const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;

	return v->skip == NULL && !d->skipped && !v->faulty && !v->gave_up &&
	    d->action != CONF_TEMPFAIL && v->mail_from.n > 0 && !v->automatic &&
	    !v->facts.is_list && d->override != POLICY_OVERRIDE_LIST &&
	    d->override != POLICY_OVERRIDE_FORWARDER &&
	    v->dmarc.author_domain.n > 0 && v->dmarc.policy_domain.n > 0;
}

enum failure_kind
failure_kind_of(const struct verdict *v)
{
	const struct dmarc_record *r = v->dmarc.record;
	bool failed = v->dmarc.code == DMARC_FAIL;

	/* RFC 9991 section 2: ruf must not be used if the record has psd=y. */
	if (r == NULL || r->n_ruf == 0 || r->psd == DMARC_PSD_YES ||
	    !may_report(v))
		return FAILURE_NONE;
	if ((r->fo_0 || r->fo_1) && failed)
		return FAILURE_DMARC;
	if (r->fo_1 && v->dmarc.code == DMARC_PASS && any_failed(v))
		return FAILURE_DMARC;
	if (r->fo_d && broken_signature(v, false) != NULL)
		return FAILURE_DKIM;
	if (r->fo_s && spf_failed(v))
		return FAILURE_SPF;
	return FAILURE_NONE;
}

/* ---- contents of a failure ---- */

/* Writes the data that failures with the same cause have in common. */
static void
put_likeness(struct buf *b, const struct failure_source *t)
{
	const struct verdict *v = t->v;

	buf_text(b, failure_type(t));
	buf_byte(b, ' ');
	report_put_clean(b, v->dmarc.policy_domain, REPORT_NAME_MAX, false);
	buf_byte(b, ' ');
	report_put_clean(b, v->dmarc.author_domain, REPORT_NAME_MAX, false);
	buf_byte(b, ' ');
	ip_put(b, &v->client);
	buf_byte(b, ' ');
	report_put_clean(b, v->facts.mail_from_domain, REPORT_NAME_MAX, false);
	buf_printf(b, " %s %s", spf_code_name(v->spf_mail_from.code),
	    failure_delivery_result(v));
	for (size_t i = 0; i < v->n_dkim && i < LIKE_SIGNATURES; i++) {
		buf_printf(b, " %s ", dkim_code_name(v->dkim[i].code));
		report_put_clean(b, v->dkim[i].domain, REPORT_NAME_MAX, false);
	}
}

static struct span
write_text(struct buf *b, size_t max, const struct failure_source *t,
    void (*put)(struct buf *b, const struct failure_source *t))
{
	size_t room = b->cap - b->n;
	struct buf part = buf_wrap(b->p + b->n, max < room ? max : room);

	put(&part, t);
	b->n += part.n + 1;
	return buf_view(&part);
}

static struct span
write_clean(struct buf *b, struct span text, size_t max)
{
	size_t from = b->n;

	report_put_clean(b, text, max, true);
	return report_text_end(b, from);
}

static struct span
write_source(struct buf *b, const struct ip *source)
{
	size_t from = b->n;

	ip_put(b, source);
	return report_text_end(b, from);
}

static bool
write_header(struct buf *b, const struct failure_source *t, struct span *out)
{
	struct arena *a = arena_new(FIELD_MEMORY);
	struct buf part = buf_wrap(b->p + b->n, FAILURE_HEADER_MAX);

	if (a == NULL)
		return false;
	failure_put_header(&part, t, a);
	arena_free(a);
	b->n += part.n + 1;
	*out = buf_view(&part);
	return true;
}

static bool
write_all(struct failure_draft *d, const struct failure_source *t)
{
	const struct dmarc_result *r = &t->v->dmarc;
	struct buf b = buf_wrap(d->memory, sizeof(d->memory));
	struct failure *f = &d->failure;

	f->when = t->now;
	f->likeness = write_text(&b, FAILURE_LIKENESS_MAX, t, put_likeness);
	f->organization = write_clean(&b,
	    r->organizational_domain.n > 0 ? r->organizational_domain
					   : r->policy_domain,
	    REPORT_NAME_MAX);
	f->domain = write_clean(&b, r->policy_domain, REPORT_NAME_MAX);
	f->record = write_clean(&b, r->record->text, DMARC_RECORD_MAX);
	f->author = write_clean(&b, r->author_domain, REPORT_NAME_MAX);
	f->source = write_source(&b, &t->v->client);
	f->subject =
	    write_text(&b, FAILURE_SUBJECT_MAX + 1, t, failure_put_subject);
	f->feedback =
	    write_text(&b, FAILURE_FEEDBACK_MAX, t, failure_put_feedback);
	return write_header(&b, t, &f->header);
}

/* ---- copies ---- */

enum { TEXTS = 9 };

static void
list_texts(struct failure *f, struct span *texts[TEXTS])
{
	struct span *const list[TEXTS] = { &f->likeness, &f->organization,
		&f->domain, &f->record, &f->author, &f->source, &f->subject,
		&f->feedback, &f->header };

	memcpy(texts, list, sizeof(list));
}

size_t
failure_size(const struct failure *f)
{
	struct failure copy = *f;
	struct span *texts[TEXTS];
	size_t size = sizeof(copy);

	list_texts(&copy, texts);
	for (size_t i = 0; i < TEXTS; i++)
		size += texts[i]->n;
	return size;
}

struct failure *
failure_copy(const struct failure *f)
{
	struct failure *copy = malloc(failure_size(f));
	struct span *texts[TEXTS];
	char *to;

	if (copy == NULL)
		return NULL;
	*copy = *f;
	to = (char *)(copy + 1);
	list_texts(copy, texts);
	for (size_t i = 0; i < TEXTS; i++) {
		if (texts[i]->n > 0)
			memcpy(to, texts[i]->p, texts[i]->n);
		texts[i]->p = to;
		to += texts[i]->n;
	}
	return copy;
}

/* ---- the failure of a message ---- */

bool
failure_of(const struct verdict *v, const struct conf *conf,
    struct hash_secret key, struct span queue_id, int64_t now,
    struct failure_draft *out)
{
	static const struct hash_secret plain = { 0, 0 };
	struct failure_source t = {
		.v = v,
		.conf = conf,
		.kind = failure_kind_of(v),
		.queue_id = queue_id,
		.now = now,
	};
	char *const *domains = conf->report.failure_domains;

	if (!conf->report.failure_reports || t.kind == FAILURE_NONE ||
	    (domains != NULL &&
		!policy_matches(domains, v->dmarc.author_domain)))
		return false;
	t.redact = (struct redact){ .key = key,
		.salt = hash_span(plain, v->dmarc.policy_domain, 0) };
	t.signature = broken_signature(v, t.kind != FAILURE_DKIM);
	return write_all(out, &t);
}
