/* show.c - the results of `avouch audit` as text and as JSON */
#include "cli/audit/audit.h"

#include "audit/change.h"
#include "lib/buf.h"
#include "lib/enum_names.h"

enum {
	TEXT_COLUMN = 6, /* column of a finding's text */
	LABEL_COLUMN = 12,
	TREE_TERM_MAX = 60, /* bytes shown per term */
};

static const struct {
	char letter;
	const char *arrive, *spoof;
} meanings[] = {
	{ 'A', "yes", "no: forged mail is refused or filtered" },
	{ 'B', "yes, but something will break or is incomplete",
	    "mostly not: a small gap remains" },
	{ 'C', "some mail is at risk", "partly" },
	{ 'D', "some receivers refuse or lose it",
	    "yes: forged mail is at most reported" },
	{ 'F', "mail is lost", "yes, anyone can" },
	{ '-', "unknown", "unknown" },
};

const char *
audit_word(enum audit_severity severity)
{
	return severity == AUDIT_NOTE ? "hint" : audit_severity_name(severity);
}

/* ---- JSON ---- */

static json_t *
lines_json(const struct span *lines, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, cli_json(lines[i]));
	return list;
}

json_t *
audit_findings_json(const struct audit_findings *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->n; i++) {
		const struct audit_finding *one = &f->list[i];
		const struct audit_change *change = one->change;
		json_t *o = json_object();

		cli_set_text(o, "severity", audit_word(one->severity));
		cli_set_text(o, "area", one->area);
		cli_set_text(o, "id", one->id);
		cli_set_span(o, "where", one->where);
		cli_set_span(o, "term", one->term);
		cli_set_span(o, "what", one->text);
		cli_set_text(o, "section", one->section);
		cli_set_span(o, "fix", one->fix);
		cli_set(o, "remove",
		    change != NULL
			? lines_json(change->remove, change->n_remove)
			: json_array());
		cli_set(o, "publish",
		    change != NULL
			? lines_json(change->publish, change->n_publish)
			: json_array());
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
grade_json(char letter)
{
	char text[2] = { letter, '\0' };

	return letter != '-' ? json_string(text) : json_null();
}

static json_t *
tree_json(const struct spf_lint *lint)
{
	json_t *list = json_array();

	for (size_t i = 0; i < lint->n_tree; i++) {
		const struct spf_lint_node *node = &lint->tree[i];
		json_t *o = json_object();

		cli_set_span(o, "domain", node->domain);
		cli_set_span(o, "term", node->term);
		cli_set_number(o, "depth", node->depth);
		cli_set_number(o, "lookups", node->lookups);
		cli_set_number(o, "ipv4_addresses", (int64_t)node->addresses);
		cli_set_number(o, "ipv6_networks", node->networks6);
		cli_set(o, "found",
		    node->state == DNS_FAILED ? json_null()
					      : json_boolean(node->has_record));
		json_array_append_new(list, o);
	}
	return list;
}

static const char *
origin_name(enum audit_key_origin origin)
{
	static const struct enum_token names[] = {
		{ "given", AUDIT_KEY_GIVEN },
		{ "seen", AUDIT_KEY_SEEN },
		{ "service", AUDIT_KEY_SERVICE },
		{ "guessed", AUDIT_KEY_GUESSED },
	};

	return enum_name(names, ARRAY_SIZE(names), (int)origin);
}

static json_t *
audit_keys_json(const struct audit_domain *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_keys; i++) {
		const struct audit_key *k = &d->keys[i];
		json_t *o = json_object();

		cli_set_span(o, "selector", k->selector);
		cli_set_text(o, "origin", origin_name(k->origin));
		cli_set_bool(o, "good", k->key.is_good);
		cli_set_span(o, "verdict", k->key.verdict);
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *
failures_json(const struct audit_domain *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->n_failures; i++) {
		json_t *o = json_object();

		cli_set_span(o, "name", d->failures[i].name);
		cli_set_text(o, "type", dns_type_name(d->failures[i].type));
		cli_set_text(o, "error", dns_error_name(d->failures[i].fault));
		json_array_append_new(list, o);
	}
	return list;
}

json_t *
audit_domain_json(const struct audit_domain *d)
{
	json_t *o = json_object();
	json_t *grades = json_object();
	json_t *services = json_array();

	cli_set_span(o, "domain", d->domain);
	cli_set(grades, "arrive", grade_json(d->arrive));
	cli_set(grades, "spoof", grade_json(d->spoof));
	cli_set(o, "grades", grades);
	cli_set_bool(o, "parked", d->is_parked);
	cli_set(o, "findings", audit_findings_json(&d->findings));
	cli_set_bool(o, "cut", d->findings.cut);
	cli_set(o, "could_not_ask", failures_json(d));
	cli_set_number(o, "spf_lookups", d->spf.lookups);
	cli_set(o, "spf_tree", tree_json(&d->spf));
	for (size_t i = 0; i < d->n_services; i++)
		json_array_append_new(services, json_string(d->services[i]));
	cli_set(o, "services", services);
	cli_set(o, "keys", audit_keys_json(d));
	return o;
}

/* ---- text ---- */

static void
show_lines(const char *label, const struct span *lines, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		printf("      %s ", label);
		cli_put(lines[i]);
		putchar('\n');
	}
}

bool
audit_change_is_above(const struct audit_findings *f, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (f->list[k].change == f->list[i].change)
			return true;
	return false;
}

/* Whether two findings report the same problem, but come from the rules of
 * different receivers.  Such findings are shown together. */
