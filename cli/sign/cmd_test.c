/*
 * cmd_test.c - avouch sign test: sends messages by each route that our own mail
 * takes, receives them where the mail system delivers them, and verifies their
 * signatures.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/message.h"
#include "cli/sign/cmd_sign.h"
#include "cli/sign/smtp_sink.h"
#include "cli/sign/submission.h"
#include "lib/date.h"
#include "lib/domain.h"
#include "lib/enum_names.h"
#include "lib/hash.h"
#include "lib/scan.h"
#include "mail/address.h"
#include "report/send/sendmail.h"
#include "sign/signature_field.h"
#include "verify/core_options.h"

#define SINK_DOMAIN "avouch.invalid" /* RFC 2606 section 2 */

enum {
	SINK_PORT = 10099,
	TEST_MS = 60000, /* milliseconds for all messages to arrive */
	SENDMAIL_SECONDS = 30,
	TEST_EXIT_FOUND = 1,
	TEST_ADDRESS_MAX = 320,
	TEST_TEXT_MAX = 8192,
	LONG_LINE = 1200, /* bytes; RFC 5321 allows 998 */
};

enum test_result {
	TEST_PASS,
	TEST_BROKEN,   /* signed for the author's domain, but invalid */
	TEST_UNSIGNED, /* no signature for the author's domain */
	TEST_LOST,     /* did not arrive */
	TEST_NOT_SENT,
};

static const struct enum_token result_names[] = {
	{ "pass", TEST_PASS },
	{ "broken", TEST_BROKEN },
	{ "unsigned", TEST_UNSIGNED },
	{ "lost", TEST_LOST },
	{ "not_sent", TEST_NOT_SENT },
};

enum { HAS_LONG_LINE = 1, IS_BOUNCE = 2, IS_SUBMISSION = 4 };

#define LONG_LINE_FIX                                                          \
	"smtp(8) breaks lines over 998 bytes after they are signed; set "      \
	"force_mime_input_conversion = yes (Postfix 3.9)"

static const struct test_way {
	const char *name; /* local part of the recipient */
	const char *text;
	unsigned kind;
	const char *fix[TEST_NOT_SENT]; /* NULL: use the general advice */
} ways[] = {
	{ "sendmail", "sendmail(1)", 0,
	    { [TEST_UNSIGNED] = "non_smtpd_milters must name the signer" } },
	{ "sendmail-long", "sendmail(1), with a line of 1200 bytes",
	    HAS_LONG_LINE, { [TEST_BROKEN] = LONG_LINE_FIX } },
	{ "bounce", "a bounce from this host", IS_BOUNCE,
	    { [TEST_UNSIGNED] =
		    "set internal_mail_filter_classes = bounce; "
		    "$myhostname must be in a domain with a key" } },
	{ "submission", "submission", IS_SUBMISSION,
	    { [TEST_UNSIGNED] =
		    "smtpd_milters of this service must name the signer" } },
	{ "submission-long", "submission, with a line of 1200 bytes",
	    IS_SUBMISSION | HAS_LONG_LINE, { [TEST_BROKEN] = LONG_LINE_FIX } },
};

struct test_arrived {
	enum test_result result;
	bool has_message;
	struct message m;
	struct body_hashes *hashes;
	struct dkim *dkim;
	struct dns_task *task;
	char note[TEST_ADDRESS_MAX];
};

struct sign_test {
	struct cli *c;
	const struct conf *conf;
	const char *author;
	char token[32];
	size_t missing;
	struct test_arrived arrived[ARRAY_SIZE(ways)];
};

/* ---- sending ---- */

static void
put_recipient(struct buf *b, const struct sign_test *t, const char *name)
{
	buf_printf(b, "%s-%s@" SINK_DOMAIN, name, t->token);
}

