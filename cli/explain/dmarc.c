#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "lib/buf.h"
#include "lib/enum_names.h"

enum {
	INDENT = 4,     /* indentation of the lines about one author */
	TEXT_MAX = 1024 /* bytes of a sentence with three domain names */
};

/* ---- the DNS tree walk ---- */

json_t *
explain_walk_json(const struct dmarc_explanation *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < e->n_hops; i++) {
		json_t *o = json_object();

		cli_set_span(o, "name", e->hops[i].name);
		cli_set_text(o, "state", e->hops[i].state);
		cli_set_span(o, "text", e->hops[i].text);
		cli_set_text(o, "role", e->hops[i].role);
		json_array_append_new(list, o);
	}
	return list;
}

void
explain_walk(const struct dmarc_explanation *e, unsigned indent)
{
	for (size_t i = 0; i < e->n_hops; i++) {
		printf("%*s", (int)indent, "");
		cli_put(e->hops[i].name);
		if (e->hops[i].role != NULL)
			printf(" <- %s", e->hops[i].role);
		printf("\n%*s", (int)indent + 4, "");
		cli_put(e->hops[i].text);
		putchar('\n');
	}
}

/* ---- one author ---- */

struct author_details {
	struct span domain;
	struct dmarc_relations relations;
	struct dmarc_explanation explanation;
};

/* Evaluates one author domain again, using the answers in `questions`. */
static void
author_details_read(struct author_details *au, const struct verdict *v,
    size_t i, struct dns_questions *questions, struct arena *a)
{
	const struct dmarc_walk *walk = &au->relations.walk;

	*au = (struct author_details){ .domain = v->dmarc_facts->authors[i] };
	(void)dmarc_explain_alignment(
	    v->dmarc_facts, au->domain, questions, a, &au->relations);
	(void)dmarc_explain(au->domain, walk, walk, !au->relations.nonexistent,
	    a, &au->explanation);
}

static const struct enum_token aligned_names[] = {
	{ "no", DMARC_ALIGNED_NOT },
	{ "yes", DMARC_ALIGNED },
	{ "unknown", DMARC_ALIGNED_UNKNOWN },
};

static const struct enum_token fact_names[] = {
	{ "no pass", DMARC_FACT_OTHER },
	{ "pass", DMARC_FACT_PASS },
	{ "temperror", DMARC_FACT_TEMPERROR },
};

static const char *
alignment_mode_name(enum dmarc_alignment mode)
{
	return mode == DMARC_STRICT ? "strict" : "relaxed";
}

static json_t *
relation_json(const struct dmarc_relation *r)
{
	json_t *o = json_object();

	cli_set_text(o, "method", r->is_dkim ? "dkim" : "spf");
	cli_set_span(o, "domain", r->domain);
	cli_set_text(o, "result",
	    enum_name(fact_names, ARRAY_SIZE(fact_names), (int)r->fact));
	cli_set_text(o, "mode", alignment_mode_name(r->mode));
	cli_set_text(o, "aligned",
	    enum_name(
		aligned_names, ARRAY_SIZE(aligned_names), (int)r->aligned));
	cli_set_span(o, "organizational_domain", r->organizational_domain);
	return o;
}

static json_t *
author_details_json(const struct author_details *au)
{
	const struct dmarc_walk *walk = &au->relations.walk;
	json_t *o = json_object();
	json_t *list = json_array();

	cli_set_span(o, "domain", au->domain);
	cli_set_bool(o, "nonexistent", au->relations.nonexistent);
	cli_set(o, "walk", explain_walk_json(&au->explanation));
	cli_set_span(o, "organizational_domain",
	    walk->failed ? SPAN_NONE : walk->organizational_domain);
	cli_set_span(o, "policy_domain",
	    walk->policy != NULL ? walk->policy->domain : SPAN_NONE);
	cli_set_span(o, "record",
	    walk->policy != NULL ? walk->policy->record->text : SPAN_NONE);
	for (size_t i = 0; i < au->relations.n; i++)
		json_array_append_new(
		    list, relation_json(&au->relations.list[i]));
	cli_set(o, "identifiers", list);
	return o;
}

/* Writes whether the identifier aligns (RFC 9989 section 4.10.2). */
static void
put_alignment(struct buf *b, const struct author_details *au,
    const struct dmarc_relation *r)
{
	struct span ours = au->relations.walk.organizational_domain;

	switch (r->aligned) {
	case DMARC_ALIGNED:
		buf_text(b, "aligned: ");
		if (span_equal_nocase(r->domain, au->domain)) {
			buf_text(b, "the same domain");
			return;
		}
		buf_text(b, "the same organizational domain, ");
		buf_span(b, ours);
		return;
	case DMARC_ALIGNED_UNKNOWN:
		buf_text(b,
		    "its alignment is unknown, because the DNS did not answer");
		return;
	case DMARC_ALIGNED_NOT:
		break;
	}
	buf_text(b, "not aligned: ");
	if (r->mode == DMARC_STRICT) {
		buf_text(b, "the record requires strict alignment with ");
		buf_span(b, au->domain);

	} else if (r->organizational_domain.n > 0) {
		buf_text(b, "its organizational domain is ");
		buf_span(b, r->organizational_domain);
		buf_text(b, ", not ");
		buf_span(b, ours);
	} else {
		buf_text(b, "it is not in the organizational domain ");
		buf_span(b, ours);
	}
}

