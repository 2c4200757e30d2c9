/* message.c - avouch audit --message FILE and --bounce FILE */
#include "audit/message/message.h"

#include "cli/audit/audit.h"
#include "cli/input.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "mail/header.h"
#include "verify/dns_task.h"

enum {
	INPUT_ERROR_MAX = 512,
	NAMES_CONFIRMED_MAX = 10, /* names per client, RFC 7208 section 4.6.4 */
};

/* Facts about the SMTP session: from options, or else from the message. */
struct audit_envelope {
	struct audit_hop hop;
	struct span sender; /* absent: unknown */
	bool has_received;  /* the message has a Received field */
	bool has_hop;       /* `hop` is the hop to judge */
};

static int
open_input(struct cli *c, const char *path, struct input *in)
{
	char error[INPUT_ERROR_MAX];

	if (!input_open(in, path, error, sizeof(error)))
		return cli_fail(c, EX_DATAERR, "%s", error);
	return EX_OK;
}

/* Whether a receiver on another host could see this client. */
static bool
is_public_client(const struct ip *ip)
{
	return ip->family != IP_NONE &&
	    ip_net_is_public(ip, ip->family == IP_V4 ? 32 : 128);
}

/* Whether the hop is the one to judge: that of the client given with --ip, or
 * else the last one from the Internet.  Local delivery, content filters and
 * gateways add Received fields for hops inside the receiver's network. */
static bool
is_last_hop(const struct cli *c, const struct audit_hop *hop)
{
	return c->ip_text != NULL ? ip_equal(&hop->client, &c->ip)
				  : is_public_client(&hop->client);
}

/* Takes the hop from the topmost Received field, and from those below it until
 * one describes the hop to judge. */
static void
take_hop(const struct cli *c, struct span received, struct audit_envelope *e)
{
	struct audit_hop hop;

	if (e->has_hop)
		return;
	audit_hop_read(received, &hop);
	e->has_hop = is_last_hop(c, &hop);
	if (e->has_hop || !e->has_received)
		e->hop = hop;
	e->has_received = true;
}

static void
read_envelope(struct cli *c, struct span text, struct audit_envelope *out)
{
	struct scan s = mail_header_open(text);
	struct span name, value;

	*out = (struct audit_envelope){ .sender = SPAN_NONE };
	while (mail_header_next(&s, &name, &value)) {
		if (span_is_nocase(name, "Return-Path") &&
		    out->sender.p == NULL)
			out->sender = span_trim(value);
		if (span_is_nocase(name, "Received"))
			take_hop(c, value, out);
	}
	if (!out->has_hop)
		out->hop.tls = AUDIT_UNKNOWN;
	if (c->ip_text != NULL)
		out->hop.client = c->ip;
	if (c->helo != NULL)
		out->hop.helo = span_str(c->helo);
	if (c->mail_from != NULL)
		out->sender = span_str(c->mail_from);
	if (!is_public_client(&out->hop.client)) {
		out->hop.client = (struct ip){ .family = IP_NONE };
		out->hop.tls = AUDIT_UNKNOWN;
	}
}

/* ---- the client's name, and the senders' domains ---- */

struct dns_facts {
	struct ip client;
	struct span from, sender; /* domains; absent: none */
	enum audit_answer has_name;
	char name[DOMAIN_MAX + 1]; /* confirmed name; "": none */
	enum audit_mail from_mail, sender_mail;
};

/* Keeps the first confirmed name. */
static void
note_name(struct dns_facts *t, struct span name)
{
	struct buf b = buf_wrap(t->name, sizeof(t->name));

	if (t->has_name != AUDIT_YES)
		buf_printable(&b, name, DOMAIN_MAX);
	t->has_name = AUDIT_YES;
}

/* RFC 8601 section 2.7.3: one of the client's names must resolve to its
 * address. */
static bool
confirm_name(
    struct dns_facts *t, struct dns_questions *questions, struct arena *scratch)
{
	struct buf reverse = buf_alloc(scratch, DOMAIN_MAX);
	const struct dns_answer *ptr;
	bool waits = false;

