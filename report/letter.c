#include "report/letter.h"

#include <string.h>

#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/date.h"

enum {
	BASE64_LINE = (LETTER_LINE + 2) / 3 * 4, /* letters */
};

/* RFC 9990 section 3.5.2, dmarc-subject; folded as the section shows it. */
static void
put_subject(FILE *out, const struct letter *l)
{
	fprintf(out,
	    "Subject: Report Domain: %.*s\n Submitter: %.*s\n"
	    " Report-ID: <%.*s>\n",
	    SPAN_FMT(l->domain), SPAN_FMT(l->submitter),
	    SPAN_FMT(l->report_id));
}

/*
 * RFC 3834 section 5: Auto-Submitted says that no person wrote this, so that
 * no machine answers it.  The boundary has the report's id in it: nobody who
 * does not know that can write it, and base64 has no "=_" in it.
 */
static void
put_head(FILE *out, const struct letter *l)
{
	char memory[DATE_MAX];
	struct buf date = buf_over(memory, sizeof(memory));

	date_put(&date, l->date);
	fprintf(
	    out, "From: %.*s\nTo: %.*s\n", SPAN_FMT(l->from), SPAN_FMT(l->to));
	put_subject(out, l);
	fprintf(out,
	    "Date: %s\nMessage-ID: <%.*s>\nAuto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\n"
	    "Content-Type: multipart/mixed;\n boundary=\"=_%.*s\"\n\n",
	    memory, SPAN_FMT(l->message_id), SPAN_FMT(l->report_id));
}

static void
put_boundary(FILE *out, const struct letter *l, const char *after)
{
	fprintf(out, "--=_%.*s%s\n", SPAN_FMT(l->report_id), after);
}

void
letter_begin(struct letter_writer *w, FILE *out, const struct letter *letter)
{
	*w = (struct letter_writer){ .out = out, .letter = letter };
	put_head(out, letter);
	put_boundary(out, letter, "");
	fprintf(out,
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "Content-Transfer-Encoding: 7bit\n\n%.*s\n",
	    SPAN_FMT(letter->text));
	put_boundary(out, letter, "");
	fprintf(out,
	    "Content-Type: application/gzip;\n name=\"%.*s\"\n"
	    "Content-Disposition: attachment;\n filename=\"%.*s\"\n"
	    "Content-Transfer-Encoding: base64\n\n",
	    SPAN_FMT(letter->file_name), SPAN_FMT(letter->file_name));
}

static void
put_line(struct letter_writer *w)
{
	char memory[BASE64_LINE + 2]; /* with LF and NUL */
	struct buf b = buf_over(memory, sizeof(memory));

	base64_encode(&b, span_of((const char *)w->line, w->n));
	buf_byte(&b, '\n');
	fwrite(memory, 1, b.n, w->out);
	w->n = 0;
}

void
letter_attach(struct letter_writer *w, struct span bytes)
{
	while (bytes.n > 0) {
		size_t n = LETTER_LINE - w->n;

		n = n < bytes.n ? n : bytes.n;
		memcpy(w->line + w->n, bytes.p, n);
		w->n += n;
		bytes = span_skip(bytes, n);
		if (w->n == LETTER_LINE)
			put_line(w);
	}
}

bool
letter_end(struct letter_writer *w)
{
	if (w->n > 0)
		put_line(w);
	put_boundary(w->out, w->letter, "--");
	return fflush(w->out) == 0 && !ferror(w->out);
}

size_t
letter_room(size_t size)
{
	if (size <= LETTER_HEAD_MAX)
		return 0;
	return (size - LETTER_HEAD_MAX) / (BASE64_LINE + 1) * LETTER_LINE;
}
