#include "report/record/policy_input_codec.h"

#include <stddef.h>

#include "lib/scan.h"
#include "lib/enum_names.h"

/*
 * The encoding is FACTS_FORM, one byte for each result, two bytes of flags, the
 * strings, and the lists.  A string is a length byte and that many bytes; a
 * list is a count byte and that many strings.
 */

enum { /* four strings and the results leave this space for each list */
	LIST_BYTES_MAX = (FACTS_BYTES_MAX - 4 * (FACTS_NAME_MAX + 1) - 32) / 3,
};

enum { /* presence of fields; the bits of flags[] begin at FLAG_FIRST */
	FLAG_NULL_SENDER = 1,
	FLAG_LIST_ID = 2,
	FLAG_LIST_MARK = 4,
	FLAG_LIST_RELATED = 8,
	FLAG_INVALID_FROM = 16,
	FLAG_FIRST = 32,
};

static const size_t flags[] = {
	offsetof(struct policy_input, authenticated),
	offsetof(struct policy_input, is_list),
	offsetof(struct policy_input, arc_dmarc_pass),
	offsetof(struct policy_input, header_over_limit),
	offsetof(struct policy_input, overload),
	offsetof(struct policy_input, evidence_cut),
};

enum { FLAGS_MAX = (FLAG_FIRST << ARRAY_SIZE(flags)) - 1 };

_Static_assert(FLAGS_MAX <= 0xffff, "the flags fit in two bytes");

static unsigned
flags_of(const struct policy_input *f)
{
	unsigned bits = (f->mail_from_domain.p == NULL ? FLAG_NULL_SENDER : 0) |
	    (f->list_id.p != NULL ? FLAG_LIST_ID : 0) |
	    (f->list_field != NULL ? FLAG_LIST_MARK : 0) |
	    (f->list_by.p != NULL ? FLAG_LIST_RELATED : 0) |
	    (f->from_fault != NULL ? FLAG_INVALID_FROM : 0);

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (*(const bool *)((const char *)f + flags[i]))
			bits |= (unsigned)FLAG_FIRST << i;
	return bits;
}

/*
 * Marks the strings that are present according to the flags; unpack_optional()
 * fills them in.  list_field and from_fault get fixed texts: their wording
 * affects no decision, so it is not stored.
 */
static void
set_flags(struct policy_input *f, unsigned bits)
{
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		*(bool *)((char *)f + flags[i]) =
		    (bits & (unsigned)FLAG_FIRST << i) != 0;
	if ((bits & FLAG_NULL_SENDER) == 0)
		f->mail_from_domain = SPAN("");
	if ((bits & FLAG_LIST_ID) != 0)
		f->list_id = SPAN("");
	if ((bits & FLAG_LIST_MARK) != 0)
		f->list_field = "a mailing list's field";
	if ((bits & FLAG_LIST_RELATED) != 0)
		f->list_by = SPAN("");
	if ((bits & FLAG_INVALID_FROM) != 0)
		f->from_fault = "the From field is not valid";
}

static void
pack_text(struct buf *b, struct span s)
{
	s = span_first(s, FACTS_NAME_MAX);
	buf_byte(b, (char)(unsigned char)s.n);
	buf_span(b, s);
}

static void
pack_list(struct buf *b, const struct span *list, size_t n)
{
	size_t count = 0, bytes = 0;

	while (count < n && count < FACTS_LIST_MAX) {
		bytes += 1 + span_first(list[count], FACTS_NAME_MAX).n;
		if (bytes > LIST_BYTES_MAX)
			break;
		count++;
	}
	buf_byte(b, (char)(unsigned char)count);
	for (size_t i = 0; i < count; i++)
		pack_text(b, list[i]);
}

/* spf_explanation is not stored: no decision depends on it, and it can be
 * different for each message (RFC 7208 section 6.2). */
