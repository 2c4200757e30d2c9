/*
 * encoded.h - encoded words (RFC 2047): "=?utf-8?q?a=40b?=".
 *
 * They mean nothing in an address, and a header is read before they are
 * decoded (RFC 2047 section 5).  They are looked into only where a field is
 * broken, since some user agents decode first.
 */
#ifndef AVOUCH_MAIL_ENCODED_H
#define AVOUCH_MAIL_ENCODED_H

#include "lib/arena.h"
#include "lib/span.h"

/*
 * `text` with every encoded word replaced by the bytes it stands for, of
 * whatever charset, and without the white space between two of them (section
 * 6.2).  Absent where there is none, or no room.
 */
struct span mail_encoded_words(struct arena *a, struct span text);

#endif