	t->has_name = AUDIT_UNKNOWN;
	t->name[0] = '\0';
	if (t->client.family == IP_NONE)
		return false;
	ip_put_reverse(&reverse, &t->client);
	ptr = dns_ask(questions, buf_view(&reverse), DNS_PTR);
	t->has_name = ptr->state == DNS_FAILED ? AUDIT_UNKNOWN : AUDIT_NO;
	for (size_t i = 0; i < ptr->n_records && i < NAMES_CONFIRMED_MAX; i++) {
		const struct dns_answer *answer =
		    dns_ask(questions, ptr->records[i].text,
			t->client.family == IP_V4 ? DNS_A : DNS_AAAA);

		waits |= answer->state == DNS_PENDING;
		if (answer->state == DNS_FAILED && t->has_name == AUDIT_NO)
			t->has_name = AUDIT_UNKNOWN;
		for (size_t k = 0; k < answer->n_records; k++)
			if (ip_equal(&answer->records[k].ip, &t->client))
				note_name(t, ptr->records[i].text);
	}
	return waits || ptr->state == DNS_PENDING;
}

/* Determines whether a domain accepts mail (RFC 5321 section 5.1, RFC 7505).
 * Returns true if an answer is missing. */
static bool
find_mail(
    struct span domain, struct dns_questions *questions, enum audit_mail *out)
{
	const struct dns_answer *mx, *a, *aaaa;

	*out = AUDIT_MAIL_UNKNOWN;
	if (domain.p == NULL)
		return false;
	mx = dns_ask(questions, domain, DNS_MX);
	a = dns_ask(questions, domain, DNS_A);
	aaaa = dns_ask(questions, domain, DNS_AAAA);
	if (mx->state == DNS_FOUND)
		*out = mx->n_records == 1 && mx->records[0].text.n == 0
		    ? AUDIT_MAIL_NULL_MX
		    : AUDIT_MAIL_ACCEPTED;
	else if (a->state == DNS_FOUND || aaaa->state == DNS_FOUND)
		*out = AUDIT_MAIL_ACCEPTED;
	else if (mx->state == DNS_FAILED || a->state == DNS_FAILED ||
	    aaaa->state == DNS_FAILED)
		*out = AUDIT_MAIL_UNKNOWN;
	else
		*out = mx->state == DNS_NXDOMAIN && a->state == DNS_NXDOMAIN
		    ? AUDIT_MAIL_NO_DOMAIN
		    : AUDIT_MAIL_NO_HOST;
	return mx->state == DNS_PENDING || a->state == DNS_PENDING ||
	    aaaa->state == DNS_PENDING;
}

static enum core_status
find_dns_facts(
    void *facts, struct dns_questions *questions, struct arena *scratch)
{
	struct dns_facts *t = facts;
	bool waits = confirm_name(t, questions, scratch);

	waits |= find_mail(t->from, questions, &t->from_mail);
	waits |= find_mail(t->sender, questions, &t->sender_mail);
	return waits ? CORE_WAIT : CORE_DONE;
}

/* Returns false if a lack of memory or time left facts unknown. */
static bool
read_dns_facts(struct cli *c, struct dns_facts *t)
{
	struct dns_task *j = dns_task_start(
	    c->dns, find_dns_facts, t, CLI_QUESTIONS, CLI_SCRATCH);
	bool is_complete;

	if (j == NULL)
		return false;
	is_complete = dns_task_wait(j, clock_ms() + CLI_WAIT_MS);
	dns_task_free(j);
	return is_complete;
}

/* ---- output ---- */

static const char *
answer_name(enum audit_answer answer)
{
	return answer == AUDIT_YES ? "yes"
	    : answer == AUDIT_NO   ? "no"
				   : "unknown";
}

static struct span
address_text(struct buf *b, const struct ip *ip)
{
	if (ip->family == IP_NONE)
		return SPAN("unknown");
	ip_put(b, ip);
	return buf_view(b);
}

/* Whether the DMARC result is unknown because the SPF result is. */
static bool
is_dmarc_open(const struct verdict *v)
{
	return v->client.family == IP_NONE &&
	    v->spf_mail_from.code == SPF_TEMPERROR &&
	    v->dmarc.code == DMARC_TEMPERROR;
}

