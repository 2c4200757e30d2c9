/*
 * key_new.c - avouch key new: creates a key and prints its record.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/key/cmd_key.h"
#include "lib/date.h"
#include "lib/enum_names.h"
#include "lib/scan.h"

enum { MADE_MAX = 2, LETTERS = 26 };

static const struct key_algorithm {
	const char *name;
	size_t n;
	struct {
		enum private_key_type type;
		unsigned bits;
		const char *suffix; /* suffix of the selector */
	} keys[MADE_MAX];
} algorithms[] = {
	{ "rsa2048", 1, { { PRIVATE_KEY_RSA, 2048, "" } } },
	{ "rsa4096", 1, { { PRIVATE_KEY_RSA, 4096, "" } } },
	{ "ed25519", 1, { { PRIVATE_KEY_ED25519, 256, "" } } },
	{ "both", 2,
	    { { PRIVATE_KEY_RSA, 2048, "" },
		{ PRIVATE_KEY_ED25519, 256, "-ed25519" } } },
};

struct key_made {
	char selector[KEY_SELECTOR_MAX + 1];
	struct private_key *key;
	struct span name, value;
	bool published;
};

struct key_order {
	struct key_cli *k;
	const struct key_algorithm *algorithm;
	struct key_entries *entries;
	char pair[2][KEY_SELECTOR_MAX + 1]; /* "": no pair */
	char target[DOMAIN_MAX + 1]; /* zone of CNAME targets; "": unknown */
	size_t n;
	struct key_made made[MADE_MAX];
};

/* ---- options ---- */

static int
read_algorithm(struct key_order *o)
{
	const char *name =
	    o->k->c->algorithm != NULL ? o->k->c->algorithm : "rsa2048";

	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (strcmp(algorithms[i].name, name) == 0) {
			o->algorithm = &algorithms[i];
			return EX_OK;
		}
	return cli_fail(o->k->c, EX_USAGE,
	    "--algorithm %s: must be rsa2048, rsa4096, ed25519 or both", name);
}

static int
read_target(struct key_order *o)
{
	const char *target = o->k->c->target;
	struct span zone = domain_normal(o->k->arena, span_str(target));
	struct buf b = buf_wrap(o->target, sizeof(o->target));

	if (target != NULL && !domain_is_fqdn(zone))
		return cli_fail(o->k->c, EX_USAGE,
		    "--target %s: not a domain name; use a zone of yours, such "
		    "as dkim.example.net",
		    target);
	buf_span(&b, zone);
	return EX_OK;
}

static int
read_pair(struct key_order *o)
{
	const struct cli *c = o->k->c;
	struct span text = span_str(c->pair);
	struct span one = span_first(text, span_index(text, ','));
	struct span two = span_skip(text, one.n + 1);
	struct buf a = buf_wrap(o->pair[0], sizeof(o->pair[0]));
	struct buf b = buf_wrap(o->pair[1], sizeof(o->pair[1]));

	if (c->pair == NULL)
		return c->target == NULL
		    ? EX_OK
		    : cli_fail(c, EX_USAGE, "--target needs --pair");
	if (c->selector != NULL || o->algorithm->n > 1)
		return cli_fail(c, EX_USAGE,
		    "--pair names the selectors: it cannot be used with "
		    "--selector or with `--algorithm both`");
	if (!key_selector_is_valid(one) || !key_selector_is_valid(two) ||
	    span_equal(one, two))
		return cli_fail(c, EX_USAGE,
		    "--pair %s: must be two selectors such as s1,s2", c->pair);
	buf_span(&a, one);
	buf_span(&b, two);
	return read_target(o);
}

/* ---- selectors ---- */

/* Finds the first of the selectors s20261130, s20261130b, s20261130c, ... that
 * has never been used. */
static bool
free_selector(struct key_order *o, struct buf *out)
{
	char day[DATE_MAX];

	for (int i = 0; i < LETTERS; i++) {
		struct buf b = buf_wrap(day, sizeof(day));

		date_put_basic(&b, o->k->c->now);
		out->n = 0;
		buf_printf(out, "s%.8s", day);
		if (i > 0)
			buf_byte(out, (char)('a' + i));
		if (key_entry_find(o->entries, buf_view(out)) == NULL)
			return true;
	}
	return false;
}

/* Returns a creation time later than that of any other key, even if the clock
 * was set back. */
