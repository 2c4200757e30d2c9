#include "spf/macro.h"

#include <string.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "spf/spf.h"

enum {
	/* RFC 7208 section 7.3 requires at least 127; no value has this many
	 * parts */
	PARTS_MAX = 1 << 30,
	/* enough for 32 IPv6 nibbles with dots, a timestamp or an address */
	SHORT_VALUE_MAX = 64,
	/* a name, its final dot, and the dot before its first label */
	TARGET_MAX = DOMAIN_MAX + 2,
};

/* One macro-expand, or a run of macro-literals (RFC 7208 section 7.1). */
struct macro_part {
	char letter;         /* lower case; NUL: a literal */
	bool escape;         /* the letter was upper case: URL-escape */
	bool reverse;        /* "r" */
	uint64_t keep;       /* right-hand parts kept; 0: all */
	struct span split;   /* delimiters; empty: none given */
	struct span literal; /* a literal, or the value of "%%", "%_" or "%-" */
	bool is_expand;      /* a macro-expand, such as "%%" */
	const char *fault;
};

/* RFC 7208 section 7.1: macro-literal is %x21-24 / %x26-7E */
static bool
is_literal(unsigned char c)
{
	return ascii_is_visible(c) && c != '%';
}

/* explain-string = *( macro-string / SP ) */
static bool
is_text(unsigned char c)
{
	return ascii_is_print(c) && c != '%';
}

static bool
is_delimiter(unsigned char c)
{
	return c != '\0' && strchr(".-+,/_=", c) != NULL;
}

static bool
bad_part(struct macro_part *part, const char *fault)
{
	part->fault = fault;
	return false;
}

/* Reads the part after "%{": macro-letter transformers *delimiter "}". */
static bool
read_braces(struct scan *s, struct macro_part *part)
{
	int c = scan_next(s);

	part->letter = c < 0 ? '?' : (char)ascii_lower((unsigned char)c);
	part->escape = c != part->letter;
	if (strchr("slodiphcrtv", part->letter) == NULL || part->letter == '\0')
		return bad_part(part, "no such macro letter");
	struct span digits = scan_while(s, ascii_is_digit);
	struct scan number = scan_of(digits);

	if (digits.n > 0 && !scan_number(&number, PARTS_MAX, &part->keep))
		part->keep = PARTS_MAX;
	/* RFC 7208 section 7.3: the value MUST be nonzero */
	if (digits.n > 0 && part->keep == 0)
		return bad_part(
		    part, "a macro's number of parts must not be 0");
	part->reverse = scan_byte(s, 'r') || scan_byte(s, 'R');
	part->split = scan_while(s, is_delimiter);
	if (!scan_byte(s, '}'))
		return bad_part(part, "a macro is not closed by \"}\"");
	return true;
}

/* Reads the part after "%". */
static bool
read_expand(struct scan *s, struct macro_part *part)
{
	part->is_expand = true;
	switch (scan_next(s)) {
	case '{':
		return read_braces(s, part);
	case '%':
		part->literal = SPAN("%");
		return true;
	case '_':
		part->literal = SPAN(" ");
		return true;
	case '-':
		part->literal = SPAN("%20");
		return true;
	default: /* RFC 7208 section 7.3: a syntax error */
		return bad_part(part,
		    "\"%\" is not followed by \"{\", \"%\", \"-\" or "
		    "\"_\"");
	}
}

/* Reads the next part.  Returns false at the end or on an error (`part->fault`
 * is set). */
static bool
next_part(struct scan *s, enum spf_macro_use use, struct macro_part *part)
{
	*part = (struct macro_part){ .letter = '\0' };
	if (scan_done(s))
		return false;
	if (scan_byte(s, '%'))
		return read_expand(s, part);
	part->literal =
	    scan_while(s, use == SPF_MACRO_TEXT ? is_text : is_literal);
	if (part->literal.n == 0)
		return bad_part(part, "a byte that is not visible ASCII");
	return true;
}

/*
 * toplabel (RFC 7208 section 7.1): letters, digits and hyphens, no hyphen at
 * either end, not all digits.
 */
