/*
 * buf.h - a bounded string builder.
 *
 * It writes into memory of a fixed size and never past its end.  Text that does
 * not fit is truncated and `full` is set; callers that must not send truncated
 * text check it.  The text is always followed by a NUL, so `p` is a C string.
 */
#ifndef AVOUCH_LIB_BUF_H
#define AVOUCH_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"

struct buf {
	char *p;    /* NULL: memory ran out; all calls then only set `full` */
	size_t n;   /* bytes of text */
	size_t cap; /* bytes of memory, including the NUL */
	bool full;
};

/* Uses the caller's array: struct buf b = buf_wrap(text, sizeof(text)) */
struct buf buf_wrap(char *memory, size_t cap);

/* Allocates from an arena.  If the arena has no room, `full` is set from the
 * start. */
struct buf buf_alloc(struct arena *a, size_t cap);

void buf_byte(struct buf *b, char c);
void buf_text(struct buf *b, const char *text);
void buf_span(struct buf *b, struct span s);
void buf_number(struct buf *b, uint64_t value);

/* Like printf().  Prefer the functions above, and never use it for untrusted
 * text. */
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Writes at most `max` bytes of `s`, replacing all bytes except printable ASCII
 * with "?".  Untrusted text in reasons, comments and replies is written with
 * this.
 */
void buf_printable(struct buf *b, struct span s, size_t max);

/*
 * Writes untrusted text into a header field or a reply, in which some programs
 * search for results and properties without parsing it.  Changes ";" to ",",
 * "=" to a space, parentheses and "<>" to brackets, a double quote to a single
 * quote, a backslash to a slash, and each byte that is not printable ASCII to
 * "?".  Leading, trailing and repeated spaces are removed.  Text longer than
 * `max` bytes (at least 4) is cut and ends in "...".
 */
void buf_safe(struct buf *b, struct span s, size_t max);

/* Whether buf_safe() copies the byte unchanged.  (A repeated space is still
 * removed.) */
bool buf_is_safe(unsigned char c);

/* Cuts the text to its first `n` bytes. */
void buf_cut(struct buf *b, size_t n);

/* Returns the text, which is valid as long as the buffer's memory. */
struct span buf_view(const struct buf *b);

#endif
