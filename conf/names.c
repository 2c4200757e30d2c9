#include "conf/names.h"

#include <string.h>

/* ---- similar names ---- */

enum {
	NAME_MAX_BYTES = 40, /* longer names do not resemble any option */
	NEAR_MAX = 3,        /* names that need more edits are not similar */
};

/* Returns the number of edits (insert, delete, replace) that turn `a` into
 * `b`. */
static size_t
distance(const char *a, const char *b)
{
	size_t n = strlen(b);
	size_t row[NAME_MAX_BYTES + 1];

	if (strlen(a) > NAME_MAX_BYTES || n > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= n; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= n; j++) {
			size_t best = corner + (a[i - 1] != b[j - 1]);

			corner = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

static const char *
nearest(const char *section, const char *name)
{
	size_t best = NEAR_MAX + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < conf_n_options; i++) {
		const struct conf_option *o = &conf_options[i];
		const char *candidate = NULL;

		if (strcmp(o->section, section) == 0)
			candidate = o->name;
		else if (section[0] == '\0')
			candidate = o->section;
		if (candidate == NULL)
			continue;

		size_t d = distance(name, candidate);

		/* not similar if half or more of the word differs */
		if (d < best && d * 2 < strlen(candidate)) {
			best = d;
			nearest = candidate;
		}
	}
	return nearest;
}

static const char *
other_section(const char *section, const char *name)
{
	for (size_t i = 0; i < conf_n_options; i++)
		if (strcmp(conf_options[i].section, section) != 0 &&
		    strcmp(conf_options[i].name, name) == 0)
			return conf_options[i].section;
	return NULL;
}

/* ---- names of earlier versions ---- */

struct old_name {
	const char *section;
	const char *name;
	const char *new_name; /* in the same section; NULL: removed */
	const char *why;      /* what applies instead if it was removed */
};

static const struct old_name old_names[] = {
	{ "", "confine", "sandbox", NULL },
	{ "", "max_questions", NULL, "it is always 200" },
	{ "", "pid_file", NULL, "service managers do not need one" },
	{ "dns", "first_timeout", NULL, "it is derived from timeout" },
	{ "dns", "timeout", NULL, "it is derived from the option timeout" },
	{ "dns", "trust_ad", NULL, "it had no effect" },
	{ "dns", "zone", NULL, "nameservers = \"zone:/PATH\" does the same" },
	{ "cache", "max_ttl", NULL, "it is always 1d" },
	{ "cache", "max_negative_ttl", NULL, "it is always 1h" },
	{ "cache", "failure_ttl", NULL, "it is always 5s" },
	{ "cache", "serve_stale", NULL,
	    "a resolver can do this: serve-expired and serve-expired-ttl of "
	    "unbound" },
	{ "spf", "on_weak_pass", NULL,
	    "a pass is accepted, however weak the record is" },
	{ "spf", "ignore_spf_if_dmarc_passes", NULL,
	    "SPF actions never apply to mail that passes DMARC" },
	{ "spf", "spare_dmarc_pass", NULL,
	    "SPF actions never apply to mail that passes DMARC" },
	{ "spf", "received_spf", NULL,
	    "filters must read Authentication-Results, because Received-SPF "
	    "is neither written nor removed" },
	{ "dkim", "on_permerror", NULL,
	    "such mail is not refused: a broken signature is treated like "
	    "none" },
	{ "dkim", "max_rsa_bits", NULL, "it is always 8192" },
	{ "dkim", "max_signatures", NULL, "it is always 10" },
	{ "dkim", "clock_skew", NULL, "it is always 5m" },
	{ "dkim", "ignore_expiry", NULL, "expired signatures always fail" },
	{ "dkim", "allow_body_tail", NULL,
	    "signatures that leave the end of the body unsigned never pass" },
	{ "dmarc", "quarantine_header", NULL,
	    "it is always X-Avouch-Quarantine, so filters must look for that" },
	{ "dmarc", "on_permerror", NULL,
	    "a record that cannot be used is treated like none; see "
	    "unauthenticated.action" },
	{ "dmarc", "pct_zero_is_testing", NULL,
	    "pct is always ignored (RFC 9989 appendix A.6)" },
	{ "reply", "tempfail_text", NULL, "the built-in text is always used" },
	{ "report", "compat", "xml_format", NULL },
	{ "report", "spread", NULL,
	    "it is always 8h, so run avouch report send every hour" },
	{ "report", "send_window", NULL,
	    "it is always 8h, so run avouch report send every hour" },
	{ "report", "contact", NULL, "email is the contact address" },
	{ "report", "min_messages", NULL, "it is always 1" },
	{ "report", "max_per_address", NULL, "it is always 5000" },
	{ "report", "max_rows", NULL, "it is always 50000" },
	{ "report", "max_size", NULL, "it is always 10M" },
	{ "report", "bounce_pause", NULL, "it is always 30d" },
	{ "report", "failure_max_per_domain", NULL, "it is always 10" },
	{ "report", "failure_max_per_day", NULL, "it is always 500" },
	{ "sign", "max_age", NULL,
	    "it is 180d unless avouch key due has --age" },
	{ "override", "report_reason", NULL,
	    "aggregate reports never contain the reason" },
};

static const struct old_name *
find_old(const char *section, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(old_names); i++)
		if (strcmp(old_names[i].section, section) == 0 &&
		    strcmp(old_names[i].name, name) == 0)
			return &old_names[i];
	return NULL;
}

