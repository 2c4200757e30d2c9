/*
 * buf.h - a bounded builder of text.
 *
 * It writes into memory of a fixed size and never past it.  What does not fit
 * is cut off and `full` is set; a caller that must not send a cut text looks.
 * There is always a NUL behind the text, so `p` is a C string.
 */
#ifndef AVOUCH_LIB_BUF_H
#define AVOUCH_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"

struct buf {
	char *p;  /* NULL: no memory; then all calls do nothing but set full */
	size_t n; /* bytes of text */
	size_t cap; /* bytes of memory, with the NUL */
	bool full;
};

/* Over an array of the caller's: struct buf b = buf_over(text, sizeof(text)) */
struct buf buf_over(char *memory, size_t cap);

/* In an arena; `full` from the start where that has no room. */
struct buf buf_in(struct arena *a, size_t cap);

void buf_byte(struct buf *b, char c);
void buf_text(struct buf *b, const char *text);
void buf_span(struct buf *b, struct span s);
void buf_number(struct buf *b, uint64_t value);

/* printf for the few places that need it; never for text from outside. */
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * `s` with every byte but printable ASCII replaced by "?", at most `max` bytes:
 * how text from outside gets into a reason, a comment, a reply.
 */
void buf_printable(struct buf *b, struct span s, size_t max);

/* Forgets what was written after the first `n` bytes. */
void buf_cut(struct buf *b, size_t n);

/* The text; lives as long as the memory. */
struct span buf_done(const struct buf *b);

#endif
