/*
 * milter_session_fuzz.c - lines that are the callbacks of a milter's life, in
 * whatever order, with whatever contents: all of the daemon but its threads,
 * between a libmilter, a DNS and a store that live in memory.
 *
 * What is added to a message is a field no reader can misread; what claims to
 * be ours is removed; a message passes with our field or not at all; a domain
 * that nobody may send for never passes; nothing is left behind at the end.
 *
 * A line is a letter (see `letters`) and a text, which goes on in lines that
 * begin with "+":
 *
 *	n FLAGS	a connection is negotiated: no-(s)pace, no-(q)uarantine,
 *		no-s(k)ip, no-sy(m)bols, no-(x)-changes
 *	C CLIENT NAME	connect; CLIENT "-": not told, "unix", or an address
 *	H M R h N b E a x	helo, mail, rcpt, header "NAME:VALUE", end of
 *		headers, body, end of message, abort, close
 *	m NAME VALUE	a macro from now on; without VALUE it is not told
 *	@ N	all that follows is on connection N
 *	* N	what stood before, N times more
 *	r N	the configuration is read again, and is number N of `confs`
 *	z	the daemon begins to end
 *	d MODE	DNS: (0) answers at once, (h)olds answers back, is (s)ilent,
 *		(f)ails; (g)ives what it holds, (G) the last one first
 *	p	the page of metrics is made
 *	t TEXT	a TXT record of the names that the zone does not know
 *	f N	from allocation N on the message has no memory
 *	F N	from change N on the MTA refuses them
 *
 * A first line "r N" is the configuration of the start.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/scan.h"
#include "lib/table.h"
#include "lib/utf8.h"
#include "milter/callbacks.h"
#include "milter/record.h"
#include "milter/session.h"
#include "report/entry.h"
#include "report/facts.h"
#include "tests/support/delivered.h"
#include "tests/support/moody.h"
#include "tests/support/mta.h"
#include "verify/state.h"

enum {
	CONNECTIONS = 6,
	OPEN_FILES = 9,      /* a fourth connection is told "later", a fifth is
	                        hung up on */
	LINES_READ = 2000,   /* of one input */
	CALLS_MAX = 6000,    /* callbacks; more fields than MAIL_FIELDS_MAX */
	BYTES_MAX = 3 << 20, /* what they are given; more than
	                        MAIL_HEADER_MAX */
	RELOADS_MAX = 8,
	PARSE_MEMORY = 1 << 20,
	CONF_BYTES = 2000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- what the daemon runs on ---- */

/* Nobody may send for locked.example. */
static const char zone[] =
    "locked.example. TXT \"v=spf1 -all\"\n"
    "_dmarc.locked.example. TXT \"v=DMARC1; p=reject\"\n"
    "good.example. TXT \"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all\"\n"
    "_dmarc.good.example. TXT \"v=DMARC1; p=reject; sp=quarantine\"\n"
    "sel._domainkey.good.example. TXT \"v=DKIM1; k=ed25519; "
    "p=8nuyn8eVQmwx+eko0wZoMBQ9dd2qc91/JdmoS1XBSO4=\"\n"
    "held.example. TXT \"v=spf1 ~all\"\n"
    "_dmarc.held.example. TXT \"v=DMARC1; p=quarantine; pct=50\"\n"
    "open.example. TXT \"v=spf1 +all\"\n"
    "said.example. TXT \"v=spf1 exists:%{ir}.%{l}.in.said.example "
    "exp=why.said.example -all\"\n"
    "why.said.example. TXT \"%{i} 100%% of %{s} %{h} %{c} %{t}\"\n"
    "loop.example. TXT \"v=spf1 include:loop.example -all\"\n"
    "many.example. TXT \"v=spf1 mx a ptr include:good.example "
    "include:held.example redirect=loop.example\"\n"
    "many.example. MX 10 mail.many.example.\n"
    "mail.many.example. A 192.0.2.7\n"
    "7.2.0.192.in-addr.arpa. PTR mail.many.example.\n"
    "dead.example. A 192.0.2.9\n"
    ";!failed dead.example. TXT timeout\n";

