/* mine.c - audits all of our domains, a few at a time */
#include <stdlib.h>
#include <string.h>

#include "cli/audit/mine.h"
#include "cli/progress.h"
#include "lib/domain.h"
#include "sign/key_folder.h"

enum {
	MINE_AT_ONCE = 4
}; /* domains audited at a time; limits the load on the resolver */

/* ---- the domains of this run ---- */

struct mine_turn {
	struct span domain;
	int64_t checked; /* 0: never */
};

/* Finds a domain in an object that has one member per domain. */
static json_t *
mine_get(const json_t *domains, struct span name)
{
	char key[DOMAIN_MAX + 1];

	snprintf(key, sizeof(key), "%.*s", SPAN_FMT(name));
	return json_object_get(domains, key);
}

static void
mine_set(json_t *domains, struct span name, json_t *value)
{
	char key[DOMAIN_MAX + 1];

	snprintf(key, sizeof(key), "%.*s", SPAN_FMT(name));
	json_object_set(domains, key, value);
}

static int
compare_turns(const void *left, const void *right)
{
	const struct mine_turn *a = left, *b = right;

	if (a->checked != b->checked)
		return a->checked < b->checked ? -1 : 1;
	return audit_compare_domains(&a->domain, &b->domain);
}

/* Keeps at most MINE_RUN_MAX domains, those audited least recently, sorted by
 * name.  Returns false if memory ran out. */
static bool
mine_choose(struct mine_list *list, const json_t *known, struct arena *a)
{
	struct mine_turn *turns = arena_array(a, list->n, sizeof(*turns));

	if (turns == NULL)
		return false;
	if (list->n <= MINE_RUN_MAX)
		return true;
	for (size_t i = 0; i < list->n; i++)
		turns[i] = (struct mine_turn){ list->domains[i],
			json_integer_value(json_object_get(
			    mine_get(known, list->domains[i]), "checked")) };
	qsort(turns, list->n, sizeof(*turns), compare_turns);
	list->n = MINE_RUN_MAX;
	for (size_t i = 0; i < list->n; i++)
		list->domains[i] = turns[i].domain;
	qsort(list->domains, list->n, sizeof(*list->domains),
	    audit_compare_domains);
	return true;
}

/* ---- the audits ---- */

struct mine_run {
	struct cli *c;
	struct audit_learning learned;
	const json_t *known; /* the domains in the previous state */
	json_t *next;        /* the domains in the next state */
	struct audit_mine *out;
	struct audit_task tasks[MINE_AT_ONCE];
};

/* Adds a domain to the results; `domain` is its entry in the state, or NULL. */
static void
mine_add_result(
    struct mine_run *r, const struct audit_domain *d, const json_t *domain)
{
	json_t *o = domain != NULL ? json_deep_copy(domain) : json_object();
	bool is_complete = !d->is_unsure && !d->findings.cut;

	cli_set_span(o, "domain", d->domain);
	cli_set_bool(o, "audited", is_complete);
	json_array_append_new(r->out->domains, o);
	r->out->is_unsure |= !is_complete;
	r->out->has_errors |= d->findings.counts[AUDIT_ERROR] > 0;
	r->out->has_warnings |= d->findings.counts[AUDIT_WARNING] > 0;
}

static void
mine_take(struct mine_run *r, const struct audit_domain *d)
{
	json_t *old = mine_get(r->known, d->domain);
	json_t *next = !d->is_unsure && !d->findings.cut
	    ? mine_state_next(old, d, r->c->now)
	    : json_incref(old);

	mine_add_result(r, d, next);
	if (next != NULL)
		mine_set(r->next, d->domain, next);
	json_decref(next);
}

/* Audits the domains from index `from` up to, but not including, `to`. */
static int
mine_audit_some(struct mine_run *r, size_t from, size_t to)
{
	int status = EX_OK;

	memset(r->tasks, 0, sizeof(r->tasks));
	for (size_t i = from; i < to && status == EX_OK; i++)
		status = audit_task_begin(r->c, &r->tasks[i - from],
		    r->learned.list[i].domain, &r->learned,
		    &r->learned.list[i]);
	for (size_t i = from; i < to && status == EX_OK; i++) {
		status = audit_task_end(r->c, &r->tasks[i - from], false);
		if (status == EX_OK)
			mine_take(r, &r->tasks[i - from].result);
	}
	for (size_t i = from; i < to; i++)
		audit_task_free(&r->tasks[i - from]);
	return status;
}

static int
mine_audit_all(struct mine_run *r)
{
	size_t n = r->learned.n;
	struct progress p;
	int status = EX_OK;

	progress_begin(&p, n);
	for (size_t i = 0; i < n && status == EX_OK; i += MINE_AT_ONCE) {
		progress_show(&p, i, i, "domains");
		status = mine_audit_some(
		    r, i, i + MINE_AT_ONCE < n ? i + MINE_AT_ONCE : n);
	}
	progress_clear(&p);
	return status;
}

