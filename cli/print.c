#include "cli/print.h"

#include "cli/cli.h"

enum { /* columns at which a text begins */
	FINDING_COLUMN = 6,
	CURE_COLUMN = 12,
};

void
print_finding(const struct print_finding *f)
{
	printf("  %s: ", f->severity);
	cli_put(f->name);
	printf(" (%s)\n", f->section);
	cli_prose(FINDING_COLUMN, f->text);
	cli_entry(SPAN("    cure:"), CURE_COLUMN, f->cure);
}

/*
 * RFC 7208 section 2.4: for the null sender the MAIL FROM check is one of
 * HELO's name, and is shown as that.
 */
json_t *
print_spf_json(const struct spf_result *r)
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
print_spf(const struct spf_result *r)
{
	cli_line_text("spf", spf_code_name(r->code));
	cli_line_text("  identity", spf_identity_name(r->identity));
	cli_line("  domain", r->domain);
	cli_line("  mechanism", r->mechanism);
	cli_line("  reason", r->reason);
	cli_line("  explanation", r->explanation);
	if (r->weakness != SPF_SOLID)
		cli_line_text("  weakness", spf_weakness_name(r->weakness));
	printf("%-22s %u of %d, void %u of %d\n", "  look-ups", r->lookups,
	    SPF_MAX_LOOKUPS, r->void_lookups, SPF_MAX_VOID);
}

json_t *
print_dkim_json(const struct dkim_result *r, size_t n)
{
	json_t *o = json_object();
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *one = json_object();

		cli_set_span(one, "domain", r[i].domain);
		cli_set_span(one, "selector", r[i].selector);
		cli_set_span(one, "algorithm", r[i].algorithm);
		cli_set_span(one, "identity", r[i].identity);
		cli_set_text(one, "result", dkim_code_name(r[i].code));
		cli_set_span(one, "reason", r[i].reason);
		cli_set_number(one, "key_bits", r[i].key_bits);
		cli_set_bool(one, "testing", r[i].testing);
		json_array_append_new(list, one);
	}
	cli_set(o, "signatures", list);
	return o;
}

void
print_dkim(const struct dkim_result *r, size_t n)
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
print_arc_json(const struct arc_result *r)
{
	json_t *o = json_object();
	json_t *list = json_array();

	cli_set_text(o, "result", arc_code_name(r->code));
	cli_set_number(o, "instances", r->instances);
	cli_set_number(o, "oldest_pass", r->oldest_pass);
	for (size_t i = 0; i < r->n_sealers; i++) {
		json_t *one = json_object();

		cli_set_number(one, "instance", r->sealers[i].instance);
		cli_set_span(one, "domain", r->sealers[i].domain);
		cli_set_span(one, "selector", r->sealers[i].selector);
		cli_set_span(one, "results", r->sealers[i].results);
		json_array_append_new(list, one);
	}
	cli_set(o, "sealers", list);
	cli_set_span(o, "reason", r->reason);
	return o;
}

void
print_arc(const struct arc_result *r)
{
	cli_line_text("arc", arc_code_name(r->code));
	if (r->instances == 0)
		return;
	printf("%-22s %u, oldest pass %u\n", "  instances", r->instances,
	    r->oldest_pass);
	for (size_t i = 0; i < r->n_sealers; i++) {
		printf("%-22s %u: ", "  sealer", r->sealers[i].instance);
		cli_put(r->sealers[i].domain);
		putchar('\n');
	}
	cli_line("  reason", r->reason);
}

json_t *
print_dmarc_json(const struct dmarc_result *r)
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
print_dmarc(const struct dmarc_result *r)
{
	cli_line_text("dmarc", dmarc_code_name(r->code));
	cli_line("  author domain", r->author_domain);
	cli_line("  organizational", r->organizational_domain);
	cli_line("  policy domain", r->policy_domain);
	if (r->record != NULL)
		printf("%-22s %s=%s%s\n", "  policy", r->policy_tag,
		    dmarc_policy_name(r->policy),
		    r->testing ? " (t=y: testing)" : "");
	cli_line_text("  asked for", dmarc_policy_name(r->disposition));
	printf("%-22s SPF %s, DKIM %s\n", "  aligned",
	    r->spf_aligned ? "yes" : "no", r->dkim_aligned ? "yes" : "no");
	cli_line("  reason", r->reason);
}
