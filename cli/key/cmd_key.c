/*
 * cmd_key.c - avouch key: creates, lists, checks and retires keys that sign
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
	    "hyphens, at most %d characters",
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
	*n_hosts = key_state_read_all(k->folder, keys, k->c->now);
	domains = sign_keys_domains(keys, &n);
	for (size_t i = 0; i < n; i++)
		(void)sign_keys_decide(domains[i]);
	return keys;
}

bool
key_cli_signs(const struct sign_key *key)
{
	return key->phase == ROTATION_ACTIVE || key->phase == ROTATION_ALARM;
}

bool
key_cli_is_recorded(const struct sign_key *key)
{
	/* the number of hosts, see key_state_read_all() */
	return key->quiet > 0;
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

/* Reads the file given with --config, or the default file if it exists. */
static const struct conf *
key_read_conf(const struct cli *c)
{
	if (c->config == NULL && access(CONF_DEFAULT_FILE, F_OK) != 0 &&
	    errno == ENOENT)
		return conf_defaults();
	return cli_conf_read(c->config != NULL ? c->config : CONF_DEFAULT_FILE);
}

static int
key_run(struct cli *c, int (*run)(struct key_cli *k))
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
		    : run(&k);
	}
	c->dns_conf = NULL;
	arena_free(k.arena);
	conf_unref(k.conf);
	return status;
}

int
cmd_key(struct cli *c)
{
	if (private_key_protect_memory())
		return cli_action_run(c);
	return cli_fail(c, EX_TEMPFAIL,
	    "cannot disable core dumps, which would contain keys: %s",
	    strerror(errno));
}

/* ---- the actions ---- */

static int
run_new(struct cli *c)
{
	return key_run(c, key_new);
}

static int
run_list(struct cli *c)
{
	return key_run(c, key_list);
}

static int
run_check(struct cli *c)
{
	return key_run(c, key_check);
}

static int
run_retire(struct cli *c)
{
	return key_run(c, key_retire);
}

static int
run_revoke(struct cli *c)
{
	return key_run(c, key_revoke);
}

static int
run_due(struct cli *c)
{
	return key_run(c, key_due);
}

static int
run_import(struct cli *c)
{
	return key_run(c, key_import);
}

enum { KEY_OPTIONS = CLI_WITH_CONFIG | CLI_WITH_SIGN };

const struct cli_action key_actions[] = {
	{ "new", "DOMAIN", "make a key, and print the record to publish",
	    KEY_OPTIONS | CLI_WITH_KEYS, CLI_TAKES_SELECTOR | CLI_TAKES_NEW, 1,
	    1, run_new },
	{ "list", "[DOMAIN]", "show the keys and which of them sign",
	    KEY_OPTIONS, 0, 0, 1, run_list },
	{ "check", "[DOMAIN [SELECTOR]]",
	    "query all name servers for the keys' records",
	    KEY_OPTIONS | CLI_WITH_DNS, 0, 0, 2, run_check },
	{ "retire", "DOMAIN SELECTOR",
	    "retire a key: it signs only if no other key can", KEY_OPTIONS, 0,
	    2, 2, run_retire },
	{ "revoke", "DOMAIN SELECTOR",
	    "revoke a key: it stops signing immediately", KEY_OPTIONS, 0, 2, 2,
	    run_revoke },
	{ "due", "[DOMAIN]", "show keys that are too old or can be removed",
	    KEY_OPTIONS | CLI_WITH_KEYS, CLI_TAKES_AGE, 0, 1, run_due },
	{ "import", "FILE...",
	    "copy keys from opendkim or rspamd, or PEM files",
	    KEY_OPTIONS | CLI_WITH_KEYS,
	    CLI_TAKES_SELECTOR | CLI_TAKES_DOMAIN | CLI_TAKES_DRY_RUN, 1,
	    CLI_ARGS_MAX - 1, run_import },
	{ 0 },
};
