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

static struct sign_key *
previous_key(
    const struct key_load *load, const char *domain, const char *selector)
{
	const struct sign_domain *before = load->previous != NULL
	    ? sign_keys_domain(load->previous, span_str(domain))
	    : NULL;

	for (size_t i = 0; before != NULL && i < before->n_keys; i++)
		if (strcmp(before->keys[i]->selector, selector) == 0 &&
		    !before->keys[i]->is_previous)
			return before->keys[i];
	return NULL;
}

static bool
same_key(const struct private_key *a, const struct private_key *b)
{
	return memcmp(private_key_id(a), private_key_id(b), CRYPTO_HASH_SIZE) ==
	    0;
}

static void
domain_add_key(struct key_load *load, struct sign_domain *domain,
    const struct key_entry *entry, struct private_key *private_key,
    bool is_previous)
{
	struct sign_key *key;

	if (domain->n_keys == SIGN_KEYS_MAX) {
		fprintf(load->errors,
		    "%s/%s: more than %d key files; delete those whose "
		    "records are gone\n",
		    load->folder, domain->name, SIGN_KEYS_MAX);
		return;
	}
	key = sign_key_new(domain->name, entry, private_key);
	if (key == NULL) {
		load->no_memory = true;
		return;
	}
	key->is_previous = is_previous;
	domain->keys[domain->n_keys++] = key;
}

static void
load_key(struct key_load *load, struct sign_domain *domain,
    struct key_entries *entries, struct span selector)
{
	char path[KEY_PATH_MAX], text[SET_ERROR_MAX];
	struct buf b = buf_wrap(path, sizeof(path));
	struct buf error = buf_wrap(text, sizeof(text));
	struct key_entry by_hand = { .created = 0 }, *entry;
	const struct sign_key *before;
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
	before = previous_key(load, domain->name, entry->selector);
	if (before != NULL && (key == NULL || !same_key(before->key, key)))
		domain_add_key(load, domain, entry, before->key, true);
	if (key != NULL)
		domain_add_key(load, domain, entry, key, false);
	private_key_unref(key);
}

static int
compare_keys(const void *one, const void *other)
{
	const struct sign_key *const *a = one, *const *b = other;
	int order;

	if ((*a)->created != (*b)->created)
		return (*a)->created < (*b)->created ? -1 : 1;
	order = strcmp((*a)->selector, (*b)->selector);
	return order != 0 ? order : (int)(*b)->is_previous - (*a)->is_previous;
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

/* Loads the keys of one domain; returns NULL if there are none or memory ran
 * out. */
static struct sign_domain *
load_domain(struct key_load *load, const char *name)
{
	struct sign_domain *domain = sign_domain_new(name);
	struct key_entries *entries = malloc(sizeof(*entries));
	char path[KEY_PATH_MAX], text[SET_ERROR_MAX];
	struct buf b = buf_wrap(path, sizeof(path));
	struct buf error = buf_wrap(text, sizeof(text));
	struct stat st;
	DIR *directory;

	buf_printf(&b, "%s/%s", load->folder, name);
	directory = opendir(path);
	load->no_memory |= domain == NULL || entries == NULL;
	if (directory == NULL) {
		fprintf(load->errors,
		    "%s: %s; run: chgrp avouch %s && chmod "
		    "%04o %s\n",
		    path, strerror(errno), path, KEY_FOLDER_MODE, path);
		load->faults->broken++;
	} else if (!load->no_memory) {
		if (!key_entries_read(load->folder, name, entries, &error))
			report(load, text);
		if (stat(path, &st) == 0)
			check_mode(load, path, &st);
		load_files(load, domain, entries, directory);
	}
	if (directory != NULL)
		closedir(directory);
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

/* Copies the state of the same key from the previous set. */
static void
state_carry(const struct sign_keys *previous, struct sign_key *key)
{
	const struct sign_domain *before = previous != NULL
	    ? sign_keys_domain(previous, span_str(key->domain))
	    : NULL;

	if (key->imported)
		rotation_import(&key->state);
	for (size_t i = 0; before != NULL && i < before->n_keys; i++) {
		const struct sign_key *old = before->keys[i];
		int64_t used = atomic_load(&old->used);

		if (strcmp(old->selector, key->selector) != 0 ||
		    !same_key(old->key, key->key))
			continue;
		key->state = old->state;
		if (key->state.used < used)
			key->state.used = used;
		return;
	}
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
		fprintf(errors, "%s: %s; `avouch key new` creates it\n", folder,
		    strerror(errno));
	if (keys != NULL && directory != NULL) {
		keys->refs = 1;
		if (stat(folder, &st) == 0)
			check_mode(&load, folder, &st);
		load_domains(&load, keys, directory);
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
	for (size_t i = 0; i < keys->n; i++) {
		struct sign_domain *domain = keys->domains[i];

		for (size_t k = 0; k < domain->n_keys; k++)
			state_carry(previous, domain->keys[k]);
		(void)sign_keys_decide(domain);
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
	if (atomic_load_explicit(&key->used, memory_order_relaxed) < now)
		atomic_store_explicit(&key->used, now, memory_order_relaxed);
}
