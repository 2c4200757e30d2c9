/* mine_show.c - the output of avouch audit --mine */
#include <string.h>

#include "cli/audit/mine.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/enum_names.h"

enum {
	TEXT_INDENT = 6,
	FIX_INDENT = 12,
};

static const char *
text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static size_t
count_severity(const json_t *domain, const char *severity)
{
	const json_t *list = json_object_get(domain, "findings");
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		n += strcmp(text_of(json_array_get(list, i), "severity"),
			 severity) == 0;
	return n;
}

static void
show_mine_row(const json_t *domain)
{
	const json_t *grades = json_object_get(domain, "grades");

	if (json_is_true(json_object_get(domain, "audited")))
		printf("%-8c %-9c %6zu %8zu %5zu  ",
		    mine_letter(grades, "arrive"), mine_letter(grades, "spoof"),
		    count_severity(domain, "error"),
		    count_severity(domain, "warning"),
		    count_severity(domain, "hint"));
	else
		printf("%-42s", "DNS did not answer; try again later");
	cli_put(span_str(text_of(domain, "domain")));
	putchar('\n');
}

static void
show_mine_finding(const json_t *f, const char *label, bool has_fix)
{
	printf("    %s: ", label);
	cli_put(span_str(text_of(f, "where")));
	putchar('\n');
	cli_prose_text(TEXT_INDENT, text_of(f, "what"));
	if (has_fix)
		cli_entry(
		    SPAN("    fix:"), FIX_INDENT, span_str(text_of(f, "fix")));
}

static void
show_mine_letters(const json_t *domain, const json_t *before)
{
	static const struct {
		const char *key, *question;
	} letters[] = {
		{ "arrive", "Does its mail arrive?" },
		{ "spoof", "Can others spoof it?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(letters); i++) {
		int now = mine_letter(
		    json_object_get(domain, "grades"), letters[i].key);
		int was = mine_letter(before, letters[i].key);

		if (was != now)
			printf("    %s %c before, %c now\n",
			    letters[i].question, was, now);
	}
}

static void
show_mine_changes(const json_t *domain, const json_t *changes)
{
	const json_t *before = json_object_get(changes, "before");
	const json_t *list = json_object_get(changes, "new");

	fputs("  ", stdout);
	cli_put(span_str(text_of(domain, "domain")));
	putchar('\n');
	if (json_is_object(before))
		show_mine_letters(domain, before);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *f = json_array_get(list, i);
		char label[32];

		snprintf(
		    label, sizeof(label), "new %.20s", text_of(f, "severity"));
		show_mine_finding(f, label, true);
	}
	list = json_object_get(changes, "fixed");
	for (size_t i = 0; i < json_array_size(list); i++)
		show_mine_finding(json_array_get(list, i), "fixed", false);
}

static void
show_mine_all_changes(const struct audit_mine *m)
{
	char memory[DATE_MAX];
	struct buf since = buf_wrap(memory, sizeof(memory));
	size_t n = 0;

	if (m->previous == 0) {
		puts("\nThis is the first run; the next one will show what "
		     "has changed.");
		return;
	}
	date_put_time(&since, m->previous);
	for (size_t i = 0; i < json_array_size(m->domains); i++) {
		const json_t *domain = json_array_get(m->domains, i);
		json_t *changes = mine_state_changes(domain, m->previous);

		if (mine_has_changes(changes)) {
			if (n++ == 0)
				printf("\nChanges since %s:\n", memory);
			show_mine_changes(domain, changes);
		}
		json_decref(changes);
	}
	if (n == 0)
		printf("\nNo changes since %s.\n", memory);
}

static void
show_mine(const struct audit_mine *m)
{
	size_t n = json_array_size(m->domains);

	if (n == 0) {
		puts("no domains: there are neither signing keys nor reports "
		     "from the last 30 days");
		return;
	}
	puts("arrives  spoofable errors warnings hints  domain");
	for (size_t i = 0; i < n; i++)
		show_mine_row(json_array_get(m->domains, i));
	if (m->left > 0)
		printf("%zu more domains will be audited in later runs, %d per "
		       "run.\n",
		    m->left, MINE_RUN_MAX);
	show_mine_all_changes(m);
	puts("\nA is the best grade. avouch audit DOMAIN shows all findings "
	     "and the records to publish.");
}

static int
show_mine_json(const struct audit_mine *m)
{
	json_t *o = json_object();

	for (size_t i = 0; i < json_array_size(m->domains); i++) {
		json_t *domain = json_array_get(m->domains, i);

		cli_set(domain, "changes",
		    mine_state_changes(
			domain, m->previous > 0 ? m->previous : INT64_MAX));
	}
	cli_set(o, "previous",
	    m->previous > 0 ? json_integer(m->previous) : json_null());
	cli_set(o, "domains", json_incref(m->domains));
	cli_set_number(o, "left", (int64_t)m->left);
	return cli_print_json(o);
}

static int
mine_status(const struct cli *c, const struct audit_mine *m)
{
	const struct audit_findings all = {
		.counts = { [AUDIT_ERROR] = m->has_errors,
		    [AUDIT_WARNING] = m->has_warnings },
	};

	return audit_status(c, &all, m->is_unsure);
}

int
audit_run_mine(struct cli *c)
{
	struct report_store store;
	struct audit_mine m;
	bool has_store;
	int status = report_open_settings(c, &store);

	if (status != EX_OK)
		return status;
	has_store = store.name != NULL;
	if (has_store)
		status = report_open_ledger(c, SQLITE_FOR_READING, &store);
	if (status != EX_OK)
		return status;
	c->dns_conf = store.conf;
	status =
	    audit_mine_collect(c, store.conf, has_store ? &store : NULL, &m);
	if (status == EX_OK) {
		if (c->json)
			(void)show_mine_json(&m);
		else
			show_mine(&m);
		status = mine_status(c, &m);
		json_decref(m.domains);
	}
	c->dns_conf = NULL;
	report_close(&store);
	return status;
}
