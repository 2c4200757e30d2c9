#include "tests/fuzz/milter_session_world.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/ascii.h"
#include "lib/log.h"
#include "lib/enum_names.h"
#include "lib/utf8.h"
#include "milter/libmilter_quirks.h"
#include "report/store/queued_message.h"
#include "report/record/policy_input_codec.h"
#include "report/store/queue.h"
#include "tests/support/fault_source.h"
#include "tests/support/sign_keys.h"

enum { FACTS_MEMORY = 1 << 20, CONF_BYTES = 2000 };

/* ---- the daemon's environment ---- */

/* No one may send for locked.example. */
static const char zone[] =
    "locked.example. TXT \"v=spf1 -all\"\n"
    "_dmarc.locked.example. TXT \"v=DMARC1; p=reject\"\n"
    "good.example. TXT \"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 -all\"\n"
    "_dmarc.good.example. TXT \"v=DMARC1; p=reject; sp=quarantine; "
    "fo=1:d:s; ruf=mailto:a@good.example\"\n"
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

/* The zone is added to each configuration.  The last configuration is
 * invalid. */
static const char *const confs[] = {
	"mode = enforce authserv_id = \"mx.test\"\n"
	"report { store = \"/memory\" failure_reports = true "
	"failure_headers = {\"Subject\", \"X\", \"Received\"} }\n",
	"mode = monitor authserv_id = \"mx.test\"\n",
	"mode = enforce authserv_id = \"mx.test\" log = json\n"
	"spf { on_fail = reject on_softfail = tempfail on_temperror = tempfail "
	"on_permerror = reject }\n"
	"dkim { on_temperror = tempfail }\n"
	"dmarc { on_quarantine = quarantine on_temperror = tempfail }\n"
	"report { store = \"/memory\" }\n",
	"mode = enforce\n" /* authserv_id is taken from the MTA */
	"dmarc { on_reject = quarantine on_quarantine = reject }\n"
	"reply { reject_text = \"100% {domain} {rule} {client} {reason} {url}\""
	" url = \"https://why.example/?d={domain}&c={client}\" }\n",
	"mode = enforce authserv_id = \"mx.test\" skip_networks = {}\n"
	"skip_authenticated = false\n"
	"dkim { min_rsa_bits = 2048 }\n"
	"arc { trusted_sealers = {\"good.example\"} }\n"
	"override \"by list\" { list_id = \"*.list.example\" action = reject "
	"}\n"
	"override \"by sender\" { mail_from_domain = {\"<>\", \"**.open.example"
	"\"} action = tempfail reason = \"no {domain}, 100% sure\" }\n"
	"override \"by author\" { from_domain = \"held.example\" "
	"action = annotate }\n",
	"mode = enforce authserv_id = \"mx.test\" sample = 50% log = none\n"
	"spf { on_fail = annotate }\n"
	"dmarc { on_reject = tempfail indirect_as_quarantine = false }\n"
	"report { store = \"/memory\" }\n",
	"mode = enforce authserv_id = \"mx.test\" trusted_mtas = "
	"{\"127.0.0.1@10025\", \"192.0.2.0/24\"}\n"
	"spf { on_temperror = tempfail }\n"
	"report { store = \"/memory\" failure_reports = true }\n",
	"mode = sometimes\n",
};

/* The "sign" section of each configuration; all but one have keys. */
static const char *const signs[] = {
	"guard = warn lists = true",
	"guard = warn author = login on_author_mismatch = reject",
	"guard = warn oversign = lists",
	"guard = off author = envelope on_author_mismatch = reject",
	"guard = off oversign = off expire = 7d",
	"guard = warn omit = {\"Date\", \"Message-ID\"}",
	"keys = \"\"",
	"",
};

_Static_assert(ARRAY_SIZE(confs) == WORLD_CONFS, "count them again");
_Static_assert(ARRAY_SIZE(signs) == WORLD_CONFS, "count them again");

static struct test_keys folder;

static void
remove_folder(void)
{
	test_keys_end(&folder);
}

static void
make_keys(void)
{
	test_keys_begin(&folder);
	atexit(remove_folder);
	test_keys_add(&folder, "good.example", "s1", PRIVATE_KEY_RSA);
	test_keys_add(&folder, "good.example", "e1", PRIVATE_KEY_ED25519);
	test_keys_add(&folder, "open.example", "s1", PRIVATE_KEY_ED25519);
	test_keys_add_unpublished(
	    &folder, "held.example", "s1", PRIVATE_KEY_ED25519);
}

static struct {
	int conf_file, zone_file; /* memory files */
	char conf_path[32];
} files;

static void
write_file(int file, struct span text)
{
	assert(ftruncate(file, 0) == 0);
	assert(pwrite(file, text.p, text.n, 0) == (ssize_t)text.n);
}

void
world_put_conf(size_t number)
{
	char text[CONF_BYTES];
	struct buf b = buf_wrap(text, sizeof(text));

	buf_printf(&b, "%snameservers = \"zone:/proc/self/fd/%d\"\nsign { %s",
	    confs[number], files.zone_file, signs[number]);
	if (strstr(signs[number], "keys =") == NULL)
		buf_printf(&b, " keys = \"%s\"", folder.folder);
	buf_text(&b, " }\n");
	assert(!b.full);
	write_file(files.conf_file, buf_view(&b));
}

