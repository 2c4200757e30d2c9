/* mine_list.c - lists the domains of our keys and of received reports */
#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "cli/audit/mine.h"
#include "lib/date.h"
#include "lib/domain.h"

struct mine_listing {
	struct arena *arena;
	struct mine_list *out;
	bool with_parents; /* also list the domains above those of the keys */
};

/* Returns the index of `domain`, or the index at which to insert it. */
static size_t
mine_list_place(const struct mine_list *l, struct span domain)
{
	size_t from = 0, to = l->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (audit_compare_domains(&l->domains[middle], &domain) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static void
mine_list_add(struct mine_listing *m, struct span name)
{
	struct mine_list *l = m->out;
	struct span domain;
	size_t place;

	if (!domain_is_fqdn(name))
		return;
	place = mine_list_place(l, name);
	if (place < l->n && span_equal(l->domains[place], name))
		return;
	if (l->n == MINE_KNOWN_MAX) {
		l->cut = true;
		return;
	}
	domain = domain_normal(m->arena, name);
	if (domain.p == NULL)
		return;
	place = mine_list_place(l, domain); /* again, in lower case */
	if (place < l->n && span_equal(l->domains[place], domain))
		return;
	memmove(&l->domains[place + 1], &l->domains[place],
	    (l->n - place) * sizeof(*l->domains));
	l->domains[place] = domain;
	l->n++;
}

static bool
mine_list_reported(void *arg, const struct ledger_received_domain *d)
{
	mine_list_add(arg, d->domain);
	return true;
}

/* Lists the domains of the keys.  Returns false if the directory cannot be
 * read: see errno. */
static bool
mine_list_keys(const char *path, struct mine_listing *m)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;

	if (folder == NULL)
		return false;
	while ((entry = readdir(folder)) != NULL) {
		struct span name = span_str(entry->d_name);

		if (entry->d_name[0] == '.')
			continue;
		mine_list_add(m, name);
		while (m->with_parents && name.n > 0) {
			name = domain_parent(name);
			mine_list_add(m, name);
		}
	}
	closedir(folder);
	return true;
}

static bool
mine_list_begin(struct mine_list *list, struct arena *a)
{
	*list = (struct mine_list){ .domains = arena_array(a, MINE_KNOWN_MAX,
					sizeof(*list->domains)) };
	return list->domains != NULL;
}

/*
 * Policy records are published for a domain of a key or above it.  Subdomains
 * of a key's domain are not included, because a report could name any number of
 * them.
 */
bool
mine_list_ours(const struct conf *conf, struct arena *a, struct mine_list *out)
{
	struct mine_listing m = { a, out, true };

	if (!mine_list_begin(out, a))
		return false;
	if (conf->sign.keys != NULL)
		(void)mine_list_keys(conf->sign.keys, &m);
	return true;
}

bool
mine_list_has(const void *list, struct span domain)
{
	const struct mine_list *l = list;
	size_t place = mine_list_place(l, domain);

	return place < l->n && span_equal(l->domains[place], domain);
}

int
mine_list_read(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct arena *a, struct mine_list *out)
{
	struct mine_listing m = { a, out, false };
	const struct ledger_range range = {
		.domain = SPAN_NONE,
		.from = c->now / DATE_DAY - AUDIT_REPORT_DAYS,
		.to = c->now / DATE_DAY,
	};
	int status = EX_OK;

	if (!mine_list_begin(out, a))
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (conf->sign.keys != NULL && !mine_list_keys(conf->sign.keys, &m) &&
	    errno != ENOENT)
		status = cli_fail(
		    c, EX_CONFIG, "%s: %s", conf->sign.keys, strerror(errno));
	if (status == EX_OK && store != NULL &&
	    ledger_each_received_domain(
		store->ledger, &range, mine_list_reported, &m) == LEDGER_ERROR)
		status = cli_fail(c, EX_TEMPFAIL, "%s: %s", store->shown,
		    ledger_error(store->ledger));
	if (status == EX_OK && arena_has_failed(a))
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	return status;
}