static void
put_relation(const struct author_details *au, const struct dmarc_relation *r)
{
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_text(&b, r->is_dkim ? "DKIM of " : "SPF of ");
	buf_span(&b, r->domain);
	switch (r->fact) {
	case DMARC_FACT_PASS:
		buf_text(&b, " passes; ");
		break;
	case DMARC_FACT_TEMPERROR:
		buf_text(&b, " has a temporary error; ");
		break;
	case DMARC_FACT_OTHER:
		buf_text(&b, " does not pass; ");
		break;
	}
	put_alignment(&b, au, r);
	cli_prose(INDENT, buf_view(&b));
}

static void
put_author_details(const struct author_details *au)
{
	const struct dmarc_walk *walk = &au->relations.walk;

	fputs("  Author domain ", stdout);
	cli_put(au->domain);
	puts("; names of its DNS tree walk (RFC 9989 section 4.10):");
	explain_walk(&au->explanation, INDENT);
	if (walk->policy == NULL)
		cli_prose_text(INDENT,
		    walk->failed ? "The policy is unknown, because the DNS "
				   "did not answer."
				 : "No policy record was found: DMARC does not "
				   "apply.");
	else if (walk->policy->broken)
		cli_prose_text(INDENT,
		    "The record is invalid: DMARC does not apply (RFC 9989 "
		    "section 4.10.1).");
	else if (au->relations.n == 0)
		cli_prose_text(INDENT,
		    "The message has no SPF or DKIM domain that could align.");
	if (au->relations.nonexistent)
		cli_prose_text(INDENT,
		    "The author domain does not exist: the np tag applies, if "
		    "it is set.");
	for (size_t i = 0; i < au->relations.n; i++)
		put_relation(au, &au->relations.list[i]);
}

/* ---- all authors ---- */

/* Returns the number of author domains that were checked: 0 if the From field
 * is invalid or nothing was queried. */
static size_t
author_count(const struct verdict *v, const struct dns_questions *questions)
{
	if (questions == NULL || v->dmarc_facts == NULL ||
	    v->dmarc_facts->authors_fault != NULL)
		return 0;
	return v->dmarc_facts->n_authors;
}

/* Writes how the daemon judges a From field behind an MTA that changes it
 * (struct verify_client), unless the result is the same, apart from aliases.
 * The command assumes an MTA that does not change it. */
static void
put_behind_sendmail(struct buf *b, const struct verdict *v)
{
	const char *fault = verify_rewriting_fault(&v->from, 0);

	if (v->from.state == MAIL_FROM_INVALID)
		return;
	if (fault != NULL) {
		buf_text(b, "Behind Sendmail this From field is invalid: ");
		buf_text(b, fault);
		return;
	}
	if (verify_names_mta(&v->from))
		buf_text(b,
		    "Behind Sendmail the host's own name may be an author "
		    "domain too: Sendmail writes it for a name without a dot, "
		    "or after a word that it takes for a local user.");
}

json_t *
explain_dmarc_json(
    const struct verdict *v, struct dns_questions *questions, struct arena *a)
{
	json_t *o = json_object();
	json_t *list = json_array();
	size_t n = author_count(v, questions);
	struct author_details au;
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	for (size_t i = 0; i < n; i++) {
		author_details_read(&au, v, i, questions, a);
		json_array_append_new(list, author_details_json(&au));
	}
	cli_set(o, "authors", list);
	cli_set_text(o, "from", mail_from_state_name(v->from.state));
	cli_set_text(o, "from_reason", v->from.reason);
	put_behind_sendmail(&b, v);
	cli_set_span(o, "behind_sendmail", b.n > 0 ? buf_view(&b) : SPAN_NONE);
	cli_set_text(o, "result", dmarc_code_name(v->dmarc.code));
	cli_set_span(o, "reason", v->dmarc.reason);
	return o;
}

void
explain_dmarc(
    const struct verdict *v, struct dns_questions *questions, struct arena *a)
{
	size_t n = author_count(v, questions);
	struct author_details au;
	char memory[TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (v->from.state == MAIL_FROM_SLOPPY)
		puts("  The From field is not valid (RFC 5322), but its author "
		     "is "
		     "clear.");
	if (v->from.state == MAIL_FROM_INVALID)
		printf("  The From field is invalid: %s\n", v->from.reason);
	put_behind_sendmail(&b, v);
	if (b.n > 0)
		cli_prose(2, buf_view(&b));
	for (size_t i = 0; i < n; i++) {
		if (i == n - v->dmarc_facts->n_possible)
			puts("  Some mail programs may show another author:");
		author_details_read(&au, v, i, questions, a);
		put_author_details(&au);
	}
	if (n > 1)
		cli_prose_text(2,
		    "There are several author domains: the strictest result "
		    "applies (RFC 9989 section 11.5).");
	printf("  Result: %s: ", dmarc_code_name(v->dmarc.code));
	cli_put(v->dmarc.reason);
	putchar('\n');
}
