/*
 * key_check.c - avouch key check: queries all name servers of a domain for the
 * records of our keys, and finds common mistakes in publishing them.
 */
#include <string.h>

#include "cli/key/cmd_key.h"
#include "sign/key_look.h"

struct key_checked {
	const struct sign_key *key;
	struct key_look look;
	enum key_fault fault;
	struct span wrong_name; /* wrong name at which the record was found;
	                           absent: none */
};

/* Checks a name at which the record may have been published by mistake; returns
 * true if it is there. */
static bool
is_at(struct key_cli *k, const struct key_looker *looker,
    struct key_checked *one, const char *format)
{
	struct buf b = buf_alloc(k->arena, 3 * DOMAIN_MAX);
	struct key_look look;

	for (const char *p = format; *p != '\0'; p++) {
		if (*p == 'S')
			buf_text(&b, one->key->selector);
		else if (*p == 'D')
			buf_text(&b, one->key->domain);
		else
			buf_byte(&b, *p);
	}
	if (b.full || !domain_is_valid(buf_view(&b)))
		return false;
	key_look_at_name(looker, one->key->key, buf_view(&b), &look);
	if (look.finding != ROTATION_PRESENT)
		return false;
	one->wrong_name = buf_view(&b);
	return true;
}

static void
check_key(
    struct key_cli *k, const struct key_looker *looker, struct key_checked *one)
{
	key_look_at(looker, one->key, &one->look);
	one->fault = one->look.finding == ROTATION_PRESENT ? KEY_FAULT_NONE
	    : one->look.finding == ROTATION_UNKNOWN        ? KEY_FAULT_FAILED
							   : one->look.fault;
	if (one->fault != KEY_FAULT_MISSING)
		return;
	if (is_at(k, looker, one, "S._domainkey.D.D"))
		one->fault = KEY_FAULT_DOUBLED;
	else if (is_at(k, looker, one, "S.domainkey.D"))
		one->fault = KEY_FAULT_NO_UNDERSCORE;
}

/* ---- output ---- */

static const char *
server_result(const struct key_look_server *server)
{
	if (server->answered)
		return key_fault_name(server->fault);
	return server->error == DNS_ERROR_NONE ? "not-authoritative"
					       : dns_error_name(server->error);
}

static json_t *
checked_json(const struct key_checked *one)
{
	json_t *o = json_object(), *servers = json_array();

	for (size_t i = 0; i < one->look.n; i++) {
		const struct key_look_server *server = &one->look.servers[i];
		json_t *s = json_object();

		cli_set_text(s, "name", server->name);
		cli_set_text(s, "result", server_result(server));
		json_array_append_new(servers, s);
	}
	cli_set_text(o, "domain", one->key->domain);
	cli_set_text(o, "selector", one->key->selector);
	cli_set_text(o, "state", rotation_phase_name(one->key->phase));
	cli_set_text(o, "result", key_fault_name(one->fault));
	cli_set_text(o, "name", one->look.name);
	cli_set_span(o, "wrong_name", one->wrong_name);
	cli_set_text(o, "text", key_fault_text(one->fault));
	cli_set(o, "servers", servers);
	return o;
}

static void
print_checked(struct key_cli *k, const struct key_checked *one)
{
	struct span name =
	    key_record_name(k, one->key->selector, one->key->domain);

	printf("%.*s: %s\n", SPAN_FMT(name), key_fault_name(one->fault));
	if (one->fault == KEY_FAULT_NONE) {
		printf("  all %zu servers have the record\n", one->look.n);
		return;
	}
	cli_prose_text(2, key_fault_text(one->fault));
	cli_line("  the record is at", one->wrong_name);
	if (one->look.n == 0)
		puts("  cannot find the name servers of the zone");
	for (size_t i = 0; i < one->look.n; i++)
		printf("  %-40s %s\n", one->look.servers[i].name,
		    server_result(&one->look.servers[i]));
	if (one->fault == KEY_FAULT_FAILED)
		return;
	puts("  the record to publish:");
	printf("%.*s\n",
	    SPAN_FMT(
		key_record_line(k, name, key_record_value(k, one->key->key))));
}

/* ---- choosing keys ---- */

/* Whether to check a key.  Retired keys need no record after some time, and
 * revoked ones must have none. */
static bool
is_checked(const struct key_cli *k, const struct sign_key *key)
{
	const struct cli *c = k->c;

	if (k->domain != NULL && strcmp(k->domain, key->domain) != 0)
		return false;
	if (c->n_args > 2)
		return strcmp(c->args[2], key->selector) == 0;
	return key->phase != ROTATION_REVOKED &&
	    (key->phase != ROTATION_RETIRED ||
		rotation_removable(&key->state, key->retired) > c->now);
}

static int
check_keys(struct key_cli *k, const struct sign_keys *keys)
{
	struct key_looker looker = { .dns = k->c->dns,
		.open = k->c->zone != NULL ? NULL : key_look_open_net };
	json_t *list = json_array(), *result;
	size_t n, checked = 0;
	struct sign_domain *const *domains = sign_keys_domains(keys, &n);
	int status = EX_OK;

	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < domains[i]->n_keys; j++) {
			struct key_checked one = { .key = domains[i]->keys[j] };

			if (!is_checked(k, one.key))
				continue;
			checked++;
			check_key(k, &looker, &one);
			if (k->c->json)
				json_array_append_new(list, checked_json(&one));
			else
				print_checked(k, &one);
			if (one.fault == KEY_FAULT_FAILED && status == EX_OK)
				status = EX_TEMPFAIL;
			else if (one.fault != KEY_FAULT_NONE &&
			    one.fault != KEY_FAULT_FAILED)
				status = KEY_EXIT_FOUND;
		}
	if (k->c->json) {
		result = json_object();
		cli_set(result, "keys", json_incref(list));
		(void)cli_print_json(result);
	} else if (checked == 0) {
		puts("no keys to check; `avouch key list` shows all");
	}
	json_decref(list);
	return status;
}

int
key_check(struct key_cli *k)
{
	int status =
	    k->c->n_args > 1 ? key_cli_domain(k, k->c->args[1]) : EX_OK;
	struct sign_keys *keys;
	size_t n_hosts;

	if (status == EX_OK && k->c->n_args > 2)
		status = key_cli_selector(k, k->c->args[2]);
	if (status != EX_OK)
		return status;
	keys = key_cli_load(k, &n_hosts);
	if (keys == NULL)
		return EX_TEMPFAIL;
	status = cli_dns_open(k->c);
	if (status == EX_OK)
		status = check_keys(k, keys);
	sign_keys_unref(keys);
	return status;
}
