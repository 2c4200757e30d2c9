/*
 * cmd_config.c - avouch config: reads the configuration as the daemon does, and
 * converts the configurations of programs that avouch replaces.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/import.h"
#include "cli/input.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "conf/conf.h"
#include "host/check.h"
#include "sign/keys.h"

enum { ERROR_MAX = 512 };

/* A stream that writes to memory. */
struct text {
	FILE *file;
	char *p;
	size_t n;
};

static int
text_open(const struct cli *c, struct text *t)
{
	*t = (struct text){ .p = NULL };
	t->file = open_memstream(&t->p, &t->n);
	return t->file != NULL ? EX_OK
			       : cli_fail(c, EX_TEMPFAIL, "out of memory");
}

/* Returns the bytes written; they are valid until text_free(). */
static struct span
text_end(struct text *t)
{
	fclose(t->file);
	return span_of(t->p, t->n);
}

static void
text_free(struct text *t)
{
	free(t->p);
}

/* ---- check and show ---- */

static const char *
config_path(const struct cli *c)
{
	return c->config != NULL ? c->config : CONF_DEFAULT_FILE;
}

/* Warns about expired overrides, which are not errors. */
static void
warn_expired(const struct cli *c, const struct conf *conf, FILE *out)
{
	for (size_t i = 0; i < conf->n_overrides; i++)
		if (conf_override_expired(&conf->overrides[i], c->now))
			fprintf(out,
			    "%s:%u: override \"%s\" has expired and no "
			    "longer applies; remove it, or set a later date\n",
			    config_path(c), conf->overrides[i].line,
			    conf->overrides[i].name);
}

/* Warns about options that need another option to have any effect. */
static void
warn_reports(const struct cli *c, const struct conf *conf, FILE *out)
{
	bool failures = conf->report.failure_reports;
	const char *wanted = failures ? "failure_reports" : "email";

	if (conf->report.store == NULL &&
	    (failures || conf->report.email != NULL))
		fprintf(out,
		    "%s: report { %s } is set, but store is not: nothing is "
		    "stored, and no reports are created; set store as well\n",
		    config_path(c), wanted);
	else if (failures && conf->report.email == NULL)
		fprintf(out,
		    "%s: report { failure_reports } is set, but email is not: "
		    "no reports are sent; set email as well\n",
		    config_path(c));
}

/* Warns about values that let forged mail through. */
static void
warn_risk(void *arg, const struct conf_setting *s)
{
	static const struct {
		const char *section, *name, *value, *text;
	} risks[] = {
		{ "dmarc", "on_invalid_from", "accept",
		    "mail with an invalid From, which may show any author, is "
		    "delivered; write reject" },
		{ "dmarc", "on_invalid_from", "annotate",
		    "mail with an invalid From, which may show any author, is "
		    "delivered; write reject" },
		{ "", "on_overload", "accept",
		    "anyone who overloads this host can deliver forged mail; "
		    "write tempfail" },
	};
	FILE *out = arg;

	for (size_t i = 0; i < ARRAY_SIZE(risks); i++)
		if (s->override == NULL &&
		    strcmp(s->section, risks[i].section) == 0 &&
		    strcmp(s->name, risks[i].name) == 0 &&
		    strcmp(s->value, risks[i].value) == 0)
			fprintf(out, "%s:%u: %s%s%s = %s: %s\n", s->file,
			    s->line, s->section,
			    s->section[0] != '\0' ? "." : "", s->name, s->value,
			    risks[i].text);
}

static void
warn(const struct cli *c, const struct conf *conf, FILE *out)
{
	conf_print_warnings(conf, out);
	conf_each(conf, warn_risk, out);
	warn_expired(c, conf, out);
	warn_reports(c, conf, out);
}

static json_t *
lines_json(struct span text)
{
	struct scan s = scan_of(text);
	json_t *list = json_array();

	while (!scan_done(&s)) {
		json_array_append_new(list, cli_json(scan_until(&s, '\n')));
		scan_byte(&s, '\n');
	}
	return list;
}

static void
report(
    const struct cli *c, bool valid, struct span faults, struct span warnings)
{
	json_t *o;

	if (c->json) {
		o = json_object();
		cli_set_text(o, "file", config_path(c));
		cli_set_bool(o, "valid", valid);
		cli_set(o, "faults", lines_json(faults));
		cli_set(o, "warnings", lines_json(warnings));
		cli_print_json(o);
		return;
	}
	cli_put_lines(stderr, faults);
	cli_put_lines(stderr, warnings);
	if (valid)
		printf("%s: no errors\n", config_path(c));
}

/* Returns false if a private key is world-readable or invalid.  Other findings
 * are only warnings. */
static bool
keys_check(const struct conf *conf, FILE *faults, FILE *warnings)
{
	struct sign_keys_faults found = { 0 };
	struct sign_keys *keys = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *out;
	bool good;

	if (conf->sign.keys == NULL || access(conf->sign.keys, F_OK) != 0)
		return true;
	out = open_memstream(&text, &size);
	if (out != NULL) {
		keys = sign_keys_load(conf->sign.keys, NULL, out, &found);
		fclose(out);
	}
	good = keys != NULL && found.broken == 0 && found.world_readable == 0;
	if (text != NULL)
		fwrite(text, 1, size, good ? warnings : faults);
	free(text);
	sign_keys_unref(keys);
	return good;
}

