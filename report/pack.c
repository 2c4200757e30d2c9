#include "report/pack.h"

enum { TOKEN_MAX = 20 }; /* bytes: "trusted_forwarder" and the like */

struct span
pack_end(struct buf *b, size_t from)
{
	struct span text = span_skip(buf_done(b), from);

	buf_byte(b, '\0');
	return text;
}

static struct span
put(struct buf *b, struct span s, size_t max, bool spaces)
{
	size_t from = b->n;

	report_put_clean(b, s, max, spaces);
	return pack_end(b, from);
}

static struct span
put_name(struct buf *b, struct span s)
{
	return put(b, s, REPORT_NAME_MAX, false);
}

static struct span
put_token(struct buf *b, struct span s)
{
	return put(b, s, TOKEN_MAX, false);
}

static struct span
put_bool(struct buf *b, bool value)
{
	return put(b, value ? SPAN("1") : SPAN("0"), 1, false);
}

static struct span
put_source(struct buf *b, const struct ip *source)
{
	size_t from = b->n;

	ip_put(b, source);
	return pack_end(b, from);
}

static struct span
put_dkim(struct buf *b, const struct report_row *r)
{
	size_t from = b->n;

	report_dkim_put(b, r);
	return pack_end(b, from);
}

void
pack_row(
    struct buf *b, const struct report_row *r, struct span texts[PACK_TEXTS])
{
	texts[PACK_POLICY] = put_name(b, r->policy_domain);
	texts[PACK_RECORD] = put(b, r->record, DMARC_RECORD_MAX, true);
	texts[PACK_SOURCE] = put_source(b, &r->source);
	texts[PACK_SHAPE] = put_name(b, r->header_from);
	texts[PACK_ENVELOPE_FROM] = put_name(b, r->envelope_from);
	texts[PACK_DISPOSITION] = put_token(b, r->disposition);
	texts[PACK_DKIM_ALIGNED] = put_bool(b, r->dkim_aligned);
	texts[PACK_SPF_ALIGNED] = put_bool(b, r->spf_aligned);
	texts[PACK_AUTOMATIC] = put_bool(b, r->automatic);
	texts[PACK_OVERRIDE] = put_token(b, r->override);
	texts[PACK_COMMENT] = put(b, r->comment, REPORT_COMMENT_MAX, true);
	texts[PACK_SPF_DOMAIN] = put_name(b, r->spf_domain);
	texts[PACK_SPF_SCOPE] = put_token(b, r->spf_scope);
	texts[PACK_SPF_RESULT] = put_token(b, r->spf_result);
	texts[PACK_DKIM] = put_dkim(b, r);
}
