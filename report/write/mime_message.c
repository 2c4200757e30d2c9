#include "report/write/mime_message.h"

#include <string.h>

#include "lib/base64.h"
#include "lib/buf.h"
#include "lib/date.h"

enum {
	BASE64_LINE = (MIME_LINE + 2) / 3 * 4, /* characters */
	SUBJECT_MAX = 1000, /* bytes: three names and a few words */
};

/* Writes the dmarc-subject (RFC 9990 section 3.5.2), folded as in the RFC's
 * example. */
static void
put_subject(struct buf *b, const struct mime_message *l)
{
	buf_text(b, "Report Domain: ");
	buf_span(b, l->domain);
	buf_text(b, "\n Submitter: ");
	buf_span(b, l->submitter);
	buf_text(b, "\n Report-ID: <");
	buf_span(b, l->report_id);
	buf_byte(b, '>');
}

/*
 * RFC 3834 section 5: Auto-Submitted marks this as automatic mail, so that no
 * program replies to it.  The boundary contains the report id, which
 * outsiders do not know, and "=_", which base64 cannot contain.
 */
void
mime_head(FILE *out, const struct mime_message *l, struct span subject,
    const char *type)
{
	char memory[DATE_MAX];
	struct buf date = buf_wrap(memory, sizeof(memory));

	date_put_mail(&date, l->date);
	fprintf(out, "From: %.*s\nTo: %.*s\nSubject: %.*s\nDate: %s\n",
	    SPAN_FMT(l->from), SPAN_FMT(l->to), SPAN_FMT(subject), memory);
	fprintf(out,
	    "Message-ID: <%.*s>\nAuto-Submitted: auto-generated\n"
	    "MIME-Version: 1.0\nContent-Type: %s;\n boundary=\"=_%.*s\"\n\n",
	    SPAN_FMT(l->message_id), type, SPAN_FMT(l->report_id));
}

void
mime_boundary(FILE *out, const struct mime_message *l, const char *after)
{
	fprintf(out, "--=_%.*s%s\n", SPAN_FMT(l->report_id), after);
}

void
mime_begin(
    struct letter_writer *w, FILE *out, const struct mime_message *letter)
{
	char memory[SUBJECT_MAX];
	struct buf subject = buf_wrap(memory, sizeof(memory));

	*w = (struct letter_writer){ .out = out, .letter = letter };
	put_subject(&subject, letter);
	mime_head(out, letter, buf_view(&subject), "multipart/mixed");
	mime_boundary(out, letter, "");
	fprintf(out,
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "Content-Transfer-Encoding: 7bit\n\n%.*s\n",
	    SPAN_FMT(letter->text));
	mime_boundary(out, letter, "");
	fprintf(out,
	    "Content-Type: application/gzip;\n name=\"%.*s\"\n"
	    "Content-Disposition: attachment;\n filename=\"%.*s\"\n"
	    "Content-Transfer-Encoding: base64\n\n",
	    SPAN_FMT(letter->file_name), SPAN_FMT(letter->file_name));
}

static void
put_line(struct letter_writer *w)
{
	char memory[BASE64_LINE + 2]; /* one line with LF and NUL */
	struct buf b = buf_wrap(memory, sizeof(memory));

	base64_encode(&b, span_of((const char *)w->line, w->n));
	buf_byte(&b, '\n');
	fwrite(memory, 1, b.n, w->out);
	w->n = 0;
}

void
mime_attach(struct letter_writer *w, struct span bytes)
{
	while (bytes.n > 0) {
		size_t n = MIME_LINE - w->n;

		n = n < bytes.n ? n : bytes.n;
		memcpy(w->line + w->n, bytes.p, n);
		w->n += n;
		bytes = span_skip(bytes, n);
		if (w->n == MIME_LINE)
			put_line(w);
	}
}

bool
mime_end(struct letter_writer *w)
{
	if (w->n > 0)
		put_line(w);
	mime_boundary(w->out, w->letter, "--");
	return fflush(w->out) == 0 && !ferror(w->out);
}

size_t
mime_room(size_t size)
{
	if (size <= MIME_HEAD_MAX)
		return 0;
	return (size - MIME_HEAD_MAX) / (BASE64_LINE + 1) * MIME_LINE;
}
