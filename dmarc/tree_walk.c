#include "dmarc/tree_walk.h"

#include "lib/buf.h"
#include "lib/domain.h"

enum {
	/* RFC 9989 section 4.10 step 4: 8 or more labels are cut to 7 */
	WALK_JUMP_FROM = DMARC_MAX_QUERIES,
	WALK_JUMP_TO = DMARC_MAX_QUERIES - 1,
	WALK_NAME_MAX = sizeof("_dmarc.") + DOMAIN_MAX, /* with the NUL */
};

/* RFC 9989 section 4.1: queries the name created by prepending "_dmarc". */
static const struct dns_answer *
ask_record(struct span domain, struct dns_questions *questions)
{
	char memory[WALK_NAME_MAX];
	struct buf name = buf_wrap(memory, sizeof(memory));

	buf_text(&name, "_dmarc.");
	buf_span(&name, domain);
	return dns_ask(questions, buf_view(&name), DNS_TXT);
}

/*
 * Queries the names of steps 1, 4, 5 and 7 of RFC 9989 section 4.10: the domain
 * itself, and the names that remain when its leftmost labels are removed one by
 * one, down to one label.  No name after the first has more than 7 labels.  All
 * are queried at once; their answers later show where the walk stops.
 */
static size_t
ask_names(struct span domain, size_t max, struct dns_questions *questions,
    struct dmarc_step steps[DMARC_MAX_QUERIES])
{
	size_t labels = domain_labels(domain);
	size_t n = 0;

	while (labels > 0 && n < max && n < DMARC_MAX_QUERIES) {
		struct span name = domain_suffix(domain, labels);

		steps[n++] = (struct dmarc_step){
			.domain = name,
			.answer = ask_record(name, questions),
		};
		labels = labels >= WALK_JUMP_FROM ? WALK_JUMP_TO : labels - 1;
	}
	return n;
}

void
dmarc_walk_ask(struct span domain, size_t max, struct dns_questions *questions)
{
	struct dmarc_step steps[DMARC_MAX_QUERIES];

	(void)ask_names(domain, max, questions, steps);
}

/* Steps 2 and 6 of RFC 9989 section 4.10: records that do not begin with the
 * version are discarded; if several remain, all are discarded. */
static bool
read_step(struct dmarc_step *step, struct arena *a)
{
	struct dmarc_record record, kept = { .text = SPAN_NONE };
	const char *reason;
	size_t n = 0;

	for (size_t i = 0; i < step->answer->n_records && n < 2; i++) {
		enum dmarc_record_state state = dmarc_record_parse(
		    step->answer->records[i].text, &record, &reason);

		if (state == DMARC_RECORD_NOT_DMARC) {
			if (n == 0)
				step->note = reason;
			continue;
		}
		n++;
		kept = record;
		step->broken = state == DMARC_RECORD_BROKEN;
		step->note = reason;
	}
	if (n > 1) {
		step->broken = false;
		step->note = "several DMARC records: all are discarded";
	}
	if (n != 1)
		return true;
	struct dmarc_record *copy = arena_alloc(a, sizeof(*copy));

	if (copy == NULL) {
		step->note = "out of memory";
		return false;
	}
	*copy = kept;
	step->record = copy;
	return true;
}

/* RFC 9989 section 4.10.2, from the longest name to the shortest. */
static struct span
select_organizational(struct span domain, const struct dmarc_walk *walk)
{
	/* If no rule applies, the result is the initial target domain. */
	struct span found = domain;

	for (size_t i = 0; i < walk->n_steps; i++) {
		const struct dmarc_step *step = &walk->steps[i];

		if (step->record == NULL)
			continue;
		/* Rule 1: psd=n marks the organizational domain. */
		if (step->record->psd == DMARC_PSD_NO)
			return step->domain;
		/* Rule 2: psd=y, except at the first name.  The result is the
		 * name one label below, even if the walk skipped it. */
		if (step->record->psd == DMARC_PSD_YES && i > 0)
			return domain_suffix(
			    domain, domain_labels(step->domain) + 1);
		/* Rule 3: otherwise, select the name with the fewest labels. */
		found = step->domain;
	}
	return found;
}

/*
 * RFC 9989 section 4.10.1: the record of the author domain, else of its
 * organizational domain, else of its public suffix domain.
 *
 * One walk from the domain itself is used for this and for alignment, although
 * section 4.10.1 starts at the parent if the domain has no record.  The two
 * differ only if the parent has psd=y: rule 2 above then makes the domain,
 * which has no record, its own organizational domain, and the parent its public
 * suffix domain.  Either way, the same record applies.
 */
static const struct dmarc_step *
select_policy(const struct dmarc_walk *walk)
{
	const struct dmarc_step *last = &walk->steps[walk->n_steps - 1];

	if (walk->steps[0].record != NULL)
		return &walk->steps[0];
	if (walk->failed)
		return NULL;
	for (size_t i = 1; i < walk->n_steps; i++) {
		const struct dmarc_step *step = &walk->steps[i];

		if (step->record != NULL &&
		    domain_equal(step->domain, walk->organizational_domain))
			return step;
	}
	/* The walk stops at psd=y, so only the last record can have it. */
	if (last->record != NULL && last->record->psd == DMARC_PSD_YES)
		return last;
	return NULL;
}

enum core_status
dmarc_walk(struct span domain, struct dns_questions *questions, struct arena *a,
    struct dmarc_walk *out)
{
	*out = (struct dmarc_walk){ .organizational_domain = domain };
	out->n_steps =
	    ask_names(domain, DMARC_MAX_QUERIES, questions, out->steps);
	if (out->n_steps == 0)
		return CORE_DONE;
	for (size_t i = 0; i < out->n_steps; i++) {
		struct dmarc_step *step = &out->steps[i];

		if (step->answer->state == DNS_PENDING)
			return CORE_WAIT;
		if (step->answer->state == DNS_FAILED) {
			step->note = dns_error_text(step->answer->fault);
			out->failed = true;
		} else if (!read_step(step, a)) {
			out->failed = true;
		}
		/* RFC 9989 section 4.10 steps 2, 6: stop at psd=n or psd=y */
		if (step->record != NULL &&
		    step->record->psd != DMARC_PSD_UNKNOWN)
			out->n_steps = i + 1;
	}
	out->organizational_domain = select_organizational(domain, out);
	out->policy = select_policy(out);
	return CORE_DONE;
}
