/*
 * buf.h - a bounded text builder.
 *
 * It writes into memory of a fixed size and never past its end.  Text that does
 * not fit is cut and `full` is set; callers that must not send a cut text check
 * it.  The text is always followed by a NUL, so `p` is a C string.
 */
#ifndef AVOUCH_LIB_BUF_H
#define AVOUCH_LIB_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/span.h"

struct buf {
	char *p;    /* NULL: no memory; then all calls only set `full` */
	size_t n;   /* bytes of text */
	size_t cap; /* bytes of memory, including the NUL */
	bool full;
};

/* Uses the caller's array: struct buf b = buf_wrap(text, sizeof(text)) */
struct buf buf_wrap(char *memory, size_t cap);

/* Allocates from an arena; `full` from the start if the arena has no room. */
struct buf buf_alloc(struct arena *a, size_t cap);

void buf_byte(struct buf *b, char c);
void buf_text(struct buf *b, const char *text);
void buf_span(struct buf *b, struct span s);
void buf_number(struct buf *b, uint64_t value);

/* printf for the few places that need it; never for text from outside. */
void buf_printf(struct buf *b, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * At most `max` bytes of `s`, with all bytes except printable ASCII replaced by
 * "?": how text from outside gets into a reason, a comment or a reply.
 */
void buf_printable(struct buf *b, struct span s, size_t max);

/*
 * Text from outside for a header field or a reply, where programs without a
 * grammar search for results and properties: ";" becomes ",", "=" a space,
 * parentheses and "<>" brackets, a double quote a single one, a backslash a
 * slash, each byte that is not printable ASCII "?"; spaces around and runs of
 * them go. What is longer than `max` bytes (at least 4) is cut and ends in
 * "...".
 */
void buf_safe(struct buf *b, struct span s, size_t max);

/* A byte that buf_safe() writes as it is, unless it is one space too many. */
bool buf_is_safe(unsigned char c);

/* Cuts the text to its first `n` bytes. */
void buf_cut(struct buf *b, size_t n);

/* The text; lives as long as the memory. */
struct span buf_view(const struct buf *b);

#endif