static bool
is_toplabel(struct span label)
{
	bool named = false;

	if (label.n == 0 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++) {
		unsigned char c = (unsigned char)label.p[i];

		if (!ascii_is_alnum(c) && c != '-')
			return false;
		named |= !ascii_is_digit(c);
	}
	return named;
}

/* Checks the domain-end of `text`, which does not end in a macro-expand. */
static const char *
check_domain_end(struct span text)
{
	struct span name = text;
	struct ip ip;

	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	size_t dot = span_rindex(name, '.');

	if (dot < name.n && is_toplabel(span_skip(name, dot + 1)))
		return NULL;
	if (ip_parse(name, &ip))
		return "an IP address where a domain is expected; use ip4: "
		       "or ip6:";
	if (dot == name.n)
		return "the domain has only one label";
	return "the domain does not end in a top-level label or a macro";
}

const char *
spf_macro_check(struct span text, enum spf_macro_use use, unsigned *needs)
{
	struct scan s = scan_of(text);
	bool ends_in_expand = false;
	struct macro_part part;

	*needs = 0;
	while (next_part(&s, use, &part)) {
		ends_in_expand = part.is_expand;
		if (part.is_expand)
			*needs |= SPF_NEEDS_EXPANSION;
		if (part.letter == 'p')
			*needs |= SPF_NEEDS_PTR;
		if (part.letter == 's' || part.letter == 'l')
			*needs |= SPF_NEEDS_LOCAL;
		/* RFC 7208 section 7.2 */
		if (use == SPF_MACRO_DOMAIN &&
		    (part.letter == 'c' || part.letter == 'r' ||
			part.letter == 't'))
			return "the macros c, r and t are allowed only in "
			       "explanations";
	}
	if (part.fault != NULL)
		return part.fault;
	if (use != SPF_MACRO_DOMAIN || ends_in_expand)
		return NULL;
	if (text.n == 0)
		return "the domain is missing";
	return check_domain_end(text);
}

/* A string that is written backwards, from its end. */
struct tail {
	char *memory;
	size_t at; /* index of the first byte written; 0: no room left */
	bool escape;
};

static void
tail_byte(struct tail *t, char c)
{
	if (t->at > 0)
		t->memory[--t->at] = c;
}

/* unreserved (RFC 3986 section 2.3) */
static bool
is_unreserved(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '.' || c == '_' ||
	    c == '~';
}

static void
tail_put(struct tail *t, struct span s)
{
	static const char hex[] = "0123456789ABCDEF";

	while (s.n > 0 && t->at > 0) {
		unsigned char c = (unsigned char)s.p[--s.n];

		/* RFC 7208 section 7.3: upper case means URL-escaped */
		if (t->escape && !is_unreserved(c)) {
			tail_byte(t, hex[c & 0xf]);
			tail_byte(t, hex[c >> 4]);
			c = '%';
		}
		tail_byte(t, (char)c);
	}
}

static bool
splits(const struct macro_part *part, char c)
{
	return part->split.n > 0 ? span_has(part->split, c) : c == '.';
}

/* Writes the right-hand parts of `value`, last first. */
static void
tail_put_right(struct tail *t, const struct macro_part *part, struct span value)
{
	for (uint64_t kept = 1; t->at > 0; kept++) {
		size_t from = value.n;

		while (from > 0 && !splits(part, value.p[from - 1]))
			from--;
		tail_put(t, span_skip(value, from));
		if (from == 0 || kept == part->keep)
			return;
		tail_byte(t, '.');
		value = span_first(value, from - 1);
	}
}

/* Writes the parts of `value` in reverse order, so that the left-hand ones are
 * kept. */
static void
tail_put_left(struct tail *t, const struct macro_part *part, struct span value)
{
	for (uint64_t kept = 1; t->at > 0; kept++) {
		size_t to = 0;

		while (to < value.n && !splits(part, value.p[to]))
			to++;
		tail_put(t, span_first(value, to));
		if (to == value.n || kept == part->keep)
			return;
		tail_byte(t, '.');
		value = span_skip(value, to + 1);
	}
}

