/*
 * digest_message.h - writes a message that contains the same text twice, as
 * plain text and as HTML (multipart/alternative, RFC 2046 section 5.1.4), in
 * the form that sendmail(8) reads.
 */
#ifndef AVOUCH_REPORT_WRITE_DIGEST_MESSAGE_H
#define AVOUCH_REPORT_WRITE_DIGEST_MESSAGE_H

#include <stdbool.h>
#include <stdio.h>

#include "report/write/mime_message.h"

/*
 * Uses only the addresses, ids and date of `letter`, which must be printable
 * ASCII.  `subject` is one line of printable ASCII; `text` has only ASCII and
 * lines of at most 998 bytes; `html` may contain any bytes.  Returns false if
 * something could not be written.
 */
bool digest_message_put(FILE *out, const struct mime_message *letter,
    struct span subject, struct span text, struct span html);

#endif
