#include "dkim/canon.h"

#include <string.h>

#include "lib/ascii.h"

/* ---- header fields ---- */

/* Output of relaxed canonicalization, buffered in a small block. */
struct field_out {
	const struct canon_sink *sink;
	size_t n;
	bool space; /* white space not written yet */
	bool begun; /* part of the value was written */
	char block[1024];
};

static void
field_flush(struct field_out *o)
{
	if (o->n > 0)
		o->sink->put(o->sink->to, span_of(o->block, o->n));
	o->n = 0;
}

static void
field_byte(struct field_out *o, char c)
{
	if (o->n == sizeof(o->block))
		field_flush(o);
	o->block[o->n++] = c;
}

/*
 * RFC 6376 section 3.4.2: unfolds, reduces white space, and removes it at both
 * ends.  A bare CR is an ordinary octet.
 */
static void
field_value(struct field_out *o, struct span part)
{
	for (size_t i = 0; i < part.n; i++) {
		char c = part.p[i];

		if (c == '\r' && i + 1 < part.n && part.p[i + 1] == '\n') {
			i++;
			continue;
		}
		if (ascii_is_wsp((unsigned char)c)) {
			o->space = true;
			continue;
		}
		if (o->space && o->begun)
			field_byte(o, ' ');
		o->space = false;
		o->begun = true;
		field_byte(o, c);
	}
}

/* RFC 6376 section 3.4.2: the name in lower case, no white space around the
 * colon. */
static void
field_relaxed(struct span raw, struct span cut, const struct canon_sink *sink)
{
	struct field_out o;
	struct span name = span_first(raw, span_index(raw, ':'));
	struct span value = span_skip(raw, name.n + 1);
	size_t before = cut.p != NULL ? (size_t)(cut.p - value.p) : value.n;

	o.sink = sink;
	o.n = 0;
	o.space = false;
	o.begun = false;
	name = span_trim(name);
	for (size_t i = 0; i < name.n; i++)
		field_byte(&o, (char)ascii_lower((unsigned char)name.p[i]));
	field_byte(&o, ':');
	field_value(&o, span_first(value, before));
	field_value(&o, span_skip(value, before + cut.n));
	field_flush(&o);
}

void
canon_field(enum canon canon, struct span raw, struct span cut,
    const struct canon_sink *sink)
{
	size_t before = cut.p != NULL ? (size_t)(cut.p - raw.p) : raw.n;

	if (canon == CANON_RELAXED) {
		field_relaxed(raw, cut, sink);
		return;
	}
	/* RFC 6376 section 3.4.1: exactly as received. */
	sink->put(sink->to, span_first(raw, before));
	sink->put(sink->to, span_skip(raw, before + cut.n));
}

/* ---- bodies ---- */

static void
body_flush(struct canon_body *b)
{
	if (b->held > 0)
		b->sink.put(b->sink.to, span_of(b->block, b->held));
	b->held = 0;
}

static void
body_put(struct canon_body *b, struct span run)
{
	if (run.n > CANON_BLOCK - b->held || run.n >= CANON_LONG)
		body_flush(b);
	if (run.n >= CANON_LONG) {
		b->sink.put(b->sink.to, run);
		return;
	}
	memcpy(b->block + b->held, run.p, run.n);
	b->held += run.n;
}

/* Writes the pending line ends and white space: another octet follows, so they
 * are not at the end. */
static inline void
body_release(struct canon_body *b)
{
	for (; b->ends > 0; b->ends--)
		body_put(b, SPAN("\r\n"));
	/* RFC 6376 section 3.4.4: white space becomes one SP. */
	if (b->space)
		body_put(b, SPAN(" "));
	b->space = false;
	b->any = true;
}

/*
 * Called inside a line.  Writes the bytes that are already canonical, and
 * delays the line ends after them.  Returns the number of bytes consumed, at
 * least 1.
 */
static size_t
body_run(struct canon_body *b, const char *p, size_t n)
{
	size_t run, taken;

	/* Small pieces are still in the CPU cache when they are hashed. */
	if (n > CANON_BLOCK)
		n = CANON_BLOCK;
	run = b->canon == CANON_RELAXED ? b->ways->run_relaxed(p, n)
					: b->ways->run_simple(p, n);
	/* The run stops at a byte that may depend on the next one.  An ordinary
	 * octet does not, and neither does LF, because CR precedes it. */
	if (p[run] != '\r' &&
	    (b->canon == CANON_SIMPLE || !ascii_is_wsp((unsigned char)p[run])))
		run++;
	taken = run;
	b->calm = run >= CANON_LONG || b->canon == CANON_SIMPLE;
	for (; p[run - 1] == '\n'; run -= 2)
		b->ends++;
	body_put(b, span_of(p, run));
	return taken;
}

