#include "report/write/failure_message.h"

#include "lib/date.h"

enum { SUBJECT_MAX = 300 }; /* bytes */

static const char headline[] = "DMARC failure report for ";

/* RFC 5965 section 2 (f): the subject is that of the reported message, as in a
 * forwarded message, unless the subject must not be reported. */
static void
put_subject(struct buf *b, const struct ledger_failure *f)
{
	if (f->subject.n > 0) {
		buf_text(b, "FW: ");
		buf_span(b, f->subject);
	} else {
		buf_text(b, headline);
		buf_span(b, f->author);
	}
}

static void
put_times(FILE *out, const struct ledger_failure *f)
{
	char memory[2][DATE_MAX];
	struct buf first = buf_wrap(memory[0], sizeof(memory[0]));
	struct buf last = buf_wrap(memory[1], sizeof(memory[1]));

	date_put_mail(&first, f->first);
	date_put_mail(&last, f->last);
	fprintf(out, "received from %.*s\non %s.\n", SPAN_FMT(f->source),
	    memory[0]);
	if (f->incidents > 1)
		fprintf(out,
		    "It covers %llu messages, the last of them on\n%s.\n",
		    (unsigned long long)f->incidents, memory[1]);
	if (f->others > 0)
		fprintf(out,
		    "%llu of them came from other sources or failed in a "
		    "different way; they are\nincluded because the number of "
		    "reports is limited.\n",
		    (unsigned long long)f->others);
}

static void
put_failure_intro(
    FILE *out, const struct mime_message *l, const struct ledger_failure *f)
{
	fprintf(out,
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "Content-Transfer-Encoding: 7bit\n\n"
	    "This is a DMARC failure report (RFC 9991) from %.*s\n"
	    "about a message from the author domain %.*s,\n",
	    SPAN_FMT(l->submitter), SPAN_FMT(f->author));
	put_times(out, f);
	fprintf(out,
	    "\nFor privacy, the body and most of the header are left out, and "
	    "local parts of\naddresses are replaced by hashes (RFC 6590): "
	    "equal local parts have equal hashes.\n\nThis report was requested "
	    "by the ruf tag of the DMARC record of\n%.*s.\n",
	    SPAN_FMT(l->domain));
}

/* RFC 5965 section 3.2: if Incidents is absent, there was one incident. */
static void
put_feedback(FILE *out, const struct ledger_failure *f)
{
	fprintf(out,
	    "Content-Type: message/feedback-report\n"
	    "Content-Transfer-Encoding: 7bit\n\n%.*s",
	    SPAN_FMT(f->feedback));
	if (f->incidents > 1)
		fprintf(out, "Incidents: %llu\n",
		    f->incidents < UINT32_MAX ? (unsigned long long)f->incidents
					      : (unsigned long long)UINT32_MAX);
	fputc('\n', out);
}

bool
failure_letter_write(FILE *out, const struct mime_message *letter,
    const struct ledger_failure *failure)
{
	char memory[SUBJECT_MAX];
	struct buf subject = buf_wrap(memory, sizeof(memory));

	put_subject(&subject, failure);
	mime_head(out, letter, buf_view(&subject),
	    "multipart/report; report-type=feedback-report");
	mime_boundary(out, letter, "");
	put_failure_intro(out, letter, failure);
	fputc('\n', out);
	mime_boundary(out, letter, "");
	put_feedback(out, failure);
	mime_boundary(out, letter, "");
	fprintf(out,
	    "Content-Type: text/rfc822-headers\n"
	    "Content-Transfer-Encoding: 7bit\n\n%.*s\n",
	    SPAN_FMT(failure->header));
	mime_boundary(out, letter, "--");
	return fflush(out) == 0 && !ferror(out);
}
