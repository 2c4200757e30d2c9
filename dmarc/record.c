#include "dmarc/record.h"

#include "lib/ascii.h"
#include "lib/domain.h"
#include "lib/scan.h"
#include "lib/enum_names.h"
#include "lib/taglist.h"

/*
 * Names and values are compared without regard to case: ABNF literals are
 * case-insensitive (RFC 5234 section 2.3), and RFC 9989 section 4.8 marks the
 * one exception, DMARC1, with %s.
 */
static const struct enum_token policies[] = {
	{ "none", DMARC_POLICY_NONE },
	{ "quarantine", DMARC_POLICY_QUARANTINE },
	{ "reject", DMARC_POLICY_REJECT },
};

const char *
dmarc_policy_name(enum dmarc_policy policy)
{
	return enum_name(policies, ARRAY_SIZE(policies), (int)policy);
}

/* RFC 9989 section 4.10.1: p applies if neither sp nor np does; section 4.7: sp
 * applies instead of a missing np. */
enum dmarc_policy
dmarc_record_policy(
    const struct dmarc_record *r, enum dmarc_target target, const char **tag)
{
	if (target == DMARC_TARGET_NONEXISTENT &&
	    r->np != DMARC_POLICY_ABSENT) {
		*tag = "np";
		return r->np;
	}
	if (target != DMARC_TARGET_ITSELF && r->sp != DMARC_POLICY_ABSENT) {
		*tag = "sp";
		return r->sp;
	}
	*tag = "p";
	return r->p;
}

/* RFC 9989 section 4.7: t=y lowers the policy by one level, regardless of other
 * tags. */
enum dmarc_policy
dmarc_policy_asked(enum dmarc_policy policy, bool testing)
{
	switch (policy) {
	case DMARC_POLICY_REJECT:
		return testing ? DMARC_POLICY_QUARANTINE : policy;
	case DMARC_POLICY_QUARANTINE:
		return testing ? DMARC_POLICY_NONE : policy;
	case DMARC_POLICY_NONE:
	case DMARC_POLICY_ABSENT:
		break;
	}
	return DMARC_POLICY_NONE;
}

/* dmarc-request (RFC 9989 section 4.8) */
static bool
read_policy(struct span value, enum dmarc_policy *out)
{
	int found;

	if (!enum_value(policies, ARRAY_SIZE(policies), value, &found))
		return false;
	*out = (enum dmarc_policy)found;
	return true;
}

static bool
read_p(struct span value, struct dmarc_record *r)
{
	return read_policy(value, &r->p);
}

static bool
read_sp(struct span value, struct dmarc_record *r)
{
	return read_policy(value, &r->sp);
}

static bool
read_np(struct span value, struct dmarc_record *r)
{
	return read_policy(value, &r->np);
}

/* dmarc-rors (RFC 9989 section 4.8) */
static bool
read_alignment(struct span value, enum dmarc_alignment *out)
{
	if (span_is_nocase(value, "s"))
		*out = DMARC_STRICT;
	return span_is_nocase(value, "s") || span_is_nocase(value, "r");
}

static bool
read_adkim(struct span value, struct dmarc_record *r)
{
	return read_alignment(value, &r->adkim);
}

static bool
read_aspf(struct span value, struct dmarc_record *r)
{
	return read_alignment(value, &r->aspf);
}

/* dmarc-psd (RFC 9989 section 4.8) */
static bool
read_psd(struct span value, struct dmarc_record *r)
{
	static const struct enum_token values[] = {
		{ "y", DMARC_PSD_YES },
		{ "n", DMARC_PSD_NO },
		{ "u", DMARC_PSD_UNKNOWN },
	};
	int found;

	if (!enum_value(values, ARRAY_SIZE(values), value, &found))
		return false;
	r->psd = (enum dmarc_psd)found;
	return true;
}

