/*
 * cmd_digest.c - avouch report digest: prints or mails a summary of what
 * changed in a week and what to do next.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cli/audit/mine.h"
#include "cli/key/cmd_key.h"
#include "cli/report/cmd_report.h"
#include "lib/ascii.h"
#include "lib/date.h"
#include "lib/enum_names.h"
#include "report/send/external_destination.h"
#include "report/send/sendmail.h"
#include "report/show/digest.h"
#include "report/write/digest_message.h"

enum {
	SENDMAIL_SECONDS = 120,
	NOTE_MAX = 300, /* bytes of the reason why sendmail failed */
	ID_MAX = 300,   /* bytes of a Message-ID */
	LOCAL_MAX = 64, /* bytes of a local user name in --mail */
	SUBJECT_MAX = 300,
};

struct digest_job {
	struct cli *c;
	struct report_store store; /* its ledger is NULL if there is no store */
	struct arena *a;
	struct mine_list ours;
	struct digest digest;
	struct span to, from; /* addresses; absent: the digest is not mailed */
};

/* ---- contents ---- */

static int
digest_reports(struct digest_job *j)
{
	const struct ledger_range range = { .domain = SPAN_NONE,
		.from = j->digest.to - (DIGEST_RANGE - 1),
		.to = j->digest.to };
	const struct view_ours ours = { mine_list_has, &j->ours };
	struct host_names *names;
	const char *error;
	bool good;

	if (j->store.ledger == NULL)
		return EX_OK;
	names = host_names_look_up(j->store.ledger, &range, j->c->dns);
	good = digest_add_reports(
	    &j->digest, j->store.ledger, names, &ours, &error);
	host_names_free(names);
	return good ? EX_OK
		    : cli_fail(j->c, EX_TEMPFAIL, "%s: %s", j->store.shown,
			  error != NULL ? error : "out of memory");
}

static const char *
json_text(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text != NULL ? text : "";
}

static void
add_keys(struct digest_job *j, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *one = json_array_get(list, i);
		char memory[500];
		struct buf b = buf_wrap(memory, sizeof(memory));

		buf_text(&b, "the key ");
		buf_text(&b, json_text(one, "selector"));
		buf_byte(&b, ' ');
		buf_text(&b, key_due_advice(json_text(one, "due")));
		digest_add(&j->digest, DIGEST_KEYS,
		    span_str(json_text(one, "domain")), buf_view(&b), SPAN(""));
	}
}

/* Adds keys that are too old or can be removed.  A missing folder counts as
 * empty. */
static int
digest_keys(struct digest_job *j)
{
	struct key_cli k = { .c = j->c,
		.conf = j->store.conf,
		.folder = j->store.conf->sign.keys,
		.arena = j->a };
	struct sign_keys *keys;
	json_t *list;
	size_t n_hosts;

	if (k.folder == NULL || access(k.folder, F_OK) != 0)
		return EX_OK;
	if (!private_key_protect_memory())
		return cli_fail(j->c, EX_TEMPFAIL,
		    "cannot disable core dumps, which would contain keys");
	keys = key_cli_load(&k, &n_hosts);
	if (keys == NULL)
		return EX_TEMPFAIL;
	list = json_array();
	(void)key_due_list(&k, keys, KEY_MAX_DAYS, list);
	add_keys(j, list);
	json_decref(list);
	sign_keys_unref(keys);
	return EX_OK;
}

static void
add_finding(struct digest_job *j, const char *domain, const json_t *f,
    const char *label, bool has_fix)
{
	char memory[DIGEST_LINE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	buf_text(&b, label);
	buf_text(&b, json_text(f, "severity"));
	buf_text(&b, ": ");
	buf_text(&b, json_text(f, "what"));
	if (strcmp(json_text(f, "where"), domain) != 0) {
		buf_text(&b, " (");
		buf_text(&b, json_text(f, "where"));
		buf_byte(&b, ')');
	}
	digest_add(&j->digest, DIGEST_AUDIT, span_str(domain), buf_view(&b),
	    span_str(has_fix ? json_text(f, "fix") : ""));
}

static size_t
count_errors(const json_t *list)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(list); i++)
		n += strcmp(json_text(json_array_get(list, i), "severity"),
			 "error") == 0;
	return n;
}

/* Adds the number of errors that were found earlier and are still not fixed. */
static void
add_old_errors(struct digest_job *j, const char *name, size_t n)
{
	char what_memory[64], more_memory[DIGEST_LINE_MAX];
	struct buf what = buf_wrap(what_memory, sizeof(what_memory));
	struct buf more = buf_wrap(more_memory, sizeof(more_memory));

	if (n == 0)
		return;
	buf_number(&what, n);
	buf_text(&what, n == 1 ? " error" : " errors");
	buf_text(&what, " in its DNS records");
	buf_text(&more, "To see the fixes, run: avouch audit ");
	buf_text(&more, name);
	digest_add(&j->digest, DIGEST_TODO, span_str(name), buf_view(&what),
	    buf_view(&more));
}

