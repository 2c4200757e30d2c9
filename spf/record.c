#include "spf/record.h"

#include "lib/ascii.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "spf/macro.h"

enum { V4_BITS = 32, V6_BITS = 128 };

static const char bad_length[] =
    "the prefix length is out of range or begins with 0";

/* Removes "/" and digits from the end of `rest`.  Returns false if there are
 * none. */
static bool
cut_length(struct span *rest, struct span *digits)
{
	size_t at = rest->n;

	while (at > 0 && ascii_is_digit((unsigned char)rest->p[at - 1]))
		at--;
	if (at == 0 || at == rest->n || rest->p[at - 1] != '/')
		return false;
	*digits = span_skip(*rest, at);
	*rest = span_first(*rest, at - 1);
	return true;
}

/* Reads the dual-cidr-length of RFC 7208 section 5.6 from the right: a
 * domain-spec may contain "/", but does not end in "/" and digits. */
static const char *
read_dual(struct span *rest, struct spf_term *term)
{
	struct span digits;

	if (!cut_length(rest, &digits))
		return NULL;
	if (rest->n > 0 && rest->p[rest->n - 1] == '/') {
		if (!ip_prefix_parse(digits, V6_BITS, &term->bits6))
			return bad_length;
		*rest = span_first(*rest, rest->n - 1);
		if (!cut_length(rest, &digits))
			return NULL;
	}
	return ip_prefix_parse(digits, V4_BITS, &term->bits4) ? NULL
							      : bad_length;
}

/* ":" domain-spec */
static const char *
read_domain(struct span rest, struct spf_term *term)
{
	if (rest.n == 0 || rest.p[0] != ':')
		return "the name of the mechanism is not followed by \":\"";
	term->spec = span_skip(rest, 1);
	return spf_macro_check(term->spec, SPF_MACRO_DOMAIN, &term->needs);
}

static const char *
read_nothing(struct span rest, struct spf_term *term)
{
	(void)term;
	return rest.n == 0 ? NULL : "\"all\" takes no argument";
}

static const char *
read_required(struct span rest, struct spf_term *term)
{
	return rest.n == 0 ? "a domain is required here"
			   : read_domain(rest, term);
}

static const char *
read_optional(struct span rest, struct spf_term *term)
{
	return rest.n == 0 ? NULL : read_domain(rest, term);
}

static const char *
read_address(struct span rest, struct spf_term *term)
{
	const char *fault = read_dual(&rest, term);

	return fault != NULL ? fault : read_optional(rest, term);
}

static const char *
read_network(struct span rest, unsigned *bits, unsigned max,
    bool (*parse)(struct span, struct ip *), struct ip *ip)
{
	size_t slash = span_index(rest, '/');

	if (rest.n == 0 || rest.p[0] != ':')
		return "an address is required here";
	if (!parse(span_skip(span_first(rest, slash), 1), ip))
		return max == V4_BITS ? "not a valid IPv4 address"
				      : "not a valid IPv6 address";
	if (slash < rest.n &&
	    !ip_prefix_parse(span_skip(rest, slash + 1), max, bits))
		return bad_length;
	return NULL;
}

static const char *
read_ip4(struct span rest, struct spf_term *term)
{
	return read_network(
	    rest, &term->bits4, V4_BITS, ip_parse_v4, &term->ip);
}

static const char *
read_ip6(struct span rest, struct spf_term *term)
{
	return read_network(
	    rest, &term->bits6, V6_BITS, ip_parse_v6, &term->ip);
}

/* parses the rest of a term (RFC 7208 section 12); NULL: no error */
typedef const char *read_rest(struct span rest, struct spf_term *term);

static const struct mechanism {
	const char *name;
	enum spf_kind kind;
	read_rest *read;
} mechanisms[] = {
	{ "include", SPF_KIND_INCLUDE, read_required },
	{ "ip4", SPF_KIND_IP4, read_ip4 },
	{ "ip6", SPF_KIND_IP6, read_ip6 },
	{ "a", SPF_KIND_A, read_address },
	{ "mx", SPF_KIND_MX, read_address },
	{ "all", SPF_KIND_ALL, read_nothing },
	{ "exists", SPF_KIND_EXISTS, read_required },
	{ "ptr", SPF_KIND_PTR, read_optional },
};

/* RFC 7208 section 4.6.1: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static bool
is_name(unsigned char c)
{
	return ascii_is_alnum(c) || c == '-' || c == '_' || c == '.';
}

/* Reads `name "="`; absent if the term is not a modifier. */
static struct span
modifier_name(struct scan *s)
{
	struct scan ahead = *s;
	struct span name = scan_while(&ahead, is_name);

	if (name.n == 0 || !ascii_is_alpha((unsigned char)name.p[0]) ||
	    !scan_byte(&ahead, '='))
		return SPAN_NONE;
	*s = ahead;
	return name;
}