static bool
is_same(const struct audit_finding *a, const struct audit_finding *b)
{
	return a->change == NULL && b->change == NULL &&
	    span_equal(a->where, b->where) && span_equal(a->text, b->text);
}

static bool
is_grouped(const struct audit_findings *all, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (is_same(&all->list[k], &all->list[i]))
			return true;
	return false;
}

static bool
has_group(const struct audit_findings *all, size_t i)
{
	for (size_t k = i + 1; k < all->n; k++)
		if (is_same(&all->list[i], &all->list[k]))
			return true;
	return false;
}

static void
show_finding(const struct audit_findings *all, size_t i)
{
	const struct audit_finding *f = &all->list[i];

	if (is_grouped(all, i))
		return;
	printf("  %s: ", audit_word(f->severity));
	cli_put(f->where);
	if (f->term.n > 0) {
		fputs(": ", stdout);
		cli_put(f->term);
	}
	if (has_group(all, i))
		putchar('\n');
	else
		printf(" (%s)\n", f->section);
	cli_prose(TEXT_COLUMN, f->text);
	cli_entry(SPAN("    fix:"), LABEL_COLUMN, f->fix);
	for (size_t k = i; k < all->n && has_group(all, i); k++)
		if (is_same(f, &all->list[k]))
			printf("      %s: %s\n",
			    audit_word(all->list[k].severity),
			    all->list[k].section);
	if (f->change == NULL)
		return;
	if (audit_change_is_above(all, i)) {
		puts("      (see the records above)");
		return;
	}
	show_lines("remove ", f->change->remove, f->change->n_remove);
	show_lines("publish", f->change->publish, f->change->n_publish);
}

void
audit_show_findings(const struct audit_findings *f)
{
	if (f->n == 0 && !f->cut) {
		puts("\nNo problems found.");
		return;
	}
	puts("\nFindings:");
	for (size_t i = 0; i < f->n; i++)
		show_finding(f, i);
	if (f->cut)
		puts("  More findings exist than are shown.");
}

const char *
audit_arrive_meaning(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].letter == letter)
			return meanings[i].arrive;
	return "";
}

const char *
audit_spoof_meaning(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
		if (meanings[i].letter == letter)
			return meanings[i].spoof;
	return "";
}

static void
show_grades(const struct audit_domain *d)
{
	printf("  Does its mail arrive?     %c  %s\n", d->arrive,
	    audit_arrive_meaning(d->arrive));
	printf("  Can others spoof it?      %c  %s\n", d->spoof,
	    audit_spoof_meaning(d->spoof));
	if (d->is_parked)
		puts("  The domain is parked: it sends and accepts no mail.");
}

const char *
audit_why_missing(const struct spf_lint_node *node)
{
	if (node->has_record)
		return NULL;
	return node->state == DNS_FAILED ? "DNS did not answer"
					 : "no SPF record";
}

static void
show_tree(const struct spf_lint *lint)
{
	if (lint->n_tree == 0 || !lint->tree[0].has_record)
		return;
	printf("\nSPF: %u of 10 DNS lookups\n", lint->lookups);
	for (size_t i = 0; i < lint->n_tree; i++) {
		const struct spf_lint_node *node = &lint->tree[i];

		printf("%*s", (int)(2 + 2 * node->depth), "");
		cli_put(span_first(node->depth == 0 ? node->domain : node->term,
		    TREE_TERM_MAX));
		printf("  %u lookup%s", node->lookups,
		    node->lookups == 1 ? "" : "s");
		if (node->addresses > 0)
			printf(", %llu IPv4 address%s",
			    (unsigned long long)node->addresses,
			    node->addresses == 1 ? "" : "es");
		if (node->networks6 > 0)
			printf(", %u IPv6 network%s", node->networks6,
			    node->networks6 == 1 ? "" : "s");
		if (audit_why_missing(node) != NULL)
			printf(", %s", audit_why_missing(node));
		putchar('\n');
	}
}

static void
show_keys(const struct audit_domain *d)
{
	if (d->n_keys == 0)
		return;
	puts("\nDKIM keys:");
	for (size_t i = 0; i < d->n_keys; i++) {
		fputs("  ", stdout);
		cli_put(d->keys[i].selector);
		printf(" (%s): ", origin_name(d->keys[i].origin));
		cli_put(d->keys[i].key.verdict);
		putchar('\n');
	}
}

static void
show_failures(const struct audit_domain *d)
{
	if (d->n_failures == 0)
		return;
	puts(d->is_unsure ? "\nFailed DNS queries (so there are no grades; try "
			    "again later):"
			  : "\nFailed DNS queries:");
	for (size_t i = 0; i < d->n_failures; i++) {
		fputs("  ", stdout);
		cli_put(d->failures[i].name);
		printf(" %s: %s\n", dns_type_name(d->failures[i].type),
		    dns_error_name(d->failures[i].fault));
	}
}

void
audit_show_domain(const struct audit_domain *d)
{
	cli_put(d->domain);
	putchar('\n');
	show_grades(d);
	audit_show_findings(&d->findings);
	show_tree(&d->spf);
	if (d->n_services > 0) {
		fputs("\nServices that the SPF record includes:", stdout);
		for (size_t i = 0; i < d->n_services; i++)
			printf("%s %s", i > 0 ? "," : "", d->services[i]);
		putchar('\n');
	}
	show_keys(d);
	show_failures(d);
	puts("\n" AUDIT_SCOPE);
}
