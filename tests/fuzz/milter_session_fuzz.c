/*
 * milter_session_fuzz.c - runs the callbacks that the input lists, in any order
 * and with any content.  Tests the whole daemon except its threads, with
 * libmilter, DNS and the store replaced by in-memory fakes.
 *
 * Checks that fields added to a message cannot be misread; that fields that
 * claim to be ours are removed; that a message is accepted only with our
 * Authentication-Results, except that messages from a trusted MTA are left
 * unchanged; that a domain that no one may send for never passes; and that
 * nothing is left over at the end.
 *
 * A line is a letter (see `letters`) and text, which may continue in lines that
 * begin with "+":
 *
 *	n FLAGS	negotiate a connection: no-(s)pace, no-(q)uarantine,
 *		no-s(k)ip, no-sy(m)bols, no-(x)-changes
 *	C CLIENT NAME	connect; CLIENT: "-" (not given), "unix", or an address
 *	H M R h N b E a x	helo, mail, rcpt, header "NAME:VALUE", end of
 *		headers, body, end of message, abort, close
 *	m NAME VALUE	set a macro; without VALUE it is not sent
 *	@ N	use connection N from now on
 *	* N	repeat the previous line N times
 *	r N	reload with configuration N of milter_session_world.c
 *	z	the daemon begins to exit
 *	d MODE	DNS: (0) answers immediately, (h)olds answers back, is (s)ilent,
 *		(f)ails; (g)ives the answers held back, (G) last one first
 *	p	write the metrics page
 *	t TEXT	add a TXT record for names that the zone does not have
 *	f N	from allocation N on, all allocations of the message fail
 *	F N	from change N on, the MTA refuses changes
 *
 * If the first line is "r N", it selects the initial configuration; with "r N
 * s" the daemon is the signing process.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "lib/scan.h"
#include "lib/enum_names.h"
#include "milter/callbacks.h"
#include "milter/message_sink.h"
#include "milter/own_guard.h"
#include "milter/session.h"
#include "milter/sign_sink.h"
#include "milter/signing.h"
#include "tests/fuzz/milter_session_world.h"
#include "tests/support/mail_assert.h"
#include "tests/support/fault_source.h"
#include "tests/support/fake_libmilter.h"
#include "verify/internal.h"

enum {
	CONNECTIONS = 6,
	OPEN_FILES = 9,      /* connection 4 gets a temporary error,
	                        connection 5 is closed */
	LINES_READ = 2000,   /* limit for one input */
	CALLS_MAX = 6000,    /* callbacks: enough to exceed
	                        MAIL_FIELDS_MAX */
	BYTES_MAX = 3 << 20, /* bytes passed to callbacks: enough to
	                        exceed MAIL_HEADER_MAX */
	RELOADS_MAX = 8,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct line {
	struct line *next;
	char letter;
	size_t n;
	char text[]; /* followed by a NUL */
};

struct milter_session_fuzz_run {
	SMFICTX connections[CONNECTIONS];
	SMFICTX *m; /* the current connection */
	struct line *lines;
	size_t calls, bytes, reloads;
	bool any_login; /* a client may have logged in */
};

/* ---- checks of a message ---- */

static void
check_kept(const SMFICTX *m, sfsistat status)
{
	struct world_kept kept = world_take_kept();

	if (!kept.any)
		return;
	assert((kept.action == CONF_REJECT) == (status == SMFIS_REJECT));
	assert((kept.action == CONF_TEMPFAIL) == (status == SMFIS_TEMPFAIL));
	assert(kept.action == CONF_QUARANTINE || !m->held);
	assert(!kept.skipped || kept.action == CONF_ACCEPT);
	assert(kept.action == kept.would || kept.action == CONF_ACCEPT);
}

/* Checks the result if the daemon is the signing process. */
static void
check_signed(const SMFICTX *m, const struct session *s, sfsistat status)
{
	if (status == SMFIS_CONTINUE) {
		if (!s->trusted_mta)
			signed_only_check(m, span_str(s->authserv_id));
	} else {
		assert(m->refused || m->n_replies == 1);
		assert(m->refused || m->n_changes == 0);
	}
}