static int64_t
newest_time(const struct key_order *o)
{
	int64_t time = o->k->c->now;

	for (size_t i = 0; i < o->entries->n; i++)
		if (time <= o->entries->list[i].created)
			time = o->entries->list[i].created + 1;
	return time;
}

static bool
add_entry(struct key_order *o, struct key_made *made)
{
	struct key_entry *entry =
	    key_entry_find(o->entries, span_str(made->selector));

	if (entry == NULL && o->entries->n == KEY_SELECTORS_MAX)
		return false;
	if (entry == NULL)
		entry = &o->entries->list[o->entries->n++];
	*entry = (struct key_entry){ .created = newest_time(o) };
	memcpy(entry->selector, made->selector, sizeof(entry->selector));
	memcpy(entry->target, o->target, sizeof(entry->target));
	for (int i = 0; i < 2; i++)
		if (strcmp(made->selector, o->pair[i]) == 0)
			memcpy(
			    entry->pair, o->pair[1 - i], sizeof(entry->pair));
	return true;
}

static int
choose_selectors(struct key_order *o)
{
	const struct cli *c = o->k->c;

	for (size_t i = 0; i < o->algorithm->n; i++) {
		struct key_made *made = &o->made[i];
		struct buf b = buf_wrap(made->selector, sizeof(made->selector));

		if (c->selector != NULL)
			buf_text(&b, c->selector);
		else if (i > 0)
			buf_text(&b, o->made[0].selector);
		else if (!free_selector(o, &b))
			return cli_fail(c, EX_USAGE,
			    "too many keys today; choose a name with "
			    "--selector");
		buf_text(&b, o->algorithm->keys[i].suffix);
		if (b.full || key_cli_selector(o->k, made->selector) != EX_OK)
			return EX_USAGE;
		if (key_entry_find(o->entries, buf_view(&b)) != NULL)
			return cli_fail(c, EX_USAGE,
			    "the selector %s has been used for %s before; a "
			    "selector is never reused, because caches and "
			    "receivers may still have its old key",
			    made->selector, o->k->domain);
		if (!add_entry(o, made))
			return cli_fail(c, EX_USAGE,
			    "%s has had %d selectors; delete old lines of "
			    "%s/%s/selectors",
			    o->k->domain, KEY_SELECTORS_MAX, o->k->folder,
			    o->k->domain);
	}
	return EX_OK;
}

/* ---- pairs ---- */

static const struct sign_key *
key_of_selector(const struct sign_domain *domain, const char *selector)
{
	for (size_t i = 0; domain != NULL && i < domain->n_keys; i++)
		if (strcmp(domain->keys[i]->selector, selector) == 0)
			return domain->keys[i];
	return NULL;
}

/* Returns the time from which the selector of a revoked or retired key can be
 * reused, or 0 for a key in another state, or if that time is not known.
 * `other` is the newer key of the pair. */
static int64_t
pair_free_at(const struct sign_key *key, const struct sign_key *other)
{
	int64_t retired = key->retired > 0 ? key->retired : other->created;

	if (key->revoked > 0)
		return key->revoked;
	if (key->phase != ROTATION_RETIRED || !key_cli_is_recorded(key))
		return 0;
	return rotation_removable(&key->state, retired);
}

/* Renames the old file, so that it is no longer read. */
static int
move_old_file(struct key_order *o, const struct sign_key *key)
{
	char from[KEY_PATH_MAX], to[KEY_PATH_MAX];

	snprintf(from, sizeof(from), "%s/%s/%s.pem", o->k->folder, o->k->domain,
	    key->selector);
	snprintf(to, sizeof(to), "%s/%s/%s.pem.%lld", o->k->folder,
	    o->k->domain, key->selector, (long long)key->created);
	if (rename(from, to) != 0)
		return cli_fail(
		    o->k->c, EX_TEMPFAIL, "%s: %s", from, strerror(errno));
	return EX_OK;
}

/* If --target is missing, uses the target of an earlier key of the pair. */
static void
recall_target(struct key_order *o)
{
	for (int i = 0; i < 2 && o->target[0] == '\0'; i++) {
		const struct key_entry *entry =
		    key_entry_find(o->entries, span_str(o->pair[i]));

		if (entry != NULL)
			memcpy(o->target, entry->target, sizeof(o->target));
	}
}

/* Chooses which selector of the pair the new key gets: an unused one, the one
 * whose key was revoked, or the one whose key was retired long ago. */
