#include "cli/results.h"

#include "cli/cli.h"

#include "lib/buf.h"
#include "lib/scan.h"

enum {
	FINDING_COLUMN = 6, /* column at which a finding's text begins */
	FIX_COLUMN = 12,
	REPLY_MAX = POLICY_TEXT_MAX + 32, /* bytes, including status codes */
};

/* ---- findings of a linter ---- */

json_t *
results_findings_json(
    const struct audit_findings *f, const char *where_key, bool has_terms)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++) {
		const struct audit_finding *one = &f->list[i];
		json_t *o = json_object();

		cli_set_text(o, "id", one->id);
		cli_set_text(o, "severity", audit_severity_name(one->severity));
		cli_set_span(o, where_key, one->where);
		if (has_terms)
			cli_set_span(o, "term", one->term);
		cli_set_span(o, "text", one->text);
		cli_set_text(o, "section", one->section);
		cli_set_span(o, "cure", one->fix);
		json_array_append_new(list, o);
	}
	return list;
}

static void
print_finding(const struct audit_finding *f)
{
	printf("  %s: ", audit_severity_name(f->severity));
	cli_put(f->where);
	if (f->term.n > 0) {
		fputs(": ", stdout);
		cli_put(f->term);
	}
	printf(" (%s)\n", f->section);
	cli_prose(FINDING_COLUMN, f->text);
	cli_entry(SPAN("    fix:"), FIX_COLUMN, f->fix);
}

void
results_findings(const struct audit_findings *f)
{
	if (f->n == 0 && !f->cut) {
		puts("\nNo problems found.");
		return;
	}
	puts("\nFindings:");
	for (size_t i = 0; i < f->n; i++)
		print_finding(&f->list[i]);
	if (f->cut)
		puts("  More findings exist than are shown.");
}

/* ---- results of the checks ---- */

json_t *
results_spf_json(const struct spf_result *r)
{
	json_t *o = json_object();

	cli_set_text(o, "result", spf_code_name(r->code));
	cli_set_text(o, "identity", spf_identity_name(r->identity));
	cli_set_span(o, "domain", r->domain);
	cli_set_span(o, "mechanism", r->mechanism);
	cli_set_span(o, "explanation", r->explanation);
	cli_set_number(o, "lookups", r->lookups);
	cli_set_number(o, "void_lookups", r->void_lookups);
	cli_set_span(o, "reason", r->reason);
	cli_set_text(o, "weakness", spf_weakness_name(r->weakness));
	return o;
}

void
results_spf(const struct spf_result *r)
{
	cli_line_text("spf", spf_code_name(r->code));
	cli_line_text("  identity", spf_identity_name(r->identity));
	cli_line("  domain", r->domain);
	cli_line("  mechanism", r->mechanism);
	cli_line("  reason", r->reason);
	cli_line("  explanation", r->explanation);
	if (r->weakness != SPF_WEAKNESS_NONE)
		cli_line_text("  weakness", spf_weakness_name(r->weakness));
	printf("%-22s %u of %d, void %u of %d\n", "  lookups", r->lookups,
	    SPF_MAX_LOOKUPS, r->void_lookups, SPF_MAX_VOID);
}

json_t *
results_dkim_json(const struct dkim_result *r, size_t n)
{
	json_t *o = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *item = json_object();

		cli_set_span(item, "domain", r[i].domain);
		cli_set_span(item, "selector", r[i].selector);
		cli_set_span(item, "algorithm", r[i].algorithm);
		cli_set_span(item, "identity", r[i].identity);
		cli_set_text(item, "result", dkim_code_name(r[i].code));
		cli_set_span(item, "reason", r[i].reason);
		cli_set_number(item, "key_bits", r[i].key_bits);
		cli_set_bool(item, "testing", r[i].testing);
		json_array_append_new(list, item);
	}
	cli_set(o, "signatures", list);
	return o;
}

