#include <string.h>

#include "cli/cli.h"
#include "cli/explain.h"
#include "lib/buf.h"
#include "lib/table.h"

enum {
	NAME_MAX_SHOWN = 128,   /* bytes of a setting's name */
	VALUE_MAX_SHOWN = 4096, /* of it with its value and where it is from */
};

/* ---- which settings had a say ---- */

static bool
always(const struct verdict *v)
{
	(void)v;
	return true;
}

static bool
is_enforced_on(const struct verdict *v)
{
	return v->decision.would != CONF_ACCEPT;
}

static bool
is_of_trusted_mta(const struct verdict *v)
{
	return v->facts.trusted_mta;
}

static bool
is_skipped(const struct verdict *v)
{
	return v->skip != NULL && !v->facts.trusted_mta;
}

static bool
spf_fails(const struct verdict *v)
{
	return v->facts.spf == SPF_FAIL;
}

static bool
spf_softfails(const struct verdict *v)
{
	return v->facts.spf == SPF_SOFTFAIL;
}

static bool
spf_temperror(const struct verdict *v)
{
	return v->facts.spf == SPF_TEMPERROR;
}

static bool
spf_permerror(const struct verdict *v)
{
	return v->facts.spf == SPF_PERMERROR;
}

static bool
spf_is_weak(const struct verdict *v)
{
	return v->facts.spf == SPF_PASS && v->facts.spf_weakness != SPF_SOLID;
}

static bool
spf_is_spared(const struct verdict *v)
{
	return v->facts.dmarc == DMARC_PASS &&
	    (v->facts.spf != SPF_PASS || spf_is_weak(v));
}

static bool
dkim_temperror(const struct verdict *v)
{
	return v->facts.dkim == DKIM_TEMPERROR;
}

static bool
dkim_permerror(const struct verdict *v)
{
	return v->facts.dkim == DKIM_PERMERROR;
}

static bool
dmarc_asks(const struct verdict *v, enum dmarc_policy policy)
{
	return v->facts.dmarc == DMARC_FAIL &&
	    v->facts.dmarc_disposition == policy;
}

static bool
dmarc_rejects(const struct verdict *v)
{
	return dmarc_asks(v, DMARC_POLICY_REJECT);
}

static bool
dmarc_quarantines(const struct verdict *v)
{
	return dmarc_asks(v, DMARC_POLICY_QUARANTINE);
}

static bool
dmarc_temperror(const struct verdict *v)
{
	return v->facts.dmarc == DMARC_TEMPERROR;
}

static bool
dmarc_permerror(const struct verdict *v)
{
	return v->facts.dmarc == DMARC_PERMERROR;
}

static bool
arc_may_help(const struct verdict *v)
{
	return v->facts.dmarc == DMARC_FAIL && v->facts.arc == ARC_PASS;
}

static bool
is_forwarded(const struct verdict *v)
{
	return v->decision.override == POLICY_OVERRIDE_FORWARDER;
}

static const struct {
	const char *section, *name;
	bool (*applies)(const struct verdict *v);
} settings[] = {
	{ "", "trusted_mtas", is_of_trusted_mta },
	{ "", "skip_networks", is_skipped },
	{ "", "skip_authenticated", is_skipped },
	{ "", "mode", always },
	{ "", "sample", is_enforced_on },
	{ "spf", "on_fail", spf_fails },
	{ "spf", "on_softfail", spf_softfails },
	{ "spf", "on_temperror", spf_temperror },
	{ "spf", "on_permerror", spf_permerror },
	{ "spf", "on_weak_pass", spf_is_weak },
	{ "spf", "ignore_spf_if_dmarc_passes", spf_is_spared },
	{ "dkim", "on_temperror", dkim_temperror },
	{ "dkim", "on_permerror", dkim_permerror },
	{ "", "trusted_forwarders", is_forwarded },
	{ "arc", "trusted_sealers", arc_may_help },
	{ "dmarc", "on_reject", dmarc_rejects },
	{ "dmarc", "on_quarantine", dmarc_quarantines },
	{ "dmarc", "on_temperror", dmarc_temperror },
	{ "dmarc", "on_permerror", dmarc_permerror },
	{ "dmarc", "indirect_as_quarantine", dmarc_rejects },
};

/* The override that decided, whole. */
static bool
is_of_override(const struct verdict *v, const struct conf_setting *s)
{
	struct span rule = v->decision.rule;

	return s->override != NULL && span_starts_nocase(rule, "override ") &&
	    span_is(span_skip(rule, strlen("override ")), s->override);
}

static bool
has_a_say(const struct verdict *v, const struct conf_setting *s)
{
	if (s->override != NULL)
		return is_of_override(v, s);
	for (size_t i = 0; i < TABLE_SIZE(settings); i++)
		if (strcmp(settings[i].section, s->section) == 0 &&
		    strcmp(settings[i].name, s->name) == 0)
			return settings[i].applies(v);
	return false;
}

/* ---- showing them ---- */

struct showing {
	const struct verdict *v;
	json_t *list; /* NULL: as text */
};

/* "dmarc.on_reject", "override \"name\": action" */
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

static void
show_text(const struct conf_setting *s)
{
	char memory[VALUE_MAX_SHOWN];
	struct buf b = buf_over(memory, sizeof(memory));

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
	cli_put(buf_done(&b));
	putchar('\n');
}

static void
show(void *arg, const struct conf_setting *s)
{
	const struct showing *showing = arg;
	char memory[NAME_MAX_SHOWN];
	struct buf name = buf_over(memory, sizeof(memory));
	json_t *o;

	if (!has_a_say(showing->v, s))
		return;
	if (showing->list == NULL) {
		show_text(s);
		return;
	}
	put_name(&name, s);
	o = json_object();
	cli_set_span(o, "name", buf_done(&name));
	cli_set_text(o, "value", s->value);
	cli_set_text(o, "file", s->file);
	cli_set_number(o, "line", s->line);
	json_array_append_new(showing->list, o);
}

json_t *
explain_policy_json(const struct conf *conf, const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;
	struct showing showing = { .v = v, .list = json_array() };
	json_t *o = json_object();

	conf_each(conf, show, &showing);
	cli_set(o, "settings", showing.list);
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
	struct showing showing = { .v = v };

	puts("  The settings that had a say:");
	conf_each(conf, show, &showing);
	if (d->expired.p != NULL)
		cli_line("  An override past its date:", d->expired);
	fputs("  Rule ", stdout);
	cli_put(d->rule);
	printf(": %s", conf_action_name(d->would));
	if (d->would != d->action)
		printf(", but here %s", conf_action_name(d->action));
	puts("");
	cli_prose(2, d->reason);
}