/* RFC 7208 section 7.3: dotted quad, or 32 nibbles separated by dots. */
static void
put_dotted(struct buf *b, const struct ip *ip)
{
	static const char hex[] = "0123456789ABCDEF";

	if (ip->family != IP_V6) {
		ip_put(b, ip);
		return;
	}
	for (size_t i = 0; i < sizeof(ip->bytes); i++) {
		if (i > 0)
			buf_byte(b, '.');
		buf_byte(b, hex[ip->bytes[i] >> 4]);
		buf_byte(b, '.');
		buf_byte(b, hex[ip->bytes[i] & 0xf]);
	}
}

/* Returns the value of a macro letter, written to `b` if necessary. */
static struct span
value_of(const struct spf_macros *v, char letter, struct buf *b)
{
	switch (letter) {
	case 's':
		return v->sender;
	case 'l':
		return v->local;
	case 'o':
		return v->origin;
	case 'd':
		return v->domain;
	case 'p':
		return v->ptr;
	case 'h':
		return v->helo;
	case 'r':
		return v->receiver.n > 0 ? v->receiver : SPAN("unknown");
	case 'v':
		return v->ip.family == IP_V6 ? SPAN("ip6") : SPAN("in-addr");
	case 'c':
		ip_put(b, &v->ip);
		break;
	case 't':
		buf_number(b, v->now > 0 ? (uint64_t)v->now : 0);
		break;
	default:
		put_dotted(b, &v->ip);
		break;
	}
	return buf_view(b);
}

static void
tail_put_part(
    struct tail *t, const struct spf_macros *v, const struct macro_part *part)
{
	char memory[SHORT_VALUE_MAX];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct span value = part->literal;

	t->escape = part->escape;
	if (part->letter != '\0')
		value = value_of(v, part->letter, &b);
	if (part->reverse)
		tail_put_left(t, part, value);
	else if (part->keep > 0 || part->split.n > 0)
		tail_put_right(t, part, value);
	else
		tail_put(t, value);
}

/* RFC 7208 section 7.3: removes labels from the left of a name longer than 253
 * bytes.  The left end of such a name may already have been cut off. */
static struct span
fit_name(struct span name)
{
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (name.n <= DOMAIN_MAX)
		return name;
	size_t dot = name.n - DOMAIN_MAX - 1;

	dot += span_index(span_skip(name, dot), '.');
	return span_skip(name, dot + 1);
}

bool
spf_macro_domain(const struct spf_macros *values, struct span spec,
    struct arena *a, struct span *out)
{
	struct scan s = scan_of(spec);
	size_t n = 0, room = 1;
	struct macro_part part;

	*out = SPAN_NONE;
	if (!span_has(spec, '%')) {
		*out = fit_name(spec);
		return true;
	}
	for (size_t i = 0; i < spec.n; i++)
		room += spec.p[i] == '%' ? 2 : 0;
	const char **starts = arena_array(a, room, sizeof(*starts));
	char *memory = arena_alloc(a, TARGET_MAX);

	if (starts == NULL || memory == NULL)
		return false;
	for (starts[0] = s.p; next_part(&s, SPF_MACRO_DOMAIN, &part);)
		if (++n < room)
			starts[n] = s.p;
	struct tail t = { .memory = memory, .at = TARGET_MAX };

	while (n > 0 && t.at > 0) {
		s.p = starts[--n];
		next_part(&s, SPF_MACRO_DOMAIN, &part);
		tail_put_part(&t, values, &part);
	}
	*out = fit_name(span_of(memory + t.at, TARGET_MAX - t.at));
	return true;
}

bool
spf_macro_text(const struct spf_macros *values, struct span text,
    struct arena *a, struct span *out)
{
	struct buf b = buf_alloc(a, SPF_MAX_EXPLANATION + 1);
	struct scan s = scan_of(text);
	char memory[SPF_MAX_EXPLANATION];
	struct macro_part part;

	*out = SPAN_NONE;
	if (b.p == NULL)
		return false;
	while (!b.full && next_part(&s, SPF_MACRO_TEXT, &part)) {
		struct tail t = { .memory = memory, .at = sizeof(memory) };

		if (part.letter == '\0') {
			buf_printable(&b, part.literal, part.literal.n);
			continue;
		}
		tail_put_part(&t, values, &part);
		buf_printable(&b, span_of(memory + t.at, sizeof(memory) - t.at),
		    sizeof(memory));
	}
	*out = buf_view(&b);
	return true;
}