static void
add_audit(struct digest_job *j, const json_t *domain, int64_t since)
{
	json_t *changes = mine_state_changes(domain, since);
	const json_t *list = json_object_get(changes, "new");
	const char *name = json_text(domain, "domain");

	for (size_t i = 0; i < json_array_size(list); i++)
		add_finding(j, name, json_array_get(list, i), "new ", true);
	add_old_errors(j, name,
	    count_errors(json_object_get(domain, "findings")) -
		count_errors(list));
	list = json_object_get(changes, "fixed");
	for (size_t i = 0; i < json_array_size(list); i++)
		add_finding(j, name, json_array_get(list, i), "fixed ", false);
	json_decref(changes);
}

/* Adds the audit findings that are new or fixed since the last mailed digest,
 * and the number of older errors. */
static int
digest_audit(struct digest_job *j)
{
	struct audit_mine m;
	int64_t since;
	size_t n;
	int status = audit_mine_collect(j->c, j->store.conf,
	    j->store.ledger != NULL ? &j->store : NULL, &m);

	if (status != EX_OK)
		return status;
	n = json_array_size(m.domains);
	since = m.digest > 0 ? m.digest
			     : j->c->now - (int64_t)DIGEST_DAYS * DATE_DAY;
	for (int others = 0; others < 2; others++) /* our own domains first */
		for (size_t i = 0; i < n; i++) {
			const json_t *domain = json_array_get(m.domains, i);

			if (mine_list_has(&j->ours,
				span_str(json_text(domain, "domain"))) !=
			    (others != 0))
				add_audit(j, domain, since);
		}
	json_decref(m.domains);
	return EX_OK;
}

/* ---- mail ---- */

static bool
is_of_local_name(unsigned char c)
{
	return ascii_is_alnum(c) || c == '.' || c == '_' || c == '-' ||
	    c == '+';
}

static bool
is_local_name(struct span name)
{
	return name.n > 0 && name.n <= LOCAL_MAX && name.p[0] != '-' &&
	    name.p[0] != '.' && span_all(name, is_of_local_name);
}

static int
digest_read_addresses(struct digest_job *j)
{
	struct span to = span_str(j->c->mail);
	const char *email = j->store.conf->report.email;

	j->to = is_local_name(to) ? to : destination_plain_address(j->a, to);
	if (j->to.p == NULL)
		return cli_fail(j->c, EX_USAGE,
		    "--mail %s: must be an address such as "
		    "postmaster@example.org, or a local user such as root",
		    j->c->mail);
	if (email == NULL)
		return cli_fail(j->c, EX_CONFIG,
		    "report { email = ... } is not set; set it to the address "
		    "that the digest is sent from");
	j->from = destination_plain_address(j->a, span_str(email));
	return j->from.p != NULL
	    ? EX_OK
	    : cli_fail(j->c, EX_CONFIG,
		  "report { email = \"%s\" }: must be a plain address such as "
		  "dmarc-reports@example.org",
		  email);
}

/* Gets the output of `put` as a string, which the caller frees.  Returns false
 * if memory ran out. */
static bool
digest_render(const struct digest *d,
    void (*put)(FILE *out, const struct digest *d), char **text, size_t *size)
{
	FILE *out;

	*text = NULL;
	*size = 0;
	out = open_memstream(text, size);
	if (out == NULL)
		return false;
	put(out, d);
	return fclose(out) == 0;
}

static bool
digest_write(
    struct digest_job *j, FILE *out, struct span text, struct span html)
{
	char id_memory[ID_MAX], name_memory[64], subject_memory[SUBJECT_MAX];
	struct buf id = buf_wrap(id_memory, sizeof(id_memory));
	struct buf name = buf_wrap(name_memory, sizeof(name_memory));
	struct buf subject = buf_wrap(subject_memory, sizeof(subject_memory));
	struct mime_message letter = {
		.from = j->from, .to = j->to, .date = j->c->now
	};
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return false;
	buf_printf(&name, "digest.%016llx%016llx",
	    (unsigned long long)random[0], (unsigned long long)random[1]);
	buf_span(&id, buf_view(&name));
	buf_span(&id, span_skip(j->from, span_rindex(j->from, '@')));
	digest_put_subject(&subject, &j->digest);
	letter.report_id = buf_view(&name);
	letter.message_id = buf_view(&id);
	return digest_message_put(out, &letter, buf_view(&subject), text, html);
}

static bool
digest_write_file(struct digest_job *j, FILE *out)
{
	char *text, *html = NULL;
	size_t text_size, html_size;
	bool good =
	    digest_render(&j->digest, digest_put_text, &text, &text_size) &&
	    digest_render(&j->digest, digest_put_html, &html, &html_size) &&
	    digest_write(
		j, out, span_of(text, text_size), span_of(html, html_size)) &&
	    fseek(out, 0, SEEK_SET) == 0;

	free(text);
	free(html);
	return good;
}