static int
choose_of_pair(struct key_order *o, const struct sign_domain *domain)
{
	const struct sign_key *a = key_of_selector(domain, o->pair[0]);
	const struct sign_key *b = key_of_selector(domain, o->pair[1]);
	const char *chosen = a == NULL ? o->pair[0] : o->pair[1];
	struct buf out =
	    buf_wrap(o->made[0].selector, sizeof(o->made[0].selector));
	const struct sign_key *old = NULL;
	char text[DATE_MAX];
	struct buf time = buf_wrap(text, sizeof(text));
	int64_t free_at;

	if (a != NULL && b != NULL) {
		old = (a->revoked > 0) != (b->revoked > 0)
		    ? (a->revoked > 0 ? a : b)
		    : a->created <= b->created ? a
					       : b;
		free_at = pair_free_at(old, old == a ? b : a);
		date_put_time(&time, free_at);
		if (free_at == 0 || free_at > o->k->c->now)
			return cli_fail(o->k->c, EX_USAGE,
			    free_at == 0
				? "%s still signs, its record is not published "
				  "yet, or no daemon has recorded when it last "
				  "signed; see `avouch key list %s`%s"
				: "the record of %s in %s is needed until %s",
			    old->selector, o->k->domain,
			    free_at == 0 ? "" : text);
		chosen = old->selector;
	}
	buf_text(&out, chosen);
	if (old != NULL && move_old_file(o, old) != EX_OK)
		return EX_TEMPFAIL;
	return add_entry(o, &o->made[0]) ? EX_OK : EX_USAGE;
}

/* ---- creating the keys ---- */

static int
make_keys(struct key_order *o)
{
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));

	for (o->n = 0; o->n < o->algorithm->n; o->n++) {
		struct key_made *made = &o->made[o->n];

		made->key = private_key_generate(o->algorithm->keys[o->n].type,
		    o->algorithm->keys[o->n].bits);
		if (made->key == NULL)
			return cli_fail(o->k->c, EX_TEMPFAIL,
			    "OpenSSL cannot create such a key");
	}
	if (!key_entries_write(o->k->folder, o->k->domain, o->entries, &error))
		return key_cli_error(o->k, &error);
	for (size_t i = 0; i < o->n; i++) {
		struct key_made *made = &o->made[i];

		if (!key_file_write(o->k->folder, o->k->domain, made->selector,
			made->key, &error))
			return key_cli_error(o->k, &error);
		made->name =
		    key_record_name(o->k, made->selector, o->k->domain);
		made->value = key_record_value(o->k, made->key);
	}
	return EX_OK;
}

/* ---- output ---- */

static struct span
relative_name(struct key_order *o, const struct key_made *made)
{
	return span_first(made->name, made->name.n - strlen(o->k->domain) - 1);
}

static int
publish_keys(struct key_order *o)
{
	int status = EX_OK;

	for (size_t i = 0; i < o->n; i++) {
		struct key_made *made = &o->made[i];

		struct span name = o->pair[0][0] != '\0'
		    ? key_pair_name(o->k, made->selector, o->target)
		    : made->name;

		if (o->pair[0][0] != '\0' && o->target[0] == '\0')
			continue; /* the record's name is not known */
		made->published = o->k->conf->sign.publish != NULL &&
		    key_publish(o->k, "add", name, made->value);
		if (o->k->conf->sign.publish != NULL && !made->published)
			status = EX_TEMPFAIL;
	}
	return status;
}

static json_t *
made_json(struct key_order *o, const struct key_made *made)
{
	json_t *one = json_object(), *record = json_object();
	struct span owner = made->name;
	char path[KEY_PATH_MAX];

	if (o->pair[0][0] != '\0') {
		owner = key_pair_name(o->k, made->selector, o->target);
		cli_set_span(one, "cname_target", owner);
	}
	snprintf(path, sizeof(path), "%s/%s/%s.pem", o->k->folder, o->k->domain,
	    made->selector);
	cli_set_text(one, "domain", o->k->domain);
	cli_set_text(one, "selector", made->selector);
	cli_set_text(one, "algorithm", key_cli_algorithm(made->key));
	cli_set_text(one, "file", path);
	cli_set_span(record, "name", made->name);
	cli_set_span(record, "relative_name", relative_name(o, made));
	cli_set_span(record, "value", made->value);
	cli_set_span(
	    record, "zone_line", key_record_line(o->k, owner, made->value));
	cli_set(one, "record", record);
	cli_set_bool(one, "published", made->published);
	return one;
}

