#include "report/send/external_destination.h"

#include "dmarc/tree_walk.h"
#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "lib/enum_names.h"

enum {
	ADDRESS_MAX = 64 + 1 + DOMAIN_MAX, /* RFC 5321 section 4.5.3.1 */
	LOCAL_MAX = 64,
};

static const char infix[] = "._report._dmarc.";

static const struct enum_token codes[] = {
	{ "inside", DESTINATION_INSIDE },
	{ "given", DESTINATION_GIVEN },
	{ "refused", DESTINATION_REFUSED },
	{ "misused", DESTINATION_MISUSED },
	{ "bad_uri", DESTINATION_BAD_URI },
	{ "temperror", DESTINATION_TEMPERROR },
};

const char *
destination_code_name(enum destination_code code)
{
	return enum_name(codes, ARRAY_SIZE(codes), (int)code);
}

/* ---- addresses ---- */

/* Decodes percent-encoding (RFC 3986 section 2.1). */
static void
put_decoded(struct buf *b, struct span text)
{
	for (size_t i = 0; i < text.n; i++) {
		int high = -1, low = -1;

		if (text.p[i] == '%' && text.n - i >= 3) {
			high = ascii_hex_digit((unsigned char)text.p[i + 1]);
			low = ascii_hex_digit((unsigned char)text.p[i + 2]);
		}
		if (high >= 0 && low >= 0) {
			buf_byte(b, (char)(high << 4 | low));
			i += 2;
		} else {
			buf_byte(b, text.p[i]);
		}
	}
}

static bool
is_local(unsigned char c)
{
	return c < 0x80 && (ascii_is_atext(c) || c == '.') &&
	    !span_has(SPAN("!%/|`"), (char)c);
}

/* Whether `local` is dot-atom-text (RFC 5322 section 3.2.3) without characters
 * that mail systems interpret. */
static bool
local_is_plain(struct span local)
{
	if (local.n == 0 || local.n > LOCAL_MAX || local.p[0] == '-' ||
	    local.p[0] == '.' || local.p[local.n - 1] == '.')
		return false;
	for (size_t i = 1; i < local.n; i++)
		if (local.p[i] == '.' && local.p[i - 1] == '.')
			return false;
	return span_all(local, is_local);
}

struct span
destination_address(struct arena *a, struct span uri)
{
	char memory[ADDRESS_MAX + 1];
	struct buf b = buf_wrap(memory, sizeof(memory));
	struct span to = span_skip(uri, sizeof("mailto:") - 1);

	if (!span_starts_nocase(uri, "mailto:"))
		return SPAN_NONE;
	put_decoded(&b, span_first(to, span_index(to, '?')));
	return b.full ? SPAN_NONE : destination_plain_address(a, buf_view(&b));
}

struct span
destination_plain_address(struct arena *a, struct span address)
{
	struct span local = span_first(address, span_rindex(address, '@'));
	struct span host = span_skip(address, local.n + 1);

	if (local.n == address.n || address.n > ADDRESS_MAX ||
	    !local_is_plain(local) || !domain_is_hostname(host))
		return SPAN_NONE;
	host = domain_normal(a, host);
	if (host.p == NULL || !domain_is_fqdn(host))
		return SPAN_NONE;
	struct buf out = buf_alloc(a, local.n + 1 + host.n + 1);

	buf_span(&out, local);
	buf_byte(&out, '@');
	buf_span(&out, host);
	return out.full ? SPAN_NONE : buf_view(&out);
}

static struct span
address_host(struct span address)
{
	return span_skip(address, span_rindex(address, '@') + 1);
}

/* ---- one host ---- */

struct destination_host {
	struct span name;
	const struct dns_answer *word; /* the answer for
	                                  NAME._report._dmarc.HOST */
	struct dmarc_walk walk;
};

/* RFC 9990 section 4 steps 1 to 5.  A name that is too long (step 4) yields
 * DNS_BADNAME, which is not an authorization. */
static enum core_status
host_ask(struct destination_host *h, struct span policy_domain,
    struct dns_questions *questions, struct arena *a)
{
	char memory[2 * DOMAIN_MAX + sizeof(infix)];
	struct buf b = buf_wrap(memory, sizeof(memory));
	enum core_status step = dmarc_walk(h->name, questions, a, &h->walk);

	buf_span(&b, policy_domain);
	buf_text(&b, infix);
	buf_span(&b, h->name);
	h->word = dns_ask(questions, buf_view(&b), DNS_TXT);
	return h->word->state == DNS_PENDING ? CORE_WAIT : step;
}

/*
 * RFC 9990 section 4 steps 6 to 9.  All addresses in an override must be at the
 * host of the original address; otherwise neither the original address nor the
 * override gets a report (last rule of section 4).
 */
