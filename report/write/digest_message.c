#include "report/write/digest_message.h"

#include "lib/ascii.h"

enum { QUOTED_LINE = 75 }; /* characters, not counting the "=" at the end */

/* Writes quoted-printable, RFC 2045 section 6.7. */
static void
put_quoted(FILE *out, struct span text)
{
	size_t column = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		bool ends = i + 1 == text.n || text.p[i + 1] == '\n';
		bool plain =
		    (ascii_is_visible(c) && c != '=') || (c == ' ' && !ends);

		if (c == '\n') {
			putc('\n', out);
			column = 0;
			continue;
		}
		if (column + (plain ? 1 : 3) > QUOTED_LINE) {
			fputs("=\n", out);
			column = 0;
		}
		if (plain)
			putc(c, out);
		else
			fprintf(out, "=%02X", c);
		column += plain ? 1 : 3;
	}
}

bool
digest_message_put(FILE *out, const struct mime_message *letter,
    struct span subject, struct span text, struct span html)
{
	mime_head(out, letter, subject, "multipart/alternative");
	mime_boundary(out, letter, "");
	fprintf(out,
	    "Content-Type: text/plain; charset=us-ascii\n"
	    "Content-Transfer-Encoding: 7bit\n\n%.*s\n",
	    SPAN_FMT(text));
	mime_boundary(out, letter, "");
	fputs("Content-Type: text/html; charset=utf-8\n"
	      "Content-Transfer-Encoding: quoted-printable\n\n",
	    out);
	put_quoted(out, html);
	putc('\n', out);
	mime_boundary(out, letter, "--");
	return fflush(out) == 0 && !ferror(out);
}
