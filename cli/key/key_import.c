/*
 * key_import.c - avouch key import: imports the keys of other signers.  The
 * keys may sign immediately, because they are already in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/key/cmd_key.h"
#include "lib/scan.h"
#include "sign/key_tables.h"

enum { IMPORT_FILES_MAX = 2 };

struct key_importer {
	struct key_cli *k;
	struct key_tables *tables;
	struct key_entries *entries;
	FILE *errors;
	json_t *list;
	bool ok;
	size_t imported;
};

static void
import_error(struct key_importer *m, const char *where, const char *text)
{
	fprintf(
	    m->errors, "%s%s%s\n", where, where[0] != '\0' ? ": " : "", text);
	m->ok = false;
}

/* ---- one key ---- */

static void
import_print(struct key_importer *m, const char *domain, const char *selector,
    const char *path, const char *what)
{
	json_t *one;

	if (!m->k->c->json) {
		printf("%s %s: %s (%s)\n", domain, selector, what, path);
		return;
	}
	one = json_object();
	cli_set_text(one, "domain", domain);
	cli_set_text(one, "selector", selector);
	cli_set_text(one, "file", path);
	cli_set_text(one, "result", what);
	json_array_append_new(m->list, one);
}

/* Writes the list of selectors and, if `key` is given, the key file. */
static void
import_write(struct key_importer *m, const char *domain, const char *selector,
    const char *path, const struct private_key *key)
{
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));

	if (m->k->c->dry_run) {
		import_print(m, domain, selector, path, "would be imported");
		return;
	}
	if (!key_entries_write(m->k->folder, domain, m->entries, &error) ||
	    (key != NULL &&
		!key_file_write(m->k->folder, domain, selector, key, &error))) {
		import_error(m, "", text);
		return;
	}
	m->imported++;
	import_print(m, domain, selector, path, "imported");
}

