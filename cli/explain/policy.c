#include <string.h>

#include "cli/cli.h"
#include "cli/explain/explain.h"
#include "lib/buf.h"
#include "lib/domain.h"

enum {
	NAME_MAX_SHOWN = 128,      /* bytes of a setting's name */
	VALUE_MAX_SHOWN = 4096,    /* bytes of name, value and source */
	EVIDENCE_SHOWN_MAX = 1024, /* bytes of a sentence with two domains */
};

/* ---- settings that were used ---- */

/* Writes "dmarc.on_reject" or "override \"name\": action". */
static void
put_name(struct buf *b, const struct conf_setting *s)
{
	if (s->override != NULL) {
		buf_text(b, "override \"");
		buf_text(b, s->override);
		buf_text(b, "\": ");
	} else if (s->section[0] != '\0') {
		buf_text(b, s->section);
		buf_byte(b, '.');
	}
	buf_text(b, s->name);
}

/* Whether to show `s`: the policy used it, or the override that determined the
 * action sets it. */
static bool
has_a_say(const struct policy_decision *d, const struct conf_setting *s)
{
	char memory[NAME_MAX_SHOWN];
	struct buf name = buf_wrap(memory, sizeof(memory));

	if (s->override != NULL)
		return d->section != NULL &&
		    strcmp(d->section->name, s->override) == 0;
	put_name(&name, s);
	for (size_t i = 0; i < d->n_settings; i++)
		if (span_is(buf_view(&name), d->settings[i]))
			return true;
	return false;
}

/* ---- output ---- */

struct policy_output {
	const struct policy_decision *decision;
	json_t *list; /* NULL: output as text */
};

static void
show_text(const struct conf_setting *s)
{
	char memory[VALUE_MAX_SHOWN];
	struct buf b = buf_wrap(memory, sizeof(memory));

	put_name(&b, s);
	buf_text(&b, " = ");
	buf_text(&b, s->value);
	if (s->file == NULL) {
		buf_text(&b, "  (built in)");
	} else {
		buf_text(&b, "  (");
		buf_text(&b, s->file);
		buf_printf(&b, ":%u)", s->line);
	}
	fputs("    ", stdout);
	cli_put(buf_view(&b));
	putchar('\n');
}

static void
show(void *arg, const struct conf_setting *s)
{
	const struct policy_output *showing = arg;
	char memory[NAME_MAX_SHOWN];
	struct buf name = buf_wrap(memory, sizeof(memory));
	json_t *o;

	if (!has_a_say(showing->decision, s))
		return;
	if (showing->list == NULL) {
		show_text(s);
		return;
	}
	put_name(&name, s);
	o = json_object();
	cli_set_span(o, "name", buf_view(&name));
	cli_set_text(o, "value", s->value);
	cli_set_text(o, "file", s->file);
	cli_set_number(o, "line", s->line);
	json_array_append_new(showing->list, o);
}

/* ---- evidence of indirect mail (RFC 9989 section 7.4) ---- */

static json_t *
marks_json(const struct conf *conf, const struct verdict *v)
{
	struct indirect_evidence evidence[POLICY_EVIDENCE_MAX];
	size_t n = policy_indirect_evidence(conf, &v->facts, evidence);
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *o = json_object();

		cli_set_text(o, "mark", evidence[i].what);
		cli_set_span(o, "domain", evidence[i].name);
		cli_set_bool(o, "counts", evidence[i].why_not == NULL);
		cli_set_span(o, "belongs_to", evidence[i].by);
		cli_set_text(o, "reason", evidence[i].why_not);
		json_array_append_new(list, o);
	}
	return list;
}

static void
put_evidence(const struct indirect_evidence *evidence)
{
	char memory[EVIDENCE_SHOWN_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_text(&b, evidence->what);
	if (evidence->name.p != NULL) {
		buf_byte(&b, ' ');
		buf_printable(&b, evidence->name, DOMAIN_MAX);
	}
	if (evidence->why_not != NULL) {
		buf_text(&b, ": does not count because ");
		buf_text(&b, evidence->why_not);
	} else if (evidence->by.p != NULL) {
		buf_text(&b, ": counts because it belongs to ");
		buf_printable(&b, evidence->by, DOMAIN_MAX);
		buf_text(&b, ", which passed SPF or DKIM");
	} else {
		buf_text(&b, ": counts");
	}
	cli_prose(4, buf_view(&b));
}

/* Prints the evidence, which weakens only a policy of reject. */
static void
put_all_evidence(const struct conf *conf, const struct verdict *v)
{
	struct indirect_evidence evidence[POLICY_EVIDENCE_MAX];
	size_t n = policy_indirect_evidence(conf, &v->facts, evidence);

	if (n > 0)
		puts("  Evidence of indirect mail (RFC 9989 section 7.4):");
	else if (v->facts.is_list)
		cli_prose_text(2,
		    "The message says that it is list mail, but not in a field "
		    "that names a domain, so it does not count as indirect "
		    "mail "
		    "(RFC 9989 section 7.4).");
	for (size_t i = 0; i < n; i++)
		put_evidence(&evidence[i]);
}

/* ---- the decision ---- */

json_t *
explain_policy_json(const struct conf *conf, const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;
	struct policy_output showing = { .decision = d, .list = json_array() };
	json_t *o = json_object();

	conf_each(conf, show, &showing);
	cli_set(o, "settings", showing.list);
	cli_set(o, "marks", marks_json(conf, v));
	cli_set_span(o, "rule", d->rule);
	cli_set_span(o, "reason", d->reason);
	cli_set_text(o, "override", policy_override_name(d->override));
	cli_set_span(o, "expired", d->expired);
	return o;
}

void
explain_policy(const struct conf *conf, const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;
	struct policy_output showing = { .decision = d };

	if (d->n_settings > 0 || d->section != NULL)
		puts("  The settings that were used:");
	else
		puts("  No setting was used.");
	conf_each(conf, show, &showing);
	put_all_evidence(conf, v);
	if (d->expired.p != NULL)
		cli_line("  An expired override:", d->expired);
	fputs("  Rule ", stdout);
	cli_put(d->rule);
	printf(": %s", conf_action_name(d->would));
	if (d->would != d->action)
		printf("; action taken: %s", conf_action_name(d->action));
	puts("");
	cli_prose(2, d->reason);
}
