/* mine_state.c - reads and writes the findings of earlier runs, and determines
 * what changed */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cli/audit/mine.h"
#include "lib/buf.h"
#include "lib/date.h"
#include "sign/key_folder.h"

enum {
	STATE_FILE_MAX = 64 << 20, /* bytes */
	STATE_MODE = 0644, /* the file contains no secrets; its directory has
	                      mode 0750 */
};

/* ---- the file ---- */

void
mine_state_path(const struct conf *conf, const struct report_store *store,
    char *out, size_t size)
{
	const char *file = store != NULL && strstr(store->name, "://") == NULL
	    ? store->name
	    : conf_store_file(conf);
	const char *slash;

	if (file == NULL)
		file = conf->sign.keys != NULL ? conf->sign.keys : "";
	slash = strrchr(file, '/');
	snprintf(out, size, "%.*s%saudit.json",
	    (int)(slash != NULL ? slash - file : 0), file,
	    slash != NULL ? "/" : "");
}

json_t *
mine_state_read(struct cli *c, const char *path)
{
	char *memory;
	struct span text;
	json_error_t error;
	json_t *state;

	if (!key_file_text(path, STATE_FILE_MAX, &memory, &text)) {
		if (errno != ENOENT)
			(void)cli_fail(c, EX_OK,
			    "%s: %s; without this file, no changes can be "
			    "shown",
			    path, strerror(errno));
		return json_object();
	}
	state = json_loadb(text.p, text.n, 0, &error);
	free(memory);
	if (json_is_object(state))
		return state;
	(void)cli_fail(c, EX_OK,
	    "%s: not valid (%s); it will be replaced, and no changes can be "
	    "shown",
	    path, state == NULL ? error.text : "not an object");
	json_decref(state);
	return json_object();
}

int
mine_state_write(struct cli *c, const char *path, const json_t *state)
{
	char *text = json_dumps(state, JSON_COMPACT | JSON_SORT_KEYS);
	char memory[1024] = "";
	struct buf error = buf_wrap(memory, sizeof(memory));
	bool good = text != NULL &&
	    key_file_replace(path, STATE_MODE, span_str(text), &error);

	free(text);
	return good
	    ? EX_OK
	    : cli_fail(c, EX_TEMPFAIL,
		  "%s; run this command as root or as the daemon's user",
		  memory);
}

int
mine_state_mailed(struct cli *c, const char *path)
{
	json_t *state = mine_state_read(c, path);
	int status;

	cli_set_number(state, "digest", c->now);
	status = mine_state_write(c, path, state);
	json_decref(state);
	return status;
}

/* ---- the next state ---- */

static bool
is_same_text(const json_t *a, const json_t *b, const char *key)
{
	const char *left = json_string_value(json_object_get(a, key));
	const char *right = json_string_value(json_object_get(b, key));

	return left != NULL && right != NULL && strcmp(left, right) == 0;
}

static bool
is_same_finding(const json_t *a, const json_t *b)
{
	return is_same_text(a, b, "area") && is_same_text(a, b, "id") &&
	    is_same_text(a, b, "where");
}

static json_t *
finding_json(const struct audit_finding *f, int64_t first)
{
	json_t *o = json_object();

	cli_set_text(o, "severity", audit_word(f->severity));
	cli_set_text(o, "area", f->area != NULL ? f->area : "");
	cli_set_text(o, "id", f->id);
	cli_set_span(o, "where", f->where);
	cli_set_span(o, "what", f->text);
	cli_set_span(o, "fix", f->fix);
	cli_set_number(o, "first", first);
	return o;
}

/* Marks findings in `list` that are not new, and removes them from `old`, which
 * keeps the findings that are gone.  Called first with `needs_text`, so that
 * only equal texts match, and then without it, because a text may contain a
 * number that has changed. */
static void
keep_first(json_t *list, json_t *old, bool needs_text)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		if (json_object_get(one, "known") != NULL)
			continue;
		for (size_t k = 0; k < json_array_size(old); k++) {
			json_t *before = json_array_get(old, k);

			if (!is_same_finding(one, before) ||
			    (needs_text && !is_same_text(one, before, "what")))
				continue;
			cli_set_number(one, "first",
			    json_integer_value(
				json_object_get(before, "first")));
			cli_set_bool(one, "known", true);
			json_array_remove(old, k);
			break;
		}
	}
}

