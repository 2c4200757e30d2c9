#include "spf/spf.h"

#include <assert.h>

#include "lib/ascii.h"
#include "lib/domain.h"
#include "spf/internal.h"

/* ---- the identity ---- */

/* Splits a MAIL FROM into its local-part and domain at the last "@".  A source
 * route before them is removed (RFC 7208 section 2.2, RFC 5321 appendix C). */
static void
split_sender(struct span sender, struct span *local, struct span *domain)
{
	size_t at = span_rindex(sender, '@');
	size_t colon;

	*local = span_first(sender, at);
	*domain = at < sender.n ? span_skip(sender, at + 1) : SPAN_NONE;
	colon = span_index(*local, ':');
	if (local->n > 0 && local->p[0] == '@' && colon < local->n)
		*local = span_skip(*local, colon + 1);
}

/* Returns `name` in the form that macros expand to: as received, but without
 * U-labels and without the final dot. */
static struct span
shown_name(struct span name, struct span normal)
{
	if (normal.p != NULL && !span_all(name, ascii_is_ascii))
		return normal;
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	return name;
}

/* Sets the identity according to RFC 7208 sections 2.3 and 2.4, and the
 * local-part according to section 4.3. */
static bool
read_sender(struct spf_run *run, struct span *domain)
{
	const struct spf_query *q = run->q;
	struct spf_macros *v = &run->values;
	struct span local = SPAN_NONE, name = q->helo, normal;
	struct buf b;

	if (q->identity == SPF_IDENTITY_MAILFROM && q->sender.n > 0)
		split_sender(q->sender, &local, &name);
	normal = domain_normal(run->a, name);
	run->out->domain = normal.p != NULL ? normal : name;
	v->origin = shown_name(name, normal);
	v->local = local.n > 0 ? local : SPAN("postmaster");
	run->unicode_local = !span_all(v->local, ascii_is_ascii);
	b = buf_alloc(run->a, v->local.n + v->origin.n + 2);
	buf_span(&b, v->local);
	buf_byte(&b, '@');
	buf_span(&b, v->origin);
	v->sender = buf_view(&b);
	*domain = v->origin;
	return normal.p != NULL;
}

static void
read_query(struct spf_run *run)
{
	const struct spf_query *q = run->q;
	struct spf_macros *v = &run->values;

	v->helo = q->helo;
	if (!span_all(q->helo, ascii_is_ascii))
		v->helo = shown_name(q->helo, domain_normal(run->a, q->helo));
	v->receiver = q->receiver;
	v->ip = q->ip;
	v->now = q->now;
}

/* ---- check_host() ---- */

/* Selects the record according to RFC 7208 section 4.5.  If it returns NULL,
 * `decision` says why. */
static const struct dns_record *
select_record(struct spf_run *run, struct spf_frame *f,
    const struct dns_answer *answer, struct spf_decision *decision)
{
	const struct dns_record *found = NULL;

	for (size_t i = 0; i < answer->n_records; i++) {
		if (!spf_record_is(answer->records[i].text))
			continue;
		if (found != NULL) {
			spf_run_fail(
			    run, f, SPF_PERMERROR, "more than one SPF record");
			decision->code = SPF_PERMERROR;
			return NULL;
		}
		found = &answer->records[i];
	}
	if (found == NULL)
		decision->code = SPF_NONE;
	return found;
}

static bool
parse_record(struct spf_run *run, struct spf_frame *f, struct span text,
    struct spf_record *record)
{
	if (text.n > SPF_MAX_RECORD) {
		spf_run_fail(run, f, SPF_PERMERROR,
		    "the SPF record has more than 8192 bytes");
		return false;
	}
	if (!spf_record_parse(run->a, text, record)) {
		spf_run_fail(run, f, SPF_TEMPERROR, "out of memory");
		return false;
	}
	if (f->note != NULL)
		f->note->line.term = text;
	if (record->fault == NULL)
		return true;
	/* RFC 7208 section 4.6: a syntax error anywhere causes permerror,
	 * before any term is evaluated */
	f->term = record->fault;
	spf_run_fail(run, f, SPF_PERMERROR, record->fault->fault);
	return false;
}

/* RFC 6591 section 3.2.6: a failure report lists every record. */
static void
note_source(struct spf_run *run, struct span domain, struct span record)
{
	struct spf_result *out = run->out;

	if (out->n_sources < sizeof(out->sources) / sizeof(out->sources[0]))
		out->sources[out->n_sources++] =
		    (struct spf_source){ .domain = domain, .record = record };
}

/* Loads the record of f->domain (RFC 7208 sections 4.3 to 4.6). */
static bool
load_record(struct spf_run *run, struct spf_frame *f, struct spf_record *record,
    struct spf_decision *decision)
{
	const struct dns_answer *answer;
	const struct dns_record *found;