const char *
world_begin(void)
{
	struct buf path;

	if (files.conf_path[0] != '\0')
		return files.conf_path;
	make_keys();
	path = buf_wrap(files.conf_path, sizeof(files.conf_path));
	files.conf_file = memfd_create("conf", MFD_CLOEXEC);
	files.zone_file = memfd_create("zone", MFD_CLOEXEC);
	assert(files.conf_file >= 0 && files.zone_file >= 0);
	buf_printf(&path, "/proc/self/fd/%d", files.conf_file);
	write_file(files.zone_file, span_of(zone, sizeof(zone) - 1));
	log_setup("fuzz", LOG_FORMAT_TEXT, LOG_TARGET_SYSLOG, LOG_LEVEL_INFO);
	return files.conf_path;
}

/* There is no thread to wake. */
void
libmilter_wake(void)
{
}

/*
 * Replaces libc's function.  A thread that waits for answers gets those that
 * were held back; if there are none, it times out immediately.
 */
int
pthread_cond_timedwait(pthread_cond_t *restrict cond,
    pthread_mutex_t *restrict lock, const struct timespec *restrict until)
{
	bool given;

	(void)cond;
	(void)until;
	pthread_mutex_unlock(lock);
	given = fault_source_release(false);
	pthread_mutex_lock(lock);
	return given ? 0 : ETIMEDOUT;
}

/* ---- what the daemon writes: a store and a log ---- */

static struct world_kept kept;

struct world_kept
world_take_kept(void)
{
	struct world_kept taken = kept;

	kept.any = false;
	return taken;
}

struct store *
store_open(const struct store_options *o, char *error, size_t size)
{
	static char place;

	(void)error;
	(void)size;
	assert(o->path != NULL);
	return (struct store *)(void *)&place;
}

/* Checks that the strings of a failure report are printable ASCII, and that its
 * fields are lines of printable ASCII. */
static void
check_failure(const struct failure *f)
{
	const struct span lines[] = { f->likeness, f->organization, f->domain,
		f->record, f->author, f->source, f->subject };
	const struct span fields[] = { f->feedback, f->header };

	assert(failure_size(f) <= sizeof(*f) + FAILURE_MAX);
	assert(f->domain.n > 0 && f->record.n > 0);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		assert(span_all(lines[i], ascii_is_print));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		for (size_t k = 0; k < fields[i].n; k++)
			assert(ascii_is_print((unsigned char)fields[i].p[k]) ||
			    fields[i].p[k] == '\t' || fields[i].p[k] == '\n');
}

/* Checks that the row is complete and that the facts are read back
 * unchanged. */
bool
store_put(struct store *s, const struct report_row *row,
    const struct policy_input *facts, const struct policy_decision *decision,
    const struct failure *failure, int64_t now)
{
	struct queued_message *e =
	    queued_message_new(row, facts, decision, now);
	struct arena *a = arena_new(FACTS_MEMORY);
	struct policy_input again;
	struct queued_texts t;

	(void)s;
	assert(e != NULL && a != NULL);
	queued_message_texts(e, &t);
	assert(e->has_row == (row != NULL) && e->has_facts);
	for (size_t i = 0; e->has_row && i < ROW_TEXTS_MAX; i++)
		for (size_t k = 0; k < t.row[i].n; k++)
			assert(ascii_is_print((unsigned char)t.row[i].p[k]) ||
			    (i ==
				    ROW_TEXT_SHAPE +
					columns_of(COLUMNS_SHAPE)->n - 1 &&
				t.row[i].p[k] == '\n'));
	assert(facts_unpack(t.facts, a, &again));
	assert(again.spf == facts->spf && again.dkim == facts->dkim);
	assert(again.dmarc == facts->dmarc);
	assert(again.overload == facts->overload);
	assert((again.list_by.p != NULL) == (facts->list_by.p != NULL));
	assert(again.dmarc_policy == facts->dmarc_policy);
	kept.any = true;
	kept.action = decision->action;
	kept.would = decision->would;
	kept.skipped = decision->skipped;
	arena_free(a);
	if (failure != NULL)
		check_failure(failure);
	queued_message_free(e);
	return true;
}

struct hash_secret
store_redaction_key(struct store *s)
{
	(void)s;
	return (struct hash_secret){ 1, 2 };
}

void
store_counts(struct store *s, struct store_counts *out)
{
	(void)s;
	*out = (struct store_counts){ .put = 1 };
}

struct store_counts
store_close(struct store *s, unsigned wait_ms)
{
	(void)s;
	(void)wait_ms;
	return (struct store_counts){ .put = 1 };
}

void __syslog_chk(int priority, int flag, const char *format, ...);
void syslog(int priority, const char *format, ...);

/* Checks that a log line stays one line (lib/log.h).  The functions below
 * replace those of libc. */
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

/* Called instead of syslog() with _FORTIFY_SOURCE. */
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
