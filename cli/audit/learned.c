/* learned.c - what our own keys and the reports of receivers say of a domain */
#include "cli/audit/audit.h"
#include "cli/report/cmd_report.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "sign/key_folder.h"

enum {
	LEARNED_DAYS = 30,
	/* A younger key may not be published yet, and then nothing uses it. */
	KEY_AGE_LEAST = 7 * 86400,
};

static void
learn_selector(struct audit_learned *out, struct span selector, int64_t created)
{
	struct span copy;

	for (size_t i = 0; i < out->n_seen; i++)
		if (span_equal_nocase(out->seen[i].selector, selector))
			return;
	copy = arena_copy(out->arena, selector);
	if (copy.p != NULL && out->n_seen < CLI_LIST_MAX)
		out->seen[out->n_seen++] = (struct audit_seen){ copy, created };
}

static void
learn_address(const struct ip *ip, struct ip *list, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		if (ip_equal(&list[i], ip))
			return;
	if (*n < CLI_LIST_MAX && ip->family != IP_NONE)
		list[(*n)++] = *ip;
}

/* ---- reports of others ---- */

static bool
learn_row(void *arg, const struct report_row *row)
{
	struct audit_learned *out = arg;

	for (size_t i = 0; i < row->n_dkim; i++)
		if (span_is_nocase(row->dkim[i].result, "pass") &&
		    domain_equal(row->dkim[i].domain, out->domain))
			learn_selector(out, row->dkim[i].selector, 0);
	if (row->spf_aligned && span_is_nocase(row->spf_result, "pass") &&
	    domain_equal(row->spf_domain, out->domain))
		learn_address(&row->source, out->passing, &out->n_passing);
	return true;
}

static int
learn_from_store(struct cli *c, struct audit_learned *out)
{
	struct report_store store;
	const struct ledger_range range = {
		.domain = SPAN_NONE,
		.from = c->now / DATE_DAY - LEARNED_DAYS,
		.to = c->now / DATE_DAY,
	};
	int status = report_open(c, SQLITE_FOR_READING, &store);

	if (status != EX_OK)
		return status;
	if (ledger_each_received_row(store.ledger, &range, learn_row, out) ==
	    LEDGER_ERROR)
		status = cli_fail(c, EX_TEMPFAIL, "%s: %s", store.shown,
		    ledger_error(store.ledger));
	report_close(&store);
	return status;
}

/* ---- our own keys ---- */

static int
learn_from_keys(
    struct cli *c, const struct conf *conf, struct audit_learned *out)
{
	struct key_entries *entries = arena_alloc(out->arena, sizeof(*entries));
	struct span domain = arena_copy(out->arena, out->domain);
	char memory[1024];
	struct buf error = buf_wrap(memory, sizeof(memory));

	if (entries == NULL || domain.p == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (!key_entries_read(conf->sign.keys, domain.p, entries, &error))
		return cli_fail(c, EX_CONFIG, "%s", memory);
	for (size_t i = 0; i < entries->n; i++) {
		const struct key_entry *key = &entries->list[i];

		if (key->retired == 0 && key->revoked == 0 &&
		    c->now - key->created >= KEY_AGE_LEAST)
			learn_selector(
			    out, span_str(key->selector), key->created);
	}
	for (size_t i = 0; i < conf->sign.n_outgoing; i++)
		learn_address(&conf->sign.outgoing[i].ip, out->outgoing,
		    &out->n_outgoing);
	return EX_OK;
}

int
audit_learn(struct cli *c, struct audit_learned *out)
{
	const struct conf *conf;
	int status = EX_OK;

	out->domain = domain_normal(out->arena, span_str(c->args[0]));
	if (out->domain.p == NULL)
		return EX_OK; /* the audit says why */
	if (c->store != NULL)
		status = learn_from_store(c, out);
	if (status != EX_OK || c->config == NULL)
		return status;
	conf = cli_conf_read(c->config);
	if (conf == NULL)
		return EX_CONFIG;
	status = learn_from_keys(c, conf, out);
	conf_unref(conf);
	return status;
}