static void
check_signatures(
    const struct milter_session_fuzz_run *r, const struct session *s)
{
	bool by_list =
	    s != NULL && s->runtime != NULL && s->runtime->conf->sign.lists;
	size_t n = signed_check(r->m, by_list);

	assert(n == 0 || r->any_login || service_role() == SERVICE_SIGN);
}

static void
check_end(const SMFICTX *m, const struct session *s, sfsistat status)
{
	bool enforcing = s != NULL && s->runtime != NULL &&
	    s->runtime->conf->mode == CONF_ENFORCE;

	if (s != NULL && s->trusted_mta && !s->terms.refused) {
		assert(status == SMFIS_CONTINUE);
		assert(m->n_changes == 0 && m->n_replies == 0);
	} else if (status == SMFIS_CONTINUE) {
		assert(s != NULL && !s->terms.refused && !m->refused);
		delivered_check(m, span_str(s->authserv_id), "locked.example");
		delivered_without(m, own_field_name(OWN_FIELD_QUARANTINE));
	} else if (status == SMFIS_REJECT) {
		assert(enforcing && m->n_replies == 1 && m->code == '5');
		assert(m->n_changes == 0);
	} else {
		assert(status == SMFIS_TEMPFAIL);
		assert(m->refused || (m->n_replies == 1 && m->code == '4'));
		assert(
		    m->refused || enforcing || s == NULL || s->terms.refused);
	}
	check_kept(m, status);
}

/* ---- callbacks ---- */

static const struct smfiDesc *
milter(void)
{
	return mta_milter();
}

static struct session *
session_of(SMFICTX *m)
{
	return m->private;
}

/* Clears the state of the message.  Called when a message begins or ends. */
static void
forget(struct milter_session_fuzz_run *r)
{
	mta_forget(r->m);
	mta_begin(r->m, false);
}

static bool
has_flag(const struct line *l, char flag)
{
	return memchr(l->text, flag, l->n) != NULL;
}

static void
negotiate(struct milter_session_fuzz_run *r, const struct line *l)
{
	unsigned long actions = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
	unsigned long steps = SMFIP_NR_HDR | SMFIP_NOUNKNOWN | SMFIP_NODATA;
	unsigned long out[4] = { 0 };
	sfsistat status;

	if (has_flag(l, 'x'))
		actions = SMFIF_ADDHDRS;
	actions |= has_flag(l, 'q') ? 0 : SMFIF_QUARANTINE;
	actions |= has_flag(l, 'm') ? 0 : SMFIF_SETSYMLIST;
	steps |= has_flag(l, 's') ? 0 : SMFIP_HDR_LEADSPC;
	steps |= has_flag(l, 'k') ? 0 : SMFIP_SKIP;
	forget(r);
	status = milter()->xxfi_negotiate(
	    r->m, actions, steps, 0, 0, &out[0], &out[1], &out[2], &out[3]);
	assert(status == SMFIS_CONTINUE || status == SMFIS_REJECT);
	assert(!has_flag(l, 'x') || status == SMFIS_REJECT);
	if (status == SMFIS_CONTINUE)
		assert((out[0] & ~actions) == 0 && session_of(r->m) != NULL);
}

static void
connect_client(struct milter_session_fuzz_run *r, const struct line *l)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un un;
	} a = { .un = { .sun_family = AF_UNIX } };
	struct span text = span_str(l->text);
	struct span who = span_first(text, span_index(text, ' '));
	char address[64];
	struct buf b = buf_wrap(address, sizeof(address));
	char *name = strdup(span_skip(text, who.n + (who.n < text.n)).p);
	bool known = true;

	assert(name != NULL);
	buf_span(&b, who);
	if (inet_pton(AF_INET, address, &a.v4.sin_addr) == 1)
		a.v4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &a.v6.sin6_addr) == 1)
		a.v6.sin6_family = AF_INET6;
	else
		known = span_is(who, "unix");
	forget(r);
	(void)milter()->xxfi_connect(r->m, name, known ? &a.any : NULL);
	assert(r->m->n_replies == 0 || session_of(r->m)->terms.refused);
	free(name);
}

