/*
 * cmd_key.c - avouch key: makes, lists, checks and retires the keys that sign
 * outgoing mail.
 */
#include "cli/key/cmd_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/enum_names.h"
#include "sign/key_state.h"

/* Options that only some commands take. */
enum {
	KEY_TAKES_SELECTOR = 1,
	KEY_TAKES_NEW = 2,    /* --algorithm --pair --target */
	KEY_TAKES_IMPORT = 4, /* --domain --dry-run */
	KEY_TAKES_DNS = 8,
};

static const struct key_command {
	const char *name;
	unsigned takes;
	int min_args, max_args; /* after the name */
	int (*run)(struct key_cli *k);
} key_commands[] = {
	{ "new", KEY_TAKES_SELECTOR | KEY_TAKES_NEW, 1, 1, key_new },
	{ "list", 0, 0, 1, key_list },
	{ "check", KEY_TAKES_DNS, 0, 2, key_check },
	{ "retire", 0, 2, 2, key_retire },
	{ "revoke", 0, 2, 2, key_revoke },
	{ "due", 0, 0, 1, key_due },
	{ "import", KEY_TAKES_SELECTOR | KEY_TAKES_IMPORT, 1, CLI_ARGS_MAX - 1,
	    key_import },
};

int
key_cli_error(const struct key_cli *k, const struct buf *error)
{
	return cli_fail(
	    k->c, EX_TEMPFAIL, "%s", error->n > 0 ? error->p : "out of memory");
}

int
key_cli_domain(struct key_cli *k, const char *name)
{
	struct span normal = domain_normal(k->arena, span_str(name));

	k->domain = normal.p;
	if (normal.n > 0 && domain_is_fqdn(normal))
		return EX_OK;
	return cli_fail(k->c, EX_USAGE,
	    "%s: not a domain name; use the domain of the From addresses, such "
	    "as example.org",
	    name);
}

int
key_cli_selector(const struct key_cli *k, const char *selector)
{
	if (key_selector_is_valid(span_str(selector)))
		return EX_OK;
	return cli_fail(k->c, EX_USAGE,
	    "%s: not a valid selector; use lower-case letters, digits and "
	    "hyphens, at most %d",
	    selector, KEY_SELECTOR_MAX);
}

void
key_cli_changed(const struct key_cli *k)
{
	(void)utimensat(AT_FDCWD, k->folder, NULL, 0);
}

struct sign_keys *
key_cli_load(const struct key_cli *k, size_t *n_hosts)
{
	struct sign_keys_faults faults;
	char *text = NULL;
	size_t size = 0, n;
	FILE *errors = open_memstream(&text, &size);
	struct sign_keys *keys = errors != NULL
	    ? sign_keys_load(k->folder, NULL, errors, &faults)
	    : NULL;
	struct sign_domain *const *domains;

	if (errors != NULL)
		fclose(errors);
	cli_put_lines(stderr, span_of(text, size));
	free(text);
	if (keys == NULL)
		return NULL;
	*n_hosts = key_state_read_all(k->folder, keys);
	domains = sign_keys_domains(keys, &n);
	for (size_t i = 0; i < n; i++)
		(void)sign_keys_decide(domains[i]);
	return keys;
}

const char *
key_cli_algorithm(const struct private_key *key)
{
	static const struct enum_token names[] = {
		{ "rsa1024", 1024 },
		{ "rsa2048", 2048 },
		{ "rsa3072", 3072 },
		{ "rsa4096", 4096 },
	};
	const char *name =
	    enum_name(names, ARRAY_SIZE(names), (int)private_key_bits(key));

	if (private_key_type(key) == PRIVATE_KEY_ED25519)
		return "ed25519";
	return strcmp(name, "?") == 0 ? "rsa" : name;
}

/* The file of --config, or the default one if it exists. */
static const struct conf *
key_read_conf(const struct cli *c)
{
	if (c->config == NULL && access(CONF_DEFAULT_FILE, F_OK) != 0 &&
	    errno == ENOENT)
		return conf_defaults();
	return cli_conf_read(c->config != NULL ? c->config : CONF_DEFAULT_FILE);
}

static int
key_check_options(const struct cli *c, const struct key_command *command)
{
	const struct {
		bool given;
		unsigned option;
		const char *text;
	} options[] = {
		{ c->selector != NULL, KEY_TAKES_SELECTOR,
		    "--selector is only valid with new and import; retire and "
		    "revoke take DOMAIN SELECTOR" },
		{ c->algorithm != NULL || c->pair != NULL || c->target != NULL,
		    KEY_TAKES_NEW,
		    "--algorithm, --pair and --target are only valid with "
		    "new" },
		{ c->domain != NULL || c->dry_run, KEY_TAKES_IMPORT,
		    "--domain and --dry-run are only valid with import" },
		{ c->nameserver != NULL || c->zone != NULL || c->record != NULL,
		    KEY_TAKES_DNS,
		    "--nameserver, --zone and --record are only valid with "
		    "check" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].given &&
		    (command->takes & options[i].option) == 0)
			return cli_fail(c, EX_USAGE, "%s", options[i].text);
	if (c->n_args - 1 < command->min_args ||
	    c->n_args - 1 > command->max_args)
		return cli_fail(c, EX_USAGE,
		    "%s: wrong number of arguments (%d); usage: avouch key "
		    "[options] %s",
		    command->name, c->n_args - 1, c->command->synopsis);
	return EX_OK;
}

static int
key_run(struct cli *c, const struct key_command *command)
{
	struct key_cli k = { .c = c, .conf = key_read_conf(c) };
	int status = EX_CONFIG;

	if (k.conf != NULL) {
		k.folder = c->keys != NULL ? c->keys : k.conf->sign.keys;
		k.arena = arena_new(CLI_MEMORY);
		c->dns_conf = k.conf;
		status = k.arena == NULL
		    ? cli_fail(c, EX_TEMPFAIL, "out of memory")
		    : k.folder == NULL
		    ? cli_fail(c, EX_CONFIG,
			  "sign.keys is empty; set it, or use --keys DIR")
		    : command->run(&k);
	}
	c->dns_conf = NULL;
	arena_free(k.arena);
	conf_unref(k.conf);
	return status;
}

int
cmd_key(struct cli *c)
{
	if (!private_key_protect_memory())
		return cli_fail(c, EX_TEMPFAIL,
		    "core dumps, which would contain keys, cannot be "
		    "forbidden: %s",
		    strerror(errno));
	for (size_t i = 0; i < ARRAY_SIZE(key_commands); i++) {
		int status;

		if (strcmp(c->args[0], key_commands[i].name) != 0)
			continue;
		status = key_check_options(c, &key_commands[i]);
		return status == EX_OK ? key_run(c, &key_commands[i]) : status;
	}
	return cli_fail(c, EX_USAGE,
	    "unknown command: key %s; usage: avouch key [options] %s",
	    c->args[0], c->command->synopsis);
}