static int
digest_send(struct digest_job *j)
{
	char memory[NOTE_MAX] = "";
	struct buf note = buf_wrap(memory, sizeof(memory));
	FILE *mail = tmpfile();
	struct sendmail over = {
		.program = j->store.conf->report.sendmail,
		.from = j->from.p,
		.to = j->to.p,
		.seconds = SENDMAIL_SECONDS,
	};
	enum sendmail_code code;

	if (mail == NULL || !digest_write_file(j, mail)) {
		if (mail != NULL)
			fclose(mail);
		return cli_fail(
		    j->c, EX_TEMPFAIL, "cannot write a temporary file");
	}
	over.mail = fileno(mail);
	code = sendmail_run(&over, &note);
	fclose(mail);
	if (code == SENDMAIL_DONE)
		return EX_OK;
	return cli_fail(j->c, EX_TEMPFAIL,
	    "the digest for %s could not be sent: %s", j->c->mail, memory);
}

/* Sends the digest, and records that it was sent. */
static int
digest_mail(struct digest_job *j)
{
	char path[KEY_PATH_MAX];
	int status = digest_send(j);

	if (status != EX_OK)
		return status;
	mine_state_path(j->store.conf,
	    j->store.ledger != NULL ? &j->store : NULL, path, sizeof(path));
	return mine_state_mailed(j->c, path);
}

/* ---- output ---- */

static json_t *
section_json(const struct digest_items *list)
{
	json_t *out = json_array();

	for (const struct digest_item *i = list->first; i != NULL;
	     i = i->next) {
		json_t *o = json_object();

		cli_set_span(o, "domain", i->domain);
		cli_set_span(o, "what", i->what);
		cli_set_span(o, "more", i->more);
		json_array_append_new(out, o);
	}
	return out;
}

static void
set_day(json_t *o, const char *key, int64_t day)
{
	char memory[DATE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	cli_set_span(o, key, buf_view(&b));
}

static int
digest_print_json(const struct digest_job *j, bool mailed)
{
	const struct digest *d = &j->digest;
	json_t *o = json_object(), *sections = json_object();
	json_t *domains = json_array();

	for (size_t i = 0; i < DIGEST_SECTIONS; i++)
		cli_set(sections, digest_section_name((enum digest_section)i),
		    section_json(&d->sections[i]));
	for (const struct digest_row *r = d->rows; r != NULL; r = r->next) {
		json_t *row = json_object();

		cli_set_span(row, "domain", r->domain);
		cli_set_span(row, "p", r->policy);
		cli_set_number(row, "messages", (int64_t)r->messages);
		cli_set_number(row, "passed", (int64_t)r->passed);
		cli_set_number(
		    row, "messages_before", (int64_t)r->messages_before);
		cli_set_number(row, "passed_before", (int64_t)r->passed_before);
		json_array_append_new(domains, row);
	}
	set_day(o, "from", d->from);
	set_day(o, "to", d->to);
	cli_set_bool(o, "news", d->happened);
	cli_set(o, "sections", sections);
	cli_set(o, "domains", domains);
	cli_set_text(o, "mailed", mailed ? j->c->mail : NULL);
	return cli_print_json(o);
}

static int
digest_output(struct digest_job *j)
{
	bool wanted = j->digest.happened || !j->c->quiet;
	bool mails = wanted && j->c->mail != NULL;
	int status = mails ? digest_mail(j) : EX_OK;

	if (j->c->json)
		digest_print_json(j, mails && status == EX_OK);
	else if (wanted && j->c->mail == NULL)
		digest_put_text(stdout, &j->digest);
	return status;
}

/* ---- command ---- */

/* Creates and outputs the digest.  It is sent even if some data could not be
 * read; the status then reports the error. */
static int
digest_make(struct digest_job *j)
{
	int status = cli_dns_open(j->c), made[3], sent;

	if (status != EX_OK)
		return status;
	digest_begin(&j->digest, j->a, j->c->now);
	made[0] = digest_reports(j);
	made[1] = digest_keys(j);
	made[2] = digest_audit(j);
	sent = digest_output(j);
	for (size_t i = 0; i < ARRAY_SIZE(made) && status == EX_OK; i++)
		status = made[i];
	return sent != EX_OK ? sent : status;
}

int
cmd_report_digest(struct cli *c)
{
	struct digest_job j = { .c = c };
	int status = report_open_settings(c, &j.store);

	if (status != EX_OK)
		return status;
	j.a = arena_new(DIGEST_MEMORY);
	if (j.a == NULL || !mine_list_ours(j.store.conf, j.a, &j.ours))
		status = cli_fail(c, EX_TEMPFAIL, "out of memory");
	else if (c->mail != NULL)
		status = digest_read_addresses(&j);
	if (status == EX_OK && j.store.name != NULL) {
		status = report_open_ledger(c, SQLITE_FOR_READING, &j.store);
		if (status != EX_OK) { /* the store is already closed */
			arena_free(j.a);
			return status;
		}
	}
	if (status == EX_OK) {
		c->dns_conf = j.store.conf;
		status = digest_make(&j);
		c->dns_conf = NULL;
	}
	arena_free(j.a);
	report_close(&j.store);
	return status;
}
