/* policy_settings_test.c - tests, with random configurations and messages, that
 * a decision names exactly the options that could change it */
#include "verify/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "lib/buf.h"
#include "lib/enum_names.h"
#include "tests/support/policy_run.h"
#include "conf/options.h"

enum {
	ROUNDS = 1000,
	/* Combinations of values that are tried for each named option.  At
	 * worst, for on_quarantine, one in 155 shows that the option decides,
	 * because five others can hide it. */
	ASSIGNMENTS = 4000,
	NAME_MAX_BYTES = 80,
};

/* xorshift64: the same sequence on every host */
static uint64_t seed = 88172645463325252u;

static unsigned
pick(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)((seed >> 16) % n);
}

/* ---- random configurations ---- */

static struct ip_net our_client = { .ip = CLIENT, .bits = 32 };
static char *our_sealer[] = { (char[]){ "sealer.example" }, NULL };
static char *author[] = { (char[]){ "a.example" }, NULL };
static char *other_author[] = { (char[]){ "z.example" }, NULL };
static char override_name[] = "o";

/* Number of values to try for an option; 0: the option is not changed. */
static unsigned
count_values(const struct conf_option *o)
{
	if (strcmp(o->section, CONF_SECTION_OVERRIDE) == 0)
		return 0;
	switch (o->type) {
	case CONF_CHOICE:
		return (unsigned)o->n_choices;
	case CONF_BOOL:
	case CONF_PERCENT:
	case CONF_NETWORKS:
	case CONF_DOMAINS:
		return 2;
	default:
		return 0;
	}
}

/* Sets an option to value number `value`; for lists, 0 is the empty list. */
static void
set_value(struct conf *c, const struct conf_option *o, unsigned value)
{
	char *at = (char *)c + o->offset;

	switch (o->type) {
	case CONF_CHOICE:
		*(int *)(void *)at = o->choices[value].value;
		break;
	case CONF_BOOL:
		*(bool *)(void *)at = value > 0;
		break;
	case CONF_PERCENT:
		*(unsigned *)(void *)at = value * 1000;
		break;
	case CONF_NETWORKS:
		*(struct ip_net **)(void *)at = &our_client;
		*(size_t *)(void *)((char *)c + o->count) = value;
		break;
	case CONF_DOMAINS:
		*(char ***)(void *)at = value > 0 ? our_sealer : NULL;
		break;
	default:
		fail_msg("%s is not set here", o->name);
	}
}

static bool
is_list_option(const struct conf_option *o)
{
	return o->type == CONF_NETWORKS || o->type == CONF_DOMAINS;
}

static void
random_conf(struct conf *c, struct conf_override *override)
{
	for (size_t i = 0; i < conf_n_options; i++) {
		unsigned n = count_values(&conf_options[i]);

		if (n > 0)
			set_value(c, &conf_options[i],
			    is_list_option(&conf_options[i]) ? pick(8) == 0
							     : pick(n));
	}
	*override = (struct conf_override){
		.name = override_name,
		.from_domain = pick(2) == 0 ? author : other_author,
		.action = (enum conf_action)pick(CONF_TEMPFAIL + 1),
	};
	c->overrides = override;
	c->n_overrides = pick(4) == 0;
}

/* ---- random messages ---- */

static void
random_dmarc(struct policy_input *f)
{
	f->dmarc = (enum dmarc_code)pick(DMARC_PERMERROR + 1);
	if (f->dmarc == DMARC_PERMERROR && pick(2) == 0)
		f->from_fault = "several From fields";
	if (f->dmarc == DMARC_PERMERROR && pick(8) == 0)
		f->header_over_limit = true;
	f->dmarc_disposition = DMARC_POLICY_NONE;
	f->dmarc_policy = (enum dmarc_policy)(DMARC_POLICY_NONE + (int)pick(3));
	if (f->dmarc == DMARC_FAIL)
		f->dmarc_disposition =
		    dmarc_policy_asked(f->dmarc_policy, pick(4) == 0);
}

/* Adds at most one kind of evidence; a client in trusted_forwarders is another
 * kind. */
static void
random_mark(struct policy_input *f)
{
	switch (pick(4)) {
	case 0:
		f->list_field = "List-Id";
		f->list_domain = SPAN("l.lists.example");
		if (pick(3) > 0)
			f->list_by = SPAN("lists.example");
		break;
	case 1:
		f->arc = ARC_PASS;
		f->arc_sealer =
		    pick(4) > 0 ? SPAN("sealer.example") : SPAN("x.example");
		f->arc_dmarc_pass = pick(4) > 0;
		break;
	case 2:
		f->evidence_cut = pick(4) == 0;
		break;
	}
}

