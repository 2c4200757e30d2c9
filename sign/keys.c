#include "sign/keys.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/domain.h"
#include "sign/key_folder.h"

#define KEY_SUFFIX ".pem"

enum { SET_ERROR_MAX = 2048 };

struct sign_keys {
	atomic_uint refs;
	struct sign_domain **domains; /* sorted by name */
	size_t n, room;
	struct sign_removed_key *removed;
	size_t n_removed, removed_room;
};

/* ---- memory ---- */

static void
sign_key_free(struct sign_key *key)
{
	if (key == NULL)
		return;
	private_key_unref(key->key);
	free(key->domain);
	free(key->selector);
	free(key->pair);
	free(key);
}

static void
sign_domain_free(struct sign_domain *domain)
{
	if (domain == NULL)
		return;
	for (size_t i = 0; i < domain->n_keys; i++)
		sign_key_free(domain->keys[i]);
	free(domain->keys);
	free(domain->name);
	free(domain);
}

struct sign_keys *
sign_keys_ref(struct sign_keys *keys)
{
	if (keys != NULL)
		atomic_fetch_add(&keys->refs, 1);
	return keys;
}

void
sign_keys_unref(struct sign_keys *keys)
{
	if (keys == NULL || atomic_fetch_sub(&keys->refs, 1) != 1)
		return;
	for (size_t i = 0; i < keys->n; i++)
		sign_domain_free(keys->domains[i]);
	for (size_t i = 0; i < keys->n_removed; i++)
		free(keys->removed[i].id);
	free(keys->removed);
	free(keys->domains);
	free(keys);
}

static struct sign_domain *
sign_domain_new(const char *name)
{
	struct sign_domain *domain = calloc(1, sizeof(*domain));

	if (domain == NULL)
		return NULL;
	domain->name = strdup(name);
	domain->keys = calloc(SIGN_KEYS_MAX, sizeof(struct sign_key *));
	if (domain->name != NULL && domain->keys != NULL)
		return domain;
	sign_domain_free(domain);
	return NULL;
}

/* Creates a key with a reference to `private_key`; returns NULL if memory ran
 * out. */
static struct sign_key *
sign_key_new(const char *domain, const struct key_entry *entry,
    struct private_key *private_key)
{
	struct sign_key *key = calloc(1, sizeof(*key));

	if (key == NULL)
		return NULL;
	key->key = private_key_ref(private_key);
	key->domain = strdup(domain);
	key->selector = strdup(entry->selector);
	key->created = entry->created;
	key->imported = entry->imported;
	key->retired = entry->retired;
	key->revoked = entry->revoked;
	if (entry->pair[0] != '\0')
		key->pair = strdup(entry->pair);
	if (key->domain != NULL && key->selector != NULL &&
	    (entry->pair[0] == '\0' || key->pair != NULL))
		return key;
	sign_key_free(key);
	return NULL;
}

static struct sign_key *
sign_key_copy(const struct sign_key *from)
{
	struct key_entry entry = { .created = from->created,
		.imported = from->imported,
		.retired = from->retired,
		.revoked = from->revoked };
	struct sign_key *key;

	snprintf(entry.selector, sizeof(entry.selector), "%s", from->selector);
	if (from->pair != NULL)
		snprintf(entry.pair, sizeof(entry.pair), "%s", from->pair);
	key = sign_key_new(from->domain, &entry, from->key);
	if (key != NULL)
		key->is_previous = from->is_previous;
	return key;
}

/* ---- reading a folder ---- */

struct key_load {
	const char *folder;
	struct sign_keys *previous;
	FILE *errors;
	struct sign_keys_faults *faults;
	bool no_memory;
};

/* Reports file permissions that are too open; they never prevent a key from
 * signing. */
