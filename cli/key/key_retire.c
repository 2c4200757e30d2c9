/*
 * key_retire.c - avouch key retire and revoke: stop a key from signing.
 */
#include <string.h>
#include <unistd.h>

#include "cli/key/cmd_key.h"
#include "lib/date.h"
#include "sign/key_state.h"

struct key_stop {
	struct key_cli *k;
	const char *selector;
	bool revoke;
	struct key_entries *entries;
	struct sign_keys *keys;
	struct sign_domain *domain;
	struct sign_key *key;    /* NULL: the key file was deleted */
	struct key_entry *entry; /* the key's line in the list of selectors */
	int64_t until;           /* the record is needed until this time */
	bool published;          /* the record with an empty p= was published */
};

static void
stop_find(struct key_stop *s)
{
	s->domain = sign_keys_domain(s->keys, span_str(s->k->domain));
	for (size_t i = 0; s->domain != NULL && i < s->domain->n_keys; i++)
		if (strcmp(s->domain->keys[i]->selector, s->selector) == 0)
			s->key = s->domain->keys[i];
}

/* Returns the line of the selector.  Adds the line if it is missing because the
 * key file was added by hand. */
static struct key_entry *
stop_entry(struct key_stop *s)
{
	struct key_entry *entry =
	    key_entry_find(s->entries, span_str(s->selector));

	if (entry != NULL || s->key == NULL ||
	    s->entries->n == KEY_SELECTORS_MAX)
		return entry;
	entry = &s->entries->list[s->entries->n++];
	*entry = (struct key_entry){ .created = s->key->created };
	memcpy(entry->selector, s->selector, strlen(s->selector) + 1);
	return entry;
}

/* Whether another key of the same type can sign instead: receivers that do not
 * know Ed25519 see no signature without an RSA key. */
static bool
other_key_signs(const struct key_stop *s)
{
	for (size_t i = 0; s->domain != NULL && i < s->domain->n_keys; i++) {
		const struct sign_key *other = s->domain->keys[i];

		if (other != s->key && other->revoked == 0 &&
		    other->state.ready && (s->revoke || other->retired == 0) &&
		    (s->key == NULL ||
			private_key_type(other->key) ==
			    private_key_type(s->key->key)))
			return true;
	}
	return false;
}

static const char *
type_word(const struct key_stop *s)
{
	if (s->key == NULL)
		return "";
	return private_key_type(s->key->key) == PRIVATE_KEY_RSA ? "RSA "
								: "Ed25519 ";
}

/* ---- the record with an empty p= (RFC 6376 section 3.6.1) ---- */

static struct span
record_name(struct key_stop *s)
{
	return s->entry->pair[0] != '\0'
	    ? key_pair_name(s->k, s->selector, s->entry->target)
	    : key_record_name(s->k, s->selector, s->k->domain);
}

/* Whether the key needs no record: it is being revoked, or does not sign and
 * has not signed for a week. */
static bool
needs_no_record(const struct key_stop *s)
{
	return s->revoke ||
	    (s->until <= s->k->c->now &&
		(s->key == NULL ||
		    (!key_cli_signs(s->key) && key_cli_is_recorded(s->key))));
}

/* Publishes the record with an empty p=.  If sign.publish fails, returns
 * EX_TEMPFAIL after printing a message. */
static int
publish_revoked(struct key_stop *s)
{
	bool name_is_known =
	    s->entry->pair[0] == '\0' || s->entry->target[0] != '\0';

	if (!needs_no_record(s) || s->k->conf->sign.publish == NULL ||
	    s->key == NULL || !name_is_known)
		return EX_OK;
	s->published = key_publish_revoked(s->k, record_name(s), s->key->key);
	return s->published ? EX_OK : EX_TEMPFAIL;
}

static void
show_revoked(struct key_stop *s)
{
	if (s->published) {
		printf("published: %.*s with an empty p=\n",
		    SPAN_FMT(record_name(s)));
		return;
	}
	if (s->entry->pair[0] != '\0')
		puts("The key is one of a pair: change the record in your zone "
		     "that its CNAME points to.");
	puts("Replace its record with this one, which says that the key is "
	     "revoked:");
	printf("%.*s\n",
	    SPAN_FMT(key_record_line(
		s->k, record_name(s), SPAN(KEY_REVOKED_RECORD))));
}