static struct policy_input
random_facts(void)
{
	struct policy_input f = { MAIL };

	f.authenticated = pick(16) == 0;
	f.spf = (enum spf_code)pick(SPF_PERMERROR + 1);
	f.dkim = (enum dkim_code)pick(DKIM_PERMERROR + 1);
	f.overload = pick(10) == 0;
	random_dmarc(&f);
	random_mark(&f);
	return f;
}

/* Leaves one reason to skip a message and one kind of evidence: with two,
 * changing either alone would not change the action. */
static void
leave_one_reason(struct conf *c, const struct policy_input *f)
{
	if (f->authenticated)
		c->n_skip_networks = 0;
	if (f->list_field != NULL || f->arc == ARC_PASS)
		c->n_trusted_forwarders = 0;
}

/* ---- decisions ---- */

struct policy_settings_outcome {
	struct conf c;
	struct policy_input f;
	struct arena *a;
};

static struct policy_decision
decide_policy_settings(
    const struct policy_settings_outcome *o, const struct conf *c)
{
	struct policy_decision d;

	arena_rewind(o->a);
	policy_decide(c, &o->f, POLICY_RUN_NOW, o->a, &d);
	return d;
}

static bool
differs(const struct policy_decision *a, const struct policy_decision *b)
{
	return a->action != b->action || a->would != b->would ||
	    a->skipped != b->skipped;
}

/* Whether another value of `option` leads to another action.  For a list, only
 * the empty list is tried. */
static bool
can_change(const struct policy_settings_outcome *o, const struct conf *c,
    const struct conf_option *option)
{
	struct policy_decision before = decide_policy_settings(o, c);
	unsigned n = is_list_option(option) ? 1 : count_values(option);

	for (unsigned value = 0; value < n; value++) {
		struct conf other = *c;
		struct policy_decision after;

		set_value(&other, option, value);
		after = decide_policy_settings(o, &other);
		if (differs(&before, &after))
			return true;
	}
	return false;
}

static bool
is_named(const struct policy_decision *d, const struct conf_option *o)
{
	char memory[NAME_MAX_BYTES];
	struct buf name = buf_wrap(memory, sizeof(memory));

	buf_printf(
	    &name, "%s%s%s", o->section, o->section[0] ? "." : "", o->name);
	for (size_t i = 0; i < d->n_settings; i++)
		if (span_is(buf_view(&name), d->settings[i]))
			return true;
	return false;
}

static void
assign_named(struct conf *c, const struct policy_decision *d)
{
	for (size_t i = 0; i < conf_n_options; i++)
		if (is_named(d, &conf_options[i]) &&
		    count_values(&conf_options[i]) > 0)
			set_value(c, &conf_options[i],
			    pick(count_values(&conf_options[i])));
}

/* Whether the action depends on `option` for some values of the named options.
 */
static bool
is_relevant(const struct policy_settings_outcome *o,
    const struct policy_decision *d, const struct conf_option *option)
{
	for (unsigned i = 0; i < ASSIGNMENTS; i++) {
		struct conf c = o->c;

		if (i > 0)
			assign_named(&c, d);
		if (can_change(o, &c, option))
			return true;
	}
	return false;
}

static void
check_options(unsigned round, const struct policy_settings_outcome *o)
{
	struct policy_decision d = decide_policy_settings(o, &o->c);
	size_t named = 0;

	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *option = &conf_options[i];

		named += is_named(&d, option);
		if (count_values(option) == 0)
			continue;
		if (!is_named(&d, option) && can_change(o, &o->c, option))
			fail_msg("round %u: %s.%s decides and is not named "
				 "(rule %.*s)",
			    round, option->section, option->name,
			    SPAN_FMT(decide_policy_settings(o, &o->c).rule));
		if (is_named(&d, option) && !is_relevant(o, &d, option))
			fail_msg("round %u: %s.%s is named and never decides "
				 "(rule %.*s)",
			    round, option->section, option->name,
			    SPAN_FMT(decide_policy_settings(o, &o->c).rule));
	}
	/* every name is the name of an option */
	assert_int_equal(named, d.n_settings);
}

/* If the rule is named after an option, checks that this option is listed. */
static void
check_rule(unsigned round, const struct policy_settings_outcome *o)
{
	struct policy_decision d = decide_policy_settings(o, &o->c);

	for (size_t i = 0; i < conf_n_options; i++) {
		char memory[NAME_MAX_BYTES];
		struct buf name = buf_wrap(memory, sizeof(memory));

		buf_printf(&name, "%s%s%s", conf_options[i].section,
		    conf_options[i].section[0] ? "." : "",
		    conf_options[i].name);
		if (span_equal(buf_view(&name), d.rule) &&
		    !is_named(&d, &conf_options[i]))
			fail_msg("round %u: the rule %.*s is not named", round,
			    SPAN_FMT(d.rule));
	}
}

