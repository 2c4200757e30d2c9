/* learned.c - facts about domains from our own keys and from receivers'
 * reports */
#include <stdlib.h>
#include <string.h>

#include "cli/audit/audit.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "sign/key_folder.h"
#include "sign/rotation.h"

enum {
	/* days of reports that are read to find out how long a policy has been
	 * published */
	POLICY_DAYS = 400,
	/* seconds; a newer key may be unused because it is not published yet */
	KEY_AGE_LEAST = 7 * 86400,
	BOUNCED_MAX = 1000,
};

/* ---- a set of domains ---- */

int
audit_compare_domains(const void *left, const void *right)
{
	const struct span *a = left, *b = right;
	size_t n = a->n < b->n ? a->n : b->n;
	int order = memcmp(a->p, b->p, n);

	return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

bool
audit_learning_init(struct audit_learning *l, struct arena *a,
    const struct span *domains, size_t n)
{
	*l = (struct audit_learning){
		.arena = a, .list = arena_array(a, n, sizeof(*l->list)), .n = n
	};
	if (l->list == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		l->list[i].domain = domains[i];
	return true;
}

struct audit_learned *
audit_learning_find(const struct audit_learning *l, struct span domain)
{
	char name[DOMAIN_MAX + 1];
	struct buf b = buf_wrap(name, sizeof(name));
	struct span key;

	for (size_t i = 0; i < domain.n && i <= DOMAIN_MAX; i++)
		buf_byte(&b, (char)ascii_lower((unsigned char)domain.p[i]));
	key = buf_view(&b);
	if (b.full || key.n == 0)
		return NULL;
	return bsearch(
	    &key, l->list, l->n, sizeof(*l->list), audit_compare_domains);
}

/* `last` is the time of a report in which the selector passed, or 0. */
static void
learn_selector(struct arena *a, struct audit_learned *out, struct span selector,
    int64_t created, int64_t last)
{
	struct span copy;

	for (size_t i = 0; i < out->n_seen; i++) {
		struct audit_seen *seen = &out->seen[i];

		if (!span_equal_nocase(seen->selector, selector))
			continue;
		if (seen->last < last)
			seen->last = last;
		if (seen->created == 0)
			seen->created = created;
		return;
	}
	if (out->n_seen == CLI_LIST_MAX)
		return;
	copy = arena_copy(a, selector);
	if (copy.p != NULL)
		out->seen[out->n_seen++] =
		    (struct audit_seen){ copy, created, last };
}

/* Removes a selector that is no longer in use. */
static void
forget_selector(struct audit_learned *out, struct span selector)
{
	for (size_t i = 0; i < out->n_seen; i++)
		if (span_equal_nocase(out->seen[i].selector, selector)) {
			out->seen[i] = out->seen[--out->n_seen];
			return;
		}
}

/* Removes selectors whose keys may already be gone: mail has passed with newer
 * ones, and the time for which a key is kept is over. */
static void
forget_replaced(struct audit_learned *out, int64_t now)
{
	int64_t newest = 0;
	size_t n = 0;

	for (size_t i = 0; i < out->n_seen; i++)
		if (newest < out->seen[i].last)
			newest = out->seen[i].last;
	for (size_t i = 0; i < out->n_seen; i++)
		if (out->seen[i].last == newest ||
		    now - out->seen[i].last < ROTATION_KEEP_S)
			out->seen[n++] = out->seen[i];
	out->n_seen = n;
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

/* ---- reports from others ---- */

/* Consecutive rows with the same day, domain and source. */
struct learn_rows {
	struct audit_learning *l;
	struct audit_learned *domain; /* NULL: not one of our domains */
	int64_t day;
	struct ip source;
	uint64_t passed, failed;
};

static void
learn_rows_end(struct learn_rows *rows)
{
	struct audit_reports *r;

	if (rows->domain == NULL)
		return;
	r = &rows->domain->reports;
	r->messages += rows->passed + rows->failed;
	r->failed += rows->failed;
	if (rows->passed > 0)
		r->mixed += rows->failed;
	rows->passed = rows->failed = 0;
}

static bool
learn_row(void *arg, const struct report_row *row)
{
	struct learn_rows *rows = arg;
	struct audit_learned *policy =
	    audit_learning_find(rows->l, row->policy_domain);

	if (policy != rows->domain || row->when != rows->day ||
	    !ip_equal(&row->source, &rows->source)) {
		learn_rows_end(rows);
		rows->domain = policy;
		rows->day = row->when;
		rows->source = row->source;
	}
	if (row->dkim_aligned || row->spf_aligned)
		rows->passed += row->count;
	else
		rows->failed += row->count;
	for (size_t i = 0; i < row->n_dkim; i++) {
		struct audit_learned *signer =
		    audit_learning_find(rows->l, row->dkim[i].domain);

		if (signer != NULL &&
		    span_is_nocase(row->dkim[i].result, "pass"))
			learn_selector(rows->l->arena, signer,
			    row->dkim[i].selector, 0, row->when);
	}
	if (row->spf_aligned && span_is_nocase(row->spf_result, "pass")) {
		struct audit_learned *sender =
		    audit_learning_find(rows->l, row->spf_domain);

		if (sender != NULL)
			learn_address(
			    &row->source, sender->passing, &sender->n_passing);
	}
	return true;
}

/* Called for each report, in chronological order. */
static bool
learn_policy(void *arg, const struct ledger_received *report)
{
	struct audit_learned *out = audit_learning_find(arg, report->domain);
	struct audit_reports *r;

	if (out == NULL || report->p.n == 0)
		return true;
	r = &out->reports;
	if (!span_is_nocase(report->p, "none")) {
		r->none_since = 0;
	} else if (r->none_since == 0) {
		r->none_since = report->begin;
		r->none_always = !out->has_reports;
	}
	out->has_reports = true;
	return true;
}

static bool
learn_bounce(void *arg, const struct ledger_bounce *b)
{
	struct audit_learning *l = arg;
	struct span copy = arena_copy(l->arena, b->address);

	if (copy.p != NULL)
		l->bounced[l->n_bounced++] = copy;
	return l->n_bounced < BOUNCED_MAX;
}

static bool
learn_from_store(struct ledger *ledger, int64_t now, struct audit_learning *l)
{
	struct ledger_range range = {
		.domain = l->n == 1 ? l->list[0].domain : SPAN_NONE,
		.from = now / DATE_DAY - POLICY_DAYS,
		.to = now / DATE_DAY,
	};
	struct learn_rows rows = { .l = l };

	if (ledger_each_received(ledger, &range, learn_policy, l) ==
		LEDGER_ERROR ||
	    ledger_each_bounce(ledger, learn_bounce, l) == LEDGER_ERROR)
		return false;
	/* the domain of a signature or an envelope may differ from the policy
	 * domain */
	range.domain = SPAN_NONE;
	range.from = now / DATE_DAY - AUDIT_REPORT_DAYS;
	if (ledger_each_received_row(ledger, &range, learn_row, &rows) ==
	    LEDGER_ERROR)
		return false;
	learn_rows_end(&rows);
	for (size_t i = 0; i < l->n; i++)
		forget_replaced(&l->list[i], now);
	return true;
}

/* ---- our own keys ---- */

static int
learn_from_keys(struct cli *c, const struct conf *conf,
    struct audit_learning *l, struct audit_learned *out)
{
	struct key_entries *entries = calloc(1, sizeof(*entries));
	struct span domain = arena_copy(l->arena, out->domain);
	char memory[1024];
	struct buf error = buf_wrap(memory, sizeof(memory));
	bool good;

	if (entries == NULL || domain.p == NULL) {
		free(entries);
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	}
	good = key_entries_read(conf->sign.keys, domain.p, entries, &error);
	for (size_t i = 0; good && i < entries->n; i++) {
		const struct key_entry *key = &entries->list[i];

		if (key->retired != 0 || key->revoked != 0)
			forget_selector(out, span_str(key->selector));
		else if (c->now - key->created >= KEY_AGE_LEAST)
			learn_selector(l->arena, out, span_str(key->selector),
			    key->created, 0);
	}
	free(entries);
	return good ? EX_OK : cli_fail(c, EX_CONFIG, "%s", memory);
}

int
audit_learn(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct audit_learning *l)
{
	int status = EX_OK;

	l->bounced = arena_array(l->arena, BOUNCED_MAX, sizeof(*l->bounced));
	if (l->bounced == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (store != NULL && !learn_from_store(store->ledger, c->now, l))
		return cli_fail(c, EX_TEMPFAIL, "%s: %s", store->shown,
		    ledger_error(store->ledger));
	for (size_t i = 0; conf != NULL && i < l->n && status == EX_OK; i++)
		if (conf->sign.keys != NULL)
			status = learn_from_keys(c, conf, l, &l->list[i]);
	for (size_t i = 0; conf != NULL && i < conf->sign.n_outgoing; i++)
		learn_address(
		    &conf->sign.outgoing[i].ip, l->outgoing, &l->n_outgoing);
	if (status == EX_OK && arena_has_failed(l->arena))
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	return status;
}