static void
put_message(struct buf *b, const struct sign_test *t,
    const struct test_way *way, const char *line_end)
{
	const struct span domain =
	    mail_envelope_domain(span_str(t->author), NULL);
	char memory[TEST_TEXT_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));

	buf_printf(&text, "From: <%s>\nTo: <", t->author);
	put_recipient(&text, t, way->name);
	buf_printf(
	    &text, ">\nSubject: avouch sign test: %s\nDate: ", way->text);
	date_put_mail(&text, t->c->now);
	buf_printf(&text,
	    "\nMessage-ID: <%s.%s@%.*s>\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=us-ascii\n\n"
	    "A test of signatures.\n",
	    way->name, t->token, SPAN_FMT(domain));
	if ((way->kind & HAS_LONG_LINE) != 0) {
		for (int i = 0; i < LONG_LINE; i++)
			buf_byte(&text, 'x');
		buf_byte(&text, '\n');
	}
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '\n')
			buf_text(b, line_end);
		else
			buf_byte(b, text.p[i]);
}

static bool
send_by_sendmail(
    const struct sign_test *t, const struct test_way *way, struct buf *error)
{
	char memory[TEST_TEXT_MAX], to[TEST_ADDRESS_MAX];
	char back[TEST_ADDRESS_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct buf recipient = buf_wrap(to, sizeof(to));
	struct buf sender = buf_wrap(back, sizeof(back));
	struct sendmail h = { .program = t->conf->report.sendmail,
		.from = t->author,
		.to = to,
		.seconds = SENDMAIL_SECONDS };
	FILE *file = tmpfile();
	bool ok;

	put_message(&text, t, way, "\n");
	put_recipient(&recipient, t, way->name);
	if ((way->kind & IS_BOUNCE) != 0) {
		put_recipient(&sender, t, "bounced");
		h.from = back;
	}
	if (file == NULL) {
		buf_text(error, "cannot create a temporary file");
		return false;
	}
	ok = fwrite(text.p, 1, text.n, file) == text.n && fflush(file) == 0 &&
	    lseek(fileno(file), 0, SEEK_SET) == 0;
	h.mail = fileno(file);
	ok = ok && sendmail_run(&h, error) == SENDMAIL_DONE;
	fclose(file);
	return ok;
}

static bool
send_by_submission(
    const struct sign_test *t, const struct test_way *way, struct buf *error)
{
	char memory[TEST_TEXT_MAX], to[TEST_ADDRESS_MAX];
	struct buf text = buf_wrap(memory, sizeof(memory));
	struct buf recipient = buf_wrap(to, sizeof(to));

	put_message(&text, t, way, "\r\n");
	put_recipient(&recipient, t, way->name);
	return submission_send(
	    &(struct submission){
		.url = t->c->submission,
		.login = t->c->login != NULL ? t->c->login : t->author,
		.password = getenv("AVOUCH_PASSWORD"),
		.from = t->author,
		.to = to,
		.message = buf_view(&text),
	    },
	    error);
}

static void
send_all(struct sign_test *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct test_arrived *one = &t->arrived[i];
		struct buf note = buf_wrap(one->note, sizeof(one->note));
		bool by_submission = (ways[i].kind & IS_SUBMISSION) != 0;

		one->result = TEST_NOT_SENT;
		if (by_submission && t->c->submission == NULL)
			continue;
		if (by_submission ? send_by_submission(t, &ways[i], &note)
				  : send_by_sendmail(t, &ways[i], &note)) {
			one->result = TEST_LOST;
			t->missing++;
		}
	}
}

/* ---- receiving ---- */

