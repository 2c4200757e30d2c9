/* show_text.c - prints received reports as text. */
#include <inttypes.h>

#include "cli/report/show.h"
#include "cli/report/show_others.h"
#include "lib/buf.h"
#include "lib/date.h"

enum {
	SENDERS_SHOWN = 20, /* per domain */
	FOREIGN_SHOWN = 5,  /* likely spoofed senders shown per domain */
	DOMAINS_SHOWN =
	    50, /* domains shown with their senders, the most urgent first */
	DOMAINS_LISTED = 1000,
	NAME_COLUMNS = 39,
};

static void
put_day(int64_t day)
{
	char memory[DATE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));

	date_put_day(&b, day);
	fputs(memory, stdout);
}

/* Writes a rate such as "98.7 %" in 7 columns. */
static void
put_rate(uint64_t part, uint64_t whole)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	view_put_rate(&b, part, whole);
	printf("%7s", whole > 0 ? memory : "-");
}

/* Writes an ASCII name; a long one shifts the columns after it. */
static void
put_padded(struct span name)
{
	cli_put(name);
	printf("%*s", name.n < NAME_COLUMNS ? (int)(NAME_COLUMNS - name.n) : 0,
	    "");
}

/* ---- a domain ---- */

static void
print_sender(const struct view_sender *s)
{
	const uint64_t parts[] = { s->all.passed, s->all.dkim, s->all.spf };

	fputs("  ", stdout);
	put_padded(s->name);
	printf(" %9" PRIu64, s->all.messages);
	for (size_t i = 0; i < 3; i++) {
		putchar(' ');
		put_rate(parts[i], s->all.messages);
	}
	printf("  %s%s", view_cause_title(s->cause),
	    s->is_new && sender_role(s) != VIEW_FOREIGN ? ", new" : "");
	if (s->fixed >= 0) {
		fputs(", passing since ", stdout);
		put_day(s->fixed);
	}
	if (s->as.n > 0 && s->cause >= VIEW_FORWARDER) {
		fputs(", authenticated as ", stdout);
		cli_put(s->as);
	}
	if (s->n_sources > 1)
		printf(", %zu addresses", s->n_sources);
	putchar('\n');
}

/* Prints how to fix each cause that was found, once per cause. */
static void
print_fixes(const struct view_domain *d)
{
	bool found[VIEW_CAUSES] = { false };

	for (const struct view_sender *s = d->senders; s != NULL; s = s->next)
		found[s->cause] = true;
	for (unsigned i = VIEW_GOOD + 1; i < VIEW_CAUSES; i++)
		if (found[i])
			cli_entry(
			    span_str(view_cause_title((enum view_cause)i)), 32,
			    span_str(view_cause_fix((enum view_cause)i)));
}

static void
print_weeks(const struct view_domain *d)
{
	fputs("  last week ", stdout);
	put_rate(d->week.passed, d->week.messages);
	printf(" of %" PRIu64 " messages passed; the week before: ",
	    d->week.messages);
	put_rate(d->before.passed, d->before.messages);
	printf(" of %" PRIu64 "\n", d->before.messages);
}

static void
print_domain(const struct view_domain *d)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));
	size_t n = 0, foreign = 0;

	putchar('\n');
	cli_put(d->domain);
	view_put_rate(&b, d->all.passed, d->all.messages);
	printf("   p=%s%s   %" PRIu64 " messages, %s pass, %" PRIu64
	       " report%s\n",
	    d->p.n > 0 ? d->p.p : "?", d->testing ? " t=y" : "",
	    d->all.messages, memory, d->reports, d->reports == 1 ? "" : "s");
	if (d->long_reports > 0)
		printf("  %" PRIu64 " reports cover several days; their "
		       "messages are spread evenly over them\n",
		    d->long_reports);
	cli_entry(span_str(view_recommendation_title(d->advice)), 32,
	    span_str(view_recommendation_text(d->advice)));
	print_weeks(d);
	printf("  %-39s %9s %7s %7s %7s  %s\n", "SENDER", "MESSAGES", "PASS",
	    "DKIM", "SPF", "STATE");
	for (const struct view_sender *s = d->senders;
	     s != NULL && n < SENDERS_SHOWN; s = s->next)
		if (sender_role(s) != VIEW_FOREIGN ||
		    foreign++ < FOREIGN_SHOWN) {
			print_sender(s);
			n++;
		}
	if (d->n_senders > n)
		printf("  and %zu more; --html and --json list them\n",
		    d->n_senders - n);
	print_fixes(d);
}

/* ---- all domains ---- */

static void
print_index(const struct view *v)
{
	size_t n = 0;

	printf("\n%-39s %-10s %9s %7s  %s\n", "DOMAIN", "P", "MESSAGES", "PASS",
	    "NEXT");
	for (const struct view_domain *d = v->domains;
	     d != NULL && n < DOMAINS_LISTED; d = d->next, n++) {
		put_padded(d->domain);
		printf(" %-10s %9" PRIu64 " ", d->p.n > 0 ? d->p.p : "?",
		    d->all.messages);
		put_rate(d->all.passed, d->all.messages);
		printf("  %s\n", view_recommendation_title(d->advice));
	}
	if (v->n_domains + v->left_out > n)
		printf("and %zu more\n", v->n_domains + v->left_out - n);
}

static void
print_range(const struct view *v)
{
	put_day(v->from);
	fputs(" to ", stdout);
	put_day(v->to);
	printf(
	    ": %" PRIu64 " report%s\n", v->reports, v->reports == 1 ? "" : "s");
	if (v->stored == 0)
		return;
	printf("Reports for other days: %" PRIu64 ", from ", v->stored);
	put_day(v->stored_first);
	fputs(" to ", stdout);
	put_day(v->stored_last);
	fputs("; use --from and --to\n", stdout);
}

static bool
show_one(void *arg, const struct view *v, const struct view_domain *d)
{
	size_t *n = arg;

	(void)v;
	print_domain(d);
	return ++*n < DOMAINS_SHOWN;
}

bool
show_text(struct report_showing *s)
{
	size_t n = 0;
	const struct view_visitor visitor = { NULL, show_one, &n };

	print_range(&s->view);
	if (s->view.n_domains > 1)
		print_index(&s->view);
	if (!view_visit(s->ledger, &s->want, s->a, &s->view, &visitor))
		return false;
	if (s->view.n_domains + s->view.left_out > n)
		printf("\n%zu more domains are not shown in full; --domain "
		       "NAME shows one\n",
		    s->view.n_domains + s->view.left_out - n);
	show_others(s->view.others);
	return true;
}