/* Each with the zone behind it; the last is none. */
static const char *const confs[] = {
	"mode = enforce authserv_id = \"mx.test\"\n"
	"report { store = \"/memory\" }\n",
	"mode = monitor authserv_id = \"mx.test\"\n",
	"mode = enforce authserv_id = \"mx.test\" log = json\n"
	"spf { on_fail = reject on_softfail = tempfail on_temperror = tempfail "
	"on_permerror = reject on_weak_pass = hold received_spf = true\n"
	"spare_dmarc_pass = false }\n"
	"dkim { on_temperror = tempfail on_permerror = reject }\n"
	"dmarc { on_quarantine = hold on_temperror = tempfail "
	"on_permerror = reject quarantine_header = \"X-Suspect\" }\n"
	"report { store = \"/memory\" }\n",
	"mode = enforce\n" /* the name is the MTA's */
	"dmarc { on_reject = hold on_quarantine = reject }\n"
	"reply { reject_text = \"100% {domain} {rule} {client} {reason} {url}\""
	" url = \"https://why.example/?d={domain}&c={client}\" }\n",
	"mode = enforce authserv_id = \"mx.test\" skip_networks = {}\n"
	"skip_authenticated = false max_questions = 20\n"
	"dkim { max_signatures = 2 allow_body_tail = true }\n"
	"arc { trusted_sealers = {\"good.example\"} }\n"
	"override \"by list\" { list_id = \"*.list.example\" action = reject "
	"}\n"
	"override \"by sender\" { mail_from_domain = {\"<>\", \"**.open.example"
	"\"} action = tempfail reason = \"no {domain}, 100% sure\" }\n"
	"override \"by author\" { from_domain = \"held.example\" "
	"action = annotate }\n",
	"mode = enforce authserv_id = \"mx.test\" sample = 50% log = none\n"
	"spf { on_fail = annotate received_spf = true }\n"
	"dmarc { on_reject = tempfail on_permerror = hold "
	"indirect_as_quarantine = false quarantine_header = \"\" }\n"
	"report { store = \"/memory\" }\n",
	"mode = sometimes\n",
};

enum { CONFS = TABLE_SIZE(confs), CONF_BAD = CONFS - 1 };

static struct {
	int conf_file, zone_file; /* in memory */
	char conf_path[32];
} files;

static void
write_file(int file, struct span text)
{
	assert(ftruncate(file, 0) == 0);
	assert(pwrite(file, text.p, text.n, 0) == (ssize_t)text.n);
}

/* Makes it the one that is read next. */
static void
put_conf(size_t number)
{
	char text[CONF_BYTES];
	struct buf b = buf_over(text, sizeof(text));

	buf_printf(&b, "%sdns { zone = \"/proc/self/fd/%d\" }\n", confs[number],
	    files.zone_file);
	assert(!b.full);
	write_file(files.conf_file, buf_done(&b));
}

/* Once for the process. */
static void
set_up(void)
{
	struct buf path;

	if (files.conf_path[0] != '\0')
		return;
	path = buf_over(files.conf_path, sizeof(files.conf_path));
	files.conf_file = memfd_create("conf", MFD_CLOEXEC);
	files.zone_file = memfd_create("zone", MFD_CLOEXEC);
	assert(files.conf_file >= 0 && files.zone_file >= 0);
	buf_printf(&path, "/proc/self/fd/%d", files.conf_file);
	write_file(files.zone_file, span_of(zone, sizeof(zone) - 1));
	log_setup("fuzz", LOG_FORMAT_TEXT, LOG_TARGET_SYSLOG, LOG_LEVEL_INFO);
	assert(callbacks_register(true));
}

/*
 * In the place of libc's: who waits for answers gets those that are held, and
 * where there are none the time is over at once.
 */
int
pthread_cond_timedwait(pthread_cond_t *restrict cond,
    pthread_mutex_t *restrict lock, const struct timespec *restrict until)
{
	bool given;

	(void)cond;
	(void)until;
	pthread_mutex_unlock(lock);
	given = moody_give(false);
	pthread_mutex_lock(lock);
	return given ? 0 : ETIMEDOUT;
}

/* ---- what the daemon tells: a store and a log ---- */

/* The last message that was kept. */
static struct {
	bool is_new;
	enum conf_action action, would;
	bool skipped;
} kept;