static bool
is_recipient(const struct sign_test *t, struct span text, const char *name)
{
	char memory[TEST_ADDRESS_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	put_recipient(&b, t, name);
	return span_equal_nocase(text, buf_view(&b));
}

static int
test_find(void *arg, struct span recipient)
{
	const struct sign_test *t = arg;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		if ((ways[i].kind & IS_BOUNCE) != 0) {
			if (is_recipient(t, recipient, ways[i].name))
				return SMTP_SINK_BOUNCE;
			if (is_recipient(t, recipient, "bounced"))
				return (int)i;
		} else if (is_recipient(t, recipient, ways[i].name))
			return (int)i;
	return SMTP_SINK_UNKNOWN;
}

static void
test_take(void *arg, int number, int fd)
{
	struct sign_test *t = arg;
	struct test_arrived *one = &t->arrived[number];

	if (one->result != TEST_LOST ||
	    message_open_file(t->c, &one->m, fd, ways[number].text) != EX_OK)
		return;
	one->has_message = true;
	one->result = TEST_UNSIGNED;
	t->missing--;
}

static enum core_status
test_step(void *facts, struct dns_questions *questions, struct arena *scratch)
{
	return dkim_keys(facts, questions, scratch);
}

/* Whether a signature is for the author: d= is the author's domain or a parent
 * of it, because the signer chooses only such domains.  Unlike DMARC, ignores
 * organizational domains. */
static bool
is_of_author(const struct dkim_result *r, const struct mail_from *from)
{
	return from->n_domains == 1 && r->domain.n > 0 &&
	    (domain_equal(r->domain, from->domains[0]) ||
		domain_is_under(from->domains[0], r->domain));
}

static enum test_result
judge_signatures(const struct dkim *d, const struct mail_from *from)
{
	enum test_result result = TEST_UNSIGNED;
	size_t n;
	const struct dkim_result *r = dkim_results(d, &n);

	for (size_t i = 0; i < n; i++) {
		if (!is_of_author(&r[i], from))
			continue;
		if (r[i].code == DKIM_PASS)
			return TEST_PASS;
		result = TEST_BROKEN;
	}
	return result;
}

static void
verify_arrived(struct sign_test *t, struct test_arrived *one)
{
	struct dkim_options options = core_options_dkim(t->c->defaults);
	struct message *m = &one->m;

	if (!one->has_message)
		return;
	one->hashes = body_hashes_new(m->arena);
	if (one->hashes != NULL)
		one->dkim = dkim_begin(m->arena, &options, &m->header,
		    one->hashes, m->from.domains, m->from.n_domains, t->c->now);
	one->task = message_run(t->c, m, one->hashes, test_step, one->dkim);
	if (one->task == NULL)
		return;
	dkim_finish(one->dkim);
	one->result = judge_signatures(one->dkim, &m->from);
}

static void
arrived_free(struct test_arrived *one)
{
	dns_task_free(one->task);
	dkim_free(one->dkim);
	body_hashes_free(one->hashes);
	if (one->has_message)
		message_close(&one->m);
}

/* ---- output ---- */

static const struct dkim_result *
results_of(const struct test_arrived *one, size_t *n)
{
	*n = 0;
	return one->task != NULL ? dkim_results(one->dkim, n) : NULL;
}

static const char *
fix_of(const struct test_way *way, enum test_result result)
{
	if (result == TEST_PASS || result == TEST_NOT_SENT)
		return NULL;
	if (way->fix[result] != NULL)
		return way->fix[result];
	if (result == TEST_LOST)
		return "Postfix must deliver it here; see sign test in "
		       "avouch(1), and Postfix's log";
	return "run `avouch key check` and `avouch sign doctor`";
}

static void
way_print(const struct test_way *way, const struct test_arrived *one)
{
	const char *fix = fix_of(way, one->result);
	size_t n;
	const struct dkim_result *r = results_of(one, &n);

	printf("%s: %s\n", way->text,
	    enum_name(
		result_names, ARRAY_SIZE(result_names), (int)one->result));
	if (one->note[0] != '\0') {
		fputs("  ", stdout);
		cli_put(span_str(one->note));
		putchar('\n');
	}
	for (size_t i = 0; i < n; i++) {
		fputs("  d=", stdout);
		cli_put(r[i].domain);
		fputs(" s=", stdout);
		cli_put(r[i].selector);
		printf(" %s", dkim_code_name(r[i].code));
		if (r[i].code != DKIM_PASS && r[i].reason.n > 0) {
			fputs(": ", stdout);
			cli_put(r[i].reason);
		}
		putchar('\n');
	}
	if (fix != NULL)
		cli_prose_text(2, fix);
}

static json_t *
way_json(const struct test_way *way, const struct test_arrived *one)
{
	json_t *o = json_object(), *list = json_array();
	size_t n;
	const struct dkim_result *r = results_of(one, &n);

	cli_set_text(o, "way", way->name);
	cli_set_text(o, "result",
	    enum_name(
		result_names, ARRAY_SIZE(result_names), (int)one->result));
	cli_set_text(o, "note", one->note[0] != '\0' ? one->note : NULL);
	cli_set_text(o, "fix", fix_of(way, one->result));
	for (size_t i = 0; i < n; i++) {
		json_t *signature = json_object();

		cli_set_span(signature, "domain", r[i].domain);
		cli_set_span(signature, "selector", r[i].selector);
		cli_set_text(signature, "result", dkim_code_name(r[i].code));
		cli_set_span(signature, "reason", r[i].reason);
		json_array_append_new(list, signature);
	}
	cli_set(o, "signatures", list);
	return o;
}

/* Prints the results.  A signature broken by a long line is only a hint: most
 * programs do not write long lines. */
static int
test_show(struct sign_test *t)
{
	json_t *o = json_object(), *list = json_array();
	int status = EX_OK;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		const struct test_arrived *one = &t->arrived[i];

		if ((ways[i].kind & IS_SUBMISSION) != 0 &&
		    t->c->submission == NULL)
			continue;
		if (one->result != TEST_PASS &&
		    !((ways[i].kind & HAS_LONG_LINE) != 0 &&
			one->result == TEST_BROKEN))
			status = TEST_EXIT_FOUND;
		if (t->c->json)
			json_array_append_new(list, way_json(&ways[i], one));
		else
			way_print(&ways[i], one);
	}
	cli_set(o, "ways", list);
	if (t->c->json)
		(void)cli_print_json(o);
	else
		json_decref(o);
	return status;
}