	decision->code = SPF_NONE;
	if (!spf_is_checkable(f->domain))
		return false;
	answer = spf_run_ask(run, f, f->domain, DNS_TXT);
	switch (answer->state) {
	case DNS_PENDING: /* continue as if nothing matched */
		decision->code = SPF_NEUTRAL;
		return false;
	case DNS_NODATA:
	case DNS_NXDOMAIN:
	case DNS_BADNAME:
		return false;
	case DNS_FAILED: /* RFC 7208 section 4.4 */
		run->what_name = f->domain;
		run->what_type = DNS_TXT;
		spf_run_fail(
		    run, f, SPF_TEMPERROR, dns_error_text(answer->fault));
		decision->code = SPF_TEMPERROR;
		return false;
	case DNS_FOUND:
		break;
	}
	found = select_record(run, f, answer, decision);
	if (found == NULL)
		return false;
	note_source(run, f->domain, found->text);
	if (parse_record(run, f, found->text, record))
		return true;
	decision->code = run->out->code;
	return false;
}

static struct spf_decision check_host(
    struct spf_run *run, struct span domain, unsigned depth);

/* The table of RFC 7208 section 5.2. */
static enum spf_outcome
read_include(
    struct spf_run *run, struct spf_frame *f, const struct spf_decision *inner)
{
	switch (inner->code) {
	case SPF_PASS:
		return SPF_MATCH;
	case SPF_NEUTRAL:
		if (inner->term != NULL && inner->term->kind != SPF_KIND_ALL)
			run->neutral_include = true;
		break;
	case SPF_FAIL:
	case SPF_SOFTFAIL:
		break;
	case SPF_TEMPERROR:
	case SPF_PERMERROR:
		return SPF_EXCEPTION;
	case SPF_NONE:
		return spf_run_fail(run, f, SPF_PERMERROR,
		    "the included domain has no SPF record");
	}
	return SPF_NO_MATCH;
}

static enum spf_outcome
match_include(
    struct spf_run *run, struct spf_frame *f, const struct spf_term *term)
{
	struct span name;
	enum spf_outcome outcome = spf_run_count(run, f);
	struct spf_decision inner;

	if (outcome == SPF_NO_MATCH)
		outcome = spf_run_target(run, f, term, &name);
	if (outcome != SPF_MATCH)
		return outcome;
	inner = check_host(run, name, f->depth + 1);
	return read_include(run, f, &inner);
}

static void
note_outcome(struct spf_run *run, struct spf_frame *f,
    const struct spf_term *term, enum spf_outcome outcome)
{
	switch (outcome) {
	case SPF_NO_MATCH:
		spf_trace_end(run, f->note, "no match", SPAN_NONE);
		break;
	case SPF_MATCH:
		spf_trace_end(run, f->note, "match",
		    span_str(spf_code_name(term->qualifier)));
		break;
	case SPF_EXCEPTION:
		spf_trace_end(run, f->note, spf_code_name(run->out->code),
		    span_str(run->what));
		break;
	}
}

/* Evaluates from left to right (RFC 7208 section 4.6.2); terms after "all" are
 * ignored (section 5.1).  Returns false if no mechanism decided. */
static bool
evaluate(struct spf_run *run, struct spf_frame *f,
    const struct spf_record *record, struct spf_decision *decision)
{
	for (size_t i = 0; i < record->n; i++) {
		const struct spf_term *term = &record->terms[i];
		enum spf_outcome outcome;

		if (term->kind >= SPF_KIND_REDIRECT)
			continue;
		f->term = term;
		f->void_counted = false;
		spf_trace_begin(run, f, term->text);
		outcome = term->kind == SPF_KIND_INCLUDE
		    ? match_include(run, f, term)
		    : spf_run_match(run, f, term);
		note_outcome(run, f, term, outcome);
		if (outcome == SPF_NO_MATCH)
			continue;
		decision->code =
		    outcome == SPF_MATCH ? term->qualifier : run->out->code;
		decision->term = outcome == SPF_MATCH ? term : NULL;
		decision->exp = record->exp;
		decision->domain = f->domain;
		return true;
	}
	return false;
}

/* RFC 7208 section 6.1.  Returns false if `decision` is final. */
static bool
follow_redirect(struct spf_run *run, struct spf_frame *f,
    const struct spf_term *term, struct spf_decision *decision)
{
	struct span name = SPAN_NONE;
	enum spf_outcome outcome;

	f->term = term;
	f->void_counted = false;
	spf_trace_begin(run, f, term->text);
	outcome = spf_run_count(run, f);
	if (outcome == SPF_NO_MATCH)
		outcome = spf_run_target(run, f, term, &name);
	if (outcome == SPF_EXCEPTION)
		note_outcome(run, f, term, outcome);
	else
		spf_trace_end(run, f->note,
		    outcome == SPF_MATCH ? "continues at" : "no match",
		    outcome == SPF_MATCH ? name : SPAN_NONE);
	decision->code =
	    outcome == SPF_EXCEPTION ? run->out->code : SPF_NEUTRAL;
	if (outcome != SPF_MATCH)
		return false;
	f->domain = name;
	f->term = NULL;
	return true;
}

