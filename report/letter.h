/*
 * letter.h - writes the mail that carries an aggregate report: a text for
 * people and one attachment (RFC 9990 section 3.5.2), as sendmail(8) takes it,
 * with bare LF.  Other mails of ours have the same head.
 *
 * Only what is plain ASCII is to be put into it; who calls sees to that.
 */
#ifndef AVOUCH_REPORT_LETTER_H
#define AVOUCH_REPORT_LETTER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/span.h"

enum {
	MIME_LINE = 57, /* bytes a line of base64 stands for: 76 letters, RFC
	                     2045 section 6.8 */
	MIME_HEAD_MAX = 8192, /* bytes of all that is not attachment; names
	                           of 255 bytes, text of 2000 */
};

struct mime_message {
	struct span from, to;   /* addresses */
	struct span domain;     /* the policy domain */
	struct span submitter;  /* our domain */
	struct span report_id;  /* without "<>" */
	struct span message_id; /* the same */
	int64_t date;           /* seconds since 1970 */
	struct span text;       /* ends with a line end */
	struct span file_name;
};

struct letter_writer {
	FILE *out;
	const struct mime_message *letter;
	unsigned char line[MIME_LINE]; /* what is not a whole line yet */
	size_t n;
};

/*
 * The head of a mail of ours, up to the empty line: `subject` as it is, folded
 * or not; `type` of the whole, "multipart/mixed".
 */
void mime_head(FILE *out, const struct mime_message *letter,
    struct span subject, const char *type);

/* The line between two parts; `after`: "" or, behind the last, "--". */
void mime_boundary(
    FILE *out, const struct mime_message *letter, const char *after);

/* All but the attachment.  Errors of writing are left for mime_end(). */
void mime_begin(
    struct letter_writer *w, FILE *out, const struct mime_message *letter);

/* More of the attachment, which is application/gzip. */
void mime_attach(struct letter_writer *w, struct span bytes);

/* False: something could not be written. */
bool mime_end(struct letter_writer *w);

/* Bytes of attachment that fit into a mail of `size` bytes. */
size_t mime_room(size_t size);

#endif