void
facts_pack(struct buf *b, const struct policy_input *f)
{
	unsigned bits = flags_of(f);

	buf_byte(b, FACTS_FORM);
	buf_byte(b, (char)f->spf);
	buf_byte(b, (char)f->dkim);
	buf_byte(b, (char)f->arc);
	buf_byte(b, (char)f->dmarc);
	buf_byte(b, (char)f->dmarc_policy);
	buf_byte(b, (char)f->dmarc_disposition);
	buf_byte(b, (char)(bits >> 8));
	buf_byte(b, (char)(bits & 0xff));
	pack_text(b, f->mail_from_domain);
	pack_text(b, f->list_id);
	pack_text(b, f->arc_sealer);
	pack_text(b, f->dmarc_domain);
	pack_list(b, f->recipient_domains, f->n_recipient_domains);
	pack_list(b, f->from_domains, f->n_from_domains);
	pack_list(b, f->dkim_domains, f->n_dkim_domains);
}

static bool
unpack_number(struct scan *s, int max, int *out)
{
	int value = scan_next(s);

	*out = value;
	return value >= 0 && value <= max;
}

static bool
unpack_text(struct scan *s, struct span *out)
{
	int n = scan_next(s);
	struct span rest = scan_rest(s);

	if (n < 0 || (size_t)n > rest.n)
		return false;
	*out = span_first(rest, (size_t)n);
	s->p += n;
	return true;
}

static bool
unpack_list(
    struct scan *s, struct arena *a, const struct span **list, size_t *n)
{
	struct span *out;
	int count;

	if (!unpack_number(s, FACTS_LIST_MAX, &count))
		return false;
	out = arena_array(a, (size_t)count, sizeof(*out));
	if (out == NULL)
		return false;
	*list = out;
	*n = (size_t)count;
	for (size_t i = 0; i < *n; i++)
		if (!unpack_text(s, &out[i]))
			return false;
	return true;
}

static bool
unpack_results(struct scan *s, struct policy_input *out)
{
	int spf, dkim, arc, dmarc, policy, disposition, high, low;

	if (!unpack_number(s, SPF_PERMERROR, &spf) ||
	    !unpack_number(s, DKIM_PERMERROR, &dkim) ||
	    !unpack_number(s, ARC_TEMPERROR, &arc) ||
	    !unpack_number(s, DMARC_PERMERROR, &dmarc) ||
	    !unpack_number(s, DMARC_POLICY_REJECT, &policy) ||
	    !unpack_number(s, DMARC_POLICY_REJECT, &disposition) ||
	    !unpack_number(s, FLAGS_MAX >> 8, &high) ||
	    !unpack_number(s, 0xff, &low))
		return false;
	out->spf = (enum spf_code)spf;
	out->dkim = (enum dkim_code)dkim;
	out->arc = (enum arc_code)arc;
	out->dmarc = (enum dmarc_code)dmarc;
	out->dmarc_policy = (enum dmarc_policy)policy;
	out->dmarc_disposition = (enum dmarc_policy)disposition;
	set_flags(out, (unsigned)high << 8 | (unsigned)low);
	return true;
}

/* Reads a string.  If `out` is absent, the string must be empty. */
static bool
unpack_optional(struct scan *s, struct span *out)
{
	struct span text;

	if (!unpack_text(s, &text) || (out->p == NULL && text.n > 0))
		return false;
	if (out->p != NULL)
		*out = text;
	return true;
}

bool
facts_unpack(struct span bytes, struct arena *a, struct policy_input *out)
{
	struct scan s = scan_of(bytes);

	*out = (struct policy_input){ .list_id = SPAN_NONE };
	if (!scan_byte(&s, FACTS_FORM) || !unpack_results(&s, out) ||
	    !unpack_optional(&s, &out->mail_from_domain) ||
	    !unpack_optional(&s, &out->list_id) ||
	    !unpack_text(&s, &out->arc_sealer) ||
	    !unpack_text(&s, &out->dmarc_domain) ||
	    !unpack_list(
		&s, a, &out->recipient_domains, &out->n_recipient_domains) ||
	    !unpack_list(&s, a, &out->from_domains, &out->n_from_domains) ||
	    !unpack_list(&s, a, &out->dkim_domains, &out->n_dkim_domains))
		return false;
	if (out->arc_sealer.n == 0)
		out->arc_sealer = SPAN_NONE;
	if (out->dmarc_domain.n == 0)
		out->dmarc_domain = SPAN_NONE;
	return scan_done(&s);
}