static void
check_override(unsigned round, const struct policy_settings_outcome *o)
{
	struct policy_decision d = decide_policy_settings(o, &o->c);
	const struct conf_override *named = d.section;
	struct conf_override other;
	struct conf c = o->c;
	bool changes = false;

	if (c.n_overrides == 0) {
		assert_null(named);
		return;
	}
	if (o->f.from_fault != NULL)
		return; /* if the From field is invalid, whether an override
		           matches depends on its action */
	other = c.overrides[0];
	c.overrides = &other;
	for (unsigned action = 0; action <= CONF_TEMPFAIL; action++) {
		struct policy_decision after;

		other.action = (enum conf_action)action;
		after = decide_policy_settings(o, &c);
		changes = changes || differs(&d, &after);
	}
	if (changes != (named != NULL))
		fail_msg("round %u: the override is%s named", round,
		    named != NULL ? "" : " not");
}

static void
named_settings_are_those_that_could_change_the_action(void **state)
{
	const struct conf *defaults = conf_defaults();
	struct conf_override override;
	struct policy_settings_outcome o = { .a = arena_new(1 << 16) };

	(void)state;
	assert_non_null(defaults);
	assert_non_null(o.a);
	for (unsigned round = 0; round < ROUNDS; round++) {
		o.c = *defaults;
		random_conf(&o.c, &override);
		o.f = random_facts();
		leave_one_reason(&o.c, &o.f);
		check_options(round, &o);
		check_rule(round, &o);
		check_override(round, &o);
	}
	arena_free(o.a);
	conf_unref(defaults);
}

/* ---- cases that cli/explain/policy.c once got wrong ---- */

static void
assert_settings(const char *conf, const struct policy_input *f,
    const char *const *want, size_t n)
{
	const struct conf *c = policy_run_conf(conf);
	struct arena *a = arena_new(1 << 16);
	struct policy_decision d;

	policy_decide(c, f, POLICY_RUN_NOW, a, &d);
	assert_int_equal(d.n_settings, n);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(d.settings[i], want[i]);
	arena_free(a);
	conf_unref(c);
}

static void
rfc9989_7_4_the_setting_that_quarantines_list_mail_is_named(void **state)
{
	static const struct policy_input rejected = { FAILS(REJECT, REJECT),
		LIST };
	static const struct policy_input quarantined = {
		FAILS(QUARANTINE, QUARANTINE), LIST
	};
	static const char *const both[] = { "dmarc.on_reject",
		"dmarc.indirect_as_quarantine", "dmarc.on_quarantine", "mode",
		"sample" };
	static const char *const one[] = { "dmarc.on_quarantine",
		"dmarc.indirect_as_quarantine", "mode", "sample" };

	(void)state;
	assert_settings("dmarc { on_quarantine = quarantine }", &rejected, both,
	    ARRAY_SIZE(both));
	assert_settings("dmarc { on_quarantine = tempfail }", &quarantined, one,
	    ARRAY_SIZE(one));
}

static void
all_settings_that_spare_forwarded_mail_are_named(void **state)
{
	static const struct policy_input forwarded = { MAIL, .spf = SPF_FAIL };
	static const char *const all[] = { "spf.on_fail", "trusted_forwarders",
		"unauthenticated.action", "mode", "sample" };

	(void)state;
	assert_settings(
	    "trusted_forwarders = { 192.0.2.1 } spf { on_fail = reject }",
	    &forwarded, all, ARRAY_SIZE(all));
}

static void
all_settings_that_spare_unauthenticated_mail_are_named(void **state)
{
	static const struct policy_input forwarded = { MAIL, .spf = SPF_NONE };
	static const char *const both[] = { "unauthenticated.action",
		"trusted_forwarders" };

	(void)state;
	assert_settings("trusted_forwarders = { 192.0.2.1 }", &forwarded, both,
	    ARRAY_SIZE(both));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    named_settings_are_those_that_could_change_the_action),
		cmocka_unit_test(
		    rfc9989_7_4_the_setting_that_quarantines_list_mail_is_named),
		cmocka_unit_test(
		    all_settings_that_spare_forwarded_mail_are_named),
		cmocka_unit_test(
		    all_settings_that_spare_unauthenticated_mail_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