/* Lists the findings fixed now or in earlier runs. */
static json_t *
fixed_json(const json_t *before, json_t *gone, int64_t now)
{
	json_t *list = json_array();
	const json_t *earlier = json_object_get(before, "fixed");

	for (size_t i = 0; i < json_array_size(gone); i++) {
		json_t *one = json_array_get(gone, i);

		if (json_is_object(one) &&
		    json_array_size(list) < MINE_FIXED_MAX) {
			cli_set_number(one, "fixed", now);
			json_array_append(list, one);
		}
	}
	for (size_t i = 0; i < json_array_size(earlier); i++) {
		json_t *one = json_array_get(earlier, i);
		int64_t at = json_integer_value(json_object_get(one, "fixed"));

		if (at > now - (int64_t)MINE_FIXED_DAYS * DATE_DAY &&
		    json_array_size(list) < MINE_FIXED_MAX)
			json_array_append(list, one);
	}
	return list;
}

static json_t *
letters_json(const struct audit_domain *d)
{
	const char arrive[2] = { d->arrive, '\0' };
	const char spoof[2] = { d->spoof, '\0' };
	json_t *o = json_object();

	cli_set_text(o, "arrive", arrive);
	cli_set_text(o, "spoof", spoof);
	return o;
}

/* Returns the grades before the last change, or NULL if there was none. */
static json_t *
before_json(const json_t *old, const json_t *letters, int64_t now)
{
	const json_t *was = json_object_get(old, "grades");
	json_t *o;

	if (!json_is_object(was) ||
	    (is_same_text(was, letters, "arrive") &&
		is_same_text(was, letters, "spoof")))
		return json_deep_copy(json_object_get(old, "before"));
	o = json_deep_copy(was);
	cli_set_number(o, "until", now);
	return o;
}

json_t *
mine_state_next(const json_t *old, const struct audit_domain *d, int64_t now)
{
	int64_t since = json_integer_value(json_object_get(old, "since"));
	json_t *o = json_object(), *list = json_array();
	json_t *gone = json_deep_copy(json_object_get(old, "findings"));
	json_t *letters = letters_json(d), *before;

	for (size_t i = 0; i < d->findings.n; i++)
		json_array_append_new(
		    list, finding_json(&d->findings.list[i], now));
	keep_first(list, gone, true);
	keep_first(list, gone, false);
	for (size_t i = 0; i < json_array_size(list); i++)
		(void)json_object_del(json_array_get(list, i), "known");
	before = before_json(old, letters, now);
	cli_set_number(o, "checked", now);
	cli_set_number(o, "since", since > 0 ? since : now);
	cli_set(o, "fixed", fixed_json(old, gone, now));
	cli_set(o, "findings", list);
	cli_set(o, "grades", letters);
	if (before != NULL)
		cli_set(o, "before", before);
	json_decref(gone);
	return o;
}

/* ---- changes ---- */

static json_t *
later_than(const json_t *list, const char *key, int64_t since)
{
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *one = json_array_get(list, i);

		if (json_integer_value(json_object_get(one, key)) > since)
			json_array_append(out, one);
	}
	return out;
}

json_t *
mine_state_changes(const json_t *domain, int64_t since)
{
	int64_t began = json_integer_value(json_object_get(domain, "since"));
	json_t *before = json_object_get(domain, "before");
	int64_t until = json_integer_value(json_object_get(before, "until"));
	json_t *o = json_object();

	cli_set(o, "new",
	    later_than(json_object_get(domain, "findings"), "first",
		began > since ? began : since));
	cli_set(o, "fixed",
	    later_than(json_object_get(domain, "fixed"), "fixed", since));
	cli_set(o, "before", until > since ? json_incref(before) : json_null());
	return o;
}

bool
mine_has_changes(const json_t *changes)
{
	return json_array_size(json_object_get(changes, "new")) > 0 ||
	    json_array_size(json_object_get(changes, "fixed")) > 0 ||
	    json_is_object(json_object_get(changes, "before"));
}