static void
check_mode(struct key_load *load, const char *path, const struct stat *st)
{
	bool is_file = S_ISREG(st->st_mode);
	bool readable = is_file && (st->st_mode & S_IROTH) != 0;

	if (!readable && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return;
	load->faults->world_readable += readable;
	if (load->faults->modes++ < SIGN_WARNINGS_MAX)
		fprintf(load->errors,
		    "%s: %s can %s this %s (mode %04o); run: chmod %04o %s\n",
		    path,
		    (st->st_mode & (S_IROTH | S_IWOTH)) != 0 ? "every user"
							     : "the group",
		    readable ? "read" : "change",
		    is_file ? "private key" : "directory of private keys",
		    (unsigned)st->st_mode & 07777,
		    is_file ? KEY_PEM_MODE : KEY_FOLDER_MODE, path);
}

static void
report(struct key_load *load, const char *text)
{
	load->faults->broken++;
	fprintf(load->errors, "%s\n", text);
}

static const struct sign_domain *
previous_domain(const struct key_load *load, const char *name)
{
	return load->previous != NULL
	    ? sign_keys_domain(load->previous, span_str(name))
	    : NULL;
}

static bool
same_key(const struct private_key *a, const struct private_key *b)
{
	return memcmp(private_key_id(a), private_key_id(b), CRYPTO_HASH_SIZE) ==
	    0;
}

static int
compare_keys(const void *one, const void *other)
{
	const struct sign_key *const *a = one, *const *b = other;
	int order;

	if ((*a)->created != (*b)->created)
		return (*a)->created < (*b)->created ? -1 : 1;
	order = strcmp((*a)->selector, (*b)->selector);
	if (order == 0)
		order = (int)(*b)->is_previous - (*a)->is_previous;
	return order != 0 ? order
			  : memcmp(private_key_id((*a)->key),
				private_key_id((*b)->key), CRYPTO_HASH_SIZE);
}

/* Frees the oldest key of the domain and `key`, and keeps the others, so that
 * the order in which files are read does not matter.  Revoked keys count as
 * the oldest. */
static void
leave_out_oldest(struct sign_domain *domain, struct sign_key *key)
{
	struct sign_key *oldest = key;
	size_t at = domain->n_keys;

	for (size_t i = 0; i < domain->n_keys; i++) {
		struct sign_key *one = domain->keys[i];
		int order = (int)(oldest->revoked > 0) - (one->revoked > 0);

		if (order < 0 ||
		    (order == 0 &&
			compare_keys(&domain->keys[i], &oldest) < 0)) {
			oldest = one;
			at = i;
		}
	}
	if (at < domain->n_keys)
		domain->keys[at] = key;
	sign_key_free(oldest);
}

static void
domain_add_key(struct key_load *load, struct sign_domain *domain,
    const struct key_entry *entry, struct private_key *private_key,
    bool is_previous)
{
	struct sign_key *key = sign_key_new(domain->name, entry, private_key);

	if (key == NULL) {
		load->no_memory = true;
		return;
	}
	key->is_previous = is_previous;
	if (domain->n_keys < SIGN_KEYS_MAX) {
		domain->keys[domain->n_keys++] = key;
		return;
	}
	fprintf(load->errors,
	    "%s/%s: more than %d key files; delete those whose records are "
	    "gone\n",
	    load->folder, domain->name, SIGN_KEYS_MAX);
	leave_out_oldest(domain, key);
}

/*
 * Keeps earlier keys of a selector whose file is now broken (`key` is NULL) or
 * has a different key: they may be the ones that are still in DNS.  They keep
 * their dates, so that a new key of a CNAME pair never makes the old key of its
 * selector sign again.
 */
static void
keep_previous_keys(struct key_load *load, struct sign_domain *domain,
    const struct key_entry *entry, const struct private_key *key)
{
	const struct sign_domain *before = previous_domain(load, domain->name);

	for (size_t i = 0; before != NULL && i < before->n_keys; i++) {
		const struct sign_key *old = before->keys[i];
		struct key_entry kept = *entry;

		if (strcmp(old->selector, entry->selector) != 0 ||
		    (key != NULL &&
			(same_key(old->key, key) ||
			    (old->is_previous && !old->state.ready &&
				!old->state.signs))))
			continue;
		kept.created = old->created;
		if (kept.retired == 0)
			kept.retired = old->retired;
		if (kept.revoked == 0)
			kept.revoked = old->revoked;
		domain_add_key(load, domain, &kept, old->key, true);
	}
}

static void
load_key(struct key_load *load, struct sign_domain *domain,
    struct key_entries *entries, struct span selector)
{
	char path[KEY_PATH_MAX], text[SET_ERROR_MAX];
	struct buf b = buf_wrap(path, sizeof(path));
	struct buf error = buf_wrap(text, sizeof(text));
	struct key_entry by_hand = { .created = 0 }, *entry;
	struct private_key *key;
	struct stat st;

	buf_printf(&b, "%s/%s/%.*s" KEY_SUFFIX, load->folder, domain->name,
	    SPAN_FMT(selector));
	entry = key_entry_find(entries, selector);
	if (b.full || entry == NULL) {
		memcpy(by_hand.selector, selector.p, selector.n);
		entry = &by_hand;
	}
	key = key_file_read(path, &st, &error);
	if (key == NULL)
		report(load, text);
	else
		check_mode(load, path, &st);
	if (key != NULL && entry->created == 0)
		entry->created = (int64_t)st.st_mtime;
	keep_previous_keys(load, domain, entry, key);
	if (key != NULL)
		domain_add_key(load, domain, entry, key, false);
	private_key_unref(key);
}

static void
load_files(struct key_load *load, struct sign_domain *domain,
    struct key_entries *entries, DIR *directory)
{
	struct dirent *file;

	while ((file = readdir(directory)) != NULL) {
		struct span name = span_str(file->d_name);

		if (!span_ends_nocase(name, KEY_SUFFIX))
			continue;
		name.n -= sizeof(KEY_SUFFIX) - 1;
		if (key_selector_is_valid(name))
			load_key(load, domain, entries, name);
		else
			fprintf(load->errors,
			    "%s/%s: a key file's name must be a selector in "
			    "lower case with " KEY_SUFFIX
			    "; one file was skipped\n",
			    load->folder, domain->name);
	}
	qsort(domain->keys, domain->n_keys, sizeof(struct sign_key *),
	    compare_keys);
}

/* Copies the keys of a domain whose files cannot be read.  Without an earlier
 * set nothing is copied, because it is not known which keys are revoked. */
static void
copy_previous_domain(struct key_load *load, struct sign_domain *domain)
{
	const struct sign_domain *before = previous_domain(load, domain->name);

	for (size_t i = 0; before != NULL && i < before->n_keys; i++) {
		struct sign_key *copy = sign_key_copy(before->keys[i]);

		if (copy != NULL)
			domain->keys[domain->n_keys++] = copy;
		load->no_memory |= copy == NULL;
	}
	fprintf(load->errors, "%s/%s: %s\n", load->folder, domain->name,
	    before != NULL ? "the keys that were read before stay in use"
			   : "no key of this domain was read");
}

/* Reads the files of one domain.  Returns false and reports the reason if the
 * directory or the list of selectors cannot be read. */
static bool
load_directory(struct key_load *load, struct sign_domain *domain,
    struct key_entries *entries)
{
	char path[KEY_PATH_MAX], text[SET_ERROR_MAX];
	struct buf b = buf_wrap(path, sizeof(path));
	struct buf error = buf_wrap(text, sizeof(text));
	struct stat st;
	DIR *directory;

	buf_printf(&b, "%s/%s", load->folder, domain->name);
	directory = opendir(path);
	if (directory == NULL) {
		if (errno == ENOENT)
			return true; /* removed meanwhile */
		buf_printf(&error,
		    "%s: %s; run: chgrp avouch %s && chmod %04o %s", path,
		    strerror(errno), path, KEY_FOLDER_MODE, path);
		report(load, text);
		return false;
	}
	if (!key_entries_read(load->folder, domain->name, entries, &error)) {
		closedir(directory);
		report(load, text);
		return false;
	}
	if (stat(path, &st) == 0)
		check_mode(load, path, &st);
	load_files(load, domain, entries, directory);
	closedir(directory);
	return true;
}

/* Loads the keys of one domain; returns NULL if there are none or memory ran
 * out. */
static struct sign_domain *
load_domain(struct key_load *load, const char *name)
{
	struct sign_domain *domain = sign_domain_new(name);
	struct key_entries *entries = malloc(sizeof(*entries));

	load->no_memory |= domain == NULL || entries == NULL;
	if (!load->no_memory && !load_directory(load, domain, entries))
		copy_previous_domain(load, domain);
	free(entries);
	if (domain != NULL && domain->n_keys > 0)
		return domain;
	sign_domain_free(domain);
	return NULL;
}

static bool
set_add(struct sign_keys *keys, struct sign_domain *domain)
{
	if (keys->n == keys->room) {
		size_t room = keys->room > 0 ? 2 * keys->room : 16;
		struct sign_domain **more =
		    reallocarray(keys->domains, room, sizeof(*more));

		if (more == NULL)
			return false;
		keys->domains = more;
		keys->room = room;
	}
	keys->domains[keys->n++] = domain;
	return true;
}

static int
compare_domains(const void *one, const void *other)
{
	const struct sign_domain *const *a = one, *const *b = other;

	return strcmp((*a)->name, (*b)->name);
}

static bool
is_domain_directory(const char *name)
{
	struct span s = span_str(name);

	for (const char *p = name; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			return false;
	return domain_is_fqdn(s) && s.p[s.n - 1] != '.';
}

static void
load_domains(struct key_load *load, struct sign_keys *keys, DIR *directory)
{
	struct dirent *one;

	while (!load->no_memory && (one = readdir(directory)) != NULL) {
		struct sign_domain *domain;

		if (one->d_name[0] == '.' || !is_domain_directory(one->d_name))
			continue;
		if (keys->n == SIGN_DOMAINS_MAX) {
			fprintf(load->errors,
			    "%s: more than %d domains; the rest are not read\n",
			    load->folder, SIGN_DOMAINS_MAX);
			break;
		}
		domain = load_domain(load, one->d_name);
		if (domain != NULL && !set_add(keys, domain)) {
			sign_domain_free(domain);
			load->no_memory = true;
		}
	}
	if (keys->n > 0)
		qsort(keys->domains, keys->n, sizeof(struct sign_domain *),
		    compare_domains);
}

/* ---- which key signs ---- */

static struct sign_key *
decide_type(struct sign_domain *domain, enum private_key_type type)
{
	struct rotation_key views[SIGN_KEYS_MAX] = { 0 };
	struct sign_key *keys[SIGN_KEYS_MAX];
	size_t n = 0, chosen;

	for (size_t i = 0; i < domain->n_keys; i++) {
		struct sign_key *key = domain->keys[i];

		if (private_key_type(key->key) != type)
			continue;
		views[n] = (struct rotation_key){ .state = &key->state,
			.retired = key->retired > 0,
			.revoked = key->revoked > 0 };
		keys[n++] = key;
	}
	chosen = rotation_choose(views, n);
	for (size_t i = 0; i < n; i++) {
		keys[i]->phase = rotation_phase_of(views, n, chosen, i);
		keys[i]->state.signs = i == chosen;
	}
	return chosen < n ? keys[chosen] : NULL;
}

bool
sign_keys_decide(struct sign_domain *domain)
{
	struct sign_key *rsa = decide_type(domain, PRIVATE_KEY_RSA);
	struct sign_key *ed25519 = decide_type(domain, PRIVATE_KEY_ED25519);
	bool changed = rsa != atomic_load(&domain->chosen[PRIVATE_KEY_RSA]) ||
	    ed25519 != atomic_load(&domain->chosen[PRIVATE_KEY_ED25519]);

	sign_keys_choose(domain, rsa, ed25519);
	return changed;
}

/* ---- states of keys in the previous set ---- */

static struct rotation_state
state_of(const struct sign_key *key)
{
	struct rotation_state state = key->state;
	int64_t used = atomic_load(&key->used);

	if (state.used < used)
		state.used = used;
	return state;
}

void
sign_key_put_id(struct buf *b, const struct sign_key *key)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *id = private_key_id(key->key);

	buf_printf(b, "%s %s ", key->domain, key->selector);
	for (size_t i = 0; i < CRYPTO_HASH_SIZE; i++) {
		buf_byte(b, digits[id[i] >> 4]);
		buf_byte(b, digits[id[i] & 15]);
	}
}

struct sign_key *
sign_keys_find(const struct sign_keys *keys, struct span id)
{
	const struct sign_domain *domain =
	    sign_keys_domain(keys, span_first(id, span_index(id, ' ')));

	for (size_t i = 0; domain != NULL && i < domain->n_keys; i++) {
		char text[SIGN_KEY_ID_MAX];
		struct buf b = buf_wrap(text, sizeof(text));

		sign_key_put_id(&b, domain->keys[i]);
		if (span_equal(id, buf_view(&b)))
			return domain->keys[i];
	}
	return NULL;
}

const struct sign_removed_key *
sign_keys_removed(const struct sign_keys *keys, size_t *n)
{
	*n = keys->n_removed;
	return keys->removed;
}

bool
sign_keys_add_removed(
    struct sign_keys *keys, struct span id, const struct rotation_state *state)
{
	struct sign_removed_key *one;

	if (keys->n_removed == SIGN_REMOVED_MAX)
		return true;
	if (keys->n_removed == keys->removed_room) {
		size_t room = 2 * keys->removed_room + 16;

		one = reallocarray(keys->removed, room, sizeof(*one));
		if (one == NULL)
			return false;
		keys->removed = one;
		keys->removed_room = room;
	}
	one = &keys->removed[keys->n_removed];
	one->id = strndup(id.p, id.n);
	one->state = *state;
	keys->n_removed += one->id != NULL;
	return one->id != NULL;
}

static int
compare_removed(const void *one, const void *other)
{
	const struct sign_removed_key *a = one, *b = other;

	return strcmp(a->id, b->id);
}

/* Copies the state that the same key has in the previous set, or had when it
 * was removed. */
static void
state_carry(const struct sign_keys *previous, struct sign_key *key)
{
	char text[SIGN_KEY_ID_MAX];
	struct buf b = buf_wrap(text, sizeof(text));
	struct sign_removed_key like = { .id = text }, *removed = NULL;
	const struct sign_key *old;

	if (key->imported)
		rotation_import(&key->state);
	if (previous == NULL)
		return;
	sign_key_put_id(&b, key);
	old = sign_keys_find(previous, buf_view(&b));
	if (old != NULL) {
		key->state = state_of(old);
		key->next_look = old->next_look;
		key->quiet = old->quiet;
		key->logged = old->logged;
		if (key->imported && !old->imported)
			rotation_import(&key->state);
	} else if (previous->n_removed > 0)
		removed = bsearch(&like, previous->removed, previous->n_removed,
		    sizeof(like), compare_removed);
	if (removed != NULL)
		key->state = removed->state;
}

/* Remembers the states of keys that were removed, in case they come back: a
 * folder may be empty for a moment while its files are copied.  Revoked keys
 * are not remembered, because the list of selectors may not come back.  Returns
 * false if memory ran out. */
static bool
keep_removed(struct sign_keys *keys, const struct sign_keys *previous)
{
	bool ok = true;

	for (size_t i = 0; i < previous->n_removed; i++) {
		const struct sign_removed_key *one = &previous->removed[i];

		if (sign_keys_find(keys, span_str(one->id)) == NULL)
			ok &= sign_keys_add_removed(
			    keys, span_str(one->id), &one->state);
	}
	for (size_t i = 0; i < previous->n; i++)
		for (size_t k = 0; k < previous->domains[i]->n_keys; k++) {
			const struct sign_key *key =
			    previous->domains[i]->keys[k];
			const struct rotation_state state = state_of(key);
			char text[SIGN_KEY_ID_MAX];
			struct buf b = buf_wrap(text, sizeof(text));

			sign_key_put_id(&b, key);
			if (state.ever && key->revoked == 0 &&
			    sign_keys_find(keys, buf_view(&b)) == NULL)
				ok &= sign_keys_add_removed(
				    keys, buf_view(&b), &state);
		}
	return ok;
}

/* Returns false if memory ran out. */
static bool
carry_states(struct sign_keys *keys, struct sign_keys *previous)
{
	if (previous != NULL && previous->n_removed > 0)
		qsort(previous->removed, previous->n_removed,
		    sizeof(*previous->removed), compare_removed);
	for (size_t i = 0; i < keys->n; i++) {
		struct sign_domain *domain = keys->domains[i];

		for (size_t k = 0; k < domain->n_keys; k++)
			state_carry(previous, domain->keys[k]);
		(void)sign_keys_decide(domain);
	}
	return previous == NULL || keep_removed(keys, previous);
}

struct sign_keys *
sign_keys_load(const char *folder, struct sign_keys *previous, FILE *errors,
    struct sign_keys_faults *faults)
{
	struct key_load load = { .folder = folder,
		.previous = previous,
		.errors = errors,
		.faults = faults };
	struct sign_keys *keys = calloc(1, sizeof(*keys));
	DIR *directory = opendir(folder);
	struct stat st;

	*faults = (struct sign_keys_faults){ 0 };
	if (directory == NULL)
		fprintf(errors, "%s: %s%s\n", folder, strerror(errno),
		    errno == ENOENT ? "; `avouch key new` creates it" : "");
	if (keys != NULL && directory != NULL) {
		keys->refs = 1;
		if (stat(folder, &st) == 0)
			check_mode(&load, folder, &st);
		load_domains(&load, keys, directory);
		load.no_memory =
		    load.no_memory || !carry_states(keys, previous);
	}
	if (directory != NULL)
		closedir(directory);
	if (keys == NULL || directory == NULL || load.no_memory) {
		if (keys == NULL || load.no_memory)
			fprintf(errors, "%s: out of memory\n", folder);
		if (keys != NULL)
			keys->refs = 1;
		sign_keys_unref(keys);
		return NULL;
	}
	return keys;
}

/* ---- the keys of a domain ---- */

struct sign_domain *const *
sign_keys_domains(const struct sign_keys *keys, size_t *n)
{
	*n = keys->n;
	return keys->domains;
}

static int
compare_name(struct span name, const char *other)
{
	size_t length = strlen(other);
	int order = memcmp(name.p, other, name.n < length ? name.n : length);

	return order != 0 ? order : (name.n > length) - (name.n < length);
}

struct sign_domain *
sign_keys_domain(const struct sign_keys *keys, struct span name)
{
	size_t low = 0, high = keys->n;

	if (name.n == 0)
		return NULL;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_name(name, keys->domains[middle]->name);

		if (order == 0)
			return keys->domains[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

void
sign_keys_choose(
    struct sign_domain *domain, struct sign_key *rsa, struct sign_key *ed25519)
{
	atomic_store(&domain->chosen[PRIVATE_KEY_RSA], rsa);
	atomic_store(&domain->chosen[PRIVATE_KEY_ED25519], ed25519);
}

enum sign_keys_result
sign_keys_of(const struct sign_keys *keys, struct span domain,
    struct sign_key *out[SIGN_KEYS_PER_DOMAIN], size_t *n)
{
	struct sign_domain *found = sign_keys_domain(keys, domain);

	*n = 0;
	if (found == NULL)
		return SIGN_KEYS_NONE;
	for (size_t i = 0; i < SIGN_KEYS_PER_DOMAIN; i++) {
		struct sign_key *key = atomic_load(&found->chosen[i]);

		if (key != NULL)
			out[(*n)++] = key;
	}
	return *n > 0 ? SIGN_KEYS_FOUND : SIGN_KEYS_UNPUBLISHED;
}

void
sign_key_used(struct sign_key *key, int64_t now)
{
	/* An earlier time is stored too: the clock may have been set back. */
	if (atomic_load_explicit(&key->used, memory_order_relaxed) != now)
		atomic_store_explicit(&key->used, now, memory_order_relaxed);
}