/* Returns the SPF result, or "unknown" if SPF could not be checked. */
static const char *
spf_shown(const struct audit_message *m)
{
	return m->has_client ? spf_code_name(m->verdict->spf_mail_from.code)
			     : "unknown";
}

static const char *
spf_helo_shown(const struct audit_message *m)
{
	return m->has_client ? spf_code_name(m->verdict->spf_helo.code)
			     : "unknown";
}

static const char *
dmarc_shown(const struct verdict *v)
{
	return is_dmarc_open(v) ? "unknown" : dmarc_code_name(v->dmarc.code);
}

static json_t *
message_json(const struct audit_message *m, const struct audit_findings *f)
{
	const struct verdict *v = m->verdict;
	char memory[IP_TEXT_MAX];
	struct buf client = buf_wrap(memory, sizeof(memory));
	json_t *o = json_object();

	cli_set_span(o, "from", v->from.first);
	cli_set_span(o, "mail_from", v->mail_from);
	cli_set_span(o, "client", address_text(&client, &v->client));
	cli_set_span(o, "client_name", m->client_name);
	cli_set_span(o, "helo", v->helo);
	cli_set_text(o, "spf_helo", spf_helo_shown(m));
	cli_set_text(o, "spf", spf_shown(m));
	cli_set_text(o, "dkim", dkim_code_name(v->facts.dkim));
	cli_set_text(o, "dmarc", dmarc_shown(v));
	cli_set_bool(o, "spf_aligned", v->dmarc.spf_aligned);
	cli_set_bool(o, "dkim_aligned", v->dmarc.dkim_aligned);
	cli_set_text(o, "confirmed_name", answer_name(m->has_name));
	cli_set_text(o, "tls", answer_name(m->tls));
	cli_set_bool(o, "bulk", audit_message_is_bulk(v->header));
	cli_set_bool(o, "unsure", m->is_unsure);
	cli_set(o, "findings", audit_findings_json(f));
	cli_set_bool(o, "cut", f->cut);
	return o;
}

static void
message_show(const struct audit_message *m, const struct audit_findings *f)
{
	const struct verdict *v = m->verdict;
	char memory[IP_TEXT_MAX];
	struct buf client = buf_wrap(memory, sizeof(memory));

	cli_line("from", v->from.first);
	cli_line("mail from", v->mail_from);
	cli_line("client", address_text(&client, &v->client));
	cli_line("client's name",
	    m->client_name.p != NULL      ? m->client_name
		: m->has_name == AUDIT_NO ? SPAN("none confirmed")
					  : SPAN("unknown"));
	cli_line("HELO name", v->helo);
	cli_line_text("spf of HELO name", spf_helo_shown(m));
	printf("%-22s %s%s\n", "spf", spf_shown(m),
	    v->dmarc.spf_aligned ? ", aligned with From" : "");
	printf("%-22s %s%s\n", "dkim", dkim_code_name(v->facts.dkim),
	    v->dmarc.dkim_aligned ? ", aligned with From" : "");
	cli_line_text("dmarc", dmarc_shown(v));
	cli_line_text("TLS on the last hop", answer_name(m->tls));
	cli_line_text(
	    "bulk mail", audit_message_is_bulk(v->header) ? "yes" : "no");
	if (!m->has_client)
		puts("The client's address is unknown, so SPF and DMARC were "
		     "not checked. Send the\nmessage from another server, or "
		     "use --ip.");
	if (m->is_unsure)
		puts(v->faulty
			? "SPF, DKIM and DMARC could not be checked: the "
			  "message exceeds a limit, such as 4096 header fields."
			: "SPF, DKIM and DMARC could not be checked: a DNS "
			  "lookup failed.");
	audit_show_findings(f);
	puts("\n" AUDIT_SCOPE);
}

/* ---- --message ---- */

static bool
take_message_body(void *arg, struct span chunk)
{
	return verify_body(arg, chunk);
}

