/* digest_text.c - the digest as plain text, and its Subject */
#include <string.h>

#include "lib/buf.h"
#include "lib/date.h"
#include "lib/enum_names.h"
#include "report/show/digest.h"

enum {
	TEXT_WIDTH = 76,
	ITEM_INDENT = 2,
	MORE_INDENT = 4,
};

static const struct {
	const char *name, *title;
	const char *one, *several; /* words for the subject; NULL: the subject
	                              omits the section */
} sections[DIGEST_SECTIONS] = {
	[DIGEST_URGENT] = { "urgent", "Your own mail is being lost",
	    "domain loses mail", "domains lose mail" },
	[DIGEST_TODO] = { "todo", "To do", "to do", "to do" },
	[DIGEST_KEYS] = { "keys", "Signing keys", "key due", "keys due" },
	[DIGEST_FAILING] = { "failing", "Less mail passes", "drop", "drops" },
	[DIGEST_NEW] = { "new", "New senders", "new sender", "new senders" },
	[DIGEST_FIXED] = { "fixed", "Senders that pass now", "fixed", "fixed" },
	[DIGEST_POLICIES] = { "policies", "Changed policies", "policy change",
	    "policy changes" },
	[DIGEST_AUDIT] = { "audit", "DNS records of your domains",
	    "change in DNS", "changes in DNS" },
	[DIGEST_STEPS] = { "steps", "Possible next steps", NULL, NULL },
};

const char *
digest_section_title(enum digest_section section)
{
	return sections[section].title;
}

const char *
digest_section_name(enum digest_section section)
{
	return sections[section].name;
}

void
digest_put_subject(struct buf *b, const struct digest *d)
{
	const char *between = ": ";

	buf_text(b, "Mail authentication digest");
	for (size_t i = 0; i < DIGEST_SECTIONS; i++) {
		size_t n = d->sections[i].n + d->sections[i].left_out;

		if (n == 0 || sections[i].one == NULL)
			continue;
		buf_text(b, between);
		buf_number(b, n);
		buf_byte(b, ' ');
		buf_text(b, n == 1 ? sections[i].one : sections[i].several);
		between = ", ";
	}
	if (between[0] == ':')
		buf_text(b, ": nothing new");
}

/* ---- output ---- */

/* Writes a paragraph.  The first line begins with `first`, which is `indent`
 * columns wide. */
static void
put_wrapped(FILE *out, const char *first, unsigned indent, struct span text)
{
	size_t column = indent;

	fputs(first, out);
	for (bool is_first = true; text.n > 0; is_first = false) {
		struct span word = span_first(text, span_index(text, ' '));

		if (!is_first && column + 1 + word.n > TEXT_WIDTH) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!is_first) {
			putc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", SPAN_FMT(word));
		column += word.n;
		text = span_skip(text, word.n + 1);
	}
	putc('\n', out);
}

static void
put_title(FILE *out, const char *title)
{
	fprintf(out, "\n%s\n", title);
	for (size_t i = 0; title[i] != '\0'; i++)
		putc('-', out);
	putc('\n', out);
}

static void
put_section(FILE *out, const struct digest *d, enum digest_section section)
{
	const struct digest_items *list = &d->sections[section];

	if (list->n == 0)
		return;
	put_title(out, sections[section].title);
	for (const struct digest_item *i = list->first; i != NULL;
	     i = i->next) {
		char memory[DIGEST_LINE_MAX];
		struct buf b = buf_wrap(memory, sizeof(memory));

		buf_span(&b, i->domain);
		buf_text(&b, ": ");
		buf_span(&b, i->what);
		put_wrapped(out, "* ", ITEM_INDENT, buf_view(&b));
		if (i->more.n > 0)
			put_wrapped(out, "    ", MORE_INDENT, i->more);
	}
	if (list->left_out > 0)
		fprintf(out, "* and %zu more\n", list->left_out);
}

static void
put_rate(FILE *out, uint64_t part, uint64_t whole)
{
	char memory[16];
	struct buf b = buf_wrap(memory, sizeof(memory));

	if (whole == 0)
		buf_byte(&b, '-');
	else
		view_put_rate(&b, part, whole);
	fprintf(out, "%8.*s", SPAN_FMT(buf_view(&b)));
}

static void
put_rows(FILE *out, const struct digest *d)
{
	if (d->rows == NULL)
		return;
	put_title(out, "Your domains, each in its latest week with reports");
	fputs("  messages    pass  before  policy      domain\n", out);
	for (const struct digest_row *r = d->rows; r != NULL; r = r->next) {
		fprintf(out, "%10llu", (unsigned long long)r->messages);
		put_rate(out, r->passed, r->messages);
		put_rate(out, r->passed_before, r->messages_before);
		fprintf(out, "  %-10.*s  %.*s\n", SPAN_FMT(r->policy),
		    SPAN_FMT(r->domain));
	}
	if (d->rows_left_out > 0)
		fprintf(out, "and %zu more\n", d->rows_left_out);
}

void
digest_put_period(FILE *out, const struct digest *d)
{
	char memory[2][DATE_MAX];
	struct buf from = buf_wrap(memory[0], sizeof(memory[0]));
	struct buf to = buf_wrap(memory[1], sizeof(memory[1]));

	date_put_day(&from, d->from);
	date_put_day(&to, d->to);
	fprintf(out, "%s to %s", memory[0], memory[1]);
}

void
digest_put_text(FILE *out, const struct digest *d)
{
	fputs("Mail authentication, ", out);
	digest_put_period(out, d);
	putc('\n', out);
	if (!d->happened)
		fputs("\nNothing new this week.\n", out);
	for (size_t i = 0; i < DIGEST_SECTIONS; i++)
		put_section(out, d, (enum digest_section)i);
	put_rows(out, d);
	fputs("\nMore: avouch report show, avouch audit --mine, avouch key "
	      "due\n",
	    out);
}
