/*
 * cmd_audit.c - avouch audit: checks a domain, a message or a bounce, and
 * explains how to fix what is wrong.
 */
#include <string.h>

#include "cli/audit/audit.h"
#include "cli/audit/mine.h"

int
audit_status(
    const struct cli *c, const struct audit_findings *f, bool is_unsure)
{
	bool errors = f->counts[AUDIT_ERROR] > 0;
	bool warnings = f->counts[AUDIT_WARNING] > 0;

	if (is_unsure || f->cut)
		return EX_TEMPFAIL;
	if (c->fail_on == NULL)
		return EX_OK;
	return errors || (warnings && strcmp(c->fail_on, "warning") == 0)
	    ? AUDIT_EXIT_FINDING
	    : EX_OK;
}

int
cmd_audit(struct cli *c)
{
	int forms = (c->n_args > 0) + (c->message != NULL) +
	    (c->bounce != NULL) + (c->wait != NULL) + (c->receive != NULL) +
	    (c->answer != NULL) + c->mine;

	if (forms != 1)
		return cli_fail(c, EX_USAGE,
		    "specify one of DOMAIN, --mine, --message FILE, --bounce "
		    "FILE or --wait ADDRESS");
	if (c->receive != NULL)
		return audit_run_receive(c);
	if (c->answer != NULL)
		return audit_run_answer(c);
	if (c->fail_on != NULL && strcmp(c->fail_on, "error") != 0 &&
	    strcmp(c->fail_on, "warning") != 0)
		return cli_fail(c, EX_USAGE,
		    "--fail-on %s: must be error or warning", c->fail_on);
	if (c->html != NULL && (c->n_args == 0 || c->json))
		return cli_fail(c, EX_USAGE,
		    "--html needs DOMAIN, and cannot be used with --json");
	if (c->smtp && c->cert != NULL)
		return cli_fail(
		    c, EX_USAGE, "--smtp and --cert cannot be used together");
	if (c->mine && (c->selectors.n > 0 || c->cert != NULL))
		return cli_fail(c, EX_USAGE,
		    "--mine cannot be used with --selector or --cert");
	if (c->mine)
		return audit_run_mine(c);
	if (c->wait != NULL)
		return audit_run_wait(c);
	if (c->message != NULL)
		return audit_run_message(c);
	return c->bounce != NULL ? audit_run_bounce(c) : audit_run_domain(c);
}