struct store *
store_open(const struct store_options *o, char *error, size_t size)
{
	static char place;

	(void)error;
	(void)size;
	assert(o->path != NULL);
	return (struct store *)(void *)&place;
}

/* What would be written is whole, and is read again the same. */
bool
store_put(struct store *s, const struct report_row *row,
    const struct policy_facts *facts, const struct policy_decision *decision,
    int64_t now)
{
	struct entry *e = entry_new(row, facts, decision, now);
	struct arena *a = arena_new(PARSE_MEMORY);
	struct policy_facts again;

	(void)s;
	assert(e != NULL && a != NULL);
	assert(e->has_row == (row != NULL) && e->has_facts);
	for (size_t i = 0; e->has_row && i < PACK_TEXTS; i++)
		for (size_t k = 0; k < e->row[i].n; k++)
			assert(ascii_is_print((unsigned char)e->row[i].p[k]) ||
			    (i == PACK_DKIM && e->row[i].p[k] == '\n'));
	assert(facts_unpack(e->facts, a, &again));
	assert(again.spf == facts->spf && again.dkim == facts->dkim);
	assert(again.dmarc == facts->dmarc && again.faulty == facts->faulty);
	assert(again.dmarc_policy == facts->dmarc_policy);
	kept.is_new = true;
	kept.action = decision->action;
	kept.would = decision->would;
	kept.skipped = decision->skipped;
	arena_free(a);
	free(e);
	return true;
}

void
store_counts(struct store *s, struct store_counts *out)
{
	(void)s;
	*out = (struct store_counts){ .put = 1 };
}

void
store_close(struct store *s, unsigned wait_ms)
{
	(void)s;
	(void)wait_ms;
}

void __syslog_chk(int priority, int flag, const char *format, ...);
void syslog(int priority, const char *format, ...);

/* In the place of libc's: a line stays one line (lib/log.h). */
static void
check_line(const char *format, va_list args)
{
	struct span rest;

	assert(strcmp(format, "%s") == 0);
	rest = span_str(va_arg(args, const char *));
	assert(rest.n > 0 && rest.n < LOG_LINE_MAX);
	for (size_t n; rest.n > 0; rest = span_skip(rest, n)) {
		n = utf8_plain(rest);
		assert(n > 0);
	}
}

void
syslog(int priority, const char *format, ...)
{
	va_list args;

	(void)priority;
	va_start(args, format);
	check_line(format, args);
	va_end(args);
}

/* The same, as _FORTIFY_SOURCE calls it. */
void
__syslog_chk(int priority, int flag, const char *format, ...)
{
	va_list args;

	(void)priority;
	(void)flag;
	va_start(args, format);
	check_line(format, args);
	va_end(args);
}

/* ---- what may become of a message ---- */

static void
check_kept(const SMFICTX *m, sfsistat status)
{
	if (!kept.is_new)
		return;
	assert((kept.action == CONF_REJECT) == (status == SMFIS_REJECT));
	assert((kept.action == CONF_TEMPFAIL) == (status == SMFIS_TEMPFAIL));
	assert(kept.action == CONF_HOLD || !m->held);
	assert(!kept.skipped || kept.action == CONF_ACCEPT);
	assert(kept.action == kept.would || kept.action == CONF_ACCEPT);
}