/* dmarc-yorn (RFC 9989 section 4.8) */
static bool
read_t(struct span value, struct dmarc_record *r)
{
	r->testing = span_is_nocase(value, "y");
	return r->testing || span_is_nocase(value, "n");
}

static bool
read_ignored(struct span value, struct dmarc_record *r)
{
	(void)value;
	(void)r;
	return true;
}

/* dmarc-fo (RFC 9989 section 4.8): its three alternatives allow "0" or "1", "d"
 * and "s" in any order, each at most once, and at least one of them. */
static bool
read_fo(struct span value, struct dmarc_record *r)
{
	struct scan s = scan_of(value);
	bool zero = false, one = false, dkim = false, spf = false;

	do {
		struct span option = scan_until(&s, ':');
		bool *seen = span_is(option, "0") ? &zero
		    : span_is(option, "1")        ? &one
		    : span_is_nocase(option, "d") ? &dkim
		    : span_is_nocase(option, "s") ? &spf
						  : NULL;

		if (seen == NULL || *seen)
			return false;
		*seen = true;
	} while (scan_byte(&s, ':'));
	if (zero && one)
		return false;
	r->fo_0 = zero;
	r->fo_1 = one;
	r->fo_d = dkim;
	r->fo_s = spf;
	return true;
}

/* unreserved, gen-delims, sub-delims and "%" (RFC 3986 section 2), except "!"
 * and ",", which RFC 9989 section 4.8 requires to be encoded. */
static bool
is_uri(unsigned char c)
{
	return ascii_is_alnum(c) ||
	    span_has(SPAN("-._~:/?#[]@$&'()*+;=%"), (char)c);
}

static bool
is_scheme(unsigned char c)
{
	return ascii_is_alnum(c) || c == '+' || c == '-' || c == '.';
}

/* Whether every "%" begins a pct-encoded byte (RFC 3986 section 2.1). */
static bool
is_encoded(struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] == '%' &&
		    (text.n - i < 3 ||
			!ascii_is_xdigit((unsigned char)text.p[i + 1]) ||
			!ascii_is_xdigit((unsigned char)text.p[i + 2])))
			return false;
	}
	return true;
}

/* Returns the address in a "mailto:" URI (RFC 6068 section 2), or an absent
 * span for other schemes. */
static struct span
mailto_address(struct span uri)
{
	struct span to;

	if (!span_starts_nocase(uri, "mailto:"))
		return SPAN_NONE;
	to = span_skip(uri, sizeof("mailto:") - 1);
	return span_first(to, span_index(to, '?'));
}

struct span
dmarc_uri_domain(struct span uri)
{
	struct span to = mailto_address(uri);
	struct span domain = span_skip(to, span_rindex(to, '@') + 1);

	return domain_is_hostname(domain) ? domain : SPAN_NONE;
}

/* RFC 3986 section 3: a scheme, a colon and at least one character; for mailto,
 * an address. */
static bool
uri_is_valid(struct span uri)
{
	struct scan s = scan_of(uri);
	struct span to = mailto_address(uri);

	if (scan_done(&s) || !ascii_is_alpha((unsigned char)*s.p))
		return false;
	scan_while(&s, is_scheme);
	if (!scan_byte(&s, ':') || scan_done(&s))
		return false;
	if (to.p != NULL &&
	    (span_rindex(to, '@') == 0 || dmarc_uri_domain(uri).p == NULL))
		return false;
	return span_all(scan_rest(&s), is_uri) && is_encoded(scan_rest(&s));
}

/* obs-dmarc-report-size (RFC 9989 section 4.8), after its "!". */
static bool
is_report_size(struct span text)
{
	struct scan s = scan_of(text);

	if (scan_while(&s, ascii_is_digit).n == 0)
		return false;
	if (!scan_done(&s) &&
	    span_has(SPAN("kmgt"), (char)ascii_lower((unsigned char)*s.p)))
		s.p++;
	return scan_done(&s);
}