static void
helo(struct milter_session_fuzz_run *r, const struct line *l)
{
	char *text = strdup(l->text);

	assert(text != NULL);
	forget(r);
	(void)milter()->xxfi_helo(r->m, text);
	free(text);
}

/* Passes arguments as libmilter does: in memory of exactly their size, which is
 * freed afterwards. */
static void
envelope(struct milter_session_fuzz_run *r, const struct line *l,
    sfsistat (*callback)(SMFICTX *, char **))
{
	char *text = strdup(l->text);
	char *arguments[] = { text, NULL };

	assert(text != NULL);
	(void)callback(r->m, arguments);
	free(text);
}

static void
mail(struct milter_session_fuzz_run *r, const struct line *l)
{
	forget(r);
	envelope(r, l, milter()->xxfi_envfrom);
}

static void
rcpt(struct milter_session_fuzz_run *r, const struct line *l)
{
	envelope(r, l, milter()->xxfi_envrcpt);
}

static void
header(struct milter_session_fuzz_run *r, const struct line *l)
{
	size_t colon = strcspn(l->text, ":");
	char *name = strndup(l->text, colon);
	char *value = strdup(l->text + colon + (l->text[colon] == ':'));

	assert(name != NULL && value != NULL);
	mta_field(r->m, name, value);
	(void)milter()->xxfi_header(r->m, name, value);
	free(name);
	free(value);
}

static void
headers_end(struct milter_session_fuzz_run *r, const struct line *l)
{
	(void)l;
	(void)milter()->xxfi_eoh(r->m);
}

static void
body(struct milter_session_fuzz_run *r, const struct line *l)
{
	struct session *s = session_of(r->m);
	unsigned char *chunk = malloc(l->n > 0 ? l->n : 1);
	sfsistat status;

	assert(chunk != NULL);
	memcpy(chunk, l->text, l->n);
	status = milter()->xxfi_body(r->m, chunk, l->n);
	assert(status == SMFIS_CONTINUE ||
	    (status == SMFIS_SKIP && s != NULL && s->terms.can_skip));
	free(chunk);
}

static void
message_end(struct milter_session_fuzz_run *r, const struct line *l)
{
	struct session *s = session_of(r->m);
	sfsistat status;

	(void)l;
	r->m->leading_space = s != NULL && s->terms.leading_space;
	mta_begin(r->m, true);
	status = milter()->xxfi_eom(r->m);
	if (service_role() == SERVICE_SIGN && s != NULL)
		check_signed(r->m, s, status);
	else
		check_end(r->m, s, status);
	check_signatures(r, s);
	forget(r);
}

static void
abort_message(struct milter_session_fuzz_run *r, const struct line *l)
{
	(void)l;
	(void)milter()->xxfi_abort(r->m);
	forget(r);
}

static void
close_connection(struct milter_session_fuzz_run *r, const struct line *l)
{
	(void)l;
	(void)milter()->xxfi_close(r->m);
	assert(session_of(r->m) == NULL);
	mta_end(r->m);
}

static void
macro(struct milter_session_fuzz_run *r, const struct line *l)
{
	size_t n = strcspn(l->text, " ");
	char *name = strndup(l->text, n);

	assert(name != NULL);
	r->any_login |= strcmp(name, "{auth_authen}") == 0;
	mta_set_macro(r->m, name, l->text[n] == ' ' ? l->text + n + 1 : NULL);
	free(name);
}

/* ---- lines that are not callbacks ---- */

static size_t
number_of(const struct line *l)
{
	struct scan s = scan_of(span_of(l->text, l->n));
	uint64_t n = 0;

	return scan_number(&s, CALLS_MAX, &n) ? (size_t)n : 0;
}

static void
choose(struct milter_session_fuzz_run *r, const struct line *l)
{
	r->m = &r->connections[number_of(l) % CONNECTIONS];
}

