/*
 * cmd_sign.c - avouch sign: signs a message file with one key, offline.  This
 * is for tests, and for mail that does not pass through a milter.  `avouch sign
 * doctor` and `avouch sign test` check the mail system.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/message.h"
#include "cli/sign/cmd_sign.h"
#include "conf/conf.h"
#include "lib/domain.h"
#include "sign/key_folder.h"
#include "sign/signature_field.h"

enum { SIGN_ERROR_MAX = 1024 };

struct file_to_sign {
	struct cli *c;
	const struct conf *conf;
	struct message m;
	struct span domain, selector;
	struct private_key *key;
	struct span value; /* value of the DKIM-Signature field */
};

/* Reads --domain and --selector, and converts them to normal form. */
static int
sign_names_read(struct file_to_sign *f)
{
	struct cli *c = f->c;

	if (c->domain == NULL || c->selector == NULL)
		return cli_fail(c, EX_USAGE,
		    "needs --domain and --selector, the d= and s= of the "
		    "signature");
	f->domain = domain_normal(f->m.arena, span_str(c->domain));
	if (!domain_is_fqdn(f->domain))
		return cli_fail(
		    c, EX_USAGE, "--domain %s: not a domain name", c->domain);
	f->selector = domain_normal(f->m.arena, span_str(c->selector));
	if (!key_selector_is_valid(f->selector))
		return cli_fail(c, EX_USAGE,
		    "--selector %s: not a selector; use letters, digits and "
		    "hyphens",
		    c->selector);
	return EX_OK;
}

static int
sign_key_read(struct file_to_sign *f)
{
	char path[KEY_PATH_MAX], text[SIGN_ERROR_MAX] = "";
	struct buf p = buf_wrap(path, sizeof(path));
	struct buf error = buf_wrap(text, sizeof(text));
	struct cli *c = f->c;
	struct stat st;

	if (c->key_file != NULL)
		buf_text(&p, c->key_file);
	else {
		buf_text(&p, c->keys != NULL ? c->keys : f->conf->sign.keys);
		buf_byte(&p, '/');
		buf_span(&p, f->domain);
		buf_byte(&p, '/');
		buf_span(&p, f->selector);
		buf_text(&p, ".pem");
	}
	if (p.full)
		return cli_fail(c, EX_USAGE, "the path of the key is too long");
	f->key = key_file_read(path, &st, &error);
	return f->key != NULL ? EX_OK : cli_fail(c, EX_DATAERR, "%s", text);
}

static bool
sign_take_body(void *arg, struct span chunk)
{
	body_hashes_add(arg, chunk);
	return true;
}

/* Sets f->value.  Returns false if memory ran out or OpenSSL failed. */
static bool
sign_make_field(struct file_to_sign *f, struct body_hashes *hashes)
{
	struct signature_names names;
	struct signature_request r = {
		.index = header_index_new(f->m.arena, &f->m.header),
		.names = &names,
		.domain = f->domain,
		.selector = f->selector,
		.key = private_key_crypto(f->key),
		.now = f->c->now,
		.expire = f->conf->sign.expire,
	};
	int body = hashes != NULL
	    ? body_hashes_request(hashes, CANON_RELAXED, BODY_WHOLE)
	    : -1;
	const uint8_t *hash;

	if (body < 0 || r.index == NULL ||
	    !signature_names_choose(r.index, f->conf->sign.oversign,
		f->conf->sign.omit, f->m.arena, &names))
		return false;
	input_body(&f->m.in, f->m.body, sign_take_body, hashes);
	body_hashes_end(hashes);
	hash = body_hashes_get(hashes, body);
	if (hash == NULL)
		return false;
	memcpy(r.body_hash, hash, sizeof(r.body_hash));
	f->value = signature_field_make(&r, f->m.arena);
	return f->value.p != NULL;
}