/* dmarc-urilist (RFC 9989 section 4.8) */
bool
dmarc_uri_next(struct scan *s, struct span *uri, enum dmarc_uri_state *state)
{
	if (scan_done(s))
		return false;
	*uri = span_trim(scan_until(s, ','));
	scan_byte(s, ',');
	size_t mark = span_rindex(*uri, '!');

	*state = DMARC_URI_OK;
	if (mark < uri->n && is_report_size(span_skip(*uri, mark + 1))) {
		*uri = span_first(*uri, mark);
		*state = DMARC_URI_SIZED;
	}
	if (!uri_is_valid(*uri))
		*state = DMARC_URI_BAD;
	return true;
}

static bool
read_uris(struct span value, struct span uris[DMARC_URIS_MAX], size_t *n)
{
	struct scan s = scan_of(value);
	struct span uri;
	enum dmarc_uri_state state;

	while (*n < DMARC_URIS_MAX && dmarc_uri_next(&s, &uri, &state)) {
		/* RFC 9989 section 4.8: an invalid URI is discarded */
		if (state != DMARC_URI_BAD)
			uris[(*n)++] = uri;
	}
	return *n > 0;
}

static bool
read_rua(struct span value, struct dmarc_record *r)
{
	return read_uris(value, r->rua, &r->n_rua);
}

static bool
read_ruf(struct span value, struct dmarc_record *r)
{
	return read_uris(value, r->ruf, &r->n_ruf);
}

/* RFC 9989 section 4.8, table 2, and the historic tags of section 9.3 */
static const struct tag_rule {
	const char *name;
	bool (*read)(struct span value, struct dmarc_record *r);
	bool is_historic; /* has no effect on a verdict under RFC 9989 */
} rules[] = {
	{ "p", read_p, false },
	{ "t", read_t, false },
	{ "psd", read_psd, false },
	{ "np", read_np, false },
	{ "sp", read_sp, false },
	{ "adkim", read_adkim, false },
	{ "aspf", read_aspf, false },
	{ "rua", read_rua, false },
	{ "ruf", read_ruf, false },
	{ "fo", read_fo, false },
	{ "pct", read_ignored, true },
	{ "rf", read_ignored, true },
	{ "ri", read_ignored, true },
};

/* Parser state for one record. */
struct dmarc_record_reader {
	struct scan s;
	struct dmarc_record *record;
	bool seen[ARRAY_SIZE(rules)];
	bool bad_policy; /* p, sp or np has an invalid value */
};

/* dmarc-version (RFC 9989 section 4.8).  Section 4.7: if "v" is not the first
 * tag, or its value is not exactly DMARC1, the entire record is ignored. */
static bool
reader_open(
    struct dmarc_record_reader *rd, struct span text, struct dmarc_record *out)
{
	*out = (struct dmarc_record){ .text = text, .fo_0 = true };
	*rd = (struct dmarc_record_reader){ .s = scan_of(text), .record = out };
	if (!scan_text_nocase(&rd->s, "v"))
		return false;
	scan_while(&rd->s, ascii_is_wsp);
	if (!scan_byte(&rd->s, '='))
		return false;
	scan_while(&rd->s, ascii_is_wsp);
	struct span version = span_first(scan_rest(&rd->s), 6);

	if (!span_is(version, "DMARC1"))
		return false;
	rd->s.p += version.n;
	scan_while(&rd->s, ascii_is_wsp);
	return scan_done(&rd->s) || scan_byte(&rd->s, ';');
}