static enum destination_code
host_word(const struct destination_host *h, const struct destination_query *q,
    struct arena *a, struct span *override, size_t *n)
{
	enum destination_code code = DESTINATION_REFUSED;
	struct dmarc_record record;
	const char *reason;
	bool replaced = false;

	*n = 0;
	for (size_t i = 0; i < h->word->n_records; i++) {
		if (dmarc_record_parse(h->word->records[i].text, &record,
			&reason) == DMARC_RECORD_NOT_DMARC)
			continue;
		code = DESTINATION_GIVEN;

		bool is_rua = q->kind == DESTINATION_RUA;
		const struct span *uris = is_rua ? record.rua : record.ruf;
		size_t n_uris = is_rua ? record.n_rua : record.n_ruf;

		for (size_t j = 0; j < n_uris; j++) {
			struct span to = destination_address(a, uris[j]);

			if (to.p == NULL)
				continue;
			if (!domain_equal(address_host(to), h->name))
				return DESTINATION_MISUSED;
			if (*n < DMARC_URIS_MAX)
				override[(*n)++] = to;
		}
		replaced |= n_uris > 0;
	}
	/* The override may have only URIs that we cannot send mail to. */
	return replaced && *n == 0 ? DESTINATION_REFUSED : code;
}

/* ---- all hosts ---- */

static void
add_address(struct destination_result *out, struct span address)
{
	for (size_t i = 0; i < out->n_addresses; i++)
		if (span_equal(out->addresses[i], address))
			return;
	if (out->n_addresses < DESTINATION_ADDRESSES_MAX)
		out->addresses[out->n_addresses++] = address;
}

struct consent_search {
	const struct destination_query *q;
	struct arena *a;
	const struct dmarc_walk *home; /* tree walk for the policy domain */
	struct destination_result *out;
};

static enum destination_code
judge_records(struct consent_search *w, const struct destination_host *h,
    struct span address)
{
	struct span override[DMARC_URIS_MAX];
	size_t n = 0;
	enum destination_code code;

	/* RFC 9990 section 4: a destination in the same organization needs no
	 * authorization. */
	if (domain_equal(h->name, w->q->policy_domain) ||
	    (!w->home->failed && !h->walk.failed &&
		domain_equal(h->walk.organizational_domain,
		    w->home->organizational_domain))) {
		add_address(w->out, address);
		return DESTINATION_INSIDE;
	}
	code = host_word(h, w->q, w->a, override, &n);
	if (code == DESTINATION_GIVEN && n == 0)
		add_address(w->out, address);
	for (size_t i = 0; code == DESTINATION_GIVEN && i < n; i++)
		add_address(w->out, override[i]);
	/* RFC 9990 section 4 step 5: try again later, also if a tree walk
	 * failed. */
	if (code == DESTINATION_REFUSED &&
	    (h->word->state == DNS_FAILED || w->home->failed || h->walk.failed))
		code = DESTINATION_TEMPERROR;
	return code;
}

enum core_status
destination_check(const struct destination_query *q,
    struct dns_questions *questions, struct arena *a,
    struct destination_result *out)
{
	size_t n = q->n_uris < DMARC_URIS_MAX ? q->n_uris : DMARC_URIS_MAX;
	struct span *addresses = arena_array(a, n + 1, sizeof(*addresses));
	struct destination_host *hosts = arena_array(a, n + 1, sizeof(*hosts));
	struct dmarc_walk home = { .failed = false };
	struct consent_search way = {
		.q = q, .a = a, .home = &home, .out = out
	};
	enum core_status step = CORE_DONE;
	bool outside = false;

	*out = (struct destination_result){ .temperror = true };
	if (addresses == NULL || hosts == NULL)
		return CORE_DONE;
	for (size_t i = 0; i < n; i++) {
		addresses[i] = destination_address(a, q->uris[i]);
		hosts[i].name = address_host(addresses[i]);
		if (addresses[i].p == NULL ||
		    domain_equal(hosts[i].name, q->policy_domain))
			continue;
		outside = true;
		if (host_ask(&hosts[i], q->policy_domain, questions, a) ==
		    CORE_WAIT)
			step = CORE_WAIT;
	}
	if (outside &&
	    dmarc_walk(q->policy_domain, questions, a, &home) == CORE_WAIT)
		step = CORE_WAIT;
	if (step == CORE_WAIT)
		return CORE_WAIT;
	out->temperror = false;
	for (size_t i = 0; i < n; i++) {
		struct destination_finding *f =
		    &out->findings[out->n_findings++];

		*f = (struct destination_finding){ .uri = q->uris[i],
			.host = hosts[i].name,
			.code = DESTINATION_BAD_URI };
		if (addresses[i].p != NULL)
			f->code = judge_records(&way, &hosts[i], addresses[i]);
		if (f->code == DESTINATION_TEMPERROR)
			out->temperror = true;
	}
	/* If an allocation failed above, the list may be incomplete. */
	if (arena_has_failed(a))
		out->temperror = true;
	return CORE_DONE;
}
