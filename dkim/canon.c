#include "dkim/canon.h"

#include <string.h>

#include "lib/ascii.h"

/* ---- header fields ---- */

/* Relaxed, byte by byte: gathers into a small block. */
struct field_out {
	const struct canon_sink *sink;
	size_t n;
	bool space; /* white space held back */
	bool begun; /* something of the value was put */
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
 * RFC 6376 section 3.4.2: unfold, reduce white space, none at either end.  A
 * bare CR is an octet as any other.
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
	/* RFC 6376 section 3.4.1: exactly as it came. */
	sink->put(sink->to, span_first(raw, before));
	sink->put(sink->to, span_skip(raw, before + cut.n));
}

/* ---- bodies: how far a text may go to the sink as it is ---- */

/*
 * Sixteen bytes side by side.  Comparing gives 0xff where it holds.  (Vectors
 * of GNU C: any processor; with SSE2 or NEON each step is one instruction.)
 */
typedef uint8_t lane __attribute__((vector_size(16)));
typedef uint64_t halves __attribute__((vector_size(16)));

enum { LANE = sizeof(lane) };

static inline lane
lane_at(const char *p)
{
	lane v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
lane_half(lane v, unsigned half)
{
	return ((halves)v)[half];
}

static inline bool
lane_any(lane v)
{
	return (lane_half(v, 0) | lane_half(v, 1)) != 0;
}

/* The index of the first byte set in eight of memory, of which one is. */
static inline size_t
first_set(uint64_t eight)
{
	int bits = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	    ? __builtin_ctzll(eight)
	    : __builtin_clzll(eight);

	return (size_t)bits / 8;
}

static inline size_t
lane_first(lane v)
{
	uint64_t low = lane_half(v, 0);

	return low != 0 ? first_set(low) : 8 + first_set(lane_half(v, 1));
}

/*
 * Where a byte and the one behind it are not left as they are by relaxed: CR
 * without LF or LF without CR; a TAB; a space before white space or a line end.
 */
static inline lane
relaxed_stops(lane a, lane b)
{
	return ((lane)(a == '\r') ^ (lane)(b == '\n')) | (lane)(a == '\t') |
	    ((lane)(a == ' ') & (lane)(b <= ' '));
}

/* The same for simple: CR without LF or LF without CR. */
static inline lane
simple_stops(lane a, lane b)
{
	return (lane)(a == '\r') ^ (lane)(b == '\n');
}

typedef lane stops(lane a, lane b);

static inline lane
stops_in(stops *of, const char *p)
{
	return of(lane_at(p), lane_at(p + 1));
}

/*
 * Bytes from `p` on (which is an octet of a line) up to the first stop.
 * `n` > 0; the byte at p + n is not looked at, so the last one is always a
 * stop: what it is worth shows in the next chunk.
 */
static inline __attribute__((always_inline)) size_t
run_until(const char *p, size_t n, stops *of)
{
	size_t i = 0;

	for (; n - i > 4 * LANE; i += 4 * LANE) {
		const char *at = p + i;

		if (lane_any(stops_in(of, at) | stops_in(of, at + LANE) |
			stops_in(of, at + 2 * LANE) |
			stops_in(of, at + 3 * LANE)))
			break;
	}
	for (; n - i > LANE; i += LANE) {
		lane s = stops_in(of, p + i);

		if (lane_any(s))
			return i + lane_first(s);
	}
	for (; n - i > 1; i++) {
		lane a = { (uint8_t)p[i] }, b = { (uint8_t)p[i + 1] };

		if (of(a, b)[0] != 0)
			break;
	}
	return i;
}

static size_t
relaxed_run(const char *p, size_t n)
{
	return run_until(p, n, relaxed_stops);
}

static size_t
simple_run(const char *p, size_t n)
{
	return run_until(p, n, simple_stops);
}

/* ---- bodies: the stream ---- */

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

/* An octet of a line comes: what was held back before it is not the end. */
static inline void
body_release(struct canon_body *b)
{
	for (; b->ends > 0; b->ends--)
		body_put(b, SPAN("\r\n"));
	/* RFC 6376 section 3.4.4: white space is one SP. */
	if (b->space)
		body_put(b, SPAN(" "));
	b->space = false;
	b->any = true;
}

/*
 * From an octet of a line on: puts what may go as it is, and holds back the
 * line ends behind it.  Returns the bytes taken, at least one.
 */
static size_t
body_run(struct canon_body *b, const char *p, size_t n)
{
	size_t run, taken;

	/* No more at once than stays near for the hash. */
	if (n > CANON_BLOCK)
		n = CANON_BLOCK;
	run = b->canon == CANON_RELAXED ? relaxed_run(p, n) : simple_run(p, n);
	/* A stop is a byte whose fate the next one decides.  An octet of the
	 * line stays, and LF, since CR is before it. */
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

/* The first byte from `p` on that is neither SP nor TAB. */
static inline const char *
behind_space(const char *p, const char *end)
{
	while (p < end && ascii_is_wsp((unsigned char)*p))
		p++;
	return p;
}

/*
 * White space at `p`, where relaxed stopped: SP for it into `out`, or nothing
 * at the end of a line.  Returns where the line goes on or ends, at CRLF; `p`
 * where there is no white space, or what is behind it is not plain.
 */
static inline const char *
reduce_space(const char *p, const char *end, char **out)
{
	const char *next = behind_space(p, end);

	if (next == p || end - next < 2 || *next == '\n')
		return p;
	if (*next == '\r')
		return next[1] == '\n' ? next : p;
	*(*out)++ = ' ';
	return next;
}

/*
 * The same under relaxed where white space is changed here and there: copies
 * while it looks, and puts white space right as it goes.  Leaves what takes
 * more thought to the caller, maybe at the very first byte.
 */
static const char *
body_copy(struct canon_body *b, const char *p, const char *end)
{
	const char *calm = p + CANON_LONG;
	char *start, *out;

	if (CANON_BLOCK - b->held < CANON_LONG)
		body_flush(b);
	start = b->block + b->held;
	out = start;
	while (end - p > 2 * LANE && p < calm &&
	    b->block + CANON_BLOCK - out > 2 * LANE) {
		lane v = lane_at(p), w = lane_at(p + LANE);
		lane first = relaxed_stops(v, lane_at(p + 1));
		lane second = relaxed_stops(w, lane_at(p + LANE + 1));
		const char *next;
		size_t n = 2 * LANE;

		memcpy(out, &v, sizeof(v));
		memcpy(out + LANE, &w, sizeof(w));
		if (!lane_any(first | second)) {
			out += n;
			p += n;
			continue;
		}
		n = lane_any(first) ? lane_first(first)
				    : LANE + lane_first(second);
		out += n;
		p += n;
		next = reduce_space(p, end, &out);
		if (next == p)
			break;
		p = next;
		calm = p + CANON_LONG;
	}
	b->calm = p >= calm;
	/* A CR that was copied has its LF behind it. */
	if (out > start && out[-1] == '\r') {
		out--;
		p--;
	}
	for (; out > start && out[-1] == '\n'; out -= 2)
		b->ends++;
	b->held += (size_t)(out - start);
	return p;
}

/* Under simple, white space is never held back; under relaxed it is dropped
 * at the end of a line (RFC 6376 section 3.4.4). */
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
	b->held = 0;
}

void
canon_body_add(struct canon_body *b, struct span chunk)
{
	const char *p = chunk.p;
	const char *end = chunk.n > 0 ? p + chunk.n : p;

	while (p < end) {
		if (*p == '\n') {
			body_line_end(b);
			p++;
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
				p = body_copy(b, p, end);
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
	/* RFC 6376 section 3.4.3: an empty body is CRLF under simple; section
	 * 3.4.4: nothing under relaxed.  Any other ends with one CRLF. */
	if (b->any || b->canon == CANON_SIMPLE)
		body_put(b, SPAN("\r\n"));
	body_flush(b);
}
