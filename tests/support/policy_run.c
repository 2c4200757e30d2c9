#include "tests/support/policy_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "lib/ascii.h"
#include "lib/buf.h"

enum { CONF_TEXT_MAX = 4096 }; /* bytes of a vector's configuration */

const struct conf *
policy_run_conf(const char *text)
{
	bool has_mode = strstr(text, "mode = ") != NULL;
	const struct conf *c;
	char memory[CONF_TEXT_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_printf(&b, "%s%s", has_mode ? "" : "mode = enforce\n", text);
	assert_false(b.full);
	c = conf_read_text(buf_view(&b), "test", stderr);
	if (c == NULL)
		fail_msg("%s: is rejected", text);
	return c;
}

static void
compare_policy_run(const struct policy_vector *v, const char *what,
    const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s: got %s, want %s", v->name, what, got, want);
}

static void
check_text(const struct policy_vector *v, const char *what, struct span got,
    const char *want)
{
	char text[1000];

	assert_true(span_all(got, ascii_is_print));
	assert_true(got.n <= POLICY_TEXT_MAX);
	snprintf(text, sizeof(text), "%.*s", SPAN_FMT(got));
	if (want != NULL)
		compare_policy_run(v, what, text, want);
}

void
policy_run_check(const struct policy_vector *v, const struct policy_decision *d)
{
	compare_policy_run(v, "action", conf_action_name(d->action),
	    conf_action_name(v->action));
	compare_policy_run(
	    v, "would", conf_action_name(d->would), conf_action_name(v->would));
	check_text(v, "rule", d->rule, v->rule);
	check_text(v, "reason", d->reason, v->reason);
	compare_policy_run(v, "disposition", dmarc_policy_name(d->disposition),
	    dmarc_policy_name(v->disposition));
	compare_policy_run(v, "override", policy_override_name(d->override),
	    policy_override_name(v->override));
	if (d->code != v->code)
		fail_msg("%s: code %u, want %u", v->name, d->code, v->code);
	compare_policy_run(v, "enhanced",
	    d->enhanced != NULL ? d->enhanced : "",
	    v->enhanced != NULL ? v->enhanced : "");
	check_text(v, "text", d->text, v->text);
	assert_int_equal(d->code != 0,
	    d->action == CONF_REJECT || d->action == CONF_TEMPFAIL);
	assert_int_equal(d->code != 0, d->enhanced != NULL);
	assert_int_equal(d->code != 0, d->text.n > 0);
	/* smfi_setreply() requires that the reply code and the enhanced code
	 * begin with the same digit */
	assert_true(
	    d->code == 0 || d->enhanced[0] == (d->code == 550 ? '5' : '4'));
}

/* Makes each allocation fail in turn.  Mail that would be refused or
 * quarantined must then be deferred, other mail must be accepted, and there
 * must be a reason. */
static void
check_without_memory(const struct policy_vector *v, const struct conf *c)
{
	for (unsigned long nth = 1;; nth++) {
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;

		assert_non_null(a);
		arena_fail_at(a, nth);
		policy_decide(c, &v->f, POLICY_RUN_NOW, a, &d);
		if (!arena_has_failed(a)) {
			policy_run_check(v, &d);
			arena_free(a);
			return;
		}
		bool later =
		    v->action != CONF_ACCEPT && v->action != CONF_ANNOTATE;

		if (d.action != (later ? CONF_TEMPFAIL : CONF_ACCEPT) ||
		    d.code != (later ? 451 : 0) || !span_is(d.rule, "fault") ||
		    d.reason.n == 0 || d.disposition != DMARC_POLICY_NONE)
			fail_msg("%s: allocation %lu: action %s", v->name, nth,
			    conf_action_name(d.action));
		arena_free(a);
	}
}

void
policy_run_each(const struct policy_vector *v, size_t n)
{
	for (; n > 0; n--, v++) {
		const struct conf *c = policy_run_conf(v->conf);
		struct arena *a = arena_new(1 << 16);
		struct policy_decision d;

		assert_non_null(a);
		policy_decide(c, &v->f, POLICY_RUN_NOW, a, &d);
		policy_run_check(v, &d);
		arena_free(a);
		check_without_memory(v, c);
		conf_unref(c);
	}
}