/*
 * Like body_run(), for relaxed bodies in which white space must be reduced.
 * Returns where it stopped: at `p` if the rest is short or must be processed
 * byte by byte.
 */
static const char *
body_squeeze(struct canon_body *b, const char *p, const char *end)
{
	size_t n = (size_t)(end - p), taken;
	struct compress s;
	char *start;

	if (n < 2 * CANON_BLOCK_SIZE || p[1] == '\n')
		return p;
	if (CANON_BLOCK - b->held < CANON_LONG)
		body_flush(b);
	if (n > CANON_BLOCK - b->held)
		n = CANON_BLOCK - b->held;
	start = b->block + b->held;
	s.out = start;
	taken =
	    (size_t)(b->ways->compress(&s, p, n / CANON_BLOCK_SIZE - 1) - p);
	p += taken;
	b->calm = !s.changed && taken >= CANON_LONG;
	/* LF may follow. */
	if (taken > 0 && p[-1] == '\r') {
		s.out--;
		p--;
	}
	for (; s.out > start && s.out[-1] == '\n'; s.out -= 2)
		b->ends++;
	b->held += (size_t)(s.out - start);
	return p;
}

/* Simple canonicalization never delays white space; relaxed drops it at the end
 * of a line (RFC 6376 section 3.4.4). */
static void
body_line_end(struct canon_body *b)
{
	b->ends++;
	b->space = false;
	b->cr = false;
}

void
canon_body_begin(struct canon_body *b, enum canon canon, struct canon_sink sink)
{
	b->canon = canon;
	b->sink = sink;
	b->ends = 0;
	b->space = false;
	b->cr = false;
	b->any = false;
	b->calm = canon == CANON_SIMPLE;
	b->ways = canon_simd_best();
	b->held = 0;
}

/*
 * Called after a bare LF.  If the next line is short and probably ends with a
 * bare LF too, adds the missing CR to several lines at once, so that they are
 * processed in blocks.  Returns the number of bytes consumed.
 */
static size_t
body_complete(struct canon_body *b, const char *p, size_t n)
{
	char text[2 * CANON_BARE];
	size_t to = 0;
	char last = '\n';

	if (memchr(p, '\n',
		n < CANON_BLOCK_SIZE / 2 ? n : CANON_BLOCK_SIZE / 2) == NULL)
		return 0;
	if (n > CANON_BARE)
		n = CANON_BARE;
	for (size_t i = 0; i < n; i++) {
		text[to] = '\r'; /* branch-free, because lines may be short */
		to += (size_t)((p[i] == '\n') & (last != '\r'));
		last = p[i];
		text[to++] = last;
	}
	canon_body_add(b, span_of(text, to));
	return n;
}

void
canon_body_add(struct canon_body *b, struct span chunk)
{
	const char *p = chunk.p;
	const char *end = chunk.n > 0 ? p + chunk.n : p;

	while (p < end) {
		if (*p == '\n' && b->cr) {
			body_line_end(b);
			p++;
		} else if (*p == '\n') {
			body_line_end(b);
			p++;
			if (p < end)
				p += body_complete(b, p, (size_t)(end - p));
		} else if (b->cr) { /* a bare CR is an octet of the line */
			b->cr = false;
			body_release(b);
			body_put(b, SPAN("\r"));
		} else if (*p == '\r') {
			b->cr = true;
			p++;
		} else if (b->canon == CANON_RELAXED &&
		    ascii_is_wsp((unsigned char)*p)) {
			b->space = true;
			p++;
		} else {
			const char *from = p;

			body_release(b);
			if (!b->calm)
				p = body_squeeze(b, p, end);
			if (p == from)
				p += body_run(b, p, (size_t)(end - p));
		}
	}
}

void
canon_body_end(struct canon_body *b)
{
	if (b->cr) {
		b->cr = false;
		body_release(b);
		body_put(b, SPAN("\r"));
	}
	/* RFC 6376 section 3.4.3: an empty simple body becomes CRLF.  Section
	 * 3.4.4: an empty relaxed body stays empty.  Any other body ends with
	 * one CRLF. */
	if (b->any || b->canon == CANON_SIMPLE)
		body_put(b, SPAN("\r\n"));
	body_flush(b);
}