/* Prints the signed message, with the line ends of the original. */
static int
sign_print(const struct file_to_sign *f)
{
	struct span text = f->m.in.text;
	size_t lf = span_index(text, '\n');
	bool crlf = lf > 0 && lf < text.n && text.p[lf - 1] == '\r';
	struct scan header = mail_header_open(text);

	if (f->c->json) {
		json_t *o = json_object();

		cli_set_text(o, "name", SIGNATURE_FIELD_NAME);
		cli_set_span(o, "value", f->value);
		return cli_print_json(o);
	}
	fputs(SIGNATURE_FIELD_NAME ":", stdout);
	for (size_t i = 0; i < f->value.n; i++)
		if (crlf || f->value.p[i] != '\r')
			putchar(f->value.p[i]);
	fputs(crlf ? "\r\n" : "\n", stdout);
	fwrite(header.p, 1, scan_rest(&header).n, stdout);
	return EX_OK;
}

static int
sign_message_file(struct file_to_sign *f)
{
	struct body_hashes *hashes = body_hashes_new(f->m.arena);
	int status = sign_names_read(f);

	if (status == EX_OK && (f->m.header.cut || f->m.header.nul))
		status = cli_fail(f->c, EX_DATAERR,
		    "the header is too large or contains a NUL byte; it cannot "
		    "be signed");
	if (status == EX_OK)
		status = sign_key_read(f);
	if (status == EX_OK && !sign_make_field(f, hashes))
		status = cli_fail(f->c, EX_TEMPFAIL,
		    "out of memory, or OpenSSL cannot use the key");
	if (status == EX_OK)
		status = sign_print(f);
	private_key_unref(f->key);
	body_hashes_free(hashes);
	return status;
}

/* Calls `run` with the configuration of this host. */
static int
sign_run(struct cli *c, int (*run)(struct cli *c, const struct conf *conf))
{
	const char *path = c->config != NULL ? c->config : CONF_DEFAULT_FILE;
	const struct conf *conf = c->config == NULL && access(path, F_OK) != 0
	    ? conf_defaults()
	    : cli_conf_read(path);
	int status = EX_CONFIG;

	c->dns_conf = conf;
	if (conf != NULL)
		status = run(c, conf);
	c->dns_conf = NULL;
	conf_unref(conf);
	return status;
}

static int
run_doctor(struct cli *c)
{
	return sign_run(c, sign_doctor);
}

static int
run_test(struct cli *c)
{
	return sign_run(c, sign_test);
}

const struct cli_action sign_actions[] = {
	{ "doctor", "", "find Postfix settings that break signatures",
	    CLI_WITH_CONFIG, 0, 0, 0, run_doctor },
	{ "test", "ADDRESS", "send a message by each route, and verify it",
	    CLI_WITH_CONFIG | CLI_WITH_DNS, CLI_TAKES_SUBMISSION, 1, 1,
	    run_test },
	{ 0 },
};

static int
sign_file(struct cli *c)
{
	struct file_to_sign f = { .c = c };
	int status;

	if (c->n_args != 1 || c->submission != NULL || c->sink != NULL ||
	    c->login != NULL || c->nameserver != NULL || c->zone != NULL ||
	    c->record != NULL)
		return cli_fail(c, EX_USAGE,
		    "needs one FILE, and no options of sign test; usage: "
		    "avouch sign [options] %s",
		    c->command->synopsis);
	f.conf = c->config != NULL ? cli_conf_read(c->config)
				   : conf_ref(c->defaults);
	if (f.conf == NULL)
		return EX_CONFIG;
	status = message_open(c, &f.m, c->args[0]);
	if (status == EX_OK) {
		status = sign_message_file(&f);
		message_close(&f.m);
	}
	conf_unref(f.conf);
	return status;
}

int
cmd_sign(struct cli *c)
{
	return c->domain == NULL &&
		cli_action_find(c->command, c->args[0]) != NULL
	    ? cli_action_run(c)
	    : sign_file(c);
}