void
results_dkim(const struct dkim_result *r, size_t n)
{
	if (n == 0)
		cli_line_text("dkim", "none");
	for (size_t i = 0; i < n; i++) {
		cli_line_text("dkim", dkim_code_name(r[i].code));
		cli_line("  domain", r[i].domain);
		cli_line("  selector", r[i].selector);
		cli_line("  identity", r[i].identity);
		cli_line("  algorithm", r[i].algorithm);
		if (r[i].key_bits > 0)
			printf("%-22s %u bits%s\n", "  key", r[i].key_bits,
			    r[i].testing ? ", testing" : "");
		cli_line("  reason", r[i].reason);
	}
}

json_t *
results_arc_json(const struct arc_result *r)
{
	json_t *o = json_object();
	json_t *list = json_array();

	cli_set_text(o, "result", arc_code_name(r->code));
	cli_set_number(o, "instances", r->instances);
	cli_set_number(o, "oldest_pass", r->oldest_pass);
	for (size_t i = 0; i < r->n_sealers; i++) {
		json_t *item = json_object();

		cli_set_number(item, "instance", r->sealers[i].instance);
		cli_set_span(item, "domain", r->sealers[i].domain);
		cli_set_span(item, "selector", r->sealers[i].selector);
		cli_set_span(item, "results", r->sealers[i].results);
		json_array_append_new(list, item);
	}
	cli_set(o, "sealers", list);
	cli_set_span(o, "reason", r->reason);
	return o;
}

void
results_arc(const struct arc_result *r)
{
	cli_line_text("arc", arc_code_name(r->code));
	if (r->instances == 0)
		return;
	printf("%-22s %u", "  instances", r->instances);
	if (r->oldest_pass > 0)
		printf(", oldest pass %u", r->oldest_pass);
	puts(r->code == ARC_PASS && r->oldest_pass == 0 ? ", all pass" : "");
	for (size_t i = 0; i < r->n_sealers; i++) {
		printf("%-22s %u: ", "  sealer", r->sealers[i].instance);
		cli_put(r->sealers[i].domain);
		putchar('\n');
	}
	cli_line("  reason", r->reason);
}

json_t *
results_dmarc_json(const struct dmarc_result *r)
{
	json_t *o = json_object();

	cli_set_text(o, "result", dmarc_code_name(r->code));
	cli_set_span(o, "author_domain", r->author_domain);
	cli_set_span(o, "organizational_domain", r->organizational_domain);
	cli_set_span(o, "policy_domain", r->policy_domain);
	cli_set_text(o, "policy",
	    r->record != NULL ? dmarc_policy_name(r->policy) : NULL);
	cli_set_text(o, "disposition", dmarc_policy_name(r->disposition));
	cli_set_bool(o, "spf_aligned", r->spf_aligned);
	cli_set_bool(o, "dkim_aligned", r->dkim_aligned);
	cli_set_bool(o, "testing", r->testing);
	cli_set_span(o, "reason", r->reason);
	return o;
}

void
results_dmarc(const struct dmarc_result *r)
{
	cli_line_text("dmarc", dmarc_code_name(r->code));
	cli_line("  author domain", r->author_domain);
	cli_line("  organizational", r->organizational_domain);
	cli_line("  policy domain", r->policy_domain);
	if (r->record != NULL)
		printf("%-22s %s=%s%s\n", "  policy", r->policy_tag,
		    dmarc_policy_name(r->policy),
		    r->testing ? " (t=y: testing)" : "");
	cli_line_text("  requested action", dmarc_policy_name(r->disposition));
	printf("%-22s SPF %s, DKIM %s\n", "  aligned",
	    r->spf_aligned ? "yes" : "no", r->dkim_aligned ? "yes" : "no");
	cli_line("  reason", r->reason);
}

/* ---- all results of a message ---- */

/*
 * Returns the name used in RFC 9989 section 5.4.  The separate key "handling"
 * says how quarantine is carried out (by a header field, or by the MTA's hold
 * queue).
 */
static const char *
action_name(enum conf_action action, enum dmarc_policy disposition)
{
	switch (action) {
	case CONF_ACCEPT:
		return "accept";
	case CONF_ANNOTATE:
		return disposition == DMARC_POLICY_QUARANTINE ? "quarantine"
							      : "accept";
	case CONF_QUARANTINE:
		return "quarantine";
	case CONF_REJECT:
		return "reject";
	case CONF_TEMPFAIL:
		return "tempfail";
	}
	return "accept";
}