static bool
has_key_file(
    const struct key_importer *m, const char *domain, const char *selector)
{
	char path[KEY_PATH_MAX];

	snprintf(
	    path, sizeof(path), "%s/%s/%s.pem", m->k->folder, domain, selector);
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* Handles a key whose selector already exists, which is an error unless the
 * keys are equal, or an earlier import was interrupted before it wrote the
 * key. */
static void
import_again(struct key_importer *m, const char *domain,
    struct key_entry *entry, const char *path, const struct private_key *key)
{
	char old_path[KEY_PATH_MAX], text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	bool stopped = entry->retired > 0 || entry->revoked > 0;
	struct private_key *old;
	struct stat st;

	snprintf(old_path, sizeof(old_path), "%s/%s/%s.pem", m->k->folder,
	    domain, entry->selector);
	if (entry->imported && !stopped &&
	    !has_key_file(m, domain, entry->selector)) {
		import_write(m, domain, entry->selector, path, key);
		return;
	}
	old = key_file_read(old_path, &st, &error);
	if (old == NULL ||
	    memcmp(private_key_id(old), private_key_id(key),
		CRYPTO_HASH_SIZE) != 0) {
		import_error(m, old_path,
		    "another key has or had this selector; a selector is never "
		    "reused");
	} else if (entry->imported || stopped) {
		import_print(m, domain, entry->selector, path, "already there");
	} else {
		entry->imported = true;
		import_write(m, domain, entry->selector, path, NULL);
	}
	private_key_unref(old);
}

static void
import_new(struct key_importer *m, const char *domain, const char *selector,
    const char *path, const struct private_key *key, int64_t created)
{
	struct key_entry *entry;

	if (m->entries->n == KEY_SELECTORS_MAX) {
		import_error(m, domain, "too many selectors");
		return;
	}
	entry = &m->entries->list[m->entries->n++];
	*entry = (struct key_entry){ .created = created };
	memcpy(entry->selector, selector, strlen(selector) + 1);
	if (has_key_file(m, domain, selector)) { /* put there by hand */
		import_again(m, domain, entry, path, key);
		return;
	}
	entry->imported = true;
	import_write(m, domain, selector, path, key);
}

static void
import_key(struct key_importer *m, const char *domain, const char *selector,
    const char *path)
{
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	struct stat st;
	struct private_key *key = key_file_read(path, &st, &error);
	struct key_entry *entry;

	if (key == NULL) {
		import_error(m, "", text);
		return;
	}
	if (!key_entries_read(m->k->folder, domain, m->entries, &error))
		import_error(m, "", text);
	else if ((entry = key_entry_find(m->entries, span_str(selector))) !=
	    NULL)
		import_again(m, domain, entry, path, key);
	else
		import_new(m, domain, selector, path, key, st.st_mtime);
	private_key_unref(key);
}

/* ---- files ---- */

static bool
is_pem(struct span text)
{
	return text.n > 0 && memmem(text.p, text.n, "-----BEGIN ", 11) != NULL;
}

static void
import_pem(struct key_importer *m, const char *path)
{
	const struct cli *c = m->k->c;

	if (c->domain == NULL || c->selector == NULL)
		import_error(m, path,
		    "this is a key; specify its owner with --domain and "
		    "--selector");
	else if (key_cli_domain(m->k, c->domain) != EX_OK ||
	    key_cli_selector(m->k, c->selector) != EX_OK)
		m->ok = false;
	else
		import_key(m, m->k->domain, c->selector, path);
}

static void import_file(struct key_importer *m, const char *path, bool is_top);

/* Imports the key in KeyFile for each domain in Domain, with the selector in
 * Selector. */
static void
import_opendkim_key(struct key_importer *m, struct span text, const char *conf)
{
	struct span selector = arena_copy(
	    m->k->arena, key_tables_opendkim_option(text, "Selector"));
	struct span file = arena_copy(
	    m->k->arena, key_tables_opendkim_option(text, "KeyFile"));
	struct scan domains =
	    scan_of(key_tables_opendkim_option(text, "Domain"));

	if (scan_done(&domains) || selector.n == 0) {
		import_error(m, conf,
		    "KeyFile also needs Domain and Selector; add them, or "
		    "import the key file with --domain and --selector");
		return;
	}
	while (!scan_done(&domains)) {
		struct span domain =
		    arena_copy(m->k->arena, scan_until(&domains, ','));

		(void)scan_byte(&domains, ',');
		if (domain.n == 0)
			continue;
		if (key_cli_domain(m->k, domain.p) != EX_OK ||
		    key_cli_selector(m->k, selector.p) != EX_OK)
			m->ok = false;
		else
			import_key(m, m->k->domain, selector.p, file.p);
	}
}

/* Reads the tables that an opendkim.conf names. */
static void
import_opendkim_conf(struct key_importer *m, struct span text)
{
	static const char *const names[IMPORT_FILES_MAX] = { "KeyTable",
		"SigningTable" };

	for (int i = 0; i < IMPORT_FILES_MAX; i++) {
		struct span path = arena_copy(
		    m->k->arena, key_tables_opendkim_option(text, names[i]));

		if (path.n > 0)
			import_file(m, path.p, false);
	}
}

static void
import_file(struct key_importer *m, const char *path, bool is_top)
{
	struct span text;
	char *memory;

	if (!key_file_text(path, KEY_TABLE_FILE_MAX, &memory, &text)) {
		import_error(m, path, strerror(errno));
		return;
	}
	if (is_top && is_pem(text))
		import_pem(m, path);
	else if (is_top &&
	    (key_tables_opendkim_option(text, "KeyTable").n > 0 ||
		key_tables_opendkim_option(text, "SigningTable").n > 0))
		import_opendkim_conf(m, text);
	else if (is_top && key_tables_opendkim_option(text, "KeyFile").n > 0)
		import_opendkim_key(m, text, path);
	else if (!key_tables_read(m->tables, path, text, m->errors))
		m->ok = false;
	explicit_bzero(memory, text.n);
	free(memory);
}

static void
import_tables(struct key_importer *m)
{
	bool ok;
	const struct key_table_key *key =
	    key_tables_resolve(m->tables, m->errors, m->errors, &ok);

	m->ok &= ok;
	for (; key != NULL; key = key->next)
		import_key(m, key->domain, key->selector, key->path);
}

/* ---- the command ---- */

static int
import_run(struct key_importer *m)
{
	const struct cli *c = m->k->c;
	char *text = NULL;
	size_t size = 0;
	json_t *result;

	m->errors = open_memstream(&text, &size);
	if (m->errors == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	for (int i = 1; i < c->n_args; i++)
		import_file(m, c->args[i], true);
	import_tables(m);
	fclose(m->errors);
	if (c->json) {
		result = json_object();
		cli_set(result, "keys", json_incref(m->list));
		(void)cli_print_json(result);
	}
	fflush(stdout);
	cli_put_lines(stderr, span_of(text, size));
	free(text);
	if (m->imported > 0)
		key_cli_changed(m->k);
	if (m->imported > 0 && !c->json)
		puts("They sign from now on, even before their records are "
		     "found. `avouch key check`\nchecks the records.");
	return m->ok ? EX_OK : EX_DATAERR;
}

int
key_import(struct key_cli *k)
{
	struct key_importer m = { .k = k, .ok = true };
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	int status = EX_TEMPFAIL, lock = -1;

	if (!k->c->dry_run) {
		if (!key_folder_create(k->folder, k->conf->user, &error))
			return key_cli_error(k, &error);
		lock = key_folder_lock(k->folder, &error);
		if (lock < 0)
			return key_cli_error(k, &error);
	}
	m.tables = key_tables_new();
	m.entries = arena_alloc(k->arena, sizeof(*m.entries));
	m.list = json_array();
	if (m.tables != NULL && m.entries != NULL)
		status = import_run(&m);
	else
		(void)cli_fail(k->c, EX_TEMPFAIL, "out of memory");
	json_decref(m.list);
	key_tables_free(m.tables);
	if (lock >= 0)
		close(lock);
	return status;
}
