/*
 * key_list.c - avouch key list: prints every key and its state; avouch key due:
 * prints what needs to be done.
 */
#include <string.h>

#include "cli/key/cmd_key.h"
#include "lib/date.h"
#include "lib/scan.h"

enum {
	NOTE_MAX = 256,
	AGE_DAYS_MAX = 3650, /* largest value of --age */
};

static void
put_when(struct buf *b, const char *text, int64_t when)
{
	char time[DATE_MAX];
	struct buf t = buf_wrap(time, sizeof(time));

	date_put_time(&t, when);
	buf_printf(b, "%s %s", text, time);
}

/* Returns the time at which a key stopped signing, according to the key
 * files. */
static int64_t
retired_at(const struct sign_domain *domain, const struct sign_key *key)
{
	int64_t at = key->retired;

	for (size_t i = 0; at == 0 && i < domain->n_keys; i++) {
		const struct sign_key *other = domain->keys[i];

		if (other->created > key->created &&
		    private_key_type(other->key) == private_key_type(key->key))
			at = other->created;
	}
	return at;
}

static void
put_note(struct buf *b, const struct sign_domain *domain,
    const struct sign_key *key, int64_t now)
{
	const struct rotation_state *s = &key->state;
	int64_t removable;

	switch (key->phase) {
	case ROTATION_NEW:
		if (s->since > 0)
			put_when(
			    b, "published; signs after", s->since + s->wait);
		else
			buf_text(b,
			    "its record has not been seen; run "
			    "`avouch key check`");
		break;
	case ROTATION_ACTIVE:
		if (s->used > 0)
			put_when(b, "last signature", s->used);
		break;
	case ROTATION_ALARM:
		buf_text(b,
		    "signs, but its record is missing; run `avouch "
		    "key check`");
		break;
	case ROTATION_RETIRED:
		removable = rotation_removable(s, retired_at(domain, key));
		put_when(b,
		    removable > now ? "its record is needed until"
				    : "its record has not been needed since",
		    removable);
		break;
	case ROTATION_REVOKED:
		put_when(b, "revoked", key->revoked);
		break;
	}
}

static json_t *
list_json(const struct sign_domain *domain, const struct sign_key *key)
{
	json_t *one = json_object();

	cli_set_text(one, "domain", key->domain);
	cli_set_text(one, "selector", key->selector);
	cli_set_text(one, "algorithm", key_cli_algorithm(key->key));
	cli_set_text(one, "state", rotation_phase_name(key->phase));
	cli_set_number(one, "created", key->created);
	cli_set_number(one, "last_signature", key->state.used);
	cli_set_number(one, "last_seen", key->state.seen);
	cli_set_number(one, "removable",
	    key->phase == ROTATION_RETIRED
		? rotation_removable(&key->state, retired_at(domain, key))
		: 0);
	cli_set_number(one, "hosts", key->quiet);
	return one;
}

static void
list_line(const struct key_cli *k, const struct sign_domain *domain,
    const struct sign_key *key)
{
	char note[NOTE_MAX] = "";
	struct buf b = buf_wrap(note, sizeof(note));

	put_note(&b, domain, key, k->c->now);
	printf("%-28s %-20s %-8s %-8s %s\n", key->domain, key->selector,
	    key_cli_algorithm(key->key), rotation_phase_name(key->phase), note);
}

/* Whether the domain was requested; a command without a domain requests all
 * domains. */
static bool
is_wanted(const struct key_cli *k, const struct sign_domain *domain)
{
	return k->domain == NULL || strcmp(k->domain, domain->name) == 0;
}

int
key_list(struct key_cli *k)
{
	size_t n, n_hosts, shown = 0;
	struct sign_keys *keys;
	struct sign_domain *const *domains;
	json_t *list = json_array(), *result;
	int status =
	    k->c->n_args > 1 ? key_cli_domain(k, k->c->args[1]) : EX_OK;

	keys = status == EX_OK ? key_cli_load(k, &n_hosts) : NULL;
	if (keys == NULL) {
		json_decref(list);
		return status != EX_OK ? status : EX_TEMPFAIL;
	}
	domains = sign_keys_domains(keys, &n);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0;
		     is_wanted(k, domains[i]) && j < domains[i]->n_keys;
		     j++, shown++) {
			if (k->c->json)
				json_array_append_new(list,
				    list_json(domains[i], domains[i]->keys[j]));
			else
				list_line(k, domains[i], domains[i]->keys[j]);
		}
	if (k->c->json) {
		result = json_object();
		cli_set(result, "keys", json_incref(list));
		(void)cli_print_json(result);
	} else if (shown == 0) {
		puts("no keys; make one with: avouch key new DOMAIN");
	} else if (n_hosts == 0) {
		puts("No daemon has loaded these keys yet; when one does, only "
		     "imported keys sign immediately.");
	}
	json_decref(list);
	sign_keys_unref(keys);
	return EX_OK;
}