/* ---- the test ---- */

/* Whether an address can be written between "<" and ">". */
static bool
is_plain_address(struct span address)
{
	struct span local, domain = mail_envelope_domain(address, &local);

	for (size_t i = 0; i < address.n; i++)
		if (address.p[i] <= ' ' || address.p[i] > '~' ||
		    address.p[i] == '<' || address.p[i] == '>')
			return false;
	return local.n > 0 && address.n < TEST_ADDRESS_MAX / 2 &&
	    domain_is_fqdn(domain);
}

static int
read_port(const struct cli *c, unsigned *port)
{
	struct scan s = scan_of(span_str(c->sink));
	uint64_t number = SINK_PORT;

	if (c->sink != NULL &&
	    (!scan_number(&s, UINT16_MAX, &number) || !scan_done(&s) ||
		number == 0))
		return cli_fail(c, EX_USAGE,
		    "--sink %s: must be a port, from 1 to 65535", c->sink);
	*port = (unsigned)number;
	return EX_OK;
}

static int
test_run(struct sign_test *t, struct smtp_sink *sink)
{
	int64_t until;
	int status;

	send_all(t);
	until = clock_ms() + TEST_MS;
	while (t->missing > 0 && smtp_sink_serve(sink, until))
		continue;
	status = cli_dns_open(t->c);
	for (size_t i = 0; status == EX_OK && i < ARRAY_SIZE(ways); i++)
		verify_arrived(t, &t->arrived[i]);
	if (status == EX_OK)
		status = test_show(t);
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
		arrived_free(&t->arrived[i]);
	return status;
}

int
sign_test(struct cli *c, const struct conf *conf)
{
	struct sign_test t = { .c = c, .conf = conf, .author = c->args[1] };
	struct smtp_sink sink = {
		.find = test_find, .take = test_take, .arg = &t
	};
	struct hash_secret secret = hash_secret_new();
	char text[TEST_ADDRESS_MAX];
	struct buf error = buf_wrap(text, sizeof(text));
	unsigned port = SINK_PORT;
	int status = read_port(c, &port);

	if (status != EX_OK)
		return status;
	if (!is_plain_address(span_str(t.author)))
		return cli_fail(c, EX_USAGE,
		    "%s: not an address with a domain; use one whose mail you "
		    "sign, such as alice@example.org",
		    t.author);
	snprintf(t.token, sizeof(t.token), "%016llx",
	    (unsigned long long)(secret.a ^ secret.b));
	if (!smtp_sink_open(&sink, port, &error))
		return cli_fail(c, EX_TEMPFAIL, "%s", text);
	status = test_run(&t, &sink);
	smtp_sink_close(&sink);
	return status;
}