const char *
conf_new_value(struct span value)
{
	return span_is_nocase(value, "hold") ? "quarantine" : NULL;
}

/* ---- lookups for the parser ---- */

bool
conf_is_section(const char *name)
{
	for (size_t i = 0; i < conf_n_options && name[0] != '\0'; i++)
		if (strcmp(conf_options[i].section, name) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(old_names) && name[0] != '\0'; i++)
		if (strcmp(old_names[i].section, name) == 0)
			return true;
	return false;
}

void
conf_name_error(const char *section, const char *name, unsigned line,
    struct conf_errors *errors)
{
	const char *dot = section[0] != '\0' ? "." : "";
	const char *other = other_section(section, name);
	const char *near;

	if (errors->errors.is_cut)
		return; /* skip the search for similar names, which is slow */
	near = nearest(section, name);
	if (conf_option_find(section, name) != NULL)
		conf_error_add(errors, line, "%s%s%s: needs \"=\" and a value",
		    section, dot, name);
	else if (conf_is_section(name))
		conf_error_add(errors, line,
		    "%s: is a section; write %s { ... }", name, name);
	else if (other != NULL)
		conf_error_add(errors, line, "%s%s%s: belongs %s%s", section,
		    dot, name,
		    other[0] != '\0' ? "in section " : "before all sections",
		    other);
	else
		conf_error_add(errors, line, "%s%s%s: unknown name; %s%s%s",
		    section, dot, name,
		    near != NULL ? "did you mean " : "see avouch.conf(5)",
		    near != NULL ? near : "", near != NULL ? "?" : "");
}

const struct conf_option *
conf_name_find(const char *section, const char *name, unsigned line,
    struct conf_errors *errors)
{
	const struct conf_option *o = conf_option_find(section, name);
	const struct old_name *old = find_old(section, name);
	const char *dot = section[0] != '\0' ? "." : "";

	if (o != NULL)
		return o;
	if (old == NULL) {
		conf_name_error(section, name, line, errors);
	} else if (old->new_name == NULL) {
		conf_warning_add(errors, line,
		    "%s%s%s was removed: %s; delete the line", section, dot,
		    name, old->why);
	} else {
		conf_warning_add(errors, line,
		    "%s%s%s is now called %s; write the new name", section, dot,
		    name, old->new_name);
		o = conf_option_find(section, old->new_name);
	}
	return o;
}
