#include "sign/flaws.h"

#include <string.h>

#include "lib/enum_names.h"
#include "sign/signer.h"

/* at most one of each (RFC 5322 section 3.6, RFC 2045 section 3) */
static const char *const singletons[] = { "From", "Sender", "Reply-To", "To",
	"Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
	"MIME-Version", "Content-Type", "Content-Transfer-Encoding" };

/* Ends a line: `n` more bytes precede its LF. */
static void
line_end(struct flaws *f, const char *p, size_t n)
{
	bool cr = n > 0 ? p[n - 1] == '\r' : f->cr;
	size_t length = f->line + n - cr;

	if (length > FLAWS_LINE_MAX)
		f->found |= SIGNER_FLAW_LONG_LINE;
	f->line = 0;
	f->cr = false;
}

/* Also detects a long line that has not ended yet. */
static void
add_lines(struct flaws *f, struct span text)
{
	const char *lf;

	while (text.n > 0 && (lf = memchr(text.p, '\n', text.n)) != NULL) {
		size_t n = (size_t)(lf - text.p);

		line_end(f, text.p, n);
		text = span_skip(text, n + 1);
	}
	if (text.n == 0)
		return;
	f->line += text.n;
	f->cr = text.p[text.n - 1] == '\r';
	if (f->line - f->cr > FLAWS_LINE_MAX)
		f->found |= SIGNER_FLAW_LONG_LINE;
}

static bool
has_8bit(struct span text)
{
	unsigned char all = 0;

	for (size_t i = 0; i < text.n; i++)
		all |= (unsigned char)text.p[i];
	return (all & 0x80) != 0;
}

void
flaws_in_header(
    struct flaws *f, const struct mail_header *h, const struct header_index *x)
{
	for (size_t i = 0; i < ARRAY_SIZE(singletons); i++)
		if (header_index_count(x, span_str(singletons[i])) > 1 &&
		    f->duplicate == NULL) {
			f->duplicate = singletons[i];
			f->found |= SIGNER_FLAW_DUPLICATE;
		}
	if (header_index_count(x, SPAN("Date")) == 0)
		f->found |= SIGNER_FLAW_NO_DATE;
	if (header_index_count(x, SPAN("Message-ID")) == 0)
		f->found |= SIGNER_FLAW_NO_MESSAGE_ID;
	if (header_index_count(x, SPAN("List-Unsubscribe-Post")) > 0 &&
	    header_index_count(x, SPAN("List-Unsubscribe")) == 0)
		f->found |= SIGNER_FLAW_UNSUBSCRIBE;
	for (size_t i = 0; i < h->n; i++) {
		add_lines(f, h->fields[i].raw);
		line_end(f, "", 0);
	}
}

void
flaws_in_body(struct flaws *f, struct span chunk)
{
	if ((f->found & SIGNER_FLAW_8BIT) == 0 && has_8bit(chunk))
		f->found |= SIGNER_FLAW_8BIT;
	if ((f->found & SIGNER_FLAW_LONG_LINE) == 0)
		add_lines(f, chunk);
}