/* ---- output ---- */

static void
show_retired(struct key_stop *s)
{
	char text[DATE_MAX];
	struct buf b = buf_wrap(text, sizeof(text));

	if (needs_no_record(s)) {
		printf("%s: %s has not signed for a week.\n", s->k->domain,
		    s->selector);
		show_revoked(s);
		return;
	}
	date_put_time(&b, s->until);
	printf("%s: %s is retired. ", s->k->domain, s->selector);
	if (s->until > s->k->c->now)
		printf("Its record is needed until %s, for mail that is still "
		       "queued.\nThen run the same command again.\n",
		    text);
	else if (key_cli_signs(s->key))
		puts("It still signs, so its record is needed.");
	else
		printf("No daemon has recorded in %s/" KEY_STATE_FOLDER
		       " when it last signed.\nKeep its record until seven "
		       "days after that.\n",
		    s->k->folder);
	if (!other_key_signs(s))
		printf("No other %skey of this domain is published, so this "
		       "key keeps signing until another one is published.\n"
		       "Make one with `avouch key new`, or stop this key at "
		       "once with `avouch key revoke`.\n",
		    type_word(s));
}

static void
show_stopped(struct key_stop *s)
{
	printf("%s: %s no longer signs. A running daemon stops using it within "
	       "seconds.\n",
	    s->k->domain, s->selector);
	if (!other_key_signs(s))
		printf("No other %skey of this domain is published, so its "
		       "mail now has no valid %ssignature. Run `avouch key "
		       "new`.\n",
		    type_word(s), type_word(s));
	show_revoked(s);
}

static int
stop_show(struct key_stop *s)
{
	int status = publish_revoked(s);
	json_t *o;

	if (s->k->c->json) {
		o = json_object();
		cli_set_text(o, "domain", s->k->domain);
		cli_set_text(o, "selector", s->selector);
		cli_set_number(o, "retired", s->entry->retired);
		cli_set_number(o, "revoked", s->entry->revoked);
		cli_set_text(o, "revoked_record", KEY_REVOKED_RECORD);
		cli_set_bool(o, "published", s->published);
		(void)cli_print_json(o);
	} else if (s->revoke)
		show_stopped(s);
	else
		show_retired(s);
	return status;
}

static int
stop_run(struct key_stop *s)
{
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	static const struct rotation_state never;
	struct key_entry *entry;

	if (!key_entries_read(s->k->folder, s->k->domain, s->entries, &error))
		return key_cli_error(s->k, &error);
	stop_find(s);
	entry = stop_entry(s);
	if (entry == NULL)
		return cli_fail(s->k->c, EX_USAGE,
		    "%s has no key with the selector %s; `avouch key list` "
		    "shows all",
		    s->k->domain, s->selector);
	if (s->revoke && entry->revoked == 0)
		entry->revoked = s->k->c->now;
	if (!s->revoke && entry->retired == 0)
		entry->retired = s->k->c->now;
	if (!key_entries_write(s->k->folder, s->k->domain, s->entries, &error))
		return key_cli_error(s->k, &error);
	key_cli_changed(s->k);
	s->entry = entry;
	s->until = rotation_removable(
	    s->key != NULL ? &s->key->state : &never, entry->retired);
	return stop_show(s);
}

static int
key_stop(struct key_cli *k, bool revoke)
{
	struct key_stop s = {
		.k = k, .selector = k->c->args[2], .revoke = revoke
	};
	char text[KEY_ERROR_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	int status = key_cli_domain(k, k->c->args[1]), lock;
	size_t n_hosts;

	if (status == EX_OK)
		status = key_cli_selector(k, s.selector);
	if (status != EX_OK)
		return status;
	lock = key_folder_lock(k->folder, &error);
	if (lock < 0)
		return key_cli_error(k, &error);
	s.entries = arena_alloc(k->arena, sizeof(*s.entries));
	s.keys = key_cli_load(k, &n_hosts);
	status =
	    s.entries != NULL && s.keys != NULL ? stop_run(&s) : EX_TEMPFAIL;
	sign_keys_unref(s.keys);
	close(lock);
	return status;
}

int
key_retire(struct key_cli *k)
{
	return key_stop(k, false);
}

int
key_revoke(struct key_cli *k)
{
	return key_stop(k, true);
}