static void
check_end(const SMFICTX *m, const struct session *s, sfsistat status)
{
	bool enforcing =
	    s != NULL && s->view != NULL && s->view->conf->mode == CONF_ENFORCE;

	if (status == SMFIS_CONTINUE) {
		assert(s != NULL && !s->terms.refused && !m->refused);
		delivered_check(m, span_str(s->authserv_id), "locked.example");
		for (size_t i = 0; i < s->n_own; i++)
			delivered_without(m, s->own[i].name);
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

/* ---- a life ---- */

struct line {
	struct line *next;
	char letter;
	size_t n;
	char text[]; /* a NUL behind it */
};

struct run {
	SMFICTX connections[CONNECTIONS];
	SMFICTX *m; /* the one that is told something */
	struct line *lines;
	size_t calls, bytes, reloads;
};

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

/* Messages are the MTA's: what begins and ends them for it. */
static void
forget(struct run *r)
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
negotiate(struct run *r, const struct line *l)
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
connect_client(struct run *r, const struct line *l)
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
	struct buf b = buf_over(address, sizeof(address));
	char *name = strdup(span_skip(text, who.n + (who.n < text.n)).p);
	bool told = true;

	assert(name != NULL);
	buf_span(&b, who);
	if (inet_pton(AF_INET, address, &a.v4.sin_addr) == 1)
		a.v4.sin_family = AF_INET;
	else if (inet_pton(AF_INET6, address, &a.v6.sin6_addr) == 1)
		a.v6.sin6_family = AF_INET6;
	else
		told = span_is(who, "unix");
	forget(r);
	(void)milter()->xxfi_connect(r->m, name, told ? &a.any : NULL);
	assert(r->m->n_replies == 0 || session_of(r->m)->terms.refused);
	free(name);
}

static void
helo(struct run *r, const struct line *l)
{
	char *text = strdup(l->text);

	assert(text != NULL);
	forget(r);
	(void)milter()->xxfi_helo(r->m, text);
	free(text);
}

/* As libmilter passes them: of exactly their size, and gone afterwards. */
static void
envelope(struct run *r, const struct line *l,
    sfsistat (*callback)(SMFICTX *, char **))
{
	char *text = strdup(l->text);
	char *arguments[] = { text, NULL };

	assert(text != NULL);
	(void)callback(r->m, arguments);
	free(text);
}

static void
mail(struct run *r, const struct line *l)
{
	forget(r);
	envelope(r, l, milter()->xxfi_envfrom);
}

static void
rcpt(struct run *r, const struct line *l)
{
	envelope(r, l, milter()->xxfi_envrcpt);
}

static void
header(struct run *r, const struct line *l)
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
headers_end(struct run *r, const struct line *l)
{
	(void)l;
	(void)milter()->xxfi_eoh(r->m);
}

static void
body(struct run *r, const struct line *l)
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
message_end(struct run *r, const struct line *l)
{
	struct session *s = session_of(r->m);
	sfsistat status;

	(void)l;
	kept.is_new = false;
	r->m->leading_space = s != NULL && s->terms.leading_space;
	mta_begin(r->m, true);
	status = milter()->xxfi_eom(r->m);
	check_end(r->m, s, status);
	forget(r);
}

static void
abort_message(struct run *r, const struct line *l)
{
	(void)l;
	(void)milter()->xxfi_abort(r->m);
	forget(r);
}

static void
close_connection(struct run *r, const struct line *l)
{
	(void)l;
	(void)milter()->xxfi_close(r->m);
	assert(session_of(r->m) == NULL);
	mta_end(r->m);
}

static void
macro(struct run *r, const struct line *l)
{
	size_t n = strcspn(l->text, " ");
	char *name = strndup(l->text, n);

	assert(name != NULL);
	mta_set_macro(r->m, name, l->text[n] == ' ' ? l->text + n + 1 : NULL);
	free(name);
}

/* ---- lines that are no callbacks ---- */

static size_t
number_of(const struct line *l)
{
	struct scan s = scan_of(span_of(l->text, l->n));
	uint64_t n = 0;

	return scan_number(&s, CALLS_MAX, &n) ? (size_t)n : 0;
}

static void
choose(struct run *r, const struct line *l)
{
	r->m = &r->connections[number_of(l) % CONNECTIONS];
}

/* The source of the view in force is ours. */
static void
take_over_dns(void)
{
	struct service_view *v = service_hold();
	struct dns_source *source = moody_over(v->dns);

	assert(source != NULL);
	v->dns = source;
	service_drop(v);
}

static void
reload(struct run *r, const struct line *l)
{
	size_t number = number_of(l) % CONFS;

	if (r->reloads++ >= RELOADS_MAX)
		return;
	put_conf(number);
	assert(service_reload() == (number != CONF_BAD));
	if (number != CONF_BAD)
		take_over_dns();
}

static void
close_service(struct run *r, const struct line *l)
{
	(void)r;
	(void)l;
	service_close();
}

static void
set_dns(struct run *r, const struct line *l)
{
	(void)r;
	if (has_flag(l, 'h'))
		moody_set(MOODY_HOLDS);
	else if (has_flag(l, 's'))
		moody_set(MOODY_SILENT);
	else if (has_flag(l, 'f'))
		moody_set(MOODY_FAILS);
	else if (has_flag(l, '0'))
		moody_set(MOODY_PROMPT);
	if (has_flag(l, 'g') || has_flag(l, 'G'))
		moody_give(has_flag(l, 'G'));
}

static void
add_text(struct run *r, const struct line *l)
{
	(void)r;
	moody_add_text(span_of(l->text, l->n));
}

static void
fail_memory(struct run *r, const struct line *l)
{
	struct session *s = session_of(r->m);

	if (s != NULL && s->message != NULL)
		arena_fail_at(s->message->arena, number_of(l));
}

static void
refuse_changes(struct run *r, const struct line *l)
{
	r->m->refuse_at = number_of(l);
}

static void
metrics(struct run *r, const struct line *l)
{
	char *page = malloc(COUNTERS_PAGE_MAX);
	struct buf b = buf_over(page, COUNTERS_PAGE_MAX);

	(void)r;
	(void)l;
	assert(page != NULL);
	counters_put(&b);
	assert(b.n > 0 && !b.full);
	free(page);
}

/* ---- reading ---- */

static const struct letter {
	char letter;
	void (*run)(struct run *r, const struct line *l);
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

static const struct letter *
letter_of(const struct line *l)
{
	for (size_t i = 0; i < TABLE_SIZE(letters); i++)
		if (letters[i].letter == l->letter)
			return &letters[i];
	return NULL;
}

/* Takes the next line with those that go on with it. */
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
run_line(struct run *r, const struct line *l, size_t times)
{
	const struct letter *letter = letter_of(l);

	for (; letter != NULL && times > 0; times--) {
		if (r->calls++ >= CALLS_MAX || r->bytes >= BYTES_MAX)
			return;
		r->bytes += l->n;
		letter->run(r, l);
	}
}

static void
run_lines(struct run *r, struct scan *s)
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
		l->next = r->lines; /* texts of answers stay */
		r->lines = l;
	}
}