static void
read_modifier(struct span name, struct span value, struct spf_term *term)
{
	enum spf_macro_use use = SPF_MACRO_DOMAIN;

	if (span_is_nocase(name, "redirect")) {
		term->kind = SPF_KIND_REDIRECT;
	} else if (span_is_nocase(name, "exp")) {
		term->kind = SPF_KIND_EXP;
	} else {
		term->kind = SPF_KIND_OTHER;
		use = SPF_MACRO_STRING;
	}
	term->spec = value;
	term->fault = spf_macro_check(value, use, &term->needs);
}

/* RFC 7208 section 4.6.2: the default is "+". */
static enum spf_code
read_qualifier(struct scan *s)
{
	if (scan_byte(s, '-'))
		return SPF_FAIL;
	if (scan_byte(s, '~'))
		return SPF_SOFTFAIL;
	if (scan_byte(s, '?'))
		return SPF_NEUTRAL;
	scan_byte(s, '+');
	return SPF_PASS;
}

static bool
is_before_argument(unsigned char c)
{
	return c != ':' && c != '/';
}

static void
read_mechanism(struct scan *s, struct spf_term *term)
{
	struct span name;

	term->qualifier = read_qualifier(s);
	name = scan_while(s, is_before_argument);
	for (size_t i = 0; i < ARRAY_SIZE(mechanisms); i++) {
		if (!span_is_nocase(name, mechanisms[i].name))
			continue;
		term->kind = mechanisms[i].kind;
		term->fault = mechanisms[i].read(scan_rest(s), term);
		return;
	}
	term->kind = SPF_KIND_WRONG;
	term->fault = "no such mechanism";
}

static void
read_term(struct span text, struct spf_term *term)
{
	struct scan s = scan_of(text);
	struct span name = modifier_name(&s);

	*term = (struct spf_term){
		.qualifier = SPF_PASS,
		.bits4 = V4_BITS,
		.bits6 = V6_BITS,
		.text = text,
	};
	if (name.n > 0)
		read_modifier(name, scan_rest(&s), term);
	else
		read_mechanism(&s, term);
}

/* RFC 7208 section 6: redirect= and exp= may each appear only once. */
static void
note_once(const struct spf_term **slot, struct spf_term *term)
{
	if (*slot == NULL)
		*slot = term;
	else if (term->fault == NULL)
		term->fault = "the modifier is given twice";
}

static void
note_term(struct spf_record *r, struct spf_term *term)
{
	if (term->kind == SPF_KIND_REDIRECT)
		note_once(&r->redirect, term);
	if (term->kind == SPF_KIND_EXP)
		note_once(&r->exp, term);
	if (term->kind == SPF_KIND_ALL && r->all == NULL)
		r->all = term;
	if (term->fault != NULL && r->fault == NULL)
		r->fault = term;
}

bool
spf_record_is(struct span text)
{
	struct scan s = scan_of(text);

	return scan_text_nocase(&s, "v=spf1") &&
	    (scan_done(&s) || scan_peek(&s) == ' ');
}

/* RFC 7208 section 4.6.1: terms are separated by one or more SP. */
static struct span
next_term(struct scan *s)
{
	while (scan_byte(s, ' '))
		;
	return scan_until(s, ' ');
}

bool
spf_record_parse(struct arena *a, struct span text, struct spf_record *out)
{
	struct scan s = scan_of(text);
	struct scan count = s;
	struct spf_term *terms;
	size_t n = 0;

	*out = (struct spf_record){ .text = text };
	next_term(&s); /* the version */
	while (next_term(&count).n > 0)
		n++;
	terms = arena_array(a, n, sizeof(*terms));
	if (terms == NULL)
		return false;
	out->terms = terms;
	for (struct span term; (term = next_term(&s)).n > 0;) {
		read_term(term, &terms[out->n]);
		note_term(out, &terms[out->n++]);
	}
	return true;
}

bool
spf_term_looks_up(const struct spf_term *term)
{
	switch (term->kind) {
	case SPF_KIND_INCLUDE:
	case SPF_KIND_A:
	case SPF_KIND_MX:
	case SPF_KIND_PTR:
	case SPF_KIND_EXISTS:
	case SPF_KIND_REDIRECT:
		return true;
	case SPF_KIND_ALL:
	case SPF_KIND_IP4:
	case SPF_KIND_IP6:
	case SPF_KIND_EXP:
	case SPF_KIND_OTHER:
	case SPF_KIND_WRONG:
		break;
	}
	return false;
}