/* Wraps the DNS source of the current configuration in a fault source. */
static void
take_over_dns(void)
{
	struct service_runtime *v = service_ref();
	struct dns_source *source = fault_source_new(v->dns);

	assert(source != NULL);
	v->dns = source;
	service_unref(v);
}

static void
reload(struct milter_session_fuzz_run *r, const struct line *l)
{
	size_t number = number_of(l) % WORLD_CONFS;

	if (r->reloads++ >= RELOADS_MAX)
		return;
	world_put_conf(number);
	assert(service_reload() == (number != WORLD_CONF_BAD));
	if (number != WORLD_CONF_BAD)
		take_over_dns();
}

static void
close_service(struct milter_session_fuzz_run *r, const struct line *l)
{
	(void)r;
	(void)l;
	service_close();
}

static void
set_dns(struct milter_session_fuzz_run *r, const struct line *l)
{
	(void)r;
	if (has_flag(l, 'h'))
		fault_source_set(FAULT_SOURCE_HELD);
	else if (has_flag(l, 's'))
		fault_source_set(FAULT_SOURCE_SILENT);
	else if (has_flag(l, 'f'))
		fault_source_set(FAULT_SOURCE_FAILING);
	else if (has_flag(l, '0'))
		fault_source_set(FAULT_SOURCE_PROMPT);
	if (has_flag(l, 'g') || has_flag(l, 'G'))
		fault_source_release(has_flag(l, 'G'));
}

static void
add_text(struct milter_session_fuzz_run *r, const struct line *l)
{
	(void)r;
	fault_source_add_text(span_of(l->text, l->n));
}

static void
fail_memory(struct milter_session_fuzz_run *r, const struct line *l)
{
	struct session *s = session_of(r->m);

	if (s != NULL && s->message != NULL)
		arena_fail_at(s->message->arena, number_of(l));
}

static void
refuse_changes(struct milter_session_fuzz_run *r, const struct line *l)
{
	r->m->refuse_at = number_of(l);
}

static void
metrics(struct milter_session_fuzz_run *r, const struct line *l)
{
	char *page = malloc(METRICS_PAGE_MAX);
	struct buf b = buf_wrap(page, METRICS_PAGE_MAX);

	(void)r;
	(void)l;
	assert(page != NULL);
	metrics_put(&b);
	assert(b.n > 0 && !b.full);
	free(page);
}

/* ---- reading ---- */

static const struct fuzzed_message {
	char letter;
	void (*run)(struct milter_session_fuzz_run *r, const struct line *l);
} letters[] = {
	{ 'n', negotiate },
	{ 'C', connect_client },
	{ 'H', helo },
	{ 'M', mail },
	{ 'R', rcpt },
	{ 'h', header },
	{ 'N', headers_end },
	{ 'b', body },
	{ 'E', message_end },
	{ 'a', abort_message },
	{ 'x', close_connection },
	{ 'm', macro },
	{ '@', choose },
	{ 'r', reload },
	{ 'z', close_service },
	{ 'd', set_dns },
	{ 't', add_text },
	{ 'f', fail_memory },
	{ 'F', refuse_changes },
	{ 'p', metrics },
};

static const struct fuzzed_message *
letter_of(const struct line *l)
{
	for (size_t i = 0; i < ARRAY_SIZE(letters); i++)
		if (letters[i].letter == l->letter)
			return &letters[i];
	return NULL;
}

/* Reads the next line and its continuation lines. */
static struct line *
next_line(struct scan *s)
{
	struct line *l = malloc(sizeof(*l) + scan_rest(s).n + 1);
	struct span part = scan_until(s, '\n');

	assert(l != NULL);
	l->letter = part.n > 0 ? part.p[0] : '\0';
	part = span_skip(part, part.n > 1 && part.p[1] == ' ' ? 2 : 1);
	for (l->n = 0;; part = span_skip(scan_until(s, '\n'), 1)) {
		memcpy(l->text + l->n, part.p, part.n);
		l->n += part.n;
		if (!scan_byte(s, '\n') || scan_done(s) || *s->p != '+')
			break;
		l->text[l->n++] = '\n';
	}
	l->text[l->n] = '\0';
	l = realloc(l, sizeof(*l) + l->n + 1);
	assert(l != NULL);
	return l;
}