/* ---- start and end ---- */

static void
start(struct run *r, size_t conf_number)
{
	static const struct line all_granted = { .letter = 'n' };
	char text[500];
	struct buf error = buf_over(text, sizeof(text));
	struct service_view *v;

	moody_begin();
	put_conf(conf_number != CONF_BAD ? conf_number : 0);
	assert(service_start(files.conf_path,
	    conf_read(files.conf_path, stderr), OPEN_FILES, &error));
	v = service_hold();
	assert(record_open(v->conf, &error));
	service_drop(v);
	take_over_dns();
	/* what the last MTA granted is remembered: not from input to input */
	r->m = &r->connections[0];
	negotiate(r, &all_granted);
	close_connection(r, &all_granted);
}

/* Every session is known, and is a connection's. */
static void
check_sessions(const struct run *r)
{
	struct service_counts counts;
	size_t n = 0;

	for (size_t i = 0; i < CONNECTIONS; i++)
		n += r->connections[i].private != NULL;
	service_counts(&counts);
	assert(counts.connections == n);
}

/* Half of the connections end by themselves, the others with the daemon:
 * libmilter may tell of these even later. */
static void
end(struct run *r)
{
	static const struct line none = { .letter = 'x' };

	for (size_t i = 0; i < CONNECTIONS; i += 2) {
		r->m = &r->connections[i];
		close_connection(r, &none);
	}
	check_sessions(r);
	assert(service_end(0, callbacks_leave));
	assert(service_in_hand() == 0);
	for (size_t i = 1; i < CONNECTIONS; i += 2) {
		r->m = &r->connections[i];
		assert(milter()->xxfi_eom(r->m) == SMFIS_TEMPFAIL);
		close_connection(r, &none);
	}
	record_close();
	moody_set(MOODY_PROMPT);
	while (moody_give(false))
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
	struct run *r = calloc(1, sizeof(*r));
	size_t conf_number = 0;

	assert(r != NULL);
	set_up();
	if (size > 0 && data[0] == 'r') {
		struct line *l = next_line(&s);

		conf_number = number_of(l) % CONFS;
		free(l);
	}
	start(r, conf_number);
	run_lines(r, &s);
	check_sessions(r);
	end(r);
	free(r);
	return 0;
}
