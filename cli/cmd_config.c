/*
 * cmd_config.c - avouch config: reads the configuration as the daemon does.
 */
#include "cli/cli.h"
#include "verify/conf.h"

/* An override that no longer applies is no fault, but worth a word. */
static void
warn_expired(const struct cli *c, const struct conf *conf)
{
	for (size_t i = 0; i < conf->n_overrides; i++)
		if (conf_override_expired(&conf->overrides[i], c->now))
			cli_fail(c, EX_OK,
			    "warning: override \"%s\" (line %u) has expired "
			    "and no longer applies",
			    conf->overrides[i].name, conf->overrides[i].line);
}

static void
add_setting(void *arg, const struct conf_setting *s)
{
	json_t *o = json_object();

	cli_set_text(o, "section", s->section);
	if (s->override != NULL)
		cli_set_text(o, "override", s->override);
	cli_set_text(o, "name", s->name);
	cli_set_text(o, "value", s->value);
	cli_set_text(o, "file", s->file);
	cli_set_number(o, "line", s->line);
	json_array_append_new(arg, o);
}

static int
show(const struct cli *c, const struct conf *conf)
{
	json_t *list;

	if (!c->json) {
		conf_show(conf, stdout);
		return fflush(stdout) == 0 ? EX_OK : EX_IOERR;
	}
	list = json_array();
	conf_each(conf, add_setting, list);
	return cli_print_json(list);
}

int
cmd_config(struct cli *c)
{
	const char *path = c->config != NULL ? c->config : CONF_DEFAULT_FILE;
	bool is_show = span_is(span_str(c->args[0]), "show");
	const struct conf *conf;
	int status = EX_OK;

	if (!is_show && !span_is(span_str(c->args[0]), "check"))
		return cli_fail(
		    c, EX_USAGE, "%s: either `check` or `show`", c->args[0]);
	conf = conf_read(path, stderr);
	if (conf == NULL)
		return EX_CONFIG;
	warn_expired(c, conf);
	if (is_show)
		status = show(c, conf);
	else if (c->json)
		status = cli_print_json(json_pack("{s:b}", "valid", 1));
	else
		printf("%s: no faults\n", path);
	conf_drop(conf);
	return status;
}