/* Copies our domains that were not audited in this run to the next state; omits
 * domains that are no longer ours. */
static void
mine_keep_others(struct mine_run *r, const struct mine_list *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct span name = all->domains[i];
		json_t *old = mine_get(r->known, name);

		if (old != NULL && mine_get(r->next, name) == NULL)
			mine_set(r->next, name, old);
	}
}

int
mine_letter(const json_t *letters, const char *grade)
{
	const char *text = json_string_value(json_object_get(letters, grade));

	return text != NULL && text[0] >= 'A' && text[0] <= 'F' ? text[0] : '-';
}

static int
letter_of(const json_t *domain, const char *grade)
{
	return mine_letter(json_object_get(domain, "grades"), grade);
}

/* Compares results: the worst grades come first, results without grades
 * last. */
static int
compare_results(const void *left, const void *right)
{
	const json_t *const *a = left, *const *b = right;
	int a1 = letter_of(*a, "arrive"), a2 = letter_of(*a, "spoof");
	int b1 = letter_of(*b, "arrive"), b2 = letter_of(*b, "spoof");
	int order = (b1 > b2 ? b1 : b2) - (a1 > a2 ? a1 : a2);

	if (order == 0)
		order = b1 + b2 - a1 - a2;
	return order != 0
	    ? order
	    : strcmp(json_string_value(json_object_get(*a, "domain")),
		  json_string_value(json_object_get(*b, "domain")));
}

static void
mine_sort(struct audit_mine *out, struct arena *a)
{
	size_t n = json_array_size(out->domains);
	json_t **list = arena_array(a, n, sizeof(json_t *));

	if (list == NULL)
		return;
	for (size_t i = 0; i < n; i++)
		list[i] = json_incref(json_array_get(out->domains, i));
	qsort(list, n, sizeof(json_t *), compare_results);
	for (size_t i = 0; i < n; i++)
		json_array_set_new(out->domains, i, list[i]);
}

static int
mine_run_list(struct mine_run *r, const struct conf *conf,
    const struct report_store *store, struct arena *a, struct mine_list *list)
{
	struct mine_list all = *list;
	int status;

	all.domains = arena_array(a, list->n, sizeof(*all.domains));
	if (all.domains == NULL)
		return cli_fail(r->c, EX_TEMPFAIL, "out of memory");
	for (size_t i = 0; i < all.n; i++)
		all.domains[i] = list->domains[i];
	if (!mine_choose(list, r->known, a) ||
	    !audit_learning_init(&r->learned, a, list->domains, list->n))
		return cli_fail(r->c, EX_TEMPFAIL, "out of memory");
	r->out->left = all.n - list->n;
	status = audit_learn(r->c, conf, store, &r->learned);
	if (status == EX_OK && r->c->dns == NULL)
		status = cli_dns_open(r->c);
	if (status == EX_OK)
		status = mine_audit_all(r);
	if (status != EX_OK)
		return status;
	mine_keep_others(r, &all);
	mine_sort(r->out, a);
	return EX_OK;
}

/* Runs the audits, and writes the next state to `path`. */
static int
mine_run_all(struct mine_run *r, const struct conf *conf,
    const struct report_store *store, const char *path)
{
	struct arena *a = arena_new(CLI_MEMORY);
	struct mine_list list = { .domains = NULL };
	json_t *next = json_object();
	int status = a != NULL ? mine_list_read(r->c, conf, store, a, &list)
			       : cli_fail(r->c, EX_TEMPFAIL, "out of memory");

	if (status == EX_OK)
		status = mine_run_list(r, conf, store, a, &list);
	if (status == EX_OK) {
		cli_set_number(next, "run", r->c->now);
		cli_set_number(next, "digest", r->out->digest);
		cli_set(next, "domains", json_incref(r->next));
		status = mine_state_write(r->c, path, next);
	}
	json_decref(next);
	arena_free(a);
	return status;
}

int
audit_mine_collect(struct cli *c, const struct conf *conf,
    const struct report_store *store, struct audit_mine *out)
{
	struct mine_run *r = calloc(1, sizeof(*r));
	char path[KEY_PATH_MAX];
	json_t *state;
	int status;

	*out = (struct audit_mine){ .domains = json_array() };
	if (r == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	mine_state_path(conf, store, path, sizeof(path));
	state = mine_state_read(c, path);
	*r = (struct mine_run){ .c = c,
		.known = json_object_get(state, "domains"),
		.next = json_object(),
		.out = out };
	out->previous = json_integer_value(json_object_get(state, "run"));
	out->digest = json_integer_value(json_object_get(state, "digest"));
	status = mine_run_all(r, conf, store, path);
	json_decref(state);
	json_decref(r->next);
	free(r);
	if (status != EX_OK) {
		json_decref(out->domains);
		out->domains = NULL;
	}
	return status;
}