static int
run_check(struct cli *c)
{
	struct text faults, warnings;
	const struct conf *conf;
	bool valid;
	int status = text_open(c, &faults);

	if (status == EX_OK)
		status = text_open(c, &warnings);
	if (status != EX_OK)
		return status;
	conf = conf_read(config_path(c), faults.file);
	if (conf != NULL)
		warn(c, conf, warnings.file);
	valid = conf != NULL &&
	    (c->syntax ||
		(host_check(conf, faults.file, warnings.file) &&
		    keys_check(conf, faults.file, warnings.file)));
	report(c, valid, text_end(&faults), text_end(&warnings));
	text_free(&faults);
	text_free(&warnings);
	status = valid ? EX_OK : EX_CONFIG;
	conf_unref(conf);
	return status;
}

static void
add_setting(void *arg, const struct conf_setting *s)
{
	json_t *o = json_object();

	cli_set_text(o, "section", s->section);
	cli_set_text(o, "override", s->override);
	cli_set_text(o, "name", s->name);
	cli_set_text(o, "value", s->value);
	cli_set_text(o, "file", s->file);
	cli_set_number(o, "line", s->line);
	json_array_append_new(arg, o);
}

static int
run_show(struct cli *c)
{
	const struct conf *conf = cli_conf_read(config_path(c));
	struct text warnings;
	json_t *list;
	int status;

	if (conf == NULL)
		return EX_CONFIG;
	status = text_open(c, &warnings);
	if (status == EX_OK) {
		warn(c, conf, warnings.file);
		cli_put_lines(stderr, text_end(&warnings));
		text_free(&warnings);
	}
	if (status == EX_OK && c->json) {
		list = json_array();
		conf_each(conf, add_setting, list);
		cli_print_json(list);
	} else if (status == EX_OK) {
		conf_show(conf, stdout);
	}
	conf_unref(conf);
	return status;
}

/* ---- import ---- */

/* Reads a file named by a setting; the import continues if that fails. */
static struct span
read_named(void *arg, const char *path, struct arena *a)
{
	struct span text = SPAN_NONE;
	char error[ERROR_MAX];
	struct input in;

	(void)arg;
	if (!input_open(&in, path, error, sizeof(error)))
		return SPAN_NONE;
	if (in.text.n <= IMPORT_FILE_MAX)
		text = arena_copy(a, in.text);
	input_close(&in);
	return text;
}

static int
import_file(
    const struct cli *c, struct import *im, struct arena *a, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	const char *name = is_stdin ? "standard input" : path;
	char error[ERROR_MAX];
	struct input in;
	struct span text;
	bool is_large;

	if (!input_open(&in, path, error, sizeof(error)))
		return cli_fail(c, EX_DATAERR, "%s", error);
	is_large = in.text.n > IMPORT_FILE_MAX;
	text = is_large ? SPAN_NONE : arena_copy(a, in.text);
	input_close(&in);
	if (is_large)
		return cli_fail(c, EX_DATAERR,
		    "%s: more than %d bytes; this is not a configuration file",
		    name, IMPORT_FILE_MAX);
	if (text.p == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	if (!import_add(im, name, text))
		return cli_fail(c, EX_DATAERR,
		    "%s: not a configuration of opendkim, opendmarc or "
		    "policyd-spf, or it has more than %d settings",
		    name, IMPORT_SETTINGS_MAX);
	return EX_OK;
}

/* An incomplete configuration must not be used, so nothing is printed unless
 * every file was converted. */
static int
import_all(struct cli *c, struct import *im, struct arena *a)
{
	struct text made;
	struct span text;
	json_t *o;
	bool ok;
	int status = EX_OK;

	for (int i = 1; i < c->n_args && status == EX_OK; i++)
		status = import_file(c, im, a, c->args[i]);
	if (status == EX_OK)
		status = text_open(c, &made);
	if (status != EX_OK)
		return status;
	ok = import_print(im, made.file);
	text = text_end(&made);
	if (!ok) {
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	} else if (c->json) {
		o = json_object();
		cli_set_span(o, "configuration", text);
		cli_print_json(o);
	} else {
		fwrite(text.p, 1, text.n, stdout);
	}
	text_free(&made);
	return status;
}

static int
run_import(struct cli *c)
{
	struct arena *a = arena_new(CLI_MEMORY);
	struct import *im = a != NULL ? import_new(a, read_named, NULL) : NULL;
	int status;

	if (im == NULL)
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	else
		status = import_all(c, im, a);
	arena_free(a);
	return status;
}

/* ---- command ---- */

static const struct {
	const char *name;
	bool takes_files;
	int (*run)(struct cli *c);
} words[] = {
	{ "check", false, run_check },
	{ "show", false, run_show },
	{ "import", true, run_import },
};

int
cmd_config(struct cli *c)
{
	struct span word = span_str(c->args[0]);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!span_is(word, words[i].name))
			continue;
		if (words[i].takes_files && c->n_args == 1)
			return cli_fail(c, EX_USAGE,
			    "%s needs files to read: avouch config %s "
			    "FILE...",
			    words[i].name, words[i].name);
		if (words[i].takes_files && c->config != NULL)
			return cli_fail(c, EX_USAGE,
			    "--config cannot be used with %s, which reads the "
			    "files given as arguments",
			    words[i].name);
		if (!words[i].takes_files && c->n_args > 1)
			return cli_fail(c, EX_USAGE,
			    "%s: use --config FILE to name the file; the "
			    "default is " CONF_DEFAULT_FILE,
			    c->args[1]);
		if (c->syntax && words[i].run != run_check)
			return cli_fail(c, EX_USAGE,
			    "--syntax can only be used with check");
		return words[i].run(c);
	}
	return cli_fail(
	    c, EX_USAGE, "%s: must be check, show or import", c->args[0]);
}