/* ---- due ---- */

const char *
key_due_advice(const char *due)
{
	if (strcmp(due, "publish") == 0)
		return "has no record in DNS; run: avouch key check DOMAIN";
	return strcmp(due, "new") == 0
	    ? "is too old; run: avouch key new DOMAIN"
	    : "is not needed any more; run: avouch key retire DOMAIN SELECTOR";
}

static void
due_add(json_t *list, const struct sign_key *key, const char *what)
{
	json_t *one = json_object();

	cli_set_text(one, "domain", key->domain);
	cli_set_text(one, "selector", key->selector);
	cli_set_text(one, "due", what);
	json_array_append_new(list, one);
}

/* Whether a newer key will replace this one. */
static bool
has_successor(const struct sign_domain *domain, const struct sign_key *key)
{
	for (size_t i = 0; i < domain->n_keys; i++) {
		const struct sign_key *other = domain->keys[i];

		if (other->created > key->created && other->revoked == 0 &&
		    other->retired == 0 &&
		    private_key_type(other->key) == private_key_type(key->key))
			return true;
	}
	return false;
}

/* Whether the record of a key should be in DNS by now, but is not. */
static bool
is_unpublished(const struct key_cli *k, const struct sign_key *key)
{
	return key->phase == ROTATION_NEW && key->state.since == 0 &&
	    key_cli_is_recorded(key) &&
	    k->c->now - key->created > (int64_t)KEY_PUBLISH_DAYS * DATE_DAY;
}

/* Adds the key to `list` if it is due for replacement, retirement or
 * publication.  Returns true if it is older than `max_days`. */
static bool
due_key(const struct key_cli *k, uint64_t max_days, json_t *list,
    const struct sign_domain *domain, const struct sign_key *key)
{
	int64_t now = k->c->now;

	if (key_cli_signs(key) && !has_successor(domain, key) &&
	    now - key->created > (int64_t)max_days * DATE_DAY) {
		due_add(list, key, "new");
		return true;
	}
	if (is_unpublished(k, key))
		due_add(list, key, "publish");
	if (key->phase == ROTATION_RETIRED && key->retired == 0 &&
	    key_cli_is_recorded(key) &&
	    rotation_removable(&key->state, retired_at(domain, key)) <= now)
		due_add(list, key, "retire");
	return false;
}

bool
key_due_list(const struct key_cli *k, const struct sign_keys *keys,
    uint64_t max_days, json_t *list)
{
	size_t n;
	bool too_old = false;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0;
		     is_wanted(k, domains[i]) && j < domains[i]->n_keys; j++)
			too_old |= due_key(
			    k, max_days, list, domains[i], domains[i]->keys[j]);
	return too_old;
}

/* Reads --age.  Returns EX_OK, or EX_USAGE after printing a message. */
static int
read_age(const struct cli *c, uint64_t *days)
{
	struct scan s = scan_of(span_str(c->age));

	if (c->age == NULL ||
	    (scan_number(&s, AGE_DAYS_MAX, days) && *days > 0 &&
		scan_byte(&s, 'd') && scan_done(&s)))
		return EX_OK;
	return cli_fail(c, EX_USAGE, "--age %s: must be 1d to %dd, such as 90d",
	    c->age, AGE_DAYS_MAX);
}

int
key_due(struct key_cli *k)
{
	size_t n_hosts;
	uint64_t max_days = KEY_MAX_DAYS;
	bool too_old;
	struct sign_keys *keys;
	json_t *list = json_array(), *result;
	int status = read_age(k->c, &max_days);

	if (status == EX_OK && k->c->n_args > 1)
		status = key_cli_domain(k, k->c->args[1]);
	keys = status == EX_OK ? key_cli_load(k, &n_hosts) : NULL;
	if (keys == NULL) {
		json_decref(list);
		return status != EX_OK ? status : EX_TEMPFAIL;
	}
	too_old = key_due_list(k, keys, max_days, list);
	if (k->c->json) {
		result = json_object();
		cli_set(result, "due", json_incref(list));
		(void)cli_print_json(result);
	}
	for (size_t i = 0; !k->c->json && i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);

		printf("%s: the key %s %s\n",
		    json_string_value(json_object_get(one, "domain")),
		    json_string_value(json_object_get(one, "selector")),
		    key_due_advice(
			json_string_value(json_object_get(one, "due"))));
	}
	json_decref(list);
	sign_keys_unref(keys);
	return too_old ? KEY_EXIT_FOUND : EX_OK;
}
