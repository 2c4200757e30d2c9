#include "report/show/others.h"

#include <inttypes.h>
#include <string.h>

#include "lib/date.h"
#include "lib/enum_names.h"
#include "report/show/page.h"
#include "report/show/summary.h"

/* ---- fixes ---- */

const char *
others_tls_fix(struct span result)
{
	static const struct {
		const char *result, *fix;
	} fixes[] = {
		{ "starttls-not-supported",
		    "The server did not offer STARTTLS. Enable TLS on it." },
		{ "certificate-host-mismatch",
		    "The certificate is for another name. Get one for the name "
		    "of the MX." },
		{ "certificate-expired",
		    "The certificate has expired. Renew it, and reload the "
		    "server." },
		{ "certificate-not-trusted",
		    "The sender does not trust the certificate. Use a public "
		    "certificate authority, and send the whole chain." },
		{ "validation-failure",
		    "The sender rejected the certificate for another reason. "
		    "Check the certificate that the MX presents." },
		{ "tlsa-invalid",
		    "The TLSA record does not match the certificate. Correct "
		    "it; next time, publish the new record before you change "
		    "the certificate." },
		{ "dnssec-invalid",
		    "DNSSEC is broken for the domain or the MX. Check the "
		    "signatures." },
		{ "dane-required",
		    "The sender requires DANE, and the MX has no usable TLSA "
		    "record." },
		{ "sts-policy-fetch-error",
		    "The MTA-STS policy could not be fetched. Check the web "
		    "server mta-sts.DOMAIN." },
		{ "sts-policy-invalid",
		    "The MTA-STS policy is not valid. Check "
		    "mta-sts.DOMAIN/.well-known/mta-sts.txt." },
		{ "sts-webpki-invalid",
		    "The certificate of the web server mta-sts.DOMAIN is not "
		    "valid." },
	};

	for (size_t i = 0; i < ARRAY_SIZE(fixes); i++)
		if (span_is(result, fixes[i].result))
			return fixes[i].fix;
	return NULL;
}

/* ---- gathering ---- */

enum {
	OTHERS_ROW_BYTES = 8192 /* arena bytes of a domain and one row: 8 values
	                        of 255 bytes, and 2 of 1000 */
};

struct others_gather {
	struct arena *a;
	struct others_list *list;
	const struct view_ours *ours;
	bool is_ours_turn; /* only our own domains are read, or only others */
	size_t most; /* arena_used() from which on rows are only counted */
	struct others_domain *domain;   /* domain of the previous row */
	char left_out[REPORT_NAME_MAX]; /* the last domain that was only
	                                   counted */
	size_t n_left_out;
	struct others_tls **last_tls; /* where to link the next row */
	struct others_failure **last_failure;
	bool failed;
};

static struct span
keep(struct others_gather *g, struct span text)
{
	struct span copy = arena_copy(g->a, text);

	g->failed = g->failed || copy.p == NULL;
	return copy;
}

static bool
is_others_full(const struct others_gather *g)
{
	return arena_used(g->a) >= g->most;
}

/* Counts a domain that is left out.  Its name is not in the arena, because the
 * number of such domains has no limit. */
static void
leave_out(struct others_gather *g, struct span domain)
{
	domain = span_first(domain, sizeof(g->left_out));
	if (span_equal(span_of(g->left_out, g->n_left_out), domain))
		return;
	memcpy(g->left_out, domain.p, domain.n);
	g->n_left_out = domain.n;
	g->list->left_out++;
}

/* Finds or adds a domain; rows are sorted by domain.  Returns NULL if the
 * domain is not read in this turn or is only counted, or memory ran out. */
static struct others_domain *
domain_of(struct others_gather *g, struct span domain)
{
	struct others_domain *d = g->domain, **at;

	if (g->ours->has(g->ours->arg, domain) != g->is_ours_turn)
		return NULL;
	if (d != NULL && span_equal(d->domain, domain))
		return d;
	if (g->list->n == OTHERS_DOMAINS_MAX || is_others_full(g)) {
		leave_out(g, domain);
		return NULL;
	}
	at = d != NULL ? &d->next : &g->list->domains;
	d = arena_alloc(g->a, sizeof(*d));
	if (d == NULL) {
		g->failed = true;
		return NULL;
	}
	d->domain = keep(g, domain);
	*at = g->domain = d;
	g->list->n++;
	return d;
}