static bool
is_temporary(const struct verdict *v)
{
	return v->gave_up || v->faulty ||
	    (v->client.family != IP_NONE &&
		v->spf_mail_from.code == SPF_TEMPERROR) ||
	    v->facts.dkim == DKIM_TEMPERROR ||
	    (v->dmarc.code == DMARC_TEMPERROR && !is_dmarc_open(v));
}

static int
judge_message(
    struct cli *c, const struct audit_envelope *e, const struct verdict *v)
{
	struct arena *a = arena_new(CLI_MEMORY);
	struct dns_facts dns = {
		.client = e->hop.client,
		.from = v->from.n_domains > 0 ? v->from.domains[0] : SPAN_NONE,
		.sender = v->facts.mail_from_domain,
	};
	struct audit_message m = {
		.verdict = v,
		.tls = e->hop.tls,
		.received = e->hop.when,
		.has_client = e->hop.client.family != IP_NONE,
		.is_unsure = is_temporary(v),
	};
	struct audit_findings found;
	int status;

	if (a == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	audit_findings_init(&found, a);
	found.cut = !read_dns_facts(c, &dns);
	m.has_name = dns.has_name;
	if (dns.name[0] != '\0')
		m.client_name = span_str(dns.name);
	m.from_mail = dns.from_mail;
	m.sender_mail = dns.sender_mail;
	audit_message(&m, a, &found);
	if (c->json)
		cli_print_json(message_json(&m, &found));
	else
		message_show(&m, &found);
	status = audit_status(c, &found, m.is_unsure);
	arena_free(a);
	return status;
}

int
audit_show_message(
    struct cli *c, struct span text, const struct audit_gate *gate)
{
	const struct input in = { text };
	struct audit_envelope e;
	struct own_fields own;
	struct verify_client client = {
		.authserv_id = SPAN("localhost"),
		.now = c->now,
	};
	struct verify_envelope envelope = { .now = c->now, .own = &own };
	struct verify_connection *connection;
	struct verify_message *m = NULL;
	const struct verdict *v;
	struct scan s = mail_header_open(text);
	struct span name, value;
	int status = EX_OK;

	read_envelope(c, text, &e);
	client.ip = e.hop.client;
	envelope.sender = e.sender.p != NULL ? e.sender : SPAN("");
	connection = verify_connect(c->defaults, c->dns, &client);
	own_fields_begin(&own, client.authserv_id);
	if (connection != NULL) {
		verify_helo(connection, e.hop.helo);
		m = verify_mail(connection, &envelope);
	}
	if (m == NULL) {
		verify_disconnect(connection);
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	}
	while (mail_header_next(&s, &name, &value))
		verify_header(m, name, value);
	verify_headers_end(m);
	input_body(&in, text.n - scan_rest(&s).n, take_message_body, m);
	v = verify_finish(m);
	if (gate == NULL || gate->opens(gate->arg, v))
		status = judge_message(c, &e, v);
	verify_end(m);
	verify_disconnect(connection);
	return status;
}

int
audit_run_message(struct cli *c)
{
	struct input in;
	int status = open_input(c, c->message, &in);

	if (status != EX_OK)
		return status;
	status = cli_dns_open(c);
	if (status == EX_OK)
		status = audit_show_message(c, in.text, NULL);
	input_close(&in);
	return status;
}

/* ---- --bounce ---- */

int
audit_run_bounce(struct cli *c)
{
	struct arena *a = arena_new(CLI_MEMORY);
	struct audit_findings found;
	struct input in;
	json_t *o;
	int status;

	if (a == NULL)
		return cli_fail(c, EX_TEMPFAIL, "out of memory");
	status = open_input(c, c->bounce, &in);
	if (status == EX_OK) {
		audit_findings_init(&found, a);
		audit_bounce(in.text, a, &found);
		input_close(&in);
		if (c->json) {
			o = json_object();
			cli_set(o, "findings", audit_findings_json(&found));
			cli_set_bool(o, "cut", found.cut);
			cli_print_json(o);
		} else if (found.n > 0) {
			audit_show_findings(&found);
		} else {
			puts("The input contains no known reply about SPF, "
			     "DKIM, "
			     "DMARC or the other rules for senders.");
		}
		status = audit_status(c, &found, false);
	}
	arena_free(a);
	return status;
}