static void
print_pair(struct key_order *o, const struct key_made *made)
{
	puts("\nThe owner of the domain publishes these two records once:");
	for (int i = 0; i < 2; i++) {
		struct span to = key_pair_name(o->k, o->pair[i], o->target);

		printf("%s._domainkey.%s. %d IN CNAME %.*s.\n", o->pair[i],
		    o->k->domain, KEY_TTL, SPAN_FMT(to));
	}
	puts("\nNow publish this record in your own zone:");
	printf("%.*s\n",
	    SPAN_FMT(key_record_line(o->k,
		key_pair_name(o->k, made->selector, o->target), made->value)));
	if (o->target[0] == '\0')
		puts("(Use --target ZONE to show the name of your zone here)");
}

static void
print_made(struct key_order *o, const struct key_made *made)
{
	struct span relative = relative_name(o, made);

	printf("%s/%s/%s.pem: a new key, %s\n", o->k->folder, o->k->domain,
	    made->selector, key_cli_algorithm(made->key));
	if (o->pair[0][0] != '\0') {
		print_pair(o, made);
		return;
	}
	if (made->published) {
		printf("published: %.*s\n", SPAN_FMT(made->name));
		return;
	}
	puts("\nPublish this TXT record. It is shown in three forms; use the "
	     "one that your DNS provider accepts.\n");
	puts("1. A line of a zone file:");
	printf("%.*s\n\n",
	    SPAN_FMT(key_record_line(o->k, made->name, made->value)));
	puts("2. The full name, and the value in one piece:");
	printf("%.*s\n%.*s\n\n", SPAN_FMT(made->name), SPAN_FMT(made->value));
	printf("3. The name relative to %s, if the provider appends the "
	       "domain; the value\n   as above:\n%.*s\n\n",
	    o->k->domain, SPAN_FMT(relative));
}

static int
print_order(struct key_order *o, int status)
{
	json_t *list;

	if (o->k->c->json) {
		list = json_array();
		for (size_t i = 0; i < o->n; i++)
			json_array_append_new(list, made_json(o, &o->made[i]));
		json_t *result = json_object();
		cli_set(result, "keys", list);
		(void)cli_print_json(result);
		return status;
	}
	for (size_t i = 0; i < o->n; i++)
		print_made(o, &o->made[i]);
	if (strcmp(o->algorithm->name, "rsa4096") == 0)
		puts("Note: this record is longer than 512 bytes. Some "
		     "resolvers and DNS providers cannot\nhandle that; rsa2048 "
		     "avoids it.");
	puts("A running daemon finds the key within seconds. It starts to sign "
	     "with the key once\nall name servers of the zone have answered "
	     "with the record twice, at least its TTL\napart. `avouch key "
	     "list` shows the key; `avouch key check` finds mistakes in the "
	     "record.");
	return status;
}

static int
key_order_run(struct key_order *o)
{
	struct key_cli *k = o->k;
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	struct sign_keys *keys = NULL;
	size_t n_hosts;
	int status;

	if (!key_entries_read(k->folder, k->domain, o->entries, &error))
		return key_cli_error(k, &error);
	if (o->pair[0][0] != '\0') {
		recall_target(o);
		keys = key_cli_load(k, &n_hosts);
		if (keys == NULL)
			return EX_TEMPFAIL;
		status = choose_of_pair(
		    o, sign_keys_domain(keys, span_str(k->domain)));
		sign_keys_unref(keys);
	} else {
		status = choose_selectors(o);
	}
	if (status == EX_OK)
		status = make_keys(o);
	if (status == EX_OK) {
		key_cli_changed(k);
		status = print_order(o, publish_keys(o));
	}
	for (size_t i = 0; i < MADE_MAX; i++)
		private_key_unref(o->made[i].key);
	return status;
}

int
key_new(struct key_cli *k)
{
	struct key_order o = { .k = k };
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	int status = key_cli_domain(k, k->c->args[1]), lock;

	if (status == EX_OK)
		status = read_algorithm(&o);
	if (status == EX_OK)
		status = read_pair(&o);
	if (status != EX_OK)
		return status;
	if (!key_folder_create(k->folder, k->conf->user, &error))
		return key_cli_error(k, &error);
	lock = key_folder_lock(k->folder, &error);
	if (lock < 0)
		return key_cli_error(k, &error);
	o.entries = arena_alloc(k->arena, sizeof(*o.entries));
	status = o.entries != NULL
	    ? key_order_run(&o)
	    : cli_fail(k->c, EX_TEMPFAIL, "out of memory");
	close(lock);
	return status;
}