/* Allocates a row for the domain.  Each domain gets at least one.  Returns NULL
 * if the row is only counted, or memory ran out. */
static void *
new_row(struct others_gather *g, struct others_domain *d, size_t size)
{
	void *row;

	if (d->n == OTHERS_EACH_MAX || (d->n > 0 && is_others_full(g))) {
		d->left_out++;
		return NULL;
	}
	row = arena_alloc(g->a, size);
	g->failed = g->failed || row == NULL;
	d->n += row != NULL;
	return row;
}

static bool
take_tls(void *arg, const struct ledger_tls_sum *sum)
{
	struct others_gather *g = arg;
	struct others_domain *d = domain_of(g, sum->of.domain);
	struct others_tls *row;

	if (d == NULL)
		return !g->failed;
	d->total += sum->of.sessions;
	if (span_is(sum->of.result, "success"))
		d->passed += sum->of.sessions;
	row = new_row(g, d, sizeof(*row));
	if (row == NULL)
		return !g->failed;
	row->sum = *sum;
	row->sum.of.domain = d->domain;
	row->sum.of.policy = keep(g, sum->of.policy);
	row->sum.of.result = keep(g, sum->of.result);
	row->sum.of.mx = keep(g, sum->of.mx);
	row->sum.of.reason = keep(g, sum->of.reason);
	if (d->n == 1)
		g->last_tls = &d->tls;
	*g->last_tls = row;
	g->last_tls = &row->next;
	return !g->failed;
}

static bool
take_failure(void *arg, const struct ledger_incident *sum)
{
	struct others_gather *g = arg;
	struct others_domain *d = domain_of(g, sum->domain);
	struct others_failure *row;

	if (d == NULL)
		return !g->failed;
	d->total += sum->incidents;
	row = new_row(g, d, sizeof(*row));
	if (row == NULL)
		return !g->failed;
	row->sum = *sum;
	row->sum.domain = d->domain;
	row->sum.reporter = keep(g, sum->reporter);
	row->sum.source = keep(g, sum->source);
	row->sum.cause = keep(g, sum->cause);
	row->sum.alignment = keep(g, sum->alignment);
	row->sum.delivery = keep(g, sum->delivery);
	row->sum.mail_from = keep(g, sum->mail_from);
	row->sum.dkim_domain = keep(g, sum->dkim_domain);
	row->sum.selector = keep(g, sum->selector);
	row->sum.results = keep(g, sum->results);
	row->sum.file = keep(g, sum->file);
	if (d->n == 1)
		g->last_failure = &d->failures;
	*g->last_failure = row;
	g->last_failure = &row->next;
	return !g->failed;
}

/* Reads our own domains, and then all others. */
static enum ledger_step
gather_all_others(struct others_gather *g, struct ledger *l,
    const struct ledger_range *range, bool is_tls)
{
	enum ledger_step step = LEDGER_OK;

	for (int turn = 0; turn < 2 && step == LEDGER_OK; turn++) {
		g->is_ours_turn = turn == 0;
		step = is_tls ? ledger_each_tls(l, range, take_tls, g)
			      : ledger_each_incident(l, range, take_failure, g);
	}
	return step;
}

bool
others_read(struct ledger *l, const struct ledger_range *range,
    const struct view_ours *ours, struct arena *a, size_t memory,
    struct others_view *view)
{
	/* TLS reports leave half of the memory for failure reports. */
	struct others_gather tls = { .a = a,
		.list = &view->tls,
		.ours = ours,
		.most = arena_used(a) + memory / 2 - OTHERS_ROW_BYTES };
	struct others_gather failures = { .a = a,
		.list = &view->failures,
		.ours = ours,
		.most = arena_used(a) + memory - OTHERS_ROW_BYTES };

	*view = (struct others_view){ .fault = NULL };
	if (gather_all_others(&tls, l, range, true) != LEDGER_OK ||
	    gather_all_others(&failures, l, range, false) != LEDGER_OK)
		view->fault = ledger_error(l);
	if (tls.failed || failures.failed)
		view->fault = "out of memory";
	return view->fault == NULL;
}

