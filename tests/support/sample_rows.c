#include "tests/support/sample_rows.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

void
place_make(struct store_place *p)
{
	snprintf(p->folder, sizeof(p->folder), "/tmp/avouch-test-XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->file, sizeof(p->file), "%.100s/store.db", p->folder);
}

void
place_remove(const struct store_place *p)
{
	DIR *dir = opendir(p->folder);
	struct dirent *entry;
	char path[ROWS_PATH + 260];

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", p->folder, entry->d_name);
		unlink(path);
	}
	if (dir != NULL)
		closedir(dir);
	rmdir(p->folder);
}

size_t
place_count(const struct store_place *p, const char *part)
{
	DIR *dir = opendir(p->folder);
	struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL)
		n += strstr(entry->d_name, part) != NULL;
	closedir(dir);
	return n;
}

void
rows_message(struct kept_message *m, unsigned domain, unsigned source)
{
	struct span name;

	memset(m, 0, sizeof(*m));
	snprintf(m->domain, sizeof(m->domain), "d%u.example.com", domain);
	name = span_str(m->domain);
	m->row = (struct report_row){
		.when = (int64_t)ROWS_DAY * DATE_DAY + 7,
		.count = 1,
		.policy_domain = name,
		.record = SPAN("v=DMARC1; p=reject; rua=mailto:d@example.com"),
		.source = { .family = IP_V4,
		    .bytes = { 192, 0, (uint8_t)(2 + source / 256),
			(uint8_t)source } },
		.header_from = name,
		.envelope_from = name,
		.disposition = SPAN("none"),
		.dkim_aligned = true,
		.spf_aligned = true,
		.spf_domain = name,
		.spf_scope = SPAN("mfrom"),
		.spf_result = SPAN("pass"),
		.dkim = { { name, SPAN("s1"), SPAN("pass") } },
		.n_dkim = 1,
	};
	m->author = name;
	m->recipient = SPAN("here.example");
	m->facts = (struct policy_input){
		.client = m->row.source,
		.mail_from_domain = name,
		.recipient_domains = &m->recipient,
		.n_recipient_domains = 1,
		.from_domains = &m->author,
		.n_from_domains = 1,
		.spf = SPF_PASS,
		.dkim = DKIM_PASS,
		.dmarc = DMARC_PASS,
		.dmarc_domain = name,
		.dmarc_policy = DMARC_POLICY_REJECT,
	};
	m->decision = (struct policy_decision){
		.action = CONF_ACCEPT,
		.would = CONF_ACCEPT,
		.rule = SPAN("default"),
	};
}

static struct ledger *
open_store(const char *file)
{
	char error[SQL_ERROR_MAX] = "";
	struct ledger *l = ledger_open_file(file, SQLITE_FOR_READING, error);

	if (l == NULL)
		fail_msg("%s: %s", file, error);
	return l;
}

static bool
add_policy(void *arg, const struct ledger_policy *p)
{
	struct rows_sum *sum = arg;

	sum->domains++;
	sum->rows += p->rows;
	sum->messages += p->messages;
	sum->automatic += p->automatic;
	return true;
}

struct rows_sum
rows_sum(const char *file, int64_t day, const char *domain)
{
	struct ledger *l = open_store(file);
	struct rows_sum sum = { .rows = 0 };

	if (ledger_each_policy(l, day, span_str(domain), add_policy, &sum) !=
	    LEDGER_OK)
		fail_msg("%s", ledger_error(l));
	ledger_close(l);
	return sum;
}

static bool
add_fate(void *arg, const struct ledger_replay_row *f)
{
	uint64_t *sum = arg;

	*sum += f->messages;
	return true;
}

uint64_t
rows_replayed(const char *file, int64_t day)
{
	struct ledger *l = open_store(file);
	uint64_t sum = 0;

	if (ledger_each_replay_row(l, day, add_fate, &sum) != LEDGER_OK)
		fail_msg("%s", ledger_error(l));
	ledger_close(l);
	return sum;
}