static void
run_line(struct milter_session_fuzz_run *r, const struct line *l, size_t times)
{
	const struct fuzzed_message *letter = letter_of(l);

	for (; letter != NULL && times > 0; times--) {
		if (r->calls++ >= CALLS_MAX || r->bytes >= BYTES_MAX)
			return;
		r->bytes += l->n;
		letter->run(r, l);
	}
}

static void
run_lines(struct milter_session_fuzz_run *r, struct scan *s)
{
	struct line *last = NULL;

	for (size_t i = 0; i < LINES_READ && !scan_done(s); i++) {
		struct line *l = next_line(s);

		if (l->letter == '*' && last != NULL)
			run_line(r, last, number_of(l));
		else
			run_line(r, l, 1);
		if (l->letter != '*')
			last = l;
		l->next = r->lines; /* keep the line, because DNS answers may
		                       point into it */
		r->lines = l;
	}
}

/* ---- start and end ---- */

static void
start(struct milter_session_fuzz_run *r, size_t conf_number,
    enum service_role role)
{
	static bool registered;
	static const struct line all_granted = { .letter = 'n' };
	char text[500];
	struct buf error = buf_wrap(text, sizeof(text));
	const char *path = world_begin();
	struct service_runtime *v;

	registered = registered || callbacks_register(true);
	assert(registered);
	fault_source_reset();
	service_set_role(role);
	world_put_conf(conf_number != WORLD_CONF_BAD ? conf_number : 0);
	assert(sign_sink_open(&error));
	assert(
	    service_start(path, conf_read(path, stderr), OPEN_FILES, &error));
	v = service_ref();
	assert(message_sink_open(v->conf, &error));
	service_unref(v);
	take_over_dns();
	/* the daemon remembers what the last MTA granted; reset this for each
	 * input */
	r->m = &r->connections[0];
	negotiate(r, &all_granted);
	close_connection(r, &all_granted);
}

/* Checks that each session is counted and belongs to a connection. */
static void
check_sessions(const struct milter_session_fuzz_run *r)
{
	struct service_counts counts;
	size_t n = 0;

	for (size_t i = 0; i < CONNECTIONS; i++)
		n += r->connections[i].private != NULL;
	service_counts(&counts);
	assert(counts.connections == n);
}

/* Closes half of the connections before the daemon ends and the others
 * afterwards, because libmilter may call back even then. */
static void
end(struct milter_session_fuzz_run *r)
{
	static const struct line none = { .letter = 'x' };

	for (size_t i = 0; i < CONNECTIONS; i += 2) {
		r->m = &r->connections[i];
		close_connection(r, &none);
	}
	check_sessions(r);
	own_guard_close();
	assert(service_end(0, callbacks_leave));
	assert(service_in_progress() == 0);
	for (size_t i = 1; i < CONNECTIONS; i += 2) {
		r->m = &r->connections[i];
		assert(milter()->xxfi_eom(r->m) == SMFIS_TEMPFAIL);
		close_connection(r, &none);
	}
	message_sink_close();
	signing_close();
	fault_source_set(FAULT_SOURCE_PROMPT);
	while (fault_source_release(false))
		continue;
	for (struct line *next, *l = r->lines; l != NULL; l = next) {
		next = l->next;
		free(l);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scan s = scan_of(span_of((const char *)data, size));
	struct milter_session_fuzz_run *r = calloc(1, sizeof(*r));
	enum service_role role = SERVICE_VERIFY;
	size_t conf_number = 0;

	assert(r != NULL);
	if (size > 0 && data[0] == 'r') {
		struct line *l = next_line(&s);

		conf_number = number_of(l) % WORLD_CONFS;
		if (has_flag(l, 's'))
			role = SERVICE_SIGN;
		free(l);
	}
	start(r, conf_number, role);
	run_lines(r, &s);
	check_sessions(r);
	end(r);
	free(r);
	return 0;
}
