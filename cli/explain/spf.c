#include "cli/cli.h"
#include "cli/explain/explain.h"

enum {
	COUNTER_COLUMNS = 17, /* width of the lookup counters on the left */
	INDENT = 4,           /* columns per include; half of that for terms */
};

json_t *
explain_spf_json(const struct spf_result *r)
{
	json_t *list = json_array();

	for (const struct spf_trace *t = r->trace; t != NULL; t = t->next) {
		json_t *o = json_object();

		cli_set_number(o, "depth", t->depth);
		cli_set_span(o, "domain", t->domain);
		cli_set_span(o, "term", t->term);
		cli_set_span(o, "asked", t->asked);
		cli_set_span(o, "got", t->got);
		cli_set_span(o, "decided", t->decided);
		cli_set_number(o, "lookups", t->lookups);
		cli_set_number(o, "void_lookups", t->void_lookups);
		json_array_append_new(list, o);
	}
	return list;
}

static void
put_step_detail(int indent, const char *label, struct span value)
{
	if (value.p == NULL)
		return;
	printf("%*s%s ", COUNTER_COLUMNS + indent, "", label);
	cli_put(value);
	putchar('\n');
}

/* Prints the whole record, or why there is none. */
static void
put_spf_record(const struct spf_trace *t, int indent)
{
	bool is_read = span_is(t->decided, "record");

	cli_put(t->domain);
	fputs(": ", stdout);
	cli_put(is_read ? t->term : t->decided);
	putchar('\n');
	if (is_read)
		return;
	put_step_detail(indent, "asked ", t->asked);
	put_step_detail(indent, "got   ", t->got);
}

static void
put_spf_step(const struct spf_trace *t)
{
	int indent = (int)t->depth * INDENT;

	printf("%8u  %4u   %*s", t->lookups, t->void_lookups, indent, "");
	if (t->term.p == NULL || span_starts_nocase(t->term, "v=spf1")) {
		put_spf_record(t, indent + INDENT / 2);
		return;
	}
	printf("%*s", INDENT / 2, "");
	cli_put(t->term);
	fputs(": ", stdout);
	cli_put(t->decided);
	putchar('\n');
	put_step_detail(indent + INDENT, "asked ", t->asked);
	put_step_detail(indent + INDENT, "got   ", t->got);
}

void
explain_spf(const struct spf_result *r)
{
	if (r->trace == NULL) {
		cli_prose_text(2, "No SPF record was looked up.");
		return;
	}
	puts(" lookups  void   (after each term; limits 10 and 2, "
	     "RFC 7208 section 4.6.4)");
	for (const struct spf_trace *t = r->trace; t != NULL; t = t->next)
		put_spf_step(t);
}