static enum dmarc_tag_state
reader_apply(struct dmarc_record_reader *rd, const struct tag *tag)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (!span_is_nocase(tag->name, rules[i].name))
			continue;
		if (rules[i].is_historic) {
			rules[i].read(tag->value, rd->record);
			return DMARC_TAG_HISTORIC;
		}
		/* RFC 6376 section 3.2: names MUST NOT occur twice.  Under RFC
		 * 9989 section 4.8, only the error is discarded, not the whole
		 * record. */
		if (rd->seen[i])
			return DMARC_TAG_TWICE;
		rd->seen[i] = true;
		if (rules[i].read(tag->value, rd->record))
			return DMARC_TAG_OK;
		rd->bad_policy |= rules[i].read == read_p ||
		    rules[i].read == read_sp || rules[i].read == read_np;
		return DMARC_TAG_BAD_VALUE;
	}
	return DMARC_TAG_UNKNOWN;
}

/*
 * Applies the next tag to the record; returns false at the end.  RFC 9989
 * section 4.8: syntax errors in the remainder are discarded, so anything that
 * is not tag=value is skipped up to the next semicolon.
 */
static bool
reader_next(struct dmarc_record_reader *rd, struct dmarc_tag *out)
{
	struct tag tag = { .name = SPAN_NONE, .value = SPAN_NONE };
	struct span piece = scan_rest(&rd->s);

	piece = span_trim(span_first(piece, span_index(piece, ';')));
	switch (taglist_next(&rd->s, &tag)) {
	case TAG_END:
		return false;
	case TAG_ONE:
		*out = (struct dmarc_tag){ tag.name, tag.value,
			reader_apply(rd, &tag) };
		return true;
	case TAG_BAD:
		break;
	}
	scan_until(&rd->s, ';');
	scan_byte(&rd->s, ';');
	*out = (struct dmarc_tag){ SPAN_NONE, piece, DMARC_TAG_GARBLED };
	return true;
}

/* Applies RFC 9989 section 4.10.1 to tags that are missing or invalid. */
static enum dmarc_record_state
reader_close(struct dmarc_record_reader *rd, const char **reason)
{
	struct dmarc_record *r = rd->record;

	/* RFC 9989 section 4.7: fo is ignored without ruf */
	if (r->n_ruf == 0) {
		r->fo_0 = true;
		r->fo_1 = r->fo_d = r->fo_s = false;
	}
	if (r->p != DMARC_POLICY_ABSENT && !rd->bad_policy)
		return DMARC_RECORD_OK;
	if (r->n_rua == 0) {
		*reason = rd->bad_policy
		    ? "p, sp or np is not valid and rua names no address"
		    : "p is missing and rua names no address";
		return DMARC_RECORD_BROKEN;
	}
	*reason = rd->bad_policy ? "p, sp or np is not valid; treated as p=none"
				 : "p is missing; treated as p=none";
	r->p = DMARC_POLICY_NONE;
	r->sp = r->np = DMARC_POLICY_ABSENT;
	r->p_defaulted = true;
	return DMARC_RECORD_OK;
}

enum dmarc_record_state
dmarc_record_parse(
    struct span text, struct dmarc_record *out, const char **reason)
{
	struct dmarc_record_reader rd;
	struct dmarc_tag tag;

	*reason = NULL;
	if (!reader_open(&rd, text, out)) {
		*reason = "does not begin with v=DMARC1";
		return DMARC_RECORD_NOT_DMARC;
	}
	if (text.n > DMARC_RECORD_MAX) {
		*reason = "the record is too long";
		return DMARC_RECORD_BROKEN;
	}
	while (reader_next(&rd, &tag))
		continue;
	return reader_close(&rd, reason);
}

size_t
dmarc_record_tags(struct span text, struct dmarc_tag tags[DMARC_TAGS_MAX])
{
	struct dmarc_record record;
	struct dmarc_record_reader rd;
	struct dmarc_tag tag;
	size_t n = 1;

	if (!reader_open(&rd, text, &record) || text.n > DMARC_RECORD_MAX)
		return 0;
	tags[0] = (struct dmarc_tag){ span_first(text, 1), SPAN("DMARC1"),
		DMARC_TAG_OK };
	for (; reader_next(&rd, &tag); n++) {
		if (n < DMARC_TAGS_MAX)
			tags[n] = tag;
	}
	return n;
}