/* Completes the trace line of a record. */
static void
note_record(struct spf_run *run, struct spf_frame *f,
    const struct spf_decision *decision, bool loaded)
{
	bool failed =
	    decision->code == SPF_TEMPERROR || decision->code == SPF_PERMERROR;

	if (loaded)
		spf_trace_end(run, f->note, "record", SPAN_NONE);
	else
		spf_trace_end(run, f->note, spf_code_name(decision->code),
		    failed ? span_str(run->what) : SPAN_NONE);
}

/*
 * RFC 7208 section 4.  A redirect repeats the loop, and an include calls this
 * function again.  Both were already counted as lookups, so there are at most
 * SPF_MAX_LOOKUPS of them.
 */
static struct spf_decision
check_host(struct spf_run *run, struct span domain, unsigned depth)
{
	struct spf_frame f = { .domain = domain, .depth = depth };
	struct spf_decision decision = { .code = SPF_NONE };
	struct spf_record record;

	assert(depth <= SPF_MAX_LOOKUPS);
	for (unsigned hops = 0;; hops++) {
		bool loaded;

		spf_trace_begin(run, &f, SPAN_NONE);
		loaded = load_record(run, &f, &record, &decision);
		note_record(run, &f, &decision, loaded);
		if (!loaded && hops > 0 && decision.code == SPF_NONE) {
			/* RFC 7208 section 6.1 */
			spf_run_fail(run, &f, SPF_PERMERROR,
			    "the target of redirect= has no SPF record");
			decision.code = SPF_PERMERROR;
		}
		if (!loaded || evaluate(run, &f, &record, &decision))
			return decision;
		/* RFC 7208 sections 4.7 and 6.1; not reached if the record has
		 * an "all" */
		decision.code = SPF_NEUTRAL;
		if (record.redirect == NULL ||
		    !follow_redirect(run, &f, record.redirect, &decision))
			return decision;
	}
}

/* ---- exp= ---- */

/*
 * RFC 7208 section 6.2: if anything is wrong with the explanation, the result
 * is still fail, but without an explanation.
 */
static void
explain(struct spf_run *run, const struct spf_decision *decision)
{
	struct spf_frame f = {
		.domain = decision->domain,
		.term = decision->exp,
		.uncounted = true,
	};
	const struct dns_answer *answer;
	struct span name, text;
	unsigned needs;

	if (spf_run_target(run, &f, decision->exp, &name) != SPF_MATCH)
		return;
	spf_trace_begin(run, &f, decision->exp->text);
	answer = spf_run_ask(run, &f, name, DNS_TXT);
	if (answer->state != DNS_FOUND || answer->n_records != 1 ||
	    answer->records[0].text.n > SPF_MAX_RECORD) {
		spf_trace_end(run, f.note, "no explanation", SPAN_NONE);
		return;
	}
	text = answer->records[0].text;
	if (spf_macro_check(text, SPF_MACRO_TEXT, &needs) != NULL) {
		spf_trace_end(run, f.note,
		    "no explanation: its text is malformed", SPAN_NONE);
		return;
	}
	if ((needs & SPF_NEEDS_PTR) != 0 && spf_run_ptr(run, &f) != SPF_MATCH)
		return;
	run->values.domain = f.domain;
	if (spf_macro_text(&run->values, text, run->a, &text))
		run->out->explanation = text;
	spf_trace_end(run, f.note, "explanation", run->out->explanation);
}

/* A result that was computed without enough memory must not be used. */
static void
set_out_of_memory(struct spf_run *run)
{
	*run->out = (struct spf_result){
		.code = SPF_TEMPERROR,
		.identity = run->q->identity,
		.domain = run->out->domain,
		.reason = SPAN("out of memory"),
	};
}

enum core_status
spf_check(const struct spf_query *q, struct dns_questions *questions,
    struct arena *a, struct spf_result *out)
{
	struct spf_run run = {
		.q = q, .questions = questions, .a = a, .out = out
	};
	struct spf_decision decision = { .code = SPF_NONE };
	struct span domain;

	*out = (struct spf_result){ .identity = q->identity };
	read_query(&run);
	if (read_sender(&run, &domain) && q->ip.family != IP_NONE)
		decision = check_host(&run, domain, 0);
	if (!run.waiting && decision.code == SPF_FAIL && decision.exp != NULL)
		explain(&run, &decision);
	if (run.waiting)
		return CORE_WAIT;
	spf_run_finish(&run, &decision);
	if (arena_has_failed(a))
		set_out_of_memory(&run);
	return CORE_DONE;
}