/* ---- the page ---- */

static void
put_cell(FILE *out, struct span text)
{
	fputs("<td class=\"t\">", out);
	page_text(out, text.n > 0 ? text : SPAN("-"));
	fputs("</td>", out);
}

static void
put_number_cell(FILE *out, uint64_t value)
{
	fprintf(out, "<td class=\"n\">%" PRIu64 "</td>", value);
}

static void
put_day_cell(FILE *out, int64_t day)
{
	char memory[DATE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	fprintf(out, "<td class=\"d\">%s</td></tr>\n", memory);
}

static void
put_table(FILE *out, const char *const *heads, size_t n)
{
	fputs("<div class=\"wide\"><table><tr>", out);
	for (size_t i = 0; i < n; i++)
		fprintf(out, i == 0 ? "<th class=\"n\">%s</th>" : "<th>%s</th>",
		    heads[i]);
	fputs("</tr>\n", out);
}

static void
put_rest(FILE *out, size_t left_out, const char *what)
{
	fputs("</table></div>\n", out);
	if (left_out > 0)
		fprintf(out, "<p class=\"soft\">and %zu more %s</p>\n",
		    left_out, what);
}

static void
put_tls_rows(FILE *out, const struct others_domain *d)
{
	static const char *const heads[] = { "Sessions", "Result", "Policy",
		"Server", "How to fix it", "Last" };

	put_table(out, heads, ARRAY_SIZE(heads));
	for (const struct others_tls *t = d->tls; t != NULL; t = t->next) {
		const char *fix = others_tls_fix(t->sum.of.result);

		fputs("<tr>", out);
		put_number_cell(out, t->sum.of.sessions);
		put_cell(out, t->sum.of.result);
		put_cell(out, t->sum.of.policy);
		put_cell(out, t->sum.of.mx);
		put_cell(out, fix != NULL ? span_str(fix) : t->sum.of.reason);
		put_day_cell(out, t->sum.last);
	}
	put_rest(out, d->left_out, "results");
}

static void
put_failure_rows(FILE *out, const struct others_domain *d)
{
	static const char *const heads[] = { "Messages", "Source", "Failed",
		"Aligned", "Delivery", "MAIL FROM", "Signed by", "Reporter",
		"Last" };

	put_table(out, heads, ARRAY_SIZE(heads));
	for (const struct others_failure *f = d->failures; f != NULL;
	     f = f->next) {
		fputs("<tr>", out);
		put_number_cell(out, f->sum.incidents);
		put_cell(out, f->sum.source);
		put_cell(out, f->sum.cause);
		put_cell(out, f->sum.alignment);
		put_cell(out, f->sum.delivery);
		put_cell(out, f->sum.mail_from);
		put_cell(out, f->sum.dkim_domain);
		put_cell(out, f->sum.reporter);
		put_day_cell(out, f->sum.at / DATE_DAY);
	}
	put_rest(out, d->left_out, "kinds of failure");
}

static void
put_list(FILE *out, const struct others_list *list, const char *title,
    const char *what)
{
	char memory[16];

	if (list->n == 0)
		return;
	fprintf(out, "<section class=\"card\"><h2>%s</h2>\n", title);
	for (const struct others_domain *d = list->domains; d != NULL;
	     d = d->next) {
		struct buf b = buf_wrap(memory, sizeof(memory));

		view_put_rate(&b, d->passed, d->total);
		fputs("<h3>", out);
		page_text(out, d->domain);
		fprintf(out, ": %" PRIu64 " %s", d->total, what);
		if (d->tls != NULL)
			fprintf(out, ", %s with TLS", memory);
		fputs("</h3>\n", out);
		if (d->tls != NULL)
			put_tls_rows(out, d);
		else
			put_failure_rows(out, d);
	}
	if (list->left_out > 0)
		fprintf(out, "<p class=\"soft\">and %zu more</p>\n",
		    list->left_out);
	fputs("</section>\n", out);
}

void
others_write(FILE *out, const struct others_view *view)
{
	put_list(out, &view->tls, "TLS reports", "sessions");
	put_list(out, &view->failures, "Failure reports", "messages");
}