/* Returns "550 5.7.26 text", or an absent span if the message is accepted. */
static struct span
reply_text(struct buf *b, const struct policy_decision *d)
{
	if (d->code == 0)
		return SPAN_NONE;
	buf_cut(b, 0);
	buf_printf(b, "%u %s ", d->code, d->enhanced);
	buf_span(b, d->text);
	return buf_view(b);
}

/* Prints a header field as the milter adds it; continuation lines begin with a
 * tab. */
static void
print_folded(const char *name, struct span value)
{
	struct scan s = scan_of(value);

	printf("%s: ", name);
	while (!scan_done(&s)) {
		struct span line = scan_until(&s, '\n');

		scan_byte(&s, '\n');
		if (line.n > 0 && line.p[0] == '\t') {
			putchar('\t');
			line = span_skip(line, 1);
		}
		cli_put(line);
		putchar('\n');
	}
}

static json_t *
added_json(const struct verdict *v)
{
	json_t *list = json_array();

	if (v->annotation.p != NULL) {
		json_t *o = json_object();

		cli_set_text(o, "name", own_field_name(OWN_FIELD_QUARANTINE));
		cli_set_span(o, "value", v->annotation);
		json_array_append_new(list, o);
	}
	return list;
}

json_t *
results_verdict_json(const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;
	struct spf_result spf = v->spf_mail_from;
	char memory[REPLY_MAX];
	struct buf reply = buf_wrap(memory, sizeof(memory));
	json_t *o = json_object();

	/* RFC 7208 section 2.4: for the null sender, MAIL FROM is checked as
	 * postmaster at the HELO name, and shown as a check of that name. */
	if (v->mail_from.n == 0)
		spf.identity = SPF_IDENTITY_HELO;
	cli_set(o, "spf", results_spf_json(&spf));
	cli_set(o, "spf_helo", results_spf_json(&v->spf_helo));
	cli_set(o, "dkim", results_dkim_json(v->dkim, v->n_dkim));
	cli_set(o, "arc", results_arc_json(&v->arc));
	cli_set(o, "dmarc", results_dmarc_json(&v->dmarc));
	cli_set_text(o, "action", action_name(d->action, d->disposition));
	cli_set_text(o, "handling", conf_action_name(d->action));
	cli_set_text(o, "would", action_name(d->would, d->would_disposition));
	cli_set_text(o, "would_handling", conf_action_name(d->would));
	cli_set_span(o, "rule", d->rule);
	cli_set_span(o, "reason", d->reason);
	cli_set_span(o, "reply", reply_text(&reply, d));
	cli_set_span(o, "authentication_results", v->authentication_results);
	cli_set(o, "added", added_json(v));
	cli_set_number(
	    o, "stripped", v->facts.trusted_mta ? 0 : (int64_t)v->own->n);
	return o;
}

void
results_verdict(const struct verdict *v)
{
	const struct policy_decision *d = &v->decision;
	char memory[REPLY_MAX];
	struct buf reply = buf_wrap(memory, sizeof(memory));

	if (v->skip == NULL) {
		results_spf(&v->spf_mail_from);
		if (v->mail_from.n > 0)
			results_spf(&v->spf_helo);
		results_dkim(v->dkim, v->n_dkim);
		results_arc(&v->arc);
		results_dmarc(&v->dmarc);
	}
	cli_line_text("action", conf_action_name(d->action));
	if (d->would != d->action)
		cli_line_text("  would", conf_action_name(d->would));
	cli_line("  rule", d->rule);
	cli_line("  reason", d->reason);
	cli_line("  reply", reply_text(&reply, d));
	puts("");
	if (v->authentication_results.p != NULL)
		print_folded(
		    "Authentication-Results", v->authentication_results);
	if (v->annotation.p != NULL)
		print_folded(
		    own_field_name(OWN_FIELD_QUARANTINE), v->annotation);
}
