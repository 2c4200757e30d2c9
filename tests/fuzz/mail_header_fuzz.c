/* mail_header_fuzz.c - reads arbitrary bytes as the beginning of a message (RFC
 * 5322 section 2.2) */
#include <assert.h>
#include <stdint.h>

#include "lib/ascii.h"
#include "lib/buf.h"
#include "lib/domain.h"
#include "mail/header.h"
#include "mail/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 8 << 20 };

static void
check_field(const struct mail_field *f)
{
	const char *colon = f->value.p - 1;

	assert(f->name.p == f->raw.p && *colon == ':');
	assert(f->value.p + f->value.n == f->raw.p + f->raw.n);
	assert(f->name.n > 0 && span_all(f->name, ascii_is_ftext));
	for (size_t i = 0; i < f->value.n; i++) {
		if (f->value.p[i] != '\n')
			continue;
		/* each line end must be a CRLF followed by white space */
		assert(i > 0 && f->value.p[i - 1] == '\r');
		assert(i + 1 < f->value.n);
		assert(ascii_is_wsp((unsigned char)f->value.p[i + 1]));
	}
}

/* Checks that the fields are the same after being written and read again. */
static void
check_again(const struct mail_header *h, struct arena *a)
{
	struct buf b = buf_alloc(a, h->bytes + 2 * h->n + 3);
	struct mail_header again = { 0 };

	for (size_t i = 0; i < h->n; i++) {
		buf_span(&b, h->fields[i].raw);
		buf_text(&b, "\r\n");
	}
	buf_text(&b, "\r\n");
	assert(!b.full);
	assert(mail_header_read(&again, a, buf_view(&b)) == b.n);
	assert(again.n == h->n && again.bytes == h->bytes && !again.cut);
	for (size_t i = 0; i < h->n; i++)
		assert(span_equal(h->fields[i].raw, again.fields[i].raw));
}

/* Checks that a list's fields give domains in normal form (RFC 2919, RFC
 * 2369). */
static void
check_list_claims(const struct mail_header *h, struct arena *a)
{
	struct mail_list_claim claims[MAIL_LIST_CLAIMS_MAX];
	size_t n = mail_list_claims(h, a, claims);

	assert(n <= MAIL_LIST_CLAIMS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert(mail_header_find(h, claims[i].field, 0) < h->n);
		assert(domain_is_valid(claims[i].domain));
		assert(span_equal(
		    claims[i].domain, domain_normal(a, claims[i].domain)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(CAP);
	struct mail_header h = { 0 };
	size_t bytes = 0;
	size_t used;

	used = mail_header_read(&h, a, span_of((const char *)data, size));
	assert(used <= size && h.n <= MAIL_FIELDS_MAX + MAIL_AUTHOR_FIELDS);
	assert(h.bytes <= MAIL_HEADER_MAX + MAIL_AUTHOR_BYTES);
	for (size_t i = 0; i < h.n; i++) {
		check_field(&h.fields[i]);
		bytes += h.fields[i].raw.n;
		assert(mail_header_find(&h, "From", i) >= i);
	}
	assert(bytes == h.bytes);
	check_list_claims(&h, a);
	if (!h.cut)
		check_again(&h, a);
	arena_free(a);
	return 0;
}
