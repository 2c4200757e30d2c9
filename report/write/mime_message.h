/*
 * mime_message.h - writes the message that carries an aggregate report: a
 * human-readable text and one attachment (RFC 9990 section 3.5.2), in the form
 * that sendmail(8) reads, with bare LF.  Our other messages use the same
 * header.
 *
 * The caller must pass only printable ASCII.
 */
#ifndef AVOUCH_REPORT_WRITE_MIME_MESSAGE_H
#define AVOUCH_REPORT_WRITE_MIME_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/span.h"

enum {
	MIME_LINE = 57,       /* bytes per base64 line of 76 characters, RFC
	                         2045 section 6.8 */
	MIME_HEAD_MAX = 8192, /* bytes of everything except the attachment, with
	                         255-byte names and a 2000-byte text */
};

struct mime_message {
	struct span from, to;   /* addresses */
	struct span domain;     /* the policy domain */
	struct span submitter;  /* our domain */
	struct span report_id;  /* without "<>" */
	struct span message_id; /* without "<>" */
	int64_t date;           /* seconds since 1970 */
	struct span text;       /* ends with LF */
	struct span file_name;
};

struct letter_writer {
	FILE *out;
	const struct mime_message *letter;
	unsigned char line[MIME_LINE]; /* bytes of an incomplete line */
	size_t n;
};

/*
 * Writes the header of a message and the empty line after it.  `subject` is
 * written unchanged, folded or not; `type` is the media type of the whole
 * message, such as "multipart/mixed".
 */
void mime_head(FILE *out, const struct mime_message *letter,
    struct span subject, const char *type);

/* Writes the line between two parts; `after` is "", or "--" after the last
 * part. */
void mime_boundary(
    FILE *out, const struct mime_message *letter, const char *after);

/* Writes everything except the attachment.  mime_end() reports errors. */
void mime_begin(
    struct letter_writer *w, FILE *out, const struct mime_message *letter);

/* Writes more of the attachment, whose type is application/gzip. */
void mime_attach(struct letter_writer *w, struct span bytes);

/* Ends the message.  Returns false if something could not be written. */
bool mime_end(struct letter_writer *w);

/* Returns how many bytes of attachment fit into a message of `size` bytes. */
size_t mime_room(size_t size);

#endif
